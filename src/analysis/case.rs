//! Summary of one case over its rounds.

use serde::Serialize;

use super::CONFIDENCE;
use super::loss::Loss;
use super::spread::Spread;
use crate::record::{Case, Run};
use crate::stats::{Ratio, batch_means_interval, median, median_interval};
use crate::visits::{Disturbance, ResourceUsage, Visit, VisitOutcome, VisitSelection, Visits};

/// Summary of one case over its rounds.
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
    /// Groups with a clean visit of both the case and its baseline.
    pub pairs: usize,
    /// Median time of a call, in nanoseconds.
    pub median_ns: Option<f64>,
    /// Lower end of its interval.
    pub median_low_ns: Option<f64>,
    /// Upper end of its interval.
    pub median_high_ns: Option<f64>,
    /// Draws per second at the median; calls per second for cases without draws.
    pub throughput: Option<f64>,
    /// Index of the baseline among the cases.
    pub baseline: Option<usize>,
    /// Median of the paired ratios of times, baseline / case.
    pub speedup: Option<f64>,
    /// Lower end of its interval.
    pub speedup_low: Option<f64>,
    /// Upper end of its interval.
    pub speedup_high: Option<f64>,
    /// Speedup divided by the ratio of thread counts: S·n₀/n, n₀ being that of the baseline.
    /// Of a command or function the own speedup, n₀ being the smallest count of its program.
    pub efficiency: Option<f64>,
    /// Lower end of its interval.
    pub efficiency_low: Option<f64>,
    /// Upper end of its interval.
    pub efficiency_high: Option<f64>,
    /// Serial fraction by Karp and Flatt (1990), (1/S − 1/n) / (1 − 1/n); null at n = 1
    /// and for weak scaling.
    pub karp_flatt: Option<f64>,
    /// True if it has more threads than usable CPUs; false if these are unknown.
    pub oversubscribed: bool,
    /// True if it cannot be excluded from being the fastest; null if it was not compared.
    pub fastest: Option<bool>,
    /// Best possible rank among the backends at the largest count without
    /// oversubscription.
    pub rank_low: Option<usize>,
    /// Worst possible rank.
    pub rank_high: Option<usize>,
    /// Pairs, including those with a disturbed visit.
    pub pairs_all: usize,
    /// Speedup of all these pairs.
    pub speedup_all: Option<f64>,
    /// Lower end of the interval of the speedup by batch means, which is valid for
    /// autocorrelated rounds; null below 30 pairs.
    pub speedup_batch_low: Option<f64>,
    /// Upper end of that interval.
    pub speedup_batch_high: Option<f64>,
    /// Lower end of the interval of the serial fraction, from the highest speedup.
    pub karp_flatt_low: Option<f64>,
    /// Upper end of that interval, from the lowest speedup.
    pub karp_flatt_high: Option<f64>,
    /// Median time to create the team, in nanoseconds.
    pub setup_ns: Option<f64>,
    /// Overhead in CPU time over the sequential loop, n·T_n − T_1 of the median times
    /// (n·T_n − n·T_1 for weak scaling; n counts all threads), in nanoseconds; negative if
    /// the speedup exceeds n.
    pub overhead_ns: Option<f64>,
    /// Load balance: mean busy time of the workers divided by the largest (median over
    /// visits).
    pub load_balance: Option<f64>,
    /// Communication efficiency: largest busy time of a worker divided by the time of the
    /// call.
    pub communication: Option<f64>,
    /// Computation scaling: busy time of the baseline divided by that of all workers; below
    /// 1 if the same work takes longer with more workers.
    pub computation_scaling: Option<f64>,
    /// Split of its capacity, n times its time, into useful work and losses; null for
    /// baselines and where only the efficiency is known.
    pub loss: Option<Loss>,
    /// Speedup of a command or function over the same program at its smallest count; null at
    /// that count.
    pub own_speedup: Option<f64>,
    /// Lower end of its interval.
    pub own_speedup_low: Option<f64>,
    /// Upper end of its interval.
    pub own_speedup_high: Option<f64>,
    /// Median of the paired ratios of times at equal counts, program of the baseline / this
    /// program; null for that program and at counts that it does not have.
    pub equal_count_ratio: Option<f64>,
    /// Lower end of its interval.
    pub equal_count_ratio_low: Option<f64>,
    /// Upper end of its interval.
    pub equal_count_ratio_high: Option<f64>,
    /// Mean, high percentile and second mode of the calls.
    #[serde(flatten)]
    pub spread: Spread,
    /// Relative half-width of the interval of the speedup, corrected for autocorrelated
    /// rounds.
    #[serde(skip)]
    pub half_width: Option<f64>,
    /// Time of a call in each round, in the order of the rounds (nanoseconds).
    #[serde(skip)]
    pub round_ns: Vec<f64>,
    /// CPU time and memory of a call in each of these rounds.
    #[serde(skip)]
    pub round_usage: Vec<ResourceUsage>,
    /// Paired ratios baseline / case, one a pair.
    #[serde(skip)]
    pub ratios: Vec<f64>,
    /// Index of the case that its efficiency is over: the baseline, or the smallest count of
    /// the same command or function.
    #[serde(skip)]
    pub reference: Option<usize>,
    /// Efficiencies of the pairs with the reference.
    #[serde(skip)]
    pub efficiencies: Vec<f64>,
    /// Logarithms of the paired ratios, each with its round, in the order of the run.
    #[serde(skip)]
    pub log_ratios: Vec<(u32, f64)>,
    /// Busy time of all workers in a call, in nanoseconds.
    #[serde(skip)]
    pub busy_ns: Option<f64>,
    /// True for the baseline that the plan names: a command or function, not a sequential
    /// backend.
    #[serde(skip)]
    pub is_common_baseline: bool,
    /// Calls that ended as they should, those to warm up and of all visits included.
    #[serde(skip)]
    pub calls: usize,
    /// Error of each failed visit.
    #[serde(skip)]
    pub problems: Vec<String>,
    /// Number of disturbed visits, whose pairs are left out, for each reason.
    #[serde(skip)]
    pub left_out: Vec<LeftOut>,
}

