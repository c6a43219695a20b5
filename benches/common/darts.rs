//! Darts over a generator of `rand`, in the fastest form that stays readable.

use rand::{Rng, RngExt as _};

/// Counts the darts inside the quarter circle. It adds comparisons instead of branching on
/// them: unpredictable branches would take longer than the darts.
pub fn hits(rng: &mut impl Rng, draws: u64) -> u64 {
    let hit = |_| {
        let (x, y): (f64, f64) = (rng.random(), rng.random());
        u64::from(x * x + y * y < 1.0)
    };
    (0..draws).map(hit).sum()
}
