//! From the rows of a results directory to figures that can be quoted.
//!
//! The unit of statistics is the round. The value of a visit is the median of
//! its calls; a visit counts only if its last row is there and nothing in it
//! went wrong. A speedup is the median of paired ratios, each of a visit and
//! the baseline's visit in the same group, about a second away: what slows the
//! machine down for longer than that slows both down. Intervals are exact
//! order-statistic intervals ([`crate::stats`]).

mod series;
mod visits;

pub use series::{Job, Series, jobs, series};

use serde::Serialize;

use crate::record::{Case, Row, Run, StopReason};
use crate::stats::{median, median_interval};
use visits::Visits;

/// The level of every interval.
pub const CONFIDENCE: f64 = 0.95;

/// One case of the run, summarised over its rounds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaseSummary {
    /// The settings of the case.
    #[serde(flatten)]
    pub case: Case,
    /// Rounds with a clean visit.
    pub rounds: usize,
    /// Groups in which both the case and its baseline have a clean visit.
    pub pairs: usize,
    /// Median time of a call, in nanoseconds.
    pub median_ns: Option<f64>,
    /// Lower end of its interval.
    pub median_low_ns: Option<f64>,
    /// Upper end of its interval.
    pub median_high_ns: Option<f64>,
    /// Draws per second at the median.
    pub throughput: Option<f64>,
    /// Index of the baseline among the cases.
    pub baseline: Option<usize>,
    /// Median of the paired ratios baseline / case.
    pub speedup: Option<f64>,
    /// Lower end of its interval.
    pub speedup_low: Option<f64>,
    /// Upper end of its interval.
    pub speedup_high: Option<f64>,
    /// Speedup by thread.
    pub efficiency: Option<f64>,
    /// Lower end of its interval.
    pub efficiency_low: Option<f64>,
    /// Upper end of its interval.
    pub efficiency_high: Option<f64>,
    /// Serial fraction by Karp and Flatt, (1/S − 1/n) / (1 − 1/n); null at n = 1.
    pub karp_flatt: Option<f64>,
    /// Whether it has more threads than usable CPUs.
    pub oversubscribed: bool,
    /// Whether it is in the set of fastest cases; not computed yet.
    pub fastest: Option<bool>,
    /// Best rank that it may have; not computed yet.
    pub rank_low: Option<usize>,
    /// Worst rank that it may have; not computed yet.
    pub rank_high: Option<usize>,
    /// Time of a call in each round, in the order of the rounds (nanoseconds).
    #[serde(skip)]
    pub round_ns: Vec<f64>,
    /// The paired ratios baseline / case, one a pair.
    #[serde(skip)]
    pub ratios: Vec<f64>,
    /// What went wrong in each visit that does not count.
    #[serde(skip)]
    pub problems: Vec<String>,
    /// Share of their busy time for which the workers had a CPU, a median over
    /// the visits.
    #[serde(skip)]
    pub cpu_share: Option<f64>,
}

/// Everything that the outputs show.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Level asked of every interval, 0.95.
    pub confidence: f64,
    /// The cases, in the order of the plan.
    pub cases: Vec<CaseSummary>,
    /// Scaling models; not computed yet.
    pub fits: Vec<()>,
    /// Warnings; not computed yet.
    pub warnings: Vec<()>,
    /// Model of the host CPU, from run.json.
    #[serde(skip)]
    pub cpu_model: String,
    /// CPUs that the run could use, from run.json.
    #[serde(skip)]
    pub usable_cpus: u32,
    /// The answers that were given.
    #[serde(skip)]
    pub answers: Answers,
    /// Rounds that were planned.
    #[serde(skip)]
    pub rounds_planned: u32,
    /// Why the last session ended; `None` if it did not end.
    #[serde(skip)]
    pub stop_reason: Option<StopReason>,
}

/// What the calls of the clean visits answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Calls, warm-ups included.
    pub calls: usize,
    /// Whether each gave the tally that its job must return, bit for bit.
    pub identical: bool,
}

/// Summarises a run.
pub fn summarise(run: &Run, rows: &[Row]) -> Summary {
    let visits = Visits::of(rows, &run.plan.expected);
    let usable_cpus = run.machine.usable_cpus.unwrap_or(1);
    let cases = &run.plan.cases;
    let baseline_of =
        |case: &Case| cases.iter().position(|other| other.is_baseline() && other.same_job(case));
    let summarise_case = |case: &Case| {
        let baseline = baseline_of(case);
        let ratios = baseline.map_or(Vec::new(), |index| visits.ratios(&cases[index], case));
        let mut summary = CaseSummary {
            case: case.clone(),
            baseline,
            oversubscribed: case.nthread > usable_cpus,
            round_ns: visits.round_values(case),
            ratios,
            problems: visits.problems(case),
            cpu_share: median(&visits.cpu_shares(case)),
            ..CaseSummary::default()
        };
        summary.fill_time();
        summary.fill_speedup();
        summary
    };
    Summary {
        confidence: CONFIDENCE,
        cases: cases.iter().map(summarise_case).collect(),
        fits: Vec::new(),
        warnings: Vec::new(),
        cpu_model: run.machine.cpu_model.clone().unwrap_or_default(),
        usable_cpus,
        answers: visits.answers(),
        rounds_planned: run.plan.stopping.rounds,
        stop_reason: run.sessions.last().and_then(|session| session.stop_reason),
    }
}

