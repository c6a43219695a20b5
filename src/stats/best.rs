//! The set of cases of which one is the best, and how good the winner is.
//!
//! The best of several measured cases was picked for its luck, too: the best of
//! 16 equal cases looks better than it is. Multiple comparisons with the best
//! (Hsu, 1981) ask of each case whether it could still be the best, and the
//! answers hold together.

use super::{Interval, Resampler, median, quantile, sign_test};

/// Of the runs in which the best case may be missed, this share is given to
/// leaving hopeless cases out, the rest to the comparison of the others.
const HOPELESS: f64 = 0.2;

/// More rounds are taken together in batches: so the work is bounded.
const BATCHES: usize = 100;

/// Rounds are drawn so often, unless that exceeds the [`WORK`], and never less
/// often than so.
const REPLICATES: (usize, usize) = (199, 999);

/// Medians of so many values are computed, at most, give or take.
const WORK: usize = 15_000_000;

/// What several cases say of which of them is best.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// The case with the highest median.
    pub winner: usize,
    /// The cases that cannot be excluded from being the best, ascending.
    pub set: Vec<usize>,
    /// Intervals of the true values of these that hold all at once, and so for
    /// whichever was picked.
    pub intervals: Vec<Interval>,
}

/// Compares each case with the best: `cases` has the values of each over the same
/// rounds, higher is better, and a case's true value is its median.
///
/// In `confidence` of runs the set has the true best. First those cases go whose
/// differences to the winner are told from 0 by the sign test, corrected for the
/// number of cases. Of the others, rounds are resampled: case i is excluded if some
/// case j is ahead of it by more spreads of e*ⱼ − e*ᵢ than the `confidence` quantile
/// of maxⱼ (e*ⱼ − e*ᵢ) in such spreads, where e* is a resampled median less the
/// median. The quantile is widened for the number of rounds, as √(R / (R − 1)) · t / z widens the
/// interval of a mean. `None` of no cases, of unlike numbers of rounds, below 6
/// rounds, or of values that are no numbers.
pub fn best(cases: &[&[f64]], confidence: f64, seed: u64) -> Option<Best> {
    best_within(WORK, cases, confidence, seed)
}

fn best_within(work: usize, cases: &[&[f64]], confidence: f64, seed: u64) -> Option<Best> {
    let rounds = cases.first()?.len();
    let is_number = |case: &&[f64]| case.iter().all(|value| value.is_finite());
    if rounds < 6 || cases.iter().any(|case| case.len() != rounds) || !cases.iter().all(is_number) {
        return None;
    }
    let medians: Vec<f64> = cases.iter().filter_map(|case| median(case)).collect();
    let highest = |one: &usize, other: &usize| medians[*one].total_cmp(&medians[*other]);
    // Of equal ones the first.
    let winner = (0..cases.len()).rev().max_by(highest)?;
    let miss = 1.0 - confidence;
    let hopeful = hopeful(cases, winner, HOPELESS * miss);
    let batches: Vec<Vec<f64>> = hopeful.iter().map(|&case| in_batches(cases[case])).collect();
    let errors = resampled_errors(work, &batches, seed);
    let widening = widening(batches.first()?.len());
    let hopeful_medians: Vec<f64> = hopeful.iter().map(|case| medians[*case]).collect();
    let level = 1.0 - (1.0 - HOPELESS) * miss;
    let is_in = |(place, case): (usize, &usize)| {
        let chance = Chance { level, widening };
        may_be_best(&errors, &hopeful_medians, place, chance)?.then_some(*case)
    };
    let mut set: Vec<usize> = hopeful.iter().enumerate().filter_map(is_in).collect();
    if !set.contains(&winner) {
        set.push(winner);
        set.sort_unstable();
    }
    let interval = |((low, high), case): ((f64, f64), &usize)| {
        let middle = medians[*case];
        let is_in = set.contains(case);
        is_in.then_some(Interval { low: middle + low, high: middle + high, level: confidence })
    };
    let ends = simultaneous(&errors, confidence);
    let intervals = ends.into_iter().zip(&hopeful).filter_map(interval).collect();
    Some(Best { winner, set, intervals })
}

