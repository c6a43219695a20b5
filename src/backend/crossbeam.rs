//! crossbeam's scoped threads, spawned in each call. With a static schedule
//! each knows its chunks; otherwise they pull them from a channel.

use std::any::Any;
use std::ops::Range;

use crossbeam::channel::Receiver;
use crossbeam::thread::ScopedJoinHandle;

use super::{Backend, Chunks, Report, Schedule, StartMethod, Team, TeamError, Work, panic_message};

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

    fn team(&self, work: Work, chunks: Chunks, _: StartMethod) -> Result<Box<dyn Team>, TeamError> {
        Ok(Box::new(Scoped { work, chunks }))
    }
}

struct Scoped {
    work: Work,
    chunks: Chunks,
}

impl Team for Scoped {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let (work, chunks) = (self.work, self.chunks);
        if chunks.schedule == Schedule::Static {
            let dealer = chunks.dealer();
            in_scope(chunks.nthread, |worker| work.run_all(dealer.hand(worker)))
        } else {
            let queue = filled(chunks);
            in_scope(chunks.nthread, |_| work.run_all(queue.iter()))
        }
    }
}

/// A channel that holds all chunks and is closed behind them.
fn filled(chunks: Chunks) -> Receiver<Range<u64>> {
    let (sender, receiver) = crossbeam::channel::unbounded();
    // The receiver is alive, so a send cannot fail.
    chunks.dealer().hand(0).for_each(|range| drop(sender.send(range)));
    receiver
}

/// Runs `body` in each of `nthread` scoped threads.
fn in_scope<F>(nthread: usize, body: F) -> Result<Vec<Report>, TeamError>
where
    F: Fn(usize) -> Report + Sync,
{
    let panicked = |worker, panic: Box<dyn Any + Send>| TeamError::Panicked {
        worker,
        message: panic_message(&*panic),
    };
    crossbeam::thread::scope(|scope| {
        let body = &body;
        let spawn = |worker: usize| {
            scope
                .builder()
                .spawn(move |_| body(worker).with_times_of_this_thread())
                .map_err(|source| TeamError::CannotStart { worker: worker + 1, nthread, source })
        };
        let workers = (0..nthread).map(spawn).collect::<Result<Vec<_>, _>>()?;
        let join = |(worker, handle): (usize, ScopedJoinHandle<'_, Report>)| {
            handle.join().map_err(|panic| panicked(worker + 1, panic))
        };
        workers.into_iter().enumerate().map(join).collect()
    })
    .unwrap_or_else(|panic| Err(panicked(0, panic)))
}
