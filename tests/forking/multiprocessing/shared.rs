//! Memory that several processes share.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use nthread::process::{Callable, Error, Locked, Shared, pipe};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pipe::copy_of;
use super::{BOTH, Done, LONG, MOMENT, Part, Start, fork, is_well, sleep};
use crate::common::wait_until;
use crate::suite::Test;

pub const TESTS: &[Test] = &[
    ("no increment under a lock is lost", steps),
    ("a lock whose holder was killed is abandoned to the next one", abandoned),
    ("a second lock by the holder is an error, and a wait has a timeout", refused),
    ("all processes see the same memory", the_same),
    ("a child does not hold the lock of its parent", a_copied_guard),
    ("a leaked guard keeps the memory of its lock", forgotten),
    ("memory of another type is not mapped as a lock", disguised),
    ("memory is zeroed, has its length and no name", nameless),
];

pub const FUNCTIONS: &[&dyn Callable] = &[&COUNT.function, &HOLD.function, &ANSWER.function];

/// A pair of numbers that are equal while the lock is free.
type Pair = Locked<[u64; 2]>;

/// Increments both many times.
static COUNT: Part<(Pair, u64), Result<u8, Error>> = Part::new("count", |(pair, times)| {
    for _ in 0..times {
        let mut pair = pair.lock()?;
        pair[0] += 1;
        pair[1] = pair[0];
    }
    Ok(0)
});

fn steps() {
    let pair = Pair::new([5, 5]).expect("memory");
    let starts = [Start::Fork, Start::Spawn, Start::Fork, Start::Spawn];
    let children = starts.map(|start| COUNT.start(start, (copy_of(&pair), 10_000)));
    children.into_iter().for_each(is_well);
    assert_eq!(*pair.lock().expect("nobody has it"), [40_005; 2]);
}

/// Locks, sends a value, and never unlocks.
static HOLD: Part<(Pair, Shared<AtomicU64>), Done> = Part::new("hold", |(pair, memory)| {
    let mut pair = pair.lock()?;
    pair[0] = 77;
    memory[0].store(1, Ordering::SeqCst);
    sleep();
    Ok(())
});

fn a_copied_guard() {
    let number = Locked::new(5_u64).expect("memory");
    let mut held = number.lock().expect("nobody has it");
    let mut child = fork(|| *held += 1);
    assert_eq!(child.join().expect("an end").code(), 1, "it panics");
    *held += 1;
    drop(held);
    assert_eq!(*number.lock().expect("nobody has it"), 6);
}

fn abandoned() {
    for start in BOTH {
        let pair = Pair::new([5, 5]).expect("memory");
        let memory = Shared::<AtomicU64>::zeroed(1).expect("memory");
        let mut holder = HOLD.start(start, (copy_of(&pair), copy_of(&memory)));
        wait_until("it has the lock", || memory[0].load(Ordering::SeqCst) == 1);
        assert!(matches!(pair.lock_timeout(MOMENT), Err(Error::TimedOut)));
        // One process waits before the holder dies, the other locks afterwards.
        let waiting = COUNT.start(start, (copy_of(&pair), 1));
        holder.kill().expect("it runs");
        is_well(waiting);
        assert_eq!(*pair.lock().expect("nobody has it"), [78; 2]);

        memory[0].store(0, Ordering::SeqCst);
        let mut holder = HOLD.start(start, (copy_of(&pair), copy_of(&memory)));
        wait_until("it has the lock", || memory[0].load(Ordering::SeqCst) == 1);
        holder.kill().expect("it runs");
        holder.join().expect("an end");
        let mut found = pair.lock_timeout(LONG).expect("the kernel gave it back");
        assert!(found.was_abandoned());
        assert_eq!(*found, [77, 78], "half changed");
        *found = [1, 1];
        drop(found);
        let found = pair.lock().expect("nobody has it");
        assert!(!found.was_abandoned());
        assert_eq!(*found, [1, 1]);
    }
}

