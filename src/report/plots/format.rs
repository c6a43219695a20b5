//! Numbers and units as text.

use super::metric::Metric;

/// A unit and how much of it the plain value 1 is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    /// Plain values (nanoseconds, draws/s, ratios) in one of the unit.
    pub(super) size: f64,
}

const TIME: [Unit; 4] = [unit("s", 1e9), unit("ms", 1e6), unit("µs", 1e3), unit("ns", 1.0)];
const RATE: [Unit; 5] = [
    unit("Tdraws/s", 1e12),
    unit("Gdraws/s", 1e9),
    unit("Mdraws/s", 1e6),
    unit("kdraws/s", 1e3),
    unit("draws/s", 1.0),
];

const fn unit(name: &'static str, size: f64) -> Unit {
    Unit { name, size }
}

impl Unit {
    /// The largest unit of which `value` is at least one.
    pub(super) fn of(metric: Metric, value: f64) -> Unit {
        let units: &[Unit] = match metric {
            Metric::Time => &TIME,
            Metric::Throughput => &RATE,
            Metric::Speedup => return unit("×", 1.0),
            Metric::Efficiency => return unit("%", 0.01),
        };
        *units.iter().find(|unit| value >= unit.size).unwrap_or(&units[units.len() - 1])
    }

    /// A value with its unit, to four figures.
    pub(super) fn write(self, value: f64) -> String {
        format!("{} {}", significant(value / self.size, 4), self.name)
    }
}

/// A number to so many significant figures, without an exponent.
pub(super) fn significant(value: f64, figures: i32) -> String {
    let magnitude = value.abs().max(f64::MIN_POSITIVE).log10().floor() as i32;
    decimals(value, (figures - 1 - magnitude).clamp(0, 12) as usize)
}

/// A number with so many decimals, and commas between the thousands from
/// 10,000 on.
pub(super) fn decimals(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    match whole.len() {
        0..5 => text,
        _ => format!("{}{rest}", grouped(whole)),
    }
}

/// An integer with commas between its thousands.
pub(super) fn thousands(value: u64) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
