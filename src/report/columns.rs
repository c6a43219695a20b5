//! Text in columns, for terminals: aligned, and no wider than it may be.

use super::prose::WIDTH;
use crate::view::text::{clean, cut, length};

/// Between two columns.
const GAP: usize = 2;

/// The first text column, which has the names, is not cut to less than this, and
/// another to not less than that.
const LEAST: (usize, usize) = (20, 8);

/// Rows of cells, of which the first so many columns are text, to the left; the
/// others are figures, to the right.
pub struct Columns {
    /// The heading first; all of one length.
    pub rows: Vec<Vec<String>>,
    /// How many columns are text.
    pub texts: usize,
}

impl Columns {
    /// The rows as lines.
    pub fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        let line = |row: &Vec<String>| {
            let cell = |(column, (cell, &width)): (usize, (&String, &usize))| {
                let cell = clean(cell);
                if column < self.texts {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            };
            let cells: Vec<String> = row.iter().zip(&widths).enumerate().map(cell).collect();
            cells.join(&" ".repeat(GAP)).trim_end().to_string()
        };
        self.rows.iter().map(line).collect()
    }

    /// The rows as lines of at most [`WIDTH`]: long texts are cut in their middle,
    /// the names last; where that would not be enough, the `spare` columns go before,
    /// in this order; at last lines are cut.
    pub fn fitting_lines(mut self, spare: &[&str]) -> Vec<String> {
        for heading in spare {
            let can_lose = |column: usize| self.widths()[column].saturating_sub(least(column));
            let least_width = self.width() - (0..self.texts).map(can_lose).sum::<usize>();
            if least_width <= WIDTH {
                break;
            }
            self.drop(heading);
        }
        self.shrink();
        self.lines().iter().map(|line| cut(line, WIDTH)).collect()
    }

    /// Whether no line is wider than a terminal, and nothing need be cut.
    pub fn fits(&self) -> bool {
        self.width() <= WIDTH
    }

    /// Without the columns of these headings.
    pub fn without(mut self, headings: &[&str]) -> Columns {
        headings.iter().for_each(|heading| self.drop(heading));
        self
    }

    /// Without the columns in which no row says anything.
    pub fn without_empty(self) -> Columns {
        let is_empty = |column: usize| self.rows[1..].iter().all(|row| row[column] == "–");
        let columns = self.rows.first().map_or(0, Vec::len);
        let empty: Vec<String> = (0..columns)
            .filter(|column| is_empty(*column))
            .map(|column| self.rows[0][column].clone())
            .collect();
        self.without(&empty.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().map(|row| length(&row[column])).max();
        (0..columns).map(|column| width(column).unwrap_or(0)).collect()
    }

    fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
    }

    fn shrink(&mut self) {
        for column in (0..self.texts).rev() {
            let excess = self.width().saturating_sub(WIDTH);
            let width = self.widths()[column];
            let room = width.saturating_sub(excess).max(least(column).min(width));
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

/// What a text column needs at least.
fn least(column: usize) -> usize {
    if column == 0 { LEAST.0 } else { LEAST.1 }
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
        let lines = columns(&[&["who", "n"], &[&name, "16"]]).fitting_lines(&[]);
        assert_eq!(lines[1].chars().count(), WIDTH);
        assert!(lines[1].contains("a…a") && lines[1].ends_with("az  16"), "{}", lines[1]);
    }

    #[test]
    fn what_can_be_spared_goes_before_a_line_is_cut() {
        let wide = "1".repeat(50);
        let table = || columns(&[&["who", "a", "b"], &["x", &wide, &wide]]);
        assert_eq!(table().fitting_lines(&["b"])[0].trim_end().chars().last(), Some('a'));
        assert!(table().fitting_lines(&[]).iter().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn no_cell_steers_the_terminal() {
        assert_eq!(columns(&[&["a\x1b[2J", "1"]]).lines(), ["a [2J  1"]);
    }
}
