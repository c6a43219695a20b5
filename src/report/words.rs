//! What the things of a run are called. What is compared in a sweep of kernels are
//! backends, against a sequential loop; elsewhere commands or functions, against one
//! of them.

use super::numbers::thousands;
use super::prose::cut;
use super::table::pinned;
use crate::analysis::{CaseSummary, Job, Summary};
use crate::record::{Case, Expect, Subject};

/// A name in a sentence is not longer: a command line may be.
const LONGEST_NAME: usize = 40;

/// What the cases of a sweep are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// One that is compared.
    pub one: &'static str,
    /// Several.
    pub many: &'static str,
    /// What is timed.
    pub call: &'static str,
}

/// What a case is one of, by its settings: rows without a run.json have no other.
pub fn subject(case: &Case) -> Subject {
    if case.is_command() {
        Subject::Commands
    } else if case.draws.is_none() && case.block == 0 {
        Subject::Functions
    } else {
        Subject::Kernels
    }
}

/// What the cases of a job are called.
pub fn words(case: &Case) -> Words {
    let (one, many, call) = match subject(case) {
        Subject::Kernels => ("backend", "backends", "call"),
        Subject::Commands => ("command", "commands", "run"),
        Subject::Functions => ("function", "functions", "call"),
    };
    Words { one, many, call }
}

/// What the baseline is called: `sequential`, or the case with its threads.
pub fn name_of_baseline(case: &CaseSummary) -> String {
    if case.case.is_baseline() { case.case.title() } else { who(&case.case) }
}

/// The same, short enough for an axis or the middle of a sentence.
pub fn short_name_of_baseline(case: &CaseSummary) -> String {
    match case.case.is_baseline() {
        true => case.case.title(),
        false => short_who(&case.case),
    }
}

/// A case in words: its title and its threads.
pub fn who(case: &Case) -> String {
    format!("{} at {}", case.title(), threads(case))
}

/// The same in a sentence, which does not bear a long command.
pub fn short_who(case: &Case) -> String {
    format!("{} at {}", short_title(case), threads(case))
}

/// The title of a case; of a command as much as a sentence bears.
pub fn short_title(case: &Case) -> String {
    if case.is_command() { cut(&case.title(), LONGEST_NAME) } else { case.title() }
}

fn threads(case: &Case) -> String {
    let plural = if case.threads() == 1 { "" } else { "s" };
    format!("{} thread{plural}", case.count())
}

/// What a job is: kernel and draws, or how many commands or functions there are; and
/// how workers were pinned.
pub fn title_of_job(job: &Job<'_>) -> String {
    let settings = job.settings();
    let words = words(settings);
    let mut titles: Vec<&str> = Vec::new();
    let series = job.series();
    for series in &series {
        if !titles.contains(&series.name.as_str()) {
            titles.push(&series.name);
        }
    }
    let noun = if titles.len() == 1 { words.one } else { words.many };
    let what = match subject(settings) {
        Subject::Commands => format!("{} {noun}", titles.len()),
        Subject::Functions => format!("{}: {} {noun}", settings.kernel, titles.len()),
        Subject::Kernels => {
            let whose = if settings.is_weak() { "worker" } else { "call" };
            let draws = settings.share().map_or("?".to_string(), thousands);
            format!("{}, {draws} draws a {whose}", settings.kernel)
        }
    };
    format!("{what}{}", pinned(settings))
}

/// What became of the calls of a run of commands or functions: whether each did what
/// it should, and how many did; `None` of kernels, whose answers are compared.
pub fn what_was_checked(summary: &Summary) -> Option<(&'static str, String)> {
    let first = summary.cases.first()?;
    let count: usize = summary.cases.iter().map(|case| case.calls).sum();
    let expect = summary.run.plan.commands.as_ref().and_then(|it| it.expect.as_ref());
    let (what, noun) = match (subject(&first.case), expect) {
        (Subject::Kernels, _) => return None,
        (_, _) if count == 0 => ("nothing was measured", "run"),
        (Subject::Functions, _) => ("every result the same", "call"),
        (Subject::Commands, None) => ("every run ended as it should", "run"),
        (Subject::Commands, Some(Expect::Same)) => {
            ("every run ended as it should and printed the same", "run")
        }
        (Subject::Commands, Some(Expect::Text(_) | Expect::Pattern(_))) => {
            ("every run ended as it should and printed what was expected", "run")
        }
    };
    let plural = if count == 1 { "" } else { "s" };
    Some((what, format!("{} {noun}{plural}", thousands(count as u64))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::COMMAND;

    #[test]
    fn a_plain_loop_among_functions_is_a_function() {
        let case = |kernel: &str, block, draws| {
            let backend = crate::record::BASELINE.to_string();
            Case { kernel: kernel.to_string(), backend, block, draws, ..Case::default() }
        };
        assert_eq!(subject(&case("sum", 0, None)), Subject::Functions);
        assert_eq!(subject(&case("pi", 64, Some(64))), Subject::Kernels);
        assert_eq!(subject(&case("pi", 64, None)), Subject::Kernels, "not calibrated yet");
    }

    #[test]
    fn a_baseline_is_called_by_all_of_its_threads() {
        let called = |nthread, inner_nthread| {
            let (backend, label) = (COMMAND.to_string(), "./prog".to_string());
            let case = Case { backend, label, nthread, inner_nthread, ..Case::default() };
            name_of_baseline(&CaseSummary { case, ..CaseSummary::default() })
        };
        assert_eq!(called(1, 1), "./prog at 1 thread");
        assert_eq!(called(2, 1), "./prog at 2 threads");
        assert_eq!(called(1, 2), "./prog at 1 × 2 threads");
    }
}
