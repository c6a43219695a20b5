//! Where things lie: thread counts across, values up.

use super::format::unit_of;
use super::metric::Metric;
use super::scale::Scale;
use super::series::{Plot, Point};
use crate::view::number::Unit;

/// A rectangle of the page, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn contains_y(&self, y: f64) -> bool {
        (self.top..=self.bottom).contains(&y)
    }
}

/// The axis of the thread counts.
pub(super) struct XAxis {
    pub(super) scale: Scale,
    low: f64,
    high: f64,
    left: f64,
    right: f64,
    /// Between the two counts that lie closest together.
    pub(super) gap: f64,
}

/// A logarithmic axis is worth its trouble from this span on.
const LOG_SPAN: f64 = 8.0;
/// A linear axis starts at zero where the data span more than from this share
/// of their highest value; else too much of the figure would be empty.
const ZERO_SHARE: f64 = 0.4;

impl XAxis {
    /// Spreads the counts over the area: on a log scale where that keeps the
    /// closest two of a wide sweep further apart.
    pub(super) fn new(counts: &[u32], area: &Area) -> XAxis {
        let low = f64::from(counts.first().copied().unwrap_or(1));
        let high = f64::from(counts.last().copied().unwrap_or(1));
        let closest = |scale: Scale| {
            let at = |n: u32| scale.position(f64::from(n), low, high);
            let gaps = counts.windows(2).map(|pair| at(pair[1]) - at(pair[0]));
            gaps.fold(f64::INFINITY, f64::min)
        };
        let wide = high / low >= LOG_SPAN;
        let scale = match wide && closest(Scale::Log) > closest(Scale::Linear) {
            true => Scale::Log,
            false => Scale::Linear,
        };
        let margin = match counts.len() {
            0 | 1 => area.width() / 2.0,
            n => (area.width() / (2 * n) as f64).max(16.0),
        };
        let (left, right) = (area.left + margin, area.right - margin);
        let gap = match counts.len() {
            0 | 1 => area.width(),
            _ => closest(scale) * (right - left),
        };
        XAxis { scale, low, high, left, right, gap }
    }

    /// The middle of what is drawn at a thread count.
    pub(super) fn at(&self, nthread: f64) -> f64 {
        if self.low == self.high {
            return self.left;
        }
        self.left + self.scale.position(nthread, self.low, self.high) * (self.right - self.left)
    }

    /// The thread count at a place, between the first and the last.
    pub(super) fn count(&self, x: f64) -> f64 {
        let position = (x - self.left) / (self.right - self.left);
        self.scale.value(position, self.low, self.high)
    }

    /// First and last place.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.left, self.right)
    }
}

/// The axis of the values.
pub(super) struct YAxis {
    pub(super) scale: Scale,
    pub(super) unit: Unit,
    low: f64,
    high: f64,
    /// Where `high` and `low` lie.
    top: f64,
    bottom: f64,
    /// The round values that are labelled.
    pub(super) ticks: Vec<f64>,
}

impl YAxis {
    /// Spans what the plot shows between `top` and `bottom`, on a log scale
    /// where it covers much more than [`LOG_SPAN`].
    pub(super) fn new(plot: &Plot, x_scale: Scale, top: f64, bottom: f64) -> YAxis {
        let (min, max) = with_ideal(plot, hull(plot));
        let log_suits = match plot.metric {
            Metric::Time => true,
            Metric::Speedup | Metric::Throughput => x_scale == Scale::Log,
            Metric::Efficiency => false,
        };
        let (scale, low, high) = if log_suits && max / min > LOG_SPAN {
            (Scale::Log, min / 1.15, max * 1.08)
        } else if min < ZERO_SHARE * max {
            (Scale::Linear, 0.0, max * 1.04)
        } else {
            let pad = ((max - min) * 0.08).max(max * 0.002);
            (Scale::Linear, min - pad, max + pad)
        };
        let telling = if scale == Scale::Log { low * 10.0 } else { high };
        let unit = unit_of(plot.metric, telling);
        let ticks = scale
            .ticks(low / unit.size, high / unit.size)
            .into_iter()
            .map(|tick| tick * unit.size)
            .collect();
        YAxis { scale, unit, low, high, top, bottom, ticks }
    }

    /// The place of a value; beyond the axis for one that it does not span.
    pub(super) fn at(&self, value: f64) -> f64 {
        let position = self.scale.position(value, self.low, self.high);
        self.bottom - position.clamp(-10.0, 10.0) * (self.bottom - self.top)
    }

    /// Whether it cuts the zero off that the reader may take for granted.
    pub(super) fn starts_above_zero(&self) -> bool {
        self.scale == Scale::Linear && self.low > 0.0
    }

    /// Whether a value lies within.
    pub(super) fn spans(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Lowest and highest of what must be seen: medians, intervals, reference
/// lines, and the rounds that are not far out.
fn hull(plot: &Plot) -> (f64, f64) {
    let references = plot.reference.iter().filter_map(|line| line.value);
    let cases = plot.points().flat_map(|point| {
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

/// Takes the ideal in, unless that would flatten the data.
fn with_ideal(plot: &Plot, (min, max): (f64, f64)) -> (f64, f64) {
    let last = plot.counts.last().copied().unwrap_or(1);
    match plot.ideal(f64::from(last)) {
        Some(ideal) if ideal <= 1.5 * max => (min.min(ideal), max.max(ideal)),
        _ => (min, max),
    }
}

/// Tukey's outer fences: three interquartile ranges beyond the quartiles.
fn fences(point: &Point) -> (f64, f64) {
    let mut sorted = point.dots.clone();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return (point.value, point.value);
    };
    let (q1, q3) = (sorted[last / 4], sorted[last - last / 4]);
    (q1 - 3.0 * (q3 - q1), q3 + 3.0 * (q3 - q1))
}

/// The thread counts whose labels have room, each `width` wide: both ends first,
/// then the rounder before the less round.
pub(super) fn labelled(axis: &XAxis, counts: &[u32], width: f64) -> Vec<u32> {
    let (first, last) = (counts.first().copied(), counts.last().copied());
    let mut order = counts.to_vec();
    order.sort_by_key(|n| {
        let end = Some(*n) == first || Some(*n) == last;
        (!end, std::cmp::Reverse(n.trailing_zeros()), *n)
    });
    let mut kept: Vec<u32> = Vec::new();
    for n in order {
        let apart = |m: &u32| {
            let distance = axis.at(f64::from(n)) - axis.at(f64::from(*m));
            distance.abs() >= width + 9.0
        };
        if kept.iter().all(apart) {
            kept.push(n);
        }
    }
    kept
}
