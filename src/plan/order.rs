//! The order of visits.

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::kernel::stream::stream_seed;
use crate::record::Plan;

/// Cases of a group at most, its baseline not counted. With the calibrated
/// calls, a group of 8 and its baseline last about a second.
const GROUP_CASES: usize = 8;

/// The visits of a round, in groups: a fresh random order for each, drawn from
/// (order seed, round) alone, so that any round's order can be told without
/// the others.
///
/// The cases are shuffled and cut into groups of nearly equal size; then each
/// group gets, at a random place, one visit to each baseline that one of its
/// cases is compared with.
pub fn round_order(plan: &Plan, round: u32) -> Vec<Vec<usize>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(plan.order_seed, round.into()));
    let (baselines, mut others): (Vec<usize>, Vec<usize>) =
        (0..plan.cases.len()).partition(|&case| plan.cases[case].is_baseline());
    others.shuffle(&mut rng);
    let groups = others.len().div_ceil(GROUP_CASES).max(1);
    (0..groups)
        .map(|group| {
            let bounds = [group, group + 1].map(|edge| edge * others.len() / groups);
            let mut visits = others[bounds[0]..bounds[1]].to_vec();
            for &baseline in &baselines {
                let is_needed = others.is_empty()
                    || visits
                        .iter()
                        .any(|&case| plan.cases[baseline].is_baseline_of(&plan.cases[case]));
                if is_needed {
                    visits.insert(rng.random_range(0..=visits.len()), baseline);
                }
            }
            visits
        })
        .collect()
}
