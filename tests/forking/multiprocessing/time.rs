//! Memory after many starts and stops. Processes, descriptors and files are checked
//! after every test.

use std::sync::atomic::{AtomicU64, Ordering};

use nthread::process::{Callable, Locked, Manager, Queue, Sender, Shared, one_way};

use super::pool::{Ask, workers};
use super::{BOTH, Done, Part, Start, is_well};
use crate::suite::{Test, descriptors, nothing_is_left};

pub const TESTS: &[Test] = &[
    ("a thousand processes and pipes leak no memory", processes),
    ("200 pools leak no memory", pools),
    ("200 managers leak no memory", managers),
    ("thousands of queues, locks and messages leak no memory", things),
];

pub const FUNCTIONS: &[&dyn Callable] = &[&SEND.function];

/// Sends a number.
static SEND: Part<Sender<u64>, Done> = Part::new("send", |say| say.send(&7));

/// Resident memory of this process in kilobytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}

/// Repeats an operation, and checks that the memory does not grow after the first
/// tenth.
#[track_caller]
fn again_and_again(times: usize, mut body: impl FnMut(usize)) {
    (0..times / 10).for_each(&mut body);
    let before = (resident(), descriptors());
    (0..times).for_each(&mut body);
    nothing_is_left("it");
    assert_eq!(descriptors(), before.1);
    let more = resident().saturating_sub(before.0);
    assert!(more < 3000, "{more} kB more than {} kB", before.0);
}

fn processes() {
    again_and_again(1000, |i| {
        let (hear, say) = one_way().expect("a pipe");
        let start = if i % 20 == 0 { Start::Spawn } else { Start::Fork };
        let child = SEND.give(start, say);
        assert_eq!(hear.recv().expect("a number"), 7);
        is_well(child);
    });
}

fn pools() {
    again_and_again(200, |i| {
        let mut pool = workers(BOTH[usize::from(i % 20 == 0)], 2).expect("a pool");
        pool.map(&[Ask::Text(1), Ask::Text(10_000)]).expect("texts");
        if i % 2 == 0 {
            pool.close().expect("they end well");
        }
    });
}

fn managers() {
    again_and_again(200, |i| {
        let manager = if i % 20 == 0 { Manager::spawn() } else { Manager::fork() };
        let manager = manager.expect("a manager");
        let list = manager.list().expect("a list");
        list.push(&"x".repeat(10_000)).expect("it lives");
        assert_eq!(list.len().expect("it lives"), 1);
    });
}

fn things() {
    again_and_again(2000, |_| {
        let queue = Queue::new().expect("a queue");
        queue.put(&"x".repeat(10_000)).expect("there is room");
        let memory = Shared::<AtomicU64>::zeroed(1000).expect("memory");
        memory[999].store(1, Ordering::SeqCst);
        *Locked::new([0_u8; 5000]).expect("memory").lock().expect("nobody has it") = [1; 5000];
        let (_hear, say) = one_way::<(Queue<String>, Shared<AtomicU64>)>().expect("a pipe");
        // This message is never received.
        say.send(&(queue, memory)).expect("there is room");
    });
}
