//! Text of files inside GitHub-flavoured Markdown, so that none of it becomes
//! markup: a label may hold anything.

use std::fmt::Write as _;
use std::path::Path;

/// Text that reads as it is, in a paragraph or in the cell of a table: on one
/// line, and every character that could mean something escaped. Space at its ends
/// goes: it would keep stars around the text from making it bold.
pub fn text(field: &str) -> String {
    let field = field.trim_matches(|it: char| it.is_whitespace() || it.is_control());
    let mut out = String::with_capacity(field.len());
    for (at, character) in field.char_indices() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' | '!' => {
                out.push('\\');
                out.push(character);
            }
            // A word joiner, which nobody sees: else GitHub tells a user of that
            // name, or makes a link of an address.
            '@' => out.push_str("@&#8288;"),
            // Else GitHub makes links of `https://…` and `www.…`.
            ':' if field[at..].starts_with("://") => out.push_str("\\:"),
            '.' if ends_with_www(&field[..at]) => out.push_str("\\."),
            _ if character.is_control() => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

fn ends_with_www(text: &str) -> bool {
    text.len() >= 3 && text.as_bytes()[text.len() - 3..].eq_ignore_ascii_case(b"www")
}

/// A line of a table. The cells are escaped already.
pub fn table_row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Text that is shown to the letter, line by line, in that language: a command.
pub fn code(language: &str, text: &str) -> String {
    let mut special = text.chars().filter(|it| matches!(it, '<' | '`') || it.is_control());
    if special.all(|character| character == '\n') {
        return format!("```{language}\n{text}\n```\n");
    }
    // Nothing in it may end the block, or look like another part of the page.
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '`' => shown.push_str("&#96;"),
            '\n' => shown.push('\n'),
            _ if character.is_control() => drop(write!(shown, "&#{};", u32::from(character))),
            _ => shown.push(character),
        }
    }
    format!("<pre>{shown}</pre>\n")
}

/// A path as the target of a link or an image.
pub fn target(path: &Path) -> String {
    let mut out = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_is_shown_as_it_is() {
        assert_eq!(text("a|b"), "a\\|b");
        assert_eq!(text("<img src=x>"), "&lt;img src=x&gt;");
        assert_eq!(text(" `rm` & *_x_*\r\ny\n"), "\\`rm\\` &amp; \\*\\_x\\_\\*  y");
        assert_eq!(text("[a](https://b.c) WWW.d"), "\\[a\\](https\\://b.c) WWW\\.d");
        assert_eq!(text("a@b.c"), "a@&#8288;b.c");
        assert_eq!(text("rayon, n = 2: 1.98 (1.97–1.99) ×"), "rayon, n = 2: 1.98 (1.97–1.99) ×");
    }

    #[test]
    fn a_command_is_shown_to_the_letter_and_never_ends_its_block() {
        assert_eq!(code("sh", "harness -n 1..4"), "```sh\nharness -n 1..4\n```\n");
        assert_eq!(
            code("sh", "a '```\n<!-- x -->'"),
            "<pre>a '&#96;&#96;&#96;\n&lt;!-- x --&gt;'</pre>\n"
        );
        assert_eq!(code("sh", "a\tb\rc"), "<pre>a&#9;b&#13;c</pre>\n");
    }

    #[test]
    fn a_path_is_a_link_whatever_is_in_it() {
        assert_eq!(target(Path::new("../a b/(c)%.png")), "../a%20b/%28c%29%25.png");
        assert_eq!(target(Path::new("µ/x.svg")), "%C2%B5/x.svg");
    }
}
