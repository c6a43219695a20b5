//! One figure: its layout, its words, and the order in which it is drawn.

use super::PlotError;
use super::axis::{Area, XAxis, YAxis};
use super::canvas::{Anchor, Canvas, Letters};
use super::file::Picture;
use super::series::{MAX_DOTS, Plot};
use super::style::{GREY, INK, PAPER};
use super::{curves, font, frame, legend};
use crate::quantity::pluralize;
use crate::view::number::thousands;

/// Width of the page in CSS pixels.
pub(super) const WIDTH: f64 = 960.0;
/// Its least height; a long legend makes it higher.
pub(super) const HEIGHT: f64 = 540.0;
/// Room for the legend, right of the plot area.
pub(super) const LEGEND: f64 = 216.0;
/// Left edge of title and subtitle.
pub(super) const EDGE: f64 = 16.0;
/// Above the highest value, for what is written into the plot area.
const HEADROOM: f64 = 28.0;

/// Where everything lies.
pub(super) struct Layout {
    pub(super) size: (f64, f64),
    /// The plot area within its frame.
    pub(super) area: Area,
    /// Top left corner of the legend.
    pub(super) legend: (f64, f64),
    pub(super) x: XAxis,
    pub(super) y: YAxis,
    /// Between neighbouring series at the same thread count.
    pub(super) step: f64,
}

impl Layout {
    pub(super) fn new(plot: &Plot) -> Layout {
        let top = 84.0;
        let height = HEIGHT.max(top + legend::height(plot) + EDGE);
        let area = Area { left: 76.0, top, right: WIDTH - LEGEND, bottom: height - 56.0 };
        let x = XAxis::new(&plot.counts, &area);
        let y = YAxis::new(plot, x.scale, area.top + HEADROOM, area.bottom);
        let widest = if plot.counts.len() < 2 { 56.0 } else { 16.0 };
        let step = (0.66 * x.gap / plot.series.len().max(1) as f64).min(widest);
        Layout { size: (WIDTH, height), legend: (area.right + EDGE, top), area, x, y, step }
    }

    /// Where the series number `index` has its mark at a thread count: a little
    /// aside, so that several do not hide each other.
    pub(super) fn dodged(&self, plot: &Plot, index: usize, nthread: u32) -> f64 {
        let middle = (plot.series.len() as f64 - 1.0) / 2.0;
        self.x.at(f64::from(nthread)) + (index as f64 - middle) * self.step
    }
}

impl Picture for Plot {
    fn size(&self) -> (f64, f64) {
        Layout::new(self).size
    }

    fn title(&self) -> String {
        title(self)
    }

    fn description(&self) -> String {
        let series: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        format!("{}. Against the thread count, for: {}.", subtitle(self), series.join(", "))
    }

    fn draw<B: Letters>(&self, backend: &mut B) -> Result<(), PlotError> {
        draw(self, &Layout::new(self), backend)
    }
}

/// Draws the whole figure.
fn draw<B: Letters>(plot: &Plot, layout: &Layout, backend: &mut B) -> Result<(), PlotError> {
    let mut canvas = Canvas::new(backend);
    canvas.fill((0.0, 0.0), layout.size, PAPER)?;
    let room = WIDTH - 2.0 * EDGE;
    let line = |text: &str, size| font::elide(text, size, room);
    canvas.text(&title(plot), (EDGE, 24.0), TITLE, INK, Anchor::Left)?;
    let subtitle = line(&subtitle(plot), SUBTITLE);
    canvas.text(&subtitle, (EDGE, 46.0), SUBTITLE, GREY, Anchor::Left)?;
    let notes = line(&notes(plot, layout), SUBTITLE);
    canvas.text(&notes, (EDGE, 63.0), SUBTITLE, GREY, Anchor::Left)?;
    frame::draw(&mut canvas, plot, layout)?;
    curves::draw(&mut canvas, plot, layout)?;
    frame::outline(&mut canvas, plot, layout)?;
    legend::draw(&mut canvas, plot, layout)
}

/// Sizes of the text above the plot area.
pub(super) const TITLE: f64 = 17.0;
pub(super) const SUBTITLE: f64 = 12.0;

/// What is plotted, of which job, on which CPU; the CPU is cut short first.
pub(super) fn title(plot: &Plot) -> String {
    let room = WIDTH - 2.0 * EDGE;
    let mut text = plot.metric.title(plot.words).to_owned();
    if !plot.kernel.is_empty() {
        text.push_str(&format!(": {}", plot.kernel));
    }
    if let Some(draws) = plot.draws {
        text.push_str(&format!(", {} draws", thousands(draws)));
    }
    text.push_str(&plot.remark);
    if !plot.cpu_model.is_empty() {
        let left = room - font::width(&format!("{text}, on "), TITLE);
        let cpu = font::elide(plot.cpu_model.trim(), TITLE, left);
        if cpu.chars().count() > 4 {
            text.push_str(&format!(", on {cpu}"));
        }
    }
    font::elide(&text, TITLE, room)
}

/// How to read the marks.
pub(super) fn subtitle(plot: &Plot) -> String {
    let rounds = match plot.rounds {
        None => return "no data".to_owned(),
        Some((least, most)) if least == most => pluralize(most, "round"),
        Some((least, most)) => format!("{least} to {most} rounds"),
    };
    let percent = format!("{:.3}", plot.confidence * 100.0);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    let bars = match plot.points().any(|point| point.interval.is_some()) {
        true => format!("bars: intervals of the median, at least {percent}%"),
        false => "too few rounds for intervals".to_owned(),
    };
    format!("{rounds} · marks: medians · {bars} · dots: single rounds")
}

/// What the reader could take wrongly.
fn notes(plot: &Plot, layout: &Layout) -> String {
    let mut notes = Vec::new();
    if plot.thinned {
        notes.push(format!("dots thinned to {MAX_DOTS} a case"));
    }
    let dots = plot.points().flat_map(|point| &point.dots);
    match dots.filter(|dot| !layout.y.spans(**dot)).count() {
        0 => {}
        1 => notes.push("1 dot beyond the axis".to_owned()),
        n => notes.push(format!("{} dots beyond the axis", thousands(n as u64))),
    }
    if curves::hidden_bars(plot, layout) {
        notes.push("intervals narrower than their mark are hidden by it".to_owned());
    }
    if layout.y.starts_above_zero() {
        notes.push("the vertical axis does not start at zero".to_owned());
    }
    notes.join(" · ")
}
