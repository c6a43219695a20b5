//! Runs of commands that nobody writes down: only how long each took.

use std::path::Path;
use std::time::{Duration, Instant};

use super::calibrate::LONGEST;
use super::errand::{Errand, Form, Program, Task};
use super::listen::CutShort;
use super::progress::Progress;
use super::supervise::Supervisor;
use super::visit::{Clerk, visit};
use super::{CampaignError, is_entered};
use crate::machine::Places;
use crate::machine::clock;
use crate::machine::interference::InterferenceMeter;
use crate::plan::PlannedCommands;
use crate::record::{COMMAND, Case, Position};
use crate::registry::Registry;

/// Times runs of a command as the visits of a sweep do: in a session of their own,
/// with its thread variables, checked, and with nothing left behind.
pub struct Stopwatch<'a> {
    registry: &'a Registry,
    progress: &'a Progress,
    programs: &'a PlannedCommands,
    timeout: Duration,
    supervisor: Supervisor<'a>,
    places: Places,
    meter: InterferenceMeter,
    started: Instant,
}

impl<'a> Stopwatch<'a> {
    /// Takes over this process. A run that lasts longer than `timeout` fails.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn new(
        registry: &'a Registry,
        progress: &'a Progress,
        programs: &'a PlannedCommands,
        timeout: Option<Duration>,
    ) -> Result<Stopwatch<'a>, CampaignError> {
        if !is_entered() {
            return Err(CampaignError::NotEntered);
        }
        Ok(Stopwatch {
            registry,
            progress,
            programs,
            timeout: timeout.unwrap_or(LONGEST),
            supervisor: Supervisor::new(&clock::System).map_err(CampaignError::Supervise)?,
            places: Places::read(),
            meter: InterferenceMeter::new(),
            started: Instant::now(),
        })
    }

    /// How long one run of the first command takes with so many threads.
    ///
    /// # Errors
    /// If it fails, or a signal comes.
    pub fn time(&mut self, nthread: u32) -> Result<Duration, CampaignError> {
        let commands = &self.programs.commands;
        let label = commands.list.first().map(|it| it.label.clone()).unwrap_or_default();
        let backend = COMMAND.to_string();
        let case = Case { backend, nthread, inner_nthread: 1, label, ..Case::default() };
        let failed = |problem| CampaignError::Command { what: case.title_and_count(), problem };
        if let Some(signal) = self.supervisor.interrupted() {
            return Err(CampaignError::Stopped(signal));
        }
        let kept = Path::new("");
        let task = Task::Command(Program { commands, expected: None, kept });
        let (warmup, iterations, form) = (0, 1, Form::Fastest);
        let errand = Errand { case: &case, task, warmup, iterations, timeout: self.timeout, form };
        loop {
            let clerk = Clerk {
                session_start: self.started,
                position: Position::default(),
                progress: self.progress,
                meter: &self.meter,
            };
            let made = visit(&mut self.supervisor, self.registry, &self.places, &errand, clerk);
            let visited = match made {
                Ok(visited) => visited,
                Err(CutShort::Interrupted(signal)) => return Err(CampaignError::Stopped(signal)),
                // A run that somebody stopped for a while is made again.
                Err(CutShort::Suspended(_)) => continue,
            };
            let time = visited.call_ns().next().map(Duration::from_nanos);
            return match (visited.problem, time) {
                (None, Some(time)) => Ok(time),
                (problem, _) => Err(failed(problem.unwrap_or_else(|| "it was not timed".into()))),
            };
        }
    }
}
