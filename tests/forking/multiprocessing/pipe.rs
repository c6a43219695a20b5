//! Pipes: order, ends, ownership and invalid messages.

use std::os::fd::AsRawFd as _;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use nix::fcntl::SealFlag;
use nthread::process::{
    Callable, Connection, Error, Process, Receiver, Sender, Shared, one_way, pipe,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::raw::{self, SEALED};
use super::{BOTH, Done, LONG, MOMENT, Part, fork, is_well, sleep};
use crate::suite::Test;

pub const TESTS: &[Test] = &[
    ("a value of any size is sent and returned", any_size),
    ("both ends of a pipe may send before either receives", both_send_first),
    ("a closed end is noticed, whichever siblings exist", an_end),
    ("an end that was not given cannot be used", not_given),
    ("an end that was not given cannot be passed on", not_given_on),
    ("poll returns whether there is something to receive", polling),
    ("an end of a pipe is sent through a pipe", ends_through_pipes),
    ("the number of descriptors of a message is limited", many_descriptors),
    ("garbage is an error, and the next message is received", garbage),
    ("a large message is accepted only if it is sealed", large_garbage),
    ("shared memory that could shrink is not mapped", shrinking_memory),
];

pub const FUNCTIONS: &[&dyn Callable] =
    &[&ECHO.function, &SAY_FIRST.function, &WAIT.function, &TALK.function, &PASS_ON.function];

/// Copies a value by sending it through a pipe.
pub fn copy_of<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let (here, there) = pipe::<T, T>().expect("a pipe");
    here.send(value).expect("there is room");
    there.recv().expect("it was sent")
}

fn not_given_on() {
    let (one, _other) = pipe::<u8, u8>().expect("a pipe");
    is_well(fork(move || {
        let refused = |end: Connection<u8>| u8::from(!matches!(end.send(&1), Err(Error::NotGiven)));
        is_well(Process::with(one, refused).daemon().start().expect("a process"));
    }));
}

