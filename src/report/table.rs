//! The tables of a terminal: for each backend its best thread count in at most 80 columns,
//! or every case with every figure.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::columns::Columns;
use super::inner;
use super::prose::{WIDTH, wrapped};
use crate::analysis::{CaseSummary, Summary};
use crate::quantity::pluralize;
use crate::view::answer;
use crate::view::ending::how_it_ended;
use crate::view::job::{INDISTINGUISHABLE, JobView, job_views};
use crate::view::nouns::{Checks, checks as checked};
use crate::view::number::{TIME, Unit};
use crate::view::shortfall::{hidden_by_median, loss_table, shortfall};
use crate::view::table::{Column, DETAILS, SHORT, Table};
use crate::view::text::clean;

/// The style of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    Plain,
    /// The fastest row in bold.
    Bold,
}

/// Shortfalls, and means above medians, that are explained below the short table.
const MAX_EXPLAINED: usize = 3;

/// The columns that a narrow table loses, the first first.
const DROPPABLE: [&str; 3] = ["pairs", "eff.", "schedule chunk"];

/// The explanation of the details of commands and functions.
const EXPLANATION: &str = "all pairs: including those that were excluded; overhead: n/n₀ times the time less\n  \
    that of the baseline, which has n₀ threads\n";

/// The explanation of the details of kernels.
const EXPLANATION_OF_WORKERS: &str = "all pairs: including those that were excluded; overhead: n·T_n − T_1; balance: mean busy\n  \
    time of the workers / that of the busiest; comm.: busy time of the busiest / the time\n  \
    of the call; scaling: time inside the kernel of the baseline / that of all workers\n";

/// The heading of the split of the loss.
const LOSS: &str = "shares of n times the time, by which the efficiency falls short of 100%:\n";

/// The tables of a run, and whether it went well.
pub fn table(summary: &Summary, style: Style) -> String {
    tables(summary, style) + &checks(summary)
}

/// The table of every job, with its baseline above and its verdict below.
pub fn tables(summary: &Summary, style: Style) -> String {
    let parts: Vec<String> =
        job_views(summary).iter().map(|view| table_of_job(view, style)).collect();
    parts.join("\n")
}

/// The tables of every job with all of its cases, its verdict, and the power behind it.
pub fn details(summary: &Summary) -> String {
    let parts: Vec<String> = job_views(summary).iter().map(details_of_job).collect();
    parts.join("\n")
}

/// The end of the run, and what failed. Reasons are quoted whole, however long.
pub fn checks(summary: &Summary) -> String {
    let mut text = String::new();
    let ending = how_it_ended(summary);
    if !ending.is_empty() {
        text.push_str(&wrapped(&ending));
    }
    let _ = writeln!(text, "{}", checks_line(summary));
    for case in summary.cases.iter().filter(|case| !case.problems.is_empty()) {
        let (first, count) = (&case.problems[0], case.problems.len());
        let are_alike = case.problems.iter().all(|problem| problem == first);
        let times = if are_alike { "×" } else { "failures, the first:" };
        let name = clean(&case.case.title_with_count());
        let _ = writeln!(text, "  {name}: {count} {times} {}", clean(first));
    }
    text
}

/// The number of answers, runs or results, and whether all were right.
fn checks_line(summary: &Summary) -> String {
    let Checks { passed, count, failed } = checked(summary);
    let calls = summary.tally_check.calls;
    let failures = match failed {
        1 => "1 FAILED VISIT (not counted above)".to_string(),
        _ => format!("{failed} FAILED VISITS (not counted above)"),
    };
    match (failed, passed, summary.tally_check.identical()) {
        (0, Some(passed), _) => format!("{passed}: {count}"),
        (0, None, true) => format!("every answer identical: {} checked", pluralize(calls, "call")),
        (0, None, false) => format!("every answer checked: {}", pluralize(calls, "call")),
        (_, Some(_), _) => format!("{failures}; no error in {count}"),
        (_, None, _) => format!("{failures}; {} checked", pluralize(calls, "answer")),
    }
}

/// The answer, and below it the title, the machine and the baseline of a job.
fn heading(view: &JobView<'_>) -> String {
    let mut text: String =
        answer::sentences(view).iter().map(|sentence| wrapped(sentence)).collect();
    text.push_str(&wrapped(&view.heading()));
    text + &wrapped(&format!("baseline: {}", view.baseline()))
}

