//! Pools: every task has one result, or is lost with its worker.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nthread::process::{Callable, Error, Exit, Pool, Shared, Task, current_name};
use serde::{Deserialize, Serialize};

use super::{BOTH, LONG, MOMENT, Start, fork, is_well, sleep};
use crate::suite::{EXPECTED, Test};

pub const TESTS: &[Test] = &[
    ("the results of a map are in order, whatever the chunks", in_order),
    ("chunks are as large as Python's", chunk_sizes),
    ("arguments and results may be large", large),
    ("tickets are waited for in any order", tickets),
    ("no task is queued behind a single one while another worker is idle", nothing_behind_a_ticket),
    ("a pool without workers is refused", no_workers),
    ("a ticket is valid in its own pool only", another_pool),
    ("discarded results do not delay others", early_end),
    ("the error of a panic names the worker, and the pool goes on", panics),
    ("a worker that dies loses its task and is replaced", lost_tasks),
    ("a map with an item that cannot be sent runs no task", all_or_nothing),
    ("a worker that exits loses its task", exits),
    ("killed workers lose no more than their tasks", killed_workers),
    ("closing a pool waits for its tasks, dropping it does not", ends),
    ("200 workers work at once", many),
    ("a pool belongs to the process that made it", not_ours),
    ("an empty map returns at once", empty),
];

pub const FUNCTIONS: &[&dyn Callable] = &[&WORK, &DOUBLE, &ECHO];

/// Task of a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ask {
    Name,
    Panic,
    Sleep,
    Exit,
    Wait(u64),
    Text(usize),
}

fn work(ask: Ask) -> String {
    match ask {
        Ask::Name => current_name(),
        Ask::Panic => panic!("{EXPECTED}"),
        Ask::Sleep => {
            sleep();
            String::new()
        }
        Ask::Exit => std::process::exit(3),
        Ask::Wait(milliseconds) => {
            std::thread::sleep(Duration::from_millis(milliseconds));
            "waited".to_string()
        }
        Ask::Text(length) => "x".repeat(length),
    }
}

pub static WORK: Task<Ask, String> = Task::new("work", work);

static ECHO: Task<String, String> = Task::new("echo text", |text| text);

static DOUBLE: Task<u64, u64> = Task::new("double", |number| 2 * number);

pub fn workers(start: Start, count: usize) -> Result<Pool<Ask, String>, Error> {
    match start {
        Start::Fork => Pool::fork(count, work),
        Start::Spawn => Pool::spawn(count, &WORK),
    }
}

fn doublers(start: Start, count: usize) -> Pool<u64, u64> {
    match start {
        Start::Fork => Pool::fork(count, |number| 2 * number),
        Start::Spawn => Pool::spawn(count, &DOUBLE),
    }
    .expect("a pool")
}

fn in_order() {
    for start in BOTH {
        let mut pool = doublers(start, 3);
        for length in [0, 1, 2, 3, 12, 13, 1000] {
            let numbers: Vec<u64> = (0..length).collect();
            let doubled = || (0..length).map(|number| 2 * number);
            assert!(pool.map(&numbers).expect("numbers").into_iter().eq(doubled()));
            for chunk in [0, 1, 7, 5000] {
                let answers = pool.map_chunks(&numbers, chunk).expect("numbers");
                assert!(answers.into_iter().eq(doubled()), "{length} by {chunk}");
                let mut all: Vec<u64> = Vec::new();
                let answers = pool.imap_unordered(&numbers, chunk).expect("numbers");
                for answer in answers {
                    let values = answer.values.expect("numbers");
                    let first = answer.first as u64;
                    assert!(
                        values.iter().copied().eq((first..).take(values.len()).map(|it| 2 * it))
                    );
                    assert!(answer.worker < 3);
                    all.extend(values);
                }
                all.sort_unstable();
                assert!(all.into_iter().eq(doubled()), "{length} by {chunk}, in any order");
            }
        }
    }
}

