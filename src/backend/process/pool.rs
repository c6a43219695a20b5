//! Pool of worker processes that get their chunks one by one: the counterpart of
//! `multiprocessing.Pool`.

use std::ops::Range;

use super::{SpawnedTask, resolve_work, unavailable_reason};
use crate::backend::cpu_clock;
use crate::backend::{
    Backend, Chunks, InnerTimes, Placement, Report, Schedule, Setup, StartMethod, Team, TeamError,
    Work,
};
use crate::kernel::Kernel;
use crate::process::{Error, Message, Pool, WorkerEndpoint, unpack};

/// Backend over a pool of processes.
pub struct ProcessPool;

const NAME: &str = "process-pool";

impl Backend for ProcessPool {
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

    fn unavailable_reason(&self) -> Option<String> {
        unavailable_reason()
    }

    fn worker_name(&self, worker: usize) -> String {
        format!("PoolWorker-{}", worker + 1)
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let nthread = chunks.nthread;
        let pool = match setup.start {
            StartMethod::Fork => Pool::fork(nthread, move |blocks| work.run(blocks))?,
            StartMethod::Spawn => {
                let task = SpawnedTask { work: work.spec(), chunks, worker: 0, cpus: Vec::new() };
                Pool::spawn_with(nthread, NAME, task)?
            }
        };
        let mut team = PoolTeam {
            pool,
            chunks: chunks.dispatcher().claim_for(0).collect(),
            nthread,
            placement: setup.placement.clone(),
            pinned: Vec::new(),
        };
        team.pin()?;
        Ok(Box::new(team))
    }

    fn run_worker(&self, argument: Message, kernels: &[&'static dyn Kernel]) -> Result<u8, Error> {
        let (task, endpoint): (SpawnedTask, WorkerEndpoint) = unpack(argument)?;
        let work = resolve_work(&task.work, kernels)?;
        endpoint.serve(&|chunk: Range<u64>| work.run(chunk))
    }
}

struct PoolTeam {
    pool: Pool<Range<u64>, Report>,
    /// Chunks in the order in which they are handed out.
    chunks: Vec<Range<u64>>,
    nthread: usize,
    placement: Placement,
    /// Pids of the processes that are pinned.
    pinned: Vec<i32>,
}

impl PoolTeam {
    /// Pins the workers from outside, unless they are pinned already.
    fn pin(&mut self) -> Result<(), TeamError> {
        if self.placement.is_pinned() {
            let pids = self.pool.pids();
            if pids != self.pinned {
                self.placement.pin_processes(&pids)?;
                self.pinned = pids;
            }
        }
        Ok(())
    }
}

impl Team for PoolTeam {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        // A worker that died in the last call was replaced.
        self.pin()?;
        let mut reports = vec![Report::default(); self.nthread];
        for result in self.pool.imap_unordered(&self.chunks, 1)? {
            let worker = result.worker;
            for report in result.values.map_err(|error| worker_error(error, worker))? {
                // The CPU clock of the process includes its inner threads.
                reports[worker] += Report { inner: InnerTimes::default(), ..report };
            }
        }
        Ok(reports)
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        self.pool.pids().into_iter().map(cpu_clock::process_ns).collect()
    }

    fn pids(&self) -> Vec<i32> {
        self.pool.pids()
    }
}

/// Converts an error of the worker with this index.
fn worker_error(error: Error, index: usize) -> TeamError {
    let worker = index + 1;
    match error {
        Error::Panicked { message, .. } => TeamError::Panicked { worker, message },
        Error::Lost { pid, exit, .. } => TeamError::Lost { worker, pid, how: exit.to_string() },
        other => other.into(),
    }
}
