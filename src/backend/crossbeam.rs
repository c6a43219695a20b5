//! Backend over crossbeam's scoped threads, spawned in each call. With a static
//! schedule each thread knows its chunks; otherwise the threads receive them from
//! a channel.

use std::ops::Range;

use crossbeam::channel::Receiver;

use super::{Backend, Chunks, Placement, Report, Schedule, Setup, Team, TeamError, Work};

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
        in_scope(self.chunks.nthread, |worker| {
            self.placement.pin_current_thread(worker)?;
            Ok(body(worker).with_times_of_this_thread())
        })
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
fn in_scope(
    nthread: usize,
    body: impl Fn(usize) -> Result<Report, TeamError> + Sync,
) -> Result<Vec<Report>, TeamError> {
    crossbeam::thread::scope(|scope| {
        let body = &body;
        let workers = (1..=nthread)
            .map(|worker| {
                scope
                    .builder()
                    .spawn(move |_| body(worker - 1))
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
    .unwrap_or_else(|panic| Err(TeamError::panicked(0, &*panic)))
}
