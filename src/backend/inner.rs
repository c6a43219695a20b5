//! Threads inside a worker: what a library does that starts threads of its own in
//! whoever calls it.

use std::any::Any;
use std::ops::{AddAssign, Range};
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use nix::sched::sched_getcpu;
use serde::{Deserialize, Serialize};

use super::{Report, cpu_clock, run_delay};
use crate::kernel::Tally;

/// What the threads inside a worker used beside the worker's own thread; nothing
/// where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InnerTimes {
    /// Their CPU time in nanoseconds, if it is known of all.
    pub cpu_ns: Option<u64>,
    /// The time in nanoseconds that they were ready to run and had no CPU, if it is
    /// known of all: a thread that was busy for less than
    /// [`Report::WORTH_ASKING_NS`] does not ask.
    pub run_delay_ns: Option<u64>,
}

impl Default for InnerTimes {
    fn default() -> Self {
        InnerTimes { cpu_ns: Some(0), run_delay_ns: Some(0) }
    }
}

impl AddAssign for InnerTimes {
    fn add_assign(&mut self, other: InnerTimes) {
        self.cpu_ns = self.cpu_ns.zip(other.cpu_ns).map(|(one, other)| one + other);
        let delays = self.run_delay_ns.zip(other.run_delay_ns);
        self.run_delay_ns = delays.map(|(one, other)| one + other);
    }
}

/// Computes some blocks in up to `threads` threads, the calling one among them, as
/// consecutive parts of nearly equal size. `tally` computes a part.
///
/// New threads have the affinity mask of the one that starts them.
///
/// # Panics
/// If the system refuses a thread, with what it said; and as `tally` does.
pub fn run(blocks: Range<u64>, threads: u32, tally: impl Fn(Range<u64>) -> Tally + Sync) -> Report {
    let count = blocks.end - blocks.start;
    let parts = u64::from(threads).clamp(1, count.max(1));
    let edge = |part: u64| {
        // Their product may exceed 64 bits.
        blocks.start + (u128::from(count) * u128::from(part) / u128::from(parts)) as u64
    };
    let body = |part: u64| tally(edge(part)..edge(part + 1));
    let body = &body;
    thread::scope(|scope| {
        let start = |part: u64| match thread::Builder::new()
            .spawn_scoped(scope, move || timed(|| body(part)))
        {
            Ok(handle) => handle,
            Err(error) => panic!(
                "cannot start thread {} of {parts} inside the worker: {error}; ask for fewer with \
                 --inner-nthread",
                part + 1
            ),
        };
        let others: Vec<ScopedJoinHandle<'_, (Tally, InnerTimes)>> =
            (1..parts).map(start).collect();
        let mut report = Report { tally: body(0), blocks: count, ..Report::default() };
        for other in others {
            let (tally, times) = other.join().unwrap_or_else(again);
            report.tally = report.tally + tally;
            report.inner += times;
        }
        report.last_cpu = sched_getcpu().ok().map(|cpu| cpu as u64);
        report
    })
}

/// A panic goes on in the worker, which tells of it as of one of its own.
fn again<T>(panic: Box<dyn Any + Send>) -> T {
    resume_unwind(panic)
}

/// What a thread computes that ends after that, and what it used.
fn timed(body: impl FnOnce() -> Tally) -> (Tally, InnerTimes) {
    let tally = body();
    let cpu_ns = cpu_clock::own_ns();
    let is_worth_asking = cpu_ns.is_some_and(|ns| ns >= Report::WORTH_ASKING_NS);
    let run_delay_ns = if is_worth_asking { run_delay::own_ns() } else { None };
    (tally, InnerTimes { cpu_ns, run_delay_ns })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;

    /// The parts that were computed, in order, and the threads that did.
    fn parts(blocks: Range<u64>, threads: u32) -> (Vec<Range<u64>>, usize) {
        let seen = Mutex::new(Vec::new());
        let report = run(blocks.clone(), threads, |part| {
            seen.lock().expect("a list").push((part.clone(), thread::current().id()));
            Tally::of_hits(part.end - part.start, 0)
        });
        let mut seen = seen.into_inner().expect("a list");
        seen.sort_by_key(|(part, _)| part.start);
        let count = blocks.end - blocks.start;
        assert_eq!((report.tally.draws, report.blocks), (count, count));
        let ids: HashSet<_> = seen.iter().map(|(_, id)| *id).collect();
        (seen.into_iter().map(|(part, _)| part).collect(), ids.len())
    }

    #[test]
    fn every_block_is_in_exactly_one_part_of_nearly_equal_size() {
        for (count, threads) in [(10, 3), (7, 7), (1, 1), (100, 8), (9, 2)] {
            let (parts, ids) = parts(5..5 + count, threads);
            assert_eq!((parts.len(), ids), (threads as usize, threads as usize));
            assert_eq!((parts[0].start, parts[parts.len() - 1].end), (5, 5 + count));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            let sizes = || parts.iter().map(|part| part.end - part.start);
            assert!(
                sizes().max().zip(sizes().min()).is_some_and(|(most, least)| most - least <= 1)
            );
        }
    }

    #[test]
    fn fewer_blocks_than_threads_need_fewer_threads() {
        assert_eq!(parts(0..3, 8).1, 3);
        let (none, ids) = parts(4..4, 8);
        assert_eq!((none.len(), none[0].is_empty(), ids), (1, true, 1));
    }

    #[test]
    fn blocks_near_the_largest_number_do_not_overflow() {
        let half = u64::MAX / 2;
        assert_eq!(
            parts(half..u64::MAX, 2).0,
            [half..half + (u64::MAX - half) / 2, half + (u64::MAX - half) / 2..u64::MAX]
        );
    }

    #[test]
    fn a_panic_of_a_thread_inside_is_one_of_the_worker() {
        let fails = || {
            run(0..4, 2, |part| {
                assert!(part.start == 0, "no such block");
                Tally::default()
            })
        };
        let panic = catch_unwind(AssertUnwindSafe(fails)).expect_err("a panic");
        assert_eq!(super::super::panic_message(&*panic), "no such block");
    }

    #[test]
    fn cpu_time_of_threads_inside_is_known_and_a_short_ones_delay_is_not() {
        let times = run(0..2, 2, |part| Tally::of_hits(part.end - part.start, 0)).inner;
        assert!(times.cpu_ns.is_some());
        assert_eq!(times.run_delay_ns, None);
        assert_eq!(run(0..2, 1, |_| Tally::default()).inner, InnerTimes::default());
    }
}