/// The cases that are not told from the winner: the best of them is left out in no
/// more than `miss` of runs, whichever case came to win.
fn hopeful(cases: &[&[f64]], winner: usize, miss: f64) -> Vec<usize> {
    let is_hopeful = |case: &usize| {
        let lead = cases[winner].iter().zip(cases[*case]).map(|(winner, other)| winner - other);
        let p = sign_test(&lead.collect::<Vec<f64>>());
        *case == winner || p * cases.len() as f64 > miss
    };
    (0..cases.len()).filter(is_hopeful).collect()
}

/// The medians of as many batches of neighbouring rounds as are worked with.
fn in_batches(rounds: &[f64]) -> Vec<f64> {
    rounds.chunks(rounds.len().div_ceil(BATCHES)).filter_map(median).collect()
}

/// Of each resample, each case's median less its median.
fn resampled_errors(work: usize, cases: &[Vec<f64>], seed: u64) -> Vec<Vec<f64>> {
    let rounds = cases.first().map_or(0, Vec::len);
    let replicates = (work / (rounds * cases.len()).max(1)).clamp(REPLICATES.0, REPLICATES.1);
    let medians: Vec<f64> = cases.iter().filter_map(|case| median(case)).collect();
    let mut resampler = Resampler::new(seed);
    let mut drawn = Vec::with_capacity(rounds);
    let mut errors = |_| -> Vec<f64> {
        let indices = resampler.rounds(rounds);
        let mut error = |(case, median): (&Vec<f64>, &f64)| {
            drawn.clear();
            drawn.extend(indices.iter().map(|round| case[*round]));
            middle(&mut drawn) - median
        };
        cases.iter().zip(&medians).map(&mut error).collect()
    };
    (0..replicates).map(&mut errors).collect()
}

