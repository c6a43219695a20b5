//! What a command printed: whether it is what was expected.

use crate::command::Capture;
use crate::record::{Expect, ExpectedOutput};
use crate::runner::protocol::Printed;

/// Characters of a text that a message quotes.
const QUOTED_CHARS: usize = 60;

/// What must be known of a command's stdout, to hold it to that.
pub fn capture(expect: Option<&Expect>) -> Capture {
    match expect {
        None => Capture::Nothing,
        Some(Expect::Same) => Capture::Digest,
        Some(Expect::Text(_) | Expect::Pattern(_)) => Capture::Text,
    }
}

/// Whether a run printed what is expected; where it must be the same each time, the
/// same as `first`, if that is known.
///
/// # Errors
/// In what it differs.
pub fn judge(
    expect: &Expect,
    first: Option<&ExpectedOutput>,
    printed: Option<&Printed>,
) -> Result<(), String> {
    let printed = printed.ok_or("it was not said what the command printed")?;
    let problem = match (expect, &printed.text) {
        (Expect::Same, _) => return judge_same(first, printed),
        (Expect::Text(_) | Expect::Pattern(_), None) => {
            return Err(format!("printed {} bytes, too many to be looked at", printed.bytes));
        }
        (Expect::Text(expected), Some(text)) => {
            (expected.trim() != text.trim()).then(|| quote(expected))
        }
        (Expect::Pattern(pattern), Some(text)) => {
            (!matches(pattern, text)?).then(|| format!("something like /{pattern}/"))
        }
    };
    match problem {
        None => Ok(()),
        Some(expected) => Err(format!("prints {} instead of {expected}", describe(printed))),
    }
}

/// Tests `text` against a regular expression.
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

fn judge_same(first: Option<&ExpectedOutput>, printed: &Printed) -> Result<(), String> {
    match first {
        Some(first) if first.sha256 != printed.sha256 => {
            let instead = match first.bytes == printed.bytes {
                true => format!("{} other bytes", printed.bytes),
                false => format!("{} bytes instead of {}", printed.bytes, first.bytes),
            };
            let text = printed.text.as_deref().filter(|text| !text.trim().is_empty());
            let text = text.map(|text| format!(" ({})", quote(text))).unwrap_or_default();
            Err(format!("prints something else than in its first run: {instead}{text}"))
        }
        _ => Ok(()),
    }
}

/// What was printed, fit for a message.
fn describe(printed: &Printed) -> String {
    match &printed.text {
        Some(text) if text.is_empty() => "nothing".to_string(),
        Some(text) => quote(text),
        None => format!("{} bytes", printed.bytes),
    }
}

/// The beginning of a text.
fn quote(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(QUOTED_CHARS) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?} …", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> Printed {
        let sha256 = format!("the digest of {text:?}");
        Printed { bytes: text.len() as u64, sha256, text: Some(text.to_string()) }
    }

    fn problem(expect: Expect, text: &str) -> Option<String> {
        let once = printed("once\n");
        let first =
            ExpectedOutput { label: String::new(), sha256: once.sha256.clone(), bytes: once.bytes };
        judge(&expect, Some(&first), Some(&printed(text))).err()
    }

    #[test]
    fn a_text_is_equal_but_for_blanks_and_line_breaks_at_its_ends() {
        let expect = |text: &str| problem(Expect::Text("42 7\n".to_string()), text);
        assert_eq!(expect("  42 7\n\n"), None);
        assert_eq!(expect("42  7"), Some("prints \"42  7\" instead of \"42 7\"".to_string()));
        assert_eq!(expect(""), Some("prints nothing instead of \"42 7\"".to_string()));
    }

    #[test]
    fn a_pattern_matches_somewhere() {
        let expect = |text: &str| problem(Expect::Pattern("pi = 3\\.\\d+".to_string()), text);
        assert_eq!(expect("so pi = 3.14.\n"), None);
        let other = expect("pi = 4").expect("no match");
        assert_eq!(other, "prints \"pi = 4\" instead of something like /pi = 3\\.\\d+/");
        assert!(problem(Expect::Pattern("(".to_string()), "").expect("no pattern").contains("/(/"));
    }

    #[test]
    fn the_same_is_the_same_to_the_last_byte() {
        assert_eq!(problem(Expect::Same, "once\n"), None);
        assert_eq!(
            problem(Expect::Same, "once").expect("a line break less"),
            "prints something else than in its first run: 4 bytes instead of 5 (\"once\")"
        );
        let silent = problem(Expect::Same, "").expect("silence");
        assert_eq!(silent, "prints something else than in its first run: 0 bytes instead of 5");
        assert_eq!(judge(&Expect::Same, None, Some(&printed("first"))), Ok(()));
    }

    #[test]
    fn long_texts_are_not_quoted_whole() {
        let long = problem(Expect::Text("short".to_string()), &"x".repeat(1000)).expect("other");
        assert!(long.len() < 120, "{long}");
    }
}
