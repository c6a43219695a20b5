//! Stopwatch: times single runs of a command, which are not recorded.

use std::path::Path;
use std::time::Duration;

use super::CampaignError;
use super::executor::Executor;
use super::forecast::MAX_DURATION;
use super::progress::Progress;
use super::visit_spec::{CommandWorkload, IsaChoice, VisitSpec, Workload};
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

    /// Times one run of the first command with this number of threads.
    ///
    /// # Errors
    /// If the run fails, or a signal comes.
    pub fn time(&mut self, nthread: u32) -> Result<Duration, CampaignError> {
        if let Some(signal) = self.executor.end_signal() {
            return Err(CampaignError::Interrupted(signal));
        }
        let commands = self.commands;
        let label = commands.list.first().map(|command| command.label.clone()).unwrap_or_default();
        let backend = COMMAND.to_string();
        let case = Case { backend, nthread, inner_nthread: 1, label, ..Case::default() };
        let output_path = Path::new("");
        let spec = VisitSpec {
            case: &case,
            workload: Workload::Command(CommandWorkload { commands, expected: None, output_path }),
            warmup: 0,
            iterations: 1,
            timeout: self.timeout,
            isa: IsaChoice::Fastest,
        };
        let result = self.executor.visit(&spec, Position::default())?;
        let time = result.call_ns().first().map(|ns| Duration::from_nanos(*ns as u64));
        match (result.problem, time) {
            (None, Some(time)) => Ok(time),
            (problem, _) => Err(CampaignError::Command(
                case.title_with_count(),
                problem.unwrap_or_else(|| "the run has no time".into()),
            )),
        }
    }
}
