//! A kernel of one's own in a crate of one's own: the whole program `harness`, with one
//! more thing to compute.
//!
//!     cargo run --release -p own-kernel -- --kernel e

use std::ops::Add as _;
use std::process::ExitCode;

use nthread::kernel::stream::stream_seed;
use nthread::kernel::{Isa, Kernel, Tally};
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Euler's number: so many random numbers between 0 and 1 does it take, on average, until
/// their sum exceeds 1.
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

    // From nothing but (seed, block), and integers only: so every backend, every thread
    // count and every machine has the same tally.
    fn tally(&self, seed: u64, block: u64, draws: u64, _: Isa) -> Tally {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(seed, block));
        let draw = |_| {
            let (mut sum, mut count) = (rng.next_u64(), 1);
            // 64 random bits are a number between 0 and 1; the carry is the 1.
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
