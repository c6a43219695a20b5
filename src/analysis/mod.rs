//! Analysis of a results directory: from rows to medians, speedups and intervals.
//!
//! The unit of statistics is the round. The value of a visit is the median of its calls; a
//! visit counts only if it is complete and free of errors ([`crate::visits`]). A speedup is
//! the median of paired ratios, each of a visit and the baseline's visit in the same group,
//! about a second away: a slowdown of the machine that lasts longer affects both. Intervals
//! are exact order-statistic intervals ([`crate::stats`]).

mod case;
#[cfg(feature = "program")]
mod compare;
mod crossover;
mod description;
mod external_fit;
mod fits;
mod fitted_law;
mod granularity;
mod grid;
mod loss;
mod outputs;
mod own_scaling;
mod ranking;
mod recommendation;
mod series;
mod spread;
#[cfg(test)]
pub(crate) mod synthetic;
mod threshold;
mod warnings;
mod winner;

pub use crate::visits::{CONFIDENCE, TallyCheck};
pub use case::{CaseSummary, LeftOut};
#[cfg(feature = "program")]
pub use compare::{
    Change, Comparison, Conclusion, Difference, Judged, Renamed, Shift, compare,
    differences_of_machines, rename_by_name, rename_by_position,
};
pub use crossover::Crossover;
pub use external_fit::{ExternalFit, Speedup, ThroughputGroup, ThroughputTable};
pub use fits::{Candidate, Fit, MIN_COUNTS, Model};
pub use fitted_law::FittedLaw;
pub use granularity::{Granularity, Metg, TaskSize};
pub use grid::{Grid, grids, has_inner, series_at_best_inner};
pub use loss::{Cause, Loss, Part};
pub use outputs::{CommandOutputs, Outputs, compare_outputs};
pub(crate) use ranking::of as rankings;
pub use ranking::{BestCount, Competitor, Ranking};
pub use recommendation::{MARGIN, Recommendation, RelativeTime, recommend};
pub use series::{Job, Series, jobs, series};
pub use spread::{SecondMode, Spread};
pub use threshold::ThresholdVerdict;
pub use warnings::{Code, Warning};
pub use winner::Winner;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::record::{Row, Run, StopReason, Target};
use crate::visits::{DataIssue, Visits};

/// Fewest rounds in which cases are compared: fewer have no 95% interval of the median.
pub const MIN_ROUNDS: usize = 6;

/// Result of the analysis: all figures that the outputs show.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Nominal level of each interval, 0.95.
    pub confidence: f64,
    /// The cases, in the order of the plan.
    pub cases: Vec<CaseSummary>,
    /// The ranking of the cases of each job, in the order in which the plan first names
    /// the jobs.
    #[serde(rename = "answers")]
    pub rankings: Vec<Ranking>,
    /// The recommendation of the only job; null if there are several, or without one.
    pub recommendation: Option<Recommendation>,
    /// Scaling models, one a series.
    pub fits: Vec<Fit>,
    /// Crossovers: the job from which each backend is faster than sequential. Empty for one
    /// job.
    pub crossovers: Vec<Crossover>,
    /// Winner at each job and thread count. Empty for one job.
    pub winners: Vec<Winner>,
    /// METG of each backend. Empty for one chunk.
    pub granularities: Vec<Granularity>,
    /// Warnings about the figures, the most severe first.
    pub warnings: Vec<Warning>,
    /// Plan, machine, build and end of the run, from run.json.
    #[serde(skip)]
    pub run: Run,
    /// Results of the tally checks.
    #[serde(skip)]
    pub tally_check: TallyCheck,
    /// Instruction sets of the kernel in use.
    #[serde(skip)]
    pub isas: BTreeSet<String>,
}

impl Summary {
    /// The target of the run.
    pub fn target(&self) -> Target {
        self.run.plan.target
    }

    /// Model of the host CPU; empty if unknown.
    pub fn cpu_model(&self) -> &str {
        self.run.machine.cpu_model.as_deref().unwrap_or_default()
    }

    /// Number of CPUs that the run could use; `None` if unknown.
    pub fn usable_cpus(&self) -> Option<u32> {
        usable_cpus(&self.run)
    }

    /// The rounds of the case that has most.
    pub fn max_rounds(&self) -> usize {
        self.cases.iter().map(|case| case.rounds).max().unwrap_or(0)
    }

    /// True if there are more threads than usable CPUs; false if these are unknown.
    pub fn is_oversubscribed(&self, nthread: u32) -> bool {
        self.usable_cpus().is_some_and(|cpus| nthread > cpus)
    }

    /// The ranking of the cases of a job.
    pub fn ranking_of(&self, job: &Job<'_>) -> Option<&Ranking> {
        let first = job.cases.first()?.index;
        self.rankings.iter().find(|ranking| ranking.cases.first() == Some(&first))
    }

    /// Reason for the end of the last session; `None` if it did not end.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.run.sessions.last().and_then(|session| session.stop_reason)
    }
}

/// Number of usable CPUs. 0 means unknown.
fn usable_cpus(run: &Run) -> Option<u32> {
    run.machine.usable_cpus.filter(|cpus| *cpus > 0)
}

