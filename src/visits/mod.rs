//! Visits made from rows: which of them count, their results, and their pairs.
//!
//! A run that decides whether to go on, and a report that is made from its files a year
//! later, must not come to different results: both use this module.

mod capacity;
mod collector;
mod disturbance;
mod expected_tallies;
mod issues;
mod metrics;
mod others;
mod read;
mod timing;
mod usage;
mod visit;
mod visit_rows;

pub use capacity::CapacityShares;
pub use disturbance::Disturbance;
pub use issues::{DataIssue, IssueKind};
pub use metrics::{MAX_SHARE_WITHOUT_CPU, VisitMetrics};
pub use others::{BACKGROUND_CPUS, MIN_WINDOW_NS, others_cpus};
pub use read::{Samples, read, read_from};
pub use timing::{Timed, Timing};
pub use usage::ResourceUsage;
pub use visit::{TallyCheck, Visit, VisitOutcome, VisitSelection};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::record::{Case, Phase, Plan, Position, Row};
use crate::stats::{self, Ratio, median};
use collector::{UnknownCases, VisitCollector};
use expected_tallies::ExpectedTallies;
use visit_rows::missing_calls;

/// Level of every confidence interval.
pub const CONFIDENCE: f64 = 0.95;

/// Visits of a run, by case, or only their times ([`Timing`]).
pub struct Visits<V = Visit> {
    cases: Vec<Case>,
    /// Indices of the baselines among the cases.
    baselines: Vec<usize>,
    /// Baseline of all cases, where the plan names one.
    common_baseline: Option<usize>,
    case_indices: HashMap<Case, usize>,
    expected: ExpectedTallies,
    /// Counted calls of a visit; 0 if unknown.
    iterations: u32,
    /// Visits of each case, in the order of the run.
    by_case: Vec<Vec<V>>,
    isas: BTreeSet<String>,
}

impl Visits {
    /// Creates an empty collection for the cases of a plan.
    pub fn empty(plan: &Plan) -> Visits {
        let mut visits = Visits {
            cases: Vec::new(),
            baselines: Vec::new(),
            common_baseline: plan.baseline.filter(|baseline| *baseline < plan.cases.len()),
            case_indices: HashMap::new(),
            expected: ExpectedTallies::new(&plan.expected),
            iterations: plan.iterations,
            by_case: Vec::new(),
            isas: BTreeSet::new(),
        };
        for case in &plan.cases {
            visits.add_case(case);
        }
        visits
    }

    /// Keeps only the times of the visits: a run in progress may have very many.
    pub fn into_timings(self) -> Visits<Timing> {
        let timings = |visits: Vec<Visit>| visits.into_iter().map(Timing::from).collect();
        Visits {
            by_case: self.by_case.into_iter().map(timings).collect(),
            cases: self.cases,
            baselines: self.baselines,
            common_baseline: self.common_baseline,
            case_indices: self.case_indices,
            expected: self.expected,
            iterations: self.iterations,
            isas: self.isas,
        }
    }

    /// Compares all cases with one baseline, if one is given.
    fn with_baseline(mut self, baseline: Option<usize>) -> Visits {
        if baseline.is_some() {
            self.common_baseline = baseline;
            self.baselines = baseline.into_iter().collect();
        }
        self
    }

    /// Adds a case and returns its index.
    fn add_case(&mut self, case: &Case) -> usize {
        let index = self.cases.len();
        if self.common_baseline.map_or(case.is_baseline(), |baseline| baseline == index) {
            self.baselines.push(index);
        }
        self.case_indices.insert(case.clone(), index);
        self.cases.push(case.clone());
        self.by_case.push(Vec::new());
        index
    }

    /// Makes visits of rows. A visit without its last row was cut off by the end of its
    /// session, and is left out; a group that several sessions measured counts as of the
    /// latest.
    pub fn from_rows(rows: &[Row], plan: &Plan) -> Visits {
        let mut collector = VisitCollector::new(Visits::empty(plan), UnknownCases::Skip);
        for (row, line) in rows.iter().zip(1..) {
            collector.free_row().clone_from(row);
            collector.add_row(line);
        }
        collector.finish().0
    }

