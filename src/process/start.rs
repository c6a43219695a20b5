//! Description and start of a process.

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

use super::child::{Child, OnDrop};
use super::connection::Ends;
use super::function::{Function, FunctionCall};
use super::single_thread::SingleThreaded;
use super::{Error, current, system};

/// A process that has not started yet. [`Process::start`] takes it by value, so
/// that it cannot be started twice.
///
/// ```compile_fail,E0382
/// let process = nthread::process::Process::new(|| println!("once"));
/// let first = process.start();
/// let second = process.start(); // error: use of moved value
/// ```
#[must_use = "a process runs only after start()"]
pub struct Process<'a> {
    method: Method<'a>,
    name: Option<String>,
    on_drop: OnDrop,
}

/// Start method of a process, and the code that it runs.
enum Method<'a> {
    /// Copies this process; the copy runs the closure and keeps these ends.
    Fork(Body<'a>, Vec<RawFd>),
    /// Starts this program from its beginning, up to `enter`, which runs the
    /// function.
    Spawn(FunctionCall),
}

/// Code of a forked child. It exits instead of returning: the caller would only
/// free, page by copied page, what the end of the process frees at once. For the
/// same reason it is no `FnOnce`, which would be called by way of two more
/// functions on pages of their own.
type Body<'a> = Box<dyn FnMut() -> Infallible + 'a>;

impl<'a> Process<'a> {
    /// Makes a copy of this process (`fork`) that runs `body`.
    ///
    /// The child has a copy of all memory; its parent does not see what it
    /// changes there. It keeps no end of any pipe; see [`Process::with`].
    pub fn new<R: Termination>(body: impl FnOnce() -> R + 'a) -> Process<'a> {
        Process::with((), |()| body())
    }

    /// Makes a process as [`Process::new`] does, and gives it `ends` of pipes: these
    /// and no other. The parent closes them when the child has started, so that
    /// each end has one owner, and its peer is notified when it is closed.
    pub fn with<E: Ends + 'a, R: Termination>(
        ends: E,
        body: impl FnOnce(E) -> R + 'a,
    ) -> Process<'a> {
        Process::without_output(ends, move |ends| {
            let code = body(ends).exit_code();
            flush();
            code
        })
    }

    /// Makes a process as [`Process::with`] does, for a child that prints nothing.
    /// It does not flush stdout: reading the state of the buffer copies the pages
    /// that it is in, which takes a tenth of the life of a short process.
    pub(crate) fn without_output<E: Ends + 'a, R: Termination>(
        mut ends: E,
        body: impl FnOnce(E) -> R + 'a,
    ) -> Process<'a> {
        let mut given = Vec::new();
        ends.visit(&mut |end| given.extend(end.descriptor()));
        let mut once = Some((ends, body));
        let body = move || {
            let Some((mut ends, body)) = once.take() else { system::exit_immediately(1) };
            ends.visit(&mut |end| end.adopt());
            system::exit_immediately(body(ends).exit_code())
        };
        Process::from_method(Method::Fork(Box::new(body), given))
    }

    /// Makes a process that starts this program anew (`spawn`) and runs `function`
    /// with a copy of `argument`. Pass a queue or shared memory by reference, so
    /// that several processes can have it; pass an end of a pipe by value, so that
    /// it has one owner.
    ///
    /// # Errors
    /// [`Error::NotRegistered`] if this program did not list `function` in its
    /// call of [`enter`](super::enter); or if the argument cannot be sent.
    pub fn of<A, R>(
        function: &Function<A, R>,
        argument: impl Borrow<A>,
    ) -> Result<Process<'static>, Error>
    where
        A: serde::Serialize + serde::de::DeserializeOwned,
        R: Termination,
    {
        Ok(Process::spawn(FunctionCall::new(function.name(), argument.borrow())?))
    }

    pub(crate) fn spawn(call: FunctionCall) -> Process<'static> {
        Process::from_method(Method::Spawn(call))
    }

    fn from_method(method: Method<'_>) -> Process<'_> {
        Process { method, name: None, on_drop: OnDrop::Wait }
    }

    /// Sets the name. `ps` shows its first 15 bytes.
    pub fn name(self, name: impl Into<String>) -> Process<'a> {
        Process { name: Some(name.into()), ..self }
    }

    /// Makes the process a daemon: dropping its handle kills it instead of waiting
    /// for it.
    pub fn daemon(self) -> Process<'a> {
        Process { on_drop: OnDrop::Kill, ..self }
    }

    /// Starts the process.
    ///
    /// # Errors
    /// As [`start_all`].
    pub fn start(self) -> Result<Child, Error> {
        Ok(start_all(vec![self])?.remove(0))
    }

    fn is_fork(&self) -> bool {
        matches!(self.method, Method::Fork(..))
    }
}

