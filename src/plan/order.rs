//! Random order of the visits of a round.

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::kernel::stream::stream_seed;
use crate::record::Plan;

/// Maximum of cases of a group, without its baseline. With calibrated calls, a group of 8 and its
/// baseline take about a second.
const GROUP_CASES: usize = 8;

/// The visits of a round, in groups and random order. The order follows from the order seed and the
/// round alone, so that it does not depend on other rounds.
///
/// The cases are shuffled, those with the same baseline are divided into groups of nearly equal
/// size, and each group gets one visit to that baseline at a random position. If there are several
/// baselines, the groups are shuffled, too.
pub fn round_order(plan: &Plan, round: u32) -> Vec<Vec<usize>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(plan.order_seed, round.into()));
    let (baselines, mut others): (Vec<usize>, Vec<usize>) =
        (0..plan.cases.len()).partition(|&case| plan.is_baseline(case));
    others.shuffle(&mut rng);
    let has_only_baselines = others.is_empty();
    let mut order = Vec::new();
    for &baseline in &baselines {
        let (compared, rest): (Vec<usize>, Vec<usize>) =
            others.into_iter().partition(|case| plan.is_compared_with(*case, baseline));
        others = rest;
        if compared.is_empty() && !has_only_baselines {
            continue;
        }
        let groups = compared.len().div_ceil(GROUP_CASES).max(1);
        for group in 0..groups {
            let bounds = [group, group + 1].map(|edge| edge * compared.len() / groups);
            let mut visits = compared[bounds[0]..bounds[1]].to_vec();
            visits.insert(rng.random_range(0..=visits.len()), baseline);
            order.push(visits);
        }
    }
    if baselines.len() > 1 {
        order.shuffle(&mut rng);
    }
    order
}
