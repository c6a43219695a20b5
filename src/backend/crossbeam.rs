//! crossbeam's scoped threads, spawned in each call. With a static schedule
//! each knows its chunks; otherwise they pull them from a channel.

use std::any::Any;
use std::ops::Range;

use crossbeam::channel::Receiver;
use crossbeam::thread::ScopedJoinHandle;

use super::{
    Backend, Chunks, Placement, Report, Schedule, Setup, Team, TeamError, Work, panic_message,
};

/// Scoped threads and channels of crossbeam.
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
            let dealer = chunks.dealer();
            self.run(|worker| work.run_all(dealer.hand(worker)))
        } else {
            let queue = filled(chunks);
            self.run(|_| work.run_all(queue.iter()))
        }
    }
}

impl Scoped {
    /// Runs `body` in each worker.
    fn run(&self, body: impl Fn(usize) -> Report + Sync) -> Result<Vec<Report>, TeamError> {
        let run = |worker| body(worker).with_times_of_this_thread();
        if !self.placement.is_pinned() {
            return in_scope(self.chunks.nthread, run);
        }
        let pinned = |worker| self.placement.pin_own(worker).map(|()| run(worker));
        in_scope(self.chunks.nthread, pinned)?.into_iter().collect()
    }
}

/// A channel that holds all chunks and is closed behind them.
fn filled(chunks: Chunks) -> Receiver<Range<u64>> {
    let (sender, receiver) = crossbeam::channel::unbounded();
    // The receiver is alive, so a send cannot fail.
    chunks.dealer().hand(0).for_each(|range| drop(sender.send(range)));
    receiver
}

/// What `body` makes in each of `nthread` scoped threads.
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