/// Sends back each value that it receives, until the other end is closed.
static ECHO: Part<Connection<String>, Done> = Part::new("echo", |peer| {
    loop {
        match peer.recv() {
            Ok(text) => peer.send(&text)?,
            Err(Error::Disconnected) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
});

fn any_size() {
    for start in BOTH {
        let (here, there) = pipe().expect("a pipe");
        let child = ECHO.give(start, there);
        for bytes in [0, 1, 1021, 1022, 1023, 1024, 4093, 4094, 4095, 70_000, 1_000_000] {
            let text = "é".repeat(bytes / 2) + &"x".repeat(bytes % 2);
            here.send(&text).expect("it listens");
            assert!(here.recv().expect("it answers") == text, "{bytes} bytes");
        }
        drop(here);
        is_well(child);
    }
    let (here, there) = pipe().expect("a pipe");
    let child = ECHO.give(BOTH[0], there);
    let text = "0123456789".repeat(10_000_000);
    here.send(&text).expect("it listens");
    assert!(here.recv().expect("it answers") == text, "100 MB");
    drop(here);
    is_well(child);
}

static SAY_FIRST: Part<Connection<String>, Result<u8, Error>> = Part::new("say first", |peer| {
    peer.send(&"c".repeat(1_000_000))?;
    Ok(u8::from(peer.recv()? != "p".repeat(1_000_000)))
});

fn both_send_first() {
    for start in BOTH {
        let (here, there) = pipe::<String, String>().expect("a pipe");
        let child = SAY_FIRST.give(start, there);
        here.send(&"p".repeat(1_000_000)).expect("there is room");
        // The child has ended, or will end: its messages are in the pipe.
        is_well(child);
        assert!(here.recv().expect("it was sent") == "c".repeat(1_000_000));
    }
}

/// Receives one value, and ends.
static WAIT: Part<Receiver<u8>, Result<u8, Error>> = Part::new("wait", |hear| hear.recv());

/// Sends one value, and waits for ever.
static TALK: Part<Sender<u8>, Done> = Part::new("talk", |say| {
    say.send(&1)?;
    sleep();
    Ok(())
});

fn an_end() {
    for start in BOTH {
        let (hear, say) = one_way::<u8>().expect("a pipe");
        let elder = fork(sleep);
        let mut child = TALK.give(start, say);
        let younger = fork(sleep);
        let (from_spawned, say) = one_way::<u8>().expect("a pipe");
        let spawned = TALK.give(BOTH[1], say);
        assert_eq!(from_spawned.recv().expect("it has started"), 1);
        assert_eq!(hear.recv().expect("it has started"), 1);
        child.kill().expect("it runs");
        assert!(matches!(hear.recv(), Err(Error::Disconnected)), "although its siblings live");
        drop([elder, younger, spawned]);

        let (hear, say) = one_way::<u8>().expect("a pipe");
        let child = WAIT.give(start, hear);
        say.send(&0).expect("it listens");
        is_well(child);
        assert!(matches!(say.send(&0), Err(Error::Disconnected)), "nobody listens any more");
    }
}

fn not_given() {
    let (here, there) = pipe::<u8, u8>().expect("a pipe");
    let (hear, say) = one_way::<u8>().expect("a pipe");
    let refuses = |done: Result<(), Error>| assert!(matches!(done, Err(Error::NotGiven)));
    let body = |there: Connection<u8, u8>| {
        refuses(here.send(&1));
        refuses(here.recv().map(drop));
        refuses(here.poll(Duration::ZERO).map(drop));
        refuses(here.descriptor().map(drop));
        refuses(hear.recv().map(drop));
        refuses(say.send(&1));
        // The numbers of closed descriptors may belong to other files by now.
        let (other, another) = pipe::<u8, u8>()?;
        drop((hear, say));
        other.send(&2)?;
        there.send(&another.recv()?)
    };
    is_well(Process::with(there, body).start().expect("a process"));
    assert_eq!(here.recv().expect("this one was given"), 2);
}

fn polling() {
    let (hear, say) = one_way::<String>().expect("a pipe");
    assert!(!hear.poll(Duration::ZERO).expect("it is ours"));
    assert!(!hear.poll(MOMENT).expect("it is ours"));
    say.send(&"x".repeat(10_000)).expect("there is room");
    assert!(hear.poll(LONG).expect("it is ours"));
    hear.recv().expect("it is there");
    assert!(!hear.poll(Duration::ZERO).expect("it is ours"));
    drop(say);
    assert!(hear.poll(LONG).expect("it is ours"), "the end is something to receive");
    assert!(matches!(hear.recv(), Err(Error::Disconnected)));
}

/// Sends a value through a pipe whose end it receives through a pipe.
static PASS_ON: Part<Receiver<Sender<String>>, Done> =
    Part::new("pass on", |hear| hear.recv()?.send(&"through both".to_string()));

fn ends_through_pipes() {
    for start in BOTH {
        let (hear, say) = one_way().expect("a pipe");
        let child = PASS_ON.give(start, hear);
        let (result, way) = one_way().expect("a pipe");
        say.send(&way).expect("it listens");
        drop(way);
        assert_eq!(result.recv().expect("it was said"), "through both");
        is_well(child);
        assert!(matches!(result.recv(), Err(Error::Disconnected)));
    }
}

fn many_descriptors() {
    let (here, there) = pipe::<(Vec<Sender<u8>>, String), ()>().expect("a pipe");
    let message = |ends| {
        let senders = (0..ends).map(|_| one_way().expect("a pipe").1).collect();
        (senders, "x".repeat(10_000))
    };
    here.send(&message(31)).expect("so many, and the one of a large message");
    assert_eq!(there.recv().expect("it was sent").0.len(), 31);
    assert!(matches!(here.send(&message(32)), Err(Error::CannotPack { .. })));
    here.send(&message(1)).expect("nothing is left of what was refused");
    assert_eq!(there.recv().expect("it was sent").0.len(), 1);
}

/// Checks that the next message is invalid, and the one after it valid.
#[track_caller]
fn is_garbage(there: &Connection<(), String>, here: &Connection<String, ()>, why: &str) {
    let refused = there.recv().expect_err(why);
    assert!(matches!(refused, Error::InvalidMessage { .. }), "{why}: {refused}");
    here.send(&"well".to_string()).expect("there is room");
    assert_eq!(there.recv().expect("it is a message"), "well", "after {why}");
}

fn garbage() {
    let (here, there) = pipe::<String, ()>().expect("a pipe");
    let packets: [(&[u8], &str); 8] = [
        (&[7, 1, 2, 3], "no kind of packet"),
        (&[0], "no string"),
        (&[0, 5, b'a'], "a string that is too short"),
        (&[0, 1, b'a', b'b'], "a string that is followed by more"),
        (&[0, 1, 0xff], "a string that is no UTF-8"),
        (&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], "a string beyond all"),
        (&[1, 2, 3], "a large message without a length"),
        (&[0; 4098], "a packet that is too long"),
    ];
    for (bytes, why) in packets {
        raw::send(here.descriptor().expect("ours"), bytes, &[]);
        is_garbage(&there, &here, why);
    }
}

fn large_garbage() {
    let (here, there) = pipe::<String, ()>().expect("a pipe");
    let socket = here.descriptor().expect("ours");
    // A packed string of 3 bytes.
    let text = b"\x03abc";
    raw::send(socket, &raw::in_memfd(4), &[raw::memory(text, 4, SEALED).as_raw_fd()]);
    assert_eq!(there.recv().expect("as an honest process sends it"), "abc");

    raw::send(socket, &raw::in_memfd(4), &[]);
    is_garbage(&there, &here, "no memory");
    let cases = [
        (1 << 60, 4, SEALED, "2^60 bytes that are not there"),
        (u64::MAX, 4, SEALED, "all bytes that a number can say"),
        (3, 4, SEALED, "shorter than its memory"),
        (5, 4, SEALED, "longer than its memory"),
        (4, 4, SealFlag::empty(), "not sealed"),
        (4, 4, SEALED.difference(SealFlag::F_SEAL_WRITE), "open to writers"),
        (4, 4, SEALED.difference(SealFlag::F_SEAL_SHRINK), "open to cutters"),
        (1 << 40, 1 << 40, SEALED, "a terabyte of holes"),
    ];
    for (said, length, seals, why) in cases {
        let memory = raw::memory(text, length, seals);
        raw::send(socket, &raw::in_memfd(said), &[memory.as_raw_fd()]);
        is_garbage(&there, &here, why);
    }
    raw::send(socket, &raw::in_memfd(4), &[socket.as_raw_fd()]);
    is_garbage(&there, &here, "a socket and no memory");
}

fn shrinking_memory() {
    let (here, there) = pipe::<(), Shared<AtomicU64>>().expect("a pipe");
    let open = SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    let seal = open | SealFlag::F_SEAL_SHRINK;
    let cases = [(8, open, "could shrink"), (1 << 30, seal, "is not there")];
    for (length, seals, why) in cases {
        let memory = raw::memory(&[1; 8], length, seals);
        raw::send(there.descriptor().expect("ours"), &[0, 0], &[memory.as_raw_fd()]);
        assert!(matches!(here.recv(), Err(Error::InvalidMessage { .. })), "{why}");
    }
    raw::send(there.descriptor().expect("ours"), &[0, 0], &[]);
    assert!(matches!(here.recv(), Err(Error::InvalidMessage { .. })), "no memory at all");
    let memory = raw::memory(&[1; 8], 8, seal);
    raw::send(there.descriptor().expect("ours"), &[0, 0], &[memory.as_raw_fd()]);
    assert_eq!(here.recv().expect("memory").len(), 1);
}