/// Summarises a run in memory.
pub fn summarise(run: &Run, rows: &[Row]) -> Summary {
    summarise_visits(run, &Visits::from_rows(rows, &run.plan), &[])
}

/// Summarises the visits of a run; `issues` are those of the file that they come from.
pub fn summarise_visits(run: &Run, visits: &Visits, issues: &[DataIssue]) -> Summary {
    let mut cases: Vec<CaseSummary> =
        (0..run.plan.cases.len()).map(|case| case::summarise(run, visits, case)).collect();
    own_scaling::fill(run, &mut cases);
    case::compare_with_references(&mut cases);
    loss::fill(run, visits, &mut cases);
    let compared = visits.compared_cases();
    for (case, half_width) in compared.iter().zip(visits.half_widths(&compared)) {
        cases[*case].half_width = half_width;
    }
    let rankings = rankings(&mut cases);
    let warnings = warnings::of(run, visits, &cases, issues);
    let preset = run.plan.preset;
    // With `harness metg` the draws follow from the chunk, so jobs differ in more than
    // their size.
    let jobs = if preset.is_metg() { &[][..] } else { &cases };
    let recommendation = match &rankings[..] {
        [only] => only.recommendation.clone(),
        _ => None,
    };
    Summary {
        confidence: CONFIDENCE,
        recommendation,
        rankings,
        fits: fits::of(visits, &cases, usable_cpus(run)),
        crossovers: crossover::of(visits, jobs),
        winners: winner::of(visits, jobs),
        granularities: granularity::of(visits, &cases, preset),
        cases,
        warnings,
        tally_check: visits.tally_check(),
        isas: visits.isas().clone(),
        run: run.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Case, ExpectedTally, Phase};

    fn case(backend: &str, nthread: u32) -> Case {
        let (backend, kernel) = (backend.to_string(), "pi".to_string());
        Case { kernel, backend, nthread, block: 64, draws: Some(640), ..Case::default() }
    }

    /// Rows of a visit with one counted call of `wall_ns`.
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
        let expected = ExpectedTally {
            kernel: "pi".into(),
            block: 64,
            draws: 640,
            sum: 500,
            sum_sq: 500,
            ..ExpectedTally::default()
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
        let near = |value: Option<f64>, expected: f64| {
            assert!((value.expect("a value") - expected).abs() < 1e-12, "{value:?}");
        };
        let [baseline, a, b] = &summary.cases[..] else { panic!("three cases") };
        assert_eq!((a.speedup, a.efficiency), (Some(2.0), Some(1.0)));
        assert!((b.speedup.expect("a speedup") - 2.0).abs() < 1e-12);
        assert_eq!((b.pairs, b.oversubscribed, a.oversubscribed), (6, true, false));
        assert_eq!(baseline.median_ns, Some(2000.0));
        assert_eq!((a.karp_flatt, a.overhead_ns), (Some(0.0), Some(-1000.0)));
        near(b.karp_flatt_low, (0.5 - 0.25) / 0.75);
        assert_eq!(summary.rankings.len(), 1);
        assert_eq!(summary.rankings[0].fastest, [1, 2]);
        assert_eq!(summary.tally_check, TallyCheck { calls: 24, identical_calls: 24 });
    }

    #[test]
    fn the_speedup_of_weak_scaling_is_that_of_the_work_in_the_same_time() {
        let weak = |backend: &str, nthread: u32| Case {
            scaling: "weak".into(),
            draws: Some(640 * u64::from(nthread)),
            ..case(backend, nthread)
        };
        let cases = [weak("sequential", 1), weak("a", 4)];
        let rows: Vec<Row> = (0..6)
            .flat_map(|round| {
                [visit(round, 0, 0, &cases[0], 1000), visit(round, 0, 1, &cases[1], 1250)]
            })
            .flatten()
            .collect();
        let a = &summarise(&run(&cases), &rows).cases[1];
        let near =
            |value: Option<f64>, expected: f64| (value.expect("a value") - expected).abs() < 1e-12;
        assert!(near(a.speedup, 3.2) && near(a.efficiency, 0.8), "{a:?}");
        assert_eq!((a.pairs, a.karp_flatt), (6, None));
    }

    #[test]
    fn a_case_is_compared_with_the_baseline_with_the_same_pinning() {
        let pinned = |backend: &str, pin: &str| Case { pin: pin.into(), ..case(backend, 2) };
        let pins = ["none", "close"];
        let cases: Vec<Case> =
            pins.iter().flat_map(|pin| [pinned("sequential", pin), pinned("a", pin)]).collect();
        let summary = summarise(&run(&cases), &[]);
        let baselines: Vec<Option<usize>> = summary.cases.iter().map(|it| it.baseline).collect();
        assert_eq!(baselines, [Some(0), Some(0), Some(2), Some(2)]);
        assert_eq!(jobs(&summary).len(), 2);
    }

    #[test]
    fn failed_and_truncated_visits_do_not_count() {
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
    fn a_wrong_tally_is_not_identical() {
        let cases = [case("sequential", 1)];
        let mut rows = visit(0, 0, 0, &cases[0], 1000);
        rows[0].tally_sum = Some(499);
        assert!(!summarise(&run(&cases), &rows).tally_check.identical());
        assert!(!summarise(&run(&cases), &[]).tally_check.identical());
    }
}
