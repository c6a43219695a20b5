//! Processes, and what they say to each other: the counterpart of Python's
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
//! program started anew (*spawn*, [`Process::of`]). A fork copies one thread
//! and the locks of all; so threads are counted before each fork, more than one
//! is an error, and nothing here starts a helper thread: what is asynchronous
//! moves on while it is polled or waited for. A child never returns into its
//! parent's code, and the kernel kills it if its parent dies.
//!
//! Messages are values of `serde`, typed at both ends, whole or not there at
//! all, and of any size. Sockets are pairs and memory has no name, so nobody
//! else can get in, and nothing is left in any directory.
//!
//! Unsafe code is in `system.rs` only.

mod alone;
mod child;
mod connection;
mod family;
mod frame;
mod function;
mod manager;
mod memory;
mod pool;
mod queue;
mod shared;
mod start;
mod system;
mod wire;

pub use alone::thread_count;
pub use child::{Child, Exit};
pub use connection::{Connection, End, Ends, Never, Pair, Receiver, Sender, one_way, pipe};
pub use family::{active_children, cpu_count, current_name};
pub(crate) use function::Call;
pub use function::{Callable, Function, enter};
pub use manager::{Dict, List, Manager, Value};
pub(crate) use pool::Seat;
pub use pool::{Answer, Pool, Task, Ticket, Unanswered};
pub use queue::Queue;
pub use shared::{Lock, Locked, Shared};
pub(crate) use shared::{load_bytes, store_bytes};
pub(crate) use start::show_name;
pub use start::{Outcome, Process, panic_message, start_all};
pub use system::{Plain, Shareable};
pub use wire::Message;
pub(crate) use wire::unpack;

use std::fmt;
use std::io;

/// What can go wrong between processes.
#[derive(thiserror::Error)]
pub enum Error {
    /// Forking a process of several threads copies their locks, but not them.
    #[error(
        "refusing to fork: this process has {threads} threads, and a fork copies \
         the locks of all of them but only one thread (fork before threads start, or spawn)"
    )]
    Threads {
        /// Threads that were counted.
        threads: u64,
    },
    /// The system refused a process.
    #[error("cannot start process {name}: {cause}")]
    CannotStart {
        /// What it would have been called.
        name: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A process was to be spawned for a function that its program would not
    /// know.
    #[error(
        "cannot spawn a process for {function:?}: this program has not listed it. Let main \
         begin with nthread::process::enter(&[&FUNCTION]) (or nthread::enter(&registry)); \
         without that line the child, which is this program started anew, would run main \
         from its beginning, and spawn children of its own"
    )]
    NotEntered {
        /// Its name.
        function: &'static str,
    },
    /// Whoever has the other end is gone, and all that was sent is read.
    #[error("the other end is gone")]
    Ended,
    /// This process was not given this end of a pipe.
    #[error("this end of a pipe belongs to another process: give it to the child (Process::with)")]
    NotGiven,
    /// A forked child has copies of its parent's pools and children, which are
    /// not its own; and a ticket is good for the pool that gave it.
    #[error("this pool, child or ticket is not one of this process or pool")]
    NotOwner,
    /// Nothing happened in the time that was given.
    #[error("timed out")]
    TimedOut,
    /// What came is no message, or no value of the type that was waited for.
    #[error("received garbage: {what}")]
    Garbage {
        /// What is wrong with it.
        what: String,
    },
    /// A value cannot travel.
    #[error("cannot send this value: {why}")]
    CannotPack {
        /// Why.
        why: String,
    },
    /// A worker of a pool panicked over a task.
    #[error("{worker} panicked: {message}")]
    Panicked {
        /// Its name.
        worker: String,
        /// What it said.
        message: String,
    },
    /// A process ended that was still needed.
    #[error("{name} (pid {pid}) {exit}")]
    Lost {
        /// Its name.
        name: String,
        /// Its process id.
        pid: i32,
        /// How it ended.
        exit: Exit,
    },
    /// A worker of a pool died, and none could take its place.
    #[error("the pool is broken, a dead worker could not be replaced: {why}")]
    Broken {
        /// Why.
        why: String,
    },
    /// A manager has no such object, or no such place in it.
    #[error("the manager refuses: {why}")]
    Refused {
        /// Why.
        why: String,
    },
    /// The system refused something.
    #[error("cannot {what}: {cause}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        cause: io::Error,
    },
}

impl fmt::Debug for Error {
    /// As [`Display`](fmt::Display): a `main` that returns an error shows it in
    /// this form, and what to do about it should be read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    pub(crate) fn system(what: &'static str, cause: io::Error) -> Error {
        Error::System { what, cause }
    }

    fn garbage(what: impl Into<String>) -> Error {
        Error::Garbage { what: what.into() }
    }
}
