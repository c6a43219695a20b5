//! Printed figures: name, median, quartiles, target, verdict.

use nthread::stats::median;

use crate::Effort;

/// Target of a figure.
#[derive(Clone, Copy)]
pub enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// No target: printed for comparison.
    Open,
}

/// Prints the heading of a section.
pub fn heading(text: &str) {
    println!("\n{text}");
    println!("  {:<46} {:>8}  {:<19} target", "", "median", "middle half");
}

/// Prints a figure: the median of `values`, its quartiles, whether the median reaches the
/// target, and a remark. A test has no verdict.
pub fn print(effort: Effort, name: &str, values: &[f64], target: Target, remark: &str) {
    let Some(middle) = median(values) else { return };
    let (low, high) = quartiles(values);
    let spread = format!("{} … {}", number(low), number(high));
    let verdict = if effort == Effort::Test { "not judged" } else { target.verdict(middle) };
    println!(
        "  {name:<46} {:>8}  {spread:<19} {:<8} {verdict:<10} {remark}",
        number(middle),
        target.text(),
    );
}

/// A time in a suitable unit.
pub fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.3} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

impl Target {
    fn text(self) -> String {
        match self {
            Target::AtLeast(limit) => format!("≥ {limit}"),
            Target::AtMost(limit) => format!("≤ {limit}"),
            Target::Open => String::new(),
        }
    }

    fn verdict(self, value: f64) -> &'static str {
        let is_met = match self {
            Target::AtLeast(limit) => value >= limit,
            Target::AtMost(limit) => value <= limit,
            Target::Open => return "",
        };
        if is_met { "met" } else { "NOT MET" }
    }
}

/// Three significant digits, or all digits before the point.
fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.3}"),
        medium if medium < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

/// Lower and upper quartile.
fn quartiles(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len() - 1;
    (sorted[last / 4], sorted[last - last / 4])
}
