//! Presets of a run: sweep, quick, crossover and METG, and their defaults.

use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::UsageError;
use crate::cli::rules::Defaults;
use crate::counts::{CountSource, ThreadCounts};
use crate::kernel::DEFAULT_BLOCK;
use crate::plan::{Budget, ladder};
use crate::record::Preset;

/// Rounds of a quick run: the fewest with a 95% interval.
const QUICK_ROUNDS: u32 = 6;

/// Time budget of a quick run, in nanoseconds.
const QUICK_BUDGET_NS: u64 = 15_000_000_000;

/// Rounds of a crossover or METG run: the fewest at which one outlier at either end does not decide
/// the interval.
const CROSSING_ROUNDS: u32 = 9;

/// The defaults of a preset.
pub struct PresetDefaults {
    /// Those of the rules of the measurement.
    pub rules: Defaults,
    /// The draws of a block.
    pub block: u64,
    /// The condition for which a count of the default list is kept; the largest always is.
    keeps_count: fn(u32) -> bool,
}

/// The defaults of a preset.
pub fn defaults(preset: Preset) -> PresetDefaults {
    let crossing = |name| Defaults {
        name,
        rounds: Some(CROSSING_ROUNDS),
        budget: Budget::Forecast,
        ..Defaults::SWEEP
    };
    match preset {
        Preset::Sweep => {
            PresetDefaults { rules: Defaults::SWEEP, block: DEFAULT_BLOCK, keeps_count: |_| true }
        }
        Preset::Quick => PresetDefaults {
            rules: Defaults {
                name: "--quick",
                rounds: Some(QUICK_ROUNDS),
                budget: Budget::Given(QUICK_BUDGET_NS),
                ..Defaults::SWEEP
            },
            block: DEFAULT_BLOCK,
            keeps_count: |count| count <= 2,
        },
        Preset::Crossover => PresetDefaults {
            // Jobs may last microseconds only: several calls share the cost of starting the process.
            rules: Defaults { calls: (2, 5), ..crossing("--crossover") },
            block: ladder::CROSSOVER_BLOCK,
            // 2, 8, 32 …
            keeps_count: |count| count.is_power_of_two() && count.ilog2() % 2 == 1,
        },
        Preset::Metg => PresetDefaults {
            rules: crossing("harness metg"),
            block: ladder::METG_BLOCK,
            keeps_count: |_| false,
        },
    }
}

/// The preset of a run: that of `verb`, else that of a switch, else that of a variable.
pub fn preset(options: &SweepOptions, verb: Preset) -> Result<Preset, UsageError> {
    let flag = match (options.quick.flag(), options.crossover.flag()) {
        (Some(quick), Some(crossover)) => {
            return Err(UsageError(format!("{crossover} excludes {quick}; leave one of them out")));
        }
        (Some(quick), None) => Some((quick, Preset::Quick)),
        (None, Some(crossover)) => Some((crossover, Preset::Crossover)),
        (None, None) => None,
    };
    // A flag beats the variable of another preset; two flags, or two variables, contradict each other.
    let preset = match (verb, flag) {
        (Preset::Metg, Some((flag, _))) => {
            return Err(UsageError(format!(
                "{flag}: `harness metg` excludes it; leave one of them out"
            )));
        }
        (Preset::Sweep, Some((_, preset))) => preset,
        (Preset::Sweep, None) => match (options.quick.is_on()?, options.crossover.is_on()?) {
            (true, true) => {
                let problem = "HARNESS_CROSSOVER and HARNESS_QUICK: set only one of them";
                return Err(UsageError(problem.to_string()));
            }
            (true, false) => Preset::Quick,
            (false, true) => Preset::Crossover,
            (false, false) => Preset::Sweep,
        },
        (verb, _) => verb,
    };
    match options.weak.flag().filter(|_| preset.measures_threshold()) {
        Some(weak) => Err(UsageError(format!(
            "{weak}: {} varies the size of the work itself; leave it out",
            defaults(preset).rules.name
        ))),
        None => Ok(preset),
    }
}

/// The preset of a sweep of commands: a full or a quick one.
///
/// # Errors
/// If the variable of `--quick` is neither 1 nor 0.
pub fn preset_of_commands(options: &SweepOptions) -> Result<Preset, UsageError> {
    Ok(if options.quick.is_on()? { Preset::Quick } else { Preset::Sweep })
}

/// The thread counts of a run. A given list stays as it is. Of the default list, a preset keeps some
/// counts and the largest.
pub fn counts(preset: Preset, counts: &ThreadCounts) -> Vec<u32> {
    if matches!(counts.source, CountSource::Flag | CountSource::Variable("HARNESS_NTHREAD")) {
        return counts.counts.clone();
    }
    let (keeps_count, last) = (defaults(preset).keeps_count, counts.counts.last());
    let kept = counts.counts.iter().filter(|count| keeps_count(**count) || Some(*count) == last);
    kept.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts_of(counts: Vec<u32>) -> ThreadCounts {
        let usable = 48;
        ThreadCounts {
            counts,
            source: CountSource::UsableCpus,
            value: None,
            usable,
            notes: Vec::new(),
        }
    }

    #[test]
    fn presets_with_other_axes_keep_few_thread_counts() {
        let all = counts_of(vec![1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]);
        assert_eq!(counts(Preset::Sweep, &all), all.counts);
        assert_eq!(counts(Preset::Quick, &all), [1, 2, 48]);
        assert_eq!(counts(Preset::Crossover, &all), [2, 8, 32, 48]);
        assert_eq!(counts(Preset::Metg, &all), [48]);
        assert_eq!(counts(Preset::Crossover, &counts_of(vec![1])), [1]);
    }

    #[test]
    fn a_switch_flag_beats_the_variable_of_another() {
        let preset = |words: &[&str], variables: &[&str], verb| {
            preset(&SweepOptions::parsed(words, variables), verb)
        };
        let crossover = ["HARNESS_CROSSOVER"];
        assert_eq!(preset(&[], &crossover, Preset::Sweep).expect("one"), Preset::Crossover);
        assert_eq!(preset(&["--quick"], &crossover, Preset::Sweep).expect("one"), Preset::Quick);
        assert_eq!(preset(&[], &crossover, Preset::Metg).expect("one"), Preset::Metg);
        assert!(preset(&[], &["HARNESS_CROSSOVER", "HARNESS_QUICK"], Preset::Sweep).is_err());
    }
}
