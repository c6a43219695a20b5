//! What a call costs each backend, beside the same primitive by hand.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use nthread::Registry;
use nthread::backend::Work;
use nthread::kernel::{Isa, Job};
use nthread::stats::median;

use crate::Effort;
use crate::by_hand::{BY_HAND, Make, Task};
use crate::chain::{self, Chain};
use crate::figure::{Target, heading, print, time};
use crate::race::Race;
use crate::team::{self, team};

const PLAIN: &str = "by hand";
const TIMED: &str = "by hand and timed";

/// A sample is the median of the calls of this time.
const BURST: Duration = Duration::from_millis(6);

/// Prints the ratios of times, for an empty job and one of two short tasks.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    let task = chain::steps_of(Duration::from_micros(20));
    for (job, size) in [("an empty job", 0), ("two tasks of 20 µs", task)] {
        for pause in [Pause::Asleep, Pause::None] {
            heading(&format!("dispatch: 2 workers, time of a call: {job}, {pause}"));
            compare(effort, size, pause)?;
        }
    }
    Ok(())
}

/// How calls follow each other.
#[derive(Clone, Copy)]
struct Pace {
    /// So long do the calls of a sample last.
    burst: Duration,
    pause: Pause,
}

/// What happens between two calls.
#[derive(Clone, Copy)]
enum Pause {
    /// The caller is busy otherwise for so long that workers who spin for a
    /// while before they sleep have gone to sleep. So it is in a sweep, where
    /// the runner reports between calls.
    Asleep,
    /// Nothing: workers may still be spinning, and need not be woken.
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

/// Each backend against its primitive, plain and with tasks that time
/// themselves as a backend's do: a reading of a thread's CPU clock is a system
/// call, and an empty job consists of little else.
///
/// All make their workers anew for each sample: on which CPUs these happen to
/// wake is then a matter of chance for all, and not one throw of the dice for
/// the whole race.
fn compare(effort: Effort, size: u64, pause: Pause) -> anyhow::Result<()> {
    let pace = Pace { burst: effort.or_test(BURST, Duration::ZERO), pause };
    for &(name, make) in BY_HAND {
        let mut race = Race::default();
        race.add(name, || backend_call_ns(name, size, pace));
        race.add(PLAIN, || by_hand_call_ns(make, plain, size, pace));
        race.add(TIMED, || by_hand_call_ns(make, timed, size, pace));
        let times = race.run(effort.or_test(35, 1))?;
        let limit = if name.starts_with("process") { 1.2 } else { 1.15 };
        for (rival, target) in [(PLAIN, Target::AtMost(limit)), (TIMED, Target::Open)] {
            let [own, other] = [name, rival].map(|name| time(times.median_ns(name)));
            let (title, remark) = (format!("{name} / {rival}"), format!("{own} / {other}"));
            print(effort, &title, &times.ratios(name, rival), target, &remark);
        }
    }
    Ok(())
}

fn job(size: u64) -> Job {
    Job { seed: 1, block: size, blocks: 2 }
}

/// The task and nothing else.
fn plain(worker: u64, size: u64) -> u64 {
    chain::steps(job(size).seed ^ worker, black_box(size))
}

/// The task as a backend gets it: it times itself.
fn timed(worker: u64, size: u64) -> u64 {
    let work = Work::new(&Chain, job(black_box(size)), Isa::best());
    work.run(worker..worker + 1).tally.sum as u64
}

fn backend_call_ns(name: &str, size: u64, pace: Pace) -> anyhow::Result<f64> {
    let registry = Registry::default();
    let backend = registry.backend(name).ok_or_else(|| anyhow::anyhow!("no backend {name}"))?;
    let mut team = team(backend, &Chain, job(size), 2)?;
    call_ns(pace, || team.call().map(drop).map_err(Into::into))
}

fn by_hand_call_ns(make: Make, task: Task, size: u64, pace: Pace) -> anyhow::Result<f64> {
    team::wait_until_alone();
    let mut call = make(task, size)?;
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
