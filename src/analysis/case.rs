//! One case of a run, summarised over its rounds.

use serde::Serialize;

use super::CONFIDENCE;
use crate::record::{Case, Run};
use crate::stats::{Ratio, batch_means_interval, median, median_interval};
use crate::visits::{Disturbance, ResourceUsage, Visit, VisitOutcome, VisitSelection, Visits};

/// One case of the run, summarised over its rounds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaseSummary {
    /// Index of the case among the cases of the summary.
    #[serde(skip)]
    pub index: usize,
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
    /// Draws per second at the median; calls per second of what has no draws.
    pub throughput: Option<f64>,
    /// Index of the baseline among the cases.
    pub baseline: Option<usize>,
    /// Median of the paired ratios baseline / case.
    pub speedup: Option<f64>,
    /// Lower end of its interval.
    pub speedup_low: Option<f64>,
    /// Upper end of its interval.
    pub speedup_high: Option<f64>,
    /// Speedup by thread, of those of the baseline: S·n₀/n.
    pub efficiency: Option<f64>,
    /// Lower end of its interval.
    pub efficiency_low: Option<f64>,
    /// Upper end of its interval.
    pub efficiency_high: Option<f64>,
    /// Serial fraction by Karp and Flatt (1990), (1/S − 1/n) / (1 − 1/n); null at n = 1
    /// and where the work grows with the workers.
    pub karp_flatt: Option<f64>,
    /// Whether it has more threads than usable CPUs; no, where these are unknown.
    pub oversubscribed: bool,
    /// Whether it is in the set of fastest cases.
    pub fastest: Option<bool>,
    /// Best rank that it may have among the backends at the largest usable count.
    pub rank_low: Option<usize>,
    /// Worst rank that it may have.
    pub rank_high: Option<usize>,
    /// Pairs, those included that were left out because something disturbed a
    /// visit.
    pub pairs_all: usize,
    /// The speedup of all these pairs.
    pub speedup_all: Option<f64>,
    /// Lower end of the interval of the speedup by means of batches of rounds,
    /// which bears with rounds that resemble each other; from 30 pairs on.
    pub speedup_batch_low: Option<f64>,
    /// Its upper end.
    pub speedup_batch_high: Option<f64>,
    /// Lower end of the interval of the serial fraction: that of the highest speedup.
    pub karp_flatt_low: Option<f64>,
    /// Its upper end: that of the lowest speedup.
    pub karp_flatt_high: Option<f64>,
    /// Median time that it takes to create the team, in nanoseconds.
    pub setup_ns: Option<f64>,
    /// CPU time that parallelism costs over the sequential loop, n·T_n − T_1 of the
    /// median times (n·T_n − n·T_1 where the work grows with the workers; n is that of
    /// all threads), in nanoseconds; negative where the speedup exceeds n.
    pub overhead_ns: Option<f64>,
    /// Busy time of the mean worker by that of the busiest (median over visits).
    pub load_balance: Option<f64>,
    /// Busy time of the busiest worker by the time of the call.
    pub communication: Option<f64>,
    /// Time inside the kernel of the baseline by that of all workers: below 1 where
    /// the same work takes longer as workers are added.
    pub computation_scaling: Option<f64>,
    /// How well the speedup is known: half the width of its interval, as a share
    /// of it; rounds that resemble each other count for fewer.
    #[serde(skip)]
    pub half_width: Option<f64>,
    /// Time of a call in each round, in the order of the rounds (nanoseconds).
    #[serde(skip)]
    pub round_ns: Vec<f64>,
    /// What else a call took in each of these rounds.
    #[serde(skip)]
    pub round_usage: Vec<ResourceUsage>,
    /// The paired ratios baseline / case, one a pair.
    #[serde(skip)]
    pub ratios: Vec<f64>,
    /// The logarithms of the same, each with its round, in the order of the run.
    #[serde(skip)]
    pub log_ratios: Vec<(u32, f64)>,
    /// Busy time of all workers in a call, in nanoseconds.
    #[serde(skip)]
    pub busy_ns: Option<f64>,
    /// Whether others are compared with it although it is no sequential backend: it
    /// is the command or function that the plan names.
    #[serde(skip)]
    pub is_common_baseline: bool,
    /// Calls that ended as they should, those to warm up and of all visits included.
    #[serde(skip)]
    pub calls: usize,
    /// What went wrong in each visit that does not count.
    #[serde(skip)]
    pub problems: Vec<String>,
    /// How many visits leave their pair out, for each reason.
    #[serde(skip)]
    pub left_out: Vec<LeftOut>,
}

