//! The legend, right of the plot area, where it hides nothing.

use super::canvas::{Anchor, Canvas};
use super::font;
use super::style::{BASELINE_DASH, GREY, GRID, IDEAL_DASH, INK, Look, SHADE, look};
use crate::view::figure::lines::{Figure, Series};
use crate::view::text::{cut, length};

/// The sample before the text of an entry.
pub(super) enum Sample {
    Series(Look),
    /// A line to compare with.
    Line((f64, f64)),
    /// A coloured region.
    Region,
    /// No sample, since there are no data.
    None,
}

/// An entry: a sample, a name, and perhaps a remark below it.
pub(super) struct Entry {
    pub(super) sample: Sample,
    pub(super) name: String,
    pub(super) remark: String,
}

impl Entry {
    fn new(sample: Sample, name: &str) -> Entry {
        Entry { sample, name: name.to_owned(), remark: String::new() }
    }
}

const NAME: f64 = 12.5;
const REMARK: f64 = 11.0;
const ROW: f64 = 22.0;
const REMARK_ROW: f64 = 14.0;
const SAMPLE: f64 = 36.0;
const ROOM: f64 = 150.0;

/// The height of entries.
pub(super) fn height(entries: &[Entry]) -> f64 {
    let remarks = entries.iter().filter(|entry| !entry.remark.is_empty());
    entries.len() as f64 * ROW + remarks.count() as f64 * REMARK_ROW
}

/// Draws entries below each other from a corner.
pub(super) fn draw(canvas: &mut Canvas, entries: &[Entry], (left, top): (f64, f64)) {
    let text = left + SAMPLE + 8.0;
    let mut y = top + ROW / 2.0;
    for entry in entries {
        draw_sample(canvas, &entry.sample, (left, y));
        let colour = if matches!(entry.sample, Sample::None) { GREY } else { INK };
        canvas.text(&fitted(&entry.name), (text, y), NAME, colour, Anchor::Left);
        if !entry.remark.is_empty() {
            y += REMARK_ROW;
            let remark = font::elide(&entry.remark, REMARK, ROOM);
            canvas.text(&remark, (text, y), REMARK, GREY, Anchor::Left);
        }
        y += ROW;
    }
}

/// A name without its middle, if it is too long: command lines differ at their ends.
fn fitted(name: &str) -> String {
    let kept = (8..=length(name)).rev().map(|letters| cut(name, letters));
    let mut fitting = kept.filter(|name| font::width(name, NAME) <= ROOM);
    fitting.next().unwrap_or_else(|| font::elide(name, NAME, ROOM))
}

/// The entries of a figure over the thread count.
pub(super) fn entries(figure: &Figure, ideal_leaves: bool) -> Vec<Entry> {
    let series = figure.series.iter().enumerate();
    let mut entries: Vec<Entry> = series.map(|(i, series)| series_entry(i, series)).collect();
    entries.extend(figure.reference.iter().map(|reference| match reference.value {
        Some(_) => Entry::new(Sample::Line(BASELINE_DASH), &reference.name),
        None => Entry::new(Sample::None, &format!("{}: no data", reference.name)),
    }));
    if figure.ideal(1.0).is_some() {
        let entry = Entry::new(Sample::Line(IDEAL_DASH), figure.ideal_name());
        let remark = if ideal_leaves { "leaves the figure at its top" } else { "" };
        entries.push(Entry { remark: remark.to_owned(), ..entry });
    }
    if figure.oversubscribed_from.is_some() {
        entries.push(Entry::new(Sample::Region, "oversubscribed"));
    }
    entries
}

fn series_entry(index: usize, series: &Series) -> Entry {
    let mut remark = series.detail.clone();
    if series.points.is_empty() {
        return Entry { sample: Sample::None, name: format!("{}: no data", series.name), remark };
    }
    if !series.missing.is_empty() {
        let missing: Vec<String> = series.missing.iter().map(u32::to_string).collect();
        let separator = if remark.is_empty() { "" } else { "; " };
        remark += &format!("{separator}no data at {}", missing.join(", "));
    }
    Entry { sample: Sample::Series(look(index)), name: series.name.clone(), remark }
}

fn draw_sample(canvas: &mut Canvas, sample: &Sample, (x, y): (f64, f64)) {
    let ends = [(x, y), (x + SAMPLE, y)];
    match sample {
        Sample::Series(look) => {
            canvas.dashed(&ends, look.colour, 1.5, look.dash);
            canvas.mark((x + SAMPLE / 2.0, y), 4.2, look);
        }
        Sample::Line(dash) => {
            let colour = if *dash == IDEAL_DASH { GREY } else { INK };
            canvas.dashed(&ends, colour, 1.4, *dash);
        }
        Sample::Region => {
            let (from, to) = ((x, y - 6.0), (x + SAMPLE, y + 6.0));
            canvas.fill(from, to, GRID);
            canvas.fill((from.0 + 1.0, from.1 + 1.0), (to.0 - 1.0, to.1 - 1.0), SHADE);
        }
        Sample::None => {}
    }
}
