//! Resampling of rounds, for bootstrap intervals.
//!
//! Whole rounds are drawn with replacement, so that the values of one round stay together.
//! The caller gives the seed, so the same data give the same interval.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Draws rounds with replacement, the same ones for the same seed.
#[derive(Debug)]
pub struct Resampler {
    generator: Xoshiro256PlusPlus,
    indices: Vec<usize>,
}

impl Resampler {
    /// A resampler with this seed.
    pub fn new(seed: u64) -> Resampler {
        Resampler { generator: Xoshiro256PlusPlus::seed_from_u64(seed), indices: Vec::new() }
    }

    /// Draws the indices of `count` rounds out of `count`, with replacement.
    pub fn rounds(&mut self, count: usize) -> &[usize] {
        self.indices.clear();
        for _ in 0..count {
            self.indices.push(self.generator.random_range(0..count));
        }
        &self.indices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_rounds() {
        let (mut one, mut same, mut other) =
            (Resampler::new(1), Resampler::new(1), Resampler::new(2));
        let first = one.rounds(50).to_vec();
        assert_eq!(first, same.rounds(50));
        assert_ne!(first, other.rounds(50));
        assert_ne!(first, one.rounds(50));
        assert!(first.iter().all(|round| *round < 50));
        assert!(one.rounds(0).is_empty());
    }
}
