//! The plot area: grid, axes, and the region with more threads than CPUs.

use super::PlotError;
use super::canvas::{Anchor, Canvas, Letters};
use super::font;
use super::layout::{Layout, TICK_TEXT};
use super::style::{GREY, GRID, INK, SHADE};

const AXIS_TEXT: f64 = 13.0;
const REGION_TEXT: f64 = 10.5;

/// Draws everything behind the data.
pub(super) fn draw<B: Letters>(
    canvas: &mut Canvas<B>,
    layout: &Layout<'_>,
) -> Result<(), PlotError> {
    if let Some(left) = oversubscribed_from(layout) {
        let area = &layout.area;
        canvas.fill((left, area.top), (area.right, area.bottom), SHADE)?;
    }
    values(canvas, layout)?;
    counts(canvas, layout)
}

/// Draws what lies over the data: the name of the shaded region, and the axis lines.
pub(super) fn outline<B: Letters>(
    canvas: &mut Canvas<B>,
    layout: &Layout<'_>,
) -> Result<(), PlotError> {
    name_shade(canvas, layout)?;
    let area = &layout.area;
    let corners = [(area.left, area.top), (area.left, area.bottom), (area.right, area.bottom)];
    canvas.line(&corners, INK, 1.0)
}

/// The left edge of the region of oversubscription, if there is one.
fn oversubscribed_from(layout: &Layout<'_>) -> Option<f64> {
    let counts = &layout.figure.counts;
    let first = counts.iter().position(|n| Some(*n) == layout.figure.oversubscribed_from)?;
    Some(match first {
        0 => layout.area.left,
        _ => (layout.x(f64::from(counts[first - 1])) + layout.x(f64::from(counts[first]))) / 2.0,
    })
}

/// Names the shaded region at its top, in as many words as it has room for.
fn name_shade<B: Letters>(canvas: &mut Canvas<B>, layout: &Layout<'_>) -> Result<(), PlotError> {
    let Some(left) = oversubscribed_from(layout) else { return Ok(()) };
    let (right, middle) = (layout.area.right - 4.0, layout.area.top + 9.0);
    let start = |text: &String| right - font::width(text, REGION_TEXT);
    let mut names = layout.figure.oversubscribed_names.iter();
    let Some(text) = names.find(|text| start(text) >= left + 4.0) else { return Ok(()) };
    // The line of the ideal may leave the figure right here.
    let (from, to) = ((start(text) - 2.0, middle - 8.0), (right, middle + 8.0));
    canvas.fill(from, to, SHADE)?;
    canvas.text(text, (right, middle), REGION_TEXT, GREY, Anchor::Right)
}

fn values<B: Letters>(canvas: &mut Canvas<B>, layout: &Layout<'_>) -> Result<(), PlotError> {
    let area = &layout.area;
    for (tick, text) in &layout.figure.y.ticks {
        let at = layout.y(*tick);
        canvas.line(&[(area.left, at), (area.right, at)], GRID, 0.75)?;
        canvas.line(&[(area.left - 4.0, at), (area.left, at)], INK, 1.0)?;
        canvas.text(text, (area.left - 8.0, at), TICK_TEXT, INK, Anchor::Right)?;
    }
    let at = (20.0, area.middle().1);
    canvas.text(&layout.figure.y.label, at, AXIS_TEXT, INK, Anchor::Upwards)
}

fn counts<B: Letters>(canvas: &mut Canvas<B>, layout: &Layout<'_>) -> Result<(), PlotError> {
    let area = &layout.area;
    let labelled = layout.labelled();
    for (count, text) in &layout.figure.x.ticks {
        let at = layout.x(*count);
        let is_labelled = labelled.iter().any(|n| f64::from(*n) == *count);
        let end = area.bottom + if is_labelled { 5.0 } else { 3.0 };
        canvas.line(&[(at, area.bottom), (at, end)], INK, 1.0)?;
        if is_labelled {
            canvas.text(text, (at, area.bottom + 15.0), TICK_TEXT, INK, Anchor::Centre)?;
        }
    }
    let at = (area.middle().0, area.bottom + 38.0);
    canvas.text(&layout.figure.x.label, at, AXIS_TEXT, INK, Anchor::Centre)
}
