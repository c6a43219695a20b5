//! What is computed, and why every backend returns the same bits.
//!
//! A kernel is a pure function of (seed, block index) into a [`Tally`] of
//! integers. Integers can be added in any order, so the tally of a [`Job`]
//! depends on the job alone: not on the backend, the number of threads, the
//! chunks, the instruction set or the machine. Every sample is checked against
//! it.
//!
//! To add a kernel: one file here, and one line in [`KERNELS`].

pub(crate) mod decimal;
mod isa;
mod pi;
mod pi_rand;
pub mod stream;

pub use isa::Isa;
pub use pi::Pi;
pub use pi_rand::PiRand;

use std::ops::{Add, Range};

use serde::{Deserialize, Serialize};

/// The kernels of this crate.
pub const KERNELS: &[&dyn Kernel] = &[&Pi, &PiRand];

/// Draws of a block, unless asked otherwise: seeding costs about 1% of it.
pub const DEFAULT_BLOCK: u64 = 1 << 14;

/// The smallest and the largest block; blocks are powers of two.
pub const BLOCK_RANGE: std::ops::RangeInclusive<u64> = 1 << 6..=1 << 30;

/// A Monte Carlo estimate that can be cut into blocks.
pub trait Kernel: Sync {
    /// The name on the command line and in the files.
    fn name(&self) -> &'static str;

    /// One line for `harness list`.
    fn about(&self) -> &'static str;

    /// What one unit of a tally's sum is worth: estimate = scale × sum / draws.
    fn scale(&self) -> f64;

    /// The exact answer, where one is known.
    fn exact(&self) -> Option<f64>;

    /// The tally of `draws` draws (a power of two, at least 64) from the random
    /// stream of (`seed`, `block`). Must be a pure function of these three: in
    /// every instruction set, the same tally.
    fn tally(&self, seed: u64, block: u64, draws: u64, isa: Isa) -> Tally;
}

/// How much work there is: blocks of draws, and the seed of their streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Seed of the random streams.
    pub seed: u64,
    /// Draws of a block.
    pub block: u64,
    /// Number of blocks.
    pub blocks: u64,
}

impl Job {
    /// Draws of the whole job.
    pub fn draws(&self) -> u64 {
        self.block * self.blocks
    }

    /// The tally of a range of its blocks.
    pub fn tally(&self, kernel: &dyn Kernel, blocks: Range<u64>, isa: Isa) -> Tally {
        blocks
            .map(|block| kernel.tally(self.seed, block, self.block, isa))
            .fold(Tally::default(), Add::add)
    }
}

/// The exact, mergeable result of some blocks.
///
/// Integers only, so that the sum has no order. A kernel with real values adds
/// fixed-point integers. In JSON its fields are decimal strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tally {
    /// Draws that were made.
    #[serde(with = "decimal")]
    pub draws: u64,
    /// Sum over the draws.
    #[serde(with = "decimal")]
    pub sum: i128,
    /// Sum of squares over the draws.
    #[serde(with = "decimal")]
    pub sum_sq: i128,
}

impl Tally {
    /// The tally of draws that each count 0 or 1.
    pub fn of_hits(draws: u64, hits: u64) -> Tally {
        Tally { draws, sum: hits.into(), sum_sq: hits.into() }
    }

    /// scale × mean: the estimate. `None` without draws.
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
        let variance = (self.sum_sq as f64 / draws - mean * mean) * draws / (draws - 1.0);
        Some(scale * (variance.max(0.0) / draws).sqrt())
    }

    /// How many standard errors lie between the estimate and the exact answer.
    /// `None` where the tally has no spread.
    pub fn z(&self, scale: f64, exact: f64) -> Option<f64> {
        let error = self.std_error(scale).filter(|error| *error > 0.0)?;
        Some((self.estimate(scale)? - exact) / error)
    }
}

impl Add for Tally {
    type Output = Tally;

    /// Merges two tallies. Wraps rather than panics: a runner in another
    /// language may report anything, and a wrapped sum is simply wrong.
    fn add(self, other: Tally) -> Tally {
        Tally {
            draws: self.draws.wrapping_add(other.draws),
            sum: self.sum.wrapping_add(other.sum),
            sum_sq: self.sum_sq.wrapping_add(other.sum_sq),
        }
    }
}
