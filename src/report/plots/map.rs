//! The drawing of a map of the winners.

use plotters::style::RGBColor;

use super::PlotError;
use super::canvas::{Anchor, Canvas, Letters};
use super::chart::heading;
use super::figure::{ROOM, TITLE};
use super::file::Picture;
use super::font;
use super::layout::{EDGE, LEGEND, WIDTH};
use super::style::{GREY, INK, PAPER, SHADE, look};
use crate::view::figure::map::{Cell, Map};

const TOP: f64 = 72.0;
const LEFT: f64 = 96.0;
const TEXT: f64 = 12.0;
const AXIS: f64 = 13.0;

fn row_height(map: &Map) -> f64 {
    (420.0 / map.rows.len().max(1) as f64).clamp(24.0, 56.0)
}

fn bottom(map: &Map) -> f64 {
    TOP + row_height(map) * map.rows.len() as f64
}

impl Picture for Map {
    fn size(&self) -> (f64, f64) {
        let legend = TOP + 24.0 * self.winners.len() as f64 + 40.0;
        (WIDTH, (bottom(self) + 56.0).max(legend))
    }

    fn title(&self) -> String {
        font::elide(&self.title, TITLE, ROOM)
    }

    fn description(&self) -> String {
        let name = |cell: &Option<Cell>| match cell {
            Some(cell) => self.winners[cell.winner].0.as_str(),
            None => "no data",
        };
        let mut rows = Vec::new();
        for row in &self.rows {
            let cells: Vec<&str> = row.cells.iter().map(name).collect();
            rows.push(format!("{}: {}", row.work, cells.join(", ")));
        }
        let counts: Vec<String> = self.counts.iter().map(u32::to_string).collect();
        format!("Winners at {} threads, by work. {}.", counts.join(", "), rows.join("; "))
    }

    fn draw<B: Letters>(&self, backend: &mut B) -> Result<(), PlotError> {
        let mut canvas = Canvas::new(backend);
        heading(&mut canvas, self, &self.subtitle)?;
        let right = WIDTH - LEGEND;
        let width = (right - LEFT) / self.counts.len().max(1) as f64;
        let (height, bottom) = (row_height(self), bottom(self));
        for (index, row) in self.rows.iter().enumerate() {
            let low = bottom - index as f64 * height;
            let middle = low - height / 2.0;
            canvas.text(&row.work, (LEFT - 8.0, middle), TEXT, INK, Anchor::Right)?;
            for (column, cell) in row.cells.iter().enumerate() {
                let left = LEFT + column as f64 * width;
                if let Some(cell) = cell {
                    let place = [left, low - height, left + width, low];
                    draw_cell(self, &mut canvas, cell, place)?;
                }
            }
        }
        for (column, count) in self.counts.iter().enumerate() {
            let at = (LEFT + (column as f64 + 0.5) * width, bottom + 15.0);
            canvas.text(&count.to_string(), at, TEXT, INK, Anchor::Centre)?;
        }
        let middle = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
        canvas.text("Work: time of sequential", (20.0, middle.1), AXIS, INK, Anchor::Upwards)?;
        let label = "Threads or processes (count)";
        canvas.text(label, (middle.0, bottom + 38.0), AXIS, INK, Anchor::Centre)?;
        legend(self, &mut canvas, right + EDGE)
    }
}

fn colour(map: &Map, winner: usize) -> RGBColor {
    map.winners[winner].1.map_or(SHADE, |place| look(place).colour)
}

/// Draws a cell at `[left, top, right, bottom]`.
fn draw_cell<B: Letters>(
    map: &Map,
    canvas: &mut Canvas<B>,
    cell: &Cell,
    [left, top, right, bottom]: [f64; 4],
) -> Result<(), PlotError> {
    let colour = colour(map, cell.winner);
    canvas.fill((left + 0.5, top + 0.5), (right - 0.5, bottom - 0.5), colour)?;
    let tie = if cell.ties.is_empty() { "" } else { " ≈" };
    let texts = [format!("{}{tie}", map.winners[cell.winner].0), tie.trim().to_string()];
    let room = right - left - 8.0;
    let text = texts.iter().find(|text| font::width(text, TEXT) <= room);
    let ink = if is_dark(colour) { PAPER } else { INK };
    let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
    match text {
        Some(text) if !text.is_empty() => canvas.text(text, middle, TEXT, ink, Anchor::Centre),
        _ => Ok(()),
    }
}

fn legend<B: Letters>(map: &Map, canvas: &mut Canvas<B>, left: f64) -> Result<(), PlotError> {
    let mut y = TOP + 10.0;
    for (winner, (name, _)) in map.winners.iter().enumerate() {
        canvas.fill((left, y - 7.0), (left + 28.0, y + 7.0), GREY)?;
        canvas.fill((left + 1.0, y - 6.0), (left + 27.0, y + 6.0), colour(map, winner))?;
        let name = font::elide(name, 12.5, 155.0);
        canvas.text(&name, (left + 36.0, y), 12.5, INK, Anchor::Left)?;
        y += 24.0;
    }
    let tie = "≈ statistically indistinguishable";
    canvas.text(tie, (left, y), 11.0, GREY, Anchor::Left)
}

/// True if white letters are read better on a colour (relative luminance of ITU-R BT.709).
pub(super) fn is_dark(RGBColor(red, green, blue): RGBColor) -> bool {
    let [red, green, blue] = [red, green, blue].map(f64::from);
    0.2126 * red + 0.7152 * green + 0.0722 * blue < 140.0
}
