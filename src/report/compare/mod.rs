//! Two runs compared, as text for a terminal and as Markdown for a pull request.

mod json;
mod markdown;
mod text;
mod words;

pub use json::json;
pub use markdown::markdown;
pub use text::text;

use crate::analysis::Summary;
use crate::quantity::pluralize;

/// The names of two runs: the paths that were given.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The run before.
    pub before: &'a str,
    /// The run after.
    pub after: &'a str,
}

/// The start of a run, its rounds and its warnings.
pub(super) fn when(summary: &Summary) -> String {
    let start = summary.run.sessions.first().map(|session| session.start.as_str());
    let start = start.filter(|start| !start.is_empty()).unwrap_or("at an unknown time");
    let rounds = summary.max_rounds();
    let warnings = match summary.warnings.len() {
        0 => String::new(),
        count => format!(", {}", pluralize(count, "warning")),
    };
    format!("{start}, {}{warnings}", pluralize(rounds, "round"))
}
