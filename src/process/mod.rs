//! Processes and their communication: the counterpart of Python's
//! `multiprocessing`.
//!
//! | Python | here |
//! |---|---|
//! | `Process`, `start`, `join`, `exitcode` … | [`Process`], [`Child`] |
//! | `Pipe`, `Connection` | [`pipe`], [`one_way`], [`Connection`] |
//! | `Queue` | [`Queue`] |
//! | `Value`, `Array` | [`Shared`] (atomics), [`Locked`] (under a lock) |
//! | `Manager` | [`Manager`] |
//! | `Pool` | [`Pool`] |
//! | `current_process().name`, `active_children()`, `cpu_count()` | [`current_name`], [`active_children`], [`cpu_count`] |
//!
//! A child is a copy of its parent (*fork*, [`Process::new`]) or the same
//! program started anew (*spawn*, [`Process::of`]). A fork copies one thread,
//! but the locks of all threads. So threads are counted before each fork, more
//! than one is an error, and no helper thread is ever started: asynchronous
//! work advances while it is polled or waited for. A child never returns into
//! its parent's code, and the kernel kills it when its parent dies.
//!
//! Messages are `serde` values, typed at both ends, of any size. A message
//! arrives whole or not at all. Sockets are made in pairs and memory has no
//! name, so no other process can connect, and no file is left behind.
//!
//! Unsafe code is in `system.rs` only.

mod child;
mod connection;
mod current;
mod function;
mod manager;
mod memory;
mod pool;
mod queue;
mod shared;
mod single_thread;
mod socket;
pub(crate) mod start;
mod stop_counter;
mod system;
mod wire;

pub use child::{Child, Exit};
pub use connection::{Connection, End, Ends, Never, Pair, Receiver, Sender, one_way, pipe};
pub use current::{active_children, cpu_count, current_name};
pub(crate) use function::FunctionCall;
pub use function::{Callable, Function, enter};
pub use manager::{Dict, List, Manager, Value};
pub(crate) use pool::WorkerEndpoint;
pub use pool::{ImapUnordered, Pool, Task, TaskResult, Ticket};
pub use queue::Queue;
pub use shared::{LockGuard, Locked, Shared};
pub(crate) use shared::{load_bytes, store_bytes};
pub use single_thread::thread_count;
pub use start::{Process, Termination, panic_message, start_all};
pub(crate) use stop_counter::StopCounter;
pub(crate) use system::wait4;
pub use system::{Plain, Shareable};
pub use wire::Message;
pub(crate) use wire::unpack;

use std::fmt;
use std::io;

/// An error of a process or of the communication between processes.
#[derive(thiserror::Error)]
pub enum Error {
    /// A fork was requested in a process that has several threads. A fork copies
    /// the locks of all threads, but only the thread that forks.
    #[error(
        "refusing to fork: this process has {threads} threads, and a fork copies \
         the locks of all of them but only one thread (fork before threads start, or spawn)"
    )]
    MultipleThreads {
        /// Number of threads that were counted.
        threads: u64,
    },
    /// The system could not start a process.
    #[error("cannot start process {name}: {cause}")]
    CannotStart {
        /// Name that the process would have had.
        name: String,
        /// Error of the system.
        cause: io::Error,
    },
    /// A process was to be spawned for a function that its program has not
    /// registered.
    #[error(
        "cannot spawn a process for {function:?}: this program has not registered it. Begin \
         main with nthread::process::enter(&[&FUNCTION]) (or nthread::enter(&registry)); \
         without that line the child, which is this program started anew, would run main \
         from its beginning, and spawn children of its own"
    )]
    NotRegistered {
        /// Name of the function.
        function: &'static str,
    },
    /// The other end is closed, and all that was sent has been read.
    #[error("the other end is closed")]
    Disconnected,
    /// An end of a pipe was used by a process that it was not given to.
    #[error("this end of a pipe belongs to another process: give it to the child (Process::with)")]
    NotGiven,
    /// A pool, child or ticket was used by a process or pool that does not own
    /// it. A forked child has copies of its parent's pools and children, but
    /// they stay its parent's; and a ticket is valid in its own pool only.
    #[error("this pool, child or ticket belongs to another process or pool")]
    NotOwner,
    /// The timeout expired.
    #[error("timed out")]
    TimedOut,
    /// The data received is not a valid message, or not of the expected type.
    #[error("received an invalid message: {reason}")]
    InvalidMessage {
        /// Description of what is invalid.
        reason: String,
    },
    /// A value cannot be sent.
    #[error("cannot send this value: {reason}")]
    CannotPack {
        /// Cause of the failure.
        reason: String,
    },
    /// A worker of a pool panicked in a task.
    #[error("{worker} panicked: {message}")]
    Panicked {
        /// Name of the worker.
        worker: String,
        /// Message of the panic.
        message: String,
    },
    /// A process ended that was still needed.
    #[error("{name} (pid {pid}) {exit}")]
    Lost {
        /// Name of the process.
        name: String,
        /// Process id.
        pid: i32,
        /// Exit status or signal.
        exit: Exit,
    },
    /// A worker of a pool died, and no other could be started in its place.
    #[error("the pool is broken: a dead worker could not be replaced: {reason}")]
    BrokenPool {
        /// Error of starting the other worker.
        reason: String,
    },
    /// A manager has no such object, or the object no such item.
    #[error("the manager rejected the request: {reason}")]
    Rejected {
        /// Answer of the manager.
        reason: String,
    },
    /// A system call failed.
    #[error("cannot {action}: {cause}")]
    System {
        /// Action that failed.
        action: &'static str,
        /// Error of the system.
        cause: io::Error,
    },
}

impl fmt::Debug for Error {
    /// Formats as [`Display`](fmt::Display) does. A `main` that returns an error
    /// prints it in this form, and its advice should be readable there too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    pub(crate) fn system(action: &'static str, cause: io::Error) -> Error {
        Error::System { action, cause }
    }

    fn invalid(reason: impl Into<String>) -> Error {
        Error::InvalidMessage { reason: reason.into() }
    }
}
