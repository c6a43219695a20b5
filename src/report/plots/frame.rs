//! The frame of a plot: heading, grid, axes, and the region with more threads than CPUs.

use super::canvas::{Anchor, Canvas};
use super::file::Picture;
use super::font;
use super::layout::{EDGE, Layout, Plane, ROOM, TICK_TEXT, TITLE};
use super::style::{GREY, GRID, INK, PAPER, SHADE};

const SUBTITLE: f64 = 12.0;
const AXIS_TEXT: f64 = 13.0;
const REGION_TEXT: f64 = 10.5;

/// Draws paper and title, and the lines below it.
pub(super) fn heading(canvas: &mut Canvas, picture: &impl Picture, lines: &[&str]) {
    canvas.fill((0.0, 0.0), picture.size(), PAPER);
    canvas.text(&picture.title(), (EDGE, 24.0), TITLE, INK, Anchor::Left);
    for (line, y) in lines.iter().zip([46.0, 63.0]) {
        let line = font::elide(line, SUBTITLE, ROOM);
        canvas.text(&line, (EDGE, y), SUBTITLE, GREY, Anchor::Left);
    }
}

/// Draws the axes with their ticks and labels, and the grid. Of an axis of counts only those
/// that are `labelled` have a label, and none has a line of the grid.
pub(super) fn axes(canvas: &mut Canvas, plane: &Plane<'_>, labelled: Option<&[u32]>) {
    let (area, middle) = (&plane.area, plane.area.middle());
    for (tick, text) in &plane.y.axis.ticks {
        let at = plane.y.at(*tick);
        canvas.line(&[(area.left, at), (area.right, at)], GRID, 0.75);
        canvas.line(&[(area.left - 4.0, at), (area.left, at)], INK, 1.0);
        canvas.text(text, (area.left - 8.0, at), TICK_TEXT, INK, Anchor::Right);
    }
    canvas.text(&plane.y.axis.label, (20.0, middle.1), AXIS_TEXT, INK, Anchor::Upwards);
    for (tick, text) in &plane.x.axis.ticks {
        let at = plane.x.at(*tick);
        if labelled.is_none() {
            canvas.line(&[(at, area.top), (at, area.bottom)], GRID, 0.75);
        }
        let is_labelled =
            labelled.is_none_or(|counts| counts.iter().any(|n| f64::from(*n) == *tick));
        let end = area.bottom + if is_labelled { 5.0 } else { 3.0 };
        canvas.line(&[(at, area.bottom), (at, end)], INK, 1.0);
        if is_labelled {
            canvas.text(text, (at, area.bottom + 15.0), TICK_TEXT, INK, Anchor::Centre);
        }
    }
    let at = (middle.0, area.bottom + 38.0);
    canvas.text(&plane.x.axis.label, at, AXIS_TEXT, INK, Anchor::Centre);
}

/// Draws the lines of the axes, which lie over the data.
pub(super) fn outline(canvas: &mut Canvas, plane: &Plane<'_>) {
    let area = &plane.area;
    let corners = [(area.left, area.top), (area.left, area.bottom), (area.right, area.bottom)];
    canvas.line(&corners, INK, 1.0);
}

/// Shades the region of oversubscription, if there is one.
pub(super) fn shade(canvas: &mut Canvas, layout: &Layout<'_>) {
    if let Some(left) = oversubscribed_from(layout) {
        let area = &layout.plane.area;
        canvas.fill((left, area.top), (area.right, area.bottom), SHADE);
    }
}

/// The left edge of the region of oversubscription, if there is one.
fn oversubscribed_from(layout: &Layout<'_>) -> Option<f64> {
    let counts = &layout.figure.counts;
    let first = counts.iter().position(|n| Some(*n) == layout.figure.oversubscribed_from)?;
    Some(match first {
        0 => layout.plane.area.left,
        _ => (layout.x(f64::from(counts[first - 1])) + layout.x(f64::from(counts[first]))) / 2.0,
    })
}

/// Names the shaded region at its top, in as many words as it has room for.
pub(super) fn name_shade(canvas: &mut Canvas, layout: &Layout<'_>) {
    let Some(left) = oversubscribed_from(layout) else { return };
    let (right, middle) = (layout.plane.area.right - 4.0, layout.plane.area.top + 9.0);
    for text in &layout.figure.oversubscribed_names {
        let start = right - font::width(text, REGION_TEXT);
        if start >= left + 4.0 {
            // The line of the ideal may leave the figure right here.
            canvas.fill((start - 2.0, middle - 8.0), (right, middle + 8.0), SHADE);
            return canvas.text(text, (right, middle), REGION_TEXT, GREY, Anchor::Right);
        }
    }
}