/// Number of visits with a disturbance.
pub type LeftOut = (Disturbance, usize);

/// Summarises the case of that index.
pub fn summarise(run: &Run, visits: &Visits, index: usize) -> CaseSummary {
    let case = &run.plan.cases[index];
    // A pair is left out if one of its visits was disturbed; the speedup of all pairs is
    // shown beside.
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
    summary.fill_speedup(&logs);
    summary.reference = summary.baseline;
    summary.fill_scaling(&logs, baseline.map_or(1, Case::threads));
    summary.fill_factors(visits, index);
    summary.spread = Spread::of(&clean_calls_ns(visits.of_case(index)));
    summary
}

/// Fills in the figures that need the summaries of both a case and its reference: overhead
/// and computation scaling.
pub fn compare_with_references(cases: &mut [CaseSummary]) {
    for index in 0..cases.len() {
        let Some(baseline) = cases[index].reference else { continue };
        let baseline = &cases[baseline];
        let (baseline_ns, baseline_busy_ns) = (baseline.median_ns, baseline.busy_ns);
        let baseline_threads = f64::from(baseline.case.threads().max(1));
        let baseline_inner = f64::from(baseline.case.inner_nthread.max(1));
        let case = &mut cases[index];
        let threads = f64::from(case.case.threads()) / baseline_threads;
        // A worker is busy while any thread inside it is, so all inner threads count.
        let inner = f64::from(case.case.inner_nthread.max(1)) / baseline_inner;
        // With weak scaling the work is that of n baselines.
        let shares = if case.case.is_weak() { threads / inner } else { 1.0 };
        case.overhead_ns =
            baseline_ns.zip(case.median_ns).map(|(baseline, ns)| threads * ns - shares * baseline);
        let busy_ns = case.busy_ns.filter(|busy| *busy > 0.0);
        case.computation_scaling =
            baseline_busy_ns.zip(busy_ns).map(|(baseline, ns)| shares * baseline / (inner * ns));
    }
}

/// Number of calls of the visits that did not fail.
fn calls(run: &Run, visits: &Visits, case: usize) -> usize {
    let visits = visits.of_case(case).iter().filter(|visit| visit.any_ns().is_some()).count();
    let calls = run.plan.warmup.saturating_add(run.plan.iterations).max(1);
    visits.saturating_mul(calls as usize)
}

/// Error of each failed visit of a case.
fn problems(visits: &Visits, case: usize) -> Vec<String> {
    let outcomes = visits.of_case(case).iter().map(|visit| &visit.outcome);
    outcomes
        .filter_map(|outcome| match outcome {
            VisitOutcome::Failed(problem) => Some(problem.clone()),
            VisitOutcome::Clean(_) | VisitOutcome::Disturbed(..) => None,
        })
        .collect()
}

