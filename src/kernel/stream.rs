//! Random streams: each block of draws has its own, seeded from (seed, block).
//!
//! Workers neither share nor inherit a generator, so the draws of a block are the
//! same whichever worker or process computes it. (In the notebook four forked
//! workers inherited one generator, and drew the same numbers.)
//!
//! A stream is 16 independent *lanes* of xoshiro256++ (Blackman and Vigna,
//! "Scrambled linear pseudorandom number generators", ACM TOMS 2021). The
//! lanes do not depend on each other, so code may advance 2, 4, 8 or 16 of them at
//! a time, with the same outputs.
//!
//! Each lane's state comes from SplitMix64 (Steele, Lea and Flood, OOPSLA
//! 2014), started at a 64-bit hash of (seed, block). The hash is a bijection
//! of the block for a given seed, so two blocks never start at the same point.
//! Two blocks may still overlap by part of their 64 seeding words: among the
//! 610,352 blocks of 10¹⁰ draws that happens with a probability of about 10⁻⁶.

/// Number of lanes of a stream.
pub const LANES: usize = 16;

/// State of one xoshiro256++ generator.
pub type LaneState = [u64; 4];

/// Increment of SplitMix64: 2⁶⁴ divided by the golden ratio, made odd.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Output function of SplitMix64, a bijection of 64-bit words.
fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Seed of the stream of a block: a hash of (seed, block).
///
/// Kernels with their own generators start from it, and so does [`lanes`].
pub fn stream_seed(seed: u64, block: u64) -> u64 {
    mix(mix(seed.wrapping_add(GOLDEN_GAMMA)) ^ block)
}

/// Output word of SplitMix64 with this index, from 0, for the seed `start`.
pub fn word(start: u64, index: u64) -> u64 {
    mix(start.wrapping_add((index + 1).wrapping_mul(GOLDEN_GAMMA)))
}

/// Initial states of the 16 lanes of the stream of a block.
pub fn lanes(seed: u64, block: u64) -> [LaneState; LANES] {
    let start = stream_seed(seed, block);
    // Consecutive words, four for each lane, so that no two lanes begin in the same state.
    std::array::from_fn(|lane| std::array::from_fn(|part| word(start, (4 * lane + part) as u64)))
}

/// Lanes of a stream in a structure of arrays, so that the compiler can keep a word
/// of several lanes in one vector register.
pub struct Lanes {
    words: [[u64; LANES]; 4],
}

impl Lanes {
    /// Makes lanes that start from `states`.
    #[inline(always)]
    pub fn new(states: &[LaneState; LANES]) -> Self {
        Lanes { words: std::array::from_fn(|word| std::array::from_fn(|lane| states[lane][word])) }
    }

    /// Advances the lanes, and returns the output of each.
    #[inline(always)]
    #[allow(clippy::should_implement_trait, reason = "a stream has no end")]
    pub fn next(&mut self) -> [u64; LANES] {
        // One step of the published generator in each lane. No lane uses another one, so the
        // loop has no dependency chain across lanes, and is vectorised.
        let [s0, s1, s2, s3] = &mut self.words;
        let mut output = [0; LANES];
        for lane in 0..LANES {
            output[lane] = s0[lane].wrapping_add(s3[lane]).rotate_left(23).wrapping_add(s0[lane]);
            let shifted = s1[lane] << 17;
            s2[lane] ^= s0[lane];
            s3[lane] ^= s1[lane];
            s1[lane] ^= s2[lane];
            s0[lane] ^= s3[lane];
            s2[lane] ^= shifted;
            s3[lane] = s3[lane].rotate_left(45);
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng as _;

    #[test]
    fn every_lane_is_the_published_xoshiro256_plus_plus() {
        let states = lanes(42, 7);
        let mut all = Lanes::new(&states);
        let mut references = states.map(|state| {
            let mut bytes = [0; 32];
            for (chunk, word) in bytes.chunks_exact_mut(8).zip(state) {
                chunk.copy_from_slice(&word.to_le_bytes());
            }
            Xoshiro256PlusPlus::from_seed(bytes)
        });
        for _ in 0..1000 {
            let expected = references.each_mut().map(|reference| reference.next_u64());
            assert_eq!(all.next(), expected);
        }
    }

    #[test]
    fn a_lane_is_seeded_by_the_published_splitmix64() {
        let reference = Xoshiro256PlusPlus::seed_from_u64(stream_seed(42, 7)).next_u64();
        assert_eq!(Lanes::new(&lanes(42, 7)).next()[0], reference);
    }

    #[test]
    fn blocks_and_seeds_have_different_streams() {
        let mut starts: Vec<u64> =
            (0..100).flat_map(|seed| (0..100).map(move |block| stream_seed(seed, block))).collect();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(starts.len(), 10_000);
    }
}
