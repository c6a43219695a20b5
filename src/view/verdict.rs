//! The verdict on a job in one sentence, and the reasons for low efficiencies.

use super::job::JobView;
use super::nouns::{short_baseline_name, short_name_at_threads, short_title};
use super::number::{TIME, Unit, digits};
use crate::analysis::{CaseSummary, Ranking, Series};

/// The parallel efficiency below which a case is reported to fall short, and a factor of
/// it to be a reason.
const GOOD: f64 = 0.8;

/// Series that are named; the others are counted.
const MAX_NAMED: usize = 3;

/// The verdict, such as "rayon at 2 threads is fastest: 1.93 × (1.91–1.94) the sequential
/// 49.8 ms; std-thread is statistically indistinguishable from it (±0.6%)."; `None` where
/// nothing was measured.
pub fn verdict(view: &JobView<'_>) -> Option<String> {
    let all = view.job.series();
    // The highest speedup need not be the winner's: among indistinguishable cases the ranking
    // prefers one that is not oversubscribed.
    let competitors = all.iter().filter_map(best_competitor);
    let highest = competitors.max_by(|a, b| a.score().total_cmp(&b.score()));
    let Some(baseline) = view.job.baseline().filter(|case| case.median_ns.is_some()) else {
        return highest.map(|_| "no baseline, so no speedup.".to_string());
    };
    let highest = highest?;
    let reference = reference(baseline);
    let winner = view.ranking.and_then(|it| view.summary.cases.get(it.winner?));
    let Some((ranking, winner)) = view.ranking.zip(winner) else {
        return Some(without_intervals(highest, &reference));
    };
    let (low, high) = (ranking.speedup_low, ranking.speedup_high);
    if baseline.fastest == Some(true) || winner.is_baseline() || low.is_none_or(|it| it <= 1.0) {
        return Some(format!(
            "nothing is significantly faster than {reference}; best: {}.",
            name_and_speedup(highest)
        ));
    }
    let many = if winner.oversubscribed { ", more than there are CPUs," } else { "" };
    Some(format!(
        "{}{many} is fastest: {} {reference}{}.",
        short_name_at_threads(&winner.case),
        speedup(winner, low, high),
        others(view, ranking, winner)
    ))
}

/// The best case of a series but for the baseline, which does not compete with itself.
fn best_competitor<'a>(series: &Series<'a>) -> Option<&'a CaseSummary> {
    let cases = series.cases.iter().copied().filter(|case| !case.is_baseline()).collect();
    Series { name: String::new(), detail: String::new(), cases }.best()
}

/// The reason why a case has less than four fifths of the efficiency of its threads, such
/// as "process-queue at 2 threads loses 23%: communication 0.79". `None` where it has not,
/// where that is not significant, where there are more threads than CPUs, or where the busy
/// time of its workers is unknown.
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
    // Efficiency is the product of the three factors; those that are low explain it.
    let low: Vec<String> = factors
        .iter()
        .filter(|(_, factor)| *factor < GOOD)
        .map(|(name, factor)| format!("{name} {factor:.2}"))
        .collect();
    let lowest = factors.iter().min_by(|one, other| one.1.total_cmp(&other.1));
    let reason = match (low.is_empty(), lowest?) {
        (false, _) => low.join(", "),
        (true, (name, factor)) => format!("no single factor; lowest: {name} {factor:.2}"),
    };
    let loss = 100.0 * (1.0 - efficiency);
    Some(format!("{} loses {loss:.0}%: {reason}", short_name_at_threads(&case.case)))
}

/// The reference of a speedup, such as "the sequential 49.8 ms" or "the 20.1 s of
/// ./prog at 1 thread". Where the work grows, it is a ratio of throughputs.
fn reference(baseline: &CaseSummary) -> String {
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

fn name_and_speedup(case: &CaseSummary) -> String {
    let speedup = speedup(case, case.speedup_low, case.speedup_high);
    format!("{}: {speedup}", short_name_at_threads(&case.case))
}

/// The verdict on medians alone: without intervals no difference is significant.
fn without_intervals(highest: &CaseSummary, reference: &str) -> String {
    if highest.speedup.is_some_and(|ratio| ratio < 1.0) {
        return format!(
            "nothing had a shorter median than {reference}; best: {}; too few rounds for \
             intervals.",
            name_and_speedup(highest)
        );
    }
    format!(
        "{} had the highest median: {} {reference}; too few rounds for intervals.",
        short_name_at_threads(&highest.case),
        speedup(highest, highest.speedup_low, highest.speedup_high)
    )
}

/// The other series: those that are indistinguishable from the winner, and those that have
/// too few rounds to compare.
fn others(view: &JobView<'_>, ranking: &Ranking, winner: &CaseSummary) -> String {
    let mut series = view.job.series();
    series.retain(|series| series.cases.iter().all(|case| case.index != winner.index));
    let (tied, beaten): (Vec<Series<'_>>, Vec<Series<'_>>) = series
        .into_iter()
        .partition(|series| series.cases.iter().any(|case| case.fastest == Some(true)));
    let tied: Vec<String> = tied.iter().map(|it| name_beside(view, it, winner)).collect();
    let unknown = beaten
        .iter()
        .filter(|series| series.cases.iter().any(|case| case.fastest.is_none()))
        .count();
    let mut text = String::new();
    if !tied.is_empty() {
        let is = if tied.len() == 1 { "is" } else { "are" };
        let within = half_width(view, ranking);
        let tied = list(&tied);
        text = format!("; {tied} {is} statistically indistinguishable from it{within}");
    } else if !beaten.is_empty() && unknown == 0 {
        let one = if view.has_inner { "series" } else { view.nouns.one };
        text = format!("; every other {one} is slower");
    }
    if unknown > 0 {
        let (word, have) = if unknown == 1 { ("other", "has") } else { ("others", "have") };
        text += &format!("; {unknown} {word} {have} too few rounds to compare");
    }
    text
}

/// The name of a series beside the winner: a title that is the winner's own is not repeated.
fn name_beside(view: &JobView<'_>, series: &Series<'_>, winner: &CaseSummary) -> String {
    let case = &series.cases[0].case;
    if !view.has_inner {
        return short_title(case);
    }
    let is_same = case.title() == winner.case.title();
    let title = if is_same { "the same".to_string() } else { short_title(case) };
    format!("{title} with {} inner", case.inner_nthread)
}

/// The largest difference that those may still have that are indistinguishable from the
/// winner.
fn half_width(view: &JobView<'_>, ranking: &Ranking) -> String {
    let cases = &view.summary.cases;
    let tied = ranking.competitors.iter().filter(|it| cases[it.case].fastest == Some(true));
    let widest = tied.map(|it| (it.ratio_high - 1.0).max(1.0 - it.ratio_low));
    let widest = widest.max_by(f64::total_cmp).filter(|it| it.is_finite());
    widest.map_or(String::new(), |share| match 100.0 * share {
        percent if percent < 10.0 => format!(" (±{percent:.1}%)"),
        percent => format!(" (±{percent:.0}%)"),
    })
}

fn list(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [first @ .., last] if names.len() <= MAX_NAMED => {
            format!("{} and {last}", first.join(", "))
        }
        many => {
            let others = many.len() - MAX_NAMED + 1;
            format!("{} and {others} others", many[..MAX_NAMED - 1].join(", "))
        }
    }
}
