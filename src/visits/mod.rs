//! Rows, gathered into visits: which of them count, what each says, and how
//! they pair.
//!
//! A run that asks whether it has seen enough and a report that is made of its
//! files a year later must not answer differently: both ask here.

mod agreement;
mod cost;
mod disturbance;
mod evidence;
mod expected_tallies;
mod gathering;
mod reading;
mod remarks;
mod timing;

pub use cost::Cost;
pub use disturbance::Disturbance;
pub use evidence::Evidence;
pub use reading::{Reading, read, read_with};
pub use remarks::{Oddity, Remark};
pub use timing::{Timed, Timing};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::record::{Case, Phase, Plan, Position, Row};
use crate::stats::{self, Ratio, median};
use agreement::lack;
use expected_tallies::ExpectedTallies;
use gathering::{Gathering, Scattered, Strangers};

/// The level of every interval.
pub const CONFIDENCE: f64 = 0.95;

/// What came of a visit.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The median wall time of its calls, in nanoseconds.
    Clean(f64),
    /// The same, of a visit whose time was not its own: it leaves its pair out.
    Void(f64, Disturbance),
    /// What went wrong.
    Failed(String),
}

/// One visit.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Where it stands.
    pub position: Position,
    /// Index of its case in the plan.
    pub case: usize,
    /// Its start, in nanoseconds since the start of its session.
    pub started_ns: u64,
    /// What it took to create the team (nanoseconds).
    pub setup_ns: Option<u64>,
    /// What came of it.
    pub outcome: Outcome,
    /// What was seen beside its times.
    pub evidence: Arc<Evidence>,
    /// What its calls answered; of one that failed, nothing.
    pub answers: Answers,
}

impl Visit {
    /// It turns out that something was wrong with it. What it failed of before
    /// remains the reason.
    fn fail(&mut self, reason: &str) {
        if !matches!(self.outcome, Outcome::Failed(_)) {
            self.outcome = Outcome::Failed(reason.to_string());
        }
        self.answers = Answers::default();
    }

    /// The time of a call, if nothing is wrong with the visit.
    pub fn clean_ns(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Clean(ns) => Some(ns),
            Outcome::Void(..) | Outcome::Failed(_) => None,
        }
    }

    /// The time of a call, even of one that was disturbed.
    pub fn any_ns(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Clean(ns) | Outcome::Void(ns, _) => Some(ns),
            Outcome::Failed(_) => None,
        }
    }
}

/// Which visits a figure is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that nothing disturbed: the headline.
    Clean,
    /// All that did not fail.
    All,
}

/// What the calls of the visits that did not fail answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Calls, warm-ups included.
    pub calls: usize,
    /// How many gave the tally that their job must return, bit for bit.
    pub identical_calls: usize,
}

impl Answers {
    /// Whether each gave the tally that its job must return.
    pub fn identical(&self) -> bool {
        self.calls > 0 && self.calls == self.identical_calls
    }

    /// Whether none gave another tally.
    fn identical_or_none(&self) -> bool {
        self.calls == self.identical_calls
    }
}

/// The visits of a run, or what there is to know of their times.
pub struct Visits<V = Visit> {
    cases: Vec<Case>,
    /// Which of them are baselines.
    baselines: Vec<usize>,
    /// The one that all are compared with, where the plan names it.
    common_baseline: Option<usize>,
    index: HashMap<Case, usize>,
    expected: ExpectedTallies,
    /// Counted calls of a visit; 0 if that is not known.
    iterations: u32,
    /// Of each case, in the order of the run.
    of_case: Vec<Vec<V>>,
    isas: BTreeSet<String>,
}

impl Visits {
    /// None yet.
    pub fn none(plan: &Plan) -> Visits {
        let mut visits = Visits {
            cases: Vec::new(),
            baselines: Vec::new(),
            common_baseline: plan.baseline.filter(|baseline| *baseline < plan.cases.len()),
            index: HashMap::new(),
            expected: ExpectedTallies::new(&plan.expected),
            iterations: plan.iterations,
            of_case: Vec::new(),
            isas: BTreeSet::new(),
        };
        for case in &plan.cases {
            visits.add_case(case);
        }
        visits
    }

