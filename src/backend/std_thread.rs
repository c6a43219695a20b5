//! Backend over `std::thread::scope`: threads that are spawned and joined in each
//! call.

use std::thread;

use super::{Backend, Chunks, Placement, Report, Schedule, Setup, Team, TeamError, Work};

/// Backend over scoped threads of the standard library.
pub struct StdThread;

impl Backend for StdThread {
    fn name(&self) -> &'static str {
        "std-thread"
    }

    fn about(&self) -> &'static str {
        "std::thread::scope, n threads spawned in each call"
    }

    fn schedules(&self) -> &'static [Schedule] {
        &[Schedule::Static, Schedule::Dynamic, Schedule::Guided]
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        Ok(Box::new(Scoped { work, chunks, placement: setup.placement.clone() }))
    }
}

struct Scoped {
    work: Work,
    chunks: Chunks,
    placement: Placement,
}

impl Team for Scoped {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let dispatcher = self.chunks.dispatcher();
        in_scope(self.chunks.nthread, |worker| {
            self.placement.pin_current_thread(worker)?;
            Ok(self.work.run_all(dispatcher.claim_for(worker)).with_times_of_this_thread())
        })
    }
}

/// Runs `body` in each of `nthread` scoped threads and returns the results.
fn in_scope(
    nthread: usize,
    body: impl Fn(usize) -> Result<Report, TeamError> + Sync,
) -> Result<Vec<Report>, TeamError> {
    let body = &body;
    thread::scope(|scope| {
        let workers = (1..=nthread)
            .map(|worker| {
                thread::Builder::new()
                    .spawn_scoped(scope, move || body(worker - 1))
                    .map_err(|source| TeamError::CannotStart { worker, nthread, source })
            })
            .collect::<Result<Vec<_>, _>>()?;
        (1..=nthread)
            .zip(workers)
            .map(|(worker, handle)| {
                handle.join().unwrap_or_else(|panic| Err(TeamError::panicked(worker, &*panic)))
            })
            .collect()
    })
}
