//! The drawing of a map of the winners.

use plotters::style::RGBColor;

use super::canvas::{Anchor, Canvas};
use super::cells::{Cells, Edges, TEXT, ink_on};
use super::file::Picture;
use super::layout::{EDGE, LEGEND, ROOM, TITLE, WIDTH};
use super::style::{GREY, INK, SHADE, look};
use super::{font, frame};
use crate::view::figure::map::{Cell, Map};

const TOP: f64 = 72.0;
const AXIS: f64 = 13.0;

impl Picture for Map {
    fn size(&self) -> (f64, f64) {
        let legend = TOP + 24.0 * self.winners.len() as f64 + 40.0;
        (WIDTH, (cells(self).bottom + 56.0).max(legend))
    }

    fn title(&self) -> String {
        font::elide(&self.title, TITLE, ROOM)
    }

    fn description(&self) -> String {
        let mut rows = Vec::new();
        for row in &self.rows {
            let winners = row.cells.iter().map(|cell| match cell {
                Some(cell) => self.winners[cell.winner].0.as_str(),
                None => "no data",
            });
            rows.push(format!("{}: {}", row.work, winners.collect::<Vec<_>>().join(", ")));
        }
        let counts: Vec<String> = self.counts.iter().map(u32::to_string).collect();
        format!("Winners at {} threads, by work. {}.", counts.join(", "), rows.join("; "))
    }

    fn draw(&self, canvas: &mut Canvas) {
        frame::heading(canvas, self, &[&self.subtitle]);
        let cells = cells(self);
        let rows = self.rows.iter().map(|row| (row.work.as_str(), row.cells.as_slice()));
        cells.draw(canvas, &self.counts, rows, |canvas, cell, edges| {
            if let Some(cell) = cell {
                draw_cell(self, canvas, cell, edges);
            }
        });
        let right = WIDTH - LEGEND;
        let middle = ((cells.left + right) / 2.0, (TOP + cells.bottom) / 2.0);
        canvas.text("Work: time of sequential", (20.0, middle.1), AXIS, INK, Anchor::Upwards);
        let label = "Threads or processes (count)";
        canvas.text(label, (middle.0, cells.bottom + 38.0), AXIS, INK, Anchor::Centre);
        legend(self, canvas, right + EDGE);
    }
}

fn cells(map: &Map) -> Cells {
    let (left, rows) = (96.0, map.rows.len() as f64);
    let height = (420.0 / rows.max(1.0)).clamp(24.0, 56.0);
    let width = (WIDTH - LEGEND - left) / map.counts.len().max(1) as f64;
    Cells { left, bottom: TOP + height * rows, width, height }
}

fn colour(map: &Map, winner: usize) -> RGBColor {
    map.winners[winner].1.map_or(SHADE, |place| look(place).colour)
}

/// Draws a cell with the name of its winner, or only with the mark of a tie where the name
/// has no room.
fn draw_cell(map: &Map, canvas: &mut Canvas, cell: &Cell, [left, top, right, bottom]: Edges) {
    let colour = colour(map, cell.winner);
    canvas.fill((left + 0.5, top + 0.5), (right - 0.5, bottom - 0.5), colour);
    let tie = if cell.ties.is_empty() { "" } else { " ≈" };
    let name = format!("{}{tie}", map.winners[cell.winner].0);
    let has_room = font::width(&name, TEXT) <= right - left - 8.0;
    let text = if has_room { name.as_str() } else { tie.trim() };
    if !text.is_empty() {
        let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
        canvas.text(text, middle, TEXT, ink_on(colour), Anchor::Centre);
    }
}

fn legend(map: &Map, canvas: &mut Canvas, left: f64) {
    let mut y = TOP + 10.0;
    for (winner, (name, _)) in map.winners.iter().enumerate() {
        canvas.fill((left, y - 7.0), (left + 28.0, y + 7.0), GREY);
        canvas.fill((left + 1.0, y - 6.0), (left + 27.0, y + 6.0), colour(map, winner));
        let name = font::elide(name, 12.5, 155.0);
        canvas.text(&name, (left + 36.0, y), 12.5, INK, Anchor::Left);
        y += 24.0;
    }
    let tie = "≈ statistically indistinguishable";
    canvas.text(tie, (left, y), TEXT, GREY, Anchor::Left);
}
