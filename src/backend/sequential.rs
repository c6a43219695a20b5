//! Sequential backend: one loop, the baseline of every speedup.

use super::{Backend, Chunks, Report, Schedule, Setup, Team, TeamError, Work, cpu_clock};
use crate::machine::affinity::{self, Task};

/// Backend that runs all blocks in one loop.
pub struct Sequential;

impl Backend for Sequential {
    fn name(&self) -> &'static str {
        "sequential"
    }

    fn about(&self) -> &'static str {
        "one loop; the baseline"
    }

    fn schedules(&self) -> &'static [Schedule] {
        &[Schedule::Static]
    }

    fn team(&self, work: Work, _: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let mut team = Loop { work, mask: Vec::new() };
        if setup.placement.is_pinned() {
            team.mask = affinity::own();
            setup.placement.pin_current_thread(0)?;
        }
        Ok(Box::new(team))
    }
}

struct Loop {
    work: Work,
    /// CPU mask of the calling thread before it was pinned; empty if it was not.
    mask: Vec<usize>,
}

impl Team for Loop {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        Ok(vec![self.work.run(0..self.work.blocks())])
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        vec![cpu_clock::current_thread_ns()]
    }
}

impl Drop for Loop {
    /// Restores the CPU mask of the calling thread.
    fn drop(&mut self) {
        if !self.mask.is_empty() {
            // Fails if a CPU was removed meanwhile, which is no error here.
            drop(affinity::pin(Task::Current, &self.mask));
        }
    }
}
