//! Persistent threads that wait at a channel: what many programs write by hand,
//! and what Python's `multiprocessing.pool.ThreadPool` is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, unbounded};

use super::{Backend, Chunks, Dealer, Report, Schedule, Team, TeamError, Work, panic_message};

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

    fn team(&self, work: Work, chunks: Chunks) -> Result<Box<dyn Team>, TeamError> {
        Ok(Box::new(Pool::new(work, chunks)?))
    }
}

/// One worker's part of a call: its number, and where its chunks come from.
/// `None` ends the thread that receives it.
type Part = Option<(usize, Arc<Dealer>)>;

/// The answer to a part: the report, or what a panic said.
type Answer = (usize, Result<Report, String>);

struct Pool {
    chunks: Chunks,
    parts: Sender<Part>,
    answers: Receiver<Answer>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    fn new(work: Work, chunks: Chunks) -> Result<Pool, TeamError> {
        let (parts, inbox) = unbounded();
        let (outbox, answers) = unbounded();
        let mut pool = Pool { chunks, parts, answers, threads: Vec::new() };
        for worker in 1..=chunks.nthread {
            let (inbox, outbox) = (inbox.clone(), outbox.clone());
            let thread =
                thread::Builder::new().spawn(move || serve(work, &inbox, &outbox)).map_err(
                    |source| TeamError::CannotStart { worker, nthread: chunks.nthread, source },
                )?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// The threads end only after they were told to, so somebody listens.
    fn send(&self, part: Part) {
        drop(self.parts.send(part));
    }
}

/// A thread's life: answer parts until there is none.
fn serve(work: Work, inbox: &Receiver<Part>, outbox: &Sender<Answer>) {
    while let Ok(Some((worker, dealer))) = inbox.recv() {
        let answer = catch_unwind(AssertUnwindSafe(|| work.run_all(dealer.hand(worker))));
        drop(outbox.send((worker, answer.map_err(|panic| panic_message(&*panic)))));
    }
}

impl Team for Pool {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let nthread = self.chunks.nthread;
        let dealer = Arc::new(self.chunks.dealer());
        (0..nthread).for_each(|worker| self.send(Some((worker, Arc::clone(&dealer)))));
        // All answers are taken, whatever they say: the next call must not
        // find one of this one.
        let mut answers: Vec<Answer> = self.answers.iter().take(nthread).collect();
        answers.sort_by_key(|(worker, _)| *worker);
        let report = |(worker, answer): Answer| {
            answer.map_err(|message| TeamError::Panicked { worker: worker + 1, message })
        };
        answers.into_iter().map(report).collect()
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
