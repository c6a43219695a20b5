//! Clocks: those that time a visit, and what the one that times is worth.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_getres, clock_gettime};

use super::read_text;
use crate::record;

/// Readings that are timed together.
const READINGS: u32 = 1000;

/// Steps of the clock that are looked at, to find the smallest.
const STEPS: u32 = 1000;

/// How long they are looked at, at most: a clock may be coarse.
const PATIENCE: Duration = Duration::from_millis(20);

/// Both clocks are read again, a few times, until they are read within so short a time of each
/// other: whoever is interrupted between the two sees a difference that is none.
const APART: Duration = Duration::from_micros(10);

/// How often at most.
const TRIES: u32 = 5;

/// What tells the time of a visit. A test may give a campaign another than the system's.
pub trait Clock {
    /// Time since some moment in the past, on a clock that nobody sets. It stands still while the
    /// machine is suspended.
    fn monotonic(&self) -> Duration;

    /// The same on a clock that runs on while the machine is suspended; `None` where there is none.
    fn boot(&self) -> Option<Duration>;
}

/// The clocks of this machine: `CLOCK_MONOTONIC` and `CLOCK_BOOTTIME`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct System;

impl Clock for System {
    fn monotonic(&self) -> Duration {
        // Every Linux has this clock, and the call has no other way to fail.
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
    }

    fn boot(&self) -> Option<Duration> {
        clock_gettime(ClockId::CLOCK_BOOTTIME).ok().map(Duration::from)
    }
}

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    monotonic: Duration,
    boot: Option<Duration>,
}

/// The time between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// On the monotonic clock.
    pub wall: Duration,
    /// On the boot clock, where there is one.
    pub boot: Option<Duration>,
}

impl Moment {
    /// This one.
    pub fn now(clock: &dyn Clock) -> Moment {
        let (mut closest, mut best) = Moment::read(clock);
        for _ in 1..TRIES {
            if closest <= APART {
                break;
            }
            let (apart, moment) = Moment::read(clock);
            if apart < closest {
                (closest, best) = (apart, moment);
            }
        }
        best
    }

    /// Both clocks, and how far apart they were read at most.
    fn read(clock: &dyn Clock) -> (Duration, Moment) {
        let monotonic = clock.monotonic();
        let boot = clock.boot();
        (clock.monotonic().saturating_sub(monotonic), Moment { monotonic, boot })
    }

    /// From this one until now. A clock that ran backwards has not moved.
    pub fn elapsed(&self, clock: &dyn Clock) -> Span {
        let now = Moment::now(clock);
        let boot = now.boot.zip(self.boot).map(|(now, then)| now.saturating_sub(then));
        Span { wall: now.monotonic.saturating_sub(self.monotonic), boot }
    }
}

/// The monotonic clock of this machine.
pub fn inspect() -> record::Clock {
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    record::Clock {
        source: read_text(Path::new("/"), source).unwrap_or_default(),
        resolution_ns: resolution_ns(),
        reading_ns: reading_ns(),
    }
}

/// What the system says, or the smallest step that was seen, whichever is larger: the system says
/// 1 ns of clocks that move in far larger steps. A step cannot be seen that is smaller than the cost
/// of a reading.
fn resolution_ns() -> u64 {
    let said = clock_getres(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    said.max(smallest_step(&System)).as_nanos() as u64
}

/// The smallest time other than none between two readings, one right after the other; zero if the
/// clock did not move.
fn smallest_step(clock: &dyn Clock) -> Duration {
    let start = Instant::now();
    let (mut steps, mut smallest) = (0, None);
    let mut last = clock.monotonic();
    while steps < STEPS && start.elapsed() < PATIENCE {
        // Nothing may come between the two, or the step would hold it too.
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

/// What one reading costs: the least of several batches, since whatever
/// disturbs a batch can only make it longer.
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
    fn a_clock_that_stands_still_has_no_step_and_hangs_nobody() {
        let clock = Coarse { step_ns: 0, readings: Cell::new(0) };
        assert_eq!(smallest_step(&clock), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_runs_backwards_has_not_moved() {
        let later = Moment { monotonic: Duration::MAX, boot: Some(Duration::MAX) };
        let span = later.elapsed(&System);
        assert_eq!((span.wall, span.boot.unwrap_or_default()), (Duration::ZERO, Duration::ZERO));
        let clock = Coarse { step_ns: 3, readings: Cell::new(2) };
        assert_eq!(Moment::now(&clock).elapsed(&System).boot, None);
    }

    #[test]
    fn this_machines_clock_is_described() {
        let clock = inspect();
        assert!(clock.resolution_ns >= 1 && clock.reading_ns > 0.0, "{clock:?}");
    }
}
