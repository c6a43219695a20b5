//! Axes as data: scale, domain, labelled ticks and label.

use serde::Serialize;

use super::lines::{Figure, Point};
use super::scale::{Scale, tick_decimals};
use crate::view::number::{Unit, decimals};

/// The ratio of the ends of the data from which on a logarithmic scale is used.
const LOG_SPAN: f64 = 8.0;

/// A linear axis starts at zero where the lowest value is below this share of the highest;
/// else too much of the figure would be empty.
const ZERO_SHARE: f64 = 0.4;

/// An axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Axis {
    pub scale: Scale,
    /// The ends of the domain.
    pub low: f64,
    pub high: f64,
    /// The values that are marked, and their texts.
    pub ticks: Vec<(f64, String)>,
    /// The label, with the unit.
    pub label: String,
}

impl Axis {
    /// The position of a value: 0 at the lower end of the domain, 1 at the upper.
    pub fn position(&self, value: f64) -> f64 {
        self.scale.position(value, self.low, self.high)
    }

    /// True if a value lies within the domain.
    pub fn spans(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// True if the axis is linear and does not start at zero.
    pub fn is_truncated(&self) -> bool {
        self.scale == Scale::Linear && self.low > 0.0
    }

    /// The least distance between two neighbouring ticks, as a share of the axis.
    pub fn least_gap(&self) -> f64 {
        let gaps =
            self.ticks.windows(2).map(|pair| self.position(pair[1].0) - self.position(pair[0].0));
        gaps.fold(f64::INFINITY, f64::min)
    }

    /// The axis of thread counts. Unless the scale is given, the one is taken on which the
    /// two closest counts are further apart.
    pub fn of_counts(counts: &[u32], noun: &str, scale: Option<Scale>) -> Axis {
        let [linear, log] = [Scale::Linear, Scale::Log].map(|scale| Axis {
            scale,
            low: f64::from(counts.first().copied().unwrap_or(1)),
            high: f64::from(counts.last().copied().unwrap_or(1)),
            ticks: counts.iter().map(|n| (f64::from(*n), n.to_string())).collect(),
            label: with_scale(format!("{noun} (count)"), scale),
        });
        // Powers of two crowd at the left of a linear axis; evenly spaced counts crowd at the
        // right of a logarithmic one.
        let is_wide = linear.high / linear.low >= LOG_SPAN;
        let is_log = is_wide && log.least_gap() > linear.least_gap();
        match scale {
            Some(Scale::Log) => log,
            None if is_log => log,
            _ => linear,
        }
    }

    /// The axis of the values of a figure with its unit, on the scale that suits or on the
    /// given one; `None` if that is logarithmic and there are values below zero.
    pub fn of_values(figure: &Figure, scale: Option<Scale>) -> Option<(Axis, Unit)> {
        let (min, max) = with_ideal(figure, hull(figure));
        // A logarithmic axis needs room in ratios; a linear one starts at zero unless that
        // would squeeze the data into its upper part.
        let is_log = match scale {
            Some(scale) => scale == Scale::Log,
            None => figure.metric.suits_log(figure.x.scale) && min > 0.0 && max / min > LOG_SPAN,
        };
        let (scale, low, high) = if is_log && min > 0.0 {
            (Scale::Log, min / 1.15, max * 1.08)
        } else if is_log {
            return None;
        } else if (0.0..ZERO_SHARE * max).contains(&min) {
            (Scale::Linear, 0.0, max * 1.04)
        } else {
            let pad = ((max - min) * 0.08).max(max * 0.002);
            (Scale::Linear, min - pad, max + pad)
        };
        // The unit is chosen for a value that is typical of the axis: on a logarithmic one, a
        // decade above its start.
        let unit = figure.metric.unit_of(if scale == Scale::Log { low * 10.0 } else { high });
        let baseline = &figure.baseline;
        let label = figure.metric.axis_label(unit.name, figure.nouns, baseline);
        let ticks = ticks(scale, low, high, unit);
        Some((Axis { scale, low, high, ticks, label: with_scale(label, scale) }, unit))
    }
}

/// Round numbers in a unit, with the decimals that all of them need; on a logarithmic scale
/// each with its own.
fn ticks(scale: Scale, low: f64, high: f64, unit: Unit) -> Vec<(f64, String)> {
    let values = scale.ticks(low / unit.size, high / unit.size);
    let places = tick_decimals(&values);
    let ticks = values.into_iter().map(|tick| {
        let places = if scale == Scale::Log { tick_decimals(&[tick]) } else { places };
        (tick * unit.size, decimals(tick, places))
    });
    ticks.collect()
}

/// The label, with a note if the scale is logarithmic.
pub fn with_scale(label: String, scale: Scale) -> String {
    if scale == Scale::Log { label + ", log scale" } else { label }
}

/// The range of the medians, intervals and reference lines, and of the rounds that are not
/// far out.
fn hull(figure: &Figure) -> (f64, f64) {
    let references = figure.reference.iter().filter_map(|line| line.value);
    let cases = figure.points().flat_map(|point| {
        let interval = point.interval.unwrap_or((point.value, point.value));
        let (low, high) = fences(point);
        let dots = point.dots.iter().copied();
        dots.filter(move |dot| (low..=high).contains(dot)).chain([
            point.value,
            interval.0,
            interval.1,
        ])
    });
    let (min, max) = references
        .chain(cases)
        .fold((f64::INFINITY, 0.0), |(min, max), v| (v.min(min), v.max(max)));
    if min <= max { (min, max) } else { (0.5, 1.0) }
}

/// The range with the ideal in it, unless that would flatten the data.
fn with_ideal(figure: &Figure, (min, max): (f64, f64)) -> (f64, f64) {
    let last = figure.counts.last().copied().unwrap_or(1);
    match figure.ideal(f64::from(last)) {
        Some(ideal) if ideal <= 1.5 * max => (min.min(ideal), max.max(ideal)),
        _ => (min, max),
    }
}

/// Tukey's outer fences: three interquartile ranges beyond the quartiles.
fn fences(point: &Point) -> (f64, f64) {
    let mut sorted = point.dots.clone();
    sorted.sort_by(f64::total_cmp);
    // A case without dots has only its median.
    let Some(last) = sorted.len().checked_sub(1) else {
        return (point.value, point.value);
    };
    let (q1, q3) = (sorted[last / 4], sorted[last - last / 4]);
    (q1 - 3.0 * (q3 - q1), q3 + 3.0 * (q3 - q1))
}
