//! The drawing of a heat map: its panels, their cells, and the legend of its marks.

use plotters::style::RGBColor;

use super::canvas::{Anchor, Canvas};
use super::cells::{Cells, Edges, TEXT, ink_on};
use super::file::Picture;
use super::layout::{EDGE, ROOM, TITLE, WIDTH};
use super::style::{GREY, INK, PAPER, SHADE};
use super::{font, frame};
use crate::view::figure::heat::{Cell, Heat, colour, figure};
use crate::view::number::digits;

const TOP: f64 = 66.0;
const NAME: f64 = 13.0;
/// Above a panel, for its name; left of it and below, for its counts.
const HEAD: f64 = 26.0;
const SIDE: f64 = 44.0;
const FOOT: f64 = 40.0;
const GAP: f64 = 20.0;
const FOOTER: f64 = 74.0;

/// A cell that is narrower has no room for its figure.
const NARROWEST: f64 = 34.0;
const WIDEST: f64 = 90.0;
const HEIGHT: f64 = 30.0;

/// Panels beside each other, if cells are wide enough.
const MOST_COLUMNS: usize = 3;

/// The lines over a cell with too many threads, from corner to corner.
pub(super) const HATCHES: usize = 4;
pub(super) const HATCH: RGBColor = RGBColor(0x9a, 0x9a, 0x9b);
pub(super) const FULL: RGBColor = RGBColor(0xd5, 0x5e, 0x01);
pub(super) const BEST: RGBColor = RGBColor(0xd5, 0x5e, 0x02);

/// The layout of the panels.
struct Layout {
    columns: usize,
    panel: f64,
    cell: f64,
    height: f64,
}

impl Layout {
    fn new(heat: &Heat) -> Layout {
        let widest = heat.panels.iter().map(|panel| panel.counts.len()).max().unwrap_or(1);
        let rows = heat.panels.iter().map(|panel| panel.rows.len()).max().unwrap_or(1);
        let room = |columns: usize| (ROOM - GAP * (columns - 1) as f64) / columns as f64;
        let cell = |columns: usize| (room(columns) - SIDE) / widest as f64;
        let most = MOST_COLUMNS.min(heat.panels.len()).max(1);
        let columns = (1..=most).rev().find(|columns| cell(*columns) >= NARROWEST).unwrap_or(1);
        Layout {
            columns,
            panel: room(columns),
            cell: cell(columns).min(WIDEST),
            height: HEAD + rows as f64 * HEIGHT + FOOT,
        }
    }

    fn bottom(&self, heat: &Heat) -> f64 {
        TOP + heat.panels.len().div_ceil(self.columns) as f64 * self.height
    }
}

impl Picture for Heat {
    fn size(&self) -> (f64, f64) {
        (WIDTH, Layout::new(self).bottom(self) + FOOTER)
    }

    fn title(&self) -> String {
        font::elide(&self.title, TITLE, ROOM)
    }

    fn description(&self) -> String {
        let mut panels = Vec::new();
        for panel in &self.panels {
            let mut rows = Vec::new();
            for (label, row) in &panel.rows {
                let cells: Vec<String> = row.iter().map(|cell| figure(cell.as_ref())).collect();
                let inner = label.trim_start_matches("× ");
                rows.push(format!("{inner} inside: {}", cells.join(", ")));
            }
            let counts: Vec<String> = panel.counts.iter().map(u32::to_string).collect();
            let (counts, rows) = (counts.join(", "), rows.join("; "));
            panels.push(format!("{} with {counts} workers: {rows}", panel.name));
        }
        format!("Speedups. {}.", panels.join(". "))
    }

    fn draw(&self, canvas: &mut Canvas) {
        frame::heading(canvas, self, &[&self.subtitle]);
        let layout = Layout::new(self);
        for (index, panel) in self.panels.iter().enumerate() {
            let (column, row) = (index % layout.columns, index / layout.columns);
            let left = EDGE + column as f64 * (layout.panel + GAP);
            let top = TOP + row as f64 * layout.height;
            let name = font::elide(&panel.name, NAME, layout.panel);
            canvas.text(&name, (left, top + 12.0), NAME, INK, Anchor::Left);
            let cells = Cells {
                left: left + SIDE,
                bottom: top + HEAD + panel.rows.len() as f64 * HEIGHT,
                width: layout.cell,
                height: HEIGHT,
            };
            let rows = panel.rows.iter().map(|(label, row)| (label.as_str(), row.as_slice()));
            cells.draw(canvas, &panel.counts, rows, draw_cell);
        }
        legend(self, canvas, layout.bottom(self) + 18.0);
    }
}

