//! Presets of a run: sweep, quick, crossover and METG, and their defaults.

use super::args::sweep::SweepOptions;
use super::given::{Typed as _, UsageError};
use crate::counts::{CountSource, ThreadCounts};
use crate::record::Preset;

/// Rounds of a quick run: the fewest with a 95% interval.
const QUICK_ROUNDS: u32 = 6;

/// Rounds of a crossover or METG run: the fewest at which one outlier at either end does not decide
/// the interval.
const CROSSING_ROUNDS: u32 = 9;

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
    match options.weak.flag().filter(|_| matches!(preset, Preset::Crossover | Preset::Metg)) {
        Some(weak) => Err(UsageError(format!(
            "{weak}: {} varies the size of the work itself; leave it out",
            name(preset)
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

/// The name of a preset in messages.
pub fn name(preset: Preset) -> &'static str {
    match preset {
        Preset::Sweep => "a sweep",
        Preset::Quick => "--quick",
        Preset::Crossover => "--crossover",
        Preset::Metg => "harness metg",
    }
}

/// The fixed number of rounds of a preset; `None` if the precision ends the run.
pub fn rounds(preset: Preset) -> Option<u32> {
    match preset {
        Preset::Sweep => None,
        Preset::Quick => Some(QUICK_ROUNDS),
        Preset::Crossover | Preset::Metg => Some(CROSSING_ROUNDS),
    }
}

/// The default warm-up calls and measured calls of a visit. Jobs of a crossover may last
/// microseconds only: several calls share the cost of starting the process.
pub fn calls(preset: Preset) -> (u32, u32) {
    match preset {
        Preset::Sweep | Preset::Quick | Preset::Metg => (1, 1),
        Preset::Crossover => (2, 5),
    }
}

/// The thread counts of a run. A given list stays as it is. Of the default list a quick run keeps
/// 1, 2 and the largest, a crossover 2, 8, 32 … and the largest, and METG the largest.
pub fn counts(preset: Preset, counts: &ThreadCounts) -> Vec<u32> {
    let is_given =
        matches!(counts.source, CountSource::Flag | CountSource::Variable("HARNESS_NTHREAD"));
    let last = counts.counts.last().copied();
    let is_sparse = |count: u32| count.is_power_of_two() && count.ilog2() % 2 == 1;
    let keep = |count: &u32| {
        let is_kept = match preset {
            Preset::Sweep => true,
            Preset::Quick => *count <= 2,
            Preset::Crossover => is_sparse(*count),
            Preset::Metg => false,
        };
        is_given || is_kept || Some(*count) == last
    };
    counts.counts.iter().copied().filter(keep).collect()
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