/// A chunk is one message, so a panic loses the other items of its chunk: their
/// number is its size.
fn chunk_sizes() {
    let done = Rc::new(Shared::<AtomicU64>::zeroed(1).expect("memory"));
    let count = Rc::clone(&done);
    let body = move |number: u64| {
        assert!(number != 0, "{EXPECTED}");
        count[0].fetch_add(1, Ordering::SeqCst);
    };
    let mut pool = Pool::fork(3, body).expect("a pool");
    for (items, chunk) in [(1, 1), (12, 1), (13, 2), (24, 2), (25, 3), (1000, 84)] {
        done[0].store(0, Ordering::SeqCst);
        let refused = pool.map(&(0..items).collect::<Vec<u64>>()).expect_err("the first panics");
        assert!(matches!(refused, Error::Panicked { .. }), "{refused}");
        assert_eq!(items - done[0].load(Ordering::SeqCst), chunk, "of {items}");
    }
}

fn large() {
    for start in BOTH {
        let mut pool: Pool<String, String> = match start {
            Start::Fork => Pool::fork(2, |text| text),
            Start::Spawn => Pool::spawn(2, &ECHO),
        }
        .expect("a pool");
        // About the size of a slot, of a packet, and above both.
        let lengths = [0, 230, 236, 237, 238, 239, 240, 241, 1000, 1020, 1024, 5000, 1_000_000];
        let texts: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
        assert!(pool.map_chunks(&texts, 1).expect("texts") == texts);
        assert!(pool.map_chunks(&texts, 3).expect("texts") == texts);
        assert!(pool.map_chunks(&texts, 100).expect("texts") == texts);
    }
}

fn tickets() {
    for start in BOTH {
        let mut pool = workers(start, 2).expect("a pool");
        let quick: Vec<_> =
            (0..20).map(|i| pool.apply_async(&Ask::Text(i)).expect("a ticket")).collect();
        for (length, ticket) in quick.into_iter().enumerate().rev() {
            assert_eq!(pool.wait(ticket).expect("a text").len(), length);
        }
        let mut slow = pool.apply_async(&Ask::Sleep).expect("a ticket");
        assert!(!pool.is_ready(&slow));
        slow = pool.wait_timeout(slow, Duration::ZERO).expect_err("it sleeps");
        slow = pool.wait_timeout(slow, MOMENT).expect_err("it sleeps");
        let ready = pool.apply_async(&Ask::Wait(1)).expect("a ticket");
        while !pool.is_ready(&ready) {
            std::thread::yield_now();
        }
        assert!(pool.is_ready(&ready), "it stays so");
        let answer = pool.wait_timeout(ready, Duration::ZERO).expect("it is there");
        assert_eq!(answer.expect("a text"), "waited");
        let soon = pool.apply_async(&Ask::Wait(5)).expect("a ticket");
        assert_eq!(pool.wait_timeout(soon, LONG).expect("in time").expect("a text"), "waited");
        assert!(!pool.is_ready(&slow));
    }
}

fn nothing_behind_a_ticket() {
    for start in BOTH {
        let mut pool = workers(start, 2).expect("a pool");
        let slow = pool.apply_async(&Ask::Sleep).expect("a ticket");
        let others: Vec<_> =
            (0..20).map(|_| pool.apply_async(&Ask::Wait(1)).expect("a ticket")).collect();
        let many: Vec<Ask> = (0..20).map(Ask::Text).collect();
        assert_eq!(pool.map_chunks(&many, 1).expect("texts").len(), 20);
        for ticket in others {
            assert_eq!(pool.wait(ticket).expect("a text"), "waited");
        }
        assert!(!pool.is_ready(&slow));
    }
}

fn another_pool() {
    let mut pools = BOTH.map(|start| workers(start, 1).expect("a pool"));
    for (giver, other) in [(0, 1), (1, 0)] {
        let mut ticket = || pools[giver].apply_async(&Ask::Text(1)).expect("a ticket");
        let [first, second] = [ticket(), ticket()];
        assert!(!pools[other].is_ready(&first));
        assert!(matches!(pools[other].wait(first), Err(Error::NotOwner)));
        let refused = pools[other].wait_timeout(second, LONG).expect("an answer at once");
        assert!(matches!(refused, Err(Error::NotOwner)));
    }
}

fn no_workers() {
    for start in BOTH {
        let refused = workers(start, 0).map(drop).expect_err("there is nobody");
        assert!(refused.to_string().contains("without workers"), "{refused}");
    }
}

