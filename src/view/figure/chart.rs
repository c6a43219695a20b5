//! A chart over a logarithmic axis of times: one line a backend, and the levels that it
//! should reach.

use serde::Serialize;

use super::axis::{Axis, with_scale};
use super::scale::Scale;
use crate::view::number::{TIME, Unit, significant, time};

/// Everything that a chart shows.
#[derive(Clone, Debug, Serialize)]
pub struct Chart {
    pub title: String,
    pub subtitle: String,
    pub x: Axis,
    pub y: Axis,
    /// The noun of the values.
    #[serde(skip)]
    pub y_name: &'static str,
    /// The unit of the values.
    pub unit: Unit,
    pub lines: Vec<Line>,
    /// Horizontal lines, each with its text.
    pub levels: Vec<(f64, &'static str)>,
}

/// A line of a chart.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The name of the backend.
    pub name: String,
    /// The remark below the name in the legend.
    pub remark: String,
    pub points: Vec<Point>,
}

/// A case: a time in nanoseconds, a value, and the value's interval.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    pub at_ns: f64,
    /// The time in words.
    pub at: String,
    pub value: f64,
    /// The interval of the value.
    pub interval: Option<(f64, f64)>,
    /// The job or task that was measured, in words.
    pub of: String,
}

impl Point {
    /// A point, if a logarithmic axis can show it.
    pub fn new(at_ns: f64, value: f64, interval: Option<(f64, f64)>, of: String) -> Option<Point> {
        let interval = interval.filter(|(low, high)| is_drawable(*low) && is_drawable(*high));
        (is_drawable(at_ns) && is_drawable(value)).then_some(Point {
            at: time(at_ns),
            at_ns,
            value,
            interval,
            of,
        })
    }
}

impl Chart {
    /// A chart of lines; the axes span all points and levels.
    pub fn new(
        [title, subtitle]: [String; 2],
        [x_name, y_name]: [&'static str; 2],
        (scale, unit): (Scale, Unit),
        lines: Vec<Line>,
        levels: Vec<(f64, &'static str)>,
    ) -> Chart {
        let points = lines.iter().flat_map(|line| &line.points);
        let (low, high) = span(points.clone().map(|point| point.at_ns));
        let x = time_axis(low / 1.3, high * 1.3, x_name);
        let ends = points.flat_map(|point| match point.interval {
            Some((low, high)) => [low, high],
            None => [point.value; 2],
        });
        let (low, high) = span(ends.chain(levels.iter().map(|(level, _)| *level)));
        let (low, high) = match scale {
            Scale::Log => (low / 1.2, high * 1.3),
            Scale::Linear => (0.0, high * 1.06),
        };
        let ticks = scale.ticks(low / unit.size, high / unit.size);
        let ticks = ticks.into_iter().map(|tick| (tick * unit.size, plain(tick))).collect();
        let label = with_scale(format!("{y_name} ({})", unit.name), scale);
        let y = Axis { scale, low, high, ticks, label };
        Chart { title, subtitle, x, y, y_name, unit, lines, levels }
    }
}

/// True if a logarithmic axis can show a value.
fn is_drawable(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// The least and the largest value; some range if there are none.
fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let ends = values.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
    if ends.0 < ends.1 { ends } else { (1.0, 10.0) }
}

fn time_axis(low: f64, high: f64, name: &str) -> Axis {
    let ticks = Scale::Log.ticks(low, high).into_iter().map(|tick| {
        let Unit { name, size } = Unit::fitting(&TIME, tick * 1.0005);
        (tick, format!("{} {name}", plain(tick / size)))
    });
    let label = with_scale(name.to_string(), Scale::Log);
    Axis { scale: Scale::Log, low, high, ticks: ticks.collect(), label }
}

/// A round number without more digits than it has.
fn plain(value: f64) -> String {
    let text = significant(value, 6);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}
