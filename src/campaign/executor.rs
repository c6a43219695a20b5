//! Executor of visits: runs one at a time, and keeps the clock of the session.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::error::CampaignError;
use super::observer::Interruption;
use super::progress::Progress;
use super::row_builder::{RowBuilder, RowContext};
use super::supervisor::Supervisor;
use super::visit_result::VisitResult;
use super::visit_spec::VisitSpec;
use crate::enter::serves_verbs;
use crate::kernel::Kernel;
use crate::machine::Places;
use crate::machine::clock::{self, Clock};
use crate::machine::interference::InterferenceMeter;
use crate::record::{Case, Position};
use crate::registry::Registry;

/// Signal that asked the run to end.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted(pub Signal);

/// Executor of the visits of a session.
pub struct Executor<'a> {
    /// Registry of kernels, backends and runners.
    pub registry: &'a Registry,
    /// Display of progress and problems.
    pub progress: &'a Progress,
    supervisor: Supervisor<'a>,
    places: Places,
    meter: InterferenceMeter,
    session_start: Instant,
    /// Time for which the session was suspended.
    suspended: Duration,
}

impl<'a> Executor<'a> {
    /// Takes over the signals and children of this process.
    ///
    /// # Errors
    /// If this executable cannot be started as a runner, or a system call fails.
    pub fn new(
        registry: &'a Registry,
        progress: &'a Progress,
    ) -> Result<Executor<'a>, CampaignError> {
        if !serves_verbs() {
            return Err(CampaignError::NotEntered);
        }
        Ok(Executor {
            registry,
            progress,
            supervisor: Supervisor::new(&clock::System).map_err(CampaignError::Supervise)?,
            places: Places::read(),
            meter: InterferenceMeter::new(),
            session_start: Instant::now(),
            suspended: Duration::ZERO,
        })
    }

    /// Replaces the system's clock.
    pub fn set_clock(&mut self, clock: &'a dyn Clock) {
        self.supervisor.clock = clock;
    }

    /// Starts the clock of the session.
    pub fn start_session(&mut self) {
        self.session_start = Instant::now();
        self.suspended = Duration::ZERO;
    }

    /// Time of the session so far, without that for which it was suspended.
    pub fn session_time(&self) -> Duration {
        self.session_start.elapsed().saturating_sub(self.suspended)
    }

    /// Signal that asked the run to end, if one has come.
    pub fn end_signal(&mut self) -> Option<Signal> {
        self.supervisor.end_signal()
    }

    /// Kernel of a case.
    ///
    /// # Errors
    /// If the registry does not have it.
    pub fn kernel_of(&self, case: &Case) -> Result<&'static dyn Kernel, CampaignError> {
        let kernel = self.registry.kernel(&case.kernel);
        kernel.ok_or_else(|| CampaignError::UnknownKernel(case.kernel.clone()))
    }

    /// Makes a visit. One during which the run was suspended is repeated.
    ///
    /// # Errors
    /// If a signal ends the run.
    pub fn visit(
        &mut self,
        spec: &VisitSpec<'_>,
        position: Position,
    ) -> Result<VisitResult, Interrupted> {
        loop {
            match self.try_visit(spec, position) {
                Ok(result) => return Ok(result),
                Err(Interruption::Ended(signal)) => return Err(Interrupted(signal)),
                Err(Interruption::Suspended(time)) => {
                    self.suspended += time;
                    self.progress.problem(&format!(
                        "suspended for {:.1} s during {}: the visit is repeated",
                        time.as_secs_f64(),
                        spec.case.title_with_count()
                    ));
                }
            }
        }
    }

    fn try_visit(
        &mut self,
        spec: &VisitSpec<'_>,
        position: Position,
    ) -> Result<VisitResult, Interruption> {
        let request = spec.request(&self.places);
        let (mut command, input) = spec.process(self.registry, &request);
        let context = RowContext {
            session_start: self.session_start,
            position,
            progress: self.progress,
            meter: &self.meter,
        };
        // Steal and throttling are read before the runner starts and after its last
        // process has ended.
        let before = self.meter.snapshot();
        let mut builder = RowBuilder::new(&request, spec, context);
        let process = self.supervisor.watch(&mut command, &input, spec.timeout, &mut builder)?;
        Ok(builder.finish(process, &before))
    }
}