impl CaseSummary {
    /// Median time, its interval, throughput.
    fn fill_time(&mut self) {
        self.rounds = self.round_ns.len();
        self.median_ns = median(&self.round_ns);
        let interval = median_interval(&self.round_ns, CONFIDENCE);
        self.median_low_ns = interval.map(|interval| interval.low);
        self.median_high_ns = interval.map(|interval| interval.high);
        self.throughput = match (self.case.draws, self.median_ns) {
            (Some(draws), Some(ns)) if ns > 0.0 => Some(draws as f64 / ns * 1e9),
            _ => None,
        };
    }

    /// Speedup and what follows from it. The median of the logs and the log of
    /// the median differ where the number of pairs is even: it is the former.
    fn fill_speedup(&mut self) {
        self.pairs = self.ratios.len();
        let logs: Vec<f64> = self.ratios.iter().map(|ratio| ratio.ln()).collect();
        let interval = median_interval(&logs, CONFIDENCE);
        self.speedup = median(&logs).map(f64::exp);
        self.speedup_low = interval.map(|interval| interval.low.exp());
        self.speedup_high = interval.map(|interval| interval.high.exp());
        let threads = f64::from(self.case.nthread);
        let by_thread = |speedup: Option<f64>| speedup.map(|speedup| speedup / threads);
        self.efficiency = by_thread(self.speedup);
        self.efficiency_low = by_thread(self.speedup_low);
        self.efficiency_high = by_thread(self.speedup_high);
        self.karp_flatt = self
            .speedup
            .filter(|_| self.case.nthread > 1)
            .map(|speedup| (1.0 / speedup - 1.0 / threads) / (1.0 - 1.0 / threads));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Expected, Phase};

    fn case(backend: &str, nthread: u32) -> Case {
        let (backend, kernel) = (backend.to_string(), "pi".to_string());
        Case { kernel, backend, nthread, block: 64, draws: Some(640), ..Case::default() }
    }

    /// The rows of a visit with one counted call of that many nanoseconds.
    fn visit(round: u32, group: u32, visit: u64, case: &Case, wall_ns: u64) -> [Row; 2] {
        let row = Row { round, group, visit, case: case.clone(), ..Row::default() };
        let call = Row {
            phase: Phase::Call,
            wall_ns: Some(wall_ns),
            tally_draws: Some(640),
            tally_sum: Some(500),
            tally_sum_sq: Some(500),
            ..row.clone()
        };
        [call, Row { phase: Phase::Visit, ..row }]
    }

    fn run(cases: &[Case]) -> Run {
        let expected = Expected {
            kernel: "pi".into(),
            block: 64,
            draws: 640,
            sum: "500".into(),
            sum_sq: "500".into(),
            ..Expected::default()
        };
        let mut run = Run::default();
        run.plan.cases = cases.to_vec();
        run.plan.expected = vec![expected];
        run.machine.usable_cpus = Some(2);
        run
    }

    #[test]
    fn a_visit_is_paired_with_the_baseline_of_its_own_group() {
        let cases = [case("sequential", 1), case("a", 2), case("b", 4)];
        // The machine is three times as slow in the second group of each round.
        let rows: Vec<Row> = (0..6)
            .flat_map(|round| {
                [
                    visit(round, 0, 0, &cases[0], 1000),
                    visit(round, 0, 1, &cases[1], 500),
                    visit(round, 1, 2, &cases[2], 1500),
                    visit(round, 1, 3, &cases[0], 3000),
                ]
            })
            .flatten()
            .collect();
        let summary = summarise(&run(&cases), &rows);
        let [baseline, a, b] = &summary.cases[..] else { panic!("three cases") };
        assert_eq!((a.speedup, a.efficiency), (Some(2.0), Some(1.0)));
        assert!((b.speedup.expect("a speedup") - 2.0).abs() < 1e-12);
        assert_eq!((b.pairs, b.oversubscribed, a.oversubscribed), (6, true, false));
        assert_eq!(baseline.median_ns, Some(2000.0));
        assert_eq!(a.karp_flatt, Some(0.0));
        assert_eq!(summary.answers, Answers { calls: 24, identical: true });
    }

    #[test]
    fn what_failed_or_was_torn_off_counts_nowhere() {
        let cases = [case("sequential", 1), case("a", 2)];
        let mut rows: Vec<Row> = (0..3_u32)
            .flat_map(|round| {
                [visit(round, 0, 0, &cases[0], 1000), visit(round, 0, 1, &cases[1], 500)]
            })
            .flatten()
            .collect();
        rows[3].error = "timeout".into();
        rows.truncate(rows.len() - 1);
        let summary = summarise(&run(&cases), &rows);
        let a = &summary.cases[1];
        assert_eq!((a.rounds, a.pairs, a.problems.len()), (1, 1, 1));
        assert_eq!((a.speedup, a.speedup_low), (Some(2.0), None));
        assert_eq!(summary.cases[0].rounds, 3);
    }

    #[test]
    fn a_tally_that_is_not_the_expected_one_is_not_called_identical() {
        let cases = [case("sequential", 1)];
        let mut rows = visit(0, 0, 0, &cases[0], 1000);
        rows[0].tally_sum = Some(499);
        assert!(!summarise(&run(&cases), &rows).answers.identical);
        assert!(!summarise(&run(&cases), &[]).answers.identical);
    }
}
