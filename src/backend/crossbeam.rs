//! Backend over crossbeam's scoped threads, spawned in each call. With a static
//! schedule each thread knows its chunks; otherwise the threads receive them from
//! a channel.

use std::any::Any;
use std::ops::Range;

use crossbeam::channel::Receiver;
use crossbeam::thread::ScopedJoinHandle;

use super::{
    Backend, Chunks, Placement, Report, Schedule, Setup, Team, TeamError, Work, panic_message,
};

/// Backend over scoped threads and channels of crossbeam.
pub struct Crossbeam;

impl Backend for Crossbeam {
    fn name(&self) -> &'static str {
        "crossbeam"
    }

    fn about(&self) -> &'static str {
        "crossbeam scoped threads, spawned in each call; dynamic and guided pull from a channel"
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
        let (work, chunks) = (self.work, self.chunks);
        if chunks.schedule == Schedule::Static {
            let dispatcher = chunks.dispatcher();
            self.run(|worker| work.run_all(dispatcher.claim_for(worker)))
        } else {
            let queue = filled_channel(chunks);
            self.run(|_| work.run_all(queue.iter()))
        }
    }
}

impl Scoped {
    /// Runs `body` in each worker, pinned if requested.
    fn run(&self, body: impl Fn(usize) -> Report + Sync) -> Result<Vec<Report>, TeamError> {
        let run = |worker| body(worker).with_times_of_this_thread();
        if !self.placement.is_pinned() {
            return in_scope(self.chunks.nthread, run);
        }
        in_scope(self.chunks.nthread, |worker| {
            self.placement.pin_current_thread(worker)?;
            Ok(run(worker))
        })?
        .into_iter()
        .collect()
    }
}

/// Makes a channel that contains all chunks and whose sender is dropped.
fn filled_channel(chunks: Chunks) -> Receiver<Range<u64>> {
    let (sender, receiver) = crossbeam::channel::unbounded();
    // The receiver is alive, so a send cannot fail.
    chunks.dispatcher().claim_for(0).for_each(|range| drop(sender.send(range)));
    receiver
}

/// Runs `body` in each of `nthread` scoped threads and returns the results.
fn in_scope<T: Send>(
    nthread: usize,
    body: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>, TeamError> {
    let panicked = |worker, panic: Box<dyn Any + Send>| TeamError::Panicked {
        worker,
        message: panic_message(&*panic),
    };
    crossbeam::thread::scope(|scope| {
        let body = &body;
        let spawn =
            |worker: usize| {
                scope.builder().spawn(move |_| body(worker)).map_err(|source| {
                    TeamError::CannotStart { worker: worker + 1, nthread, source }
                })
            };
        let workers = (0..nthread).map(spawn).collect::<Result<Vec<_>, _>>()?;
        let join = |(worker, handle): (usize, ScopedJoinHandle<'_, T>)| {
            handle.join().map_err(|panic| panicked(worker + 1, panic))
        };
        workers.into_iter().enumerate().map(join).collect()
    })
    .unwrap_or_else(|panic| Err(panicked(0, panic)))
}
