//! Two runs compared: which of the cases that they share became faster or slower.
//!
//! Rounds of two runs have nothing to do with each other, so nothing is paired
//! across them. Each case is compared with the baseline of its own run, within
//! rounds; the two speedups are then divided, with an unpaired interval
//! ([`difference_of_medians`] of their logarithms). Raw times stand beside.
//!
//! **A family of comparisons.** To pass, no case may be slower: each case must be
//! shown to be equivalent by itself, and its own 95% interval says so. To fail,
//! one slower case of many is enough, and of a hundred equal ones some look slower
//! by chance. So *faster* and *slower* are decided by joint intervals, which hold
//! for all comparisons together: each at a level of 1 − 5% / comparisons
//! (Bonferroni), whatever the cases have in common (they share their baseline).

mod comparison;
mod machines;
mod shared;
#[cfg(test)]
mod tests;

pub use comparison::{Change, Comparison, Conclusion, Judged, Shift};
pub use machines::{Difference, differences_of_machines};

use super::{CONFIDENCE, CaseSummary, Summary, jobs};
use crate::stats::diagnostics::autocorrelated_among;
use crate::stats::{Interval, Verdict, difference_of_medians, median, smallest_effect_of_width};

/// Compares two runs. A change by less than `margin`, a share, does not count.
pub fn compare(before: &Summary, after: &Summary, judged: Judged, margin: f64) -> Comparison {
    let shared = shared::shared(&before.cases, &after.cases);
    let is_judged = |case: &CaseSummary| judged == Judged::Time || !case.is_baseline();
    let comparisons =
        shared.pairs.iter().filter(|(_, index)| is_judged(&after.cases[*index])).count();
    let levels =
        Levels { each: CONFIDENCE, joint: 1.0 - (1.0 - CONFIDENCE) / comparisons.max(1) as f64 };
    let (logs_before, logs_after) = (Logs::of(before), Logs::of(after));
    let mut cases = Vec::new();
    for (job, detail, index) in places(after) {
        let Some(&(from, _)) = shared.pairs.iter().find(|(_, to)| *to == index) else { continue };
        let ends =
            [(&before.cases[from], &logs_before, from), (&after.cases[index], &logs_after, index)];
        let mut change = change(ends, levels);
        (change.job, change.detail) = (job, detail);
        if is_judged(&after.cases[index]) {
            judge(&mut change, judged, margin, levels);
        }
        cases.push(change);
    }
    let settings = |cases: &[CaseSummary], only: &[usize]| {
        only.iter().map(|index| cases[*index].case.clone()).collect()
    };
    Comparison {
        conclusion: conclusion(&cases),
        judged,
        margin,
        confidence: levels.each,
        joint_confidence: levels.joint,
        comparisons,
        cases,
        only_before: settings(&before.cases, &shared.only_before),
        only_after: settings(&after.cases, &shared.only_after),
        machines: differences_of_machines(&before.run, &after.run),
        notes: machines::notes(before, after),
    }
}

/// The levels of the intervals.
#[derive(Clone, Copy)]
struct Levels {
    each: f64,
    joint: f64,
}

/// What is compared of each case of a run: logarithms, one a round.
struct Logs {
    /// Of the speedup.
    speedup: Vec<Vec<f64>>,
    /// Of the time of a call in nanoseconds.
    time: Vec<Vec<f64>>,
}

impl Logs {
    fn of(summary: &Summary) -> Logs {
        let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
        let is_compared = |case: &CaseSummary| !case.is_baseline();
        let ratios =
            |case: &CaseSummary| if is_compared(case) { logs(&case.ratios) } else { Vec::new() };
        Logs {
            speedup: widened(summary.cases.iter().map(ratios).collect()),
            time: widened(summary.cases.iter().map(|case| logs(&case.round_ns)).collect()),
        }
    }
}

/// The same values; where an alarm says that rounds resemble each other, further
/// from their median by as much as their interval is too narrow.
fn widened(mut cases: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let slices: Vec<&[f64]> = cases.iter().map(Vec::as_slice).collect();
    let alarms = autocorrelated_among(&slices);
    for (values, alarm) in cases.iter_mut().zip(alarms) {
        let Some((alarm, middle)) = alarm.zip(median(values)) else { continue };
        values.iter_mut().for_each(|it| *it = middle + alarm.widening() * (*it - middle));
    }
    cases
}

/// A case of a run, with all that is compared there, and its index.
type End<'a> = (&'a CaseSummary, &'a Logs, usize);

/// Every case of a run by its index, with the number of its job and what tells
/// it from its namesakes; the baseline of each job first.
fn places(summary: &Summary) -> Vec<(usize, String, usize)> {
    let mut places = Vec::new();
    for (number, job) in jobs(summary).iter().enumerate() {
        places.extend(job.baseline().map(|case| (number, String::new(), case.index)));
        for series in job.series() {
            let others = series.cases.iter().filter(|case| !case.is_baseline());
            places.extend(others.map(|case| (number, series.detail.clone(), case.index)));
        }
    }
    places
}

