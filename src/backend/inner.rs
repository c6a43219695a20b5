//! Inner threads of a worker, as a library starts them that runs in parallel in
//! each of its callers.

use std::ops::{AddAssign, Range};
use std::panic::resume_unwind;
use std::thread;

use nix::sched::sched_getcpu;
use serde::{Deserialize, Serialize};

use super::{Report, cpu_clock, run_delay};
use crate::kernel::Tally;

/// Times of the inner threads of a worker, without the worker's own thread; zero
/// where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InnerTimes {
    /// CPU time in nanoseconds, if that of every thread is known.
    pub cpu_ns: Option<u64>,
    /// Run delay in nanoseconds, if that of every thread is known: a thread that was
    /// busy for less than [`Report::RUN_DELAY_MIN_BUSY_NS`] does not read it.
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

/// Computes some blocks in up to `threads` threads, the calling one included, as
/// consecutive parts of nearly equal size. `tally` computes a part.
///
/// New threads inherit the affinity mask of the calling one.
///
/// # Panics
/// If the system cannot start a thread; and as `tally` does.
pub fn run(blocks: Range<u64>, threads: u32, tally: impl Fn(Range<u64>) -> Tally + Sync) -> Report {
    let count = blocks.end - blocks.start;
    let parts = u64::from(threads).clamp(1, count.max(1));
    let tally = &tally;
    thread::scope(|scope| {
        let mut others = Vec::new();
        for part in 1..parts {
            let blocks = part_of(&blocks, part, parts);
            match thread::Builder::new().spawn_scoped(scope, || run_timed(|| tally(blocks))) {
                Ok(handle) => others.push(handle),
                Err(error) => panic!(
                    "cannot start inner thread {} of {parts}: {error}; use a smaller \
                     --inner-nthread",
                    part + 1
                ),
            }
        }
        let first = tally(part_of(&blocks, 0, parts));
        let mut report = Report { tally: first, blocks: count, ..Report::default() };
        for other in others {
            // The worker reports a panic of an inner thread as its own.
            let (tally, times) = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            report.tally = report.tally + tally;
            report.inner += times;
        }
        report.last_cpu = sched_getcpu().ok().map(|cpu| cpu as u64);
        report
    })
}

/// Range with the index `part` of `parts` consecutive ranges of nearly equal size.
fn part_of(blocks: &Range<u64>, part: u64, parts: u64) -> Range<u64> {
    // The product may exceed 64 bits.
    let count = u128::from(blocks.end - blocks.start);
    let [start, end] = [part, part + 1]
        .map(|part| blocks.start + (count * u128::from(part) / u128::from(parts)) as u64);
    start..end
}

/// Runs the whole body of an inner thread, and returns its tally and times.
fn run_timed(body: impl FnOnce() -> Tally) -> (Tally, InnerTimes) {
    let tally = body();
    // The last step of the thread, so that its whole life is measured.
    let cpu_ns = cpu_clock::current_thread_ns();
    let is_long = cpu_ns.is_some_and(|ns| ns >= Report::RUN_DELAY_MIN_BUSY_NS);
    let run_delay_ns = if is_long { run_delay::current_thread_ns() } else { None };
    (tally, InnerTimes { cpu_ns, run_delay_ns })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;

    /// Parts that were computed, in order, and the number of threads.
    fn parts(blocks: Range<u64>, threads: u32) -> (Vec<Range<u64>>, usize) {
        let seen = Mutex::new(Vec::new());
        let report = run(blocks.clone(), threads, |part| {
            seen.lock().expect("a list").push((part.clone(), thread::current().id()));
            Tally::from_hits(part.end - part.start, 0)
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
    fn a_panic_of_an_inner_thread_is_one_of_the_worker() {
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
    fn cpu_time_of_inner_threads_is_known_and_run_delay_of_short_ones_is_not() {
        let times = run(0..2, 2, |part| Tally::from_hits(part.end - part.start, 0)).inner;
        assert!(times.cpu_ns.is_some());
        assert_eq!(times.run_delay_ns, None);
        assert_eq!(run(0..2, 1, |_| Tally::default()).inner, InnerTimes::default());
    }
}
