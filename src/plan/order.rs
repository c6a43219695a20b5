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
/// The cases are shuffled, those that share a baseline are cut into groups of
/// nearly equal size, and each group gets one visit to that baseline at a random
/// place. Groups of several baselines stand in random order, too.
pub fn round_order(plan: &Plan, round: u32) -> Vec<Vec<usize>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(plan.order_seed, round.into()));
    let (baselines, mut others): (Vec<usize>, Vec<usize>) =
        (0..plan.cases.len()).partition(|&case| plan.is_baseline(case));
    others.shuffle(&mut rng);
    let are_alone = others.is_empty();
    let mut order = Vec::new();
    for &baseline in &baselines {
        let is_own = |case: &usize| plan.is_compared_with(*case, baseline);
        let (own, rest): (Vec<usize>, Vec<usize>) = others.into_iter().partition(is_own);
        others = rest;
        if own.is_empty() && !are_alone {
            continue;
        }
        let groups = own.len().div_ceil(GROUP_CASES).max(1);
        for group in 0..groups {
            let bounds = [group, group + 1].map(|edge| edge * own.len() / groups);
            let mut visits = own[bounds[0]..bounds[1]].to_vec();
            visits.insert(rng.random_range(0..=visits.len()), baseline);
            order.push(visits);
        }
    }
    if baselines.len() > 1 {
        order.shuffle(&mut rng);
    }
    order
}
