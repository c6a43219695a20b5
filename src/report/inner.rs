//! Workers × threads inside each worker, as text and as a table in Markdown.

use std::fmt::Write as _;

use super::columns::Columns;
use super::markup;
use super::prose::wrapped;
use crate::analysis::{CaseSummary, Grid, Job, Summary, grids};
use crate::view::nouns::nouns;
use crate::view::number::digits;
use crate::view::text::{clean, usable_cpus};

/// Marks a case with more threads than usable CPUs.
const OVERSUBSCRIBED: &str = "*";

/// The same in Markdown.
const ESCAPED: &str = "\\*";

/// Marks the best case of a grid.
const BEST: &str = "▸";

/// Columns of a grid beside each other in a terminal.
const COLUMNS: usize = 8;

/// Grids that a terminal shows; the others are in the report.
const SHOWN: usize = 6;

/// The speedups of each backend over workers (columns) and threads inside each (rows),
/// at most 80 columns wide; nothing where there are none inside.
pub fn text(summary: &Summary, job: &Job<'_>) -> String {
    let all = grids(job);
    if all.is_empty() {
        return String::new();
    }
    let mut text = String::from("speedup by workers (across) and threads inside each (down)\n");
    for grid in all.iter().take(SHOWN) {
        let columns: Vec<usize> = (0..grid.nthread.len()).collect();
        for columns in columns.chunks(COLUMNS) {
            text.push_str(&block(grid, columns));
        }
    }
    if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = writeln!(text, "{more} more in report.md and inner.svg");
    }
    text.push_str(&wrapped(&legend(summary, &all)));
    text
}

/// Some columns of a grid.
fn block(grid: &Grid<'_>, columns: &[usize]) -> String {
    let mut rows = vec![vec![grid.name.clone()]];
    rows[0].extend(columns.iter().map(|column| grid.nthread[*column].to_string()));
    for (row, inner) in grid.rows.iter().zip(&grid.inner_nthread) {
        let mut cells = vec![format!("  × {inner}")];
        cells.extend(columns.iter().map(|column| cell(grid, row[*column])));
        rows.push(cells);
    }
    let lines = Columns { rows, texts: 1 }.fitting_lines(&[]);
    lines.into_iter().map(|line| line + "\n").collect()
}

/// A speedup with its marks; a dash where there is none.
fn cell(grid: &Grid<'_>, case: Option<&CaseSummary>) -> String {
    let Some((case, speedup)) = case.and_then(|case| Some((case, case.speedup?))) else {
        return "–".to_string();
    };
    let best = if grid.is_best(case) { BEST } else { "" };
    let crowd = if case.oversubscribed { OVERSUBSCRIBED } else { "" };
    format!("{best}{}{crowd}", digits(speedup))
}

