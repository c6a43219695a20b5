//! Warnings about the files of a run.

use super::{Code, Warning};
use crate::visits::{DataIssue, IssueKind};

/// Converts an issue to a warning: the first occurrence, its consequence, and the number
/// of further occurrences.
pub fn warning(issue: &DataIssue) -> Warning {
    let (consequence, advice) = consequence_and_advice(issue.kind);
    let more = match issue.count {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Warning {
        code: Code::Input,
        message: format!("{}; {consequence}{more}", issue.first),
        advice: advice.to_string(),
        cases: Vec::new(),
    }
}

/// Consequence of an issue, and advice.
fn consequence_and_advice(kind: IssueKind) -> (&'static str, &'static str) {
    const FIND_CHANGE: &str = "find out what changed the file: the harness only ever appends to it";
    match kind {
        IssueKind::NoRun => (
            "the cases are those of the rows, the machine is unknown, and tallies are compared \
             with the first one of their job instead of a reference",
            "put the run.json of the run beside its samples.csv",
        ),
        IssueKind::DifferentTallies => (
            "calls of the same job returned different tallies, and there is no reference to \
             tell which is right",
            "do not use these results; put the run.json of the run beside its samples.csv",
        ),
        IssueKind::DamagedLine => ("its visit does not count", FIND_CHANGE),
        IssueKind::OtherSchema => (
            "the line is left out, and so are visits beside it that may be incomplete",
            "read the file with the version of the harness that wrote it",
        ),
        IssueKind::Contradiction | IssueKind::NonContiguous => {
            ("the visit does not count", FIND_CHANGE)
        }
        IssueKind::UnknownCase => {
            ("its visits are left out", "check that run.json and samples.csv are of the same run")
        }
        IssueKind::NoLastRow => ("it does not count", FIND_CHANGE),
        IssueKind::SessionOrder => {
            ("if both measured a group, the later session counts", FIND_CHANGE)
        }
        IssueKind::Duplicate => ("it counts once", FIND_CHANGE),
        IssueKind::MissingColumn => {
            ("its values are unknown", "use the samples.csv as the harness wrote it")
        }
        IssueKind::UnknownColumn => {
            ("it is ignored", "append your own columns at the end, or keep them elsewhere")
        }
        IssueKind::Torn => {
            ("the line is left out", "continue an interrupted run with `harness resume`")
        }
        IssueKind::Empty => {
            ("there is nothing to report", "continue the run with `harness resume`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_has_the_first_occurrence_and_the_count() {
        let first = "samples.csv, line 7, column wall_ns: \"x\" is not an integer".to_string();
        let message = |count| {
            let issue = DataIssue { kind: IssueKind::DamagedLine, first: first.clone(), count };
            warning(&issue).message
        };
        assert_eq!(message(1), format!("{first}; its visit does not count"));
        assert_eq!(message(13), format!("{first}; its visit does not count (and 12 more)"));
    }
}
