//! Rounds of a session: visits every case in each round, records the visits, and stops.

use std::io;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::dispersion::DispersionTest;
use super::executor::{Executor, Interrupted};
use super::forecast::Forecast;
use super::references::reference_of;
use super::run_state::RunState;
use super::stopping::LOOKS;
use super::visit_result::VisitResult;
use super::visit_spec::{CommandWorkload, IsaChoice, VisitSpec, Workload};
use super::{messages, time_budget, warm_up};
use crate::plan::round_order;
use crate::record::{
    ExpectedOutput, OutputPolicy, Position, PrintedOutput, RetiredCase, Row, Run, StopReason,
    Writer,
};

/// Folder of the results directory in which the output of commands is kept.
const OUTPUT_DIR: &str = "output";

/// End of a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionEnd {
    /// Reason for which it stopped.
    pub reason: StopReason,
    /// Signal that ended it, if one did.
    pub signal: Option<Signal>,
}

impl From<StopReason> for SessionEnd {
    fn from(reason: StopReason) -> SessionEnd {
        SessionEnd { reason, signal: None }
    }
}

impl From<Interrupted> for SessionEnd {
    fn from(Interrupted(signal): Interrupted) -> SessionEnd {
        SessionEnd { reason: StopReason::Interrupted, signal: Some(signal) }
    }
}

/// Rounds of a session.
pub struct Rounds<'r, 'a> {
    /// Executor of the visits.
    pub executor: &'r mut Executor<'a>,
    /// Plan, and the session, which notes retired cases.
    pub run: &'r mut Run,
    /// Number of the session.
    pub session: u32,
    /// Results directory.
    pub dir: &'r Path,
    /// Writer of the rows.
    pub writer: Writer,
    /// Forecast of the visits, for their timeouts.
    pub forecast: &'r Forecast,
    /// State of the run.
    pub state: RunState,
    /// Test of runners with random numbers of their own.
    pub dispersion: DispersionTest,
    /// Part of the time budget that earlier sessions used.
    pub used_time: Duration,
    /// Longest group so far; `None` before the first.
    pub longest_group: Option<Duration>,
}

impl Rounds<'_, '_> {
    /// Runs the remaining rounds, until the precision is reached, or the rounds or the time
    /// budget are used up, or a signal comes. Measures the warm-up of `warm_up_cases`
    /// before the first round.
    pub fn run(&mut self, warm_up_cases: &[usize]) -> io::Result<SessionEnd> {
        if let Some(reason) = self.state.stop_reason {
            return Ok(reason.into());
        }
        if self.state.next == (0, 0)
            && let Some(session) = self.run.sessions.last_mut()
            && let Err(interrupted) = warm_up::measure(
                self.executor,
                &self.run.plan,
                self.forecast,
                warm_up_cases,
                &mut session.warm_ups,
            )
        {
            return Ok(interrupted.into());
        }
        if self.run.plan.commands.as_ref().is_some_and(|it| it.output == OutputPolicy::Keep) {
            std::fs::create_dir_all(self.dir.join(OUTPUT_DIR))?;
        }
        let mut position = Position { session: self.session, ..Position::default() };
        for round in 0..self.run.plan.stopping.rounds {
            position.round = round;
            for (group, cases) in (0..).zip(round_order(&self.run.plan, round)) {
                position.group = group;
                if (round, group) < self.state.next {
                    // An earlier session has measured this group.
                    position.visit += cases.len() as u64;
                } else {
                    let start = self.executor.session_time();
                    let cases = self.with_baseline_first_if_last(cases);
                    if let Some(end) = self.run_group(&cases, &mut position)? {
                        return Ok(end);
                    }
                    let time = self.executor.session_time().saturating_sub(start);
                    self.longest_group = self.longest_group.max(Some(time));
                }
            }
            if round < self.state.next.0 {
                continue;
            }
            self.set_budget_from_first_round()?;
            self.show_progress(round);
            if let Some(reason) = self.state.end_round(round + 1) {
                return Ok(reason.into());
            }
        }
        Ok(StopReason::Rounds.into())
    }

    /// The cases of a group; its baseline is the first if the time budget may end in the group,
    /// since without it the other visits give no speedup.
    fn with_baseline_first_if_last(&self, mut cases: Vec<usize>) -> Vec<usize> {
        let plan = &self.run.plan;
        // The duration of a command is unknown before it has run.
        let needed = match self.longest_group {
            Some(time) => time,
            None if plan.commands.is_some() => Duration::MAX,
            None => Duration::ZERO,
        };
        if self.time_left().is_some_and(|left| left < needed) {
            cases.sort_by_key(|case| !plan.is_baseline(*case));
        }
        cases
    }

