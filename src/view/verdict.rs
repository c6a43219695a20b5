//! The answer of a job in plain words.

use super::nouns::{nouns, short_baseline_name, short_name_at_threads, short_title};
use super::number::{TIME, Unit, digits};
use crate::analysis::{CaseSummary, Job, Ranking, Series, Summary, has_inner};

/// Below this parallel efficiency a case is said to fall short, and a factor of it
/// to be why.
const GOOD: f64 = 0.8;

/// So many rivals are named, the others counted.
const NAMED: usize = 3;

/// The answer of a job in one sentence, such as "rayon at 2 threads is fastest: 1.93
/// × (1.91–1.94) the sequential 49.8 ms; std-thread cannot be told from it (±0.6%).";
/// `None` where nothing was measured.
pub fn answer(summary: &Summary, job: &Job<'_>) -> Option<String> {
    let rivals = job.series().into_iter().filter_map(|series| best_rival(&series));
    let highest = rivals.max_by(|a, b| a.score().total_cmp(&b.score()));
    let Some(baseline) = job.baseline().filter(|case| case.median_ns.is_some()) else {
        return highest.map(|_| "no baseline, so no speedup.".to_string());
    };
    let highest = highest?;
    let found = summary.ranking_of(job);
    let winner = found.and_then(|it| summary.cases.get(it.winner?));
    let yardstick = yardstick(baseline);
    let Some((found, winner)) = found.zip(winner) else {
        return Some(without_intervals(highest, &yardstick));
    };
    let (low, high) = (found.speedup_low, found.speedup_high);
    if baseline.fastest == Some(true) || winner.is_baseline() || low.is_none_or(|it| it <= 1.0) {
        let speedup = speedup(highest, highest.speedup_low, highest.speedup_high);
        return Some(format!(
            "nothing is shown to beat {yardstick}; best: {}: {speedup}.",
            short_name_at_threads(&highest.case)
        ));
    }
    let crowd = if winner.oversubscribed { ", more than there are CPUs," } else { "" };
    Some(format!(
        "{}{crowd} is fastest: {} {yardstick}{}.",
        short_name_at_threads(&winner.case),
        speedup(winner, low, high),
        others(summary, job, found, winner)
    ))
}

/// The best case of a series but for the baseline, which is no rival of itself.
fn best_rival<'a>(series: &Series<'a>) -> Option<&'a CaseSummary> {
    let cases = series.cases.iter().copied().filter(|case| !case.is_baseline()).collect();
    Series { name: String::new(), detail: String::new(), cases }.best()
}

/// Why a case falls short of four fifths of what its threads could do, such as
/// "process-queue at 2 threads loses 23%: communication 0.79"; `None` where it
/// does not, is not shown to, has more threads than there are CPUs, or nobody knows
/// how long its workers were busy.
pub fn shortfall(case: &CaseSummary) -> Option<String> {
    let efficiency = case.efficiency.filter(|_| !case.oversubscribed)?;
    if case.efficiency_high.unwrap_or(efficiency) >= GOOD {
        return None;
    }
    let factors: Vec<(&str, f64)> = [
        ("load balance", case.load_balance),
        ("communication", case.communication),
        ("computation scaling", case.computation_scaling),
    ]
    .into_iter()
    .filter_map(|(name, factor)| Some((name, factor?)))
    .collect();
    let low: Vec<String> = factors
        .iter()
        .filter(|(_, factor)| *factor < GOOD)
        .map(|(name, factor)| format!("{name} {factor:.2}"))
        .collect();
    let lowest = factors.iter().min_by(|one, other| one.1.total_cmp(&other.1));
    let why = match (low.is_empty(), lowest?) {
        (false, _) => low.join(", "),
        (true, (name, factor)) => format!("no single factor; lowest: {name} {factor:.2}"),
    };
    Some(format!(
        "{} loses {:.0}%: {why}",
        short_name_at_threads(&case.case),
        100.0 * (1.0 - efficiency)
    ))
}

