//! Cells in rows and columns with their labels, for the map of the winners and the heat map.

use plotters::style::RGBColor;

use super::canvas::{Anchor, Canvas};
use super::font;
use super::style::{INK, PAPER};

/// The size of the texts in and beside the cells.
pub(super) const TEXT: f64 = 11.0;

/// The place of the cells: their lower left corner, and the size of each.
pub(super) struct Cells {
    pub(super) left: f64,
    pub(super) bottom: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A rectangle: left, top, right and bottom.
pub(super) type Edges = [f64; 4];

impl Cells {
    /// Draws the rows upwards, each a label and a cell at each count, and the counts below.
    pub(super) fn draw<'a, C: 'a>(
        &self,
        canvas: &mut Canvas,
        counts: &[u32],
        rows: impl Iterator<Item = (&'a str, &'a [Option<C>])>,
        mut draw_cell: impl FnMut(&mut Canvas, Option<&C>, Edges),
    ) {
        for (index, (label, row)) in rows.enumerate() {
            let bottom = self.bottom - index as f64 * self.height;
            let middle = bottom - self.height / 2.0;
            canvas.text(label, (self.left - 8.0, middle), TEXT, INK, Anchor::Right);
            for (column, cell) in row.iter().enumerate() {
                let left = self.left + column as f64 * self.width;
                let edges = [left, bottom - self.height, left + self.width, bottom];
                draw_cell(canvas, cell.as_ref(), edges);
            }
        }
        for (column, count) in counts.iter().enumerate().step_by(self.label_step(counts)) {
            let at = (self.left + (column as f64 + 0.5) * self.width, self.bottom + 12.0);
            canvas.text(&count.to_string(), at, TEXT, INK, Anchor::Centre);
        }
    }

    /// The step from one labelled count to the next, so that labels do not touch.
    fn label_step(&self, counts: &[u32]) -> usize {
        let widths = counts.iter().map(|n| font::width(&n.to_string(), TEXT));
        let step = (widths.fold(0.0, f64::max) + 6.0) / self.width.max(1.0);
        step.ceil().max(1.0) as usize
    }
}

/// The colour of letters on a colour: white where that is dark (relative luminance of ITU-R
/// BT.709).
pub(super) fn ink_on(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let [red, green, blue] = [red, green, blue].map(f64::from);
    if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 140.0 { PAPER } else { INK }
}
