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

mod cpu_clock;
mod crossbeam;
pub mod process;
mod rayon;
mod schedule;
mod sequential;
mod std_thread;
mod thread_pool;
mod work;

pub use schedule::{Chunks, Dealer, Schedule};
pub use work::{Report, Work};

use std::io;

/// The backends of this crate, the baseline first.
pub const BACKENDS: &[&dyn Backend] = &[
    &sequential::Sequential,
    &std_thread::StdThread,
    &thread_pool::ThreadPool,
    &crossbeam::Crossbeam,
    &rayon::Rayon,
    &process::Pipe,
];

/// A way to run a job in parallel.
pub trait Backend: Sync {
    /// The name on the command line and in the files.
    fn name(&self) -> &'static str;

    /// One line for `harness list`.
    fn about(&self) -> &'static str;

    /// The schedules that it knows, its default first.
    fn schedules(&self) -> &'static [Schedule];

    /// The start method that its cases are labelled with; `None` for threads.
    fn start_method(&self) -> Option<&'static str> {
        None
    }

    /// Why it cannot run on this machine, if it cannot.
    fn obstacle(&self) -> Option<String> {
        None
    }

    /// What the worker of that index (from 0) is called.
    fn worker_name(&self, worker: usize) -> String {
        format!("worker-{}", worker + 1)
    }

    /// Creates the workers.
    ///
    /// # Errors
    /// Where the system refuses to create them.
    fn team(&self, work: Work, chunks: Chunks) -> Result<Box<dyn Team>, TeamError>;
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
    /// Forking a process of several threads copies their locks, but not them.
    #[error(
        "refusing to fork: this process has {threads} threads, and a fork copies \
         the locks of all of them but only one thread (run process backends through a runner)"
    )]
    Threads {
        /// Threads that were counted.
        threads: u64,
    },
    /// A pipe, or a channel between workers, failed.
    #[error("cannot talk to worker {worker}")]
    Channel {
        /// Which one, from 1.
        worker: usize,
        /// What the system said.
        source: io::Error,
    },
}

/// What a panic said.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string())
}
