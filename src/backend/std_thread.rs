//! Backend over `std::thread::scope`: threads that are spawned and joined in each
//! call.

use std::thread;

use super::{
    Backend, Chunks, Placement, Report, Schedule, Setup, Team, TeamError, Work, panic_message,
};

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
        let (work, nthread) = (self.work, self.chunks.nthread);
        let dispatcher = &self.chunks.dispatcher();
        let run = |worker| work.run_all(dispatcher.claim_for(worker)).with_times_of_this_thread();
        if !self.placement.is_pinned() {
            return in_scope(nthread, run);
        }
        in_scope(nthread, |worker| {
            self.placement.pin_current_thread(worker)?;
            Ok(run(worker))
        })?
        .into_iter()
        .collect()
    }
}

/// Runs `body` in each of `nthread` scoped threads and returns the results.
fn in_scope<T: Send>(
    nthread: usize,
    body: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>, TeamError> {
    let body = &body;
    thread::scope(|scope| {
        let spawn = |worker: usize| {
            thread::Builder::new()
                .spawn_scoped(scope, move || body(worker))
                .map_err(|source| TeamError::CannotStart { worker: worker + 1, nthread, source })
        };
        let workers = (0..nthread).map(spawn).collect::<Result<Vec<_>, _>>()?;
        let join = |(worker, handle): (usize, thread::ScopedJoinHandle<'_, T>)| {
            handle.join().map_err(|panic| TeamError::Panicked {
                worker: worker + 1,
                message: panic_message(&*panic),
            })
        };
        workers.into_iter().enumerate().map(join).collect()
    })
}
