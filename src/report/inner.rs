//! Speedups over workers × threads inside each worker, in a terminal and in Markdown.

use std::fmt::Write as _;
use std::iter::once;

use super::columns::Columns;
use super::markup;
use super::prose::{WIDTH, wrapped};
use crate::view::figure::heat::{Cell, Heat, Panel, figure, of_inner};
use crate::view::job::{JobView, OVERSUBSCRIBED};
use crate::view::text::clean;

/// The mark of the best case of a panel.
const BEST: &str = "▸";

/// Columns of a panel beside each other in a terminal.
const MAX_COLUMNS: usize = 8;

/// Panels that a terminal shows; the others are in the report.
const MAX_PANELS: usize = 6;

/// The speedups of each backend over workers (columns) and threads inside each (rows),
/// at most 80 columns wide; nothing where there are none inside.
pub fn text(view: &JobView<'_>) -> String {
    let Some(heat) = of_inner(view) else { return String::new() };
    let mut text = String::from("speedup by workers (across) and threads inside each (down)\n");
    for panel in heat.panels.iter().take(MAX_PANELS) {
        for first in (0..panel.counts.len()).step_by(MAX_COLUMNS) {
            let rows = rows(panel, first, MAX_COLUMNS, &panel.name, "  ");
            for line in (Columns { rows, texts: 1 }).fitting_lines(WIDTH, &[]) {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    if heat.panels.len() > MAX_PANELS {
        let more = heat.panels.len() - MAX_PANELS;
        let _ = writeln!(text, "{more} more in report.md and inner.svg");
    }
    text + &wrapped(&legend(view, &heat))
}

/// The speedups as tables in Markdown, with a heading; nothing where there are none.
pub fn markdown(view: &JobView<'_>) -> String {
    let Some(heat) = of_inner(view) else { return String::new() };
    let mut page = String::from("Speedup by workers (across) and threads inside each (down):\n\n");
    for panel in &heat.panels {
        let name = markup::text(&clean(&panel.name));
        let mut rows = rows(panel, 0, panel.counts.len(), &name, "").into_iter();
        page.extend(rows.next().map(|head| markup::table_row(&head)));
        let _ = writeln!(page, "|---|{}", "--:|".repeat(panel.counts.len()));
        page.extend(rows.map(|row| markup::table_row(&row).replace('*', "\\*")));
        page.push('\n');
    }
    let _ = writeln!(page, "{}.\n", legend(view, &heat).replace('*', "\\*"));
    page
}

/// The rows of at most `most` columns of a panel from the column `first` on: the worker
/// counts, then the speedups at each count of threads inside.
fn rows(panel: &Panel, first: usize, most: usize, name: &str, indent: &str) -> Vec<Vec<String>> {
    let counts = panel.counts.iter().skip(first).take(most).map(u32::to_string);
    let mut rows = vec![once(name.to_string()).chain(counts).collect()];
    for (label, cells) in &panel.rows {
        let cells = cells.iter().skip(first).take(most).map(|it| cell(it.as_ref()));
        rows.push(once(format!("{indent}{label}")).chain(cells).collect());
    }
    rows
}

/// A speedup with its marks; a dash where there is none.
fn cell(cell: Option<&Cell>) -> String {
    let figure = figure(cell);
    let Some(cell) = cell.filter(|cell| cell.speedup.is_some()) else { return figure };
    let best = if cell.is_best { BEST } else { "" };
    let mark = if cell.is_oversubscribed { OVERSUBSCRIBED } else { "" };
    format!("{best}{figure}{mark}")
}

fn legend(view: &JobView<'_>, heat: &Heat) -> String {
    let mut notes = vec![format!("{BEST} the best of a {}", view.nouns.one)];
    if heat.cells().any(|cell| cell.is_oversubscribed) {
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
    use crate::view::answer::sentences;
    use crate::view::job::job_views;

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
    fn equal_numbers_of_threads_in_all_are_named_by_their_forms() {
        let cases = with_inner(&["a", "b"], &[1, 2], &[1, 2]);
        let summary = measured(&cases, 12, |index, round| {
            let case = &cases[index];
            // 2 × 1 and 1 × 2 of a are equal, and change places from round to round.
            let noise = 1.0 + 0.01 * f64::from((round + case.inner_nthread) % 2);
            let speedup = if case.backend == "a" { f64::from(case.threads().min(2)) } else { 0.5 };
            if case.backend == BASELINE { 1e6 } else { 1e6 * noise / speedup }
        });
        let text = sentences(&job_views(&summary)[0]).join(" ");
        let expected = "Use a at 2 threads or a at 1 × 2 threads: ";
        assert!(text.starts_with(expected), "{text}");
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
