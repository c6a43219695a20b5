//! The table at the end of a run: for each backend its best thread count, in at
//! most 80 columns.

mod details;
#[cfg(test)]
mod tests;

pub use details::details;

use std::fmt::Write as _;

use super::columns::Columns;
use super::inner;
use super::prose::wrapped;
use crate::analysis::{
    BestCount, CONFIDENCE, CaseSummary, Job, Series, Summary, has_inner, jobs, series_at_best_inner,
};
use crate::quantity::pluralize;
use crate::stats::ranks;
use crate::view::ending::how_it_ended;
use crate::view::nouns::{Checks, baseline_name, checks as checked, job_title, nouns};
use crate::view::number::{TIME, Unit, digits};
use crate::view::text::{clean, machine, usable_cpus};
use crate::view::verdict::{answer, shortfall};

/// Whether the terminal shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    Plain,
    /// The fastest row in bold.
    Bold,
}

/// Marks a case with more threads than usable CPUs.
const OVERSUBSCRIBED: &str = "*";

/// Marks what the data cannot tell apart.
const ALIKE: &str = "≈";

/// So many shortfalls are explained.
const EXPLAINED: usize = 3;

/// What a narrow table can do without, by its headings, the first first.
const SPARE: [&str; 3] = ["pairs", "eff.", "schedule chunk"];

/// Heading of the most memory that a command had.
const MEMORY: &str = "peak MiB";

/// Bytes.
const MEBIBYTE: f64 = 1_048_576.0;

/// The tables of a run, and whether it went well.
pub fn table(summary: &Summary, style: Style) -> String {
    tables(summary, style) + &checks(summary)
}

/// The table of every job, with its baseline above and its answer below.
pub fn tables(summary: &Summary, style: Style) -> String {
    let parts: Vec<String> =
        jobs(summary).iter().map(|job| table_of_job(summary, job, style)).collect();
    parts.join("\n")
}

/// How the run ended, and what failed. Reasons are quoted whole, however long.
pub fn checks(summary: &Summary) -> String {
    let mut text = String::new();
    let ending = how_it_ended(summary);
    if !ending.is_empty() {
        text.push_str(&wrapped(&ending));
    }
    let _ = writeln!(text, "{}", what_was_right(summary));
    for case in summary.cases.iter().filter(|case| !case.problems.is_empty()) {
        let (first, count) = (&case.problems[0], case.problems.len());
        let is_one = case.problems.iter().all(|problem| problem == first);
        let times = if is_one { "×" } else { "failures, the first:" };
        let who = &case.case;
        let _ =
            writeln!(text, "  {}: {count} {times} {}", clean(&who.title_and_count()), clean(first));
    }
    text
}

/// Whether every answer, run or result was as it should be, and how many there were.
fn what_was_right(summary: &Summary) -> String {
    let Checks { passed, count, failed } = checked(summary);
    let calls = summary.answers.calls;
    match (failed, passed, summary.answers.identical()) {
        (0, Some(what), _) => format!("{what}: {count}"),
        (0, None, true) => format!("every answer identical: {} checked", pluralize(calls, "call")),
        (0, None, false) => format!("every answer checked: {}", pluralize(calls, "call")),
        (_, Some(_), _) => {
            format!("{} (not counted above); nothing wrong with {count}", failed_visits(failed))
        }
        (_, None, _) => {
            let answers = pluralize(calls, "answer");
            format!("{} (not counted above); {answers} checked", failed_visits(failed))
        }
    }
}

fn failed_visits(count: usize) -> String {
    if count == 1 { "1 FAILED VISIT".to_string() } else { format!("{count} FAILED VISITS") }
}

/// What was measured, and the machine.
pub(in crate::report) fn heading(summary: &Summary, job: &Job<'_>) -> String {
    wrapped(&format!("{}, {}", job_title(summary.target(), job), machine(summary)))
}

