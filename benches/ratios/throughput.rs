//! Draws per second of two workers, relative to two hand-written pinned threads.

use std::hint::black_box;
use std::time::Instant;

use nthread::backend::{BACKENDS, Backend};
use nthread::kernel::{DEFAULT_BLOCK, Isa, Job, Pi};
use nthread::machine::Cpus;
use nthread::record::BASELINE;

use crate::Effort;
use crate::by_hand::pinned;
use crate::figure::{Target, heading, print, time};
use crate::processes::is_process;
use crate::race::Race;
use crate::team::team;

const PINNED: &str = "two pinned threads";
const RAYON: &str = "rayon";

/// Duration of a call.
const CALL_NS: f64 = 50e6;

/// Prints the ratios of throughputs of backends with threads.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    heading("throughput: two workers, relative to two pinned threads by hand");
    compare(effort, &[PINNED], |backend| !is_process(backend))
}

/// Prints the ratios of throughputs of worker processes, which should be no slower than
/// threads.
pub fn measure_processes(effort: Effort) -> anyhow::Result<()> {
    heading("processes: throughput of two workers, relative to threads");
    compare(effort, &[PINNED, RAYON], is_process)
}

/// Prints some backends, relative to each of the upper limits.
fn compare(effort: Effort, ceilings: &[&str], of: fn(&str) -> bool) -> anyhow::Result<()> {
    let [first, second, ..] = Cpus::read().affinity[..] else {
        println!("  there is only one CPU to use");
        return Ok(());
    };
    let job = job(effort);
    let is_wanted = |name| name != BASELINE && (of(name) || ceilings.contains(&name));
    let backends = BACKENDS
        .iter()
        .filter(|backend| is_wanted(backend.name()) && backend.unavailable_reason().is_none());
    let mut race = Race::default();
    race.add(PINNED, || {
        let share = |worker| {
            let half = job.blocks / 2;
            black_box(job.tally(&Pi, worker * half..(worker + 1) * half, Isa::best()));
        };
        let start = Instant::now();
        pinned([first, second], share);
        Ok(start.elapsed().as_nanos() as f64)
    });
    for backend in backends {
        race.add(backend.name(), || call_ns(*backend, job));
    }
    let times = race.run(effort.or_test(25, 1))?;
    for name in times.names().filter(|name| *name != PINNED && of(name)) {
        for ceiling in ceilings {
            let [own, other] = [name, ceiling].map(|name| time(times.median_ns(name)));
            let (title, remark) = (format!("{name}, {ceiling}"), format!("{own}, theirs {other}"));
            print(effort, &title, &times.ratios(ceiling, name), target(name, ceiling), &remark);
        }
    }
    Ok(())
}

/// Target of a backend.
fn target(name: &str, ceiling: &str) -> Target {
    match (name, ceiling) {
        ("process-manager", _) => Target::Open,
        (_, RAYON) => Target::AtLeast(0.95),
        ("process-pipe", PINNED) => Target::AtLeast(0.97),
        (name, PINNED) if !is_process(name) => Target::AtLeast(0.97),
        _ => Target::Open,
    }
}

/// A job that takes two workers about [`CALL_NS`].
fn job(effort: Effort) -> Job {
    let probe = Job { seed: 1, block: DEFAULT_BLOCK, blocks: 1 << 9 };
    let start = Instant::now();
    black_box(probe.tally(&Pi, 0..probe.blocks, Isa::best()));
    let block_ns = start.elapsed().as_nanos() as f64 / probe.blocks as f64;
    let pairs = (CALL_NS / block_ns) as u64;
    Job { blocks: 2 * effort.or_test(pairs, 1), ..probe }
}

/// Time of a call of a new team, after one that is not counted.
fn call_ns(backend: &dyn Backend, job: Job) -> anyhow::Result<f64> {
    let mut team = team(backend, &Pi, job, 2)?;
    team.call()?;
    let start = Instant::now();
    team.call()?;
    Ok(start.elapsed().as_nanos() as f64)
}
