//! Functions that a process started anew can be asked to do.
//!
//! A forked child has its parent's memory, and with it any closure. A spawned
//! one runs this program from its beginning; all that it can be told is the
//! name of a function, and an argument as bytes. So such functions are listed,
//! and `main` begins with [`enter`], which does what the process was started
//! for and ends it there. Without that line the child would do whatever `main`
//! does, children of its own included: this is why a Python script guards its
//! start with `if __name__ == "__main__"`.

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

use super::frame::{Frames, Patience};
use super::start::{Outcome, die_with, show_name};
use super::wire::{Message, pack, unpack};
use super::{Error, family, manager};

/// First argument of a program that is started as somebody's child.
pub const VERB: &str = "__process";

/// Names of the functions that this program has listed.
static ENTERED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// What a spawned process can do, under a name.
pub trait Callable: Sync {
    /// The name by which parent and child know it.
    fn name(&self) -> &'static str;

    /// Does it, in the child, and returns the exit code.
    ///
    /// # Errors
    /// Where the argument is none.
    fn serve(&self, argument: Message) -> Result<u8, Error>;
}

/// A function with a name, as the target of a process.
pub struct Function<A, R> {
    name: &'static str,
    body: fn(A) -> R,
}

impl<A, R> Function<A, R> {
    /// `body` under a name that no other function of this program has.
    pub const fn new(name: &'static str, body: fn(A) -> R) -> Function<A, R> {
        Function { name, body }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl<A: DeserializeOwned, R: Outcome> Callable for Function<A, R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn serve(&self, argument: Message) -> Result<u8, Error> {
        Ok((self.body)(unpack(argument)?).exit_code())
    }
}

/// Lists functions that processes of this program may be spawned for, and does
/// one of them, if this process was: then it ends here. To be called first in
/// `main`.
///
/// # Panics
/// If two of them have the same name: a child would do one for the other.
pub fn enter(functions: &[&dyn Callable]) {
    for (index, function) in functions.iter().enumerate() {
        let name = function.name();
        let is_twice = functions[..index].iter().any(|other| other.name() == name);
        assert!(!is_twice, "two functions are called {name:?}: give each a name of its own");
    }
    let own: [&dyn Callable; 1] = [&manager::SERVER];
    let known = functions.iter().copied().chain(own);
    // Before the function begins, which may spawn children of its own.
    let mut entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
    entered.extend(known.clone().map(Callable::name));
    drop(entered);
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() == Some(OsStr::new(VERB)) {
        let wanted = arguments.next();
        let is_it = |it: &&dyn Callable| wanted.as_deref() == Some(OsStr::new(it.name()));
        if let Some(function) = known.into_iter().find(is_it) {
            std::process::exit(i32::from(live(function)));
        }
    }
}

/// The life of a spawned child.
fn live(function: &dyn Callable) -> u8 {
    let life = || {
        let message = begin()?;
        function.serve(message)
    };
    match catch_unwind(AssertUnwindSafe(life)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            eprintln!("{}: {error}", function.name());
            1
        }
        // A panic has been told on stderr by its hook.
        Err(_) => 1,
    }
}

/// What the parent sends first, on the socket that is the child's stdin.
#[derive(Serialize, serde::Deserialize)]
struct Hello {
    parent: i32,
    name: String,
}

/// Takes over what the parent sent; stdin is empty from then on.
fn begin() -> Result<Message, Error> {
    let no_stdin = |source| Error::system("read what this process was started for", source);
    let socket = Frames::from(io::stdin().as_fd().try_clone_to_owned().map_err(no_stdin)?);
    let hello = socket.receive(Patience::Endless).map_err(|error| {
        let what = format!("processes of this kind are started by their parent only ({error})");
        Error::garbage(what)
    })?;
    let hello: Hello = unpack(hello)?;
    die_with(Pid::from_raw(hello.parent)).map_err(no_stdin)?;
    show_name(&hello.name);
    family::take_name(&hello.name);
    let argument = socket.receive(Patience::Endless)?;
    let nothing = std::fs::File::open("/dev/null").map_err(no_stdin)?;
    dup2_stdin(nothing).map_err(|errno| no_stdin(errno.into()))?;
    Ok(argument)
}

/// A function and its argument, ready for a process of their own.
#[derive(Debug)]
pub struct Call {
    function: &'static str,
    argument: Message,
}

impl Call {
    /// # Errors
    /// [`Error::NotEntered`] if `function` was not listed, and what [`pack`]
    /// says.
    pub fn new(function: &'static str, argument: &impl Serialize) -> Result<Call, Error> {
        let entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
        if !entered.contains(&function) {
            return Err(Error::NotEntered { function });
        }
        let call = Call { function, argument: pack(argument)? };
        // A sibling that is forked before this one starts must not keep them.
        call.numbers().for_each(family::add_end);
        Ok(call)
    }

    fn numbers(&self) -> impl Iterator<Item = RawFd> {
        self.argument.descriptors.iter().map(|descriptor| descriptor.as_raw_fd())
    }

    /// Starts the process.
    ///
    /// # Errors
    /// Where the system refuses, or the child is gone before it has heard what
    /// to do.
    pub fn start(&self, name: &str) -> io::Result<Pid> {
        let (socket, stdin) = Frames::pair()?;
        let hello = Hello { parent: getpid().as_raw(), name: name.to_string() };
        let hello = pack(&hello).map_err(io::Error::other)?;
        for message in [&hello, &self.argument] {
            socket.send(message, Patience::Endless).map_err(io::Error::other)?;
        }
        // The same file, even if another has taken its place since.
        let mut command = Command::new("/proc/self/exe");
        command.arg0(name).arg(VERB).arg(self.function).stdin(Stdio::from(OwnedFd::from(stdin)));
        // The handle neither waits nor kills when it is dropped.
        Ok(Pid::from_raw(command.spawn()?.id() as i32))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.numbers().for_each(family::remove_end);
    }
}
