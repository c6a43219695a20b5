//! Processes that live on, and get their chunks one by one: what
//! `multiprocessing.Pool` is.

use std::ops::Range;

use super::{Told, known, obstacle};
use crate::backend::cpu_clock;
use crate::backend::{
    Backend, Chunks, InnerTimes, Placement, Report, Schedule, Setup, StartMethod, Team, TeamError,
    Work,
};
use crate::kernel::Kernel;
use crate::process::{Error, Message, Seat, unpack};

/// A pool of processes.
pub struct Pool;

const NAME: &str = "process-pool";

impl Backend for Pool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "a pool of processes, chunks handed out on demand"
    }

    fn schedules(&self) -> &'static [Schedule] {
        &[Schedule::Dynamic, Schedule::Guided]
    }

    fn start_methods(&self) -> &'static [StartMethod] {
        &StartMethod::ALL
    }

    fn obstacle(&self) -> Option<String> {
        obstacle()
    }

    fn worker_name(&self, worker: usize) -> String {
        format!("PoolWorker-{}", worker + 1)
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let workers = chunks.nthread;
        let pool = match setup.start {
            StartMethod::Fork => crate::process::Pool::fork(workers, move |it| work.run(it))?,
            StartMethod::Spawn => {
                let told = Told { work: work.described(), chunks, worker: 0, cpus: Vec::new() };
                crate::process::Pool::spawn_told(workers, NAME, told)?
            }
        };
        let dealer = chunks.dealer();
        let mut team = Workers {
            pool,
            chunks: dealer.hand(0).collect(),
            nthread: workers,
            placement: setup.placement.clone(),
            pinned: Vec::new(),
        };
        team.pin()?;
        Ok(Box::new(team))
    }

    fn serve(&self, told: Message, kernels: &[&'static dyn Kernel]) -> Result<u8, Error> {
        let (told, seat): (Told, Seat) = unpack(told)?;
        let work = known(&told.work, kernels)?;
        seat.serve(&|chunk: Range<u64>| work.run(chunk))
    }
}

struct Workers {
    pool: crate::process::Pool<Range<u64>, Report>,
    /// In the order in which they are handed out.
    chunks: Vec<Range<u64>>,
    nthread: usize,
    placement: Placement,
    /// The processes that were pinned.
    pinned: Vec<i32>,
}

impl Workers {
    /// Pins the workers, from outside, where they are to be and are not yet.
    fn pin(&mut self) -> Result<(), TeamError> {
        let pids = self.pool.pids();
        if self.placement.is_pinned() && pids != self.pinned {
            self.placement.pin_processes(&pids)?;
            self.pinned = pids;
        }
        Ok(())
    }
}

impl Team for Workers {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        if self.placement.is_pinned() {
            // A worker that died in the last call has a successor.
            self.pin()?;
        }
        let mut reports = vec![Report::default(); self.nthread];
        for answer in self.pool.imap_unordered(&self.chunks, 1)? {
            let worker = answer.worker;
            for report in answer.values.map_err(|error| told(error, worker))? {
                // The clock of its process counts the threads inside it, too.
                reports[worker] += Report { inner: InnerTimes::default(), ..report };
            }
        }
        Ok(reports)
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        self.pool.pids().into_iter().map(cpu_clock::of_process_ns).collect()
    }

    fn pids(&self) -> Vec<i32> {
        self.pool.pids()
    }
}

/// What happened to that worker (from 0).
fn told(error: Error, worker: usize) -> TeamError {
    let worker = worker + 1;
    match error {
        Error::Panicked { message, .. } => TeamError::Panicked { worker, message },
        Error::Lost { pid, exit, .. } => TeamError::Lost { worker, pid, how: exit.to_string() },
        other => other.into(),
    }
}