/// How many visits something disturbed.
pub type LeftOut = (Disturbance, usize);

/// Summarises the case of that index.
pub fn summarise(run: &Run, visits: &Visits, index: usize) -> CaseSummary {
    let case = &run.plan.cases[index];
    let log_ratios = visits.log_ratios_by_round(index, VisitSelection::Clean);
    let logs: Vec<f64> = log_ratios.iter().map(|(_, log)| *log).collect();
    let all = visits.log_ratios(index, VisitSelection::All);
    let mut summary = CaseSummary {
        index,
        case: case.clone(),
        baseline: visits.baseline_of(index),
        oversubscribed: super::usable_cpus(run).is_some_and(|cpus| case.threads() > cpus),
        is_common_baseline: run.plan.baseline == Some(index),
        round_ns: visits.round_values(index),
        round_usage: visits.round_usage(index),
        ratios: logs.iter().copied().map(f64::exp).collect(),
        log_ratios,
        pairs_all: all.len(),
        speedup_all: Ratio::of(&all, CONFIDENCE).map(|ratio| ratio.value),
        calls: calls(run, visits, index),
        problems: problems(visits, index),
        left_out: left_out(visits, index),
        ..CaseSummary::default()
    };
    summary.fill_time();
    let baseline = summary.baseline.and_then(|baseline| run.plan.cases.get(baseline));
    let threads_of_baseline = baseline.map_or(1, Case::threads);
    summary.fill_speedup(&logs, threads_of_baseline);
    // What another program computes faster or slower is no serial part of this one.
    if !baseline.is_some_and(|baseline| are_rivals(run, baseline, case)) {
        summary.fill_serial_fraction(threads_of_baseline);
    }
    summary.fill_causes(visits, index);
    summary
}

/// Fills in what follows from a case and its baseline together: what parallelism
/// costs, and how the time inside the kernel scales.
pub fn compare_with_baselines(cases: &mut [CaseSummary]) {
    for index in 0..cases.len() {
        let Some(baseline) = cases[index].baseline else { continue };
        let (alone_ns, alone_busy_ns) = (cases[baseline].median_ns, cases[baseline].busy_ns);
        let threads_of_baseline = f64::from(cases[baseline].case.threads().max(1));
        let inner_of_baseline = f64::from(cases[baseline].case.inner_nthread.max(1));
        let case = &mut cases[index];
        let threads = f64::from(case.case.threads()) / threads_of_baseline;
        // A worker is busy as long as any thread inside it, so it holds all of them.
        let inner = f64::from(case.case.inner_nthread.max(1)) / inner_of_baseline;
        // Where the work grows with the workers, there are n shares of the baseline.
        let shares = if case.case.is_weak() { threads / inner } else { 1.0 };
        let overhead = |(alone, ns): (f64, f64)| threads * ns - shares * alone;
        case.overhead_ns = alone_ns.zip(case.median_ns).map(overhead);
        let busy = case.busy_ns.filter(|busy| *busy > 0.0);
        case.computation_scaling =
            alone_busy_ns.zip(busy).map(|(alone, busy)| shares * alone / (inner * busy));
    }
}

/// Whether two commands are different programs that are both swept; a baseline at one
/// count only is what the others parallelise.
fn are_rivals(run: &Run, baseline: &Case, case: &Case) -> bool {
    let of_baseline = run.plan.cases.iter().filter(|other| other.label == baseline.label);
    case.is_command() && case.label != baseline.label && of_baseline.count() > 1
}

/// The calls of the visits that did not fail.
fn calls(run: &Run, visits: &Visits, case: usize) -> usize {
    let did_not_fail = visits.of_case(case).iter().filter(|visit| visit.any_ns().is_some());
    let of_each = run.plan.warmup.saturating_add(run.plan.iterations).max(1);
    did_not_fail.count().saturating_mul(of_each as usize)
}

/// What went wrong in each visit of a case that failed.
fn problems(visits: &Visits, case: usize) -> Vec<String> {
    let problem = |outcome: &VisitOutcome| match outcome {
        VisitOutcome::Failed(problem) => Some(problem.clone()),
        VisitOutcome::Clean(_) | VisitOutcome::Disturbed(..) => None,
    };
    visits.of_case(case).iter().filter_map(|visit| problem(&visit.outcome)).collect()
}

fn left_out(visits: &Visits, case: usize) -> Vec<LeftOut> {
    let count = |disturbance: Disturbance| {
        let visits = visits.of_case(case).iter();
        let is_it = |outcome: &VisitOutcome| matches!(outcome, VisitOutcome::Disturbed(_, reason) if *reason == disturbance);
        (disturbance, visits.filter(|visit| is_it(&visit.outcome)).count())
    };
    Disturbance::ALL.into_iter().map(count).filter(|(_, count)| *count > 0).collect()
}