    /// Lists all visits in the order of the run.
    pub fn in_order(&self) -> Vec<&Visit> {
        let mut visits: Vec<&Visit> = self.by_case.iter().flatten().collect();
        visits.sort_by_key(|visit| (visit.position.session, visit.position.visit));
        visits
    }

    /// Adds up the tally checks of all visits.
    pub fn tally_check(&self) -> TallyCheck {
        let checks = self.by_case.iter().flatten().map(|visit| visit.tally_check);
        checks.fold(TallyCheck::default(), |sum, check| TallyCheck {
            calls: sum.calls + check.calls,
            identical_calls: sum.identical_calls + check.identical_calls,
        })
    }
}

impl<V: Timed + From<Visit>> Visits<V> {
    /// Adds a visit that is later than those before, and returns its outcome. Rows
    /// without a last row, or of an unknown case, are not a visit.
    pub fn add(&mut self, rows: &[&Row]) -> Option<VisitOutcome> {
        let last = rows.iter().rfind(|row| row.phase == Phase::Visit)?;
        let &case = self.case_indices.get(&last.case)?;
        let visit = self.evaluate(case, rows, last);
        let outcome = visit.outcome.clone();
        self.by_case[case].push(visit.into());
        Some(outcome)
    }
}

impl<V: Timed> Visits<V> {
    /// Evaluates the rows of a visit.
    fn evaluate(&mut self, case: usize, rows: &[&Row], last: &Row) -> Visit {
        if !last.isa.is_empty() && !self.isas.contains(&last.isa) {
            self.isas.insert(last.isa.clone());
        }
        let outcome = outcome(rows, last, self.iterations);
        let tally_check = match outcome {
            VisitOutcome::Failed(_) => TallyCheck::default(),
            VisitOutcome::Clean(_) | VisitOutcome::Disturbed(..) => self.expected.check(rows),
        };
        let setup = rows.iter().find(|row| row.phase == Phase::Setup);
        Visit {
            position: last.position(),
            case,
            started_ns: last.started_ns,
            setup_ns: setup.and_then(|row| row.wall_ns),
            outcome,
            metrics: Arc::new(VisitMetrics::new(rows, last)),
            tally_check,
        }
    }

    /// Visits to a case, in the order of the run.
    pub fn of_case(&self, case: usize) -> &[V] {
        &self.by_case[case]
    }

    /// Time of a call of a case in each round: the median of its visits in the round, of
    /// which the baseline has several.
    pub fn round_values(&self, case: usize) -> Vec<f64> {
        self.values_by_round(case).into_iter().map(|(_, value)| value).collect()
    }

    /// Time of a call of a case in each round, with the number of the round.
    pub fn values_by_round(&self, case: usize) -> Vec<(u32, f64)> {
        // The visits of a case are in the order of the run.
        let rounds = self.by_case[case].chunk_by(|one, other| one.group().0 == other.group().0);
        rounds
            .filter_map(|visits| {
                let values: Vec<f64> = visits.iter().filter_map(|visit| visit.clean_ns()).collect();
                Some((visits[0].group().0, median(&values)?))
            })
            .collect()
    }

    /// Index of the baseline that a case is compared with.
    pub fn baseline_of(&self, case: usize) -> Option<usize> {
        self.common_baseline.or_else(|| {
            let mut baselines = self.baselines.iter().copied();
            baselines.find(|other| self.cases[*other].is_baseline_of(&self.cases[case]))
        })
    }

    /// Logarithms of the speedups of a case, one for each group in which both the case
    /// and its baseline were visited. In weak scaling, n times the baseline's time is
    /// compared with the time of n workers.
    pub fn log_ratios(&self, case: usize, selection: VisitSelection) -> Vec<f64> {
        self.log_ratios_by_round(case, selection).into_iter().map(|(_, log)| log).collect()
    }