/// Number of disturbed visits of a case for each reason.
fn left_out(visits: &Visits, case: usize) -> Vec<LeftOut> {
    let mut counts = Disturbance::ALL.map(|disturbance| (disturbance, 0));
    for visit in visits.of_case(case) {
        if let VisitOutcome::Disturbed(_, reason) = &visit.outcome {
            counts.iter_mut().filter(|(it, _)| it == reason).for_each(|(_, count)| *count += 1);
        }
    }
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Time of each counted call of the clean visits, in nanoseconds.
fn clean_calls_ns(visits: &[Visit]) -> Vec<f64> {
    let clean = visits.iter().filter(|visit| visit.clean_ns().is_some());
    clean.flat_map(|visit| visit.metrics.calls_ns.iter().copied()).collect()
}

/// Median of a figure over the clean visits.
fn clean_median(visits: &[Visit], figure: fn(&Visit) -> Option<f64>) -> Option<f64> {
    let clean = visits.iter().filter(|visit| visit.clean_ns().is_some());
    median(&clean.filter_map(figure).collect::<Vec<_>>())
}

impl CaseSummary {
    /// Fills in the median time, its interval, and the throughput.
    fn fill_time(&mut self) {
        self.rounds = self.round_ns.len();
        self.median_ns = median(&self.round_ns);
        let interval = median_interval(&self.round_ns, CONFIDENCE);
        self.median_low_ns = interval.map(|interval| interval.low);
        self.median_high_ns = interval.map(|interval| interval.high);
        let draws = self.case.draws.unwrap_or(1) as f64;
        self.throughput = self.median_ns.filter(|ns| *ns > 0.0).map(|ns| draws / ns * 1e9);
    }

    /// CPU time of a call, of all workers, in nanoseconds: the median over rounds; `None` if
    /// it is unknown for some round.
    pub fn cpu_ns(&self) -> Option<f64> {
        let costs = self.round_usage.iter();
        median(&costs.map(|it| Some(it.user_ns? + it.system_ns?)).collect::<Option<Vec<_>>>()?)
    }

    /// Peak memory over all rounds; `None` if it is unknown for some round.
    pub fn peak_bytes(&self) -> Option<u64> {
        let peaks: Option<Vec<u64>> = self.round_usage.iter().map(|it| it.max_rss_bytes).collect();
        peaks?.into_iter().max()
    }

    /// Logarithms of the speeds of this case relative to another, in the rounds that both have.
    pub(super) fn log_ratios_to(&self, other: &CaseSummary) -> Vec<f64> {
        let of_round = |round: u32| other.log_ratios.iter().find(|(it, _)| *it == round);
        let logs = self.log_ratios.iter();
        logs.filter_map(|(round, log)| Some(log - of_round(*round)?.1)).collect()
    }

    /// True if other cases are compared with it.
    pub fn is_baseline(&self) -> bool {
        self.is_common_baseline || self.case.is_baseline()
    }

    /// Fills in the speedup over the baseline and its intervals.
    fn fill_speedup(&mut self, logs: &[f64]) {
        let ratio = Ratio::of(logs, CONFIDENCE);
        let ends = ratio.and_then(|ratio| ratio.ends);
        self.pairs = logs.len();
        self.speedup = ratio.map(|ratio| ratio.value);
        self.speedup_low = ends.map(|(low, _)| low);
        self.speedup_high = ends.map(|(_, high)| high);
        let batch = batch_means_interval(logs, CONFIDENCE);
        self.speedup_batch_low = batch.map(|interval| interval.low.exp());
        self.speedup_batch_high = batch.map(|interval| interval.high.exp());
    }

    /// Fills in the efficiency and the serial fraction from the logarithms of the speedups over
    /// the reference, which has this number of threads.
    pub(super) fn fill_scaling(&mut self, logs: &[f64], threads_of_reference: u32) {
        let ratio = Ratio::of(logs, CONFIDENCE);
        let ends = ratio.and_then(|ratio| ratio.ends);
        let threads = f64::from(self.case.threads()) / f64::from(threads_of_reference.max(1));
        let [value, low, high] =
            [ratio.map(|it| it.value), ends.map(|(low, _)| low), ends.map(|(_, high)| high)];
        [self.efficiency, self.efficiency_low, self.efficiency_high] =
            [value, low, high].map(|speedup| speedup.map(|speedup| speedup / threads));
        self.efficiencies = logs.iter().map(|log| log.exp() / threads).collect();
        let fraction = |speedup: f64| (1.0 / speedup - 1.0 / threads) / (1.0 - 1.0 / threads);
        let is_defined = threads > 1.0 && !self.case.is_weak();
        // The serial fraction falls with the speedup, so the ends are exchanged.
        [self.karp_flatt, self.karp_flatt_low, self.karp_flatt_high] =
            [value, high, low].map(|speedup| speedup.filter(|_| is_defined).map(fraction));
    }

    /// Fills in medians over the visits: setup, and the factors of efficiency as defined by
    /// POP (the EU's centre of excellence for Performance Optimisation and Productivity).
    fn fill_factors(&mut self, visits: &Visits, index: usize) {
        let visits = visits.of_case(index);
        self.setup_ns = clean_median(visits, |visit| visit.setup_ns.map(|ns| ns as f64));
        self.load_balance = clean_median(visits, |visit| visit.metrics.load_balance);
        self.communication = clean_median(visits, |visit| visit.metrics.communication);
        self.busy_ns = clean_median(visits, |visit| visit.metrics.busy_sum_ns);
    }

    /// Score by which cases are ordered: the speedup, or minus the time without a
    /// speedup. Higher is better.
    pub(crate) fn score(&self) -> f64 {
        self.speedup.or(self.median_ns.map(|ns| -ns)).unwrap_or(f64::NEG_INFINITY)
    }
}