/// What a speedup is a multiple of, such as "the sequential 49.8 ms" or "the 20.1 s of
/// ./prog at 1 thread". Where the work grows, it is a ratio of throughputs.
fn yardstick(baseline: &CaseSummary) -> String {
    let ns = baseline.median_ns.unwrap_or(0.0);
    let Unit { name, size } = Unit::fitting(&TIME, ns);
    let time = match baseline.case.is_weak() {
        true => "throughput".to_string(),
        false => format!("{} {name}", digits(ns / size)),
    };
    match baseline.case.is_baseline() {
        true => format!("the sequential {time}"),
        false => format!("the {time} of {}", short_baseline_name(baseline)),
    }
}

fn speedup(case: &CaseSummary, low: Option<f64>, high: Option<f64>) -> String {
    let ends = low.zip(high);
    let ends =
        ends.map_or(String::new(), |(low, high)| format!(" ({}–{})", digits(low), digits(high)));
    format!("{} ×{ends}", case.speedup.map_or("–".to_string(), digits))
}

/// Without intervals there are medians, and they show nothing.
fn without_intervals(highest: &CaseSummary, yardstick: &str) -> String {
    let (who, speedup) = (
        short_name_at_threads(&highest.case),
        speedup(highest, highest.speedup_low, highest.speedup_high),
    );
    match highest.speedup {
        Some(ratio) if ratio < 1.0 => format!(
            "nothing had a shorter median than {yardstick}; best: {who}: {speedup}; too few \
             rounds for intervals."
        ),
        _ => format!(
            "{who} had the highest median: {speedup} {yardstick}; too few rounds for intervals."
        ),
    }
}

/// Which other backends cannot be told from the winner.
fn others(summary: &Summary, job: &Job<'_>, found: &Ranking, winner: &CaseSummary) -> String {
    let series = job.series();
    let is_own = |series: &&Series<'_>| series.cases.iter().any(|case| case.case == winner.case);
    let rivals: Vec<&Series> = series.iter().filter(|series| !is_own(series)).collect();
    let is = |series: &&&Series<'_>, known: Option<bool>| {
        series.cases.iter().any(|case| case.fastest == known)
    };
    let has_inner = has_inner(job);
    let name = |series: &&Series<'_>| {
        let case = &series.cases[0].case;
        // A long command need not be said again.
        let is_same = has_inner && case.title() == winner.case.title();
        let title = if is_same { "the same".to_string() } else { short_title(case) };
        let inner =
            if has_inner { format!(" with {} inner", case.inner_nthread) } else { String::new() };
        format!("{title}{inner}")
    };
    let tied: Vec<String> =
        rivals.iter().filter(|it| is(it, Some(true))).copied().map(|it| name(&it)).collect();
    let was_compared = |series: &&Series<'_>| series.cases.iter().all(|it| it.fastest.is_some());
    let unknown = rivals.iter().filter(|it| !was_compared(it) && !is(it, Some(true))).count();
    let mut text = match (tied.is_empty(), rivals.is_empty() || unknown > 0) {
        (false, _) => {
            format!("; {} cannot be told from it{}", list(&tied), within(summary, found))
        }
        (true, false) if has_inner => "; every other series is slower".to_string(),
        (true, false) => format!("; every other {} is slower", nouns(summary.target()).one),
        (true, true) => String::new(),
    };
    if unknown > 0 {
        let (word, have) = if unknown == 1 { ("other", "has") } else { ("others", "have") };
        text += &format!("; {unknown} {word} {have} too few rounds to compare");
    }
    text
}

/// How far those may still be apart that could not be told from the winner.
fn within(summary: &Summary, found: &Ranking) -> String {
    let tied = found.competitors.iter().filter(|it| summary.cases[it.case].fastest == Some(true));
    let apart = tied.map(|it| (it.ratio_high - 1.0).max(1.0 - it.ratio_low));
    let widest = apart.max_by(f64::total_cmp).filter(|it| it.is_finite());
    widest.map_or(String::new(), |share| format!(" (±{}%)", percent(share)))
}

/// A small share in percent, to two figures.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent < 10.0 { format!("{percent:.1}") } else { format!("{percent:.0}") }
}

fn list(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        many => format!("{} and {} others", many[..NAMED - 1].join(", "), many.len() - NAMED + 1),
    }
}