impl CaseSummary {
    /// Median time, its interval, throughput.
    fn fill_time(&mut self) {
        self.rounds = self.round_ns.len();
        self.median_ns = median(&self.round_ns);
        let interval = median_interval(&self.round_ns, CONFIDENCE);
        self.median_low_ns = interval.map(|interval| interval.low);
        self.median_high_ns = interval.map(|interval| interval.high);
        let draws = self.case.draws.unwrap_or(1) as f64;
        self.throughput = self.median_ns.filter(|ns| *ns > 0.0).map(|ns| draws / ns * 1e9);
    }

    /// CPU time of a call, of all workers, in nanoseconds: the median over rounds;
    /// `None` where some round does not know it.
    pub fn cpu_ns(&self) -> Option<f64> {
        let costs = self.round_usage.iter();
        median(&costs.map(|it| Some(it.user_ns? + it.system_ns?)).collect::<Option<Vec<_>>>()?)
    }

    /// The most memory of any round; `None` where some round does not know it.
    pub fn peak_bytes(&self) -> Option<u64> {
        let peaks: Option<Vec<u64>> = self.round_usage.iter().map(|it| it.max_rss_bytes).collect();
        peaks?.into_iter().max()
    }

    /// Whether others are compared with it.
    pub fn is_baseline(&self) -> bool {
        self.is_common_baseline || self.case.is_baseline()
    }

    /// Speedup over a baseline of so many threads, and what follows from it.
    fn fill_speedup(&mut self, logs: &[f64], threads_of_baseline: u32) {
        let ratio = Ratio::of(logs, CONFIDENCE);
        let ends = ratio.and_then(|ratio| ratio.ends);
        self.pairs = logs.len();
        self.speedup = ratio.map(|ratio| ratio.value);
        self.speedup_low = ends.map(|(low, _)| low);
        self.speedup_high = ends.map(|(_, high)| high);
        let batch = batch_means_interval(logs, CONFIDENCE);
        self.speedup_batch_low = batch.map(|interval| interval.low.exp());
        self.speedup_batch_high = batch.map(|interval| interval.high.exp());
        let threads = self.threads_over(threads_of_baseline);
        let by_thread = |speedup: Option<f64>| speedup.map(|speedup| speedup / threads);
        self.efficiency = by_thread(self.speedup);
        self.efficiency_low = by_thread(self.speedup_low);
        self.efficiency_high = by_thread(self.speedup_high);
    }

    fn threads_over(&self, threads_of_baseline: u32) -> f64 {
        f64::from(self.case.threads()) / f64::from(threads_of_baseline.max(1))
    }

    /// The serial fraction by the speedup, as Karp and Flatt have it, with the ends of
    /// its interval.
    fn fill_serial_fraction(&mut self, threads_of_baseline: u32) {
        let threads = self.threads_over(threads_of_baseline);
        let has_serial_fraction = threads > 1.0 && !self.case.is_weak();
        let serial_fraction = |speedup: Option<f64>| {
            let speedup = speedup.filter(|_| has_serial_fraction)?;
            Some((1.0 / speedup - 1.0 / threads) / (1.0 - 1.0 / threads))
        };
        self.karp_flatt = serial_fraction(self.speedup);
        self.karp_flatt_low = serial_fraction(self.speedup_high);
        self.karp_flatt_high = serial_fraction(self.speedup_low);
    }

    /// Medians over the visits: setup, and what an efficiency is made of, as POP has
    /// it (the EU's centre for Performance Optimisation and Productivity).
    fn fill_causes(&mut self, visits: &Visits, index: usize) {
        let clean = || visits.of_case(index).iter().filter(|visit| visit.clean_ns().is_some());
        let middle = |figure: fn(&Visit) -> Option<f64>| {
            median(&clean().filter_map(figure).collect::<Vec<_>>())
        };
        self.setup_ns = middle(|visit| visit.setup_ns.map(|ns| ns as f64));
        self.load_balance = middle(|visit| visit.metrics.load_balance);
        self.communication = middle(|visit| visit.metrics.communication);
        self.busy_ns = middle(|visit| visit.metrics.busy_sum_ns);
    }

    /// Score by which cases are ordered: the speedup, or minus the time without a
    /// speedup. Higher is better.
    pub(crate) fn score(&self) -> f64 {
        self.speedup.or(self.median_ns.map(|ns| -ns)).unwrap_or(f64::NEG_INFINITY)
    }
}