    /// The same, and nothing is kept of a visit but its time: for a run that goes on,
    /// which may have very many.
    pub fn timings(self) -> Visits<Timing> {
        let timings = |visits: Vec<Visit>| visits.into_iter().map(Timing::from).collect();
        Visits {
            of_case: self.of_case.into_iter().map(timings).collect(),
            cases: self.cases,
            baselines: self.baselines,
            common_baseline: self.common_baseline,
            index: self.index,
            expected: self.expected,
            iterations: self.iterations,
            isas: self.isas,
        }
    }

    /// The same, all compared with one case, if there is one.
    fn compared_with(mut self, baseline: Option<usize>) -> Visits {
        if baseline.is_some() {
            self.common_baseline = baseline;
            self.baselines = baseline.into_iter().collect();
        }
        self
    }

    /// Returns its index.
    fn add_case(&mut self, case: &Case) -> usize {
        let index = self.cases.len();
        if self.common_baseline.map_or(case.is_baseline(), |baseline| baseline == index) {
            self.baselines.push(index);
        }
        self.index.insert(case.clone(), index);
        self.cases.push(case.clone());
        self.of_case.push(Vec::new());
        index
    }

    /// All that rows have. A visit without its last row was torn off by the end of
    /// its session, and is none; a group that was begun again in a later session
    /// counts as that session made it.
    pub fn of(rows: &[Row], plan: &Plan) -> Visits {
        let mut gathering = Gathering::new(Visits::none(plan), Strangers::AreLeftOut);
        for (row, line) in rows.iter().zip(1..) {
            gathering.slot().clone_from(row);
            gathering.take(line);
        }
        let mut scattered = Scattered::new(&gathering.scattered());
        rows.iter().zip(1..).for_each(|(row, line)| scattered.take(row, line));
        gathering.take_scattered(scattered);
        gathering.finish().0
    }

    /// All visits, in the order of the run.
    pub fn in_order(&self) -> Vec<&Visit> {
        let mut visits: Vec<&Visit> = self.of_case.iter().flatten().collect();
        visits.sort_by_key(|visit| (visit.position.session, visit.position.visit));
        visits
    }

    /// What the calls answered.
    pub fn answers(&self) -> Answers {
        let visits = self.of_case.iter().flatten();
        visits.fold(Answers::default(), |sum, visit| Answers {
            calls: sum.calls + visit.answers.calls,
            identical_calls: sum.identical_calls + visit.answers.identical_calls,
        })
    }
}

impl<V: Timed + From<Visit>> Visits<V> {
    /// One more visit, later than those before. Its rows, the last one last;
    /// without that row it is none. Returns what came of it.
    pub fn add(&mut self, rows: &[&Row]) -> Option<Outcome> {
        let last = rows.iter().rfind(|row| row.phase == Phase::Visit)?;
        let &case = self.index.get(&last.case)?;
        let visit = self.visit_of(case, rows, last);
        let outcome = visit.outcome.clone();
        self.of_case[case].push(visit.into());
        Some(outcome)
    }
}

impl<V: Timed> Visits<V> {
    /// What the rows of a visit say.
    fn visit_of(&mut self, case: usize, rows: &[&Row], last: &Row) -> Visit {
        if !last.isa.is_empty() && !self.isas.contains(&last.isa) {
            self.isas.insert(last.isa.clone());
        }
        let outcome = outcome(rows, last, self.iterations);
        let answers = match outcome {
            Outcome::Failed(_) => Answers::default(),
            Outcome::Clean(_) | Outcome::Void(..) => self.expected.check(rows),
        };
        let setup = rows.iter().find(|row| row.phase == Phase::Setup);
        Visit {
            position: last.position(),
            case,
            started_ns: last.started_ns,
            setup_ns: setup.and_then(|row| row.wall_ns),
            outcome,
            evidence: Arc::new(Evidence::of(rows, last)),
            answers,
        }
    }

    /// The visits to a case, in the order of the run.
    pub fn of_case(&self, case: usize) -> &[V] {
        &self.of_case[case]
    }

    /// The time of a call of a case in each round: the median of its visits in
    /// the round (the baseline has several).
    pub fn round_values(&self, case: usize) -> Vec<f64> {
        self.values_by_round(case).into_iter().map(|(_, value)| value).collect()
    }

