//! The data: dots, lines, bars and marks, and the lines to compare with.

use super::canvas::{Anchor, Canvas};
use super::font;
use super::layout::Layout;
use super::style::{BASELINE_DASH, GREY, IDEAL_DASH, INK, look};
use crate::view::figure::lines::Point;

type Place = (f64, f64);

const LABEL: f64 = 11.0;

/// Draws everything within the plot area: what matters more lies above.
pub(super) fn draw(canvas: &mut Canvas, layout: &Layout<'_>) {
    dots(canvas, layout);
    if let Some(path) = ideal(layout) {
        canvas.dashed(&path, GREY, 1.4, IDEAL_DASH);
    }
    baseline(canvas, layout);
    for (i, path) in paths(layout) {
        canvas.dashed(&path, look(i).colour, 1.5, look(i).dash);
    }
    bars(canvas, layout);
    for (i, x, point) in cases(layout) {
        canvas.mark((x, layout.y(point.value)), layout.radius(), &look(i));
    }
    if layout.figure.points().next().is_none() {
        canvas.text("no data", layout.plane.area.middle(), 14.0, GREY, Anchor::Centre);
    }
}

/// The cases, with the index of their series and their place across.
fn cases<'a>(layout: &'a Layout<'a>) -> impl Iterator<Item = (usize, f64, &'a Point)> {
    layout.figure.series.iter().enumerate().flat_map(move |(i, series)| {
        series.points.iter().map(move |point| (i, layout.dodged(i, point.nthread), point))
    })
}

fn dots(canvas: &mut Canvas, layout: &Layout<'_>) {
    let spread = (layout.step * 0.3).min(6.0);
    let size = (layout.radius() * 0.45).max(1.2);
    for (i, x, point) in cases(layout) {
        for (k, dot) in point.dots.iter().enumerate() {
            if layout.figure.y.spans(*dot) {
                let at = (x + spread * jitter(k), layout.y(*dot));
                canvas.dot(at, size, look(i).colour, 0.35);
            }
        }
    }
}

/// A number from -1 to 1, evenly spread and always the same: steps of the golden ratio.
fn jitter(index: usize) -> f64 {
    2.0 * ((index as f64 + 0.5) * 0.618_033_988_749_895).fract() - 1.0
}

/// The line of perfect scaling up to the top of the plot area. It is straight only where both
/// axes are on the same scale, so it is drawn in steps.
fn ideal(layout: &Layout<'_>) -> Option<Vec<Place>> {
    const STEPS: usize = 96;
    let (figure, (from, to)) = (layout.figure, layout.plane.x.ends);
    if from == to {
        let only = f64::from(figure.counts.first().copied().unwrap_or(1));
        let y = layout.y(figure.ideal(only)?);
        let ends = vec![(layout.plane.area.left, y), (layout.plane.area.right, y)];
        return layout.plane.area.contains_y(y).then_some(ends);
    }
    let path: Option<Vec<Place>> = (0..=STEPS)
        .map(|i| {
            let x = from + (to - from) * i as f64 / STEPS as f64;
            Some((x, layout.y(figure.ideal(layout.count(x))?)))
        })
        .collect();
    Some(below_top(&path?, layout.plane.area.top))
}

/// The part of a rising path that stays below `top`.
fn below_top(path: &[Place], top: f64) -> Vec<Place> {
    // The last point below the top is followed by the point where the path crosses it.
    let inside = path.iter().take_while(|(_, y)| *y >= top).count();
    let mut kept = path[..inside].to_vec();
    if let (Some(last), Some(next)) = (kept.last().copied(), path.get(inside)) {
        let share = (last.1 - top) / (last.1 - next.1);
        kept.push((last.0 + share * (next.0 - last.0), top));
    }
    kept
}

/// Draws the line of the baseline with its text.
fn baseline(canvas: &mut Canvas, layout: &Layout<'_>) {
    let Some((value, text)) = layout.figure.reference_text() else { return };
    let (area, y) = (&layout.plane.area, layout.y(value));
    canvas.dashed(&[(area.left, y), (area.right, y)], INK, 1.2, BASELINE_DASH);
    let (at, anchor) = label_place(layout, y, font::width(&text, LABEL));
    canvas.text(&text, at, LABEL, INK, anchor)
}

/// The end of a horizontal line, above or below it, where the label covers least.
fn label_place(layout: &Layout<'_>, y: f64, width: f64) -> (Place, Anchor) {
    let area = &layout.plane.area;
    let (right, left) = (area.right - 6.0, area.left + 6.0);
    let covered = covered(layout);
    let places = [
        ((right, y - 9.0), Anchor::Right),
        ((right, y + 9.0), Anchor::Right),
        ((left, y - 9.0), Anchor::Left),
        ((left, y + 9.0), Anchor::Left),
    ];
    // The cost of a place: what the text would cover. It never leaves the plot area.
    let cost = |((x, y), anchor): &(Place, Anchor)| {
        if !area.contains_y(y - 8.0) || !area.contains_y(y + 8.0) {
            return usize::MAX;
        }
        let from = if *anchor == Anchor::Right { x - width } else { *x };
        let across = from - 4.0..from + width + 4.0;
        covered.iter().filter(|(a, b)| across.contains(a) && (b - y).abs() < 9.0).count()
    };
    places.into_iter().min_by_key(cost).unwrap_or(places[0])
}

/// The places at which something is drawn.
fn covered(layout: &Layout<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    for (_, x, point) in cases(layout) {
        let (low, high) = point.interval.unwrap_or((point.value, point.value));
        let values = point.dots.iter().chain([&low, &point.value, &high]);
        places.extend(values.map(|value| (x, layout.y(*value))));
    }
    for (_, path) in paths(layout) {
        for pair in path.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let parts = (0..16).map(|i| f64::from(i) / 16.0);
            places.extend(parts.map(|t| (x0 + t * (x1 - x0), y0 + t * (y1 - y0))));
        }
    }
    places
}

/// The lines through the medians, each with the index of its series.
fn paths(layout: &Layout<'_>) -> Vec<(usize, Vec<Place>)> {
    let mut paths = Vec::new();
    for (i, series) in layout.figure.series.iter().enumerate() {
        for piece in series.pieces() {
            let places = piece.iter();
            let places = places.map(|it| (layout.dodged(i, it.nthread), layout.y(it.value)));
            paths.push((i, places.collect()));
        }
    }
    paths
}

fn bars(canvas: &mut Canvas, layout: &Layout<'_>) {
    let cap = layout.radius() * 0.8;
    for (i, x, point) in cases(layout) {
        let Some((low, high)) = point.interval else { continue };
        let (low, high) = (layout.y(low), layout.y(high));
        let colour = look(i).colour;
        canvas.line(&[(x, low), (x, high)], colour, 1.25);
        for end in [low, high] {
            canvas.line(&[(x - cap, end), (x + cap, end)], colour, 1.25);
        }
    }
}