/// The median of values that may be reordered; at least one.
fn middle(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    let (below, &mut upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    if is_odd {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, upper)
}

/// How far chance may go.
#[derive(Clone, Copy)]
struct Chance {
    /// In this share of resamples it goes no further.
    level: f64,
    /// By so much resamples of few rounds fall short.
    widening: f64,
}

/// Whether a case cannot be excluded from being the best: whether none of the
/// others is further ahead of it than the best of them often is by chance alone.
/// Leads are compared in units of their own spread, so that a noisy case does not
/// hide what quiet ones show. None where there is nothing to resample.
fn may_be_best(errors: &[Vec<f64>], medians: &[f64], case: usize, chance: Chance) -> Option<bool> {
    let mut by_chance = vec![0.0_f64; errors.len()];
    let mut seen = 0.0_f64;
    for other in (0..medians.len()).filter(|other| *other != case) {
        let lead = |errors: &Vec<f64>| errors[other] - errors[case];
        let squares: f64 = errors.iter().map(|errors| lead(errors).powi(2)).sum();
        let spread = (squares / errors.len() as f64).sqrt();
        let ahead = medians[other] - medians[case];
        if spread > 0.0 {
            seen = seen.max(ahead / spread);
            for (most, errors) in by_chance.iter_mut().zip(errors) {
                *most = most.max(lead(errors) / spread);
            }
        } else if ahead > 0.0 {
            return Some(false);
        }
    }
    Some(seen <= quantile(&by_chance, chance.level)? * chance.widening)
}

/// Ends of an interval of each case's error, such that in `confidence` of the
/// resamples all errors lie within theirs, and none is given more room than
/// another (Beran, 1988).
fn simultaneous(errors: &[Vec<f64>], confidence: f64) -> Vec<(f64, f64)> {
    let count = errors.first().map_or(0, Vec::len);
    let sorted = |case: usize| {
        let mut sorted: Vec<f64> = errors.iter().map(|errors| errors[case]).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let sorted: Vec<Vec<f64>> = (0..count).map(sorted).collect();
    // How far out the outermost error of a resample lies in the order of its like.
    let outermost = |errors: &Vec<f64>| {
        let place = |(error, sorted): (&f64, &Vec<f64>)| {
            let below = sorted.partition_point(|other| other < error);
            let above = sorted.len() - sorted.partition_point(|other| other <= error);
            below.max(above)
        };
        errors.iter().zip(&sorted).map(place).max().unwrap_or(0)
    };
    let mut places: Vec<usize> = errors.iter().map(outermost).collect();
    places.sort_unstable();
    let needed = (confidence * places.len() as f64).ceil() as usize;
    let Some(&place) = places.get(needed.saturating_sub(1)) else { return Vec::new() };
    sorted.iter().map(|sorted| (sorted[sorted.len() - 1 - place], sorted[place])).collect()
}

/// By so much a resampled spread of few rounds is too narrow.
fn widening(rounds: usize) -> f64 {
    use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};
    let rounds = rounds as f64;
    let t = StudentsT::new(0.0, 1.0, rounds - 1.0).map_or(1.0, |t| t.inverse_cdf(0.975));
    (rounds / (rounds - 1.0)).sqrt() * t / Normal::standard().inverse_cdf(0.975)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Values of cases whose true medians are these; in units of the noise, about
    /// normal.
    fn campaign(seed: u64, medians: &[f64], rounds: usize) -> Vec<Vec<f64>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut noise = || (0..4).map(|_| rng.random_range(-0.866..0.866)).sum::<f64>();
        medians.iter().map(|median| (0..rounds).map(|_| median + noise()).collect()).collect()
    }

    /// With as few resamples as ever, since a debug build is slow.
    fn best_of(cases: &[Vec<f64>]) -> Best {
        let cases: Vec<&[f64]> = cases.iter().map(Vec::as_slice).collect();
        best_within(0, &cases, 0.95, 1).expect("rounds")
    }

    #[test]
    fn the_set_has_the_true_best_of_sixteen_equal_cases_in_95_percent_of_campaigns() {
        // One and the same case stands for the best: all are.
        let (mut in_set, mut covered) = (0, 0);
        for seed in 0..200 {
            let found = best_of(&campaign(seed, &[0.0; 16], 12));
            in_set += usize::from(found.set.contains(&7));
            let place = found.set.iter().position(|case| *case == found.winner);
            let interval = found.intervals[place.expect("the winner is one of the set")];
            covered += usize::from(interval.low <= 0.0 && 0.0 <= interval.high);
        }
        // 95% less three standard errors of 200 campaigns.
        assert!(in_set >= 181, "in the set in {in_set} of 200");
        assert!(covered >= 181, "interval of the winner covers in {covered} of 200");
    }

    #[test]
    fn the_set_has_a_best_that_is_hardly_better_and_not_those_far_behind() {
        let mut medians = [0.0; 16];
        (medians[3], medians[5]) = (10.0, 9.9);
        for seed in 0..10 {
            assert_eq!(best_of(&campaign(seed, &medians, 15)).set, [3, 5]);
        }
    }

    #[test]
    fn many_rounds_tell_apart_what_few_cannot() {
        let medians = [1.0, 0.5, 0.0, 0.0];
        assert_eq!(best_of(&campaign(1, &medians, 1000)).set, [0]);
        assert!(best_of(&campaign(1, &medians, 6)).set.len() > 1);
    }

    #[test]
    fn a_single_case_is_the_best() {
        let found = best_of(&campaign(1, &[1.0], 12));
        assert_eq!((found.winner, found.set), (0, vec![0]));
        assert!(found.intervals[0].low < found.intervals[0].high);
    }

    #[test]
    fn cases_that_never_vary_are_told_apart() {
        let found = best_of(&[vec![1.0; 12], vec![2.0; 12], vec![2.0; 12]]);
        assert_eq!((found.winner, found.set), (1, vec![1, 2]));
        assert_eq!((found.intervals[0].low, found.intervals[0].high), (2.0, 2.0));
    }

    #[test]
    fn what_cannot_be_compared_has_no_best() {
        assert_eq!(best(&[], 0.95, 1), None);
        assert_eq!(best(&[&[1.0; 5]], 0.95, 1), None);
        assert_eq!(best(&[&[1.0; 6], &[1.0; 7]], 0.95, 1), None);
        assert_eq!(best(&[&[f64::NAN; 6]], 0.95, 1), None);
    }
}
