//! Sentences in lines that fit the terminal.

use crate::view::text::{clean, cut, length};

/// The width of a terminal.
pub const WIDTH: usize = 80;

/// The indentation of every line of a sentence but the first.
const INDENT: &str = "  ";

/// A sentence in lines of at most [`WIDTH`], the later ones indented, each with its
/// end. A number keeps its unit beside it; what is longer than a line is cut.
pub fn wrapped(sentence: &str) -> String {
    let sentence = clean(sentence);
    let mut units: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match units.last_mut() {
            Some(last) if is_number(last) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => units.push(word.to_string()),
        }
    }
    let mut out = String::new();
    let mut used = 0;
    // Greedy line breaks: a unit that does not fit begins the next line.
    for unit in units {
        let unit = cut(&unit, WIDTH - INDENT.len());
        let length = length(&unit);
        if used > 0 && used + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(INDENT);
            used = INDENT.len();
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(&unit);
        used += length;
    }
    out.push('\n');
    out
}

fn is_number(word: &str) -> bool {
    word.ends_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| "0123456789.,".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_broken_between_words_but_not_before_a_unit() {
        let text = wrapped(&"word ".repeat(40));
        assert!(text.lines().all(|line| length(line) <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("  word")), "{text}");
        assert_eq!(text.split_whitespace().count(), 40);
        let filled = "x".repeat(74);
        assert_eq!(wrapped(&format!("{filled} 40 µs")), format!("{filled} 40 µs\n"));
        assert_eq!(wrapped(&format!("{filled}x 40 µs")), format!("{filled}x\n  40 µs\n"));
        assert_eq!(wrapped("short"), "short\n");
        assert_eq!(wrapped(""), "\n");
    }

    #[test]
    fn a_word_longer_than_a_line_loses_its_middle() {
        let text = wrapped(&format!("a {}", "x".repeat(200)));
        assert!(text.lines().all(|line| length(line) <= WIDTH) && text.contains("x…x"), "{text}");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\n"), "a [31mb ");
        assert_eq!(wrapped("a\x1b[31mb\nc"), "a [31mb c\n");
    }
}
