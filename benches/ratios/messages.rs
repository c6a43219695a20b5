//! Cost of a message between two processes: through a queue, a pipe and a manager.

use std::time::Instant;

use anyhow::ensure;
use nthread::process::{Error, Manager, Process, Queue, Sender, one_way};

/// Size of a large message in bytes.
pub const LARGE_BYTES: usize = 100_000_000;

/// Through a queue, in nanoseconds a message: a child puts, this process gets.
pub fn through_queue_ns(count: u32) -> anyhow::Result<f64> {
    let queue = Queue::<u64>::new()?;
    let put = || (0..=u64::from(count)).try_for_each(|number| queue.put(&number));
    let mut child = Process::new(put).start()?;
    let ns = message_ns(count, || queue.get())?;
    child.join()?;
    Ok(ns)
}

/// Through a pipe, in nanoseconds a message.
pub fn through_pipe_ns(count: u32) -> anyhow::Result<f64> {
    let (receiver, sender) = one_way::<u64>()?;
    let send = move |sender: Sender<u64>| {
        (0..=u64::from(count)).try_for_each(|number| sender.send(&number))
    };
    let mut child = Process::with(sender, send).start()?;
    let ns = message_ns(count, || receiver.recv())?;
    child.join()?;
    Ok(ns)
}

/// Mean time of a message, whose order is checked. The first one is not counted: it
/// includes the start of its process.
fn message_ns(count: u32, mut next: impl FnMut() -> Result<u64, Error>) -> anyhow::Result<f64> {
    ensure!(next()? == 0, "the first message");
    let start = Instant::now();
    for number in 1..=u64::from(count) {
        ensure!(next()? == number, "message {number}");
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(count))
}

/// A value of a manager, in nanoseconds a `get`.
pub fn manager_value_ns(count: u32) -> anyhow::Result<f64> {
    let manager = Manager::fork()?;
    let value = manager.value(&42_u64)?;
    ensure!(value.get()? == 42, "the value");
    let start = Instant::now();
    for _ in 0..count {
        ensure!(value.get()? == 42, "the value");
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(count))
}

/// A large message through a queue, in nanoseconds, from a child to this process, which
/// compares every byte.
pub fn large_through_queue_ns() -> anyhow::Result<f64> {
    let large = large();
    let queue = Queue::<String>::new()?;
    let start = Instant::now();
    let mut child = Process::new(|| queue.put(&large)).start()?;
    let came = queue.get()?;
    let ns = start.elapsed().as_nanos() as f64;
    child.join()?;
    ensure!(came == large, "it came otherwise than it was sent");
    Ok(ns)
}

/// A large message through a pipe.
pub fn large_through_pipe_ns() -> anyhow::Result<f64> {
    let large = large();
    let (receiver, sender) = one_way::<String>()?;
    let start = Instant::now();
    let mut child = Process::with(sender, |sender| sender.send(&large)).start()?;
    let came = receiver.recv()?;
    let ns = start.elapsed().as_nanos() as f64;
    child.join()?;
    ensure!(came == large, "it came otherwise than it was sent");
    Ok(ns)
}

fn large() -> String {
    (0..LARGE_BYTES).map(|i| char::from(b'a' + (i % 23) as u8)).collect()
}
