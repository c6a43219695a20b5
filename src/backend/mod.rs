//! Who computes a job: how the blocks reach the workers, and the tallies come
//! back.
//!
//! A backend moves work and nothing else. It is handed an opaque [`Work`] and
//! the [`Chunks`] that it is cut into; it makes a [`Team`] of workers, and each
//! [`Team::call`] hands every block to exactly one worker and returns one
//! [`Report`] a worker. It sees no flags, no statistics and no output.
//!
//! Each backend is written as a good user of its facility would write it, and
//! pays for what its users pay for: what survives between calls (a pool)
//! belongs to the team, what every use pays (spawn, fork, join) to the call.
//!
//! To add a backend: one file here, and one line in [`BACKENDS`].

pub(crate) mod cpu_clock;
mod crossbeam;
pub(crate) mod handicap;
mod inner;
mod process;
mod rayon;
pub(crate) mod run_delay;
mod schedule;
mod sequential;
mod setup;
mod std_thread;
mod thread_pool;
mod work;

pub use inner::InnerTimes;
pub use schedule::{Chunks, Dealer, Schedule};
pub use setup::{Placement, Setup};
pub use work::{Report, Work};

use std::fmt;
use std::io;
use std::str::FromStr;

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
    /// The name on the command line and in the files.
    fn name(&self) -> &'static str;

    /// One line for `harness list`.
    fn about(&self) -> &'static str;

    /// The schedules that it knows, its default first.
    fn schedules(&self) -> &'static [Schedule];

    /// The ways in which its processes can be started, its default first; none
    /// for threads.
    fn start_methods(&self) -> &'static [StartMethod] {
        &[]
    }

    /// Why it cannot run on this machine, if it cannot.
    fn obstacle(&self) -> Option<String> {
        None
    }

    /// What the worker of that index (from 0) is called.
    fn worker_name(&self, worker: usize) -> String {
        format!("worker-{}", worker + 1)
    }

    /// Creates the workers, or gets ready to create them in each call. Pinned
    /// workers are pinned when their life begins.
    ///
    /// # Errors
    /// Where the system refuses to create them, or to pin them.
    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError>;

    /// The life of a process that was spawned to be one of its workers: what it
    /// was told, and the kernels that this program has.
    ///
    /// # Errors
    /// Where it was told what it does not understand.
    fn serve(&self, _told: Message, _kernels: &[&'static dyn Kernel]) -> Result<u8, Error> {
        Err(Error::Garbage { what: format!("{} has no processes", self.name()) })
    }
}

/// A backend's workers, ready for one job and one thread count.
///
/// Dropping a team leaves no thread and no process alive.
pub trait Team {
    /// Computes the whole job once: one report a worker, in their order.
    ///
    /// # Errors
    /// Where a worker cannot be created, or does not come back.
    fn call(&mut self) -> Result<Vec<Report>, TeamError>;

    /// CPU clocks of the workers that outlive a call, in the order of their
    /// reports, in nanoseconds. Read before and after a call, they tell what it
    /// took, and cost it nothing. Empty where workers live for one call only,
    /// and report their own.
    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        Vec::new()
    }

    /// Processes that outlive a call and work in it: whoever adds up CPU times
    /// must ask for theirs.
    fn pids(&self) -> Vec<i32> {
        Vec::new()
    }

    /// Memory of processes that live for one call only: their peaks added up, in
    /// the call that had the most so far. 0 where there are none such.
    fn peak_memory_bytes(&self) -> u64 {
        0
    }

    /// How often processes that live for one call only were found to have been
    /// stopped, in all calls so far; `None` where there are none such.
    fn stops(&self) -> Option<u32> {
        None
    }
}

/// How a process comes into being; Python's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartMethod {
    /// As a copy of its parent.
    #[default]
    Fork,
    /// As this program started anew.
    Spawn,
}

impl StartMethod {
    /// All of them.
    pub const ALL: [StartMethod; 2] = [StartMethod::Fork, StartMethod::Spawn];

    /// The name on the command line and in the files.
    pub fn name(self) -> &'static str {
        match self {
            StartMethod::Fork => "fork",
            StartMethod::Spawn => "spawn",
        }
    }
}

impl fmt::Display for StartMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for StartMethod {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        StartMethod::ALL.into_iter().find(|method| method.name() == name).ok_or(())
    }
}

/// Why a team could not be created, or a call not be finished.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// The system refused a thread or a process.
    #[error("cannot start worker {worker} of {nthread}")]
    CannotStart {
        /// Which one, from 1.
        worker: usize,
        /// Of how many.
        nthread: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A worker is not on the CPUs that it was to be pinned to.
    #[error("cannot pin worker {worker} to CPU {cpus}")]
    NotPinned {
        /// Which one, from 1.
        worker: usize,
        /// Where it was to be, such as `0-3,8`.
        cpus: String,
        /// What the system said, or where it is instead.
        source: io::Error,
    },
    /// A worker panicked.
    #[error("worker {worker} panicked: {message}")]
    Panicked {
        /// Which one, from 1.
        worker: usize,
        /// What it said.
        message: String,
    },
    /// A worker process ended without an answer.
    #[error("worker {worker} (pid {pid}) {how}")]
    Lost {
        /// Which one, from 1.
        worker: usize,
        /// Its process.
        pid: i32,
        /// How it ended.
        how: String,
    },
    /// Processes, or what they say to each other, failed.
    #[error(transparent)]
    Process(#[from] Error),
}
