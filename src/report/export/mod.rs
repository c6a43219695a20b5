//! The cases of a run in the formats of other tools, for what was written to
//! read those.

mod bencher;
mod hyperfine;
mod names;
#[cfg(test)]
mod tests;

pub use bencher::bencher;
pub use hyperfine::{hyperfine1, hyperfine2};

use crate::analysis::{CaseSummary, Summary};

/// A run in the format of another tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// JSON, with its line end.
    pub text: String,
    /// The cases that are not in it, since no visit to them counts.
    pub left_out: Vec<String>,
}

impl Export {
    fn of(summary: &Summary, object: &impl serde::Serialize) -> serde_json::Result<Export> {
        let without = summary.cases.iter().filter(|case| !is_measured(case));
        let left_out = without.map(|case| case.case.title_with_count()).collect();
        Ok(Export { text: serde_json::to_string_pretty(object)? + "\n", left_out })
    }
}

/// True if some visit to a case counts.
fn is_measured(case: &CaseSummary) -> bool {
    case.median_ns.is_some()
}
