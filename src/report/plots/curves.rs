//! The data: dots, lines, bars and marks, and the lines to compare with.

use super::PlotError;
use super::canvas::{Anchor, Canvas, Letters};
use super::figure::Layout;
use super::font;
use super::metric::Metric;
use super::series::{Plot, Point, Reference};
use super::style::{BASELINE_DASH, GREY, IDEAL_DASH, INK, look};

type Place = (f64, f64);

/// Everything within the plot area: what matters more lies above.
pub(super) fn draw<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    dots(canvas, plot, layout)?;
    for run in ideal(plot, layout) {
        canvas.dashed(&run, GREY, 1.4, IDEAL_DASH)?;
    }
    if let Some(reference) = &plot.reference {
        baseline(canvas, plot, layout, reference)?;
    }
    lines(canvas, plot, layout)?;
    bars(canvas, plot, layout)?;
    marks(canvas, plot, layout)?;
    if plot.points().next().is_none() {
        let area = &layout.area;
        let middle = ((area.left + area.right) / 2.0, (area.top + area.bottom) / 2.0);
        canvas.text("no data", middle, 14.0, GREY, Anchor::Centre)?;
    }
    Ok(())
}

/// Every case with the index of its series and its place across.
fn cases<'a>(plot: &'a Plot, layout: &'a Layout) -> impl Iterator<Item = (usize, f64, &'a Point)> {
    plot.series.iter().enumerate().flat_map(move |(i, series)| {
        let places = series.points.iter();
        places.map(move |point| (i, layout.dodged(plot, i, point.nthread), point))
    })
}

/// Radius of the marks: smaller where many stand side by side.
pub(super) fn radius(layout: &Layout) -> f64 {
    (1.6 + 0.75 * layout.step).clamp(2.2, 4.2)
}

fn dots<B: Letters>(canvas: &mut Canvas<B>, plot: &Plot, layout: &Layout) -> Result<(), PlotError> {
    let spread = (layout.step * 0.3).min(6.0);
    let size = (radius(layout) * 0.45).max(1.2);
    for (i, x, point) in cases(plot, layout) {
        let colour = look(i).colour;
        for (k, dot) in point.dots.iter().enumerate() {
            if layout.y.spans(*dot) {
                let at = (x + spread * jitter(k), layout.y.at(*dot));
                canvas.dot(at, size, colour, 0.35)?;
            }
        }
    }
    Ok(())
}

/// From -1 to 1, evenly spread and always the same: steps of the golden ratio.
fn jitter(index: usize) -> f64 {
    2.0 * ((index as f64 + 0.5) * 0.618_033_988_749_895).fract() - 1.0
}

/// Perfect scaling up to the top of the plot area.
fn ideal(plot: &Plot, layout: &Layout) -> Vec<Vec<Place>> {
    const PARTS: usize = 96;
    let (from, to) = layout.x.ends();
    let place = |i: usize| {
        let x = from + (to - from) * i as f64 / PARTS as f64;
        let value = plot.ideal(layout.x.count(x))?;
        Some((x, layout.y.at(value)))
    };
    if from == to {
        let single = plot.ideal(f64::from(plot.counts.first().copied().unwrap_or(1)));
        let y = single.map(|value| layout.y.at(value));
        let y = y.filter(|y| layout.area.contains_y(*y));
        let ends = |y| vec![(layout.area.left, y), (layout.area.right, y)];
        return y.map(ends).into_iter().collect();
    }
    let path: Option<Vec<Place>> = (0..=PARTS).map(place).collect();
    path.map(|path| below_top(&path, layout.area.top)).into_iter().collect()
}

/// A rising path as far as it stays below `top`.
fn below_top(path: &[Place], top: f64) -> Vec<Place> {
    let inside = path.iter().take_while(|(_, y)| *y >= top).count();
    let mut kept = path[..inside].to_vec();
    if let (Some(last), Some(next)) = (kept.last().copied(), path.get(inside)) {
        let share = (last.1 - top) / (last.1 - next.1);
        kept.push((last.0 + share * (next.0 - last.0), top));
    }
    kept
}

/// Whether the ideal is above what the axis spans at the last thread count.
pub(super) fn ideal_leaves(plot: &Plot, layout: &Layout) -> bool {
    let last = f64::from(plot.counts.last().copied().unwrap_or(1));
    let ideal = plot.ideal(last);
    ideal.is_some_and(|value| layout.y.at(value) < layout.area.top)
}

const LABEL: f64 = 11.0;

