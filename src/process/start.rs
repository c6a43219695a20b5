//! Describing a process, and starting it.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::ffi::CStr;
use std::fmt;
use std::io;
use std::mem;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};

use super::alone::Alone;
use super::child::{Child, Drops};
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
    /// A copy of this process. It does the closure, and keeps these ends.
    Fork(Body<'a>, Vec<RawFd>),
    /// This program from its beginning, up to `enter`, which does the function.
    Spawn(function::Call),
}

/// What a forked child does until it leaves. It does not return: its caller
/// would only take down, page by copied page, what the end of the process takes
/// down at once. For the same reason it is no `FnOnce`, which would be called by
/// way of two more functions on pages of their own.
type Body<'a> = Box<dyn FnMut() -> Infallible + 'a>;

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
        let mut once = Some((ends, body));
        let body = move || {
            let Some((mut ends, body)) = once.take() else { system::leave(1) };
            ends.visit(&mut |end| end.adopt());
            system::leave(body(ends).exit_code())
        };
        Process { how: How::Fork(Box::new(body), given), name: None, drops: Drops::Wait }
    }

    /// This program started anew (`spawn`), which will do `function` with that
    /// argument, by value or by reference: what is sent is a copy. A queue or
    /// shared memory that several have is given to each by reference; an end of a
    /// pipe by value, so that it has one owner.
    ///
    /// # Errors
    /// [`Error::NotEntered`] if this program did not list `function` in its
    /// call of [`enter`](super::enter); or if the argument cannot be sent.
    pub fn of<A, R>(
        function: &Function<A, R>,
        argument: impl Borrow<A>,
    ) -> Result<Process<'static>, Error>
    where
        A: serde::Serialize + serde::de::DeserializeOwned,
        R: Outcome,
    {
        Process::call(function::Call::new(function.name(), argument.borrow())?)
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
    /// As [`start_all`].
    pub fn start(self) -> Result<Child, Error> {
        Ok(start_all(vec![self])?.remove(0))
    }

    fn is_fork(&self) -> bool {
        matches!(self.how, How::Fork(..))
    }
}

impl fmt::Debug for Process<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Starts several processes, in their order, and counts threads once. What was
/// given to them is closed here when all have it.
///
/// # Errors
/// [`Error::Threads`] if one would be a fork beside other threads;
/// [`Error::CannotStart`] if the system refuses one: then those before it are
/// killed.
pub fn start_all(mut processes: Vec<Process<'_>>) -> Result<Vec<Child>, Error> {
    let is_forking = processes.iter().any(Process::is_fork);
    let alone = if is_forking { Some(Alone::check()?) } else { None };
    // What is in the buffer would be written twice, by parent and child.
    flush();
    for process in &mut processes {
        process.name = Some(family::next_name(process.name.take()));
    }
    let mut children: Vec<Child> = Vec::with_capacity(processes.len());
    // No memory is taken or given back between forks: each page that parent or
    // child writes to after a fork must be copied for it first.
    for process in &mut processes {
        match process.begin(alone.as_ref()) {
            Ok(pid) => children.push(Child::new(pid)),
            Err(cause) => {
                let name = process.name.take().unwrap_or_default();
                children.into_iter().for_each(Child::discard);
                return Err(Error::CannotStart { name, cause });
            }
        }
    }
    for (child, process) in children.iter_mut().zip(processes) {
        child.introduce(process.name.unwrap_or_default(), process.drops);
    }
    Ok(children)
}

impl Process<'_> {
    fn begin(&mut self, alone: Option<&Alone>) -> io::Result<Pid> {
        match (&mut self.how, alone) {
            (How::Spawn(call), _) => call.start(self.name.as_deref().unwrap_or_default()),
            (How::Fork(..), None) => Err(Errno::EINVAL.into()),
            (How::Fork(body, given), Some(alone)) => {
                let parent = getpid();
                if let Some(pid) = system::fork(alone)? {
                    return Ok(pid);
                }
                let (name, given) = (self.name.take().unwrap_or_default(), mem::take(given));
                live(parent, name, given, body)
            }
        }
    }
}

/// The life of a forked child.
fn live(parent: Pid, name: String, given: Vec<RawFd>, body: &mut Body<'_>) -> ! {
    let life = || {
        die_with(parent)?;
        show_name(&name);
        family::become_child(name, given);
        Ok(body())
    };
    // It did not begin, or it panicked, which has been told on stderr. What it
    // panicked with is not dropped: that could panic too, beyond this call.
    let ended: Result<io::Result<Infallible>, _> = catch_unwind(AssertUnwindSafe(life));
    mem::forget(ended);
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
pub(crate) fn show_name(name: &str) {
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

/// What a panic said.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string())
}
