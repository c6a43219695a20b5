//! The drawing of a figure over the thread count: its texts, and the order of its parts.

use super::canvas::Canvas;
use super::file::Picture;
use super::layout::{Layout, ROOM, TITLE};
use super::{curves, font, frame, legend};
use crate::view::figure::lines::Figure;

impl Picture for Figure {
    fn size(&self) -> (f64, f64) {
        Layout::new(self).plane.page()
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

    fn draw(&self, canvas: &mut Canvas) {
        let layout = &Layout::new(self);
        let hidden = "intervals narrower than their mark are hidden by it";
        let notes = self.notes(layout.has_hidden_bars().then_some(hidden)).join(" · ");
        frame::heading(canvas, self, &[&self.subtitle, &notes]);
        frame::shade(canvas, layout);
        frame::axes(canvas, &layout.plane, Some(&layout.labelled()));
        curves::draw(canvas, layout);
        frame::name_shade(canvas, layout);
        frame::outline(canvas, &layout.plane);
        let entries = legend::entries(self, layout.ideal_leaves());
        legend::draw(canvas, &entries, layout.plane.legend());
    }
}