fn table_of_job(view: &JobView<'_>, style: Style) -> String {
    let mut text = heading(view);
    let best = view.best();
    let unit_ns = view.fastest().or(view.job.baseline()).and_then(|case| case.median_ns);
    let unit = Unit::fitting(&TIME, unit_ns.unwrap_or(0.0));
    let bold = view.winning_row().filter(|_| style == Style::Bold).map(|row| row + 1);
    for (index, line) in short_lines(view, unit).into_iter().enumerate() {
        let (on, off) = if bold == Some(index) { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(text, "{on}{line}{off}");
    }
    if text.contains(INDISTINGUISHABLE) {
        let _ = writeln!(text, "{INDISTINGUISHABLE} statistically indistinguishable");
    }
    if best.iter().any(|case| case.oversubscribed) {
        let _ = writeln!(text, "{}", view.oversubscribed_note());
    }
    if let Some(note) = view.all_pairs_note() {
        text.push_str(&wrapped(&note));
    }
    text.push_str(&inner::text(view));
    let shortfalls = JobView::shortfalls(&view.best_rows());
    shortfalls.iter().take(MAX_EXPLAINED).for_each(|reason| text.push_str(&wrapped(reason)));
    let more = shortfalls.len().saturating_sub(MAX_EXPLAINED);
    if more > 0 {
        let _ = writeln!(text, "{more} more below 80% efficiency: see harness report --details");
    }
    text.push_str(&hidden(view, &view.best_rows(), MAX_EXPLAINED));
    text
}

/// Notes on at most so many of these cases whose median hides that some calls take longer, the
/// largest mean over median first.
fn hidden(view: &JobView<'_>, cases: &[&CaseSummary], most: usize) -> String {
    let mean = |case: &CaseSummary| case.spread.mean_over(case.median_ns);
    let mut hiding: Vec<(f64, &CaseSummary)> =
        cases.iter().filter_map(|case| Some((mean(case)?, *case))).collect();
    hiding.sort_by(|one, other| other.0.total_cmp(&one.0));
    let more = hiding.len().saturating_sub(most);
    hiding.truncate(most);
    let calls = view.nouns.calls();
    let notes = hiding.iter().filter_map(|(_, case)| hidden_by_median(case, calls));
    let mut text: String = notes.map(|note| wrapped(&note)).collect();
    if more > 0 {
        let _ = writeln!(
            text,
            "{more} more with a mean above the median: see harness report --details"
        );
    }
    text
}

/// The split of the loss of each case, where it is known.
fn loss(view: &JobView<'_>) -> String {
    let rows = loss_table(&view.job.cases, view.nouns.one);
    if rows.is_empty() {
        return String::new();
    }
    let lines = Columns { rows, texts: 1 }.lines().join("\n");
    format!("\n{LOSS}{lines}\n")
}

/// The heading, and one line a series.
fn short_lines(view: &JobView<'_>, unit: Unit) -> Vec<String> {
    let table = Table::new(view, &view.best_rows(), &SHORT, unit);
    if view.nouns.has_workers {
        return Columns::of(&table).fitting_lines(WIDTH, &DROPPABLE);
    }
    let table = table.without_empty();
    // Names matter more than costs, which are among the details, too.
    let columns = Columns::of(&table);
    let columns = match columns.fits() {
        true => columns,
        false => Columns::of(&table.without(&[Column::CpuTime, Column::Memory])),
    };
    columns.fitting_lines(WIDTH, &DROPPABLE)
}

fn details_of_job(view: &JobView<'_>) -> String {
    let mut text = heading(view);
    let table = Table::new(view, &view.job.cases, &DETAILS, TIME[0]);
    let (table, explanation) = match view.nouns.has_workers {
        true => (table, EXPLANATION_OF_WORKERS),
        false => (table.without_empty(), EXPLANATION),
    };
    for line in Columns::of(&table).lines() {
        let _ = writeln!(text, "{line}");
    }
    text.push_str(explanation);
    if view.job.cases.iter().any(|case| case.oversubscribed) {
        let _ = writeln!(text, "{}", view.oversubscribed_note());
    }
    text.extend(view.power_notes().iter().map(|note| wrapped(note)));
    text.push_str(&inner::text(view));
    text.push_str(&loss(view));
    text.extend(view.job.cases.iter().filter_map(|case| Some(wrapped(&shortfall(case)?))));
    text.push_str(&hidden(view, &view.job.cases, usize::MAX));
    text
}