    /// The same with the number of each round, ascending.
    pub fn values_by_round(&self, case: usize) -> Vec<(u32, f64)> {
        let mut rounds: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for visit in &self.of_case[case] {
            rounds.entry(visit.group().0).or_default().extend(visit.clean_ns());
        }
        let value = |(round, values): (u32, Vec<f64>)| Some((round, median(&values)?));
        rounds.into_iter().filter_map(value).collect()
    }

    /// Index of the baseline that a case is compared with.
    pub fn baseline_of(&self, case: usize) -> Option<usize> {
        let case = &self.cases[case];
        let is_own = |other: &usize| self.cases[*other].is_baseline_of(case);
        self.common_baseline.or_else(|| self.baselines.iter().copied().find(is_own))
    }

    /// The logarithms of the speedups of a case, one for each group in which it
    /// and its baseline were visited. Where the work grows with the workers, n
    /// shares of the baseline are compared with n at once.
    pub fn log_ratios(&self, case: usize, which: Which) -> Vec<f64> {
        self.log_ratios_by_round(case, which).into_iter().map(|(_, log)| log).collect()
    }

    /// The same with the round of each, in the order of the run: cases that were
    /// measured in the same round can be compared with each other round by round.
    pub fn log_ratios_by_round(&self, case: usize, which: Which) -> Vec<(u32, f64)> {
        let Some(baseline) = self.baseline_of(case) else { return Vec::new() };
        let value = |visit: &V| match which {
            Which::Clean => visit.clean_ns(),
            Which::All => visit.any_ns(),
        };
        // Visits are in the order of the run, and so of their groups.
        let baseline = &self.of_case[baseline];
        let beside = |of: &V| {
            let begin = baseline.partition_point(|visit| visit.group() < of.group());
            let same = baseline[begin..].iter().take_while(|visit| visit.group() == of.group());
            same.filter_map(value).last()
        };
        let settings = &self.cases[case];
        let shares = if settings.is_weak() { f64::from(settings.nthread) } else { 1.0 };
        let pair = |visit: &V| {
            let ratio = shares * beside(visit)? / value(visit)?;
            Some((visit.group().0, ratio.ln()))
        };
        self.of_case[case].iter().filter_map(pair).collect()
    }

    /// The speedup of a case.
    pub fn speedup(&self, case: usize, which: Which) -> Option<Ratio> {
        Ratio::of(&self.log_ratios(case, which), CONFIDENCE)
    }

    /// How well the speedups of `cases` are known, as
    /// [`half_widths`](stats::half_widths) has it.
    pub fn half_widths(&self, cases: &[usize]) -> Vec<Option<f64>> {
        let logs = |case: &usize| self.log_ratios(*case, Which::Clean);
        stats::half_widths(&cases.iter().map(logs).collect::<Vec<_>>(), CONFIDENCE)
    }

    /// The cases that are compared with a baseline.
    pub fn compared(&self) -> Vec<usize> {
        (0..self.cases.len()).filter(|case| !self.baselines.contains(case)).collect()
    }

    /// The instruction sets of the kernel that were in use.
    pub fn isas(&self) -> &BTreeSet<String> {
        &self.isas
    }
}

/// The rows of each visit, in the order of the run, without those that a later
/// session measured again.
pub(crate) fn gather(rows: &[Row]) -> BTreeMap<Position, Vec<&Row>> {
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

/// What came of a visit. Its rows are in the order in which they were written.
fn outcome(rows: &[&Row], last: &Row, iterations: u32) -> Outcome {
    let mut reasons = std::iter::once(last).chain(rows.iter().copied()).map(|row| &row.error);
    if let Some(error) = reasons.find(|error| !error.is_empty()) {
        return Outcome::Failed(error.clone());
    }
    if let Some(lack) = lack(rows, iterations) {
        return Outcome::Failed(lack);
    }
    let calls = rows.iter().filter(|row| row.phase == Phase::Call);
    let times: Vec<f64> = calls.filter_map(|row| row.wall_ns).map(|ns| ns as f64).collect();
    match (median(&times), Disturbance::of(rows, last)) {
        (None, _) => Outcome::Failed("the visit has no counted call".to_string()),
        (Some(value), None) => Outcome::Clean(value),
        (Some(value), Some(disturbance)) => Outcome::Void(value, disturbance),
    }
}
