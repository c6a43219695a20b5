//! Scaling of each command and function over itself, and its ratio to the program of the
//! baseline at equal counts. The speedup over the common baseline mixes the two.

use super::{CONFIDENCE, CaseSummary};
use crate::record::{Case, Run};
use crate::stats::Ratio;

/// Fills in the own speedups, the ratios at equal counts and what follows from them, for the
/// cases of commands and functions. Kernels are compared with their sequential loop only.
pub(super) fn fill(run: &Run, cases: &mut [CaseSummary]) {
    if run.plan.target.is_kernel() {
        return;
    }
    for index in 0..cases.len() {
        // A plain loop is the sequential form of the functions beside it, and stays the reference.
        let has_loop = cases[index].baseline.is_some_and(|it| cases[it].case.is_baseline());
        let start = own_start(cases, index);
        let own = start.and_then(|start| own_logs(cases, index, start));
        let beside = beside(cases, index).map(|other| logs_over(cases, index, other));
        let threads_of_start = start.map(|start| cases[start].case.threads());
        let case = &mut cases[index];
        [case.own_speedup, case.own_speedup_low, case.own_speedup_high] = figures(own.as_deref());
        [case.equal_count_ratio, case.equal_count_ratio_low, case.equal_count_ratio_high] =
            figures(beside.as_deref());
        if !has_loop {
            case.reference = start;
            let is_start = start == Some(index);
            let logs = if is_start { Some(vec![0.0; case.pairs]) } else { own };
            case.fill_scaling(&logs.unwrap_or_default(), threads_of_start.unwrap_or(1));
        }
    }
}

/// The case of the same program with the fewest threads, which is the case itself at its
/// smallest count; `None` if the program has one count only.
fn own_start(cases: &[CaseSummary], index: usize) -> Option<usize> {
    let case = &cases[index].case;
    let own = cases.iter().filter(|other| is_same_program(&other.case, case));
    let start = own.clone().min_by_key(|other| other.case.threads())?;
    own.clone().any(|it| it.case.threads() > start.case.threads()).then_some(start.index)
}

/// The case of the baseline's program with the same settings; `None` for that program.
fn beside(cases: &[CaseSummary], index: usize) -> Option<usize> {
    let (case, baseline) = (&cases[index].case, &cases[cases[index].baseline?].case);
    if is_same_program(baseline, case) {
        return None;
    }
    let has_same_count = |other: &&CaseSummary| {
        is_same_program(&other.case, baseline)
            && (other.case.nthread, other.case.inner_nthread) == (case.nthread, case.inner_nthread)
    };
    cases.iter().find(has_same_count).map(|other| other.index)
}

/// True if two cases differ in their counts only.
fn is_same_program(one: &Case, other: &Case) -> bool {
    let names = |case: &Case| (case.title(), case.schedule.clone(), case.backend.clone());
    one.is_comparable(other) && names(one) == names(other)
}

/// Logarithms of the speedups of a case over its program at the smallest count; `None` for
/// that count.
fn own_logs(cases: &[CaseSummary], index: usize, start: usize) -> Option<Vec<f64>> {
    (start != index).then(|| logs_over(cases, index, start))
}

/// Logarithms of the paired ratios of times, those of `other` over those of the case, one a
/// round. Both are relative to the baseline beside them, so a drift between groups cancels.
fn logs_over(cases: &[CaseSummary], index: usize, other: usize) -> Vec<f64> {
    let case = &cases[index];
    if case.baseline == Some(other) {
        return case.log_ratios.iter().map(|(_, log)| *log).collect();
    }
    case.log_ratios_to(&cases[other])
}

/// The median of these ratios and the ends of its interval.
fn figures(logs: Option<&[f64]>) -> [Option<f64>; 3] {
    let ratio = logs.and_then(|logs| Ratio::of(logs, CONFIDENCE));
    let ends = ratio.and_then(|ratio| ratio.ends);
    [ratio.map(|it| it.value), ends.map(|(low, _)| low), ends.map(|(_, high)| high)]
}
