//! Comparison of two runs: the cases of both that became faster or slower.
//!
//! Rounds of two runs are independent, so nothing is paired across them. Each case is
//! compared with the baseline of its own run, within rounds; the ratio of the two speedups
//! has an unpaired interval ([`difference_of_medians`] of their logarithms). Absolute times
//! are shown too.
//!
//! **A family of comparisons.** To pass, each case must be equivalent or faster; equivalence
//! is decided by the case's own 95% interval. One slower case is enough to fail, and of a
//! hundred equal cases some look slower by chance. So *faster* and *slower* are decided by
//! joint intervals, which hold for all comparisons together: each at a level of
//! 1 − 5% / comparisons (Bonferroni), which is valid although the cases share their baseline.

mod comparison;
mod machines;
mod matching;
mod renaming;
#[cfg(test)]
mod tests;

pub use comparison::{Change, Comparison, Conclusion, Judged, Shift};
pub use machines::{Difference, differences_of_machines};
pub use renaming::{Renamed, rename_by_name, rename_by_position};

use super::{CONFIDENCE, CaseSummary, Summary, jobs};
use crate::stats::diagnostics::autocorrelated_among;
use crate::stats::{Interval, Verdict, difference_of_medians, median, smallest_effect_of_width};
use matching::Matching;

/// Most rounds that are advised.
const MAX_ROUNDS: f64 = 1000.0;

/// Compares two runs, with a margin of equivalence given as a share.
pub fn compare(before: &Summary, after: &Summary, judged: Judged, margin: f64) -> Comparison {
    let matching = Matching::of(&before.cases, &after.cases);
    let is_judged = |case: &CaseSummary| judged == Judged::Time || !case.is_baseline();
    let comparisons =
        matching.pairs.iter().filter(|(_, index)| is_judged(&after.cases[*index])).count();
    let levels =
        Levels { each: CONFIDENCE, joint: 1.0 - (1.0 - CONFIDENCE) / comparisons.max(1) as f64 };
    let (logs_before, logs_after) = (Logs::of(before), Logs::of(after));
    let mut cases = Vec::new();
    // Jobs, names and order are those of the run after.
    for (job, detail, index) in ordered_cases(after) {
        let Some(&(from, _)) = matching.pairs.iter().find(|(_, to)| *to == index) else { continue };
        let mut change =
            change(logs_before.of_case(before, from), logs_after.of_case(after, index), levels);
        (change.job, change.detail) = (job, detail);
        if is_judged(&after.cases[index]) {
            judge(&mut change, judged, margin, levels);
        }
        cases.push(change);
    }
    Comparison {
        conclusion: conclusion(&cases),
        judged,
        margin,
        confidence: levels.each,
        joint_confidence: levels.joint,
        comparisons,
        cases,
        only_before: matching.only_before.iter().map(|it| before.cases[*it].case.clone()).collect(),
        only_after: matching.only_after.iter().map(|it| after.cases[*it].case.clone()).collect(),
        renamed: Vec::new(),
        machines: differences_of_machines(&before.run, &after.run),
        notes: machines::notes(before, after),
    }
}

/// Levels of the intervals.
#[derive(Clone, Copy)]
struct Levels {
    each: f64,
    joint: f64,
}

/// Compared values of all cases of a run, as logarithms, one a round.
struct Logs {
    /// Logarithms of the speedups.
    speedup: Vec<Vec<f64>>,
    /// Logarithms of the time of a call in nanoseconds.
    time: Vec<Vec<f64>>,
}

/// One case of a run, with its compared values.
#[derive(Clone, Copy)]
struct CaseLogs<'a> {
    case: &'a CaseSummary,
    speedup: &'a [f64],
    time: &'a [f64],
}

impl Logs {
    fn of(summary: &Summary) -> Logs {
        let mut logs = Logs { speedup: Vec::new(), time: Vec::new() };
        for case in &summary.cases {
            // The speedup of a baseline over itself is not compared.
            let ratios = if case.is_baseline() { &[][..] } else { &case.ratios };
            logs.speedup.push(ratios.iter().map(|ratio| ratio.ln()).collect());
            logs.time.push(case.round_ns.iter().map(|ns| ns.ln()).collect());
        }
        widen(&mut logs.speedup);
        widen(&mut logs.time);
        logs
    }

    fn of_case<'a>(&'a self, summary: &'a Summary, index: usize) -> CaseLogs<'a> {
        CaseLogs {
            case: &summary.cases[index],
            speedup: &self.speedup[index],
            time: &self.time[index],
        }
    }
}

/// Widens significantly autocorrelated values around their median, by the factor by which
/// their interval is too narrow.
fn widen(cases: &mut [Vec<f64>]) {
    let slices: Vec<&[f64]> = cases.iter().map(Vec::as_slice).collect();
    let tests = autocorrelated_among(&slices);
    for (values, test) in cases.iter_mut().zip(tests) {
        let Some((test, median)) = test.zip(median(values)) else { continue };
        values.iter_mut().for_each(|it| *it = median + test.widening() * (*it - median));
    }
}

