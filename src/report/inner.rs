//! Speedups over workers × threads inside each worker, in a terminal and in Markdown.

use std::fmt::Write as _;

use super::columns::Columns;
use super::markup;
use super::prose::wrapped;
use crate::analysis::{CaseSummary, Grid, grids};
use crate::view::job::{JobView, OVERSUBSCRIBED};
use crate::view::number::digits;
use crate::view::text::clean;

/// The mark of the best case of a grid.
const BEST: &str = "▸";

/// Columns of a grid beside each other in a terminal.
const MAX_COLUMNS: usize = 8;

/// Grids that a terminal shows; the others are in the report.
const MAX_GRIDS: usize = 6;

/// The speedups of each backend over workers (columns) and threads inside each (rows),
/// at most 80 columns wide; nothing where there are none inside.
pub fn text(view: &JobView<'_>) -> String {
    let all = grids(&view.job);
    if all.is_empty() {
        return String::new();
    }
    let mut text = String::from("speedup by workers (across) and threads inside each (down)\n");
    for grid in all.iter().take(MAX_GRIDS) {
        let columns: Vec<usize> = (0..grid.nthread.len()).collect();
        for columns in columns.chunks(MAX_COLUMNS) {
            let rows = rows(grid, columns, &grid.name, "  × ");
            for line in (Columns { rows, texts: 1 }).fitting_lines(&[]) {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    if all.len() > MAX_GRIDS {
        let _ = writeln!(text, "{} more in report.md and inner.svg", all.len() - MAX_GRIDS);
    }
    text + &wrapped(&legend(view, &all))
}

/// The speedups as tables in Markdown, with a heading; nothing where there are none.
pub fn markdown(view: &JobView<'_>) -> String {
    let all = grids(&view.job);
    if all.is_empty() {
        return String::new();
    }
    let mut page = String::from("Speedup by workers (across) and threads inside each (down):\n\n");
    for grid in &all {
        let columns: Vec<usize> = (0..grid.nthread.len()).collect();
        let mut rows = rows(grid, &columns, &markup::text(&clean(&grid.name)), "× ").into_iter();
        page.extend(rows.next().map(|head| markup::table_row(&head)));
        let _ = writeln!(page, "|---|{}", "--:|".repeat(columns.len()));
        page.extend(rows.map(|row| markup::table_row(&row).replace('*', "\\*")));
        page.push('\n');
    }
    let _ = writeln!(page, "{}.\n", legend(view, &all).replace('*', "\\*"));
    page
}

/// Rows for some columns of a grid: the worker counts, then the speedups at each count of
/// threads inside.
fn rows(grid: &Grid<'_>, columns: &[usize], name: &str, times: &str) -> Vec<Vec<String>> {
    let counts = columns.iter().map(|column| grid.nthread[*column].to_string());
    let head = std::iter::once(name.to_string()).chain(counts).collect();
    let rows = grid.rows.iter().zip(&grid.inner_nthread).map(|(row, inner)| {
        let cells = columns.iter().map(|column| cell(grid, row[*column]));
        std::iter::once(format!("{times}{inner}")).chain(cells).collect()
    });
    std::iter::once(head).chain(rows).collect()
}

/// A speedup with its marks; a dash where there is none.
fn cell(grid: &Grid<'_>, case: Option<&CaseSummary>) -> String {
    let Some((case, speedup)) = case.and_then(|case| Some((case, case.speedup?))) else {
        return "–".to_string();
    };
    let best = if grid.is_best(case) { BEST } else { "" };
    let mark = if case.oversubscribed { OVERSUBSCRIBED } else { "" };
    format!("{best}{}{mark}", digits(speedup))
}

fn legend(view: &JobView<'_>, grids: &[Grid<'_>]) -> String {
    let mut notes = vec![format!("{BEST} the best of a {}", view.nouns.one)];
    if grids.iter().flat_map(Grid::cases).any(|case| case.oversubscribed) {
        notes.push(view.oversubscribed_note());
    }
    notes.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Summary;
    use crate::analysis::synthetic::{measured, measured_run, with_inner};
    use crate::record::{BASELINE, COMMAND, Case, Run, Target};
    use crate::view::job::job_views;
    use crate::view::verdict::verdict;

    fn summary(counts: &[u32]) -> Summary {
        let cases = with_inner(&["process-manager", "b"], counts, &[1, 2, 4]);
        measured(&cases, 6, |index, _| {
            let case = &cases[index];
            let speedup =
                f64::from(case.threads().min(4)) - 0.01 * f64::from(case.inner_nthread.abs_diff(2));
            if case.backend == BASELINE { 1e6 } else { 1e6 / speedup }
        })
    }

    #[test]
    fn a_terminal_shows_one_grid_a_backend_with_marks() {
        let summary = summary(&[1, 2, 4]);
        let text = text(&job_views(&summary)[0]);
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
        let text = text(&job_views(&summary)[0]);
        assert!(text.contains("▸ the best of a command"), "{text}");
    }

    #[test]
    fn an_indistinguishable_series_of_the_same_command_is_not_named_again() {
        let cases = with_inner(&["a", "b"], &[1, 2], &[1, 2]);
        let summary = measured(&cases, 12, |index, round| {
            let case = &cases[index];
            // 2 × 1 and 1 × 2 of a are equal, and change places from round to round.
            let noise = 1.0 + 0.01 * f64::from((round + case.inner_nthread) % 2);
            let speedup = if case.backend == "a" { f64::from(case.threads().min(2)) } else { 0.5 };
            if case.backend == BASELINE { 1e6 } else { 1e6 * noise / speedup }
        });
        let verdict = verdict(&job_views(&summary)[0]).expect("a verdict");
        let expected = "; the same with 2 inner is statistically indistinguishable from it";
        assert!(verdict.contains(expected), "{verdict}");
    }

    #[test]
    fn a_wide_grid_fits_into_eighty_columns() {
        let summary = summary(&(1..=40).collect::<Vec<_>>());
        let text = text(&job_views(&summary)[0]);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn a_page_has_a_table_a_backend() {
        let summary = summary(&[1, 2, 4]);
        let page = markdown(&job_views(&summary)[0]);
        assert!(page.contains("| b | 1 | 2 | 4 |\n|---|--:|--:|--:|\n| × 1 | 0.990 |"), "{page}");
    }

    #[test]
    fn without_threads_inside_there_is_no_grid() {
        let cases = with_inner(&["b"], &[1, 2], &[1]);
        let summary = measured(&cases, 6, |_, _| 1e6);
        let view = &job_views(&summary)[0];
        assert_eq!((text(view), markdown(view)), (String::new(), String::new()));
    }
}
