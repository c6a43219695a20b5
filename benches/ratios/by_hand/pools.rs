//! Hand-written pools of two processes, forked once for many calls.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::unistd::Pid;

use super::forks::{lasting, wait_for};
use super::shared::{Futex, Shared};
use super::{Call, Task};

/// Words of a message in either direction: 96 bytes, of which the first word holds the
/// index of a worker or its result.
const WORDS: usize = 12;

/// Index that ends a worker.
const END: u64 = u64::MAX;

/// The children, with the pipes of their requests and results.
struct PipePool {
    workers: Vec<(Pid, PipeWriter, PipeReader)>,
}

/// A pool of two children, with one pipe for requests and one for results each.
pub fn pipe_pool(task: Task, size: u64) -> anyhow::Result<Call> {
    let mut pool = PipePool { workers: Vec::new() };
    for _ in 0..2 {
        let (inbox, requests) = io::pipe()?;
        let (answers, outbox) = io::pipe()?;
        let child = lasting(|| serve_pipes(inbox, outbox, |worker| task(worker, size)));
        pool.workers.push((child, requests, answers));
    }
    Ok(Box::new(move || {
        for (worker, (_, requests, _)) in (0..).zip(&mut pool.workers) {
            requests.write_all(&message(worker)).expect("a worker that reads");
        }
        let answers = pool
            .workers
            .iter_mut()
            .map(|(_, _, answers)| receive(answers).expect("a worker that answers"));
        answers.fold(0, u64::wrapping_add)
    }))
}

fn serve_pipes(mut inbox: PipeReader, mut outbox: PipeWriter, task: impl Fn(u64) -> u64) {
    while let Ok(worker) = receive(&mut inbox) {
        if worker == END || outbox.write_all(&message(task(worker))).is_err() {
            return;
        }
    }
}

fn message(first: u64) -> [u8; 8 * WORDS] {
    let mut bytes = [0; 8 * WORDS];
    bytes[..8].copy_from_slice(&first.to_le_bytes());
    bytes
}

fn receive(pipe: &mut PipeReader) -> io::Result<u64> {
    let mut bytes = [0; 8 * WORDS];
    pipe.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(std::array::from_fn(|i| bytes[i])))
}

impl Drop for PipePool {
    fn drop(&mut self) {
        for (child, requests, _) in &mut self.workers {
            requests.write_all(&message(END)).expect("a worker that reads");
            wait_for(*child);
        }
    }
}

/// A request and its result, each with the futex that signals it.
#[derive(Default)]
struct Slot {
    request: Message,
    has_request: Futex,
    answer: Message,
    has_result: Futex,
}

/// A message on cache lines of its own, which avoids false sharing.
#[derive(Default)]
#[repr(align(64))]
struct Message([AtomicU64; WORDS]);

impl Message {
    /// Writes all words.
    fn set(&self, first: u64) {
        self.0.iter().for_each(|word| word.store(first, Ordering::Relaxed));
    }

    /// Reads all words.
    fn get(&self) -> u64 {
        self.0.iter().fold(0, |_, word| word.load(Ordering::Relaxed))
    }
}

/// A pool of two children, each with a slot in shared memory.
struct FutexPool {
    slots: Shared<[Slot; 2]>,
    children: Vec<Pid>,
}

/// A pool of two children that wait on futexes in shared memory.
pub fn futex_pool(task: Task, size: u64) -> anyhow::Result<Call> {
    let mut pool = FutexPool { slots: Shared::new(Default::default())?, children: Vec::new() };
    for slot in pool.slots.iter() {
        pool.children.push(lasting(|| serve_slot(slot, |worker| task(worker, size))));
    }
    Ok(Box::new(move || {
        for (worker, slot) in (0..).zip(pool.slots.iter()) {
            slot.send(worker);
        }
        pool.slots.iter().map(Slot::receive).fold(0, u64::wrapping_add)
    }))
}

fn serve_slot(slot: &Slot, task: impl Fn(u64) -> u64) {
    loop {
        slot.has_request.wait();
        match slot.request.get() {
            END => return,
            worker => slot.answer.set(task(worker)),
        }
        slot.has_result.wake();
    }
}

impl Slot {
    fn send(&self, request: u64) {
        self.request.set(request);
        self.has_request.wake();
    }

    fn receive(&self) -> u64 {
        self.has_result.wait();
        self.answer.get()
    }
}

impl Drop for FutexPool {
    fn drop(&mut self) {
        self.slots.iter().for_each(|slot| slot.send(END));
        self.children.drain(..).for_each(wait_for);
    }
}
