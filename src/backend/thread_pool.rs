//! Persistent threads that wait at a channel: what many programs write by hand,
//! and what Python's `multiprocessing.pool.ThreadPool` is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::{
    Backend, Chunks, Dealer, Report, Schedule, Setup, Team, TeamError, Work, cpu_clock,
    panic_message,
};

/// A pool of std threads fed by a channel.
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
        let pool = Pool::new(work, chunks)?;
        setup.placement.pin_threads(&pool.threads)?;
        Ok(Box::new(pool))
    }
}

/// One part of a call, by number; `None` ends the thread that receives it.
type Part = Option<usize>;

/// The answer of a thread to a part: the report, or what a panic said.
type Answer = (usize, Result<Report, String>);

struct Pool {
    /// Where the threads get their chunks; reset before each call.
    dealer: Arc<Dealer>,
    parts: Sender<Part>,
    answers: Receiver<Answer>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    fn new(work: Work, chunks: Chunks) -> Result<Pool, TeamError> {
        let (parts, inbox) = bounded(chunks.nthread);
        let (outbox, answers) = bounded(chunks.nthread);
        let dealer = Arc::new(chunks.dealer());
        let mut pool = Pool { dealer, parts, answers, threads: Vec::new() };
        for index in 0..chunks.nthread {
            let (inbox, outbox) = (inbox.clone(), outbox.clone());
            let dealer = Arc::clone(&pool.dealer);
            let refused = |source| TeamError::CannotStart {
                worker: index + 1,
                nthread: chunks.nthread,
                source,
            };
            let life = move || serve(index, work, &dealer, &inbox, &outbox);
            pool.threads.push(thread::Builder::new().spawn(life).map_err(refused)?);
        }
        Ok(pool)
    }

    /// The threads end only after they were told to, so somebody listens.
    fn send(&self, part: Part) {
        let _ = self.parts.send(part);
    }
}

/// A thread's life: answer parts until there is none. One that is faster may
/// answer two parts of a call, and another none.
fn serve(
    index: usize,
    work: Work,
    dealer: &Dealer,
    inbox: &Receiver<Part>,
    outbox: &Sender<Answer>,
) {
    while let Ok(Some(part)) = inbox.recv() {
        let answer = catch_unwind(AssertUnwindSafe(|| work.run_all(dealer.hand(part))));
        drop(outbox.send((index, answer.map_err(|panic| panic_message(&*panic)))));
    }
}

impl Team for Pool {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let nthread = self.threads.len();
        self.dealer.reset();
        (0..nthread).for_each(|part| self.send(Some(part)));
        let mut reports = vec![Report::default(); nthread];
        let mut panicked = None;
        // All answers are taken, whatever they say: the next call must not
        // find one of this one, nor a thread that still asks for its chunks.
        for (index, answer) in self.answers.iter().take(nthread) {
            match answer {
                Ok(report) => reports[index] += report,
                Err(message) => {
                    panicked = Some(TeamError::Panicked { worker: index + 1, message });
                }
            }
        }
        panicked.map_or(Ok(reports), Err)
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        self.threads.iter().map(cpu_clock::of_thread_ns).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.threads.iter().for_each(|_| self.send(None));
        for thread in self.threads.drain(..) {
            // Panics were caught and answered.
            drop(thread.join());
        }
    }
}
