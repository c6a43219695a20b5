//! Backends: the ways in which the blocks of a job reach the workers and the
//! tallies come back.
//!
//! A backend moves work and nothing else. It is given an opaque [`Work`] and the
//! [`Chunks`] that it is divided into; it makes a [`Team`] of workers, and each
//! [`Team::call`] passes every block to exactly one worker and returns one
//! [`Report`] a worker. It knows no flags, no statistics and no output.
//!
//! Each backend is written as a good user of its facility would write it, and
//! has the same costs: what lives across calls (a pool) belongs to the team, what
//! every use pays (spawn, fork, join) belongs to the call.
//!
//! To add a backend: one file here, and one line in [`BACKENDS`].

pub(crate) mod cpu_clock;
mod crossbeam;
mod inner;
mod process;
mod rayon;
pub(crate) mod run_delay;
mod schedule;
mod sequential;
mod setup;
#[cfg(feature = "program")]
pub(crate) mod slowdown;
mod std_thread;
mod thread_pool;
mod work;

pub use inner::InnerTimes;
pub use schedule::{ChunkDispatcher, Chunks, Schedule};
pub use setup::{Placement, Setup};
pub use work::{Report, Work};

use std::any::Any;
use std::io;

use serde::{Deserialize, Serialize};

use crate::kernel::Kernel;
use crate::process::{Error, Message};

pub use crate::process::panic_message;

/// The backends of this crate, the baseline first.
pub const BACKENDS: &[&dyn Backend] = &[
    &sequential::Sequential,
    &std_thread::StdThread,
    &thread_pool::ThreadPool,
    &crossbeam::Crossbeam,
    &rayon::Rayon,
    &process::PIPE,
    &process::QUEUE,
    &process::SHM,
    &process::MANAGER,
    &process::POOL,
];

/// A way to run a job in parallel.
pub trait Backend: Sync {
    /// Name on the command line and in the files.
    fn name(&self) -> &'static str;

    /// Description in one line, for `harness list`.
    fn about(&self) -> &'static str;

    /// Supported schedules, the default first.
    fn schedules(&self) -> &'static [Schedule];

    /// Supported start methods of its processes, the default first; empty for
    /// threads.
    fn start_methods(&self) -> &'static [StartMethod] {
        &[]
    }

    /// Reason why it cannot run on this machine, if there is one.
    fn unavailable_reason(&self) -> Option<String> {
        None
    }

    /// Name of the worker with this index (from 0).
    fn worker_name(&self, worker: usize) -> String {
        format!("worker-{}", worker + 1)
    }

    /// Creates the workers, or prepares to create them in each call. Pinned
    /// workers are pinned when they start.
    ///
    /// # Errors
    /// Where the system refuses to create them, or to pin them.
    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError>;

    /// Runs a process that was spawned to be one of its workers, and returns its
    /// exit code. `kernels` are those of this program.
    ///
    /// # Errors
    /// Where the argument is invalid.
    fn run_worker(
        &self,
        _argument: Message,
        _kernels: &[&'static dyn Kernel],
    ) -> Result<u8, Error> {
        Err(Error::InvalidMessage { reason: format!("{} has no worker processes", self.name()) })
    }
}

/// A backend's workers, ready for one job and one thread count.
///
/// Dropping a team leaves no thread and no process alive.
pub trait Team {
    /// Computes the whole job once. Returns one report a worker, in their order.
    ///
    /// # Errors
    /// Where a worker cannot be created, panics or dies.
    fn call(&mut self) -> Result<Vec<Report>, TeamError>;

    /// CPU clocks of the workers that outlive a call, in the order of their
    /// reports, in nanoseconds. The difference between a reading before and one
    /// after a call is its CPU time, measured at no cost to the call. Empty where
    /// workers live for one call only and report their own times.
    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        Vec::new()
    }

    /// Pids of the processes that outlive a call and work in it. Their CPU times
    /// are part of the call's.
    fn pids(&self) -> Vec<i32> {
        Vec::new()
    }

    /// Memory of processes that live for one call only: the sum of their peaks, in
    /// the call with the largest sum so far. 0 where there are no such processes.
    fn peak_memory_bytes(&self) -> u64 {
        0
    }

    /// Number of observed stops (SIGSTOP) of processes that live for one call only,
    /// in all calls so far; `None` where there are no such processes.
    fn stops(&self) -> Option<u32> {
        None
    }
}

/// Start method of a process, named as in Python.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartMethod {
    /// Copies the parent.
    #[default]
    Fork,
    /// Starts this program anew.
    Spawn,
}

named_variants!(StartMethod { Fork = "fork", Spawn = "spawn" });

/// An error of creating a team, or of a call.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// The system could not start a thread or a process.
    #[error("cannot start worker {worker} of {nthread}")]
    CannotStart {
        /// Number of the worker, from 1.
        worker: usize,
        /// Number of workers.
        nthread: usize,
        /// Error of the system.
        source: io::Error,
    },
    /// A worker could not be pinned to its CPUs.
    #[error("cannot pin worker {worker} to CPU {cpus}")]
    NotPinned {
        /// Number of the worker, from 1.
        worker: usize,
        /// CPUs that it was to be pinned to, such as `0-3,8`.
        cpus: String,
        /// Error of the system, or the CPUs that it is on instead.
        source: io::Error,
    },
    /// A worker panicked.
    #[error("worker {worker} panicked: {message}")]
    Panicked {
        /// Number of the worker, from 1.
        worker: usize,
        /// Message of the panic.
        message: String,
    },
    /// A worker process ended without a result.
    #[error("worker {worker} (pid {pid}) {how}")]
    Lost {
        /// Number of the worker, from 1.
        worker: usize,
        /// Process id.
        pid: i32,
        /// Description of its end.
        how: String,
    },
    /// A process or the communication between processes failed.
    #[error(transparent)]
    Process(#[from] Error),
}

impl TeamError {
    /// The error of a worker, numbered from 1, that panicked.
    fn panicked(worker: usize, panic: &(dyn Any + Send)) -> TeamError {
        TeamError::Panicked { worker, message: panic_message(panic) }
    }
}
