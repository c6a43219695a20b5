//! Backend over a rayon pool: parallel iterators over chunks, balanced by work
//! stealing.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{Backend, Chunks, Report, Schedule, Setup, Team, TeamError, Work, cpu_clock};

/// Backend over a rayon pool of n threads.
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
        let team = RayonTeam::new(work, chunks)?;
        setup
            .placement
            .pin_threads(&team.threads.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(Box::new(team))
    }
}

struct RayonTeam {
    work: Work,
    chunks: Chunks,
    /// `None` only while it is dropped.
    pool: Option<rayon::ThreadPool>,
    /// Handles in the order of the thread indices. rayon does not join its threads
    /// when a pool is dropped, so they are spawned and joined here.
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl RayonTeam {
    fn new(work: Work, chunks: Chunks) -> Result<RayonTeam, TeamError> {
        let threads = Arc::new(Mutex::new(Vec::new()));
        let handles = Arc::clone(&threads);
        let mut failed = None;
        let built = rayon::ThreadPoolBuilder::new()
            .num_threads(chunks.nthread)
            .spawn_handler(|worker| {
                let index = worker.index();
                let thread =
                    thread::Builder::new().spawn(|| worker.run()).inspect_err(|error| {
                        // `io::Error` is not `Clone`.
                        let copy = error.raw_os_error().map(std::io::Error::from_raw_os_error);
                        failed = Some((index, copy.unwrap_or_else(|| error.kind().into())));
                    })?;
                handles.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
                Ok(())
            })
            .build();
        let nthread = chunks.nthread;
        match built {
            Ok(pool) => Ok(RayonTeam { work, chunks, pool: Some(pool), threads }),
            Err(error) => {
                let (worker, source) =
                    failed.unwrap_or_else(|| (0, std::io::Error::other(error.to_string())));
                join_all(&threads);
                Err(TeamError::CannotStart { worker: worker + 1, nthread, source })
            }
        }
    }

    /// Runs the chunks as a parallel iterator with work stealing.
    fn run_stealing(&self, pool: &rayon::ThreadPool) -> Vec<Report> {
        // Each chunk is added to the report of the thread that ran it, so the
        // mutexes are never contended.
        let reports: Vec<Mutex<Report>> =
            (0..self.chunks.nthread).map(|_| Mutex::default()).collect();
        pool.install(|| {
            (0..self.chunks.len()).into_par_iter().for_each(|index| {
                let report = self.work.run(self.chunks.range(index));
                let worker = rayon::current_thread_index().unwrap_or(0);
                *reports[worker].lock().unwrap_or_else(PoisonError::into_inner) += report;
            });
        });
        reports
            .into_iter()
            .map(|report| report.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect()
    }
}

impl Team for RayonTeam {
    /// Computes the job. rayon turns a panic of a worker into one of the caller.
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let Some(pool) = &self.pool else { return Ok(Vec::new()) };
        if self.chunks.schedule == Schedule::Stealing {
            return Ok(self.run_stealing(pool));
        }
        let dispatcher = self.chunks.dispatcher();
        Ok(pool.broadcast(|worker| self.work.run_all(dispatcher.claim_for(worker.index()))))
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.iter().map(cpu_clock::thread_ns).collect()
    }
}

impl Drop for RayonTeam {
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
