//! Linear and logarithmic scales, and the round numbers on them.

use serde::Serialize;

/// The scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Equal steps for equal differences.
    Linear,
    /// Equal steps for equal ratios.
    Log,
}

impl Scale {
    /// The other scale.
    pub fn other(self) -> Scale {
        match self {
            Scale::Linear => Scale::Log,
            Scale::Log => Scale::Linear,
        }
    }

    /// The position of `value` between `low` (0) and `high` (1), or beyond them.
    pub fn position(self, value: f64, low: f64, high: f64) -> f64 {
        match self {
            Scale::Linear => (value - low) / (high - low),
            Scale::Log => (value / low).ln() / (high / low).ln(),
        }
    }

    /// The value at a position: the inverse of [`Scale::position`].
    pub fn value(self, position: f64, low: f64, high: f64) -> f64 {
        match self {
            Scale::Linear => low + position * (high - low),
            Scale::Log => low * (high / low).powf(position),
        }
    }

    /// Round numbers from `low` to `high`, ascending.
    pub fn ticks(self, low: f64, high: f64) -> Vec<f64> {
        let log = match self {
            Scale::Linear => Vec::new(),
            Scale::Log => log_ticks(low, high),
        };
        if log.len() < 3 { linear_ticks(low, high) } else { log }
    }
}

/// The number of decimals that all of these ticks need.
pub fn tick_decimals(ticks: &[f64]) -> usize {
    let mut places = 0..12;
    let exact = places.find(|places| {
        let power = 10f64.powi(*places);
        ticks.iter().all(|tick| ((tick * power).round() / power - tick).abs() <= tick.abs() * 1e-9)
    });
    exact.map_or(12, |places| places as usize)
}

fn linear_ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 8.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let slack = step * 1e-9;
    let first = ((low - slack) / step).ceil() as i64;
    let last = ((high + slack) / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = (high / low).log10();
    let factors: &[f64] = if decades > 3.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    (first..=last)
        .flat_map(|power| factors.iter().map(move |f| f * 10f64.powi(power)))
        .filter(|tick| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(tick))
        .collect()
}
