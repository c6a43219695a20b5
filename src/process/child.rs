//! A process that was started, and what its parent may do with it.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::{Error, family, system};

/// What happens to a child whose handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drops {
    /// It is waited for.
    Wait,
    /// It is killed: Python's `daemon`.
    Kill,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with that code.
    Code(i32),
    /// By that signal.
    Signal(Signal),
}

impl Exit {
    /// Whether it ended by itself, with 0.
    pub fn is_success(self) -> bool {
        self == Exit::Code(0)
    }

    /// The code, or minus the number of the signal: Python's `exitcode`.
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

/// A child process. None outlives its handle: a dropped one is waited for, or
/// killed if it was a [`daemon`](super::Process::daemon), and reaped.
#[derive(Debug)]
#[must_use = "dropping it waits for the process, or kills it"]
pub struct Child {
    pid: Pid,
    name: String,
    drops: Drops,
    ended: Option<Exit>,
    /// Known once it was waited for.
    peak_bytes: Option<u64>,
    stops: u32,
    /// Whether it was stopped when that was asked last.
    is_stopped: bool,
    /// The process whose child it is: a forked child has copies of its parent's
    /// handles, and its siblings are not its to wait for or to kill.
    generation: u32,
    sentinel: Option<OwnedFd>,
}

impl Child {
    /// A process that was started a moment ago.
    pub(super) fn new(pid: Pid) -> Child {
        Child {
            pid,
            name: String::new(),
            drops: Drops::Wait,
            ended: None,
            peak_bytes: None,
            stops: 0,
            is_stopped: false,
            generation: family::generation(),
            sentinel: None,
        }
    }

    /// What else there is to know of it.
    pub(super) fn introduce(&mut self, name: String, drops: Drops) {
        family::add_child(self.pid, &name);
        (self.name, self.drops) = (name, drops);
    }

    /// Nobody wants it any more.
    pub(super) fn discard(mut self) {
        self.drops = Drops::Kill;
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If it cannot be waited for, since somebody else has done it.
    pub fn join(&mut self) -> Result<Exit, Error> {
        loop {
            // Who waits anyhow hears of stops too, and is not woken by anything
            // else.
            if let Some(exit) = self.wait(WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED)? {
                return Ok(exit);
            }
        }
    }

    /// Waits for its end, at most so long; `None` if it still runs then.
    ///
    /// # Errors
    /// As [`Child::join`], or if it cannot be watched.
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
            wait_readable(self.sentinel()?, left).map_err(unwatched)?;
        }
    }

