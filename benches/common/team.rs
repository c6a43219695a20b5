//! Teams as a runner makes them.

use std::thread;
use std::time::{Duration, Instant};

use nthread::backend::{Backend, Chunks, StartMethod, Team, TeamError, Work};
use nthread::kernel::{Isa, Job, Kernel};
use nthread::process::thread_count;

/// Time for which joined threads may stay listed in /proc.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

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

/// Waits until the threads of the previous team are gone.
///
/// All teams run in one process, one after the other, and a fork is safe only if no other
/// thread exists. Linux may list a thread for a moment after it was joined.
pub fn wait_until_alone() {
    let start = Instant::now();
    while thread_count().is_ok_and(|threads| threads > 1) && start.elapsed() < EXIT_TIMEOUT {
        thread::yield_now();
    }
}
