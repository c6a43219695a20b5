//! Lines over a logarithmic axis of times: one a backend, with the levels that
//! they are asked to reach.

use super::PlotError;
use super::axis::Area;
use super::canvas::{Anchor, Canvas, Letters};
use super::figure::{EDGE, HEIGHT, LEGEND, SUBTITLE, TITLE, WIDTH};
use super::file::Picture;
use super::font;
use super::scale::Scale;
use super::style::{BASELINE_DASH, GREY, GRID, INK, PAPER, look};
use crate::view::number::{TIME, Unit, significant};

/// Everything that a chart shows.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) x_label: &'static str,
    pub(super) y_label: &'static str,
    pub(super) y_scale: Scale,
    pub(super) y_unit: Unit,
    pub(super) lines: Vec<Line>,
    /// Horizontal lines, each with its words.
    pub(super) levels: Vec<(f64, &'static str)>,
}

/// One line.
pub(super) struct Line {
    pub(super) name: String,
    /// Below its name in the legend.
    pub(super) remark: String,
    pub(super) dots: Vec<Dot>,
}

/// One case: a time in nanoseconds, a value, and the value's interval.
#[derive(Clone, Copy)]
pub(super) struct Dot {
    pub(super) x_ns: f64,
    pub(super) y: f64,
    pub(super) interval: Option<(f64, f64)>,
}

const TEXT: f64 = 12.0;
const AXIS: f64 = 13.0;
const REMARK: f64 = 11.0;
const ENTRY: f64 = 38.0;

/// An axis: what it spans, and where.
struct Axis {
    scale: Scale,
    values: (f64, f64),
    places: (f64, f64),
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let share = self.scale.position(value, low, high).clamp(0.0, 1.0);
        self.places.0 + share * (self.places.1 - self.places.0)
    }
}

struct Layout {
    area: Area,
    x: Axis,
    y: Axis,
}

impl Chart {
    fn height(&self) -> f64 {
        HEIGHT.max(100.0 + self.lines.len() as f64 * ENTRY)
    }

    fn dots(&self) -> impl Iterator<Item = &Dot> {
        self.lines.iter().flat_map(|line| &line.dots)
    }

    fn layout(&self) -> Layout {
        let bottom = self.height() - 56.0;
        let area = Area { left: 76.0, top: 72.0, right: WIDTH - LEGEND, bottom };
        let span = |values: &mut dyn Iterator<Item = f64>| {
            let ends = values.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
            if ends.0 < ends.1 { ends } else { (1.0, 10.0) }
        };
        let (low, high) = span(&mut self.dots().map(|dot| dot.x_ns));
        let x = Axis {
            scale: Scale::Log,
            values: (low / 1.3, high * 1.3),
            places: (area.left, area.right),
        };
        let ends = |dot: &Dot| dot.interval.map_or([dot.y, dot.y], |(low, high)| [low, high]);
        let levels = self.levels.iter().map(|(level, _)| *level);
        let (low, high) = span(&mut self.dots().flat_map(ends).chain(levels));
        let values = match self.y_scale {
            Scale::Log => (low / 1.2, high * 1.3),
            Scale::Linear => (0.0, high * 1.06),
        };
        let y = Axis { scale: self.y_scale, values, places: (area.bottom, area.top) };
        Layout { area, x, y }
    }
}

impl Picture for Chart {
    fn size(&self) -> (f64, f64) {
        (WIDTH, self.height())
    }

    fn title(&self) -> String {
        font::elide(&self.title, TITLE, WIDTH - 2.0 * EDGE)
    }

    fn description(&self) -> String {
        let entry = |line: &Line| format!("{} ({})", line.name, line.remark);
        let lines: Vec<String> = self.lines.iter().map(entry).collect();
        format!("{}. {} for: {}.", self.subtitle, self.y_label, lines.join(", "))
    }

