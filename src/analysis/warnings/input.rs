//! What was odd about the files of a run.

use super::{Code, Warning};
use crate::visits::{Oddity, Remark};

/// The warning of a remark: where the oddity was seen first, what follows from it,
/// and how often it was seen.
pub fn warning(remark: &Remark) -> Warning {
    let (consequence, advice) = words(remark.oddity);
    let more = match remark.times {
        1 => String::new(),
        times => format!(" (and {} more)", times - 1),
    };
    Warning {
        code: Code::Input,
        message: format!("{}; {consequence}{more}", remark.first),
        advice: advice.to_string(),
        cases: Vec::new(),
    }
}

/// What follows from an oddity, and what to try.
fn words(oddity: Oddity) -> (&'static str, &'static str) {
    const UNHARMED: &str = "find out what changed the file: the harness only ever appends to it";
    match oddity {
        Oddity::NoRun => (
            "the cases are those of the rows, the machine is unknown, and answers are compared \
             with the first one to their job, not with a reference",
            "put the run.json of the run beside its samples.csv",
        ),
        Oddity::Answers => (
            "calls of one job answered differently, and nobody knows which is right",
            "quote nothing of this; put the run.json of the run beside its samples.csv",
        ),
        Oddity::Line => ("its visit does not count", UNHARMED),
        Oddity::Schema => (
            "it is left out, and so are visits beside it that may be torn",
            "read it with the version of the harness that wrote it",
        ),
        Oddity::Contradiction => ("the visit does not count", UNHARMED),
        Oddity::UnknownCase => {
            ("its visits are left out", "see whether run.json and samples.csv are of the same run")
        }
        Oddity::NoLastRow => ("it does not count", UNHARMED),
        Oddity::Order => ("of a group that both measured, the later session counts", UNHARMED),
        Oddity::Scattered => ("they were put together", UNHARMED),
        Oddity::Duplicate => ("it counts once", UNHARMED),
        Oddity::MissingColumn => (
            "what it would say is taken for unknown",
            "use the samples.csv as the harness wrote it",
        ),
        Oddity::StrangeColumn => {
            ("it is passed over", "append columns of your own at the end, or keep them elsewhere")
        }
        Oddity::Torn => ("it is left out", "harness resume goes on with a run that was cut short"),
        Oddity::Empty => ("there is nothing to report", "harness resume goes on with the run"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_says_where_first_and_how_often() {
        let first = "samples.csv, line 7, column wall_ns: \"x\" is no whole number".to_string();
        let said = |times| {
            let remark = Remark { oddity: Oddity::Line, first: first.clone(), times };
            warning(&remark).message
        };
        assert_eq!(said(1), format!("{first}; its visit does not count"));
        assert_eq!(said(13), format!("{first}; its visit does not count (and 12 more)"));
    }
}