fn refused() {
    let pair = Pair::new([5, 5]).expect("memory");
    let held = pair.lock().expect("nobody has it");
    assert!(matches!(pair.lock(), Err(Error::System { .. })), "and no hang");
    assert!(matches!(pair.lock_timeout(LONG), Err(Error::System { .. })));
    // A forked child has a copy of the guard, and not the lock.
    is_well(fork(|| u8::from(pair.lock_timeout(MOMENT).is_ok())));
    let body = move || drop(held);
    is_well(fork(body));
}

/// Waits for a new value and replies with another, again and again.
static ANSWER: Part<Shared<AtomicU64>, ()> = Part::new("answer", |memory| {
    for round in 1..=100 {
        while memory[0].load(Ordering::SeqCst) != round {
            std::thread::yield_now();
        }
        memory[1].fetch_add(round, Ordering::SeqCst);
        memory[2].store(round, Ordering::SeqCst);
    }
});

fn the_same() {
    for start in BOTH {
        let memory = Shared::<AtomicU64>::zeroed(3).expect("memory");
        let child = ANSWER.start(start, copy_of(&memory));
        for round in 1..=100 {
            memory[0].store(round, Ordering::SeqCst);
            while memory[2].load(Ordering::SeqCst) != round {
                std::thread::yield_now();
            }
        }
        assert_eq!(memory[1].load(Ordering::SeqCst), 5050);
        is_well(child);
    }
}

fn forgotten() {
    is_well(fork(|| {
        let numbers = [1, 2, 3].map(|number| Locked::new(number).expect("memory"));
        numbers.iter().for_each(|it| std::mem::forget(it.lock().expect("nobody has it")));
        drop(numbers);
        // The C library writes to the previous lock of its list when this thread locks one.
        let number = Locked::new(4_u64).expect("memory");
        assert_eq!(*number.lock().expect("nobody has it"), 4);
    }));
}

/// Sends a value as one type and receives it as another; both hold a descriptor.
enum Disguised<S, R> {
    Sent(S),
    Came(R),
}

impl<S: Serialize, R> Serialize for Disguised<S, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        match self {
            Disguised::Sent(value) => value.serialize(serializer),
            Disguised::Came(_) => Err(serde::ser::Error::custom("it is not to be sent on")),
        }
    }
}

impl<'de, S, R: Deserialize<'de>> Deserialize<'de> for Disguised<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        R::deserialize(deserializer).map(Disguised::Came)
    }
}

/// Error of a value that is received as another type.
fn received_as<S: Serialize, R: DeserializeOwned>(value: S) -> Result<R, Error> {
    let (here, there) = pipe::<Disguised<S, R>, Disguised<S, R>>()?;
    here.send(&Disguised::Sent(value))?;
    match there.recv()? {
        Disguised::Came(value) => Ok(value),
        Disguised::Sent(_) => panic!("it was received"),
    }
}

fn disguised() {
    let memory = || Shared::<AtomicU64>::zeroed(100).expect("memory");
    let number = || Locked::new(1_u64).expect("memory");
    received_as::<_, Locked<u64>>(number()).expect("a lock");
    received_as::<_, Shared<AtomicU8>>(memory()).expect("atomics");
    let refused = [
        received_as::<_, Locked<u64>>(memory()).map(drop),
        received_as::<_, Shared<AtomicU64>>(number()).map(drop),
        received_as::<_, Locked<[u64; 100]>>(number()).map(drop),
        received_as::<_, Locked<u64>>(Locked::new([1_u64; 100]).expect("memory")).map(drop),
    ];
    for refused in refused.map(|done| done.expect_err("another type")) {
        assert!(matches!(refused, Error::InvalidMessage { .. }), "{refused}");
    }
}

fn nameless() {
    for length in [1, 511, 512, 513, 1 << 20] {
        let memory = Shared::<AtomicU64>::zeroed(length).expect("memory");
        assert_eq!(memory.len(), length);
        assert!(memory.iter().all(|word| word.load(Ordering::SeqCst) == 0));
        let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
        let of_ours = maps.lines().find(|line| line.contains("nthread shared")).expect("mapped");
        assert!(of_ours.ends_with("/memfd:nthread shared (deleted)"), "{of_ours}");
    }
}
