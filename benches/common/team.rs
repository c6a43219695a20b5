//! Teams as a runner would make them.

use std::thread;
use std::time::{Duration, Instant};

use nthread::backend::{Backend, Chunks, StartMethod, Team, TeamError, Work};
use nthread::kernel::{Isa, Job, Kernel};
use nthread::process::thread_count;

/// How long threads that were joined may stay listed.
const PATIENCE: Duration = Duration::from_secs(1);

/// A team with the backend's own schedule and chunk.
pub fn team(
    backend: &dyn Backend,
    kernel: &'static dyn Kernel,
    job: Job,
    nthread: u32,
) -> Result<Box<dyn Team>, TeamError> {
    wait_until_alone();
    let schedule = backend.schedules()[0];
    let chunk = schedule.default_chunk(job.blocks, nthread);
    let chunks = Chunks { blocks: job.blocks, chunk, schedule, nthread: nthread as usize };
    backend.team(Work::new(kernel, job, Isa::best()), chunks, &StartMethod::Fork.into())
}

/// Waits until the threads of the team before are gone.
///
/// Everything here runs in one process, one team after the other, and to fork
/// is safe only where no other thread exists. The system may list a thread for
/// a moment after it was joined.
pub fn wait_until_alone() {
    let start = Instant::now();
    while thread_count().is_ok_and(|threads| threads > 1) && start.elapsed() < PATIENCE {
        thread::yield_now();
    }
}
