//! The layout of a plot: where its plot area, axes, series and legend lie.

use super::font;
use super::legend;
use crate::view::figure::axis::Axis;
use crate::view::figure::lines::Figure;

/// The width of the page in CSS pixels.
pub(super) const WIDTH: f64 = 960.0;
/// The least height of the page; a long legend makes it higher.
const HEIGHT: f64 = 540.0;
/// The room for the legend, right of the plot area.
pub(super) const LEGEND: f64 = 216.0;
/// The left edge of title and subtitle.
pub(super) const EDGE: f64 = 16.0;
/// The room for a text from edge to edge.
pub(super) const ROOM: f64 = WIDTH - 2.0 * EDGE;
/// The size of the title.
pub(super) const TITLE: f64 = 17.0;
/// The size of the texts at the ticks.
pub(super) const TICK_TEXT: f64 = 12.0;
/// The room below the plot area, for the horizontal axis.
const FOOT: f64 = 56.0;
/// The room above the highest value, for what is written into the plot area.
const HEADROOM: f64 = 28.0;

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

    pub(super) fn middle(&self) -> (f64, f64) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }
}

/// An axis between two places of the page.
pub(super) struct PlacedAxis<'a> {
    pub(super) axis: &'a Axis,
    pub(super) ends: (f64, f64),
}

impl PlacedAxis<'_> {
    /// The place of a value; not far beyond the axis for one that it does not span.
    pub(super) fn at(&self, value: f64) -> f64 {
        let (axis, (low, high)) = (self.axis, self.ends);
        if axis.low == axis.high {
            return low;
        }
        low + axis.position(value).clamp(-10.0, 10.0) * (high - low)
    }
}

/// The plot area with its axes.
pub(super) struct Plane<'a> {
    pub(super) area: Area,
    pub(super) x: PlacedAxis<'a>,
    pub(super) y: PlacedAxis<'a>,
}

impl<'a> Plane<'a> {
    /// The plane below `top` of a page that has room for a legend of that height.
    pub(super) fn new(x: &'a Axis, y: &'a Axis, top: f64, legend: f64) -> Plane<'a> {
        let height = HEIGHT.max(top + legend + EDGE);
        let area = Area { left: 76.0, top, right: WIDTH - LEGEND, bottom: height - FOOT };
        let x = PlacedAxis { axis: x, ends: (area.left, area.right) };
        let y = PlacedAxis { axis: y, ends: (area.bottom, area.top) };
        Plane { area, x, y }
    }

    /// The size of the page.
    pub(super) fn page(&self) -> (f64, f64) {
        (WIDTH, self.area.bottom + FOOT)
    }

    /// The top left corner of the legend.
    pub(super) fn legend(&self) -> (f64, f64) {
        (self.area.right + EDGE, self.area.top)
    }
}

/// The layout of a figure over the thread count.
pub(super) struct Layout<'a> {
    pub(super) figure: &'a Figure,
    pub(super) plane: Plane<'a>,
    /// The distance between neighbouring series at the same thread count.
    pub(super) step: f64,
}

impl Layout<'_> {
    pub(super) fn new(figure: &Figure) -> Layout<'_> {
        // The remark of the ideal depends on the layout, so it always has a row.
        let legend = legend::height(&legend::entries(figure, true));
        let mut plane = Plane::new(&figure.x, &figure.y, 84.0, legend);
        let Area { left, top, right, .. } = plane.area;
        let (count, width) = (figure.counts.len(), plane.area.width());
        // Half the distance between evenly spaced counts, so that series beside each other at
        // the first and last count stay within the area; one count stands in the middle.
        let margin = match count {
            0 | 1 => width / 2.0,
            n => (width / (2 * n) as f64).max(16.0),
        };
        plane.x.ends = (left + margin, right - margin);
        plane.y.ends.1 = top + HEADROOM;
        let (gap, widest) = match count {
            0 | 1 => (width, 56.0),
            _ => (figure.x.least_gap() * (plane.x.ends.1 - plane.x.ends.0), 16.0),
        };
        // Two thirds of the smallest distance between counts are shared by the series.
        let step = (0.66 * gap / figure.series.len().max(1) as f64).min(widest);
        Layout { figure, plane, step }
    }

    /// The place of a thread count.
    pub(super) fn x(&self, nthread: f64) -> f64 {
        self.plane.x.at(nthread)
    }

    /// The thread count at a place, between the first and the last.
    pub(super) fn count(&self, x: f64) -> f64 {
        let PlacedAxis { axis, ends } = self.plane.x;
        axis.scale.value((x - ends.0) / (ends.1 - ends.0), axis.low, axis.high)
    }

    /// The place of a value.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.plane.y.at(value)
    }

    /// The place of the mark of series number `index` at a thread count: a little aside,
    /// so that several do not hide each other.
    pub(super) fn dodged(&self, index: usize, nthread: u32) -> f64 {
        let middle = (self.figure.series.len() as f64 - 1.0) / 2.0;
        self.x(f64::from(nthread)) + (index as f64 - middle) * self.step
    }

    /// The radius of the marks: smaller where many stand side by side.
    pub(super) fn radius(&self) -> f64 {
        (1.6 + 0.75 * self.step).clamp(2.2, 4.2)
    }

    /// True if the ideal is above the plot area at the last thread count.
    pub(super) fn ideal_leaves(&self) -> bool {
        let last = f64::from(self.figure.counts.last().copied().unwrap_or(1));
        self.figure.ideal(last).is_some_and(|value| self.y(value) < self.plane.area.top)
    }

    /// True if some mark covers the whole of its interval.
    pub(super) fn has_hidden_bars(&self) -> bool {
        let mut intervals = self.figure.points().filter_map(|point| point.interval);
        intervals.any(|(low, high)| self.y(low) - self.y(high) < 2.0 * self.radius())
    }

    /// The thread counts whose labels have room: both ends first, then the rounder before
    /// the less round.
    pub(super) fn labelled(&self) -> Vec<u32> {
        let counts = &self.figure.counts;
        let widest = counts.last().map_or(String::new(), u32::to_string);
        let room = font::width(&widest, TICK_TEXT) + 9.0;
        let (first, last) = (counts.first().copied(), counts.last().copied());
        let mut order = counts.clone();
        order.sort_by_key(|n| {
            let is_end = Some(*n) == first || Some(*n) == last;
            (!is_end, std::cmp::Reverse(n.trailing_zeros()), *n)
        });
        let mut kept: Vec<u32> = Vec::new();
        // A count is labelled if its label touches none of those that matter more.
        for n in order {
            let at = self.x(f64::from(n));
            if kept.iter().all(|m| (at - self.x(f64::from(*m))).abs() >= room) {
                kept.push(n);
            }
        }
        kept
    }
}