    /// Logarithms of the speedups of a case with the round of each, in the order of the
    /// run: cases are compared with each other round by round.
    pub fn log_ratios_by_round(&self, case: usize, selection: VisitSelection) -> Vec<(u32, f64)> {
        let Some(baseline) = self.baseline_of(case) else { return Vec::new() };
        let time_ns = |visit: &V| match selection {
            VisitSelection::Clean => visit.clean_ns(),
            VisitSelection::All => visit.any_ns(),
        };
        let Case { nthread, .. } = self.cases[case];
        let work = if self.cases[case].is_weak() { f64::from(nthread) } else { 1.0 };
        let mut log_ratios = Vec::new();
        for visit in &self.by_case[case] {
            // Visits are in the order of the run, and so of their groups.
            let baseline = &self.by_case[baseline];
            let first = baseline.partition_point(|other| other.group() < visit.group());
            let group = baseline[first..].iter().take_while(|it| it.group() == visit.group());
            let Some(baseline_ns) = group.filter_map(time_ns).last() else { continue };
            let Some(ns) = time_ns(visit) else { continue };
            log_ratios.push((visit.group().0, (work * baseline_ns / ns).ln()));
        }
        log_ratios
    }

    /// Speedup of a case with its confidence interval.
    pub fn speedup(&self, case: usize, selection: VisitSelection) -> Option<Ratio> {
        Ratio::of(&self.log_ratios(case, selection), CONFIDENCE)
    }

    /// Relative half-widths of the speedups' intervals, as
    /// [`half_widths`](stats::half_widths) computes them.
    pub fn half_widths(&self, cases: &[usize]) -> Vec<Option<f64>> {
        let cases = cases.iter().map(|case| self.log_ratios(*case, VisitSelection::Clean));
        stats::half_widths(&cases.collect::<Vec<_>>(), CONFIDENCE)
    }

    /// Indices of the cases that are compared with a baseline.
    pub fn compared_cases(&self) -> Vec<usize> {
        (0..self.cases.len()).filter(|case| !self.baselines.contains(case)).collect()
    }

    /// Instruction sets that the kernel used.
    pub fn isas(&self) -> &BTreeSet<String> {
        &self.isas
    }
}

/// Groups rows by visit, in the order of the run, without visits that a later session
/// measured again.
pub(crate) fn rows_by_visit(rows: &[Row]) -> BTreeMap<Position, Vec<&Row>> {
    let mut latest: HashMap<(u32, u32), u32> = HashMap::new();
    for row in rows {
        let session = latest.entry((row.round, row.group)).or_default();
        *session = row.session.max(*session);
    }
    let mut visits: BTreeMap<Position, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if latest.get(&(row.round, row.group)) == Some(&row.session) {
            visits.entry(row.position()).or_default().push(row);
        }
    }
    visits
}

/// Outcome of a visit with these rows.
fn outcome(rows: &[&Row], last: &Row, iterations: u32) -> VisitOutcome {
    // The last row has the reason for which the harness gave up; others have details.
    let mut errors = std::iter::once(last).chain(rows.iter().copied()).map(|row| &row.error);
    if let Some(error) = errors.find(|error| !error.is_empty()) {
        return VisitOutcome::Failed(error.clone());
    }
    if let Some(missing) = missing_calls(rows, iterations) {
        return VisitOutcome::Failed(missing);
    }
    let calls = rows.iter().filter(|row| row.phase == Phase::Call);
    let times: Vec<f64> = calls.filter_map(|row| row.wall_ns).map(|ns| ns as f64).collect();
    match (median(&times), Disturbance::detect(rows, last)) {
        (None, _) => VisitOutcome::Failed("the visit has no counted call".to_string()),
        (Some(value), None) => VisitOutcome::Clean(value),
        (Some(value), Some(disturbance)) => VisitOutcome::Disturbed(value, disturbance),
    }
}
