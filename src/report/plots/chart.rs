//! The drawing of a chart over a logarithmic axis of times.

use super::PlotError;
use super::canvas::{Anchor, Canvas, Letters};
use super::figure::{ROOM, SUBTITLE, TITLE};
use super::file::Picture;
use super::font;
use super::layout::{Area, EDGE, HEIGHT, LEGEND, Places, WIDTH};
use super::style::{BASELINE_DASH, GREY, GRID, INK, PAPER, look};
use crate::view::figure::chart::{Chart, Point};

const TEXT: f64 = 12.0;
const AXIS: f64 = 13.0;
const REMARK: f64 = 11.0;
const ENTRY: f64 = 38.0;

struct Layout<'a> {
    area: Area,
    x: Places<'a>,
    y: Places<'a>,
}

fn layout(chart: &Chart) -> Layout<'_> {
    let height = HEIGHT.max(100.0 + chart.lines.len() as f64 * ENTRY);
    let area = Area { left: 76.0, top: 72.0, right: WIDTH - LEGEND, bottom: height - 56.0 };
    let x = Places { axis: &chart.x, ends: (area.left, area.right) };
    let y = Places { axis: &chart.y, ends: (area.bottom, area.top) };
    Layout { area, x, y }
}

impl Picture for Chart {
    fn size(&self) -> (f64, f64) {
        (WIDTH, layout(self).area.bottom + 56.0)
    }

    fn title(&self) -> String {
        font::elide(&self.title, TITLE, ROOM)
    }

    fn description(&self) -> String {
        let lines: Vec<String> =
            self.lines.iter().map(|line| format!("{} ({})", line.name, line.remark)).collect();
        format!("{}. {} for: {}.", self.subtitle, self.y_name, lines.join(", "))
    }

    fn draw<B: Letters>(&self, backend: &mut B) -> Result<(), PlotError> {
        let layout = layout(self);
        let mut canvas = Canvas::new(backend);
        heading(&mut canvas, self, &self.subtitle)?;
        grid(&mut canvas, &layout)?;
        levels(&mut canvas, self, &layout)?;
        data(&mut canvas, self, &layout)?;
        let Area { left, top, right, bottom } = layout.area;
        canvas.line(&[(left, top), (left, bottom), (right, bottom)], INK, 1.0)?;
        legend(&mut canvas, self, &layout)
    }
}

/// Paper, title and what stands below it.
pub(super) fn heading<B: Letters>(
    canvas: &mut Canvas<B>,
    picture: &impl Picture,
    subtitle: &str,
) -> Result<(), PlotError> {
    canvas.fill((0.0, 0.0), picture.size(), PAPER)?;
    canvas.text(&picture.title(), (EDGE, 24.0), TITLE, INK, Anchor::Left)?;
    let subtitle = font::elide(subtitle, SUBTITLE, ROOM);
    canvas.text(&subtitle, (EDGE, 46.0), SUBTITLE, GREY, Anchor::Left)
}

fn grid<B: Letters>(canvas: &mut Canvas<B>, layout: &Layout<'_>) -> Result<(), PlotError> {
    let Area { left, top, right, bottom } = layout.area;
    for (tick, text) in &layout.y.axis.ticks {
        let at = layout.y.at(*tick);
        canvas.line(&[(left - 4.0, at), (left, at)], INK, 1.0)?;
        canvas.line(&[(left, at), (right, at)], GRID, 0.75)?;
        canvas.text(text, (left - 8.0, at), TEXT, INK, Anchor::Right)?;
    }
    for (tick, text) in &layout.x.axis.ticks {
        let at = layout.x.at(*tick);
        canvas.line(&[(at, top), (at, bottom)], GRID, 0.75)?;
        canvas.line(&[(at, bottom), (at, bottom + 5.0)], INK, 1.0)?;
        canvas.text(text, (at, bottom + 15.0), TEXT, INK, Anchor::Centre)?;
    }
    let middle = layout.area.middle();
    canvas.text(&layout.y.axis.label, (20.0, middle.1), AXIS, INK, Anchor::Upwards)?;
    canvas.text(&layout.x.axis.label, (middle.0, bottom + 38.0), AXIS, INK, Anchor::Centre)
}

fn levels<B: Letters>(
    canvas: &mut Canvas<B>,
    chart: &Chart,
    layout: &Layout<'_>,
) -> Result<(), PlotError> {
    let Area { left, right, .. } = layout.area;
    for (level, words) in &chart.levels {
        let at = layout.y.at(*level);
        canvas.dashed(&[(left, at), (right, at)], INK, 1.2, BASELINE_DASH)?;
        // At the left the lines of small tasks and small jobs are far below.
        canvas.text(words, (left + 6.0, at - 9.0), REMARK, INK, Anchor::Left)?;
    }
    Ok(())
}

fn data<B: Letters>(
    canvas: &mut Canvas<B>,
    chart: &Chart,
    layout: &Layout<'_>,
) -> Result<(), PlotError> {
    let at = |point: &Point| (layout.x.at(point.at_ns), layout.y.at(point.value));
    for (index, line) in chart.lines.iter().enumerate() {
        let path: Vec<(f64, f64)> = line.points.iter().map(at).collect();
        canvas.dashed(&path, look(index).colour, 1.5, look(index).dash)?;
    }
    for (index, line) in chart.lines.iter().enumerate() {
        for point in &line.points {
            let (x, y) = at(point);
            if let Some((low, high)) = point.interval {
                let ends = [(x, layout.y.at(low)), (x, layout.y.at(high))];
                canvas.line(&ends, look(index).colour, 1.25)?;
            }
            canvas.mark((x, y), 4.0, &look(index))?;
        }
    }
    Ok(())
}

fn legend<B: Letters>(
    canvas: &mut Canvas<B>,
    chart: &Chart,
    layout: &Layout<'_>,
) -> Result<(), PlotError> {
    let left = layout.area.right + EDGE;
    for (index, line) in chart.lines.iter().enumerate() {
        let y = layout.area.top + 10.0 + index as f64 * ENTRY;
        let ends = [(left, y), (left + 36.0, y)];
        canvas.dashed(&ends, look(index).colour, 1.5, look(index).dash)?;
        canvas.mark((left + 18.0, y), 4.0, &look(index))?;
        let name = font::elide(&line.name, 12.5, 150.0);
        canvas.text(&name, (left + 44.0, y), 12.5, INK, Anchor::Left)?;
        let remark = font::elide(&line.remark, REMARK, 152.0);
        canvas.text(&remark, (left + 44.0, y + 14.0), REMARK, GREY, Anchor::Left)?;
    }
    Ok(())
}