fn draw_cell(canvas: &mut Canvas, cell: Option<&Cell>, [left, top, right, bottom]: Edges) {
    let colour = cell.and_then(|cell| cell.colour).map_or(SHADE, rgb);
    let inside = [left + 0.5, top + 0.5, right - 0.5, bottom - 0.5];
    canvas.fill((inside[0], inside[1]), (inside[2], inside[3]), colour);
    if cell.is_some_and(|cell| cell.is_oversubscribed) {
        hatch(canvas, inside);
    }
    let text = figure(cell);
    let half = font::width(&text, TEXT) / 2.0;
    let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
    if 2.0 * half + 4.0 <= right - left {
        // The hatching does not run through the figure.
        canvas.fill((x - half - 2.0, y - 8.0), (x + half + 2.0, y + 8.0), colour);
        canvas.text(&text, (x, y), TEXT, ink_on(colour), Anchor::Centre);
    }
    if cell.is_some_and(|cell| cell.is_full) {
        outline(canvas, [left + 1.5, top + 1.5, right - 1.5, bottom - 1.5]);
    }
    if cell.is_some_and(|cell| cell.is_best) {
        best_mark(canvas, (right - 7.0, top + 7.0));
    }
}

fn rgb((red, green, blue): (u8, u8, u8)) -> RGBColor {
    RGBColor(red, green, blue)
}

/// Draws the meaning of colours and marks, in one line.
fn legend(heat: &Heat, canvas: &mut Canvas, y: f64) {
    let mut x = EDGE;
    // Writes a text with room for a sample before it, and returns the sample's left edge.
    let mut write = |canvas: &mut Canvas, text: &str, sample: f64| {
        let left = x;
        canvas.text(text, (left + sample + 6.0, y), TEXT, INK, Anchor::Left);
        x += sample + 6.0 + font::width(text, TEXT) + 22.0;
        left
    };
    if let Some((low, high)) = heat.range {
        let text = format!("speedup {} to {}", digits(low), digits(high));
        let left = write(canvas, &text, 100.0);
        for step in 0..50_u32 {
            let value = low + (high - low) * f64::from(step) / 49.0;
            let from = left + 2.0 * f64::from(step);
            // Each reaches a little into the next: between two edges paper would shine.
            canvas.fill((from, y - 7.0), (from + 2.5, y + 7.0), rgb(colour(value, heat.range)));
        }
    }
    if heat.cells().any(|cell| cell.is_full) {
        let text = format!("full use: as many threads as the {}", heat.cpus);
        let left = write(canvas, &text, 26.0);
        outline(canvas, [left, y - 8.0, left + 26.0, y + 8.0]);
    }
    if heat.cells().any(|cell| cell.is_oversubscribed) {
        let left = write(canvas, "oversubscribed: more threads", 26.0);
        canvas.fill((left, y - 8.0), (left + 26.0, y + 8.0), SHADE);
        hatch(canvas, [left, y - 8.0, left + 26.0, y + 8.0]);
    }
    if heat.cells().any(|cell| cell.is_best) {
        let left = write(canvas, "the best", 12.0);
        best_mark(canvas, (left + 6.0, y));
    }
    let note = "–: no data · the best of a panel has no more threads than CPUs, unless more \
                are better beyond the interval";
    canvas.text(note, (EDGE, y + 26.0), TEXT, GREY, Anchor::Left);
}

/// Slanting lines over a rectangle, always [`HATCHES`] of them.
fn hatch(canvas: &mut Canvas, [left, top, right, bottom]: Edges) {
    let (width, height) = (right - left, bottom - top);
    for line in 0..HATCHES {
        // Where the line would cross the lower edge, and, as far to the right as it is
        // high, the upper one.
        let start = left - height + (width + height) * (line as f64 + 0.5) / HATCHES as f64;
        let (from, to) = (start.max(left), (start + height).min(right));
        let points = [(from, bottom - (from - start)), (to, bottom - (to - start))];
        canvas.line(&points, HATCH, 1.2);
    }
}

fn outline(canvas: &mut Canvas, [left, top, right, bottom]: Edges) {
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
    canvas.line(&corners, FULL, 2.5);
}

fn best_mark(canvas: &mut Canvas, at: (f64, f64)) {
    canvas.dot(at, 4.6, PAPER, 1.0);
    canvas.dot(at, 3.4, BEST, 1.0);
}
