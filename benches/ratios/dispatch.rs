//! Cost of a call of each backend, relative to hand-written code with the same primitive.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use nthread::Registry;
use nthread::backend::Work;
use nthread::kernel::{Isa, Job};
use nthread::stats::median;

use crate::Effort;
use crate::by_hand::{BY_HAND, ByHand, Make, Task};
use crate::chain::{self, Chain};
use crate::figure::{Target, heading, print, time};
use crate::processes::is_process;
use crate::race::Race;
use crate::team::{self, team};

/// Duration of the calls of a sample, which is their median.
const BURST: Duration = Duration::from_millis(6);

/// Prints the ratios of times of backends with threads.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    by_hand(effort, "dispatch", |backend| !is_process(backend))
}

/// Prints the ratios of times of some backends, for an empty job and one of two
/// short tasks.
pub fn by_hand(effort: Effort, section: &str, of: fn(&str) -> bool) -> anyhow::Result<()> {
    let registry = Registry::default();
    let (here, missing): (Vec<_>, Vec<_>) = BY_HAND
        .iter()
        .filter(|row| of(row.backend))
        .partition(|row| registry.obstacle(row.backend).is_none());
    let task = chain::steps_of(Duration::from_micros(20));
    for (job, size) in [("an empty job", 0), ("two tasks of 20 µs", task)] {
        for pause in [Pause::Asleep, Pause::None] {
            heading(&format!("{section}: 2 workers, time of a call: {job}, {pause}"));
            for row in &here {
                compare(effort, row, size, Pace::new(effort, pause))?;
            }
        }
    }
    for row in missing {
        let why = registry.obstacle(row.backend).unwrap_or_default();
        println!("  without {} / {}: {why}", row.backend, row.how);
    }
    Ok(())
}

/// Sequence of the calls of a sample.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Duration of the calls of a sample.
    burst: Duration,
    pause: Pause,
}

impl Pace {
    /// Duration that all compared backends share.
    pub fn new(effort: Effort, pause: Pause) -> Pace {
        Pace { burst: effort.or_test(BURST, Duration::ZERO), pause }
    }
}

/// Pause between two calls.
#[derive(Clone, Copy)]
pub enum Pause {
    /// The caller works for long enough that workers which spin before they sleep are
    /// asleep, as in a sweep, where the runner reports between calls.
    Asleep,
    /// No pause: workers may still be spinning, and need not be woken.
    None,
}

impl Pause {
    fn take(self) {
        let time = match self {
            Pause::Asleep => Duration::from_micros(100),
            Pause::None => return,
        };
        let start = Instant::now();
        while start.elapsed() < time {
            std::hint::spin_loop();
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pause::Asleep => "workers asleep",
            Pause::None => "back to back",
        })
    }
}

/// Compares a backend with hand-written code, whose tasks are plain or time themselves as
/// those of a backend do: reading the CPU clock of a thread is a system call, which
/// dominates an empty job.
///
/// Workers are started anew for each sample, since the CPUs on which they happen to wake
/// affect all calls of a team.
fn compare(effort: Effort, row: &ByHand, size: u64, pace: Pace) -> anyhow::Result<()> {
    let &ByHand { backend: name, how, make, target } = row;
    let with_times = format!("{how} and timed");
    let mut race = Race::default();
    race.add(name, || backend_call_ns(name, size, pace));
    race.add(how, || by_hand_call_ns(make, plain, size, pace));
    race.add(&with_times, || by_hand_call_ns(make, timed, size, pace));
    let times = race.run(effort.or_test(35, 1))?;
    for (rival, target) in [(how, target), (&with_times, Target::Open)] {
        let [own, other] = [name, rival].map(|name| time(times.median_ns(name)));
        let (title, remark) = (format!("{name} / {rival}"), format!("{own} / {other}"));
        print(effort, &title, &times.ratios(name, rival), target, &remark);
    }
    Ok(())
}

fn job(size: u64) -> Job {
    Job { seed: 1, block: size, blocks: 2 }
}

/// The plain task.
fn plain(worker: u64, size: u64) -> u64 {
    chain::steps(job(size).seed ^ worker, black_box(size))
}

/// The task of a backend, which times itself.
fn timed(worker: u64, size: u64) -> u64 {
    let work = Work::new(&Chain, job(black_box(size)), Isa::best());
    work.run(worker..worker + 1).tally.sum as u64
}

/// Time of a call of a new team of a backend.
pub fn backend_call_ns(name: &str, size: u64, pace: Pace) -> anyhow::Result<f64> {
    let registry = Registry::default();
    let backend = registry.backend(name).ok_or_else(|| anyhow::anyhow!("no backend {name}"))?;
    let mut team = team(backend, &Chain, job(size), 2)?;
    call_ns(pace, || team.call().map(drop).map_err(Into::into))
}

fn by_hand_call_ns(make: Make, task: Task, size: u64, pace: Pace) -> anyhow::Result<f64> {
    team::wait_until_alone();
    let mut call = make(task, size)?;
    anyhow::ensure!(call() == task(0, size).wrapping_add(task(1, size)), "a wrong answer");
    call_ns(pace, || {
        black_box(call());
        Ok(())
    })
}

/// The median time of a call, after a few that are not counted.
fn call_ns(pace: Pace, mut call: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    for _ in 0..3 {
        call()?;
    }
    let burst_start = Instant::now();
    let mut ns = Vec::new();
    while ns.is_empty() || burst_start.elapsed() < pace.burst {
        pace.pause.take();
        let start = Instant::now();
        call()?;
        ns.push(start.elapsed().as_nanos() as f64);
    }
    Ok(median(&ns).unwrap_or(f64::NAN))
}
