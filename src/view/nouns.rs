//! Nouns and titles: what cases, calls, jobs and baselines are called in every output.

use std::collections::BTreeSet;

use super::number::{Unit, thousands, unit};
use crate::analysis::{CaseSummary, Job, Outputs, Summary, compare_outputs};
use crate::quantity::pluralize;
use crate::record::{Case, OutputCheck, Target};
use crate::view::text::cut;

/// Characters of a name in a sentence; a command line may have more.
const MAX_NAME: usize = 40;

/// The nouns of a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nouns {
    /// The singular of what is compared.
    pub one: &'static str,
    /// The plural of it.
    pub many: &'static str,
    /// A timed execution.
    pub call: &'static str,
    /// The unit of throughput.
    pub rate: Unit,
    /// True if calls have draws, chunks and workers that report what they did; else they
    /// have the costs of a process.
    pub has_workers: bool,
}

impl Nouns {
    /// The plural of a timed execution.
    pub fn calls(self) -> &'static str {
        if self.call == "run" { "runs" } else { "calls" }
    }
}

/// The nouns of each target: the one table of them.
pub const fn nouns(target: Target) -> Nouns {
    let (one, many, call, rate, has_workers) = match target {
        Target::Kernel => ("backend", "backends", "call", unit("G draws/s", 1e9), true),
        Target::Command => ("command", "commands", "run", unit("runs/s", 1.0), false),
        Target::Function => ("function", "functions", "call", unit("calls/s", 1.0), false),
    };
    Nouns { one, many, call, rate, has_workers }
}

/// The baseline: `sequential`, or the case with its threads.
pub fn baseline_name(case: &CaseSummary) -> String {
    if case.case.is_baseline() { case.case.title() } else { name_at_threads(&case.case) }
}

/// The baseline, short enough for an axis or the middle of a sentence.
pub fn short_baseline_name(case: &CaseSummary) -> String {
    if case.case.is_baseline() { case.case.title() } else { short_name_at_threads(&case.case) }
}

/// A case by its title and its threads: `rayon at 4 threads`.
pub fn name_at_threads(case: &Case) -> String {
    at_threads(&case.title(), case)
}

/// A case by its title, which is cut if it is a long command, and its threads.
pub fn short_name_at_threads(case: &Case) -> String {
    at_threads(&short_title(case), case)
}

/// The title of a case; of a command as much as a sentence bears.
pub fn short_title(case: &Case) -> String {
    if case.is_command() { cut(&case.title(), MAX_NAME) } else { case.title() }
}

fn at_threads(title: &str, case: &Case) -> String {
    let plural = if case.threads() == 1 { "" } else { "s" };
    format!("{title} at {} thread{plural}", case.count_text())
}

/// The job of a run: kernel and draws, or how many commands or functions there are; and
/// how workers were pinned.
pub fn job_title(target: Target, job: &Job<'_>) -> String {
    let settings = job.settings();
    if target.is_kernel() {
        return job_of_runs(
            target,
            settings,
            settings.baseline_draws().map_or("?".into(), thousands),
        );
    }
    let mut names: Vec<String> = job.series().into_iter().map(|series| series.name).collect();
    names.sort_unstable();
    names.dedup();
    let count = pluralize(names.len(), nouns(target).one);
    let sweep = if target.is_function() { format!("{}: ", settings.kernel) } else { String::new() };
    format!("{sweep}{count}{}", pin(settings))
}

/// The job of several runs, of which the calls may have different draws.
pub fn job_of_runs(target: Target, settings: &Case, draws: String) -> String {
    match target {
        Target::Kernel => {
            let draws = match draws.as_str() {
                "" => String::new(),
                draws => format!(", {draws} {}", draws_unit(settings)),
            };
            format!("{}{draws}{}", settings.kernel, pin(settings))
        }
        Target::Command => "commands".to_string(),
        Target::Function => format!("functions of {}", settings.kernel),
    }
}

