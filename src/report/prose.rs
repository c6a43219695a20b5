//! Sentences in lines that fit the terminal.

use crate::analysis::Summary;

/// The machine of a run, in a line.
pub fn machine(summary: &Summary) -> String {
    match (summary.usable_cpus(), summary.cpu_model()) {
        (None, "") => "on an unknown machine".to_string(),
        (_, "") => usable_cpus(summary),
        (_, model) => format!("{}, {model}", usable_cpus(summary)),
    }
}

/// How many CPUs a run could use, in words.
pub fn usable_cpus(summary: &Summary) -> String {
    match summary.usable_cpus() {
        None => "unknown number of usable CPUs".to_string(),
        Some(1) => "1 usable CPU".to_string(),
        Some(n) => format!("{n} usable CPUs"),
    }
}

/// A text in lines of at most so many characters, broken at its spaces, each with
/// its end.
pub fn wrapped(text: &str, width: usize) -> String {
    hanging(text, width, "")
}

/// The same, where every line but the first begins with `indent`.
pub fn hanging(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::new();
    let mut used = 0;
    // A number keeps its unit beside it.
    let words = text.split(' ').fold(Vec::new(), |mut words: Vec<String>, word| {
        match words.last_mut() {
            Some(last) if is_number(last) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_string()),
        }
        words
    });
    for word in words {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            out.push('\n');
            out.push_str(indent);
            used = indent.chars().count();
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(&word);
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
    fn lines_break_at_spaces_and_never_before_a_unit() {
        assert_eq!(wrapped("one two three", 7), "one two\nthree\n");
        assert_eq!(wrapped("from 40 µs", 7), "from\n40 µs\n");
        assert_eq!(wrapped("unbreakable", 4), "unbreakable\n");
        assert_eq!(wrapped("", 4), "\n");
        assert_eq!(hanging("one two three", 7, "  "), "one two\n  three\n");
    }
}
