//! Kernel of matrix multiplication: products of random matrices of +1 and −1, the
//! work that BLAS is made for.
//!
//! A block of d draws is one product: k × k times k × k, with k = √d; where d is
//! not a square, k × k times k × 2k with k = √(d/2). A draw is an entry of the
//! product.
//! Its mean is 0 and its mean square k; any two entries are uncorrelated, so the
//! standard error is the usual one.
//!
//! Every algorithm of multiplication gives the same tally: all partial sums are
//! integers of at most k ≤ 2¹⁵, which 32-bit floats represent exactly. So a library
//! that adds in another order, in threads of its own, must return the same
//! integers.
//!
//! The entries are bits, 1 for +1 and 0 for −1, of the output words of SplitMix64
//! from the seed of the block: from the lowest bit of the first word on, the first
//! matrix row by row, then the second.

use super::stream::{stream_seed, word};
use super::{Isa, Kernel, Tally};

/// Kernel that estimates the mean entry of a product of random matrices.
pub struct MatMul;

impl Kernel for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn about(&self) -> &'static str {
        "a product of two random matrices of ±1 a block: 2^14 draws are 128 × 128; exact integers"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        Some(0.0)
    }

    fn tally(&self, seed: u64, block: u64, draws: u64, isa: Isa) -> Tally {
        let shape = Shape::of(draws);
        let start = stream_seed(seed, block);
        let first = signs(start, 0, shape.inner * shape.inner);
        let second = signs(start, shape.inner * shape.inner, shape.inner * shape.columns);
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the CPU has these instructions, as the guard checks.
            Isa::Avx512 if isa.is_available() => unsafe { tally_avx512(shape, &first, &second) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 if isa.is_available() => unsafe { tally_avx2(shape, &first, &second) },
            _ => tally_of_product(shape, &first, &second),
        }
    }
}

/// Shape of a product: `inner` × `inner` times `inner` × `columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    inner: usize,
    columns: usize,
}

impl Shape {
    /// Shape of a block of `draws` draws, a power of two.
    fn of(draws: u64) -> Shape {
        let inner = 1 << (draws.ilog2() / 2);
        Shape { inner, columns: draws as usize / inner }
    }
}

/// Generates `count` entries of +1 or −1 from the stream that begins at `start`,
/// after the first `skipped` entries; both numbers are multiples of 64.
fn signs(start: u64, skipped: usize, count: usize) -> Vec<f32> {
    let words = skipped as u64 / 64..(skipped + count) as u64 / 64;
    words
        .map(|index| word(start, index))
        .flat_map(|word| (0..64).map(move |bit| if word >> bit & 1 == 1 { 1.0 } else { -1.0 }))
        .collect()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn tally_avx512(shape: Shape, first: &[f32], second: &[f32]) -> Tally {
    tally_of_product(shape, first, second)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tally_avx2(shape: Shape, first: &[f32], second: &[f32]) -> Tally {
    tally_of_product(shape, first, second)
}

/// Computes the tally of a product, one row at a time.
///
/// The function is inlined into each of its callers and vectorised there for their
/// instruction set. The innermost loop runs along rows, so that all memory is read
/// in order.
#[inline(always)]
fn tally_of_product(shape: Shape, first: &[f32], second: &[f32]) -> Tally {
    let mut row = vec![0.0f32; shape.columns];
    let mut tally = Tally::default();
    for factors in first.chunks_exact(shape.inner) {
        row.fill(0.0);
        for (factor, addends) in factors.iter().zip(second.chunks_exact(shape.columns)) {
            for (entry, addend) in row.iter_mut().zip(addends) {
                *entry += factor * addend;
            }
        }
        // |entry| ≤ 2¹⁵, and a row has at most 2¹⁶ of them: both sums fit 64 bits.
        let (sum, sum_sq) = row.iter().fold((0, 0), |(sum, sum_sq), entry| {
            let entry = *entry as i64;
            (sum + entry, sum_sq + entry * entry)
        });
        tally.draws += shape.columns as u64;
        tally.sum += i128::from(sum);
        tally.sum_sq += i128::from(sum_sq);
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Job;

    const SEED: u64 = 20_261_122;

    /// Computes the tally entry by entry, by the definition, in integers.
    fn naive(seed: u64, block: u64, draws: u64) -> Tally {
        let shape = Shape::of(draws);
        let start = stream_seed(seed, block);
        let sign = |entry: usize| match word(start, entry as u64 / 64) >> (entry % 64) & 1 {
            1 => 1,
            _ => -1i128,
        };
        let second = shape.inner * shape.inner;
        let mut tally = Tally::default();
        for row in 0..shape.inner {
            for column in 0..shape.columns {
                let product = |inner: usize| {
                    sign(row * shape.inner + inner) * sign(second + inner * shape.columns + column)
                };
                let entry: i128 = (0..shape.inner).map(product).sum();
                tally = tally + Tally { draws: 1, sum: entry, sum_sq: entry * entry };
            }
        }
        tally
    }

    #[test]
    fn every_variant_agrees_with_the_definition() {
        for draws in [64, 128, 1 << 8, 1 << 11, 1 << 12] {
            for isa in Isa::available() {
                assert_eq!(MatMul.tally(SEED, 3, draws, isa), naive(SEED, 3, draws), "{draws}");
            }
        }
    }

    #[test]
    fn a_block_that_is_not_a_square_is_twice_as_wide_as_high() {
        assert_eq!(Shape::of(1 << 14), Shape { inner: 128, columns: 128 });
        assert_eq!(Shape::of(1 << 7), Shape { inner: 8, columns: 16 });
        assert_eq!(Shape::of(1 << 30), Shape { inner: 1 << 15, columns: 1 << 15 });
    }

    /// Expected values from an independent program in Python, with its own integers.
    #[test]
    fn the_tally_agrees_with_an_independent_program() {
        let known = [(1, 64, -8, 464), (3, 128, 28, 2_992), (2, 1 << 14, -2_052, 4_204_960)];
        for (blocks, block, sum, sum_sq) in known {
            let tally = Job { seed: SEED, block, blocks }.tally(&MatMul, 0..blocks, Isa::best());
            assert_eq!(tally, Tally { draws: block * blocks, sum, sum_sq });
        }
    }

    #[test]
    fn entries_have_mean_zero_and_mean_square_k() {
        let job = Job { seed: 7, block: 1 << 10, blocks: 256 };
        let tally = job.tally(&MatMul, 0..job.blocks, Isa::best());
        let mean_square = tally.sum_sq as f64 / tally.draws as f64;
        assert!((mean_square / 32.0 - 1.0).abs() < 0.05, "{mean_square}");
        let z = tally.z_score(1.0, 0.0).expect("a standard error");
        assert!(z.abs() < 4.0, "z = {z}");
    }
}
