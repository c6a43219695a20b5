//! Figures and units as text, for tables and plots alike.

use serde::Serialize;

use crate::quantity::format_percent;

/// A unit of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Unit {
    pub name: &'static str,
    /// Plain values (nanoseconds, draws/s, ratios) in one of the unit.
    pub size: f64,
}

/// Units of time, largest first; plain values are nanoseconds.
pub const TIME: [Unit; 4] = [unit("s", 1e9), unit("ms", 1e6), unit("µs", 1e3), unit("ns", 1.0)];

/// A unit.
pub const fn unit(name: &'static str, size: f64) -> Unit {
    Unit { name, size }
}

impl Unit {
    /// The largest of `units` (largest first) of which `value` is at least one,
    /// else the smallest.
    pub fn fitting(units: &[Unit], value: f64) -> Unit {
        *units.iter().find(|unit| value >= unit.size).unwrap_or(&units[units.len() - 1])
    }

    /// A plain value in the unit.
    pub fn scaled(self, value: Option<f64>) -> Option<f64> {
        value.map(|value| value / self.size)
    }

    /// A value with its unit, to four figures.
    pub fn write(self, value: f64) -> String {
        format!("{} {}", significant(value / self.size, 4), self.name)
    }
}

/// Three significant digits; large numbers whole, in groups.
pub fn digits(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 1000.0 {
        return thousands(value.round() as u64);
    }
    // 0.9995 reads 1.00, so it is the rounded value whose digits count.
    let decimals =
        if magnitude > 0.0 { 2 - (magnitude * 1.0005).log10().floor() as i32 } else { 2 };
    format!("{value:.*}", decimals.clamp(0, 9) as usize)
}

/// A number to a number of significant figures, without an exponent.
pub fn significant(value: f64, figures: i32) -> String {
    let magnitude = value.abs().max(f64::MIN_POSITIVE).log10().floor() as i32;
    decimals(value, (figures - 1 - magnitude).clamp(0, 12) as usize)
}

/// A number with a number of decimals, and commas between the thousands from
/// 10,000 on.
pub fn decimals(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    match whole.len() {
        0..5 => text,
        _ => format!("{}{rest}", grouped(whole)),
    }
}

/// An integer with commas between its thousands.
pub fn thousands(value: u64) -> String {
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

/// A value, and its interval where there is one.
pub fn with_interval(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    match (value, low, high) {
        (None, ..) => "–".to_string(),
        (Some(value), Some(low), Some(high)) => {
            format!("{} ({}–{})", digits(value), digits(low), digits(high))
        }
        (Some(value), ..) => digits(value),
    }
}

/// A share in whole percent.
pub fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_string(), |share| format_percent(share, 0))
}

/// A time in its unit, to three figures.
pub fn time(ns: f64) -> String {
    let Unit { name, size } = Unit::fitting(&TIME, ns * 1.0005);
    format!("{} {name}", digits(ns / size))
}

/// A difference of times, which may be negative, in its unit.
pub fn signed_time(ns: f64) -> String {
    let Unit { name, size } = Unit::fitting(&TIME, ns.abs());
    let sign = if ns < 0.0 { "−" } else { "" };
    format!("{sign}{} {name}", digits(ns.abs() / size))
}

/// A median time with its interval, in a unit of its own.
pub fn time_with_interval(ns: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    let Some(ns) = ns else { return "no data".to_string() };
    let unit = Unit::fitting(&TIME, ns);
    let [value, low, high] = [Some(ns), low, high].map(|ns| unit.scaled(ns));
    format!("{} {}", with_interval(value, low, high), unit.name)
}
