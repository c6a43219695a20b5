//! One figure over the thread count: its words, and the order in which it is drawn.

use super::canvas::{Anchor, Canvas, Letters};
use super::file::Picture;
use super::layout::{EDGE, Layout, WIDTH};
use super::style::{GREY, INK, PAPER};
use super::{PlotError, curves, font, frame, legend};
use crate::view::figure::lines::Figure;

/// The sizes of the texts above the plot area.
pub(super) const TITLE: f64 = 17.0;
pub(super) const SUBTITLE: f64 = 12.0;

/// The room for a text from edge to edge.
pub(super) const ROOM: f64 = WIDTH - 2.0 * EDGE;

impl Picture for Figure {
    fn size(&self) -> (f64, f64) {
        Layout::new(self).size
    }

    /// The title with the CPU, which is cut short first.
    fn title(&self) -> String {
        let mut text = self.title.clone();
        if !self.cpu_model.is_empty() {
            let left = ROOM - font::width(&format!("{text}, on "), TITLE);
            let cpu = font::elide(self.cpu_model.trim(), TITLE, left);
            if cpu.chars().count() > 4 {
                text.push_str(&format!(", on {cpu}"));
            }
        }
        font::elide(&text, TITLE, ROOM)
    }

    fn description(&self) -> String {
        let series: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        format!("{}. Against the thread count, for: {}.", self.subtitle, series.join(", "))
    }

    fn draw<B: Letters>(&self, backend: &mut B) -> Result<(), PlotError> {
        let layout = &Layout::new(self);
        let mut canvas = Canvas::new(backend);
        canvas.fill((0.0, 0.0), layout.size, PAPER)?;
        canvas.text(&Picture::title(self), (EDGE, 24.0), TITLE, INK, Anchor::Left)?;
        let hidden = "intervals narrower than their mark are hidden by it";
        let notes = self.notes(layout.has_hidden_bars().then_some(hidden)).join(" · ");
        for (line, y) in [(&self.subtitle, 46.0), (&notes, 63.0)] {
            let line = font::elide(line, SUBTITLE, ROOM);
            canvas.text(&line, (EDGE, y), SUBTITLE, GREY, Anchor::Left)?;
        }
        frame::draw(&mut canvas, layout)?;
        curves::draw(&mut canvas, layout)?;
        frame::outline(&mut canvas, layout)?;
        legend::draw(&mut canvas, layout)
    }
}
