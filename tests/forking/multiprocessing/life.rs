//! Start, wait, exit status, signals and drop of child processes.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, dup2_stdout};
use nthread::process::{Callable, Child, Exit, Shared};
use serde::{Deserialize, Serialize};

use super::{BOTH, LONG, MOMENT, Part, fork, is_well, sleep};
use crate::common::{state_of, wait_until};
use crate::suite::{EXPECTED, Test};

pub const TESTS: &[Test] = &[
    ("a child has the exit status of its code", exit_codes),
    ("a child whose panic panics again exits with code 1", panics_twice),
    ("the exit status of a killed child is the signal", killed),
    ("a stop is counted, whether or not the child was continued", stops),
    ("waiting for a child ends with its timeout or with the child", waiting),
    ("closing a running child returns its handle", closing),
    ("the sentinel of a child is readable when it has ended", sentinel),
    ("a dropped daemon is killed, another dropped child is waited for", dropping),
    ("output of parent and child is written once", printing),
];

pub const FUNCTIONS: &[&dyn Callable] =
    &[&NOTHING.function, &END.function, &SLEEP.function, &LINGER.function, &PRINT.function];

pub static NOTHING: Part<(), ()> = Part::new("nothing", |()| ());

#[derive(Serialize, Deserialize)]
enum Ending {
    Code(u8),
    Error,
    Panic,
    Exit(i32),
}

static END: Part<Ending, Result<u8, String>> = Part::new("end", |how| match how {
    Ending::Code(code) => Ok(code),
    Ending::Error => Err(EXPECTED.to_string()),
    Ending::Panic => panic!("{EXPECTED}"),
    Ending::Exit(code) => std::process::exit(code),
});

static SLEEP: Part<(), ()> = Part::new("sleep", |()| sleep());

/// Prints a line, and sleeps for a moment.
static LINGER: Part<Shared<AtomicU64>, ()> = Part::new("linger", |memory| {
    std::thread::sleep(MOMENT);
    memory[0].store(7, Ordering::SeqCst);
});

static PRINT: Part<(), ()> = Part::new("print", |()| print!("the child, "));

fn exit_codes() {
    for start in BOTH {
        let code = |how| END.start(start, how).join().expect("an end").code();
        assert_eq!(code(Ending::Code(0)), 0);
        assert_eq!(code(Ending::Code(7)), 7);
        assert_eq!(code(Ending::Code(255)), 255);
        assert_eq!(code(Ending::Error), 1);
        assert_eq!(code(Ending::Panic), 1);
        assert_eq!(code(Ending::Exit(9)), 9);
    }
    is_well(fork(|| ()));
}

fn killed() {
    for start in BOTH {
        let mut children = [SLEEP.start(start, ()), SLEEP.start(start, ())];
        children[0].kill().expect("it runs");
        children[1].terminate().expect("it runs");
        let exits = children.each_mut().map(|child| child.join().expect("an end"));
        assert_eq!(exits, [Exit::Signal(Signal::SIGKILL), Exit::Signal(Signal::SIGTERM)]);
        assert_eq!(exits.map(Exit::code), [-9, -15]);
        children[0].kill().expect("one that has ended is no error");
    }
}

fn stops() {
    for start in BOTH {
        let mut child = SLEEP.start(start, ());
        let pid = Pid::from_raw(child.pid());
        let stop = || {
            kill(pid, Signal::SIGSTOP).expect("it runs");
            wait_until("it is stopped", || state_of(pid) == Some('T'));
        };
        let go_on = || {
            kill(pid, Signal::SIGCONT).expect("it is there");
            wait_until("it goes on", || state_of(pid) != Some('T'));
        };
        assert_eq!(child.stops(), 0);
        stop();
        assert_eq!((child.stops(), child.stops()), (1, 1));
        go_on();
        assert_eq!(child.stops(), 1, "its end is not another stop");
        stop();
        go_on();
        assert_eq!(child.stops(), 2, "though nobody looked in between");
        assert!(child.is_alive());
        child.kill().expect("it runs");
        child.join().expect("an end");
        assert_eq!(child.stops(), 2);
    }
}

fn waiting() {
    for start in BOTH {
        let mut child = SLEEP.start(start, ());
        assert!(child.is_alive());
        assert_eq!(child.exit().expect("it is ours"), None);
        assert_eq!(child.join_timeout(Duration::ZERO).expect("it is ours"), None);
        let begun = Instant::now();
        assert_eq!(child.join_timeout(MOMENT).expect("it is ours"), None);
        assert!(begun.elapsed() >= MOMENT);
        child.kill().expect("it runs");
        let end = Some(Exit::Signal(Signal::SIGKILL));
        assert_eq!(child.join_timeout(LONG).expect("it is ours"), end);
        assert_eq!(child.exit().expect("it is known"), end);
        assert_eq!(child.join().ok(), end);
        assert!(!child.is_alive());
    }
}

fn closing() {
    for start in BOTH {
        let mut child: Child = SLEEP.start(start, ()).close().expect_err("it runs");
        assert!(child.is_alive());
        child.kill().expect("it runs");
        child.join().expect("an end");
        assert_eq!(child.close().expect("it has ended"), Exit::Signal(Signal::SIGKILL));
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{EXPECTED}");
    }
}

fn panics_twice() {
    // The panic is expected, so it prints nothing.
    let body = || -> u8 { std::panic::resume_unwind(Box::new(Bomb)) };
    assert_eq!(fork(body).join().expect("an end").code(), 1, "not 101, which is main's");
}

fn sentinel() {
    for start in BOTH {
        let mut child = SLEEP.start(start, ());
        let is_ready = |child: &mut Child, timeout: PollTimeout| {
            let sentinel = child.sentinel().expect("a descriptor");
            poll(&mut [PollFd::new(sentinel, PollFlags::POLLIN)], timeout).expect("it can wait")
                == 1
        };
        assert!(!is_ready(&mut child, PollTimeout::ZERO));
        child.kill().expect("it runs");
        assert!(is_ready(&mut child, PollTimeout::NONE));
        // Its pid may belong to another process by now.
        let mut child = NOTHING.start(start, ());
        child.join().expect("an end");
        assert!(is_ready(&mut child, PollTimeout::NONE));
    }
}

fn dropping() {
    for start in BOTH {
        let child = SLEEP.start(start, ());
        let pid = Pid::from_raw(child.pid());
        drop(child);
        assert_eq!(state_of(pid), None, "it is dead, and reaped");

        let memory = Shared::<AtomicU64>::zeroed(1).expect("memory");
        let copy = super::pipe::copy_of(&memory);
        drop(LINGER.process(start, copy).start().expect("a process"));
        assert_eq!(memory[0].load(Ordering::SeqCst), 7, "it was waited for");
    }
}

fn printing() {
    for start in BOTH {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let child = fork(move || {
            dup2_stdout(OwnedFd::from(writer)).expect("a descriptor");
            print!("the parent, ");
            let child = PRINT.start(start, ());
            is_well(child);
            print!("and the end");
        });
        let mut written = String::new();
        reader.read_to_string(&mut written).expect("UTF-8");
        assert_eq!(written, "the parent, the child, and the end");
        is_well(child);
    }
    // The output of the test itself must not be lost.
    std::io::stdout().flush().expect("stdout");
}
