//! Stopwatch: times single runs of a command, which are not recorded.

use std::path::Path;
use std::time::Duration;

use super::CampaignError;
use super::executor::Executor;
use super::forecast::MAX_DURATION;
use super::progress::Progress;
use super::visit_spec::{CommandWorkload, IsaChoice, VisitSpec, Workload};
use crate::advise::RunTime;
use crate::record::{COMMAND, Case, CommandPlan, Position};
use crate::registry::Registry;

/// Stopwatch for the runs of a command. A run is made as a visit of a sweep: in a session
/// of its own, with its thread variables, checked, and with no process left behind.
pub struct Stopwatch<'a> {
    executor: Executor<'a>,
    commands: &'a CommandPlan,
    timeout: Duration,
}

impl<'a> Stopwatch<'a> {
    /// Takes over this process. A run that exceeds `timeout` fails.
    ///
    /// # Errors
    /// If a system call fails.
    pub fn new(
        registry: &'a Registry,
        progress: &'a Progress,
        commands: &'a CommandPlan,
        timeout: Option<Duration>,
    ) -> Result<Stopwatch<'a>, CampaignError> {
        let executor = Executor::new(registry, progress)?;
        Ok(Stopwatch { executor, commands, timeout: timeout.unwrap_or(MAX_DURATION) })
    }

    /// Times one run of the first command with this number of threads. The run is stopped at
    /// `limit`, if there is one.
    ///
    /// # Errors
    /// If the run fails, or a signal comes.
    pub fn time(
        &mut self,
        nthread: u32,
        limit: Option<Duration>,
    ) -> Result<RunTime, CampaignError> {
        if let Some(signal) = self.executor.end_signal() {
            return Err(CampaignError::Interrupted(signal));
        }
        let commands = self.commands;
        let label = commands.list.first().map(|command| command.label.clone()).unwrap_or_default();
        let backend = COMMAND.to_string();
        let case = Case { backend, nthread, inner_nthread: 1, label, ..Case::default() };
        let output_path = Path::new("");
        let workload = CommandWorkload { commands, expected: None, output_path, limit };
        let spec = VisitSpec {
            case: &case,
            workload: Workload::Command(workload),
            warmup: 0,
            iterations: 1,
            timeout: self.timeout,
            isa: IsaChoice::Fastest,
        };
        let result = self.executor.visit(&spec, Position::default())?;
        let time_ns = result.call_ns().first().copied();
        let Some(wall) = time_ns.map(|ns| Duration::from_nanos(ns as u64)) else {
            return Err(failed(&case, result.problem));
        };
        // A run that lasted until the limit was stopped there, which is its only problem.
        let is_stopped = limit.is_some_and(|limit| wall >= limit);
        match result.problem {
            Some(problem) if !is_stopped => Err(failed(&case, Some(problem))),
            _ => Ok(RunTime { wall, cpu: result.cpu_time(), is_stopped }),
        }
    }
}

fn failed(case: &Case, problem: Option<String>) -> CampaignError {
    let problem = problem.unwrap_or_else(|| "the run has no time".into());
    CampaignError::Command(case.title_with_count(), problem)
}
