//! Processes and their communication, in a program that has one thread and no test
//! harness (`harness = false`): it forks, and it spawns itself.

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

/// Result of most children.
type Done = Result<(), Error>;

/// A function for a child, with either start method.
struct Part<A: 'static, R: 'static> {
    function: Function<A, R>,
    body: fn(A) -> R,
}

impl<A: Serialize + DeserializeOwned, R: Termination> Part<A, R> {
    const fn new(name: &'static str, body: fn(A) -> R) -> Part<A, R> {
        Part { function: Function::new(name, body), body }
    }

    /// Makes a process that runs the function.
    fn process(&self, start: Start, argument: A) -> Process<'static> {
        let body = self.body;
        match start {
            Start::Fork => Process::new(move || body(argument)),
            Start::Spawn => Process::of(&self.function, argument).expect("it is listed"),
        }
    }

    /// Starts a process that runs the function, and is killed with its handle.
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

/// Forks a child that runs `body`.
fn fork<R: Termination>(body: impl FnOnce() -> R) -> Child {
    Process::new(body).daemon().start().expect("a process")
}

/// Fails unless a child ends with code 0. Its messages are on stderr.
#[track_caller]
fn is_well(mut child: Child) {
    assert_eq!(child.join().expect("an end").code(), 0, "{}", child.name());
}

/// Sleeps for longer than the test lasts.
fn sleep() {
    std::thread::sleep(Duration::from_secs(1000));
}

/// A limit that no test reaches unless it hangs.
const LONG: Duration = Duration::from_secs(60);

/// Time after which an event that should come at once is missing, and one that must not
/// come has not come.
const MOMENT: Duration = Duration::from_millis(20);
