//! Warnings about the figures of a run, as values.
//!
//! Each rule is a function of the record, and gives at most one warning: the observation,
//! the cases, and advice. A new rule needs a variant of [`Code`], in the order of severity,
//! and a line in [`RULES`]. Issues of the files themselves come from the reader.

mod commands;
mod input;
mod interference;
mod settings;
#[cfg(test)]
mod tests;
mod timing;

use serde::Serialize;

use super::CaseSummary;
use crate::quantity::format_percent;
use crate::record::{Machine, Run};
use crate::stats::median;
use crate::visits::{DataIssue, VisitMetrics, Visits};

/// Subject of a warning, the most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Commands print different output at different counts, or from each other.
    DifferentOutputs,
    /// The files are damaged, or say less than they should.
    Input,
    /// The harness was built without optimisation.
    Unoptimised,
    /// There is no baseline to compare with.
    NoBaseline,
    /// The first run of a command did nearly all of the work: it keeps its result.
    KeepsResult,
    /// The number of threads has no effect: perhaps the command does not read it.
    IgnoresSetting,
    /// The clocks disagreed during visits.
    Clock,
    /// The machine was suspended during visits.
    Suspended,
    /// Processes were stopped during visits.
    Stopped,
    /// Visits were throttled by the cgroup quota.
    Throttled,
    /// Workers waited for a CPU although there were enough CPUs.
    Starved,
    /// Other programs used CPUs that runs of commands needed.
    OtherPrograms,
    /// The hypervisor took CPU time (steal).
    Steal,
    /// Calls are too short for the resolution of the clock.
    ShortCalls,
    /// Chunks have fewer blocks than a worker has inner threads.
    SmallChunks,
    /// More threads than the cgroup quota has CPUs.
    OverQuota,
    /// The clock frequency falls as threads are added.
    Frequency,
    /// The machine was busy before the run began.
    BusyAtStart,
    /// The machine runs on battery, or with a power-saving governor.
    Power,
    /// Too few warm-up calls.
    WarmUp,
    /// Rounds are autocorrelated: intervals of ratios are too narrow.
    Autocorrelated,
    /// The speed of the machine changed over the run: absolute times are biased.
    Drift,
    /// Too few rounds for intervals.
    FewRounds,
    /// The requested precision was not reached.
    Precision,
    /// More threads than CPUs.
    Oversubscribed,
    /// More threads than physical cores.
    Smt,
    /// Cores of several types.
    CoreTypes,
    /// The load of the workers is unbalanced.
    Imbalance,
}

/// A warning about the figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warning {
    /// Kind of hazard.
    pub code: Code,
    /// Sentence about what was observed.
    pub message: String,
    /// Sentence about what to try.
    pub advice: String,
    /// Indices of the affected cases; empty if all are.
    pub cases: Vec<usize>,
}

/// The record of a run, as rules see it.
struct Context<'a> {
    run: &'a Run,
    machine: &'a Machine,
    visits: &'a Visits,
    cases: &'a [CaseSummary],
}

/// All rules, in any order.
const RULES: [fn(&Context<'_>) -> Option<Warning>; 27] = [
    settings::unoptimised,
    settings::oversubscribed,
    settings::over_quota,
    settings::smt,
    settings::small_chunks,
    settings::core_types,
    settings::power,
    settings::busy_at_start,
    interference::clock,
    interference::suspended,
    interference::stopped,
    interference::throttled,
    interference::starved,
    interference::other_programs,
    interference::steal,
    interference::frequency,
    commands::different_outputs,
    commands::keeps_result,
    commands::ignores_setting,
    timing::no_baseline,
    timing::short_calls,
    timing::warm_up,
    timing::drift,
    timing::autocorrelated,
    timing::few_rounds,
    timing::precision,
    timing::imbalance,
];

/// The warnings of a run, the most severe first.
pub fn of(run: &Run, visits: &Visits, cases: &[CaseSummary], issues: &[DataIssue]) -> Vec<Warning> {
    let context = Context { run, machine: &run.machine, visits, cases };
    let of_input = issues.iter().map(input::warning);
    let mut warnings: Vec<Warning> =
        of_input.chain(RULES.iter().filter_map(|rule| rule(&context))).collect();
    warnings.sort_by_key(|warning| warning.code);
    warnings
}

impl Context<'_> {
    /// Indices of the cases with a property.
    fn cases_where(&self, property: impl Fn(usize, &CaseSummary) -> bool) -> Vec<usize> {
        let numbered = self.cases.iter().enumerate();
        numbered.filter(|(index, case)| property(*index, case)).map(|(index, _)| index).collect()
    }

    /// The case with the largest figure, and that figure.
    fn worst(&self, figure: impl Fn(usize, &CaseSummary) -> Option<f64>) -> Option<(usize, f64)> {
        let numbered = self.cases.iter().enumerate();
        let figures = numbered.filter_map(|(index, case)| Some((index, figure(index, case)?)));
        figures.max_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// Median of a figure over the visits of a case that did not fail.
    fn median_of_visits(
        &self,
        case: usize,
        figure: fn(&VisitMetrics) -> Option<f64>,
    ) -> Option<f64> {
        let visits = self.visits.of_case(case).iter().filter(|visit| visit.any_ns().is_some());
        let figures: Vec<f64> = visits.filter_map(|visit| figure(&visit.metrics)).collect();
        median(&figures)
    }

    /// Title of a case with its thread count.
    fn name(&self, case: usize) -> String {
        self.cases[case].case.title_with_count()
    }
}

/// A share as a percentage.
fn percent(share: f64) -> String {
    format_percent(share, usize::from(share < 0.095))
}