impl fmt::Debug for Process<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Starts several processes in order, and counts threads once. The ends of pipes
/// that were given to them are closed here after all have started.
///
/// # Errors
/// [`Error::MultipleThreads`] if one is a fork and this process has other
/// threads; [`Error::CannotStart`] if the system refuses one: then those before
/// it are killed.
pub fn start_all(mut processes: Vec<Process<'_>>) -> Result<Vec<Child>, Error> {
    let is_forking = processes.iter().any(Process::is_fork);
    let proof = if is_forking { Some(SingleThreaded::check()?) } else { None };
    // Buffered output would be written twice, by parent and child.
    flush();
    for process in &mut processes {
        process.name = Some(current::next_name(process.name.take()));
    }
    let mut children: Vec<Child> = Vec::with_capacity(processes.len());
    // Nothing is allocated or freed between forks: each page that parent or child
    // writes to after a fork must be copied first.
    for process in &mut processes {
        match process.launch(proof.as_ref()) {
            Ok(pid) => children.push(Child::new(pid)),
            Err(cause) => {
                let name = process.name.take().unwrap_or_default();
                children.into_iter().for_each(Child::kill_and_drop);
                return Err(Error::CannotStart { name, cause });
            }
        }
    }
    for (child, process) in children.iter_mut().zip(processes) {
        child.register(process.name.unwrap_or_default(), process.on_drop);
    }
    Ok(children)
}

impl Process<'_> {
    fn launch(&mut self, proof: Option<&SingleThreaded>) -> io::Result<Pid> {
        match (&mut self.method, proof) {
            (Method::Spawn(call), _) => call.start(self.name.as_deref().unwrap_or_default()),
            (Method::Fork(..), None) => Err(Errno::EINVAL.into()),
            (Method::Fork(body, given), Some(proof)) => {
                let parent = getpid();
                if let Some(pid) = system::fork(proof)? {
                    return Ok(pid);
                }
                let (name, given) = (self.name.take().unwrap_or_default(), mem::take(given));
                run_child(parent, name, given, body)
            }
        }
    }
}

/// Runs a forked child to its end.
fn run_child(parent: Pid, name: String, given: Vec<RawFd>, body: &mut Body<'_>) -> ! {
    let result: Result<io::Result<Infallible>, _> = catch_unwind(AssertUnwindSafe(|| {
        die_with_parent(parent)?;
        set_process_name(&name);
        current::become_child(name, given);
        Ok(body())
    }));
    // The body exits, so here it has panicked (the hook has printed the message)
    // or could not begin. The payload of a panic is not dropped: its destructor
    // could panic too, outside `catch_unwind`.
    mem::forget(result);
    flush();
    system::exit_immediately(1)
}

/// Flushes stdout. An error, such as a closed pipe, does not prevent the start of
/// a process.
fn flush() {
    let _ = io::Write::flush(&mut io::stdout());
}

/// Makes the kernel kill this process when the thread ends that started it.
pub(super) fn die_with_parent(parent: Pid) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // If the parent died before the call above, this process has another parent
    // by now, and no signal will come.
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
}

/// Sets the name of this process in `ps`, which keeps its first 15 bytes.
pub(crate) fn set_process_name(name: &str) {
    let mut short = [0; 16];
    let bytes = name.bytes().filter(|byte| *byte != 0);
    short.iter_mut().take(15).zip(bytes).for_each(|(to, byte)| *to = byte);
    if let Ok(short) = CStr::from_bytes_until_nul(&short) {
        // A process works without its name.
        let _ = prctl::set_name(short);
    }
}

/// Return type of the code of a process, as [`std::process::Termination`] is of
/// `main`.
pub trait Termination {
    /// Converts the value into an exit code: 0 for success. An error is printed on
    /// stderr.
    fn exit_code(self) -> u8;
}

impl Termination for () {
    fn exit_code(self) -> u8 {
        0
    }
}

impl Termination for u8 {
    fn exit_code(self) -> u8 {
        self
    }
}

impl<T: Termination, E: fmt::Display> Termination for Result<T, E> {
    fn exit_code(self) -> u8 {
        self.map_or_else(
            |error| {
                eprintln!("{}: {error}", current::current_name());
                1
            },
            Termination::exit_code,
        )
    }
}

/// Message of a panic.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string())
}
