//! Starting a process, and what its parent may do with it: `Process` of
//! Python's multiprocessing.

use std::convert::Infallible;
use std::ffi::CStr;
use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};

use super::alone::Alone;
use super::connection::Ends;
use super::function::{self, Function};
use super::{Error, family, system};

/// A process that was described and not started yet. [`Process::start`] takes
/// it, so that it cannot be started twice.
///
/// ```compile_fail,E0382
/// let process = nthread::process::Process::new(|| println!("once"));
/// let first = process.start();
/// let second = process.start(); // error: use of moved value
/// ```
#[must_use = "it runs once it is started"]
pub struct Process<'a> {
    how: How<'a>,
    name: Option<String>,
    drops: Drops,
}

/// How it comes into being, and what it does then.
enum How<'a> {
    /// A copy of this process. It does the closure, which never returns, and
    /// keeps these ends.
    Fork(Body<'a>, Vec<RawFd>),
    /// This program from its beginning, up to `enter`, which does the function.
    Spawn(function::Call),
}

/// What a forked child does until it leaves. It does not return: its caller
/// would only take down, page by copied page, what the end of the process takes
/// down at once.
type Body<'a> = Box<dyn FnOnce() -> Infallible + 'a>;

/// What happens to a child whose handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drops {
    /// It is waited for.
    Wait,
    /// It is killed: Python's `daemon`.
    Kill,
}

impl<'a> Process<'a> {
    /// A copy of this process that will do `body`, by `fork`.
    ///
    /// It has a copy of all memory: what it changes there, its parent does not
    /// see. It keeps no end of any pipe; see [`Process::with`].
    pub fn new<R: Outcome>(body: impl FnOnce() -> R + 'a) -> Process<'a> {
        Process::with((), |()| body())
    }

    /// As [`Process::new`], for a child that gets `ends` of pipes: these and no
    /// other. Here they are closed when the child has started, so that each end
    /// has one owner, and whoever reads at the other hears when it is gone.
    pub fn with<E: Ends + 'a, R: Outcome>(ends: E, body: impl FnOnce(E) -> R + 'a) -> Process<'a> {
        Process::silent(ends, move |ends| {
            let code = body(ends).exit_code();
            flush();
            code
        })
    }

    /// As [`Process::with`], for a child that prints nothing. To look whether
    /// anything waits in the buffer of stdout costs it copies of the pages that
    /// this lies in, a tenth of its life if that is short.
    pub(crate) fn silent<E: Ends + 'a, R: Outcome>(
        mut ends: E,
        body: impl FnOnce(E) -> R + 'a,
    ) -> Process<'a> {
        let mut given = Vec::new();
        ends.visit(&mut |end| given.extend(end.descriptor()));
        let body = move || {
            ends.visit(&mut |end| end.adopt());
            system::leave(body(ends).exit_code())
        };
        Process { how: How::Fork(Box::new(body), given), name: None, drops: Drops::Wait }
    }

    /// This program started anew (`spawn`), which will do `function` with that
    /// argument. The memory of the new process is its own from the beginning.
    ///
    /// # Errors
    /// [`Error::NotEntered`] if this program did not list `function` in its
    /// call of [`enter`](super::enter); or if the argument cannot be sent.
    pub fn of<A, R>(function: &Function<A, R>, argument: A) -> Result<Process<'static>, Error>
    where
        A: serde::Serialize + serde::de::DeserializeOwned,
        R: Outcome,
    {
        Process::call(function::Call::new(function.name(), &argument)?)
    }

    pub(crate) fn call(call: function::Call) -> Result<Process<'static>, Error> {
        Ok(Process { how: How::Spawn(call), name: None, drops: Drops::Wait })
    }

    /// Names it. `ps` shows the first 15 bytes.
    pub fn name(self, name: impl Into<String>) -> Process<'a> {
        Process { name: Some(name.into()), ..self }
    }

    /// Has it killed when its handle is dropped, where others are waited for.
    pub fn daemon(self) -> Process<'a> {
        Process { drops: Drops::Kill, ..self }
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`Error::Threads`] if it would be a fork beside other threads;
    /// [`Error::CannotStart`] if the system refuses.
    pub fn start(self) -> Result<Child, Error> {
        let alone = match self.how {
            How::Fork(..) => Some(Alone::check()?),
            How::Spawn(_) => None,
        };
        self.start_counted(alone.as_ref())
    }

    /// As [`Process::start`], for whoever starts several and counts threads
    /// once.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start_alone(self, alone: &Alone) -> Result<Child, Error> {
        self.start_counted(Some(alone))
    }

    fn start_counted(self, alone: Option<&Alone>) -> Result<Child, Error> {
        let name = self.name.unwrap_or_else(family::next_name);
        let started = match (self.how, alone) {
            (How::Fork(body, given), Some(alone)) => fork(alone, &name, &given, body),
            (How::Fork(body, given), None) => {
                return Process {
                    how: How::Fork(body, given),
                    name: Some(name),
                    drops: self.drops,
                }
                .start();
            }
            (How::Spawn(call), _) => call.start(&name),
        };
        let pid = match started {
            Ok(pid) => pid,
            Err(source) => return Err(Error::CannotStart { name, source }),
        };
        family::add_child(pid, &name);
        Ok(Child { pid, name, drops: self.drops, ended: None, sentinel: None })
    }
}

