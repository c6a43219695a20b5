//! What a run asks, and what follows from that where nothing else is said.

use super::options::SweepOptions;
use super::values::{Lookup, Origin, UsageError, given, switch};
use crate::counts::{CountSource, ThreadCounts};
use crate::record::Preset;

/// Rounds of a quick run: the fewest that have a 95% interval.
const QUICK_ROUNDS: u32 = 6;

/// Rounds of a run that asks where something crosses: the fewest of which one wild
/// round at either end does not decide on the interval.
const CROSSING_ROUNDS: u32 = 9;

/// What a run asks: `verb` does, if it is not a plain sweep, else a switch. Of two
/// wishes that cannot both be had, a flag beats a variable.
pub fn preset(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    verb: Preset,
) -> Result<Preset, UsageError> {
    let typed = match (options.quick, options.crossover) {
        (true, true) => {
            return Err(UsageError(
                "--crossover: it has rules of its own; leave --quick out".to_string(),
            ));
        }
        (true, false) => Some(("--quick", Preset::Quick)),
        (false, true) => Some(("--crossover", Preset::Crossover)),
        (false, false) => None,
    };
    let asked = match (verb, typed) {
        (Preset::Metg, Some((flag, _))) => {
            return Err(UsageError(format!(
                "{flag}: `harness metg` has rules of its own; leave it out, or leave metg out"
            )));
        }
        (Preset::Sweep, Some((_, preset))) => preset,
        (Preset::Sweep, None) => from_variables(lookup)?,
        (verb, _) => verb,
    };
    if options.weak && matches!(asked, Preset::Crossover | Preset::Metg) {
        let reason = "--weak: the work must not grow with the workers when its size is asked for";
        return Err(UsageError(format!("{reason}; leave it out")));
    }
    Ok(asked)
}

/// What a run of commands asks: all counts, or few of them in few rounds. Variables
/// of what only backends have are passed over.
///
/// # Errors
/// If the variable of `--quick` says neither yes nor no.
pub fn of_commands(options: &SweepOptions, lookup: Lookup<'_>) -> Result<Preset, UsageError> {
    let is_quick = switch("--quick", options.quick, lookup)?;
    Ok(if is_quick { Preset::Quick } else { Preset::Sweep })
}

fn from_variables(lookup: Lookup<'_>) -> Result<Preset, UsageError> {
    let is_quick = switch("--quick", false, lookup)?;
    match (is_quick, switch("--crossover", false, lookup)?) {
        (true, true) => {
            Err(UsageError("HARNESS_CROSSOVER and HARNESS_QUICK: set only one of them".to_string()))
        }
        (true, false) => Ok(Preset::Quick),
        (false, true) => Ok(Preset::Crossover),
        (false, false) => Ok(Preset::Sweep),
    }
}

/// What a run is called in messages.
pub fn name(preset: Preset) -> &'static str {
    match preset {
        Preset::Sweep => "a sweep",
        Preset::Quick => "--quick",
        Preset::Crossover => "--crossover",
        Preset::Metg => "harness metg",
    }
}

/// Rounds of a run that makes a fixed number of them; `None` for one that ends by
/// its precision.
pub fn rounds(preset: Preset) -> Option<u32> {
    match preset {
        Preset::Sweep => None,
        Preset::Quick => Some(QUICK_ROUNDS),
        Preset::Crossover | Preset::Metg => Some(CROSSING_ROUNDS),
    }
}

/// Calls of a visit: not counted, counted. A single call of some microseconds says
/// little, and a process for each would cost more than all calls.
pub fn calls(preset: Preset) -> (u32, u32) {
    match preset {
        Preset::Sweep | Preset::Quick | Preset::Metg => (1, 1),
        Preset::Crossover => (2, 5),
    }
}

/// The thread counts of a run. A list that somebody gave stays as it is, else:
/// one, two and all for a quick one; 2, 8, 32 … and all where jobs make an axis of
/// their own; all where chunks do.
pub fn counts(preset: Preset, counts: &ThreadCounts) -> Vec<u32> {
    let is_given =
        matches!(counts.source, CountSource::Flag | CountSource::Variable("HARNESS_NTHREAD"));
    let last = counts.counts.last().copied();
    let is_sparse = |count: u32| count.is_power_of_two() && count.ilog2() % 2 == 1;
    let keep = |count: &u32| {
        let suits = match preset {
            Preset::Sweep => true,
            Preset::Quick => *count <= 2,
            Preset::Crossover => is_sparse(*count),
            Preset::Metg => false,
        };
        is_given || suits || Some(*count) == last
    };
    counts.counts.iter().copied().filter(keep).collect()
}

/// What was given for an option in which a preset has rules of its own: something
/// unfit that was typed is an error, a variable that is unfit is passed over.
///
/// # Errors
/// What `problem` finds in a value that was typed.
pub fn suited<T>(
    flag: &'static str,
    typed: Option<&str>,
    lookup: Lookup<'_>,
    value: T,
    problem: impl Fn(&T) -> Option<String>,
) -> Result<Option<T>, UsageError> {
    let Some(given) = given(flag, typed, lookup) else { return Ok(None) };
    match problem(&value) {
        None => Ok(Some(value)),
        Some(problem) if matches!(given.origin, Origin::Flag(_)) => Err(given.error(problem)),
        Some(_) => Ok(None),
    }
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
    fn few_counts_suffice_where_jobs_or_chunks_are_the_axis() {
        let all = counts_of(vec![1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]);
        assert_eq!(counts(Preset::Sweep, &all), all.counts);
        assert_eq!(counts(Preset::Quick, &all), [1, 2, 48]);
        assert_eq!(counts(Preset::Crossover, &all), [2, 8, 32, 48]);
        assert_eq!(counts(Preset::Metg, &all), [48]);
        assert_eq!(counts(Preset::Crossover, &counts_of(vec![1])), [1]);
    }

    #[test]
    fn a_switch_that_was_typed_beats_the_variable_of_another() {
        let crossover = |name: &str| (name == "HARNESS_CROSSOVER").then(|| "1".to_string());
        let quick = SweepOptions { quick: true, ..SweepOptions::default() };
        let plain = SweepOptions::default();
        assert_eq!(preset(&plain, &crossover, Preset::Sweep).expect("one"), Preset::Crossover);
        assert_eq!(preset(&quick, &crossover, Preset::Sweep).expect("one"), Preset::Quick);
        assert_eq!(preset(&plain, &crossover, Preset::Metg).expect("one"), Preset::Metg);
        assert!(preset(&plain, &|_| Some("1".to_string()), Preset::Sweep).is_err());
    }
}
