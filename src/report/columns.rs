//! Text in aligned columns, no wider than a terminal.

use super::prose::WIDTH;
use crate::view::table::Table;
use crate::view::text::{clean, cut, length};

/// The spaces between two columns.
const GAP: usize = 2;

/// The width below which text is not cut: of the first column, which has the names, and of
/// the others.
const MIN_WIDTH: (usize, usize) = (20, 8);

/// Rows of cells: first columns of text, aligned to the left, then figures, aligned to the
/// right.
pub struct Columns {
    /// The heading first; all of one length.
    pub rows: Vec<Vec<String>>,
    /// The number of text columns.
    pub texts: usize,
}

impl Columns {
    /// The columns of a table of cases: its text columns come first.
    pub fn of(table: &Table) -> Columns {
        let texts = table.head.iter().filter(|head| head.is_text).count();
        Columns { rows: table.texts(), texts }
    }

    /// The rows as lines.
    pub fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        let mut lines = Vec::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let gap = if column == 0 { 0 } else { GAP };
                let cell = clean(cell);
                line += &match column < self.texts {
                    true => format!("{:gap$}{cell:<width$}", ""),
                    false => format!("{:gap$}{cell:>width$}", ""),
                };
            }
            lines.push(line.trim_end().to_string());
        }
        lines
    }

    /// The rows as lines of at most `line_width`: long texts are cut in their middle, the names
    /// last. Where that is not enough, the `droppable` columns go before, in this order;
    /// lines that are still too long are cut.
    pub fn fitting_lines(mut self, line_width: usize, droppable: &[&str]) -> Vec<String> {
        for heading in droppable {
            let widths = self.widths();
            // Text columns can be cut down to their least width before a column has to go.
            let can_lose = (0..self.texts).map(|it| widths[it].saturating_sub(min_width(it)));
            if self.width() - can_lose.sum::<usize>() <= line_width {
                break;
            }
            self.drop(heading);
        }
        self.shrink(line_width);
        self.lines().iter().map(|line| cut(line, line_width)).collect()
    }

    /// True if no line is wider than a terminal, so that nothing must be cut.
    pub fn fits(&self) -> bool {
        self.width() <= WIDTH
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widths = (0..columns)
            .map(|column| self.rows.iter().map(|row| length(&row[column])).max().unwrap_or(0));
        widths.collect()
    }

    fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
    }

    fn shrink(&mut self, line_width: usize) {
        // From the last text column to the first: the names, which tell rows apart, lose least.
        for column in (0..self.texts).rev() {
            let excess = self.width().saturating_sub(line_width);
            let width = self.widths()[column];
            let room = width.saturating_sub(excess).max(min_width(column).min(width));
            for row in &mut self.rows {
                row[column] = cut(&row[column], room);
            }
        }
    }

    fn drop(&mut self, heading: &str) {
        let heading = self.rows.first().and_then(|row| row.iter().position(|it| it == heading));
        let Some(column) = heading else { return };
        self.texts -= usize::from(column < self.texts);
        for row in &mut self.rows {
            row.remove(column);
        }
    }
}

/// The width below which a text column is not cut.
fn min_width(column: usize) -> usize {
    if column == 0 { MIN_WIDTH.0 } else { MIN_WIDTH.1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(rows: &[&[&str]]) -> Columns {
        let row = |row: &&[&str]| row.iter().map(ToString::to_string).collect();
        Columns { rows: rows.iter().map(row).collect(), texts: 1 }
    }

    #[test]
    fn text_stands_to_the_left_and_figures_to_the_right() {
        let lines = columns(&[&["who", "n"], &["rayon", "16"], &["a", "2"]]).lines();
        assert_eq!(lines, ["who     n", "rayon  16", "a       2"]);
    }

    #[test]
    fn a_long_name_loses_its_middle() {
        let name = "a".repeat(100) + "z";
        let lines = columns(&[&["who", "n"], &[&name, "16"]]).fitting_lines(WIDTH, &[]);
        assert_eq!(lines[1].chars().count(), WIDTH);
        assert!(lines[1].contains("a…a") && lines[1].ends_with("az  16"), "{}", lines[1]);
    }

    #[test]
    fn what_can_be_spared_goes_before_a_line_is_cut() {
        let wide = "1".repeat(50);
        let table = || columns(&[&["who", "a", "b"], &["x", &wide, &wide]]);
        assert_eq!(table().fitting_lines(WIDTH, &["b"])[0].trim_end().chars().last(), Some('a'));
        assert!(table().fitting_lines(WIDTH, &[]).iter().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn no_cell_steers_the_terminal() {
        assert_eq!(columns(&[&["a\x1b[2J", "1"]]).lines(), ["a [2J  1"]);
    }
}
