//! Processes and what they say to each other, in a program that has one thread
//! and no test harness (`harness = false`): it forks, and it spawns itself.

mod life;
mod limits;
mod manager;
mod names;
mod orphans;
mod pipe;
mod pool;
mod queue;
mod raw;
mod shared;
mod time;

use std::process::ExitCode;
use std::time::Duration;

use crate::suite::{Test, hide_expected_panics, run};
use nthread::process::{Callable, Child, Ends, Error, Function, Process, Termination};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub fn main() -> ExitCode {
    hide_expected_panics();
    let functions =
        [life::FUNCTIONS, names::FUNCTIONS, pipe::FUNCTIONS, queue::FUNCTIONS, shared::FUNCTIONS];
    let more = [manager::FUNCTIONS, pool::FUNCTIONS, orphans::FUNCTIONS, time::FUNCTIONS];
    let functions: Vec<&dyn Callable> =
        functions.into_iter().chain(more).flatten().copied().collect();
    nthread::process::enter(&functions);
    let tests = [names::TESTS, life::TESTS, pipe::TESTS, queue::TESTS, shared::TESTS];
    let more = [manager::TESTS, pool::TESTS, limits::TESTS, orphans::TESTS, time::TESTS];
    let tests: Vec<Test> = tests.into_iter().chain(more).flatten().copied().collect();
    run(&tests)
}

/// The two ways to start a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Fork,
    Spawn,
}

const BOTH: [Start; 2] = [Start::Fork, Start::Spawn];

/// What most children come to.
type Done = Result<(), Error>;

/// A function that a child does, whichever way it is started.
struct Part<A: 'static, R: 'static> {
    function: Function<A, R>,
    body: fn(A) -> R,
}

impl<A: Serialize + DeserializeOwned, R: Termination> Part<A, R> {
    const fn new(name: &'static str, body: fn(A) -> R) -> Part<A, R> {
        Part { function: Function::new(name, body), body }
    }

    /// A process that will do it.
    fn process(&self, start: Start, argument: A) -> Process<'static> {
        let body = self.body;
        match start {
            Start::Fork => Process::new(move || body(argument)),
            Start::Spawn => Process::of(&self.function, argument).expect("it is listed"),
        }
    }

    /// A process that is doing it, and will be killed with its handle.
    fn start(&self, start: Start, argument: A) -> Child {
        self.process(start, argument).daemon().start().expect("a process")
    }
}

impl<A: Serialize + DeserializeOwned + Ends, R: Termination> Part<A, R> {
    /// As [`Part::start`], for an argument of ends of pipes.
    fn give(&self, start: Start, ends: A) -> Child {
        let process = match start {
            Start::Fork => Process::with(ends, self.body),
            Start::Spawn => Process::of(&self.function, ends).expect("it is listed"),
        };
        process.daemon().start().expect("a process")
    }
}

/// A child that was forked to do `body`.
fn fork<R: Termination>(body: impl FnOnce() -> R) -> Child {
    Process::new(body).daemon().start().expect("a process")
}

/// Fails unless a child ends with code 0. What it had to say is on stderr.
#[track_caller]
fn is_well(mut child: Child) {
    assert_eq!(child.join().expect("an end").code(), 0, "{}", child.name());
}

/// Longer than the test lasts.
fn sleep() {
    std::thread::sleep(Duration::from_secs(1000));
}

/// No test is decided by less.
const LONG: Duration = Duration::from_secs(60);

/// Long enough for what happens at once, and short enough to wait for what does
/// not.
const MOMENT: Duration = Duration::from_millis(20);
