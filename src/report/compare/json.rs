//! A comparison as JSON.

use serde::Serialize;

use super::Names;
use crate::analysis::{Comparison, Summary};

/// The whole object.
#[derive(Serialize)]
struct Document<'a> {
    before: End<'a>,
    after: End<'a>,
    baseline_moved: bool,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// The identity of a run.
#[derive(Serialize)]
struct End<'a> {
    dir: &'a str,
    start: Option<&'a str>,
    rounds: usize,
}

/// The comparison as one object: docs/FORMAT.md has its keys.
///
/// # Errors
/// Where a value has no form in JSON.
pub fn json(
    comparison: &Comparison,
    [before, after]: [&Summary; 2],
    names: Names<'_>,
) -> serde_json::Result<String> {
    let document = Document {
        before: end(before, names.before),
        after: end(after, names.after),
        baseline_moved: !comparison.moved_baselines().is_empty(),
        comparison,
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn end<'a>(summary: &'a Summary, dir: &'a str) -> End<'a> {
    let start = summary.run.sessions.first().map(|session| session.start.as_str());
    let rounds = summary.max_rounds();
    End { dir, start, rounds }
}
