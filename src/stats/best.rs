//! Multiple comparisons with the best: the set of cases that may be the best, and an
//! interval of the winner that is corrected for its selection.
//!
//! The best of several measured cases is biased upwards: the best of 16 equal cases looks
//! better than it is. Multiple comparisons with the best (Hsu, 1981) ask for each case
//! whether it could be the best, and their answers hold simultaneously.

use super::order_statistic::median_unstable;
use super::{Interval, Resampler, median, quantile, sign_test};

/// Part of the error rate that is given to screening; the rest is given to the comparison
/// of the remaining cases.
const SCREENING: f64 = 0.2;

/// Most batches of rounds: more rounds are averaged within batches, which bounds the work.
const MAX_BATCHES: usize = 100;

/// Fewest and most bootstrap replicates: as many as the work allows.
const REPLICATES: (usize, usize) = (199, 999);

/// Values of all cases in all replicates, at most: the limit of the work.
const WORK: usize = 15_000_000;

/// The result of the comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// The case with the highest median.
    pub winner: usize,
    /// The cases that cannot be excluded from being the best, ascending.
    pub set: Vec<usize>,
    /// Simultaneous intervals of the medians of these cases, which hold for any selected
    /// one.
    pub intervals: Vec<Interval>,
}

/// Compares each case with the best: `cases` has the values of each case over the same
/// rounds, higher is better, and a case's true value is its median.
///
/// With probability `confidence` the set contains the true best. First the cases are
/// screened out that differ significantly from the winner by the sign test, corrected for
/// the number of cases. Then rounds are resampled: case i is excluded if some case j leads
/// it by more standard errors of e*ⱼ − e*ᵢ than the `confidence` quantile of
/// maxⱼ (e*ⱼ − e*ᵢ) in the same unit, where e* is a resampled median minus the median. The
/// quantile is corrected for the number of rounds, by √(R / (R − 1)) · t / z as for the
/// interval of a mean. `None` for no cases, unequal numbers of rounds, fewer than 6 rounds,
/// or values that are not finite.
pub fn best(cases: &[&[f64]], confidence: f64, seed: u64) -> Option<Best> {
    best_within(WORK, cases, confidence, seed)
}

fn best_within(work: usize, cases: &[&[f64]], confidence: f64, seed: u64) -> Option<Best> {
    let rounds = cases.first()?.len();
    let is_complete =
        |case: &&[f64]| case.len() == rounds && case.iter().all(|value| value.is_finite());
    if rounds < 6 || !cases.iter().all(is_complete) {
        return None;
    }
    let medians: Vec<f64> = cases.iter().filter_map(|case| median(case)).collect();
    // Reversed, so that the first of equal cases wins.
    let winner =
        (0..cases.len()).rev().max_by(|one, other| medians[*one].total_cmp(&medians[*other]))?;
    let error_rate = 1.0 - confidence;
    let candidates = screened(cases, winner, SCREENING * error_rate);
    let batches: Vec<Vec<f64>> = candidates.iter().map(|&case| batched(cases[case])).collect();
    let candidate_medians: Vec<f64> = candidates.iter().map(|case| medians[*case]).collect();
    let errors = resampled_errors(work, &batches, seed);
    let limit = Limit {
        level: 1.0 - (1.0 - SCREENING) * error_rate,
        correction: small_sample_correction(batches.first()?.len()),
    };
    // Errors and medians are indexed by the place among the candidates, not by case.
    let mut set = Vec::new();
    for (place, case) in candidates.iter().enumerate() {
        if *case == winner || may_be_best(&errors, &candidate_medians, place, limit)? {
            set.push(*case);
        }
    }
    let ends = simultaneous_ends(&errors, confidence);
    let intervals = ends
        .into_iter()
        .zip(&candidates)
        .filter(|(_, case)| set.contains(case))
        .map(|((low, high), case)| Interval {
            low: medians[*case] + low,
            high: medians[*case] + high,
            level: confidence,
        })
        .collect();
    Some(Best { winner, set, intervals })
}

/// The cases that do not differ significantly from the winner: the true best is screened
/// out with a probability of at most `error_rate`, whichever case is the winner.
fn screened(cases: &[&[f64]], winner: usize, error_rate: f64) -> Vec<usize> {
    let mut candidates = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let leads: Vec<f64> =
            cases[winner].iter().zip(*case).map(|(one, other)| one - other).collect();
        if index == winner || sign_test(&leads) * cases.len() as f64 > error_rate {
            candidates.push(index);
        }
    }
    candidates
}

/// Medians of batches of neighbouring rounds.
fn batched(rounds: &[f64]) -> Vec<f64> {
    rounds.chunks(rounds.len().div_ceil(MAX_BATCHES)).filter_map(median).collect()
}

/// Errors of each replicate: the resampled median of each case minus its median.
fn resampled_errors(work: usize, cases: &[Vec<f64>], seed: u64) -> Vec<Vec<f64>> {
    let rounds = cases.first().map_or(0, Vec::len);
    let replicates = (work / (rounds * cases.len()).max(1)).clamp(REPLICATES.0, REPLICATES.1);
    let medians: Vec<f64> = cases.iter().filter_map(|case| median(case)).collect();
    let mut resampler = Resampler::new(seed);
    let mut drawn = Vec::with_capacity(rounds);
    let mut errors = Vec::with_capacity(replicates);
    for _ in 0..replicates {
        // All cases have the same rounds, so that pairs stay together.
        let indices = resampler.rounds(rounds);
        let mut replicate = Vec::with_capacity(cases.len());
        for (case, median) in cases.iter().zip(&medians) {
            drawn.clear();
            drawn.extend(indices.iter().map(|round| case[*round]));
            replicate.push(median_unstable(&mut drawn) - median);
        }
        errors.push(replicate);
    }
    errors
}