/// What became of a case, before anybody judges.
fn change([before, after]: [End<'_>; 2], levels: Levels) -> Change {
    let draws = |end: End<'_>| end.0.case.draws;
    let is_alike = draws(before) == draws(after);
    let per = |end: End<'_>| match draws(end) {
        Some(draws) if !is_alike => draws.max(1) as f64,
        _ => 1.0,
    };
    let slowness = |end: End<'_>| -> Vec<f64> {
        end.1.time[end.2].iter().map(|log| log - per(end).ln()).collect()
    };
    let time = |end: End<'_>| end.0.median_ns.map(|ns| ns / per(end));
    let speedup = |end: End<'_>| end.0.speedup.filter(|_| !end.0.is_baseline());
    let logs = |end: End<'_>| end.1.speedup[end.2].clone();
    Change {
        case: after.0.case.clone(),
        detail: String::new(),
        job: 0,
        is_baseline: after.0.is_baseline(),
        draws_before: draws(before),
        pairs_before: before.0.pairs,
        pairs_after: after.0.pairs,
        speedup: shift([speedup(before), speedup(after)], [logs(before), logs(after)], levels),
        // More time is slower: the one after stands below the line.
        time_ns: shift([time(before), time(after)], [slowness(after), slowness(before)], levels),
        verdict: None,
        smallest_change: None,
        rounds_needed: None,
    }
}

/// How a figure changed: from the logarithms of what the ratio divides by to
/// those of what it divides.
fn shift([before, after]: [Option<f64>; 2], [from, to]: [Vec<f64>; 2], levels: Levels) -> Shift {
    let middle = median(&to).zip(median(&from)).map(|(to, from)| (to - from).exp());
    let interval = |level| difference_of_medians(&from, &to, level);
    let (each, joint) = (interval(levels.each), interval(levels.joint));
    let low = |interval: Option<Interval>| interval.map(|interval| interval.low.exp());
    let high = |interval: Option<Interval>| interval.map(|interval| interval.high.exp());
    Shift {
        before,
        after,
        ratio: middle,
        low: low(each),
        high: high(each),
        joint_low: low(joint),
        joint_high: high(joint),
    }
}

/// Gives a case its verdict, and says what could have been seen.
fn judge(change: &mut Change, judged: Judged, margin: f64, levels: Levels) {
    let shift = *change.judged(judged);
    let verdict = verdict(&shift, margin);
    change.verdict = Some(verdict);
    change.smallest_change = smallest_change(&shift, margin, levels.joint);
    if verdict == Verdict::Unresolved {
        let rounds = change.pairs_before.min(change.pairs_after);
        change.rounds_needed = rounds_needed(&shift, margin, rounds);
    }
}

/// A change needs the joint interval, equivalence only the case's own.
fn verdict(shift: &Shift, margin: f64) -> Verdict {
    let of = |low: Option<f64>, high: Option<f64>| {
        low.zip(high).map_or(Verdict::Unresolved, |(low, high)| Verdict::of(low, high, margin))
    };
    match of(shift.joint_low, shift.joint_high) {
        changed @ (Verdict::Faster | Verdict::Slower) => changed,
        _ if of(shift.low, shift.high) == Verdict::Equivalent => Verdict::Equivalent,
        _ => Verdict::Unresolved,
    }
}

/// The change whose joint interval, as wide as this one, would lie beyond the
/// margin in four of five such comparisons; as a share.
fn smallest_change(shift: &Shift, margin: f64, confidence: f64) -> Option<f64> {
    let reach = half_width(shift.ratio?, shift.joint_low?, shift.joint_high?);
    Some((smallest_effect_of_width(reach, confidence)? + margin.ln_1p()).exp_m1())
}

/// An interval shrinks with the square root of the rounds: so many make it end at
/// the margin. `None` where there is no interval, or the ratio lies on the margin
/// itself.
fn rounds_needed(shift: &Shift, margin: f64, rounds: usize) -> Option<u32> {
    let ratio = shift.ratio?;
    let distance = ratio.ln().abs() - margin.ln_1p();
    let reach = match distance > 0.0 {
        true => half_width(ratio, shift.joint_low?, shift.joint_high?),
        false => half_width(ratio, shift.low?, shift.high?),
    };
    let needed = (rounds as f64 * (reach / distance).powi(2)).ceil();
    (needed.is_finite() && needed < MOST_ROUNDS).then_some(needed as u32)
}

/// Beyond so many rounds nobody measures.
const MOST_ROUNDS: f64 = 1000.0;

/// In logarithms, to the end that is further away.
fn half_width(ratio: f64, low: f64, high: f64) -> f64 {
    (ratio / low).ln().max((high / ratio).ln())
}

fn conclusion(cases: &[Change]) -> Conclusion {
    let is_any = |verdict| cases.iter().any(|change| change.verdict == Some(verdict));
    if is_any(Verdict::Slower) {
        Conclusion::Regression
    } else if is_any(Verdict::Unresolved) {
        Conclusion::Undecided
    } else {
        Conclusion::Passed
    }
}
