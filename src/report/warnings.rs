//! Warnings as text: what was seen, and what to try.

use std::fmt::Write as _;

use crate::analysis::{Summary, Warning};
use crate::quantity::pluralize;
use crate::view::text::clean;

/// The `most` worst warnings, and how many more there are.
pub fn warnings(summary: &Summary, most: usize) -> String {
    let mut text = String::new();
    for Warning { message, advice, .. } in summary.warnings.iter().take(most) {
        let _ = writeln!(text, "warning: {}\n  try: {}", clean(message), clean(advice));
    }
    let more = summary.warnings.len().saturating_sub(most);
    if more > 0 {
        let more = pluralize(more, "more warning");
        let _ = writeln!(text, "{more}: harness report shows all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Code;

    fn warning(message: &str) -> Warning {
        Warning {
            code: Code::Drift,
            message: message.to_string(),
            advice: "wait".to_string(),
            cases: Vec::new(),
        }
    }

    #[test]
    fn the_worst_are_shown_and_the_others_counted() {
        let warnings_of = |messages: &[&str]| Summary {
            warnings: messages.iter().map(|message| warning(message)).collect(),
            ..Summary::default()
        };
        assert_eq!(warnings(&warnings_of(&[]), 2), "");
        assert_eq!(warnings(&warnings_of(&["a"]), 2), "warning: a\n  try: wait\n");
        let three = warnings(&warnings_of(&["a", "b", "c"]), 2);
        assert!(
            three.ends_with("warning: b\n  try: wait\n1 more warning: harness report shows all\n")
        );
    }
}
