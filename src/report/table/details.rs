//! Every case with every figure, as wide as it gets.

use std::fmt::Write as _;

use super::with_interval;
use super::{MEBIBYTE, MEMORY, OVERSUBSCRIBED, baseline_line, heading, pairs, percent, schedule};
use crate::analysis::{CaseSummary, Job, Summary, jobs};
use crate::report::columns::Columns;
use crate::report::inner;
use crate::report::prose::wrapped;
use crate::stats::median;
use crate::view::nouns::nouns;
use crate::view::number::{TIME, Unit, digits};
use crate::view::text::usable_cpus;
use crate::view::verdict::{answer, shortfall};
use crate::visits::Cost;

/// The columns.
const HEADING: [&str; 22] = [
    "backend",
    "schedule chunk",
    "n",
    "rounds",
    "time (95%)",
    "speedup (95%)",
    "pairs",
    "all pairs",
    "eff. (95%)",
    "Gdraws/s",
    "fastest",
    "rank",
    "setup",
    "overhead",
    "balance",
    "comm.",
    "scaling",
    "Karp–Flatt (95%)",
    "failed",
    "user",
    "system",
    MEMORY,
];

/// Where there are no workers that say what they did.
const EXPLANATION: &str = "all pairs: with those that were left out; overhead: n/n₀ times the time less that\n  \
    of the baseline, which has n₀ threads\n";

/// Where there are.
const EXPLANATION_OF_WORKERS: &str = "all pairs: with those that were left out; overhead: n·T_n − T_1; balance: busy time of\n  \
    the mean worker by the busiest; comm.: that of the busiest by the call; scaling: time\n  \
    inside the kernel of the baseline by that of all workers\n";

/// The tables of every job with all of its cases, its answer, and what it rests on.
pub fn details(summary: &Summary) -> String {
    let parts: Vec<String> = jobs(summary).iter().map(|job| of_job(summary, job)).collect();
    parts.join("\n")
}

fn of_job(summary: &Summary, job: &Job<'_>) -> String {
    let mut text = heading(summary, job) + &wrapped(&format!("baseline: {}", baseline_line(job)));
    let mut rows = vec![HEADING.map(str::to_string).to_vec()];
    rows[0][0] = nouns(summary.target()).one.to_string();
    rows.extend(job.cases.iter().map(|case| row(case)));
    let columns = Columns { rows, texts: 2 };
    let (columns, explanation) = match nouns(summary.target()).has_workers {
        true => (columns.without(&["user", "system", MEMORY]), EXPLANATION_OF_WORKERS),
        false => (columns.without(&["schedule chunk", "Gdraws/s"]).without_empty(), EXPLANATION),
    };
    for line in columns.lines() {
        let _ = writeln!(text, "{line}");
    }
    text.push_str(explanation);
    if job.cases.iter().any(|case| case.oversubscribed) {
        let cpus = usable_cpus(summary);
        let _ = writeln!(text, "{OVERSUBSCRIBED} more threads than the {cpus}");
    }
    if let Some(answer) = answer(summary, job) {
        text.push_str(&wrapped(&answer));
    }
    text.push_str(&what_it_rests_on(summary, job));
    text.push_str(&inner::text(summary, job));
    for why in job.cases.iter().filter_map(|case| shortfall(case)) {
        text.push_str(&wrapped(&why));
    }
    text
}

/// What was compared with what, and what could have been found.
fn what_it_rests_on(summary: &Summary, job: &Job<'_>) -> String {
    let Some(found) = summary.ranking_of(job) else { return String::new() };
    let mut text = String::new();
    let words = nouns(summary.target());
    if let Some(effect) = found.smallest_effect {
        let percent = digits(100.0 * effect);
        text += &wrapped(&format!(
            "a difference of {percent}% to the fastest would have been found in four of five such \
             runs, whichever {} had it ({} rounds in common)",
            words.one, found.rounds
        ));
    }
    if let (Some(count), Some(needed)) = (found.ranked_nthread, found.rounds_needed) {
        let count = found
            .ranked_inner_nthread
            .filter(|inner| *inner > 1)
            .map_or_else(|| count.to_string(), |inner| format!("{count} × {inner}"));
        text += &wrapped(&format!(
            "to rank all {} at n = {count} pair by pair needs {needed} rounds",
            words.many
        ));
    }
    text
}

fn row(case: &CaseSummary) -> Vec<String> {
    let mark = if case.oversubscribed { OVERSUBSCRIBED } else { "" };
    let factor = |factor: Option<f64>| factor.map_or("–".to_string(), |it| format!("{it:.2}"));
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_string());
    let efficiency = match (case.efficiency_low, case.efficiency_high) {
        (Some(low), Some(high)) => {
            format!("{} ({:.0}–{:.0}%)", percent(case.efficiency), 100.0 * low, 100.0 * high)
        }
        _ => percent(case.efficiency),
    };
    let rank = match (case.rank_low, case.rank_high) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("{low}–{high}"),
        _ => "–".to_string(),
    };
    let fastest = case.fastest.map(|it| if it { "maybe" } else { "no" });
    vec![
        case.case.title(),
        schedule(case),
        format!("{}{mark}", case.case.count()),
        case.rounds.to_string(),
        time(case),
        with_interval(case.speedup, case.speedup_low, case.speedup_high),
        pairs(case),
        or_dash(case.speedup_all.map(digits)),
        efficiency,
        or_dash(case.throughput.map(|it| digits(it / 1e9))),
        or_dash(fastest.map(str::to_string)),
        rank,
        or_dash(case.setup_ns.map(duration)),
        or_dash(case.overhead_ns.map(duration)),
        factor(case.load_balance),
        factor(case.communication),
        factor(case.computation_scaling),
        with_interval(case.karp_flatt, case.karp_flatt_low, case.karp_flatt_high),
        if case.problems.is_empty() { "–".to_string() } else { case.problems.len().to_string() },
        or_dash(middle(case, |cost| cost.user_ns).map(duration)),
        or_dash(middle(case, |cost| cost.system_ns).map(duration)),
        or_dash(case.peak_bytes().map(|bytes| digits(bytes as f64 / MEBIBYTE))),
    ]
}

/// The median over rounds of what is known of each.
fn middle(case: &CaseSummary, figure: fn(&Cost) -> Option<f64>) -> Option<f64> {
    median(&case.round_costs.iter().map(figure).collect::<Option<Vec<f64>>>()?)
}

/// The median time with its interval and a unit of its own.
fn time(case: &CaseSummary) -> String {
    let Some(ns) = case.median_ns else { return "no data".to_string() };
    let Unit { name, size } = Unit::fitting(&TIME, ns);
    let scaled = |ns: Option<f64>| ns.map(|ns| ns / size);
    let figures =
        with_interval(Some(ns / size), scaled(case.median_low_ns), scaled(case.median_high_ns));
    format!("{figures} {name}")
}

/// A time, which may be negative, with its unit.
fn duration(ns: f64) -> String {
    let Unit { name, size } = Unit::fitting(&TIME, ns.abs());
    let sign = if ns < 0.0 { "−" } else { "" };
    format!("{sign}{} {name}", digits(ns.abs() / size))
}
