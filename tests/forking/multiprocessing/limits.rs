//! Limits of the system: exceeding one is an error, no panic and no signal, and leaves
//! nothing behind. Limits are set in children, which cannot lift them again.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicU8, AtomicU64};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nthread::process::{Error, Locked, Manager, Process, Queue, Shared, one_way, pipe};

use super::life::NOTHING;
use super::pool::{Ask, workers};
use super::{Start, fork, is_well};
use crate::suite::{Test, descriptors, nothing_is_left};

pub const TESTS: &[Test] = &[
    ("running out of descriptors at any step is an error", no_descriptors),
    ("running out of descriptors within a message closes those received", half_a_message),
    ("a refused process is an error", no_processes),
    ("exceeding the file size limit is an error and no signal", no_large_files),
    ("exceeding the limit of the address space is an error", no_addresses),
    ("more memory than the machine has is an error", absurd_sizes),
];

/// Runs `body` in a child, which must leave nothing behind either.
#[track_caller]
fn in_a_child(body: impl FnOnce()) {
    is_well(fork(|| {
        let before = descriptors();
        body();
        nothing_is_left("the child");
        assert_eq!(descriptors(), before, "a descriptor is left");
    }));
}

/// Operations that need descriptors, or children.
type Attempt = (&'static str, fn() -> Result<(), Error>);

/// Operations that need descriptors only.
const THINGS: [Attempt; 6] = [
    ("a pipe", || pipe::<u8, u8>().map(drop)),
    ("a queue", || Queue::<u8>::new().map(drop)),
    ("shared memory", || Shared::<AtomicU64>::zeroed(1).map(drop)),
    ("a lock", || Locked::new(1_u64).map(drop)),
    ("a large message", || {
        let queue = Queue::new()?;
        queue.put(&"x".repeat(10_000))?;
        queue.get().map(drop)
    }),
    ("an end that is sent", || {
        let (here, there) = pipe::<_, ()>()?;
        here.send(&one_way::<u8>()?.0)?;
        there.recv().map(drop)
    }),
];

/// Operations that need processes too.
const PROCESSES: [Attempt; 6] = [
    ("a fork", || process(Start::Fork)),
    ("a spawn", || process(Start::Spawn)),
    ("a manager that is forked", || manager(Manager::fork()?)),
    ("a manager that is spawned", || manager(Manager::spawn()?)),
    ("a pool that is forked", || pool(Start::Fork)),
    ("a pool that is spawned", || pool(Start::Spawn)),
];

fn process(start: Start) -> Result<(), Error> {
    let mut child = match start {
        Start::Fork => Process::new(|| ()),
        Start::Spawn => Process::of(&NOTHING.function, ())?,
    }
    .start()?;
    child.sentinel().map(drop)
}

fn manager(manager: Manager) -> Result<(), Error> {
    manager.value(&1_u8)?.get().map(drop)
}

fn pool(start: Start) -> Result<(), Error> {
    let mut pool = workers(start, 2)?;
    pool.map(&[Ask::Text(1), Ask::Text(10_000)]).map(drop)
}

/// Runs `attempt` while this many descriptors are free.
fn with_free(descriptors: u64, attempt: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    let next = File::open("/dev/null").expect("a descriptor").as_raw_fd() as u64;
    setrlimit(Resource::RLIMIT_NOFILE, next + descriptors, hard).expect("less is allowed");
    let done = attempt();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("as before");
    done
}

fn no_descriptors() {
    for (what, attempt) in THINGS.into_iter().chain(PROCESSES) {
        in_a_child(|| {
            let before = descriptors();
            let done: Vec<Result<(), Error>> = (0..16)
                .map(|free| {
                    let done = with_free(free, attempt);
                    nothing_is_left(what);
                    assert_eq!(descriptors(), before, "{what}, {free} free");
                    done
                })
                .collect();
            assert!(done[0].is_err(), "{what}");
            with_free(64, attempt).expect(what);
        });
    }
}

fn half_a_message() {
    in_a_child(|| {
        let (here, there) = pipe::<Queue<u8>, Queue<u8>>().expect("a pipe");
        let before = descriptors();
        for free in [0, 1] {
            here.send(&Queue::new().expect("a queue")).expect("there is room");
            let refused = with_free(free, || there.recv().map(drop)).expect_err("it has two");
            assert!(refused.to_string().contains("Too many open files"), "{refused}");
            assert_eq!(descriptors(), before, "{free} free");
        }
    });
}

/// A user to whom the limit on processes applies, as it does not to root.
const NOBODY: u32 = 65_534;

/// Forbids this process to start another; returns whether that succeeded.
fn may_start_none() -> bool {
    if std::fs::metadata("/proc/self").expect("/proc").uid() == 0 {
        // SAFETY: takes three numbers.
        if unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) } != 0 {
            return false;
        }
    }
    setrlimit(Resource::RLIMIT_NPROC, 1, 1).is_ok()
}

fn no_processes() {
    in_a_child(|| {
        if !may_start_none() {
            eprintln!("skipped: this process cannot become an ordinary user");
            return;
        }
        for (what, attempt) in PROCESSES {
            let refused = attempt().expect_err(what);
            assert!(matches!(refused, Error::CannotStart { .. }), "{what}: {refused}");
            assert!(refused.to_string().contains("temporarily unavailable"), "{refused}");
            nothing_is_left(what);
        }
    });
}

fn no_large_files() {
    in_a_child(|| {
        setrlimit(Resource::RLIMIT_FSIZE, 8192, 8192).expect("less is allowed");
        let queue = Queue::<String>::new().expect("a queue");
        for bytes in [8193, 1_000_000] {
            let refused =
                [Shared::<AtomicU8>::zeroed(bytes).map(drop), queue.put(&"x".repeat(bytes))];
            for refused in refused.map(|done| done.expect_err("it is too large")) {
                assert!(matches!(refused, Error::System { .. }), "{refused}");
                assert!(refused.to_string().contains("File too large"), "{refused}");
            }
        }
        Shared::<AtomicU8>::zeroed(8192).expect("within the limit");
        queue.put(&"x".repeat(8000)).expect("within the limit");
        assert_eq!(queue.get().expect("nothing came before it").len(), 8000);
    });
}

/// Bytes of addresses that this process uses.
fn addresses() -> u64 {
    let facts = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: u64 = facts.split(' ').next().and_then(|it| it.parse().ok()).expect("a number");
    pages * 4096
}

fn no_addresses() {
    let queue = Queue::<String>::new().expect("a queue");
    queue.put(&"x".repeat(50 << 20)).expect("there is room");
    in_a_child(|| {
        let most = addresses() + (20 << 20);
        setrlimit(Resource::RLIMIT_AS, most, most).expect("less is allowed");
        let refused = [Shared::<AtomicU64>::zeroed(50 << 20).map(drop), queue.get().map(drop)];
        for refused in refused.map(|done| done.expect_err("it is too large")) {
            assert!(matches!(refused, Error::System { .. }), "{refused}");
            assert!(refused.to_string().contains("Cannot allocate memory"), "{refused}");
        }
        Shared::<AtomicU64>::zeroed(1 << 10).expect("within the limit");
    });
}

fn absurd_sizes() {
    for length in [usize::MAX, usize::MAX / 8, 1 << 60, 1 << 57, 1 << 50, 1 << 42] {
        let refused = Shared::<AtomicU64>::zeroed(length).expect_err("there is no such memory");
        assert!(matches!(refused, Error::System { .. }), "{refused}");
        assert!(refused.to_string().contains("shared memory"), "{refused}");
    }
}
