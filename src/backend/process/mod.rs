//! Worker processes: the counterparts of Python's `multiprocessing`.
//!
//! `fork` copies the calling thread and the memory of all threads, locks
//! included. A lock that another thread holds at that moment stays locked in
//! the child for ever. Therefore a process backend has no helper threads, and
//! [`Child::fork`] asks for a proof that the process has one thread, [`Alone`]:
//! process backends run in a runner, which has one.
//!
//! A child never returns into its parent's code: it runs one closure, writes
//! what came out and leaves by `_exit`, without running the parent's
//! destructors or flushing its buffers a second time. The kernel kills it if
//! its parent dies.
//!
//! All unsafe code of the process family is in this file.

mod pipe;

pub use pipe::Pipe;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};

use super::TeamError;

/// Threads of this process. Each has a directory, and each directory links
/// back to its parent; `.` and the parent's own entry are the other two links.
pub fn thread_count() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/task")?.nlink().saturating_sub(2))
}

/// Proof that this process has one thread. Taken once a call, since counting
/// threads takes several microseconds; whoever holds it starts no thread.
#[derive(Debug)]
pub struct Alone(());

impl Alone {
    /// Counts. `nthread` is for the error message.
    ///
    /// # Errors
    /// Where there are more threads, or they cannot be counted.
    pub fn check(nthread: usize) -> Result<Alone, TeamError> {
        match thread_count() {
            Ok(1) => Ok(Alone(())),
            Ok(threads) => Err(TeamError::Threads { threads }),
            Err(source) => Err(TeamError::CannotStart { worker: 1, nthread, source }),
        }
    }
}

/// A forked worker. Dropping it kills it, unless it was joined, and reaps it.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    reaped: bool,
}

impl Child {
    /// Forks, and runs `body` in the child. `worker` and `nthread` are for the
    /// error message.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn fork(
        _: &Alone,
        worker: usize,
        nthread: usize,
        body: impl FnOnce() -> io::Result<()>,
    ) -> Result<Child, TeamError> {
        let refused = |source| TeamError::CannotStart { worker, nthread, source };
        let parent = getpid();
        // SAFETY: this process has one thread, as `Alone` proves, so no lock
        // can be held by a thread that the child would lack: the child may
        // allocate and run any code. It does not return from this arm.
        match unsafe { fork() }.map_err(|errno| refused(errno.into()))? {
            ForkResult::Parent { child } => Ok(Child { pid: child, reaped: false }),
            ForkResult::Child => {
                let status = match die_with(parent) {
                    Ok(()) => catch_unwind(AssertUnwindSafe(body)),
                    Err(errno) => Ok(Err(errno.into())),
                };
                let code = if matches!(status, Ok(Ok(()))) { 0 } else { 1 };
                // SAFETY: `_exit` only ends the process. Unlike `exit` it runs
                // no handler and flushes no buffer that the parent owns.
                unsafe { libc::_exit(code) }
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Waits for its end. `Ok` if it left with status 0, else how it ended.
    ///
    /// # Errors
    /// What the end was, in words.
    pub fn join(mut self) -> Result<(), String> {
        self.reap()
    }

    fn reap(&mut self) -> Result<(), String> {
        let status = loop {
            match waitpid(self.pid, None) {
                Err(Errno::EINTR) => {}
                other => break other,
            }
        };
        self.reaped = true;
        match status {
            Ok(WaitStatus::Exited(_, 0)) => Ok(()),
            Ok(WaitStatus::Exited(_, code)) => Err(format!("exited with status {code}")),
            Ok(WaitStatus::Signaled(_, signal, _)) => Err(format!("was killed by {signal}")),
            Ok(other) => Err(format!("ended as {other:?}")),
            Err(errno) => Err(format!("could not be waited for: {errno}")),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            // It may have ended by itself; then there is nothing to kill.
            let _ = kill(self.pid, Signal::SIGKILL);
            drop(self.reap());
        }
    }
}

/// Asks the kernel to kill this process when `parent` dies. A parent that died
/// before the request leaves an orphan, which has another parent by now.
fn die_with(parent: Pid) -> Result<(), Errno> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}