fn legend(summary: &Summary, grids: &[Grid<'_>]) -> String {
    let is_crowded = grids.iter().flat_map(Grid::cases).any(|case| case.oversubscribed);
    let mut words = vec![format!("{BEST} the best of a {}", nouns(summary.target()).one)];
    if is_crowded {
        words.push(format!("{OVERSUBSCRIBED} more threads than the {}", usable_cpus(summary)));
    }
    words.join("; ")
}

/// The same as tables in Markdown, with a heading; nothing where there are none.
pub fn markdown(summary: &Summary, job: &Job<'_>) -> String {
    let all = grids(job);
    if all.is_empty() {
        return String::new();
    }
    let mut page = String::from("Speedup by workers (across) and threads inside each (down):\n\n");
    for grid in &all {
        let counts = grid.nthread.iter().map(u32::to_string);
        let head: Vec<String> =
            std::iter::once(markup::text(&clean(&grid.name))).chain(counts).collect();
        page.push_str(&markup::table_row(&head));
        let _ = writeln!(page, "|---|{}", "--:|".repeat(grid.nthread.len()));
        for (row, inner) in grid.rows.iter().zip(&grid.inner_nthread) {
            let speedups = row.iter().map(|case| cell(grid, *case).replace('*', ESCAPED));
            let cells: Vec<String> =
                std::iter::once(format!("× {inner}")).chain(speedups).collect();
            page.push_str(&markup::table_row(&cells));
        }
        page.push('\n');
    }
    let _ = writeln!(page, "{}.\n", legend(summary, &all).replace('*', ESCAPED));
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::jobs;
    use crate::analysis::synthetic::{measured, measured_run, with_inner};
    use crate::record::{BASELINE, COMMAND, Case, Preset, Run, Target};
    use crate::view::verdict::answer;

    fn summary(counts: &[u32]) -> Summary {
        let cases = with_inner(&["process-manager", "b"], counts, &[1, 2, 4]);
        measured(Preset::Sweep, &cases, 6, |index, _| {
            let case = &cases[index];
            let speedup =
                f64::from(case.threads().min(4)) - 0.01 * f64::from(case.inner_nthread.abs_diff(2));
            if case.backend == BASELINE { 1e6 } else { 1e6 / speedup }
        })
    }

    #[test]
    fn a_terminal_shows_one_grid_a_backend_with_marks() {
        let summary = summary(&[1, 2, 4]);
        let text = text(&summary, &jobs(&summary)[0]);
        assert!(text.contains("\nprocess-manager      1      2      4\n"), "{text}");
        assert!(text.contains("\n  × 2             2.00  ▸4.00  4.00*\n"), "{text}");
        assert!(text.contains("* more threads than the 4 usable CPUs"), "{text}");
        assert_eq!(text.matches('▸').count(), 3, "one a backend, and the legend: {text}");
    }

    #[test]
    fn of_commands_the_best_is_that_of_a_command() {
        let case = |nthread, inner_nthread| Case {
            backend: COMMAND.to_string(),
            label: "./prog".to_string(),
            nthread,
            inner_nthread,
            ..Case::default()
        };
        let mut run = Run::default();
        run.plan.cases = vec![case(1, 1), case(2, 1), case(1, 2), case(2, 2)];
        (run.plan.baseline, run.plan.target) = (Some(0), Target::Command);
        let summary = measured_run(&run, 6, |_, _| 1e6);
        let text = text(&summary, &jobs(&summary)[0]);
        assert!(text.contains("▸ the best of a command"), "{text}");
    }

    #[test]
    fn what_cannot_be_told_from_the_same_command_is_not_named_again() {
        let cases = with_inner(&["a", "b"], &[1, 2], &[1, 2]);
        let summary = measured(Preset::Sweep, &cases, 12, |index, round| {
            let case = &cases[index];
            // 2 × 1 and 1 × 2 of a are equal, and change places from round to round.
            let noise = 1.0 + 0.01 * f64::from((round + case.inner_nthread) % 2);
            let speedup = if case.backend == "a" { f64::from(case.threads().min(2)) } else { 0.5 };
            if case.backend == BASELINE { 1e6 } else { 1e6 * noise / speedup }
        });
        let answer = answer(&summary, &jobs(&summary)[0]).expect("an answer");
        assert!(answer.contains("; the same with 2 inner cannot be told from it"), "{answer}");
    }

    #[test]
    fn a_wide_grid_fits_into_eighty_columns() {
        let summary = summary(&(1..=40).collect::<Vec<_>>());
        let text = text(&summary, &jobs(&summary)[0]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn a_page_has_a_table_a_backend() {
        let summary = summary(&[1, 2, 4]);
        let page = markdown(&summary, &jobs(&summary)[0]);
        assert!(page.contains("| b | 1 | 2 | 4 |\n|---|--:|--:|--:|\n| × 1 | 0.990 |"), "{page}");
    }

    #[test]
    fn without_threads_inside_nothing_is_said() {
        let cases = with_inner(&["b"], &[1, 2], &[1]);
        let summary = measured(Preset::Sweep, &cases, 6, |_, _| 1e6);
        let job = &jobs(&summary)[0];
        assert_eq!((text(&summary, job), markdown(&summary, job)), (String::new(), String::new()));
    }
}