fn early_end() {
    for start in BOTH {
        let mut pool = workers(start, 2).expect("a pool");
        let before = pool.apply_async(&Ask::Wait(5)).expect("a ticket");
        for taken in [0, 1, 5] {
            let asks: Vec<Ask> = (0..50).map(|_| Ask::Wait(1)).collect();
            let answers = pool.imap_unordered(&asks, 1).expect("answers");
            assert_eq!(answers.take(taken).count(), taken);
            let texts = pool.map_chunks(&[Ask::Text(3), Ask::Text(4)], 1).expect("texts");
            assert_eq!(texts, ["xxx", "xxxx"]);
        }
        assert_eq!(pool.wait(before).expect("a text"), "waited");
        pool.close().expect("they end well");
    }
}

fn panics() {
    for start in BOTH {
        let mut pool = workers(start, 2).expect("a pool");
        let pids = pool.pids();
        for _ in 0..5 {
            let asks = [Ask::Text(1), Ask::Panic, Ask::Text(2)];
            let answers: Vec<_> = pool.imap_unordered(&asks, 1).expect("answers").collect();
            assert_eq!(answers.len(), 3);
            for answer in answers {
                let Err(error) = answer.values else { continue };
                assert_eq!(answer.first, 1, "{error}");
                let name = format!("PoolWorker-{}", answer.worker + 1);
                assert_eq!(error.to_string(), format!("{name} panicked: {EXPECTED}"));
            }
            assert!(matches!(pool.map(&asks), Err(Error::Panicked { .. })));
        }
        assert_eq!(pool.pids(), pids, "the same workers go on");
        pool.close().expect("they end well");
    }
}

fn lost_tasks() {
    for start in BOTH {
        let mut pool = workers(start, 2).expect("a pool");
        let before = pool.pids();
        let lost = pool.apply_async(&Ask::Sleep).expect("a ticket");
        let texts: Vec<_> =
            (0..20).map(|i| pool.apply_async(&Ask::Text(i)).expect("a ticket")).collect();
        assert!(!pool.is_ready(&lost));
        kill(Pid::from_raw(before[0]), Signal::SIGKILL).expect("it sleeps");
        let refused = pool.wait(lost).expect_err("its worker is dead");
        let message = format!("PoolWorker-1 (pid {}) was killed by SIGKILL", before[0]);
        assert_eq!(refused.to_string(), message);
        let Error::Lost { name, pid, exit } = refused else { panic!("{refused}") };
        assert_eq!((name.as_str(), pid), ("PoolWorker-1", before[0]));
        assert_eq!(exit, Exit::Signal(Signal::SIGKILL));
        for (length, ticket) in texts.into_iter().enumerate() {
            assert_eq!(pool.wait(ticket).expect("no other is lost").len(), length);
        }
        let after = pool.pids();
        assert!(after[0] != before[0] && after[1] == before[1], "{before:?} {after:?}");
        let names = pool.map_chunks(&vec![Ask::Name; 10], 1).expect("names");
        assert!(names.iter().all(|name| name.starts_with("PoolWorker-")), "{names:?}");
        pool.close().expect("they end well");
    }
}

