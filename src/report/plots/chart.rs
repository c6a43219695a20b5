//! The drawing of a chart over a logarithmic axis of times.

use super::canvas::{Anchor, Canvas};
use super::file::Picture;
use super::layout::{Plane, ROOM, TITLE};
use super::legend::{Entry, Sample};
use super::style::{BASELINE_DASH, INK, look};
use super::{font, frame, legend};
use crate::view::figure::chart::{Chart, Point};

const LEVEL_TEXT: f64 = 11.0;

impl Picture for Chart {
    fn size(&self) -> (f64, f64) {
        plane(self).page()
    }

    fn title(&self) -> String {
        font::elide(&self.title, TITLE, ROOM)
    }

    fn description(&self) -> String {
        let lines: Vec<String> =
            self.lines.iter().map(|line| format!("{} ({})", line.name, line.remark)).collect();
        format!("{}. {} for: {}.", self.subtitle, self.y_name, lines.join(", "))
    }

    fn draw(&self, canvas: &mut Canvas) {
        let plane = &plane(self);
        frame::heading(canvas, self, &[&self.subtitle]);
        frame::axes(canvas, plane, None);
        for (level, text) in &self.levels {
            let (at, left, right) = (plane.y.at(*level), plane.area.left, plane.area.right);
            canvas.dashed(&[(left, at), (right, at)], INK, 1.2, BASELINE_DASH);
            // At the left the lines of small tasks and small jobs are far below.
            canvas.text(text, (left + 6.0, at - 9.0), LEVEL_TEXT, INK, Anchor::Left);
        }
        data(canvas, self, plane);
        frame::outline(canvas, plane);
        legend::draw(canvas, &entries(self), plane.legend());
    }
}

fn plane(chart: &Chart) -> Plane<'_> {
    Plane::new(&chart.x, &chart.y, 72.0, legend::height(&entries(chart)))
}

fn entries(chart: &Chart) -> Vec<Entry> {
    let lines = chart.lines.iter().enumerate();
    lines
        .map(|(index, line)| Entry {
            sample: Sample::Series(look(index)),
            name: line.name.clone(),
            remark: line.remark.clone(),
        })
        .collect()
}

/// Draws the lines, then the intervals and marks over them.
fn data(canvas: &mut Canvas, chart: &Chart, plane: &Plane<'_>) {
    let place = |point: &Point| (plane.x.at(point.at_ns), plane.y.at(point.value));
    for (index, line) in chart.lines.iter().enumerate() {
        let path: Vec<(f64, f64)> = line.points.iter().map(place).collect();
        canvas.dashed(&path, look(index).colour, 1.5, look(index).dash);
    }
    for (index, line) in chart.lines.iter().enumerate() {
        for point in &line.points {
            let (x, y) = place(point);
            if let Some((low, high)) = point.interval {
                let ends = [(x, plane.y.at(low)), (x, plane.y.at(high))];
                canvas.line(&ends, look(index).colour, 1.25);
            }
            canvas.mark((x, y), 4.0, &look(index));
        }
    }
}
