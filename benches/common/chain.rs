//! Kernel for measuring the cost of dispatch: a chain of dependent steps of any duration,
//! or an empty one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nthread::kernel::{Isa, Kernel, Tally};

/// Steps that are timed to calibrate the duration of one.
const CALIBRATION_STEPS: u64 = 1 << 20;

/// Kernel whose draws are the steps of a chain that no compiler or CPU can shorten. A job
/// whose blocks have no draws is an empty job.
pub struct Chain;

impl Kernel for Chain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn about(&self) -> &'static str {
        "dependent multiplications: work of an exact length, or none"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        None
    }

    fn tally(&self, seed: u64, block: u64, draws: u64, _: Isa) -> Tally {
        Tally::from_hits(draws, steps(seed ^ block, draws))
    }
}

/// Makes `count` steps from `word`.
pub fn steps(word: u64, count: u64) -> u64 {
    (0..count).fold(word, |word, step| (word ^ step).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Number of steps that take this time on this machine: the largest of a few tries.
pub fn steps_of(time: Duration) -> u64 {
    let try_once = |_| {
        let start = Instant::now();
        black_box(steps(black_box(1), CALIBRATION_STEPS));
        start.elapsed()
    };
    let best = (0..5).map(try_once).min().unwrap_or(Duration::MAX);
    (CALIBRATION_STEPS as f64 * time.as_secs_f64() / best.as_secs_f64()) as u64
}
