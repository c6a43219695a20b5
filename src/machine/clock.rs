//! Clocks that time a visit, and the resolution and cost of the monotonic one.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_getres, clock_gettime};

use super::read_text;
use crate::record;

/// Number of readings that are timed together.
const READINGS: u32 = 1000;

/// Number of clock steps among which the smallest is sought.
const STEPS: u32 = 1000;

/// Time limit of that search, for coarse clocks.
const STEP_SEARCH_LIMIT: Duration = Duration::from_millis(20);

/// Maximum time between the readings of the two clocks. If the thread is interrupted between them,
/// the difference of the clocks is wrong, so they are read again.
const MAX_GAP: Duration = Duration::from_micros(10);

/// Maximum number of such readings.
const MAX_TRIES: u32 = 5;

/// The clocks that time a visit. Tests may replace those of the system.
pub trait Clock {
    /// The time on a clock that is never set and stops while the machine is suspended.
    fn monotonic(&self) -> Duration;

    /// The time on a clock that continues while the machine is suspended; `None` if there is none.
    fn boot(&self) -> Option<Duration>;
}

/// The clocks of this machine: `CLOCK_MONOTONIC` and `CLOCK_BOOTTIME`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct System;

impl Clock for System {
    fn monotonic(&self) -> Duration {
        // The call fails only if the clock does not exist, and every Linux has it.
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
    }

    fn boot(&self) -> Option<Duration> {
        clock_gettime(ClockId::CLOCK_BOOTTIME).ok().map(Duration::from)
    }
}

/// A point in time on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    monotonic: Duration,
    boot: Option<Duration>,
}

/// The time between two points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The time on the monotonic clock.
    pub wall: Duration,
    /// The time on the boot clock, if there is one.
    pub boot: Option<Duration>,
}

impl Moment {
    /// The current time.
    pub fn now(clock: &dyn Clock) -> Moment {
        let (mut smallest_gap, mut best) = Moment::read(clock);
        for _ in 1..MAX_TRIES {
            if smallest_gap <= MAX_GAP {
                break;
            }
            let (gap, moment) = Moment::read(clock);
            if gap < smallest_gap {
                (smallest_gap, best) = (gap, moment);
            }
        }
        best
    }

    /// The readings of both clocks, and an upper bound of the time between them.
    fn read(clock: &dyn Clock) -> (Duration, Moment) {
        let monotonic = clock.monotonic();
        let boot = clock.boot();
        (clock.monotonic().saturating_sub(monotonic), Moment { monotonic, boot })
    }

    /// The time since this point. If a clock ran backwards, it is zero.
    pub fn elapsed(&self, clock: &dyn Clock) -> Span {
        let now = Moment::now(clock);
        let boot = now.boot.zip(self.boot).map(|(now, then)| now.saturating_sub(then));
        Span { wall: now.monotonic.saturating_sub(self.monotonic), boot }
    }
}

/// The properties of the monotonic clock of this machine.
pub fn inspect() -> record::Clock {
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    record::Clock {
        source: read_text(Path::new("/"), source).unwrap_or_default(),
        resolution_ns: resolution_ns(),
        reading_ns: reading_ns(),
    }
}

/// The larger of the reported resolution and the smallest observed step: the system reports 1 ns
/// even for clocks with much larger steps. Steps smaller than the cost of a reading cannot be
/// observed.
fn resolution_ns() -> u64 {
    let reported = clock_getres(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    reported.max(smallest_step(&System)).as_nanos() as u64
}

/// The smallest positive difference of consecutive readings; zero if the clock did not move.
fn smallest_step(clock: &dyn Clock) -> Duration {
    let start = Instant::now();
    let (mut steps, mut smallest) = (0, None);
    let mut last = clock.monotonic();
    while steps < STEPS && start.elapsed() < STEP_SEARCH_LIMIT {
        // The two readings are adjacent, so that the step contains no other work.
        let (first, second) = (clock.monotonic(), clock.monotonic());
        for step in [first.saturating_sub(last), second.saturating_sub(first)] {
            if step > Duration::ZERO {
                steps += 1;
                smallest = Some(smallest.map_or(step, |least: Duration| least.min(step)));
            }
        }
        last = second;
    }
    smallest.unwrap_or_default()
}

/// The cost of a reading: the minimum over several batches, since disturbances only add time.
fn reading_ns() -> f64 {
    let batch = || {
        let start = Instant::now();
        for _ in 1..READINGS {
            std::hint::black_box(Instant::now());
        }
        start.elapsed().as_nanos() as f64 / f64::from(READINGS)
    };
    (0..10).map(|_| batch()).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A clock that moves by `step_ns` at every third reading.
    struct Coarse {
        step_ns: u64,
        readings: Cell<u64>,
    }

    impl Clock for Coarse {
        fn monotonic(&self) -> Duration {
            self.readings.set(self.readings.get() + 1);
            Duration::from_nanos(self.readings.get() / 3 * self.step_ns)
        }

        fn boot(&self) -> Option<Duration> {
            None
        }
    }

    #[test]
    fn the_smallest_step_of_a_coarse_clock_is_its_step() {
        for step_ns in [1, 280, 4_000_000] {
            let clock = Coarse { step_ns, readings: Cell::new(0) };
            assert_eq!(smallest_step(&clock), Duration::from_nanos(step_ns));
        }
    }

    #[test]
    fn a_clock_that_stands_still_has_no_step() {
        let clock = Coarse { step_ns: 0, readings: Cell::new(0) };
        assert_eq!(smallest_step(&clock), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_runs_backwards_measures_zero() {
        let later = Moment { monotonic: Duration::MAX, boot: Some(Duration::MAX) };
        let span = later.elapsed(&System);
        assert_eq!((span.wall, span.boot.unwrap_or_default()), (Duration::ZERO, Duration::ZERO));
        let clock = Coarse { step_ns: 3, readings: Cell::new(2) };
        assert_eq!(Moment::now(&clock).elapsed(&System).boot, None);
    }

    #[test]
    fn the_clock_of_this_machine_has_properties() {
        let clock = inspect();
        assert!(clock.resolution_ns >= 1 && clock.reading_ns > 0.0, "{clock:?}");
    }
}
