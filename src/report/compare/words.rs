//! The sentences of a comparison, which both of its forms have.

use crate::analysis::{Change, Comparison, Conclusion, Judged, Renamed, Shift};
use crate::record::{Case, Target};
use crate::stats::Verdict;
use crate::view::nouns::{job_of_runs, name_at_threads};
use crate::view::number::{TIME, Unit, digits, thousands};

/// The unit of a speedup.
pub const RATIO: Unit = Unit { name: "", size: 1.0 };

/// The verdicts in the order in which a reader wants them.
pub const VERDICTS: [Verdict; 4] =
    [Verdict::Slower, Verdict::Faster, Verdict::Unresolved, Verdict::Equivalent];

/// A ratio as a change in percent: `−11.4%`.
pub fn percent(ratio: f64) -> String {
    let change = 100.0 * (ratio - 1.0);
    let places = if change.abs() < 99.95 { 1 } else { 0 };
    let magnitude = format!("{:.places$}", change.abs());
    let is_nothing = magnitude == "0.0";
    let sign = if is_nothing {
        "±"
    } else if change < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{magnitude}%")
}

/// A change with its interval.
pub fn change(shift: &Shift) -> String {
    match (shift.ratio, shift.low, shift.high) {
        (None, ..) => "–".to_string(),
        (Some(ratio), Some(low), Some(high)) => {
            format!("{} ({} to {})", percent(ratio), percent(low), percent(high))
        }
        (Some(ratio), ..) => percent(ratio),
    }
}

/// A figure before and after, in a unit.
pub fn figures(shift: &Shift, unit: Unit) -> String {
    let [before, after] = [shift.before, shift.after]
        .map(|figure| unit.scaled(figure).map_or("–".to_string(), digits));
    format!("{before} → {after}")
}

/// The unit for the times of some cases, and its name.
pub fn time_unit(cases: &[&Change]) -> (Unit, String) {
    let times = cases.iter().filter_map(|change| change.time_ns.after);
    let unit = Unit::fitting(&TIME, times.fold(f64::INFINITY, f64::min));
    let per_draw = if cases.iter().any(|change| change.is_per_draw()) { " a draw" } else { "" };
    (unit, format!("{}{per_draw}", unit.name))
}

/// The name of a case among others of its job, without its thread count.
pub fn name(change: &Change) -> String {
    let mut name = change.case.title();
    if !change.detail.is_empty() {
        name += &format!(" ({})", change.detail);
    }
    name
}

/// The job of a case: kernel, draws (before and after, if they differ) and pin.
pub fn job(target: Target, change: &Change) -> String {
    let case = &change.case;
    let draws = case.baseline_draws().map_or(String::new(), |draws| {
        let workers = if case.is_weak() { u64::from(case.nthread.max(1)) } else { 1 };
        let before = change.draws_before.filter(|_| change.is_per_draw());
        let before = before.map_or(String::new(), |it| format!("{} → ", thousands(it / workers)));
        format!("{before}{}", thousands(draws))
    });
    job_of_runs(target, case, draws)
}

/// The change of a baseline, which is not judged.
pub fn baseline(change: &Change, judged: Judged) -> String {
    let (unit, name) = time_unit(&[change]);
    let (times, moved) = (figures(&change.time_ns, unit), self::change(&change.time_ns));
    let judged = match judged {
        Judged::Speedup => ", not judged: --absolute judges it",
        Judged::Time => "",
    };
    let case = match change.case.is_baseline() {
        true => String::new(),
        false => format!(" ({})", name_at_threads(&change.case)),
    };
    format!("the baseline itself{case}: {times} {name}; speed {moved}{judged}")
}

/// The conclusion in a sentence.
pub fn headline(comparison: &Comparison) -> String {
    let all = comparison.comparisons;
    let count = |verdict| comparison.with(verdict).len();
    let cases = if all == 1 { "case" } else { "cases" };
    let what = match comparison.judged {
        Judged::Speedup => "",
        Judged::Time => " by raw time",
    };
    let margin = comparison.margin * 100.0;
    match comparison.conclusion {
        Conclusion::Regression => {
            let slower = comparison.with(Verdict::Slower);
            let ratio = |it: &Change| it.judged(comparison.judged).ratio.unwrap_or(1.0);
            let worst = slower.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b)));
            let worst = worst.map_or(String::new(), |it| {
                format!(
                    "; the most: {}, n = {}: {}",
                    name(it),
                    it.case.count_text(),
                    change(it.judged(comparison.judged))
                )
            });
            format!("REGRESSION: {} of {all} {cases} slower{what}{worst}", slower.len())
        }
        Conclusion::Undecided => format!(
            "undecided: {} of {all} {cases} unresolved, none shown to be slower{what}",
            count(Verdict::Unresolved),
        ),
        Conclusion::Passed if count(Verdict::Faster) == 0 => {
            format!("no regression: {all} {cases} equivalent{what}, within {margin}%")
        }
        Conclusion::Passed => format!(
            "no regression: {} of {all} {cases} faster{what}, {} equivalent, within {margin}%",
            count(Verdict::Faster),
            count(Verdict::Equivalent),
        ),
    }
}