/// Limit of a lead that is compatible with chance.
#[derive(Clone, Copy)]
struct Limit {
    /// Level of the quantile over the replicates.
    level: f64,
    /// Small-sample correction of the resampled standard errors.
    correction: f64,
}

/// True if a case cannot be excluded from being the best: no other case leads it by more
/// than the limit. Leads are in units of their own standard error, so that a noisy case
/// does not hide differences of the others. `None` without replicates.
fn may_be_best(errors: &[Vec<f64>], medians: &[f64], case: usize, limit: Limit) -> Option<bool> {
    let mut max_resampled = vec![0.0_f64; errors.len()];
    let mut max_observed = 0.0_f64;
    for other in (0..medians.len()).filter(|other| *other != case) {
        let squares: f64 = errors.iter().map(|it| (it[other] - it[case]).powi(2)).sum();
        let standard_error = (squares / errors.len() as f64).sqrt();
        let lead = medians[other] - medians[case];
        if standard_error > 0.0 {
            max_observed = max_observed.max(lead / standard_error);
            for (max, errors) in max_resampled.iter_mut().zip(errors) {
                *max = max.max((errors[other] - errors[case]) / standard_error);
            }
        } else if lead > 0.0 {
            // Without any variation each lead is significant.
            return Some(false);
        }
    }
    Some(max_observed <= quantile(&max_resampled, limit.level)? * limit.correction)
}

/// Ends of an interval of each case's error, such that in `confidence` of the replicates
/// all errors lie within their intervals, with equal error rates of all cases (Beran,
/// 1988).
fn simultaneous_ends(errors: &[Vec<f64>], confidence: f64) -> Vec<(f64, f64)> {
    let count = errors.first().map_or(0, Vec::len);
    let mut sorted: Vec<Vec<f64>> = Vec::with_capacity(count);
    for case in 0..count {
        let mut column: Vec<f64> = errors.iter().map(|errors| errors[case]).collect();
        column.sort_by(f64::total_cmp);
        sorted.push(column);
    }
    // The rank of a replicate is that of its most extreme error, from either side.
    let mut ranks: Vec<usize> = Vec::with_capacity(errors.len());
    for replicate in errors {
        let mut max = 0;
        for (error, sorted) in replicate.iter().zip(&sorted) {
            let below = sorted.partition_point(|other| other < error);
            let above = sorted.len() - sorted.partition_point(|other| other <= error);
            max = max.max(below).max(above);
        }
        ranks.push(max);
    }
    ranks.sort_unstable();
    // With intervals that end at this rank from either side, all errors of at least
    // `confidence` of the replicates lie inside.
    let needed = (confidence * ranks.len() as f64).ceil() as usize;
    let Some(&rank) = ranks.get(needed.saturating_sub(1)) else { return Vec::new() };
    sorted.iter().map(|sorted| (sorted[sorted.len() - 1 - rank], sorted[rank])).collect()
}

/// Factor by which a resampled standard error of few rounds is too small.
fn small_sample_correction(rounds: usize) -> f64 {
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

    /// Values of cases with these true medians, in units of the noise, which is about
    /// normal.
    fn campaign(seed: u64, medians: &[f64], rounds: usize) -> Vec<Vec<f64>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut noise = || (0..4).map(|_| rng.random_range(-0.866..0.866)).sum::<f64>();
        medians.iter().map(|median| (0..rounds).map(|_| median + noise()).collect()).collect()
    }

    /// Uses the fewest replicates, since a debug build is slow.
    fn best_of(cases: &[Vec<f64>]) -> Best {
        let cases: Vec<&[f64]> = cases.iter().map(Vec::as_slice).collect();
        best_within(0, &cases, 0.95, 1).expect("rounds")
    }

    #[test]
    fn the_set_has_the_true_best_of_sixteen_equal_cases_in_95_percent_of_campaigns() {
        // Any fixed case may stand for the true best, since all are equal.
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
    fn the_set_has_the_close_cases_and_not_the_slow_ones() {
        let mut medians = [0.0; 16];
        (medians[3], medians[5]) = (10.0, 9.9);
        for seed in 0..10 {
            assert_eq!(best_of(&campaign(seed, &medians, 15)).set, [3, 5]);
        }
    }

    #[test]
    fn more_rounds_distinguish_more_cases() {
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
    fn cases_without_variation_are_distinguished() {
        let found = best_of(&[vec![1.0; 12], vec![2.0; 12], vec![2.0; 12]]);
        assert_eq!((found.winner, found.set), (1, vec![1, 2]));
        assert_eq!((found.intervals[0].low, found.intervals[0].high), (2.0, 2.0));
    }

    #[test]
    fn incomparable_cases_have_no_best() {
        assert_eq!(best(&[], 0.95, 1), None);
        assert_eq!(best(&[&[1.0; 5]], 0.95, 1), None);
        assert_eq!(best(&[&[1.0; 6], &[1.0; 7]], 0.95, 1), None);
        assert_eq!(best(&[&[f64::NAN; 6]], 0.95, 1), None);
    }
}
