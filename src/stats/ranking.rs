//! Ranks of several cases, by pairwise tests.

use super::{holm, sign_test};

/// The best and the worst possible rank of each case, 1 for the best: `cases` has the
/// values of each case over the same rounds, higher is better.
///
/// Each pair is compared by the sign test of its differences, with a family-wise error
/// rate of 1 − `confidence` (Holm). The ranks of a case range from 1 plus the number of
/// significantly better cases to k minus the number of significantly worse ones (Mogstad,
/// Romano, Shaikh and Wilhelm, 2024).
pub fn rank_sets(cases: &[&[f64]], confidence: f64) -> Vec<(usize, usize)> {
    let count = cases.len();
    let pairs: Vec<(usize, usize)> =
        (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other))).collect();
    let differences: Vec<Vec<f64>> = pairs
        .iter()
        .map(|pair| cases[pair.0].iter().zip(cases[pair.1]).map(|(one, other)| one - other))
        .map(Iterator::collect)
        .collect();
    let p_values: Vec<f64> = differences.iter().map(|pair| sign_test(pair)).collect();
    let mut ranks = vec![(1, count); count];
    for ((pair, differences), p) in pairs.iter().zip(&differences).zip(holm(&p_values)) {
        if p > 1.0 - confidence {
            continue;
        }
        let above = differences.iter().filter(|it| **it > 0.0).count();
        let below = differences.iter().filter(|it| **it < 0.0).count();
        let (better, worse) = if above > below { *pair } else { (pair.1, pair.0) };
        // One more case is significantly better than `worse`, and one more worse than `better`.
        ranks[worse].0 += 1;
        ranks[better].1 -= 1;
    }
    ranks
}

/// Fewest rounds in which all pairs of this number of cases can differ significantly: the
/// smallest R with pairs ≤ α · 2^(R−1). 0 for a single case.
pub fn rounds_to_rank(cases: usize, confidence: f64) -> usize {
    let pairs = (cases * cases.saturating_sub(1) / 2) as f64;
    if pairs == 0.0 {
        return 0;
    }
    // The smallest p of a sign test of R differences is 2^(1−R).
    let alpha = 1.0 - confidence;
    (1..64).find(|rounds| pairs <= alpha * 2.0_f64.powi(rounds - 1) + 1e-9).unwrap_or(64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Cases around these values, within ±1.
    fn around(seed: u64, levels: &[f64], rounds: usize) -> Vec<Vec<f64>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut noisy = |level: f64| level + rng.random_range(-1.0..1.0);
        levels.iter().map(|level| (0..rounds).map(|_| noisy(*level)).collect()).collect()
    }

    fn ranks(cases: &[Vec<f64>]) -> Vec<(usize, usize)> {
        rank_sets(&cases.iter().map(Vec::as_slice).collect::<Vec<_>>(), 0.95)
    }

    #[test]
    fn distinct_cases_have_one_rank_and_equal_cases_share_ranks() {
        let found = ranks(&around(1, &[10.0, 0.0, 0.0, 20.0], 12));
        assert_eq!(found, [(2, 2), (3, 4), (3, 4), (1, 1)]);
    }

    #[test]
    fn few_rounds_give_no_ranks() {
        assert_eq!(ranks(&around(1, &[10.0, 0.0, 20.0, 30.0], 6)), [(1, 4); 4]);
        assert_eq!(ranks(&around(1, &[10.0, 0.0], 6)), [(1, 1), (2, 2)]);
        assert_eq!(ranks(&[]), []);
    }

    #[test]
    fn twelve_rounds_are_enough_for_fourteen_cases() {
        assert_eq!(rounds_to_rank(14, 0.95), 12);
        assert_eq!(rounds_to_rank(15, 0.95), 13);
        assert_eq!(rounds_to_rank(81, 0.95), 17);
        assert_eq!([0, 1, 2].map(|cases| rounds_to_rank(cases, 0.95)), [0, 0, 6]);
        let cases: Vec<f64> = (0..14).map(|case| f64::from(case) * 10.0).collect();
        assert!(ranks(&around(1, &cases, 12)).iter().all(|(low, high)| low == high));
        assert_eq!(ranks(&around(1, &cases, 11)), [(1, 14); 14]);
    }

    #[test]
    fn equal_cases_keep_all_ranks_in_95_percent_of_runs() {
        let differ = |seed: &u64| ranks(&around(*seed, &[0.0; 8], 12)) != [(1, 8); 8];
        let wrong = (0..400).filter(differ).count();
        assert!(wrong <= 30, "{wrong} of 400");
    }
}
