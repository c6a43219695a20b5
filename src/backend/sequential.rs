//! One loop: the baseline of every speedup.

use super::{Backend, Chunks, Report, Schedule, StartMethod, Team, TeamError, Work, cpu_clock};

/// The plain loop.
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

    fn team(&self, work: Work, _: Chunks, _: StartMethod) -> Result<Box<dyn Team>, TeamError> {
        Ok(Box::new(Loop { work }))
    }
}

struct Loop {
    work: Work,
}

impl Team for Loop {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        Ok(vec![self.work.run(0..self.work.blocks())])
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        vec![cpu_clock::own_ns()]
    }
}
