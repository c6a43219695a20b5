//! Registered functions, which a spawned process can be started for.
//!
//! A forked child has its parent's memory, and with it any closure. A spawned
//! child runs this program from its beginning, and can receive only the name of
//! a function and an argument as bytes. So such functions are registered:
//! `main` begins with [`enter`], which runs the function that the process was
//! started for and ends the process. Without that line the child would run the
//! rest of `main`, and start children of its own: this is why a Python script
//! guards its start with `if __name__ == "__main__"`.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use nix::unistd::{Pid, dup2_stdin, getpid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::socket::{MessageSocket, Timeout};
use super::start::{Termination, die_with_parent, set_process_name};
use super::wire::{Message, pack, unpack};
use super::{Error, current, manager};

/// First command-line argument of a spawned process.
pub const VERB: &str = "__process";

/// Names of the functions that this program has registered.
static REGISTERED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// Named code that a spawned process can run.
pub trait Callable: Sync {
    /// Name that identifies it to parent and child.
    fn name(&self) -> &'static str;

    /// Runs it in the child and returns the exit code.
    ///
    /// # Errors
    /// Where the argument is invalid.
    fn run(&self, argument: Message) -> Result<u8, Error>;
}

/// A named function as the target of a spawned process.
pub struct Function<A, R> {
    name: &'static str,
    body: fn(A) -> R,
}

impl<A, R> Function<A, R> {
    /// Names `body`. No other function of this program may have the same name.
    pub const fn new(name: &'static str, body: fn(A) -> R) -> Function<A, R> {
        Function { name, body }
    }

    /// Name of the function.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl<A: DeserializeOwned, R: Termination> Callable for Function<A, R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, argument: Message) -> Result<u8, Error> {
        Ok((self.body)(unpack(argument)?).exit_code())
    }
}

/// Registers the functions that processes of this program may be spawned for. If
/// this process was spawned for one of them, runs it and exits. Call it first in
/// `main`.
///
/// # Panics
/// If two functions have the same name: a child might run the wrong one.
pub fn enter(functions: &[&dyn Callable]) {
    for (index, function) in functions.iter().enumerate() {
        let name = function.name();
        let is_duplicate = functions[..index].iter().any(|other| other.name() == name);
        assert!(!is_duplicate, "two functions are called {name:?}: give each a name of its own");
    }
    let own: [&dyn Callable; 1] = [&manager::SERVER];
    let mut callables = functions.iter().copied().chain(own);
    // Registered before the function runs, which may spawn children of its own.
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    registered.extend(callables.clone().map(Callable::name));
    drop(registered);
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() == Some(OsStr::new(VERB)) {
        let name = arguments.next().unwrap_or_default();
        if let Some(function) = callables.find(|callable| name == callable.name()) {
            std::process::exit(i32::from(run_child(function)));
        }
    }
}

/// Runs a spawned child and returns its exit code.
fn run_child(function: &dyn Callable) -> u8 {
    let result = catch_unwind(AssertUnwindSafe(|| function.run(receive_argument()?)));
    match result {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            eprintln!("{}: {error}", function.name());
            1
        }
        // The panic hook has printed the message on stderr.
        Err(_) => 1,
    }
}

/// First message from the parent, on the socket that is the child's stdin.
#[derive(Serialize, serde::Deserialize)]
struct Handshake {
    parent: i32,
    name: String,
}

/// Receives the handshake and the argument, and replaces stdin by /dev/null.
fn receive_argument() -> Result<Message, Error> {
    let no_stdin = |source| Error::system("read the argument of this process", source);
    let socket = MessageSocket::from(io::stdin().as_fd().try_clone_to_owned().map_err(no_stdin)?);
    let handshake = socket.receive(Timeout::Never).map_err(|error| {
        Error::invalid(format!(
            "a process with the argument {VERB} is started by its parent only ({error})"
        ))
    })?;
    let handshake: Handshake = unpack(handshake)?;
    die_with_parent(Pid::from_raw(handshake.parent)).map_err(no_stdin)?;
    set_process_name(&handshake.name);
    current::set_name(&handshake.name);
    let argument = socket.receive(Timeout::Never)?;
    let null = std::fs::File::open("/dev/null").map_err(no_stdin)?;
    dup2_stdin(null).map_err(|errno| no_stdin(errno.into()))?;
    Ok(argument)
}

/// A registered function and its argument, to be run in a spawned process.
#[derive(Debug)]
pub struct FunctionCall {
    function: &'static str,
    argument: Message,
}

impl FunctionCall {
    /// Packs the argument of a call.
    ///
    /// # Errors
    /// [`Error::NotRegistered`] if `function` was not registered, and the errors
    /// of [`pack`].
    pub fn new(function: &'static str, argument: &impl Serialize) -> Result<FunctionCall, Error> {
        let registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
        if !registered.contains(&function) {
            return Err(Error::NotRegistered { function });
        }
        let call = FunctionCall { function, argument: pack(argument)? };
        // A sibling that is forked before this process starts must close them.
        call.descriptors().for_each(current::add_end);
        Ok(call)
    }

    fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.argument.descriptors.iter().map(|descriptor| descriptor.as_raw_fd())
    }

    /// Starts the process.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn start(&self, name: &str) -> io::Result<Pid> {
        let (socket, stdin) = MessageSocket::pair()?;
        let handshake = Handshake { parent: getpid().as_raw(), name: name.to_string() };
        let handshake = pack(&handshake).map_err(io::Error::other)?;
        for message in [&handshake, &self.argument] {
            socket.send(message, Timeout::Never).map_err(io::Error::other)?;
        }
        // This link names the running program even if its file was replaced.
        let mut command = Command::new("/proc/self/exe");
        command.arg0(name).arg(VERB).arg(self.function).stdin(Stdio::from(OwnedFd::from(stdin)));
        // Dropping the handle of std neither waits nor kills.
        Ok(Pid::from_raw(command.spawn()?.id() as i32))
    }
}

impl Drop for FunctionCall {
    fn drop(&mut self) {
        self.descriptors().for_each(current::remove_end);
    }
}
