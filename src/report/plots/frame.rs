//! The plot area: grid, axes, and the region with more threads than CPUs.

use super::PlotError;
use super::axis::labelled;
use super::canvas::{Anchor, Canvas, Letters};
use super::figure::Layout;
use super::font;
use super::scale::{Scale, tick_decimals};
use super::series::Plot;
use super::style::{GREY, GRID, INK, SHADE};

const TICK_TEXT: f64 = 12.0;
const AXIS_TEXT: f64 = 13.0;
const REGION_TEXT: f64 = 10.5;

/// Everything behind the data.
pub(super) fn draw<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    shade(canvas, plot, layout)?;
    values(canvas, plot, layout)?;
    counts(canvas, plot, layout)
}

/// What lies over the data: the axis lines, and the name of the shaded region.
pub(super) fn outline<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    name_shade(canvas, plot, layout)?;
    let area = &layout.area;
    let corners = [(area.left, area.top), (area.left, area.bottom), (area.right, area.bottom)];
    canvas.line(&corners, INK, 1.0)
}

/// Where the region of oversubscription begins, if there is one.
fn oversubscribed_from(plot: &Plot, layout: &Layout) -> Option<f64> {
    let at = |n: &u32| layout.x.at(f64::from(*n));
    let first = plot.counts.iter().position(|n| plot.all_oversubscribed(*n))?;
    Some(match first {
        0 => layout.area.left,
        _ => (at(&plot.counts[first - 1]) + at(&plot.counts[first])) / 2.0,
    })
}

fn shade<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    let Some(left) = oversubscribed_from(plot, layout) else {
        return Ok(());
    };
    let area = &layout.area;
    canvas.fill((left, area.top), (area.right, area.bottom), SHADE)
}

/// Names the shaded region at its top, in as many words as it has room for.
fn name_shade<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    let Some((left, usable)) = oversubscribed_from(plot, layout).zip(plot.usable_cpus) else {
        return Ok(());
    };
    let cpus = match usable {
        1 => "1 usable CPU".to_owned(),
        n => format!("{n} usable CPUs"),
    };
    let texts = [
        format!("oversubscribed: more threads than the {cpus}"),
        format!("oversubscribed (> {cpus})"),
        "oversubscribed".to_owned(),
        format!("> {usable}"),
    ];
    let (right, middle) = (layout.area.right - 4.0, layout.area.top + 9.0);
    let start = |text: &String| right - font::width(text, REGION_TEXT);
    let Some(text) = texts.iter().find(|text| start(text) >= left + 4.0) else {
        return Ok(());
    };
    // The line of the ideal may leave the figure right here.
    let (from, to) = ((start(text) - 2.0, middle - 8.0), (right, middle + 8.0));
    canvas.fill(from, to, SHADE)?;
    canvas.text(text, (right, middle), REGION_TEXT, GREY, Anchor::Right)
}

fn values<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    let (area, y) = (&layout.area, &layout.y);
    let in_unit = |tick: &f64| tick / y.unit.size;
    let places = tick_decimals(&y.ticks.iter().map(in_unit).collect::<Vec<_>>());
    for tick in &y.ticks {
        let at = y.at(*tick);
        canvas.line(&[(area.left, at), (area.right, at)], GRID, 0.75)?;
        canvas.line(&[(area.left - 4.0, at), (area.left, at)], INK, 1.0)?;
        let places = if y.scale == Scale::Log { own_decimals(in_unit(tick)) } else { places };
        let text = crate::view::number::decimals(in_unit(tick), places);
        canvas.text(&text, (area.left - 8.0, at), TICK_TEXT, INK, Anchor::Right)?;
    }
    let mut label = plot.metric.axis_label(y.unit.name, plot.words, &plot.baseline);
    if y.scale == Scale::Log {
        label.push_str(", log scale");
    }
    let middle = (area.top + area.bottom) / 2.0;
    canvas.text(&label, (20.0, middle), AXIS_TEXT, INK, Anchor::Upwards)
}

fn own_decimals(tick: f64) -> usize {
    tick_decimals(&[tick])
}

fn counts<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    let area = &layout.area;
    let widest = plot.counts.last().map_or(String::new(), u32::to_string);
    let widest = font::width(&widest, TICK_TEXT);
    let labelled = labelled(&layout.x, &plot.counts, widest);
    for n in &plot.counts {
        let at = layout.x.at(f64::from(*n));
        let long = labelled.contains(n);
        let end = area.bottom + if long { 5.0 } else { 3.0 };
        canvas.line(&[(at, area.bottom), (at, end)], INK, 1.0)?;
        if long {
            let place = (at, area.bottom + 15.0);
            canvas.text(&n.to_string(), place, TICK_TEXT, INK, Anchor::Centre)?;
        }
    }
    let what = match plot.series.iter().any(|series| series.inner_nthread > 1) {
        true => "Workers (count)",
        false => "Threads or processes (count)",
    };
    let scale = if layout.x.scale == Scale::Log { ", log scale" } else { "" };
    let label = format!("{what}{scale}");
    let middle = (area.left + area.right) / 2.0;
    canvas.text(&label, (middle, area.bottom + 38.0), AXIS_TEXT, INK, Anchor::Centre)
}