fn table_of_job(summary: &Summary, job: &Job<'_>, style: Style) -> String {
    let mut text = heading(summary, job) + &wrapped(&format!("baseline: {}", baseline_line(job)));
    let mut series = series_at_best_inner(job);
    // What is decided comes first.
    series.sort_by_key(|series| series.best().is_none_or(|case| case.speedup_low.is_none()));
    let best: Vec<&CaseSummary> = series.iter().filter_map(Series::best).collect();
    let fastest = best.iter().copied().max_by(|a, b| a.score().total_cmp(&b.score()));
    let shown_ns = fastest.or(job.baseline()).and_then(|case| case.median_ns);
    let unit = Unit::fitting(&TIME, shown_ns.unwrap_or(0.0));
    let bold = summary
        .ranking_of(job)
        .and_then(|answer| summary.cases.get(answer.winner?))
        .or(fastest)
        .and_then(|winner| series.iter().position(|it| holds(it, winner)));
    let rows = Rows { summary, job, unit, ties: ties(job) };
    for (index, line) in rows.lines(&series).into_iter().enumerate() {
        let is_bold = style == Style::Bold && bold.is_some_and(|row| row + 1 == index);
        let _ =
            if is_bold { writeln!(text, "\x1b[1m{line}\x1b[0m") } else { writeln!(text, "{line}") };
    }
    if text.contains(ALIKE) {
        let _ = writeln!(text, "{ALIKE} the data cannot tell these apart");
    }
    if best.iter().any(|case| case.oversubscribed) {
        let cpus = usable_cpus(summary);
        let _ = writeln!(text, "{OVERSUBSCRIBED} more threads than the {cpus}");
    }
    text.push_str(&with_all_pairs(&best));
    text.push_str(&inner::text(summary, job));
    if let Some(answer) = answer(summary, job) {
        text.push_str(&wrapped(&answer));
    }
    text.push_str(&shortfalls(&best));
    text
}

/// Whether a case belongs to a series.
fn holds(series: &Series<'_>, case: &CaseSummary) -> bool {
    series.cases.iter().any(|it| it.case == case.case)
}

/// How many series of a job have a case that cannot be excluded from being the
/// fastest of all.
fn ties(job: &Job<'_>) -> usize {
    let is_tied = |series: &Series<'_>| series.cases.iter().any(|it| it.fastest == Some(true));
    job.series().iter().filter(|series| is_tied(series)).count()
}

/// Why cases fall short, those that do so most first.
fn shortfalls(best: &[&CaseSummary]) -> String {
    let mut short: Vec<(f64, String)> =
        best.iter().filter_map(|case| Some((case.efficiency?, shortfall(case)?))).collect();
    short.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut text: String = short.iter().take(EXPLAINED).map(|(_, why)| wrapped(why)).collect();
    let more = short.len().saturating_sub(EXPLAINED);
    if more > 0 {
        let _ = writeln!(text, "{more} more fall short: harness report --details says why");
    }
    text
}

/// The baseline's absolute time: without it a speedup says nothing.
pub(in crate::report) fn baseline_line(job: &Job<'_>) -> String {
    let Some(case) = job.baseline() else { return "none".to_string() };
    let who = baseline_name(case);
    let Some(ns) = case.median_ns else {
        return format!("{who} has no clean visit: no speedups");
    };
    let Unit { name, size } = Unit::fitting(&TIME, ns);
    let time = with_interval(
        Some(ns / size),
        case.median_low_ns.map(|ns| ns / size),
        case.median_high_ns.map(|ns| ns / size),
    );
    let level = ranks(case.rounds, CONFIDENCE)
        .map_or(String::new(), |(.., level)| format!(", intervals of {:.1}%", 100.0 * level));
    // What has words in its name ends with a colon.
    let colon = if case.case.is_baseline() { "" } else { ":" };
    let over = match case.case.threads() {
        0 | 1 => String::new(),
        count => format!("; speedup is over {count} threads, eff. is speedup · {count} / n"),
    };
    format!("{who}{colon} {time} {name}; {}{level}{over}", pluralize(case.rounds, "round"))
}

/// What the rows of a job's table need.
struct Rows<'a> {
    summary: &'a Summary,
    job: &'a Job<'a>,
    /// Of all times.
    unit: Unit,
    /// How many series may have the fastest case.
    ties: usize,
}

