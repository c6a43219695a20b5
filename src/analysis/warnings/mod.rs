//! Warnings as values: what a reader must know before quoting a figure.
//!
//! Each rule is a function of what was recorded, and gives at most one warning,
//! which says what was seen, of which cases, and what to try. To add one: a
//! variant of [`Code`] in its place, and a line in [`RULES`]. What is odd about the
//! files themselves is known from reading them ([`DataIssue`]).

mod commands;
mod input;
mod settings;
mod taken;
#[cfg(test)]
mod tests;
mod timing;

use serde::Serialize;

use super::CaseSummary;
use crate::record::{Machine, Run};
use crate::stats::median;
use crate::visits::{DataIssue, VisitMetrics, Visits};

/// What a warning is about, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The files are damaged, or say less than they should.
    Input,
    /// The harness was built without optimisation.
    Unoptimised,
    /// There is no baseline to compare with.
    NoBaseline,
    /// Commands that are compared do not print the same.
    DifferentOutputs,
    /// More threads change nothing: the number is perhaps not read.
    IgnoresSetting,
    /// The clocks disagreed during visits.
    Clock,
    /// The machine was asleep during visits.
    Suspended,
    /// Processes were stopped during visits.
    Stopped,
    /// The cgroup quota held visits up.
    Throttled,
    /// Workers waited for a CPU though there were enough for them.
    Starved,
    /// The hypervisor took CPU time away.
    Steal,
    /// Calls are too short for the clock.
    ShortCalls,
    /// Chunks have fewer blocks than a worker has threads inside it.
    SmallChunks,
    /// More threads than the cgroup quota has CPUs.
    OverQuota,
    /// The clock frequency falls as threads are added.
    Frequency,
    /// The machine was busy before the run began.
    BusyAtStart,
    /// On battery, or with a governor that saves power.
    Power,
    /// More calls were needed to warm up than were made.
    WarmUp,
    /// Rounds resemble their neighbours: intervals of ratios are too narrow.
    Autocorrelated,
    /// The machine's speed changed over the run: absolute times are not its own.
    Drift,
    /// Too few rounds for intervals.
    FewRounds,
    /// The precision that was asked for was not reached.
    Precision,
    /// More threads than CPUs.
    Oversubscribed,
    /// More threads than physical cores.
    Smt,
    /// Cores of several types.
    CoreTypes,
    /// Some workers have less to do than others.
    Imbalance,
}

/// What a reader must know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warning {
    /// What it is about.
    pub code: Code,
    /// What was seen.
    pub message: String,
    /// What to try.
    pub advice: String,
    /// Indices of the cases that it is about; all of them if it is empty.
    pub cases: Vec<usize>,
}

/// All that a rule looks at.
struct Seen<'a> {
    run: &'a Run,
    machine: &'a Machine,
    visits: &'a Visits,
    cases: &'a [CaseSummary],
}

/// Every rule, in any order.
const RULES: [fn(&Seen<'_>) -> Option<Warning>; 25] = [
    settings::unoptimised,
    settings::oversubscribed,
    settings::over_quota,
    settings::smt,
    settings::small_chunks,
    settings::core_types,
    settings::power,
    settings::busy_at_start,
    taken::clock,
    taken::suspended,
    taken::stopped,
    taken::throttled,
    taken::starved,
    taken::steal,
    taken::frequency,
    commands::different_outputs,
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

/// The warnings of a run, the worst first.
pub fn of(run: &Run, visits: &Visits, cases: &[CaseSummary], issues: &[DataIssue]) -> Vec<Warning> {
    let seen = Seen { run, machine: &run.machine, visits, cases };
    let of_input = issues.iter().map(input::warning);
    let mut warnings: Vec<Warning> =
        of_input.chain(RULES.iter().filter_map(|rule| rule(&seen))).collect();
    warnings.sort_by_key(|warning| warning.code);
    warnings
}

impl Seen<'_> {
    /// The cases for which something is so.
    fn cases_where(&self, is_so: impl Fn(usize, &CaseSummary) -> bool) -> Vec<usize> {
        let numbered = self.cases.iter().enumerate();
        numbered.filter(|(index, case)| is_so(*index, case)).map(|(index, _)| index).collect()
    }

    /// The case with the largest figure, and that.
    fn worst(&self, figure: impl Fn(usize, &CaseSummary) -> Option<f64>) -> Option<(usize, f64)> {
        let numbered = self.cases.iter().enumerate();
        let figures = numbered.filter_map(|(index, case)| Some((index, figure(index, case)?)));
        figures.max_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// The median over the visits to a case that did not fail.
    fn middle(&self, case: usize, figure: fn(&VisitMetrics) -> Option<f64>) -> Option<f64> {
        let visits = self.visits.of_case(case).iter().filter(|visit| visit.any_ns().is_some());
        let figures: Vec<f64> = visits.filter_map(|visit| figure(&visit.metrics)).collect();
        median(&figures)
    }

    /// What a case is called.
    fn name(&self, case: usize) -> String {
        self.cases[case].case.title_and_count()
    }
}

/// So many of something.
/// A share as a percentage.
fn percent(share: f64) -> String {
    if share < 0.095 { format!("{:.1}%", 100.0 * share) } else { format!("{:.0}%", 100.0 * share) }
}
