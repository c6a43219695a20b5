//! Backend over a pool of persistent threads that receive from a channel, as many
//! programs write it by hand: the counterpart of Python's
//! `multiprocessing.pool.ThreadPool`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::{
    Backend, ChunkDispatcher, Chunks, Report, Schedule, Setup, Team, TeamError, Work, cpu_clock,
    panic_message,
};

/// Backend over a pool of std threads fed by a channel.
pub struct ThreadPool;

impl Backend for ThreadPool {
    fn name(&self) -> &'static str {
        "thread-pool"
    }

    fn about(&self) -> &'static str {
        "persistent std threads fed by a channel"
    }

    fn schedules(&self) -> &'static [Schedule] {
        &[Schedule::Dynamic, Schedule::Static, Schedule::Guided]
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let team = ThreadPoolTeam::new(work, chunks)?;
        setup.placement.pin_threads(&team.threads)?;
        Ok(Box::new(team))
    }
}

/// Request to a thread: the number of a part of a call; `None` ends the thread.
type Request = Option<usize>;

/// Reply of a thread: its index, and the report or the message of a panic.
type Reply = (usize, Result<Report, String>);

struct ThreadPoolTeam {
    /// Dispatcher of chunks to the threads; reset before each call.
    dispatcher: Arc<ChunkDispatcher>,
    requests: Sender<Request>,
    replies: Receiver<Reply>,
    threads: Vec<JoinHandle<()>>,
}

impl ThreadPoolTeam {
    fn new(work: Work, chunks: Chunks) -> Result<ThreadPoolTeam, TeamError> {
        let (requests, inbox) = bounded(chunks.nthread);
        let (outbox, replies) = bounded(chunks.nthread);
        let dispatcher = Arc::new(chunks.dispatcher());
        let mut team = ThreadPoolTeam { dispatcher, requests, replies, threads: Vec::new() };
        for index in 0..chunks.nthread {
            let (inbox, outbox) = (inbox.clone(), outbox.clone());
            let dispatcher = Arc::clone(&team.dispatcher);
            let thread = thread::Builder::new()
                .spawn(move || run_worker(index, work, &dispatcher, &inbox, &outbox))
                .map_err(|source| TeamError::CannotStart {
                    worker: index + 1,
                    nthread: chunks.nthread,
                    source,
                })?;
            team.threads.push(thread);
        }
        Ok(team)
    }

    /// Sends a request. It cannot fail: the threads keep the receiver until they
    /// are asked to end.
    fn send(&self, request: Request) {
        let _ = self.requests.send(request);
    }
}

/// Runs a thread until it is asked to end. A fast thread may run two parts of a
/// call, and another none.
fn run_worker(
    index: usize,
    work: Work,
    dispatcher: &ChunkDispatcher,
    inbox: &Receiver<Request>,
    outbox: &Sender<Reply>,
) {
    while let Ok(Some(part)) = inbox.recv() {
        let result = catch_unwind(AssertUnwindSafe(|| work.run_all(dispatcher.claim_for(part))));
        drop(outbox.send((index, result.map_err(|panic| panic_message(&*panic)))));
    }
}

impl Team for ThreadPoolTeam {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let nthread = self.threads.len();
        // No thread claims chunks now: all replies of the last call were received.
        self.dispatcher.reset();
        (0..nthread).for_each(|part| self.send(Some(part)));
        let mut reports = vec![Report::default(); nthread];
        let mut panicked = None;
        // All replies are received, even after a panic: the next call must not
        // receive a reply to this one, nor find a thread that still claims chunks.
        for (index, result) in self.replies.iter().take(nthread) {
            match result {
                Ok(report) => reports[index] += report,
                Err(message) => {
                    panicked = Some(TeamError::Panicked { worker: index + 1, message });
                }
            }
        }
        panicked.map_or(Ok(reports), Err)
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        self.threads.iter().map(cpu_clock::thread_ns).collect()
    }
}

impl Drop for ThreadPoolTeam {
    fn drop(&mut self) {
        self.threads.iter().for_each(|_| self.send(None));
        for thread in self.threads.drain(..) {
            // Panics were caught and sent in replies.
            drop(thread.join());
        }
    }
}
