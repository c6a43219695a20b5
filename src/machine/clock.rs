//! The clock that times: what it is, how fine, and what a reading costs.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_getres};

use super::read_text;
use crate::record::Clock;

/// Readings that are timed together.
const READINGS: u32 = 1000;

/// The monotonic clock of this machine.
pub fn inspect() -> Clock {
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let resolution = clock_getres(ClockId::CLOCK_MONOTONIC).map(Duration::from);
    Clock {
        source: read_text(Path::new("/"), source).unwrap_or_default(),
        resolution_ns: resolution.map_or(0, |resolution| resolution.as_nanos() as u64),
        reading_ns: reading_ns(),
    }
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
