//! Check of a command's output against what it is expected to print.

use crate::command::Capture;
use crate::record::{CommandPlan, ExpectedOutput, OutputCheck, OutputPolicy};
use crate::runner::protocol::CapturedOutput;

/// Longest quotation of a text in a message.
const MAX_QUOTED_CHARS: usize = 60;

/// Part of the commands' stdout that the check needs. Output that may be anything is digested as
/// well, to tell whether it depends on the number of threads.
pub fn capture(commands: &CommandPlan) -> Capture {
    match &commands.expect {
        // A pipe could change what is shown, for example its colours.
        None if commands.output == OutputPolicy::Show => Capture::Nothing,
        None | Some(OutputCheck::Same) => Capture::Digest,
        Some(OutputCheck::Any) => Capture::Nothing,
        Some(OutputCheck::Text(_) | OutputCheck::Pattern(_)) => Capture::Text,
    }
}

/// Checks the output of a run. Where it must be the same each time, it is compared with
/// `first`, if that is known.
///
/// # Errors
/// If it differs.
pub fn check(
    expect: &OutputCheck,
    first: Option<&ExpectedOutput>,
    output: Option<&CapturedOutput>,
) -> Result<(), String> {
    let output = match expect {
        OutputCheck::Any => return Ok(()),
        _ => output.ok_or("the output of the command was not reported")?,
    };
    let problem = match (expect, &output.text) {
        (OutputCheck::Any, _) => None,
        (OutputCheck::Same, _) => return check_same(first, output),
        (OutputCheck::Text(_) | OutputCheck::Pattern(_), None) => {
            return Err(format!("prints {} bytes, too many for a comparison", output.bytes));
        }
        (OutputCheck::Text(expected), Some(text)) => {
            (expected.trim() != text.trim()).then(|| quote(expected))
        }
        (OutputCheck::Pattern(pattern), Some(text)) => {
            (!matches(pattern, text)?).then(|| format!("a match of /{pattern}/"))
        }
    };
    match problem {
        None => Ok(()),
        Some(expected) => Err(format!("prints {} instead of {expected}", describe(output))),
    }
}

/// Tells whether a regular expression matches anywhere in a text.
#[cfg(feature = "program")]
fn matches(pattern: &str, text: &str) -> Result<bool, String> {
    let regex = regex::Regex::new(pattern).map_err(|error| format!("/{pattern}/: {error}"))?;
    Ok(regex.is_match(text))
}

/// Fails: only the program sweeps commands, and has regular expressions.
#[cfg(not(feature = "program"))]
fn matches(pattern: &str, _text: &str) -> Result<bool, String> {
    Err(format!("/{pattern}/: this build of nthread lacks its feature `program`"))
}

/// Compares the output of a run with that of the first.
fn check_same(first: Option<&ExpectedOutput>, output: &CapturedOutput) -> Result<(), String> {
    match first {
        Some(first) if first.sha256 != output.sha256 => {
            let difference = match first.bytes == output.bytes {
                true => format!("{} different bytes", output.bytes),
                false => format!("{} bytes instead of {}", output.bytes, first.bytes),
            };
            let text = output.text.as_deref().filter(|text| !text.trim().is_empty());
            let text = text.map(|text| format!(" ({})", quote(text))).unwrap_or_default();
            Err(format!("the output differs from that of the first run: {difference}{text}"))
        }
        _ => Ok(()),
    }
}

/// Text for an output.
fn describe(output: &CapturedOutput) -> String {
    match &output.text {
        Some(text) if text.is_empty() => "nothing".to_string(),
        Some(text) => quote(text),
        None => format!("{} bytes", output.bytes),
    }
}

/// Quotation of the beginning of a text.
fn quote(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?} …", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &str) -> CapturedOutput {
        let sha256 = format!("the digest of {text:?}");
        CapturedOutput { bytes: text.len() as u64, sha256, text: Some(text.to_string()) }
    }

    fn problem(expect: OutputCheck, text: &str) -> Option<String> {
        let once = output("once\n");
        let first =
            ExpectedOutput { label: String::new(), sha256: once.sha256.clone(), bytes: once.bytes };
        check(&expect, Some(&first), Some(&output(text))).err()
    }

    #[test]
    fn blanks_and_line_breaks_at_the_ends_of_a_text_are_ignored() {
        let expect = |text: &str| problem(OutputCheck::Text("42 7\n".to_string()), text);
        assert_eq!(expect("  42 7\n\n"), None);
        assert_eq!(expect("42  7"), Some("prints \"42  7\" instead of \"42 7\"".to_string()));
        assert_eq!(expect(""), Some("prints nothing instead of \"42 7\"".to_string()));
    }

    #[test]
    fn a_pattern_may_match_anywhere() {
        let expect = |text: &str| problem(OutputCheck::Pattern("pi = 3\\.\\d+".to_string()), text);
        assert_eq!(expect("so pi = 3.14.\n"), None);
        let other = expect("pi = 4").expect("no match");
        assert_eq!(other, "prints \"pi = 4\" instead of a match of /pi = 3\\.\\d+/");
        assert!(
            problem(OutputCheck::Pattern("(".to_string()), "").expect("no pattern").contains("/(/")
        );
    }

    #[test]
    fn the_same_output_is_equal_to_the_last_byte() {
        assert_eq!(problem(OutputCheck::Same, "once\n"), None);
        assert_eq!(
            problem(OutputCheck::Same, "once").expect("a line break less"),
            "the output differs from that of the first run: 4 bytes instead of 5 (\"once\")"
        );
        let empty = problem(OutputCheck::Same, "").expect("no output");
        assert_eq!(empty, "the output differs from that of the first run: 0 bytes instead of 5");
        assert_eq!(check(&OutputCheck::Same, None, Some(&output("first"))), Ok(()));
    }

    #[test]
    fn only_the_beginning_of_a_long_text_is_quoted() {
        let long =
            problem(OutputCheck::Text("short".to_string()), &"x".repeat(1000)).expect("other");
        assert!(long.len() < 120, "{long}");
    }
}