impl fmt::Debug for Process<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Forks; the child does `body` and leaves. What `body` owns is dropped here
/// when the child has its copy.
fn fork(alone: &Alone, name: &str, given: &[RawFd], body: Body<'_>) -> io::Result<Pid> {
    // What is in the buffer would be written twice, by parent and child.
    flush();
    // All that can be made ready before is: each page that a child writes to
    // must be copied for it first.
    let (parent, own_name) = (getpid(), name.to_string());
    if let Some(pid) = system::fork(alone)? {
        return Ok(pid);
    }
    let body = || {
        die_with(parent)?;
        show_name(&own_name);
        family::become_child(own_name, given);
        match body() {}
    };
    // It did not begin, or it panicked, which has been told on stderr.
    let _: Result<io::Result<Infallible>, _> = catch_unwind(AssertUnwindSafe(body));
    flush();
    system::leave(1)
}

/// Writes what waits in the buffer of stdout. Whoever reads it may be gone,
/// which is no reason not to start a process.
fn flush() {
    let _ = io::Write::flush(&mut io::stdout());
}

/// Asks the kernel to kill this process when the thread ends that started it.
/// A parent that died before the request leaves an orphan, which has another
/// parent by now.
pub(super) fn die_with(parent: Pid) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
}

/// Shows a name in `ps`, which has room for 15 bytes of it.
pub(super) fn show_name(name: &str) {
    let mut short = [0; 16];
    let bytes = name.bytes().filter(|byte| *byte != 0);
    short.iter_mut().take(15).zip(bytes).for_each(|(to, byte)| *to = byte);
    if let Ok(short) = CStr::from_bytes_until_nul(&short) {
        // A process without its name is still a process.
        let _ = prctl::set_name(short);
    }
}

/// What a body may return, as an exit code.
pub trait Outcome {
    /// 0 if all went well. What went wrong is told on stderr.
    fn exit_code(self) -> u8;
}

impl Outcome for () {
    fn exit_code(self) -> u8 {
        0
    }
}

impl Outcome for u8 {
    fn exit_code(self) -> u8 {
        self
    }
}

impl<T: Outcome, E: fmt::Display> Outcome for Result<T, E> {
    fn exit_code(self) -> u8 {
        self.map_or_else(
            |error| {
                eprintln!("{}: {error}", family::current_name());
                1
            },
            Outcome::exit_code,
        )
    }
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
/// killed if it was a [`daemon`](Process::daemon), and reaped.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    name: String,
    drops: Drops,
    ended: Option<Exit>,
    sentinel: Option<OwnedFd>,
}

impl Child {
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
    pub fn join(&mut self) -> io::Result<Exit> {
        loop {
            if let Some(exit) = self.wait(WaitPidFlag::empty())? {
                return Ok(exit);
            }
        }
    }

    /// Waits for its end, at most so long; `None` if it still runs then.
    ///
    /// # Errors
    /// As [`Child::join`], or if it cannot be watched.
    pub fn join_timeout(&mut self, timeout: Duration) -> io::Result<Option<Exit>> {
        let start = Instant::now();
        loop {
            if let Some(exit) = self.wait(WaitPidFlag::WNOHANG)? {
                return Ok(Some(exit));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            wait_readable(self.sentinel()?, left)?;
        }
    }

    /// How it ended, if it has: `exitcode` without waiting.
    ///
    /// # Errors
    /// As [`Child::join`].
    pub fn exit(&mut self) -> io::Result<Option<Exit>> {
        self.wait(WaitPidFlag::WNOHANG)
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.exit(), Ok(None))
    }

    /// Asks it to end, by SIGTERM.
    ///
    /// # Errors
    /// If the system refuses. One that has ended is no error.
    pub fn terminate(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGTERM)
    }

    /// Ends it, by SIGKILL.
    ///
    /// # Errors
    /// As [`Child::terminate`].
    pub fn kill(&mut self) -> io::Result<()> {
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
    ///
    /// # Errors
    /// If the system gives none.
    pub fn sentinel(&mut self) -> io::Result<BorrowedFd<'_>> {
        if self.sentinel.is_none() {
            self.sentinel = Some(system::pidfd_open(self.pid)?);
        }
        // It was set just now.
        self.sentinel.as_ref().map(|fd| fd.as_fd()).ok_or_else(|| Errno::ESRCH.into())
    }

    /// A process that was waited for may have left its number to another.
    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        match self.exit()? {
            Some(_) => Ok(()),
            None => Ok(kill(self.pid, signal)?),
        }
    }

    fn wait(&mut self, flags: WaitPidFlag) -> io::Result<Option<Exit>> {
        if self.ended.is_none() {
            let exit = match waitpid(self.pid, Some(flags)) {
                Ok(WaitStatus::Exited(_, code)) => Exit::Code(code),
                Ok(WaitStatus::Signaled(_, signal, _)) => Exit::Signal(signal),
                Ok(_) | Err(Errno::EINTR) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            };
            family::remove_child(self.pid);
            self.ended = Some(exit);
        }
        Ok(self.ended)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended.is_none() {
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
    let timeout = timeout.as_millis().saturating_add(1).min(i32::MAX as u128) as i32;
    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(what, event)], timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// What a panic said.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string())
}
