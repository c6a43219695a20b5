//! Cost of reading resource usage, as a share of a call.
//!
//! Most usage is read before a call begins and after it has ended, outside its time. Inside
//! are the number of the CPU, after each chunk, and at the end of a worker that lives for
//! one call its CPU clock, and its run delay if it was busy for long enough.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sched::sched_getcpu;
use nthread::Registry;
use nthread::backend::{Report, Work};
use nthread::kernel::{DEFAULT_BLOCK, Isa, Job, Pi};
use nthread::process::{Process, one_way};

use crate::Effort;
use crate::by_hand::{BY_HAND, ByHand, Task};
use crate::figure::{Target, heading, print, time};
use crate::race::Race;
use crate::team::wait_until_alone;

/// Busy time of each worker in a call whose time is compared.
const CALL: Duration = Duration::from_millis(10);

/// Target of the cost, in percent of the call.
const TARGET: Target = Target::AtMost(0.1);

/// Backends whose primitive is timed with and without reading usage, and the task that
/// reads it.
const COMPARED: &[(&str, Task)] = &[
    ("std-thread", task_of_short_lived_worker),
    ("thread-pool", task_of_persistent_worker),
    ("process-pipe", task_of_short_lived_worker),
    ("process-pool", task_of_persistent_worker),
];

/// Prints the cost as a share of a call, and the ratios of times of a call.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    let size = effort.or_test(blocks_of(CALL), 1);
    inside(effort, size)?;
    heading("evidence: 2 workers busy for 10 ms, time of a call / without evidence");
    let registry = Registry::default();
    for (backend, with) in COMPARED {
        match registry.obstacle(backend) {
            Some(why) => println!("  without {backend}: {why}"),
            None => compare(effort, backend, *with, size)?,
        }
    }
    Ok(())
}

/// Number of blocks of pi that keep one worker busy for this time.
fn blocks_of(time: Duration) -> u64 {
    let sample = 256;
    let start = Instant::now();
    black_box(untold(0, sample));
    (sample as f64 * time.as_secs_f64() / start.elapsed().as_secs_f64()) as u64
}

/// Cost of the readings inside a call, as a share of it: of a thread and of a forked
/// process that have just computed something, not in a warm loop.
fn inside(effort: Effort, size: u64) -> anyhow::Result<()> {
    let long = Duration::from_nanos(Report::RUN_DELAY_MIN_BUSY_NS);
    for busy in [CALL, long] {
        heading(&format!("evidence: what is read inside a call of {busy:?}, in percent of it"));
        let percent = |ns: &f64| ns / busy.as_nanos() as f64 * 100.0;
        let mut race = Race::default();
        race.add("after a chunk: the CPU", || Ok(cpu_ns(effort)));
        race.add("at the end of a thread", || in_thread_ns(size, busy));
        race.add("at the end of a forked process", || in_process_ns(size, busy));
        let times = race.run(effort.or_test(201, 1))?;
        for name in times.names() {
            let values: Vec<f64> = times.samples(name).iter().map(percent).collect();
            print(effort, name, &values, TARGET, &time(times.median_ns(name)));
        }
    }
    Ok(())
}

fn in_thread_ns(size: u64, busy: Duration) -> anyhow::Result<f64> {
    let read = thread::scope(|scope| scope.spawn(|| end_ns(size, busy)).join());
    read.map_err(|_| anyhow::anyhow!("the thread panicked"))
}

fn in_process_ns(size: u64, busy: Duration) -> anyhow::Result<f64> {
    wait_until_alone();
    let (receiver, sender) = one_way::<f64>()?;
    let process = Process::with(sender, move |sender| sender.send(&end_ns(size, busy)));
    let mut child = process.start()?;
    let ns = receiver.recv()?;
    child.join()?;
    Ok(ns)
}

/// One reading of the number of the CPU.
fn cpu_ns(effort: Effort) -> f64 {
    let readings = effort.or_test(10_000, 1);
    let start = Instant::now();
    for _ in 0..readings {
        // Only the time of the reading counts.
        let _ = black_box(sched_getcpu());
    }
    start.elapsed().as_nanos() as f64 / f64::from(readings)
}

/// Readings at the end of a worker that was busy for this time.
fn end_ns(size: u64, busy: Duration) -> f64 {
    let report = Report { busy_ns: busy.as_nanos() as u64, ..work(size).run(0..size) };
    let start = Instant::now();
    black_box(report.with_times_of_this_thread());
    start.elapsed().as_nanos() as f64
}

/// Hand-written code with tasks that read the usage that those of a backend read, and with
/// tasks that only time themselves.
fn compare(effort: Effort, backend: &str, with: Task, size: u64) -> anyhow::Result<()> {
    let row: &ByHand =
        BY_HAND.iter().find(|row| row.backend == backend).context("it is not there by hand")?;
    let call_ns = |task: Task| {
        wait_until_alone();
        let mut call = (row.make)(task, size)?;
        black_box(call());
        let start = Instant::now();
        black_box(call());
        Ok(start.elapsed().as_nanos() as f64)
    };
    let mut race = Race::default();
    race.add("with", || call_ns(with));
    race.add("without", || call_ns(untold));
    let times = race.run(effort.or_test(201, 1))?;
    let [own, other] = ["with", "without"].map(|name| time(times.median_ns(name)));
    let remark = format!("{own} / {other}");
    print(effort, backend, &times.ratios("with", "without"), Target::Open, &remark);
    Ok(())
}

fn job(size: u64) -> Job {
    Job { seed: 1, block: DEFAULT_BLOCK, blocks: 2 * size }
}

fn work(size: u64) -> Work {
    Work::new(&Pi, job(size), Isa::best())
}

/// Runs the blocks of a worker, and times them.
fn untold(worker: u64, size: u64) -> u64 {
    let start = Instant::now();
    let tally = job(size).tally(&Pi, worker * size..(worker + 1) * size, Isa::best());
    black_box(start.elapsed());
    tally.sum as u64
}

/// Task of a worker that outlives the call.
fn task_of_persistent_worker(worker: u64, size: u64) -> u64 {
    let report = work(size).run(worker * size..(worker + 1) * size);
    black_box(report).tally.sum as u64
}

/// Task of a worker that lives for one call.
fn task_of_short_lived_worker(worker: u64, size: u64) -> u64 {
    let report = work(size).run(worker * size..(worker + 1) * size);
    black_box(report.with_times_of_this_thread()).tally.sum as u64
}