fn exits() {
    for start in BOTH {
        let mut pool = workers(start, 2).expect("a pool");
        let asks = [Ask::Text(1), Ask::Exit, Ask::Text(2), Ask::Exit, Ask::Text(3)];
        let (mut texts, mut lost) = (0, 0);
        for answer in pool.imap_unordered(&asks, 1).expect("answers") {
            match answer.values {
                Ok(values) => texts += values.len(),
                Err(Error::Lost { exit: Exit::Code(3), .. }) => lost += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!((texts, lost), (3, 2));
        // Workers that exit while they are idle are replaced at the next task.
        for pid in pool.pids() {
            kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it runs");
        }
        let answers: Vec<_> =
            pool.imap_unordered(&[Ask::Text(1), Ask::Text(2)], 1).expect("answers").collect();
        assert_eq!(answers.len(), 2);
        assert_eq!(pool.map(&[Ask::Text(2)]).expect("they were replaced"), ["xx"]);
    }
}

/// Pseudorandom numbers, the same in every run.
struct Wanderer(u64);

impl Wanderer {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }
}

fn killed_workers() {
    let mut random = Wanderer(1);
    for start in BOTH {
        let mut pool = doublers(start, 3);
        let numbers: Vec<u64> = (0..60).collect();
        let rounds = if start == Start::Fork { 50 } else { 10 };
        for round in 0..rounds {
            let pids = pool.pids();
            let (when, whom) = (random.next(60) as usize, random.next(3) as usize);
            let (mut seen, mut lost) = (BTreeSet::new(), 0);
            for (count, answer) in pool.imap_unordered(&numbers, 1).expect("answers").enumerate() {
                if count == when {
                    (0..random.next(2000)).for_each(|_| std::hint::spin_loop());
                    kill(Pid::from_raw(pids[whom]), Signal::SIGKILL).expect("nobody has reaped it");
                }
                assert!(seen.insert(answer.first), "round {round}: twice");
                match answer.values {
                    Ok(values) => assert_eq!(values, [2 * answer.first as u64]),
                    Err(Error::Lost { pid, exit: Exit::Signal(Signal::SIGKILL), .. }) => {
                        // A worker that was killed in the round before may be noticed now.
                        assert!(pids.contains(&pid));
                        lost += 1;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(seen.len(), 60, "round {round}");
            assert!(lost <= 2, "round {round}: {lost}");
        }
    }
}

fn ends() {
    for start in BOTH {
        let mut pool = workers(start, 2).expect("a pool");
        let pids = pool.pids();
        for _ in 0..6 {
            pool.apply_async(&Ask::Wait(3)).expect("a ticket");
        }
        pool.close().expect("they end well");
        let is_gone = |pid: i32| crate::common::state_of(Pid::from_raw(pid)).is_none();
        assert!(pids.into_iter().all(is_gone));

        let mut pool = workers(start, 2).expect("a pool");
        let pids = pool.pids();
        pool.apply_async(&Ask::Sleep).expect("a ticket");
        drop(pool);
        assert!(pids.into_iter().all(is_gone));
    }
}

fn many() {
    let mut pool = doublers(Start::Fork, 200);
    assert_eq!(pool.pids().iter().collect::<BTreeSet<_>>().len(), 200);
    let numbers: Vec<u64> = (0..2000).collect();
    let doubled = pool.map_chunks(&numbers, 1).expect("numbers");
    assert!(doubled.into_iter().eq((0..2000).map(|number| 2 * number)));
    pool.close().expect("they end well");
}

/// A number that cannot be sent if it is odd.
#[derive(Clone, Copy, Deserialize)]
struct Even(u64);

impl Serialize for Even {
    fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        if self.0.is_multiple_of(2) {
            serializer.serialize_u64(self.0)
        } else {
            Err(serde::ser::Error::custom("odd"))
        }
    }
}

fn all_or_nothing() {
    let sum = Rc::new(Shared::<AtomicU64>::zeroed(1).expect("memory"));
    let theirs = Rc::clone(&sum);
    let add = move |it: Even| theirs[0].fetch_add(it.0, Ordering::SeqCst);
    let mut pool = Pool::fork(1, add).expect("a pool");
    assert!(matches!(pool.map(&[Even(2), Even(3)]), Err(Error::CannotPack { .. })));
    pool.map(&[Even(4)]).expect("a worker");
    assert_eq!(sum[0].load(Ordering::SeqCst), 4);
}

fn not_ours() {
    let mut pool = doublers(Start::Fork, 2);
    assert_eq!(pool.map(&[1, 2, 3]).expect("numbers"), [2, 4, 6]);
    is_well(fork(|| {
        let map = pool.map(&[7, 8]).map(drop);
        let ticket = pool.apply_async(&7).map(drop);
        let answers = pool.imap_unordered(&[7, 8], 1).map(drop);
        u8::from(![map, ticket, answers].iter().all(|it| matches!(it, Err(Error::NotOwner))))
    }));
    let ticket = pool.apply_async(&4).expect("a ticket");
    is_well(fork(|| {
        assert!(!pool.is_ready(&ticket));
        u8::from(!matches!(pool.wait_timeout(ticket, LONG), Ok(Err(Error::NotOwner))))
    }));
    let mut answers = pool.imap_unordered(&[1; 20], 1).expect("answers");
    is_well(fork(|| u8::from(answers.next().is_some())));
    assert_eq!(answers.count(), 20);
    let numbers: Vec<u64> = (0..50).collect();
    let doubled = pool.map_chunks(&numbers, 1).expect("numbers");
    assert!(doubled.into_iter().eq((0..50).map(|number| 2 * number)));
}

fn empty() {
    let mut pool = doublers(Start::Fork, 2);
    assert!(pool.map(&[]).expect("nothing").is_empty());
    assert_eq!(pool.imap_unordered(&[], 3).expect("nothing").count(), 0);
    pool.close().expect("they end well");
}