/// All cases of a run by index, with the number of the job and the settings that
/// distinguish them from cases of the same name; the baseline of each job comes first.
fn ordered_cases(summary: &Summary) -> Vec<(usize, String, usize)> {
    let mut cases = Vec::new();
    for (number, job) in jobs(summary).iter().enumerate() {
        cases.extend(job.baseline().map(|case| (number, String::new(), case.index)));
        for series in job.series() {
            let others = series.cases.iter().filter(|case| !case.is_baseline());
            cases.extend(others.map(|case| (number, series.detail.clone(), case.index)));
        }
    }
    cases
}

/// The change of a case, without a verdict.
fn change(before: CaseLogs<'_>, after: CaseLogs<'_>, levels: Levels) -> Change {
    let ends = [before, after];
    // If the draws differ, times are per draw.
    let is_per_draw = before.case.case.draws != after.case.case.draws;
    let units = ends.map(|end| match end.case.case.draws {
        Some(draws) if is_per_draw => draws.max(1) as f64,
        _ => 1.0,
    });
    let [times_before, times_after] = [0, 1].map(|end| -> Vec<f64> {
        ends[end].time.iter().map(|log| log - units[end].ln()).collect()
    });
    Change {
        case: after.case.case.clone(),
        detail: String::new(),
        job: 0,
        is_baseline: after.case.is_baseline(),
        draws_before: before.case.case.draws,
        pairs_before: before.case.pairs,
        pairs_after: after.case.pairs,
        speedup: shift(
            ends.map(|end| end.case.speedup.filter(|_| !end.case.is_baseline())),
            [before.speedup, after.speedup],
            levels,
        ),
        // The order is reversed: more time means slower.
        time_ns: shift(
            [0, 1].map(|end| ends[end].case.median_ns.map(|ns| ns / units[end])),
            [&times_after, &times_before],
            levels,
        ),
        verdict: None,
        smallest_change: None,
        rounds_needed: None,
    }
}

/// The change of a metric. The ratio of speeds is that of `to` to `from`, which are
/// logarithms.
fn shift([before, after]: [Option<f64>; 2], [from, to]: [&[f64]; 2], levels: Levels) -> Shift {
    let [each, joint] =
        [levels.each, levels.joint].map(|level| difference_of_medians(from, to, level));
    let [low, joint_low] = [each, joint].map(|it| it.map(|Interval { low, .. }| low.exp()));
    let [high, joint_high] = [each, joint].map(|it| it.map(|Interval { high, .. }| high.exp()));
    let ratio = median(to).zip(median(from)).map(|(to, from)| (to - from).exp());
    Shift { before, after, ratio, low, high, joint_low, joint_high }
}

/// Gives a case its verdict, and computes the detectable change.
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

/// The verdict: faster and slower by the joint interval, equivalent by the case's own.
fn verdict(shift: &Shift, margin: f64) -> Verdict {
    let [joint, own] =
        [(shift.joint_low, shift.joint_high), (shift.low, shift.high)].map(|(low, high)| {
            low.zip(high).map_or(Verdict::Unresolved, |(low, high)| Verdict::of(low, high, margin))
        });
    match joint {
        Verdict::Faster | Verdict::Slower => joint,
        _ if own == Verdict::Equivalent => Verdict::Equivalent,
        _ => Verdict::Unresolved,
    }
}

/// Smallest change, as a share, that a joint interval of this width detects beyond the
/// margin with a power of 80%.
fn smallest_change(shift: &Shift, margin: f64, confidence: f64) -> Option<f64> {
    let half_width = half_width(shift.ratio?, shift.joint_low?, shift.joint_high?);
    Some((smallest_effect_of_width(half_width, confidence)? + margin.ln_1p()).exp_m1())
}

/// Rounds after which the interval ends at the margin: its width is proportional to the
/// inverse square root of the rounds. `None` without an interval, or if the ratio is at the
/// margin.
fn rounds_needed(shift: &Shift, margin: f64, rounds: usize) -> Option<u32> {
    let ratio = shift.ratio?;
    // Beyond the margin the joint interval must end there, within it the case's own.
    let distance = ratio.ln().abs() - margin.ln_1p();
    let half_width = match distance > 0.0 {
        true => half_width(ratio, shift.joint_low?, shift.joint_high?),
        false => half_width(ratio, shift.low?, shift.high?),
    };
    let needed = (rounds as f64 * (half_width / distance).powi(2)).ceil();
    (needed.is_finite() && needed < MAX_ROUNDS).then_some(needed as u32)
}

/// Distance of the ratio to the farther end of its interval, in logarithms.
fn half_width(ratio: f64, low: f64, high: f64) -> f64 {
    (ratio / low).ln().max((high / ratio).ln())
}

fn conclusion(cases: &[Change]) -> Conclusion {
    let verdicts: Vec<Verdict> = cases.iter().filter_map(|change| change.verdict).collect();
    if verdicts.contains(&Verdict::Slower) {
        Conclusion::Regression
    } else if verdicts.contains(&Verdict::Unresolved) {
        Conclusion::Undecided
    } else {
        Conclusion::Passed
    }
}
