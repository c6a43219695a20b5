//! A crate with its own kernel: the whole program `harness` with one more kernel.
//!
//!     cargo run --release -p own-kernel -- --kernel e

use std::ops::Add as _;
use std::process::ExitCode;

use nthread::kernel::stream::stream_seed;
use nthread::kernel::{Isa, Kernel, Tally};
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Euler's number: the mean count of random numbers between 0 and 1 until their sum
/// exceeds 1.
struct Euler;

impl Kernel for Euler {
    fn name(&self) -> &'static str {
        "e"
    }

    fn about(&self) -> &'static str {
        "e by counting random numbers until their sum exceeds 1"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        Some(std::f64::consts::E)
    }

    // The tally depends only on (seed, block) and consists of integers, so it is the same for
    // every backend, thread count and machine.
    fn tally(&self, seed: u64, block: u64, draws: u64, _: Isa) -> Tally {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(seed, block));
        let draw = |_| {
            let (mut sum, mut count) = (rng.next_u64(), 1);
            // 64 random bits represent a number between 0 and 1, so a carry means a sum above 1.
            while let Some(next) = sum.checked_add(rng.next_u64()) {
                (sum, count) = (next, count + 1);
            }
            Tally { draws: 1, sum: count + 1, sum_sq: (count + 1) * (count + 1) }
        };
        (0..draws).map(draw).fold(Tally::default(), Tally::add)
    }
}

fn main() -> ExitCode {
    let mut registry = nthread::Registry::default();
    registry.kernels.push(&Euler);
    nthread::run(&registry)
}