    /// Makes the visits of a group.
    fn run_group(
        &mut self,
        cases: &[usize],
        position: &mut Position,
    ) -> io::Result<Option<SessionEnd>> {
        for &case in cases {
            if let Some(signal) = self.executor.end_signal() {
                return Ok(Some(Interrupted(signal).into()));
            }
            if self.time_left() == Some(Duration::ZERO) {
                return Ok(Some(StopReason::Budget.into()));
            }
            if !self.state.is_retired(case) {
                self.executor.progress.start_visit(position.round, &self.run.plan.cases[case]);
                let result = match self.visit(case, *position)? {
                    Ok(result) => result,
                    Err(interrupted) => return Ok(Some(interrupted.into())),
                };
                // The rows are written between visits: nothing touches the disk while a
                // call is timed.
                self.writer.append(&result.rows)?;
                let rows: Vec<&Row> = result.rows.iter().collect();
                if let Some(problem) = self.state.add_visit(case, &rows) {
                    self.report_failure(case, position.round, problem);
                }
            }
            self.executor.progress.end_visit();
            position.visit += 1;
        }
        Ok(None)
    }

    /// Remaining time; `None` without a time budget.
    pub fn time_left(&self) -> Option<Duration> {
        let budget = Duration::from_nanos(self.run.plan.stopping.time_budget_ns?);
        Some(budget.saturating_sub(self.used_time + self.executor.session_time()))
    }

    /// Makes a visit.
    fn visit(
        &mut self,
        index: usize,
        position: Position,
    ) -> io::Result<Result<VisitResult, Interrupted>> {
        let plan = &self.run.plan;
        let case = &plan.cases[index];
        let reference = reference_of(plan, self.executor.registry, case);
        let baseline = plan.baseline.and_then(|baseline| plan.cases.get(baseline));
        let output_path = self.dir.join(OUTPUT_DIR).join(format!("visit-{}", position.visit));
        let workload = match (reference, &plan.commands, baseline) {
            (Some(reference), ..) => Workload::Job(reference),
            (None, Some(commands), _) => Workload::Command(CommandWorkload {
                commands,
                expected: plan.expected_outputs.iter().find(|it| it.label == case.label),
                output_path: &output_path,
                limit: None,
            }),
            (None, None, Some(baseline)) => Workload::Function(baseline),
            (None, None, None) => {
                return Err(io::Error::other("the plan has a case without a job"));
            }
        };
        let spec = VisitSpec {
            case,
            workload,
            warmup: plan.warmup,
            iterations: plan.iterations,
            timeout: self.forecast.timeout(plan, case),
            isa: IsaChoice::Fastest,
        };
        let mut result = match self.executor.visit(&spec, position) {
            Ok(result) => result,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        if let Some(first) = &result.first_output {
            // Later visits must print the same, after a resume as well.
            let first = ExpectedOutput { label: case.label.clone(), ..first.clone() };
            self.run.plan.expected_outputs.push(first);
            self.run.write(self.dir)?;
        }
        if let Some(printed) = &result.printed
            && self.add_printed(index, printed)
        {
            self.run.write(self.dir)?;
        }
        if result.problem.is_none()
            && let Err(problem) = self.dispersion.add_visit(index, result.check, &result.rows)
        {
            result.fail(problem);
        }
        Ok(Ok(result))
    }

    /// Adds the output of a visit to that of its case. Returns whether that is news.
    fn add_printed(&mut self, case: usize, printed: &PrintedOutput) -> bool {
        let outputs = &mut self.run.plan.printed_outputs;
        match outputs.iter_mut().find(|output| output.case == case) {
            Some(output) => output.add(printed),
            None => {
                outputs.push(PrintedOutput { case, ..printed.clone() });
                true
            }
        }
    }

    /// Shows that a visit failed, and notes in the session if its case is retired.
    fn report_failure(&mut self, index: usize, round: u32, error: String) {
        let is_retired = self.state.is_retired(index);
        let note =
            if is_retired { "; it failed twice in a row and is not visited again" } else { "" };
        let case = self.run.plan.cases[index].title_with_count();
        self.executor.progress.problem(&format!("round {}: {case}: {error}{note}", round + 1));
        if is_retired && let Some(session) = self.run.sessions.last_mut() {
            session.retired.push(RetiredCase { case: index, round, error });
        }
    }

    /// Sets the time budget after the first round, and announces it, if the run has none and
    /// ends by its precision. Without speeds there is no forecast before the first round.
    fn set_budget_from_first_round(&mut self) -> io::Result<()> {
        let is_forecast = self.run.plan.target.is_kernel();
        let stopping = &mut self.run.plan.stopping;
        if is_forecast || stopping.precision.is_none() || stopping.time_budget_ns.is_some() {
            return Ok(());
        }
        let round = self.state.first_round;
        let forecast = round.saturating_mul(LOOKS[0]);
        let budget = time_budget::from_forecast(forecast.as_nanos() as f64);
        stopping.time_budget_ns = Some(budget.as_nanos() as u64);
        self.run.write(self.dir)?;
        let progress = self.executor.progress;
        progress.set_time_left(self.time_left());
        progress.note(&messages::first_round(round, forecast, budget));
        Ok(())
    }

    /// Shows the progress after a round: the median times of commands and functions, the
    /// precision of kernels.
    fn show_progress(&self, round: u32) {
        let (plan, progress) = (&self.run.plan, self.executor.progress);
        if plan.target.is_kernel() {
            progress.show_precision(round, plan, || self.state.widest_interval());
        } else {
            progress.show_times(round, plan, || messages::median_times(plan, &self.state));
        }
    }
}
