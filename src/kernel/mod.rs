//! Kernels: the computations that are timed.
//!
//! A kernel is a pure function of (seed, block index) into a [`Tally`] of
//! integers. Integers can be added in any order, so the tally of a [`Job`]
//! depends on the job alone: not on the backend, the number of threads, the
//! chunks, the instruction set or the machine. The tally of every sample is
//! checked.
//!
//! To add a kernel: one file here, and one line in [`KERNELS`].
#![deny(missing_docs)]

#[doc(hidden)]
pub mod decimal;
mod isa;
mod matmul;
mod pi;
mod pi_rand;
pub mod stream;
mod total_probability;

pub use isa::Isa;
pub use matmul::MatMul;
pub use pi::Pi;
pub use pi_rand::PiRand;

use std::ops::{Add, Range};

use serde::{Deserialize, Serialize};

/// The kernels of this crate.
pub const KERNELS: &[&dyn Kernel] = &[&Pi, &PiRand, &total_probability::TotalProbability, &MatMul];

/// Default number of draws of a block. Seeding takes about 1% of its time.
pub const DEFAULT_BLOCK: u64 = 1 << 14;

/// Range of the number of draws of a block, which is a power of two.
pub const BLOCK_RANGE: std::ops::RangeInclusive<u64> = 1 << 6..=1 << 30;

/// A Monte Carlo estimate that can be cut into blocks.
pub trait Kernel: Sync {
    /// Name on the command line and in the files.
    fn name(&self) -> &'static str;

    /// Description in one line, for `harness list`.
    fn about(&self) -> &'static str;

    /// Factor of the estimate: estimate = scale × sum / draws.
    fn scale(&self) -> f64;

    /// Exact value of the estimated quantity, where it is known.
    fn exact(&self) -> Option<f64>;

    /// Computes the tally of `draws` draws (a power of two, at least 64) from the
    /// random stream of (`seed`, `block`). The tally must be a pure function of
    /// these three, and the same in every instruction set.
    fn tally(&self, seed: u64, block: u64, draws: u64, isa: Isa) -> Tally;
}

/// Amount of work: a number of blocks of draws, and the seed of their streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Seed of the random streams.
    pub seed: u64,
    /// Number of draws of a block.
    pub block: u64,
    /// Number of blocks.
    pub blocks: u64,
}

impl Job {
    /// Number of draws of the whole job.
    pub fn draws(&self) -> u64 {
        self.block * self.blocks
    }

    /// Computes the tally of a range of its blocks.
    pub fn tally(&self, kernel: &dyn Kernel, blocks: Range<u64>, isa: Isa) -> Tally {
        blocks
            .map(|block| kernel.tally(self.seed, block, self.block, isa))
            .fold(Tally::default(), Add::add)
    }
}

/// The exact, mergeable result of some blocks.
///
/// All fields are integers, so that the order of additions does not matter. A
/// kernel with real values adds fixed-point integers. In JSON the fields are
/// decimal strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tally {
    /// Number of draws.
    #[serde(with = "decimal")]
    pub draws: u64,
    /// Sum of the values of the draws.
    #[serde(with = "decimal")]
    pub sum: i128,
    /// Sum of the squares of the values.
    #[serde(with = "decimal")]
    pub sum_sq: i128,
}

impl Tally {
    /// Makes the tally of draws whose values are 0 or 1.
    pub fn from_hits(draws: u64, hits: u64) -> Tally {
        Tally { draws, sum: hits.into(), sum_sq: hits.into() }
    }

    /// Adds two tallies; `None` if the sum overflows.
    pub fn checked_add(self, other: Tally) -> Option<Tally> {
        Some(Tally {
            draws: self.draws.checked_add(other.draws)?,
            sum: self.sum.checked_add(other.sum)?,
            sum_sq: self.sum_sq.checked_add(other.sum_sq)?,
        })
    }

    /// Estimate: scale × mean. `None` without draws.
    pub fn estimate(&self, scale: f64) -> Option<f64> {
        (self.draws > 0).then(|| scale * self.sum as f64 / self.draws as f64)
    }

    /// Standard error of the estimate: scale × √(s² / draws), with s² the
    /// unbiased variance. `None` below two draws.
    pub fn std_error(&self, scale: f64) -> Option<f64> {
        if self.draws < 2 {
            return None;
        }
        let draws = self.draws as f64;
        let mean = self.sum as f64 / draws;
        // The difference of two large numbers: rounding may make it slightly negative.
        let variance = (self.sum_sq as f64 / draws - mean * mean) * draws / (draws - 1.0);
        Some(scale * (variance.max(0.0) / draws).sqrt())
    }