impl Rows<'_> {
    /// The heading, and one line a series.
    fn lines(&self, series: &[Series<'_>]) -> Vec<String> {
        let [time, cpu] = ["time", "CPU"].map(|what| format!("{what} {}", self.unit.name));
        let nouns = nouns(self.summary.target());
        let one = nouns.one;
        let best = if has_inner(self.job) { "best n × inner" } else { "best n" };
        let heading =
            [one, "schedule chunk", best, &time, "speedup (95%)", "eff.", &cpu, MEMORY, "pairs"];
        let mut rows = vec![heading.map(str::to_string).to_vec()];
        rows.extend(series.iter().map(|series| self.row(series)));
        let costs = [cpu.as_str(), MEMORY];
        if nouns.has_workers {
            return Columns { rows, texts: 2 }.without(&costs).fitting_lines(&SPARE);
        }
        let columns = Columns { rows, texts: 2 }.without(&["schedule chunk"]).without_empty();
        // Names matter more: what they cost is among the details, too.
        let columns = if columns.fits() { columns } else { columns.without(&costs) };
        columns.fitting_lines(&SPARE)
    }

    fn row(&self, series: &Series<'_>) -> Vec<String> {
        // What else tells two series of a backend apart is in the next column.
        let name = series.cases[0].case.title();
        let Some(case) = series.best() else {
            let dash = || "–".to_string();
            let schedule = schedule(series.cases[0]);
            let mut row = vec![name, schedule, dash(), "no data".into()];
            row.extend((0..5).map(|_| dash()));
            return row;
        };
        let speedup = with_interval(case.speedup, case.speedup_low, case.speedup_high);
        let is_tied = series.cases.iter().any(|it| it.fastest == Some(true));
        let mark = if is_tied && self.ties > 1 { format!("{ALIKE} ") } else { String::new() };
        vec![
            name,
            schedule(case),
            self.counts(case),
            case.median_ns.map_or("–".to_string(), |ns| digits(ns / self.unit.size)),
            format!("{mark}{speedup}"),
            percent(case.efficiency),
            case.cpu_ns().map_or("–".to_string(), |ns| digits(ns / self.unit.size)),
            case.peak_bytes().map_or("–".to_string(), |bytes| digits(bytes as f64 / MEBIBYTE)),
            pairs(case),
        ]
    }

    /// The best count, and those that cannot be told from it, such as `3 ≈ 2–4`.
    fn counts(&self, case: &CaseSummary) -> String {
        let inner = case.case.inner_nthread.max(1);
        let mark = |nthread: u32| {
            let threads = nthread.saturating_mul(inner);
            if self.summary.is_oversubscribed(threads) { OVERSUBSCRIBED } else { "" }
        };
        let times = if has_inner(self.job) { format!(" × {inner}") } else { String::new() };
        let best = format!("{}{times}{}", case.case.nthread, mark(case.case.nthread));
        match self.best_count(case).filter(|it| it.nthread_low < it.nthread_high) {
            None => best,
            Some(BestCount { nthread_low, nthread_high, .. }) => {
                let mark = mark(*nthread_high);
                format!("{best} {ALIKE} {nthread_low}–{nthread_high}{times}{mark}")
            }
        }
    }

    fn best_count(&self, case: &CaseSummary) -> Option<&BestCount> {
        self.summary.ranking_of(self.job)?.series.iter().find(|best| best.case == case.index)
    }
}

/// A share in percent.
pub(in crate::report) fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_string(), |share| format!("{:.0}%", 100.0 * share))
}

/// How many pairs a ratio is made of, and of how many.
pub(in crate::report) fn pairs(case: &CaseSummary) -> String {
    match case.pairs_all {
        all if all > case.pairs => format!("{} of {all}", case.pairs),
        _ => case.pairs.to_string(),
    }
}

/// The speedups that would have come of the pairs that were left out, too.
pub(in crate::report) fn with_all_pairs(best: &[&CaseSummary]) -> String {
    let lost = best.iter().filter(|case| case.pairs_all > case.pairs);
    let figures: Vec<String> = lost
        .filter_map(|case| Some(format!("{} {}", case.case.title(), digits(case.speedup_all?))))
        .collect();
    match figures.is_empty() {
        true => String::new(),
        false => wrapped(&format!("with the pairs that were left out: {}", figures.join(", "))),
    }
}

/// How chunks met workers, and how many blocks they had.
pub(in crate::report) fn schedule(case: &CaseSummary) -> String {
    match (case.case.schedule.as_str(), case.case.chunk) {
        ("", _) => "its own".to_string(),
        (schedule, Some(chunk)) => format!("{schedule} {chunk}"),
        (schedule, None) => schedule.to_string(),
    }
}

/// A value, and its interval where there is one.
pub(in crate::report) fn with_interval(
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
) -> String {
    match (value, low, high) {
        (None, ..) => "–".to_string(),
        (Some(value), Some(low), Some(high)) => {
            format!("{} ({}–{})", digits(value), digits(low), digits(high))
        }
        (Some(value), ..) => digits(value),
    }
}