    /// How it ended, if it has: `exitcode` without waiting.
    ///
    /// # Errors
    /// As [`Child::join`].
    pub fn exit(&mut self) -> Result<Option<Exit>, Error> {
        self.wait(WaitPidFlag::WNOHANG)
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.exit(), Ok(None))
    }

    /// The most memory that it ever had resident, in bytes; `None` until it has
    /// ended and was waited for. Pages that it shared with its parent count for
    /// both.
    ///
    /// Of a spawned child it is an upper bound: the kernel remembers the peak of
    /// the memory that a process had before it began another program, and that
    /// was its parent's.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.peak_bytes
    }

    /// How often it was found to have been stopped (SIGSTOP) so far, here or
    /// while it was waited for in [`Child::join`]. One that was stopped and goes
    /// on is found; one that has ended since is not.
    pub fn stops(&mut self) -> u32 {
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
        let is_ours = self.ended.is_none() && self.generation == family::generation();
        if is_ours && let Ok(status) = waitid(Id::Pid(self.pid), flags) {
            self.note_stop(status);
        }
        self.stops
    }

    /// The system tells the last change only: who goes on, and was not seen to
    /// be stopped, was stopped in between.
    fn note_stop(&mut self, status: WaitStatus) {
        match status {
            WaitStatus::Stopped(..) => {
                self.stops += 1;
                self.is_stopped = true;
            }
            WaitStatus::Continued(_) => {
                self.stops += u32::from(!self.is_stopped);
                self.is_stopped = false;
            }
            _ => {}
        }
    }

    /// Asks it to end, by SIGTERM.
    ///
    /// # Errors
    /// If the system refuses. One that has ended is no error.
    pub fn terminate(&mut self) -> Result<(), Error> {
        self.signal(Signal::SIGTERM)
    }

    /// Ends it, by SIGKILL.
    ///
    /// # Errors
    /// As [`Child::terminate`].
    pub fn kill(&mut self) -> Result<(), Error> {
        self.signal(Signal::SIGKILL)
    }

    /// Lets go of a child that has ended; of one that has not, the handle comes
    /// back. Python raises a ValueError then.
    ///
    /// # Errors
    /// The handle, if the child still runs.
    pub fn close(mut self) -> Result<Exit, Child> {
        match self.exit() {
            Ok(Some(exit)) => Ok(exit),
            _ => Err(self),
        }
    }

    /// A descriptor that is readable once it has ended, for `poll` and its like.
    /// Of one that was waited for already, whose number may be another's by now,
    /// it is one that is always readable.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn sentinel(&mut self) -> Result<BorrowedFd<'_>, Error> {
        if self.sentinel.is_none() {
            let opened = match self.exit()? {
                Some(_) => File::open("/dev/null").map(OwnedFd::from),
                None => system::pidfd_open(self.pid),
            };
            self.sentinel = Some(opened.map_err(unwatched)?);
        }
        // It was set just now.
        self.sentinel.as_ref().map(|fd| fd.as_fd()).ok_or(Error::NotOwner)
    }

    /// A process that was waited for may have left its number to another.
    fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        match self.exit()? {
            Some(_) => Ok(()),
            None => kill(self.pid, signal)
                .map_err(|errno| Error::system("signal a child", errno.into())),
        }
    }

    fn wait(&mut self, flags: WaitPidFlag) -> Result<Option<Exit>, Error> {
        if self.generation != family::generation() {
            return Err(Error::NotOwner);
        }
        if self.ended.is_none() {
            let (exit, peak_bytes) = match system::wait(self.pid, flags) {
                Ok((WaitStatus::Exited(_, code), peak)) => (Exit::Code(code), peak),
                Ok((WaitStatus::Signaled(_, signal, _), peak)) => (Exit::Signal(signal), peak),
                Ok((status, _)) => {
                    self.note_stop(status);
                    return Ok(None);
                }
                Err(Errno::EINTR) => return Ok(None),
                Err(errno) => return Err(unwatched(errno.into())),
            };
            family::remove_child(self.pid);
            (self.ended, self.peak_bytes) = (Some(exit), Some(peak_bytes));
        }
        Ok(self.ended)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended.is_none() && self.generation == family::generation() {
            if self.drops == Drops::Kill {
                // It may have ended by itself; then there is nothing to kill.
                let _ = kill(self.pid, Signal::SIGKILL);
            }
            if self.join().is_err() {
                family::remove_child(self.pid);
            }
        }
    }
}

fn unwatched(cause: io::Error) -> Error {
    Error::system("wait for a child", cause)
}

/// Waits until something can be read, or the other end is gone; `false` if
/// nothing has happened for so long.
pub(super) fn wait_readable(what: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    wait_for(what, PollFlags::POLLIN, timeout)
}

/// Waits for an event, at most so long. It may return early.
pub(super) fn wait_for(
    what: BorrowedFd<'_>,
    event: PollFlags,
    timeout: Duration,
) -> io::Result<bool> {
    // A millisecond too long rather than one too short: a caller that asks
    // again for the last microseconds would ask a thousand times.
    let rounded = timeout.as_millis() + u128::from(!timeout.is_zero());
    let timeout = rounded.min(i32::MAX as u128) as i32;
    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(what, event)], timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
