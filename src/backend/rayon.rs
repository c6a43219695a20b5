//! A rayon pool: parallel iterators over chunks, balanced by work stealing.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{Backend, Chunks, Report, Schedule, Setup, Team, TeamError, Work, cpu_clock};

/// A rayon pool of n threads.
pub struct Rayon;

impl Backend for Rayon {
    fn name(&self) -> &'static str {
        "rayon"
    }

    fn about(&self) -> &'static str {
        "a rayon pool of n, parallel iterator, work stealing"
    }

    fn schedules(&self) -> &'static [Schedule] {
        &[Schedule::Stealing, Schedule::Static, Schedule::Dynamic, Schedule::Guided]
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let pool = Pool::new(work, chunks)?;
        setup
            .placement
            .pin_threads(&pool.threads.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(Box::new(pool))
    }
}

struct Pool {
    work: Work,
    chunks: Chunks,
    /// `None` only while it is dropped.
    pool: Option<rayon::ThreadPool>,
    /// rayon does not wait for its threads when a pool is dropped. We spawn
    /// them for it, so that we can. In the order of their indices.
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Pool {
    fn new(work: Work, chunks: Chunks) -> Result<Pool, TeamError> {
        let threads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&threads);
        let mut refused = None;
        let built = rayon::ThreadPoolBuilder::new()
            .num_threads(chunks.nthread)
            .spawn_handler(|worker| {
                let index = worker.index();
                let thread =
                    thread::Builder::new().spawn(|| worker.run()).inspect_err(|error| {
                        let same = error.raw_os_error().map(std::io::Error::from_raw_os_error);
                        refused = Some((index, same.unwrap_or_else(|| error.kind().into())));
                    })?;
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
                Ok(())
            })
            .build();
        let nthread = chunks.nthread;
        match built {
            Ok(pool) => Ok(Pool { work, chunks, pool: Some(pool), threads }),
            Err(error) => {
                let (worker, source) =
                    refused.unwrap_or_else(|| (0, std::io::Error::other(error.to_string())));
                join_all(&threads);
                Err(TeamError::CannotStart { worker: worker + 1, nthread, source })
            }
        }
    }

    /// Work stealing: every leaf adds its chunk to the report of the thread
    /// that ran it. The mutexes are never contended.
    fn steal(&self, pool: &rayon::ThreadPool) -> Vec<Report> {
        let reports: Vec<_> = (0..self.chunks.nthread).map(|_| Mutex::default()).collect();
        let run = |index: u64| {
            let report: Report = self.work.run(self.chunks.range(index));
            let worker = rayon::current_thread_index().unwrap_or(0);
            *reports[worker].lock().unwrap_or_else(PoisonError::into_inner) += report;
        };
        pool.install(|| (0..self.chunks.len()).into_par_iter().for_each(run));
        let take =
            |report: Mutex<Report>| report.into_inner().unwrap_or_else(PoisonError::into_inner);
        reports.into_iter().map(take).collect()
    }
}

impl Team for Pool {
    /// A panic of a worker comes out of rayon as a panic of the caller.
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let Some(pool) = &self.pool else { return Ok(Vec::new()) };
        if self.chunks.schedule == Schedule::Stealing {
            return Ok(self.steal(pool));
        }
        let dealer = self.chunks.dealer();
        Ok(pool.broadcast(|worker| self.work.run_all(dealer.hand(worker.index()))))
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.iter().map(cpu_clock::of_thread_ns).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.pool = None;
        join_all(&self.threads);
    }
}

/// Waits until the threads have ended.
fn join_all(threads: &Mutex<Vec<JoinHandle<()>>>) {
    let mut threads = threads.lock().unwrap_or_else(PoisonError::into_inner);
    for thread in threads.drain(..) {
        drop(thread.join());
    }
}