    fn draw<B: Letters>(&self, backend: &mut B) -> Result<(), PlotError> {
        let layout = self.layout();
        let mut canvas = Canvas::new(backend);
        heading(&mut canvas, self, &self.subtitle)?;
        self.grid(&mut canvas, &layout)?;
        self.levels(&mut canvas, &layout)?;
        self.data(&mut canvas, &layout)?;
        let Area { left, top, right, bottom } = layout.area;
        canvas.line(&[(left, top), (left, bottom), (right, bottom)], INK, 1.0)?;
        self.legend(&mut canvas, &layout)
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
    let subtitle = font::elide(subtitle, SUBTITLE, WIDTH - 2.0 * EDGE);
    canvas.text(&subtitle, (EDGE, 46.0), SUBTITLE, GREY, Anchor::Left)
}

impl Chart {
    fn grid<B: Letters>(&self, canvas: &mut Canvas<B>, layout: &Layout) -> Result<(), PlotError> {
        let Area { left, top, right, bottom } = layout.area;
        let (low, high) = layout.y.values;
        let size = self.y_unit.size;
        for tick in self.y_scale.ticks(low / size, high / size) {
            let at = layout.y.at(tick * size);
            canvas.line(&[(left - 4.0, at), (left, at)], INK, 1.0)?;
            canvas.line(&[(left, at), (right, at)], GRID, 0.75)?;
            canvas.text(&plain(tick), (left - 8.0, at), TEXT, INK, Anchor::Right)?;
        }
        let (low, high) = layout.x.values;
        for tick in Scale::Log.ticks(low, high) {
            let at = layout.x.at(tick);
            canvas.line(&[(at, top), (at, bottom)], GRID, 0.75)?;
            canvas.line(&[(at, bottom), (at, bottom + 5.0)], INK, 1.0)?;
            let Unit { name, size } = Unit::fitting(&TIME, tick * 1.0005);
            let text = format!("{} {name}", plain(tick / size));
            canvas.text(&text, (at, bottom + 15.0), TEXT, INK, Anchor::Centre)?;
        }
        let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
        let log = if self.y_scale == Scale::Log { ", log scale" } else { "" };
        let y_label = format!("{} ({}){log}", self.y_label, self.y_unit.name);
        canvas.text(&y_label, (20.0, middle.1), AXIS, INK, Anchor::Upwards)?;
        let x_label = format!("{}, log scale", self.x_label);
        canvas.text(&x_label, (middle.0, bottom + 38.0), AXIS, INK, Anchor::Centre)
    }

    fn levels<B: Letters>(&self, canvas: &mut Canvas<B>, layout: &Layout) -> Result<(), PlotError> {
        let Area { left, right, .. } = layout.area;
        for (level, words) in &self.levels {
            let at = layout.y.at(*level);
            canvas.dashed(&[(left, at), (right, at)], INK, 1.2, BASELINE_DASH)?;
            // At the left the lines of small tasks and small jobs are far below.
            canvas.text(words, (left + 6.0, at - 9.0), REMARK, INK, Anchor::Left)?;
        }
        Ok(())
    }

    fn data<B: Letters>(&self, canvas: &mut Canvas<B>, layout: &Layout) -> Result<(), PlotError> {
        let at = |dot: &Dot| (layout.x.at(dot.x_ns), layout.y.at(dot.y));
        for (index, line) in self.lines.iter().enumerate() {
            let path: Vec<(f64, f64)> = line.dots.iter().map(at).collect();
            canvas.dashed(&path, look(index).colour, 1.5, look(index).dash)?;
        }
        for (index, line) in self.lines.iter().enumerate() {
            for dot in &line.dots {
                let (x, y) = at(dot);
                if let Some((low, high)) = dot.interval {
                    let ends = [(x, layout.y.at(low)), (x, layout.y.at(high))];
                    canvas.line(&ends, look(index).colour, 1.25)?;
                }
                canvas.mark((x, y), 4.0, &look(index))?;
            }
        }
        Ok(())
    }

    fn legend<B: Letters>(&self, canvas: &mut Canvas<B>, layout: &Layout) -> Result<(), PlotError> {
        let left = layout.area.right + EDGE;
        for (index, line) in self.lines.iter().enumerate() {
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
}

/// A round number without more digits than it has.
fn plain(value: f64) -> String {
    let text = significant(value, 6);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}