/// Sentences that qualify the conclusion.
pub fn remarks(comparison: &Comparison) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(baseline_warning(comparison));
    remarks.extend(undecided(comparison));
    remarks.extend(renamed(&comparison.renamed));
    remarks.push(rule(comparison));
    if comparison.cases.iter().any(Change::is_per_draw) {
        remarks.push(
            "the draws of a call are not the same: times are per draw, and a speedup belongs to \
             the size of its job (a larger one pays less for its start)"
                .to_string(),
        );
    }
    for it in &comparison.machines {
        remarks.push(format!("FORCED: another machine: {}: {} → {}", it.what, it.before, it.after));
    }
    for it in &comparison.notes {
        remarks.push(format!("not the same: {}: {} → {}", it.what, it.before, it.after));
    }
    remarks
}

/// The warning that a changed baseline changes every speedup.
fn baseline_warning(comparison: &Comparison) -> Option<String> {
    let moved = comparison.moved_baselines();
    let first = moved.first().filter(|_| comparison.judged == Judged::Speedup)?;
    let shift = &first.time_ns;
    let (became, other) =
        if shift.ratio? < 1.0 { ("slower", "better") } else { ("faster", "worse") };
    let is_certain = shift.low.zip(shift.high).is_some_and(|(low, high)| low > 1.0 || high < 1.0);
    let became = if is_certain { format!("became {became}") } else { format!("may be {became}") };
    let count =
        if moved.len() > 1 { format!("; so did {} more", moved.len() - 1) } else { String::new() };
    let (name, others) = match first.case.is_baseline() {
        true => (first.case.title(), "parallel case"),
        false => (name_at_threads(&first.case), "other case"),
    };
    Some(format!(
        "WARNING: the baseline itself {became}: {}, more than the margin{count}. A speedup is relative \
         to it, so every {others} looks {other} than its own time says: judge raw times with \
         --absolute, or find out what happened to {name} first",
        change(shift),
    ))
}

/// The names that stand for others, and the reason.
fn renamed(pairs: &[Renamed]) -> Option<String> {
    let is_by_position = pairs.first()?.by_position;
    let list: Vec<String> =
        pairs.iter().map(|it| format!("{} → {}", it.before, it.after)).collect();
    let reason = match is_by_position {
        true => {
            "no name is in both runs, so cases are matched by position (--map OLD=NEW names others)"
        }
        false => "matched by --map",
    };
    Some(format!("{reason}: {}", list.join("; ")))
}

/// The power of an undecided comparison, and what would decide it.
fn undecided(comparison: &Comparison) -> Option<String> {
    let unresolved = comparison.with(Verdict::Unresolved);
    if unresolved.is_empty() {
        return None;
    }
    let without = unresolved.iter().filter(|it| it.smallest_change.is_none()).count();
    if without > 0 {
        let have = if without == 1 { "case has" } else { "cases have" };
        return Some(format!(
            "{without} unresolved {have} no interval: fewer than 6 rounds that count in one of the \
             runs, or no baseline; measure with --rounds 12 or more"
        ));
    }
    let widest = unresolved.iter().max_by(|a, b| {
        a.smallest_change.unwrap_or(0.0).total_cmp(&b.smallest_change.unwrap_or(0.0))
    })?;
    let smallest = match widest.smallest_change? {
        share if share < 1.0 => format!("of {:.0}%", (100.0 * share).ceil()),
        share => format!("by a factor of {}", digits(1.0 + share)),
    };
    let seen = format!(
        "a change {smallest} or more is detected with 80% power ({}, n = {})",
        name(widest),
        widest.case.count_text(),
    );
    // Those that lie on the margin need ever more rounds: nothing helps there.
    let needed: Option<Vec<u32>> = unresolved.iter().map(|it| it.rounds_needed).collect();
    let advice = match needed.and_then(|needed| needed.into_iter().max()) {
        Some(rounds) => format!(
            "more rounds: about {rounds} in each run would decide, if the figures stay as they are"
        ),
        None => "1,000 rounds would not decide: where a change is about as large as the margin, \
                 try another --margin; where the intervals are wide, a quieter machine"
            .to_string(),
    };
    Some(format!("{seen}; {advice}"))
}

/// The rule of the judgement.
fn rule(comparison: &Comparison) -> String {
    let margin = comparison.margin * 100.0;
    let family = match comparison.comparisons {
        0 | 1 => String::new(),
        count => format!(
            "; {count} comparisons: faster and slower are said at {:.2}% each, so that of equal \
             runs at most 5% have any case that is called either",
            100.0 * comparison.joint_confidence,
        ),
    };
    format!(
        "margin {margin}%, since two sessions of one machine differ by more than their rounds show; \
         intervals of 95% for each case alone{family}"
    )
}

/// The names of the cases that only one of the runs has: `only before (2): a, n = 1; b, n = 1`.
pub fn only(run: &str, cases: &[Case]) -> Option<String> {
    let names: Vec<String> = cases.iter().map(Case::title_with_count).collect();
    (!names.is_empty()).then(|| format!("only {run} ({}): {}", names.len(), names.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_percentage_with_its_sign() {
        let shown = [0.886, 1.0, 1.052, 2.3, 0.9999].map(percent);
        assert_eq!(shown, ["−11.4%", "±0.0%", "+5.2%", "+130%", "±0.0%"]);
    }
}