    /// Difference between the estimate and the exact value in standard errors.
    /// `None` where the standard error is 0 or unknown.
    pub fn z_score(&self, scale: f64, exact: f64) -> Option<f64> {
        let error = self.std_error(scale).filter(|error| *error > 0.0)?;
        Some((self.estimate(scale)? - exact) / error)
    }
}

impl Add for Tally {
    type Output = Tally;

    /// Merges two tallies. It wraps on overflow instead of panicking: a runner in
    /// another language may report any numbers, and a wrapped sum is simply wrong.
    fn add(self, other: Tally) -> Tally {
        Tally {
            draws: self.draws.wrapping_add(other.draws),
            sum: self.sum.wrapping_add(other.sum),
            sum_sq: self.sum_sq.wrapping_add(other.sum_sq),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::total_probability::TotalProbability;
    use super::*;

    const SEED: u64 = 20_261_122;

    /// (kernel, first block, blocks, draws of a block, hits), computed by an
    /// independent program in another language, with integers of any size.
    const HITS: [(&dyn Kernel, u64, u64, u64, u64); 9] = [
        (&Pi, 0, 8, 1 << 14, 102_929),
        (&Pi, 0, 1, 64, 52),
        (&Pi, 1 << 40, 1, 1 << 10, 794),
        (&PiRand, 0, 8, 1 << 14, 102_629),
        (&PiRand, 0, 1, 64, 54),
        (&PiRand, 1 << 40, 1, 1 << 10, 792),
        (&TotalProbability, 0, 8, 1 << 14, 47_676),
        (&TotalProbability, 0, 1, 64, 26),
        (&TotalProbability, 1 << 40, 1, 1 << 10, 394),
    ];

    #[test]
    fn every_variant_returns_the_tally_of_the_independent_program() {
        for isa in Isa::available() {
            for (kernel, first, blocks, draws, hits) in HITS {
                let job = Job { seed: SEED, block: draws, blocks };
                let tally = job.tally(kernel, first..first + blocks, isa);
                let expected = Tally::from_hits(draws * blocks, hits);
                assert_eq!(tally, expected, "{} for {isa}", kernel.name());
            }
        }
    }

    #[test]
    fn every_variant_returns_the_same_tally_for_any_block() {
        for kernel in KERNELS {
            // The time of a product grows faster than its number of draws.
            let largest = if kernel.name() == MatMul.name() { 1 << 13 } else { 1 << 17 };
            for block in [64, 128, 1 << 10, largest] {
                for seed in [0, 1, SEED, u64::MAX] {
                    let portable = kernel.tally(seed, seed ^ 5, block, Isa::Portable);
                    assert_eq!(portable.draws, block);
                    for isa in Isa::available() {
                        assert_eq!(kernel.tally(seed, seed ^ 5, block, isa), portable);
                    }
                }
            }
        }
    }

    #[test]
    fn blocks_may_be_computed_in_any_order_and_grouping() {
        let job = Job { seed: 1, block: 64, blocks: 30 };
        let whole = job.tally(&Pi, 0..30, Isa::best());
        let parts = [20..30, 0..1, 1..20].map(|blocks| job.tally(&Pi, blocks, Isa::best()));
        assert_eq!(parts.into_iter().fold(Tally::default(), Add::add), whole);
    }

    #[test]
    fn every_kernel_estimates_its_exact_value() {
        for kernel in KERNELS {
            let Some(exact) = kernel.exact() else { continue };
            let job = Job { seed: SEED, block: 1 << 12, blocks: 64 };
            let tally = job.tally(*kernel, 0..64, Isa::best());
            let z = tally.z_score(kernel.scale(), exact).expect("a standard error");
            assert!(z.abs() < 4.0, "{}: z = {z}", kernel.name());
        }
    }

    #[test]
    fn the_standard_error_is_that_of_the_sample_mean() {
        // Four draws 0, 1, 1, 1: mean 3/4, unbiased variance 1/4.
        let tally = Tally::from_hits(4, 3);
        assert_eq!(tally.estimate(4.0), Some(3.0));
        assert_eq!(tally.std_error(4.0), Some(4.0 * (0.25_f64 / 4.0).sqrt()));
        assert_eq!(Tally::default().estimate(4.0), None);
        assert_eq!(Tally::from_hits(1, 1).std_error(4.0), None);
        assert_eq!(Tally::from_hits(9, 9).z_score(4.0, 3.0), None);
    }
}
