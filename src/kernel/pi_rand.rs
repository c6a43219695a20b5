//! Kernel of π by darts in a few readable lines over the `rand` crate: for
//! teaching, and as an example of ordinary scalar code.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::stream::stream_seed;
use super::{Isa, Kernel, Tally};

/// Kernel that estimates π by counting darts inside a circle, over the `rand` crate.
pub struct PiRand;

impl Kernel for PiRand {
    fn name(&self) -> &'static str {
        "pi-rand"
    }

    fn about(&self) -> &'static str {
        "π by darts, six readable lines over rand, one generator a block"
    }

    fn scale(&self) -> f64 {
        4.0
    }

    fn exact(&self) -> Option<f64> {
        Some(std::f64::consts::PI)
    }

    // A named generator, not SmallRng or StdRng: those may change between
    // versions of rand, and with them every tally.
    fn tally(&self, seed: u64, block: u64, draws: u64, _isa: Isa) -> Tally {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(seed, block));
        let mut hits = 0;
        for _ in 0..draws {
            let (x, y): (f64, f64) = rng.random();
            hits += u64::from(x * x + y * y < 1.0);
        }
        Tally::from_hits(draws, hits)
    }
}