/// The unit of the draws of a job.
pub fn draws_unit(settings: &Case) -> &'static str {
    if settings.is_weak() { "draws a worker" } else { "draws a call" }
}

/// The pin of the workers, if any: `, pinned close`.
pub fn pin(case: &Case) -> String {
    match case.pin.as_str() {
        "" | "none" => String::new(),
        pin => format!(", pinned {pin}"),
    }
}

/// The checks of the calls of a run.
pub struct Checks {
    /// The property of every call that counts; `None` of kernels, whose answers are compared.
    pub passed: Option<&'static str>,
    /// The number of calls that were checked: `72 runs`.
    pub count: String,
    /// Visits that failed.
    pub failed: usize,
}

/// The checks of the calls of a run, and their number.
pub fn checks(summary: &Summary) -> Checks {
    let failed = summary.cases.iter().map(|case| case.problems.len()).sum();
    let target = summary.target();
    if target.is_kernel() {
        let calls = thousands(summary.tally_check.calls as u64);
        return Checks { passed: None, count: calls, failed };
    }
    let count: usize = summary.cases.iter().map(|case| case.calls).sum();
    let expect = summary.run.plan.commands.as_ref().and_then(|it| it.expect.as_ref());
    let passed = match (target, expect) {
        _ if count == 0 => "nothing was measured",
        (Target::Function, _) => "every result the same",
        (_, None) => checked_outputs(summary),
        (_, Some(OutputCheck::Any)) => ENDED,
        (_, Some(OutputCheck::Same)) => "every run ended as it should and printed the same",
        (_, Some(OutputCheck::Text(_) | OutputCheck::Pattern(_))) => {
            "every run ended as it should and printed what was expected"
        }
    };
    let noun = if count == 0 { "run" } else { nouns(target).call };
    let plural = if count == 1 { "" } else { "s" };
    let count = format!("{} {noun}{plural}", thousands(count as u64));
    Checks { passed: Some(passed), count, failed }
}

/// Text on runs whose output is unknown.
const ENDED: &str = "every run ended as it should";

/// Text on the runs of commands that may print anything, with the result of the comparison of
/// their outputs. Different outputs stand above the answer.
fn checked_outputs(summary: &Summary) -> &'static str {
    let commands = compare_outputs(&summary.run.plan, &summary.cases);
    let all = |is_one: fn(&Outputs) -> bool| commands.iter().all(|it| is_one(&it.outputs));
    let labels: BTreeSet<&str> = summary.cases.iter().map(|it| it.case.label.as_str()).collect();
    if commands.len() < labels.len() {
        return ENDED;
    }
    if all(|it| *it == Outputs::Identical { bytes: 0 }) {
        "every run ended as it should and printed nothing"
    } else if all(|it| matches!(it, Outputs::Identical { .. })) {
        "every run ended as it should; output identical at all counts"
    } else if commands.iter().any(|it| it.outputs == Outputs::Varies) {
        "every run ended as it should; output varies from run to run, so it was not compared"
    } else if commands.iter().any(|it| it.outputs == Outputs::TooFewRuns) {
        "every run ended as it should; output differs, from run to run or between counts"
    } else {
        "every run ended as it should; OUTPUTS DIFFER between counts"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::COMMAND;

    #[test]
    fn a_baseline_is_named_with_all_of_its_threads() {
        let named = |nthread, inner_nthread| {
            let (backend, label) = (COMMAND.to_string(), "./prog".to_string());
            let case = Case { backend, label, nthread, inner_nthread, ..Case::default() };
            baseline_name(&CaseSummary { case, ..CaseSummary::default() })
        };
        assert_eq!(named(1, 1), "./prog at 1 thread");
        assert_eq!(named(2, 1), "./prog at 2 threads");
        assert_eq!(named(1, 2), "./prog at 1 × 2 threads");
    }
}