fn baseline<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
    reference: &Reference,
) -> Result<(), PlotError> {
    let Some(value) = reference.value else {
        return Ok(());
    };
    let (area, y) = (&layout.area, layout.y.at(value));
    canvas.dashed(&[(area.left, y), (area.right, y)], INK, 1.2, BASELINE_DASH)?;
    let text = match plot.metric {
        Metric::Speedup => format!("{}: 1×", reference.name),
        _ => format!("{}: {}", reference.name, layout.y.unit.write(value)),
    };
    let (at, anchor) = label_place(plot, layout, y, font::width(&text, LABEL));
    canvas.text(&text, at, LABEL, INK, anchor)
}

/// The end of a horizontal line, above or below it, where the label covers
/// least.
fn label_place(plot: &Plot, layout: &Layout, y: f64, width: f64) -> (Place, Anchor) {
    let area = &layout.area;
    let (right, left) = (area.right - 6.0, area.left + 6.0);
    let covered = covered(plot, layout);
    let places = [
        ((right, y - 9.0), Anchor::Right),
        ((right, y + 9.0), Anchor::Right),
        ((left, y - 9.0), Anchor::Left),
        ((left, y + 9.0), Anchor::Left),
    ];
    let cost = |((x, y), anchor): &(Place, Anchor)| {
        let from = if *anchor == Anchor::Right { x - width } else { *x };
        let hidden = covered
            .iter()
            .filter(|(a, b)| (from - 4.0..from + width + 4.0).contains(a) && (b - y).abs() < 9.0)
            .count();
        let outside = !area.contains_y(y - 8.0) || !area.contains_y(y + 8.0);
        hidden + if outside { 1_000_000 } else { 0 }
    };
    let best = places.into_iter().min_by_key(cost);
    best.unwrap_or(((right, y - 9.0), Anchor::Right))
}

/// Places that something is drawn at.
fn covered(plot: &Plot, layout: &Layout) -> Vec<Place> {
    let mut places = Vec::new();
    for (_, x, point) in cases(plot, layout) {
        let interval = point.interval.map(|(low, high)| [low, high]);
        let values = interval.into_iter().flatten().chain([point.value]);
        places.extend(values.map(|v| (x, layout.y.at(v))));
        places.extend(point.dots.iter().map(|v| (x, layout.y.at(*v))));
    }
    for (_, path) in paths(plot, layout) {
        for pair in path.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let parts = (0..16).map(|i| f64::from(i) / 16.0);
            places.extend(parts.map(|t| (x0 + t * (x1 - x0), y0 + t * (y1 - y0))));
        }
    }
    places
}

/// The lines through the medians, each with the index of its series.
fn paths(plot: &Plot, layout: &Layout) -> Vec<(usize, Vec<Place>)> {
    let mut paths = Vec::new();
    for (i, series) in plot.series.iter().enumerate() {
        let place = |point: &Point| {
            let x = layout.dodged(plot, i, point.nthread);
            (x, layout.y.at(point.value))
        };
        let pieces = plot.pieces(series);
        paths.extend(pieces.iter().map(|piece| (i, piece.iter().map(place).collect())));
    }
    paths
}

fn lines<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    for (i, path) in paths(plot, layout) {
        canvas.dashed(&path, look(i).colour, 1.5, look(i).dash)?;
    }
    Ok(())
}

fn bars<B: Letters>(canvas: &mut Canvas<B>, plot: &Plot, layout: &Layout) -> Result<(), PlotError> {
    let cap = radius(layout) * 0.8;
    for (i, x, point) in cases(plot, layout) {
        let Some((low, high)) = point.interval else {
            continue;
        };
        let (low, high) = (layout.y.at(low), layout.y.at(high));
        let colour = look(i).colour;
        canvas.line(&[(x, low), (x, high)], colour, 1.25)?;
        for end in [low, high] {
            canvas.line(&[(x - cap, end), (x + cap, end)], colour, 1.25)?;
        }
    }
    Ok(())
}

/// Whether a mark covers the whole of an interval.
pub(super) fn hidden_bars(plot: &Plot, layout: &Layout) -> bool {
    let height = |(low, high)| layout.y.at(low) - layout.y.at(high);
    let mut intervals = plot.points().filter_map(|point| point.interval);
    intervals.any(|interval| height(interval) < 2.0 * radius(layout))
}

fn marks<B: Letters>(
    canvas: &mut Canvas<B>,
    plot: &Plot,
    layout: &Layout,
) -> Result<(), PlotError> {
    for (i, x, point) in cases(plot, layout) {
        canvas.mark((x, layout.y.at(point.value)), radius(layout), &look(i))?;
    }
    Ok(())
}
