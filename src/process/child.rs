//! Handle of a child process: wait, signal, exit status.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus};
use nix::unistd::Pid;

use super::{Error, StopCounter, current, system};

/// Action on a child whose handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDrop {
    /// Waits for the child.
    Wait,
    /// Kills the child: Python's `daemon`.
    Kill,
}

/// Exit status of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Exit with this code.
    Code(i32),
    /// Death by this signal.
    Signal(Signal),
}

impl Exit {
    /// Returns whether it exited with code 0.
    pub fn is_success(self) -> bool {
        self == Exit::Code(0)
    }

    /// The code, or the negative number of the signal: Python's `exitcode`.
    pub fn code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => -(signal as i32),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exited with status {code}"),
            Exit::Signal(signal) => write!(f, "was killed by {signal}"),
        }
    }
}

/// Handle of a child process. No child outlives its handle: dropping the handle
/// waits for the child, or kills and reaps a [`daemon`](super::Process::daemon).
#[derive(Debug)]
#[must_use = "dropping it waits for the process, or kills it"]
pub struct Child {
    pid: Pid,
    name: String,
    on_drop: OnDrop,
    exit: Option<Exit>,
    /// `None` until it was waited for.
    peak_bytes: Option<u64>,
    stops: StopCounter,
    /// Generation of the parent. A forked child has copies of its parent's
    /// handles, but cannot wait for its siblings and must not kill them.
    generation: u32,
    sentinel: Option<OwnedFd>,
}

impl Child {
    /// Makes the handle of a process that was just started.
    pub(super) fn new(pid: Pid) -> Child {
        Child {
            pid,
            name: String::new(),
            on_drop: OnDrop::Wait,
            exit: None,
            peak_bytes: None,
            stops: StopCounter::default(),
            generation: current::generation(),
            sentinel: None,
        }
    }

    /// Sets name and action on drop, and registers the child.
    pub(super) fn register(&mut self, name: String, on_drop: OnDrop) {
        current::add_child(self.pid, &name);
        (self.name, self.on_drop) = (name, on_drop);
    }

    /// Kills and reaps the child.
    pub(super) fn kill_and_drop(mut self) {
        self.on_drop = OnDrop::Kill;
    }

    /// Process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Name of the process.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the child has ended.
    ///
    /// # Errors
    /// If it cannot be waited for, since other code has done so.
    pub fn join(&mut self) -> Result<Exit, Error> {
        loop {
            // A blocking wait can count stops at no extra cost.
            if let Some(exit) = self.wait(WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED)? {
                return Ok(exit);
            }
        }
    }

    /// Waits as [`Child::join`] does, but at most for `timeout`; returns `None` if
    /// the child is still running.
    ///
    /// # Errors
    /// As [`Child::join`], or if its descriptor cannot be opened.
    pub fn join_timeout(&mut self, timeout: Duration) -> Result<Option<Exit>, Error> {
        let start = Instant::now();
        loop {
            if let Some(exit) = self.wait(WaitPidFlag::WNOHANG)? {
                return Ok(Some(exit));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            system::wait_readable(self.sentinel()?, left).map_err(cannot_wait)?;
        }
    }

    /// Exit status, if the child has ended: `exitcode`. It does not wait.
    ///
    /// # Errors
    /// As [`Child::join`].
    pub fn exit(&mut self) -> Result<Option<Exit>, Error> {
        self.wait(WaitPidFlag::WNOHANG)
    }

    /// Returns whether the child is still running.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.exit(), Ok(None))
    }

    /// Peak resident memory in bytes; `None` until the child has ended and was
    /// waited for. Pages shared with the parent count for both.
    ///
    /// For a spawned child this is an upper bound: the kernel keeps the peak from
    /// before the process executed its program, and that memory was its
    /// parent's.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.peak_bytes
    }

    /// Number of stops (SIGSTOP) that were observed so far, here or by
    /// [`Child::join`]. A stop is observed even if the child was continued since,
    /// but not if it has ended since.
    pub fn stops(&mut self) -> u32 {
        if self.is_own_and_running() {
            self.stops.update(self.pid);
        }
        self.stops.count
    }

    fn is_own_and_running(&self) -> bool {
        self.exit.is_none() && self.generation == current::generation()
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    /// If the system refuses. A child that has ended is no error.
    pub fn terminate(&mut self) -> Result<(), Error> {
        self.signal(Signal::SIGTERM)
    }

    /// Sends SIGKILL.
    ///
    /// # Errors
    /// As [`Child::terminate`].
    pub fn kill(&mut self) -> Result<(), Error> {
        self.signal(Signal::SIGKILL)
    }

    /// Releases the handle of a child that has ended. If the child is still
    /// running, the handle is returned, where Python raises a ValueError.
    ///
    /// # Errors
    /// The handle, if the child is still running.
    pub fn close(mut self) -> Result<Exit, Child> {
        match self.exit() {
            Ok(Some(exit)) => Ok(exit),
            _ => Err(self),
        }
    }

    /// A descriptor that becomes readable when the child ends, for `poll` and
    /// similar calls.
    ///
    /// # Errors
    /// If the system cannot open one.
    pub fn sentinel(&mut self) -> Result<BorrowedFd<'_>, Error> {
        if self.sentinel.is_none() {
            let opened = match self.exit()? {
                // The pid may belong to another process by now, so this
                // descriptor is one that is always readable.
                Some(_) => File::open("/dev/null").map(OwnedFd::from),
                None => system::pidfd_open(self.pid),
            };
            self.sentinel = Some(opened.map_err(cannot_wait)?);
        }
        // Always set here.
        self.sentinel.as_ref().map(|fd| fd.as_fd()).ok_or(Error::NotOwner)
    }

    fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        match self.exit()? {
            // The pid of a process that was waited for may be reused.
            Some(_) => Ok(()),
            None => kill(self.pid, signal)
                .map_err(|errno| Error::system("signal a child", errno.into())),
        }
    }

    fn wait(&mut self, flags: WaitPidFlag) -> Result<Option<Exit>, Error> {
        if self.generation != current::generation() {
            return Err(Error::NotOwner);
        }
        if self.exit.is_none() {
            let (status, usage) = match system::wait4(self.pid, flags) {
                Ok(Some(changed)) => changed,
                Ok(None) | Err(Errno::EINTR) => return Ok(None),
                Err(errno) => return Err(cannot_wait(errno.into())),
            };
            let exit = match WaitStatus::from_raw(self.pid, status) {
                Ok(WaitStatus::Exited(_, code)) => Exit::Code(code),
                Ok(WaitStatus::Signaled(_, signal, _)) => Exit::Signal(signal),
                Ok(status) => {
                    self.stops.record(status);
                    return Ok(None);
                }
                Err(errno) => return Err(cannot_wait(errno.into())),
            };
            let peak_bytes = usage.ru_maxrss as u64 * 1024;
            current::remove_child(self.pid);
            (self.exit, self.peak_bytes) = (Some(exit), Some(peak_bytes));
        }
        Ok(self.exit)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.is_own_and_running() {
            if self.on_drop == OnDrop::Kill {
                // Fails if the child has ended already, which is no error here.
                let _ = kill(self.pid, Signal::SIGKILL);
            }
            if self.join().is_err() {
                current::remove_child(self.pid);
            }
        }
    }
}

fn cannot_wait(cause: io::Error) -> Error {
    Error::system("wait for a child", cause)
}
