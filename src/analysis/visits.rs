//! Rows, gathered into visits.

use std::collections::{BTreeMap, HashMap};

use super::Answers;
use crate::record::{Case, Expected, Phase, Row};
use crate::stats::median;

/// Where a visit stands: session, round, group, visit.
type Place = (u32, u32, u32, u64);

/// The visits of a run, those that count apart from those that don't.
#[derive(Default)]
pub struct Visits<'a> {
    /// Median wall time of the calls of each clean visit, in nanoseconds.
    clean: HashMap<&'a Case, BTreeMap<Place, f64>>,
    /// CPU time by busy time of the workers, for each call of the clean visits.
    cpu_shares: HashMap<&'a Case, Vec<f64>>,
    /// What went wrong in the others.
    failed: HashMap<&'a Case, Vec<String>>,
    answers: Answers,
}

impl<'a> Visits<'a> {
    /// Gathers rows into visits. A visit without its last row was torn off by
    /// the end of its session, and is neither clean nor failed.
    pub fn of(rows: &'a [Row], expected: &[Expected]) -> Visits<'a> {
        let mut gathered: BTreeMap<Place, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            gathered.entry((row.session, row.round, row.group, row.visit)).or_default().push(row);
        }
        let mut visits = Visits::default();
        let mut identical = true;
        for (place, rows) in gathered {
            let Some(last) = rows.iter().find(|row| row.phase == Phase::Visit) else { continue };
            if let Some(problem) = problem_of(&rows, last) {
                visits.failed.entry(&last.case).or_default().push(problem);
                continue;
            }
            let calls = rows.iter().filter(|row| row.phase == Phase::Call);
            let times: Vec<f64> = calls.filter_map(|row| row.wall_ns).map(|ns| ns as f64).collect();
            if let Some(value) = median(&times) {
                visits.clean.entry(&last.case).or_default().insert(place, value);
            }
            let shares = rows.iter().filter(|row| row.phase == Phase::Call).filter_map(|row| {
                let (cpu_ns, busy_ns) = (row.worker_cpu_sum_ns?, row.busy_sum_ns?);
                (busy_ns > 0).then(|| cpu_ns as f64 / busy_ns as f64)
            });
            visits.cpu_shares.entry(&last.case).or_default().extend(shares);
            for row in rows.iter().filter(|row| row.tally_draws.is_some()) {
                visits.answers.calls += 1;
                identical &= expected.iter().any(|expected| is_answer(row, expected));
            }
        }
        visits.answers.identical = identical && visits.answers.calls > 0;
        visits
    }

    /// The time of a call of that case in each round: the median of its visits
    /// in the round (the baseline has several).
    pub fn round_values(&self, case: &Case) -> Vec<f64> {
        let mut rounds: BTreeMap<(u32, u32), Vec<f64>> = BTreeMap::new();
        for (&(session, round, ..), value) in self.clean.get(case).into_iter().flatten() {
            rounds.entry((session, round)).or_default().push(*value);
        }
        rounds.values().filter_map(|values| median(values)).collect()
    }

    /// Ratios baseline / case, one for each group in which both were visited.
    pub fn ratios(&self, baseline: &Case, case: &Case) -> Vec<f64> {
        let group = |place: &Place| (place.0, place.1, place.2);
        let baseline = self.clean.get(baseline).into_iter().flatten();
        let beside: HashMap<_, f64> =
            baseline.map(|(place, value)| (group(place), *value)).collect();
        let visits = self.clean.get(case).into_iter().flatten();
        visits.filter_map(|(place, value)| Some(beside.get(&group(place))? / value)).collect()
    }

    /// CPU time by busy time of the workers, one for each call of that case.
    pub fn cpu_shares(&self, case: &Case) -> Vec<f64> {
        self.cpu_shares.get(case).cloned().unwrap_or_default()
    }

    /// What went wrong in each visit of that case that does not count.
    pub fn problems(&self, case: &Case) -> Vec<String> {
        self.failed.get(case).cloned().unwrap_or_default()
    }

    /// What the calls of the clean visits answered.
    pub fn answers(&self) -> Answers {
        self.answers
    }
}

/// Why a visit does not count, if it does not.
fn problem_of(rows: &[&Row], last: &Row) -> Option<String> {
    let reasons = std::iter::once(last).chain(rows.iter().copied());
    reasons.map(|row| &row.error).find(|error| !error.is_empty()).cloned()
}

/// Whether a row carries the tally that its job must return.
fn is_answer(row: &Row, expected: &Expected) -> bool {
    let case = &row.case;
    (&case.kernel, case.seed, case.block, case.draws)
        == (&expected.kernel, expected.seed, expected.block, Some(expected.draws))
        && row.tally_draws == Some(expected.draws)
        && row.tally_sum.is_some_and(|sum| sum.to_string() == expected.sum)
        && row.tally_sum_sq.is_some_and(|sum_sq| sum_sq.to_string() == expected.sum_sq)
}
