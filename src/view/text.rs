//! Pieces of text: cut, cleaned, and the machine in words.

use crate::analysis::Summary;
use crate::quantity::pluralize;

/// The machine of a run, in a line.
pub fn machine(summary: &Summary) -> String {
    match (summary.usable_cpus(), summary.cpu_model()) {
        (None, "") => "on an unknown machine".to_string(),
        (_, "") => usable_cpus(summary),
        (_, model) => format!("{}, {model}", usable_cpus(summary)),
    }
}

/// The number of CPUs that a run could use, in words.
pub fn usable_cpus(summary: &Summary) -> String {
    match summary.usable_cpus() {
        None => "unknown number of usable CPUs".to_string(),
        Some(n) => pluralize(n, "usable CPU"),
    }
}

/// The model of the CPU after a title: `, on Some CPU`; empty if unknown.
pub fn on_cpu(summary: &Summary) -> String {
    match summary.cpu_model().trim() {
        "" => String::new(),
        cpu => format!(", on {cpu}"),
    }
}

/// Text of files without control characters, which would steer a terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

/// A text of at most `width` characters. A longer one loses its middle: names differ at
/// either end.
pub fn cut(text: &str, width: usize) -> String {
    let count = length(text);
    if count <= width {
        return text.to_string();
    }
    let kept = width.saturating_sub(1);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start}…{end}")
}

/// The number of characters, which are as many columns: no name here is in wide letters.
pub fn length(text: &str) -> usize {
    text.chars().count()
}
