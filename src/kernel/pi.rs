//! Kernel of π by darts, vectorised for speed.
//!
//! One 64-bit output is one dart: its halves, as signed 32-bit integers, are a
//! point of the square [−2³¹, 2³¹)². The dart is inside the circle of radius
//! 2³¹ if x² + y² < 2⁶². All arithmetic is in integers, so nothing is rounded and
//! every machine returns the same tally. The ratio of the areas is π/4.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::stream::{LANES, LaneState, Lanes, lanes};
use super::{Isa, Kernel, Tally};

/// Kernel that estimates π by counting darts inside a circle.
pub struct Pi;

impl Kernel for Pi {
    fn name(&self) -> &'static str {
        "pi"
    }

    fn about(&self) -> &'static str {
        "π by darts: 64-bit xoshiro256++ in 16 lanes, vectorised, exact integers"
    }

    fn scale(&self) -> f64 {
        4.0
    }

    fn exact(&self) -> Option<f64> {
        Some(std::f64::consts::PI)
    }

    fn tally(&self, seed: u64, block: u64, draws: u64, isa: Isa) -> Tally {
        let states = lanes(seed, block);
        let steps = draws / LANES as u64;
        let hits = match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the CPU has these instructions, as the guard checks.
            Isa::Avx512 if isa.is_available() => unsafe { hits_avx512(&states, steps) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 if isa.is_available() => unsafe { avx2::hits(&states, steps) },
            _ => hits(&states, steps),
        };
        Tally::from_hits(steps * LANES as u64, hits)
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn hits_avx512(states: &[LaneState; LANES], steps: u64) -> u64 {
    hits(states, steps)
}

/// Counts the darts inside the circle among `steps` darts of each lane.
///
/// The function is inlined into each of its callers and vectorised there for their
/// instruction set. The loops over lanes reach the vectoriser as loops because 16
/// lanes are too many to unroll: with 8 the compiler unrolls first, and falls back
/// to scalar code.
#[inline(always)]
fn hits(states: &[LaneState; LANES], steps: u64) -> u64 {
    let mut lanes = Lanes::new(states);
    let mut outside_of = [0u64; LANES];
    for _ in 0..steps {
        let darts = lanes.next();
        for lane in 0..LANES {
            outside_of[lane] += outside(darts[lane]);
        }
    }
    LANES as u64 * steps - outside_of.iter().sum::<u64>()
}

/// Returns 1 if a dart is outside the circle, else 0.
#[inline(always)]
fn outside(dart: u64) -> u64 {
    let x = i64::from(dart as i32);
    let y = i64::from((dart >> 32) as i32);
    // Each square is at most 2⁶² and is cast before they are added: in the
    // corner (−2³¹, −2³¹) the sum is 2⁶³, one more than an i64 can hold. So
    // sum + 2⁶² fits, and has its top bit set exactly where sum ≥ 2⁶².
    ((x * x) as u64 + (y * y) as u64 + (1 << 62)) >> 63
}
