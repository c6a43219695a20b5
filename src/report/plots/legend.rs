//! The legend, right of the plot area, where it hides nothing.

use super::PlotError;
use super::canvas::{Anchor, Canvas, Letters};
use super::font;
use super::layout::Layout;
use super::style::{BASELINE_DASH, GREY, GRID, IDEAL_DASH, INK, Look, SHADE, look};
use crate::view::figure::lines::{Figure, Series};
use crate::view::text::{cut, length};

/// The sample before the text of an entry.
enum Sample {
    Series(Look),
    /// A line to compare with.
    Line((f64, f64)),
    /// A coloured region.
    Region,
    /// Nothing: there are no data.
    None,
}

/// An entry: a sample, a name, and perhaps a remark below it.
struct Entry {
    sample: Sample,
    name: String,
    remark: String,
}

const NAME: f64 = 12.5;
const REMARK: f64 = 11.0;
const ROW: f64 = 22.0;
const REMARK_ROW: f64 = 14.0;
const SAMPLE: f64 = 36.0;
const ROOM: f64 = 150.0;

/// The height that it needs.
pub(super) fn height(figure: &Figure) -> f64 {
    // The remark of the ideal depends on the layout, so it always has a row.
    let entries = entries(figure, true);
    let remarks = entries.iter().filter(|entry| !entry.remark.is_empty());
    entries.len() as f64 * ROW + remarks.count() as f64 * REMARK_ROW
}

/// Draws it from its corner downwards.
pub(super) fn draw<B: Letters>(
    canvas: &mut Canvas<B>,
    layout: &Layout<'_>,
) -> Result<(), PlotError> {
    let (left, top) = layout.legend;
    let text = left + SAMPLE + 8.0;
    let mut y = top + ROW / 2.0;
    for entry in entries(layout.figure, layout.ideal_leaves()) {
        sample(canvas, &entry.sample, (left, y))?;
        let colour = if matches!(entry.sample, Sample::None) { GREY } else { INK };
        let name = fitted(&entry.name);
        canvas.text(&name, (text, y), NAME, colour, Anchor::Left)?;
        if !entry.remark.is_empty() {
            y += REMARK_ROW;
            let remark = font::elide(&entry.remark, REMARK, ROOM);
            canvas.text(&remark, (text, y), REMARK, GREY, Anchor::Left)?;
        }
        y += ROW;
    }
    Ok(())
}

/// A name without its middle, if it is too long: command lines differ at their ends.
fn fitted(name: &str) -> String {
    let kept = (8..=length(name)).rev().map(|letters| cut(name, letters));
    let mut fitting = kept.filter(|name| font::width(name, NAME) <= ROOM);
    fitting.next().unwrap_or_else(|| font::elide(name, NAME, ROOM))
}

fn entries(figure: &Figure, ideal_leaves: bool) -> Vec<Entry> {
    let series = figure.series.iter().enumerate();
    let mut entries: Vec<Entry> = series.map(|(i, series)| series_entry(i, series)).collect();
    entries.extend(figure.reference.iter().map(|reference| Entry {
        sample: match reference.value {
            Some(_) => Sample::Line(BASELINE_DASH),
            None => Sample::None,
        },
        name: match reference.value {
            Some(_) => reference.name.clone(),
            None => format!("{}: no data", reference.name),
        },
        remark: String::new(),
    }));
    if figure.ideal(1.0).is_some() {
        entries.push(Entry {
            sample: Sample::Line(IDEAL_DASH),
            name: figure.ideal_name().to_owned(),
            remark: if ideal_leaves { "leaves the figure at its top" } else { "" }.to_owned(),
        });
    }
    if figure.oversubscribed_from.is_some() {
        entries.push(Entry {
            sample: Sample::Region,
            name: "oversubscribed".to_owned(),
            remark: String::new(),
        });
    }
    entries
}

fn series_entry(index: usize, series: &Series) -> Entry {
    if series.points.is_empty() {
        return Entry {
            sample: Sample::None,
            name: format!("{}: no data", series.name),
            remark: series.detail.clone(),
        };
    }
    let missing: Vec<String> = series.missing.iter().map(u32::to_string).collect();
    let mut remarks = vec![series.detail.clone()];
    if !missing.is_empty() {
        remarks.push(format!("no data at {}", missing.join(", ")));
    }
    remarks.retain(|remark| !remark.is_empty());
    Entry {
        sample: Sample::Series(look(index)),
        name: series.name.clone(),
        remark: remarks.join("; "),
    }
}

fn sample<B: Letters>(
    canvas: &mut Canvas<B>,
    sample: &Sample,
    (x, y): (f64, f64),
) -> Result<(), PlotError> {
    let ends = [(x, y), (x + SAMPLE, y)];
    match sample {
        Sample::Series(look) => {
            canvas.dashed(&ends, look.colour, 1.5, look.dash)?;
            canvas.mark((x + SAMPLE / 2.0, y), 4.2, look)
        }
        Sample::Line(dash) => {
            let colour = if *dash == IDEAL_DASH { GREY } else { INK };
            canvas.dashed(&ends, colour, 1.4, *dash)
        }
        Sample::Region => {
            let (from, to) = ((x, y - 6.0), (x + SAMPLE, y + 6.0));
            canvas.fill(from, to, GRID)?;
            canvas.fill((from.0 + 1.0, from.1 + 1.0), (to.0 - 1.0, to.1 - 1.0), SHADE)
        }
        Sample::None => Ok(()),
    }
}
