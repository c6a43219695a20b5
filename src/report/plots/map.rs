//! A map of the winners: jobs up, thread counts across, the colour of the fastest.

use plotters::style::RGBColor;

use super::PlotError;
use super::canvas::{Anchor, Canvas, Letters};
use super::chart::heading;
use super::figure::{EDGE, LEGEND, TITLE, WIDTH};
use super::file::Picture;
use super::font;
use super::style::{GREY, INK, PAPER, SHADE, look};

/// Everything that a map shows.
pub(super) struct Map {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// Thread counts, ascending.
    pub(super) counts: Vec<u32>,
    /// The jobs, the smallest first.
    pub(super) rows: Vec<Row>,
    /// The winners: sequential first, then others, with the place of each among the
    /// lines of the chart beside it, whose colour it has.
    pub(super) winners: Vec<(String, Option<usize>)>,
}

/// One job.
pub(super) struct Row {
    pub(super) work: String,
    /// At each count: place among the winners, and whether another cannot be told
    /// from it.
    pub(super) cells: Vec<Option<(usize, bool)>>,
}

const TOP: f64 = 72.0;
const LEFT: f64 = 96.0;
const TEXT: f64 = 12.0;
const AXIS: f64 = 13.0;

impl Map {
    fn row_height(&self) -> f64 {
        (420.0 / self.rows.len().max(1) as f64).clamp(24.0, 56.0)
    }

    fn bottom(&self) -> f64 {
        TOP + self.row_height() * self.rows.len() as f64
    }
}

impl Picture for Map {
    fn size(&self) -> (f64, f64) {
        let legend = TOP + 24.0 * self.winners.len() as f64 + 40.0;
        (WIDTH, (self.bottom() + 56.0).max(legend))
    }

    fn title(&self) -> String {
        font::elide(&self.title, TITLE, WIDTH - 2.0 * EDGE)
    }

    fn description(&self) -> String {
        let name = |cell: &Option<(usize, bool)>| match cell {
            Some((winner, _)) => self.winners[*winner].0.as_str(),
            None => "no data",
        };
        let row = |row: &Row| {
            let cells: Vec<&str> = row.cells.iter().map(name).collect();
            format!("{}: {}", row.work, cells.join(", "))
        };
        let rows: Vec<String> = self.rows.iter().map(row).collect();
        let counts: Vec<String> = self.counts.iter().map(u32::to_string).collect();
        format!("Winners at {} threads, by work. {}.", counts.join(", "), rows.join("; "))
    }

    fn draw<B: Letters>(&self, backend: &mut B) -> Result<(), PlotError> {
        let mut canvas = Canvas::new(backend);
        heading(&mut canvas, self, &self.subtitle)?;
        let right = WIDTH - LEGEND;
        let width = (right - LEFT) / self.counts.len().max(1) as f64;
        let (height, bottom) = (self.row_height(), self.bottom());
        for (index, row) in self.rows.iter().enumerate() {
            let low = bottom - index as f64 * height;
            let middle = low - height / 2.0;
            canvas.text(&row.work, (LEFT - 8.0, middle), TEXT, INK, Anchor::Right)?;
            for (column, cell) in row.cells.iter().enumerate() {
                let left = LEFT + column as f64 * width;
                self.cell(&mut canvas, *cell, [left, low - height, left + width, low])?;
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
        self.legend(&mut canvas, right + EDGE)
    }
}

impl Map {
    fn colour(&self, winner: usize) -> RGBColor {
        self.winners[winner].1.map_or(SHADE, |place| look(place).colour)
    }

    /// A cell, `[left, top, right, bottom]`.
    fn cell<B: Letters>(
        &self,
        canvas: &mut Canvas<B>,
        cell: Option<(usize, bool)>,
        [left, top, right, bottom]: [f64; 4],
    ) -> Result<(), PlotError> {
        let Some((winner, is_tied)) = cell else { return Ok(()) };
        let colour = self.colour(winner);
        canvas.fill((left + 0.5, top + 0.5), (right - 0.5, bottom - 0.5), colour)?;
        let tie = if is_tied { " ≈" } else { "" };
        let texts = [format!("{}{tie}", self.winners[winner].0), tie.trim().to_string()];
        let room = right - left - 8.0;
        let text = texts.iter().find(|text| font::width(text, TEXT) <= room);
        let ink = if is_dark(colour) { PAPER } else { INK };
        let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
        match text {
            Some(text) if !text.is_empty() => canvas.text(text, middle, TEXT, ink, Anchor::Centre),
            _ => Ok(()),
        }
    }

    fn legend<B: Letters>(&self, canvas: &mut Canvas<B>, left: f64) -> Result<(), PlotError> {
        let mut y = TOP + 10.0;
        for (winner, (name, _)) in self.winners.iter().enumerate() {
            canvas.fill((left, y - 7.0), (left + 28.0, y + 7.0), GREY)?;
            let inner = ((left + 1.0, y - 6.0), (left + 27.0, y + 6.0));
            canvas.fill(inner.0, inner.1, self.colour(winner))?;
            let name = font::elide(name, 12.5, 155.0);
            canvas.text(&name, (left + 36.0, y), 12.5, INK, Anchor::Left)?;
            y += 24.0;
        }
        let tie = "≈ another cannot be told from it";
        canvas.text(tie, (left, y), 11.0, GREY, Anchor::Left)
    }
}

/// Whether white letters are read better on it (relative luminance of ITU-R BT.709).
pub(super) fn is_dark(RGBColor(red, green, blue): RGBColor) -> bool {
    let [red, green, blue] = [red, green, blue].map(f64::from);
    0.2126 * red + 0.7152 * green + 0.0722 * blue < 140.0
}
