//! Regret: how much slower each of several cases is than the fastest of them, with bounds.
//!
//! The regret of case i is Tᵢ / minⱼ Tⱼ − 1. Its bounds follow from the paired differences of
//! the logarithms of the times, as in multiple comparisons with the best (J. C. Hsu,
//! *Multiple Comparisons*, 1996).

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// Fewest rounds with bounds.
pub const MIN_REGRET_ROUNDS: usize = 3;

/// Smallest standard deviation of a paired log difference: a clock and a scheduler have some
/// noise even if few rounds do not show it.
const MIN_DEVIATION: f64 = 0.005;

/// Degrees of freedom that the variance of all pairs contributes to that of one pair. A pair of
/// few rounds borrows from the others; a pair that is noisier than the others soon has a
/// variance of its own (G. K. Smyth, "Linear models and empirical Bayes methods", 2004).
const SHARED_FREEDOM: f64 = 4.0;

/// The regret of a case, as a share: 0.05 is 5% slower than the fastest case.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Regret {
    /// Estimate, from the means of the log times.
    pub estimate: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Mean and half-width of the paired log differences of two cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogDifference {
    /// Mean of the first case's log times less the second's.
    pub mean: f64,
    /// Half-width of its one-sided bounds at the error rate asked for.
    pub half_width: f64,
}

/// Paired comparison of all cases with each other: `log_times` has the logarithm of the time of
/// each case in the same rounds.
#[derive(Clone, Debug)]
pub struct PairedComparison {
    means: Vec<f64>,
    /// Standard deviation of the differences of each pair.
    deviations: Vec<Vec<f64>>,
    rounds: f64,
    freedom: f64,
}

impl PairedComparison {
    /// Compares the cases. `None` for no cases, unequal numbers of rounds, fewer than three
    /// rounds, or values that are not finite.
    pub fn of(log_times: &[&[f64]]) -> Option<PairedComparison> {
        let rounds = log_times.first()?.len();
        let is_complete =
            |case: &&[f64]| case.len() == rounds && case.iter().all(|log| log.is_finite());
        if rounds < MIN_REGRET_ROUNDS || !log_times.iter().all(is_complete) {
            return None;
        }
        let cases = log_times.len();
        let means: Vec<f64> = log_times.iter().map(|case| mean(case)).collect();
        let mut variances = vec![vec![0.0; cases]; cases];
        let (mut sum, mut pairs) = (0.0, 0.0);
        for one in 0..cases {
            for other in 0..one {
                let center = means[one] - means[other];
                let variance = log_times[one]
                    .iter()
                    .zip(log_times[other])
                    .map(|(one, other)| (one - other - center).powi(2))
                    .sum::<f64>()
                    / (rounds as f64 - 1.0);
                (variances[one][other], variances[other][one]) = (variance, variance);
                (sum, pairs) = (sum + variance, pairs + 1.0);
            }
        }
        let own_freedom = rounds as f64 - 1.0;
        // One pair has nobody to borrow from.
        let shared = SHARED_FREEDOM.min(own_freedom * (cases as f64 - 2.0).max(0.0));
        let pooled = if pairs > 0.0 { sum / pairs } else { 0.0 };
        let deviation = |variance: &f64| {
            let moderated = (shared * pooled + own_freedom * variance) / (shared + own_freedom);
            moderated.sqrt().max(MIN_DEVIATION)
        };
        let deviations = variances.iter().map(|row| row.iter().map(deviation).collect()).collect();
        let freedom = own_freedom + shared;
        Some(PairedComparison { means, deviations, rounds: rounds as f64, freedom })
    }

    /// Difference of two cases, with the half-width of a one-sided bound that fails with
    /// probability `error_rate`.
    pub fn difference(&self, one: usize, other: usize, error_rate: f64) -> LogDifference {
        self.difference_at(one, other, self.quantile(error_rate))
    }

    /// Quantile of Student's t that is exceeded with probability `error_rate`.
    fn quantile(&self, error_rate: f64) -> f64 {
        let student = StudentsT::new(0.0, 1.0, self.freedom);
        student.map_or(f64::INFINITY, |student| student.inverse_cdf(1.0 - error_rate))
    }

    /// Difference of two cases with a half-width of `t` standard errors.
    fn difference_at(&self, one: usize, other: usize, t: f64) -> LogDifference {
        LogDifference {
            mean: self.means[one] - self.means[other],
            half_width: t * self.deviations[one][other] / self.rounds.sqrt(),
        }
    }

    /// The regret of each case. Each bound of one case fails with probability `error_rate` at
    /// most.
    ///
    /// The upper bound claims that no case is faster by more: it fails only if the comparison
    /// with the true fastest case does, so that it needs no correction for the number of
    /// cases. The lower bound is the smallest over all cases that may be the fastest; those
    /// that are not are excluded with a correction for their number.
    pub fn regrets(&self, error_rate: f64) -> Vec<Regret> {
        let cases = self.means.len();
        let corrected = error_rate / (cases as f64 - 1.0).max(1.0);
        // The quantiles are the same for all pairs, and slow to compute.
        let (t, t_corrected) = (self.quantile(error_rate), self.quantile(corrected));
        let others = |case: usize| (0..cases).filter(move |other| *other != case);
        let may_be_fastest: Vec<bool> = (0..cases)
            .map(|case| {
                others(case).all(|other| {
                    let difference = self.difference_at(case, other, t_corrected);
                    difference.mean <= difference.half_width
                })
            })
            .collect();
        let regret = |case: usize| {
            let mut regret = Regret { estimate: 0.0, low: f64::INFINITY, high: 0.0 };
            for other in others(case) {
                let LogDifference { mean, half_width } = self.difference_at(case, other, t);
                regret.estimate = regret.estimate.max(mean.exp_m1());
                regret.high = regret.high.max((mean + half_width).exp_m1());
                if may_be_fastest[other] {
                    regret.low = regret.low.min((mean - half_width).exp_m1());
                }
            }
            // A case that alone may be the fastest has no other to be compared with.
            if regret.low == f64::INFINITY {
                (regret.low, regret.high) = (0.0, 0.0);
            }
            Regret { low: regret.low.max(0.0), ..regret }
        };
        (0..cases).map(regret).collect()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn compare(log_times: &[Vec<f64>]) -> PairedComparison {
        let slices: Vec<&[f64]> = log_times.iter().map(Vec::as_slice).collect();
        PairedComparison::of(&slices).expect("rounds")
    }

    /// Log times with noise that is about normal, of this standard deviation.
    fn campaign(seed: u64, times: &[f64], rounds: usize, noise: f64) -> Vec<Vec<f64>> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut noise = || noise * (0..12).map(|_| rng.random::<f64>() - 0.5).sum::<f64>();
        times.iter().map(|time| (0..rounds).map(|_| time.ln() + noise()).collect()).collect()
    }

    #[test]
    fn the_bound_of_a_pair_is_the_one_sided_t_bound_of_its_differences() {
        // Differences 1, 2, 3, 4: mean 2.5, s = 1.290994, t(0.95; 3) = 2.353363.
        let pair = compare(&[vec![1.0, 2.0, 3.0, 4.0], vec![0.0; 4]]);
        let difference = pair.difference(0, 1, 0.05);
        assert!((difference.mean - 2.5).abs() < 1e-12);
        assert!((difference.half_width - 2.353_363 * 1.290_994 / 2.0).abs() < 1e-5);
        assert!((pair.difference(1, 0, 0.05).mean + 2.5).abs() < 1e-12);
    }

    #[test]
    fn the_fastest_case_has_no_regret_once_all_others_are_excluded() {
        let regrets = compare(&campaign(1, &[4.0, 2.0, 1.0], 6, 0.01)).regrets(0.05);
        assert_eq!((regrets[2].low, regrets[2].high, regrets[2].estimate), (0.0, 0.0, 0.0));
        assert!(regrets[0].low > 2.8 && regrets[0].high < 3.2, "{regrets:?}");
        assert!(regrets[1].low > 0.9 && regrets[1].high < 1.1, "{regrets:?}");
    }

    #[test]
    fn equal_cases_have_a_small_upper_bound_and_no_lower_one() {
        for regret in compare(&campaign(1, &[1.0; 4], 30, 0.01)).regrets(0.05) {
            assert!(regret.low == 0.0 && (0.0..0.02).contains(&regret.high), "{regret:?}");
        }
    }

    #[test]
    fn times_without_noise_keep_a_smallest_deviation() {
        let regrets = compare(&campaign(1, &[1.02, 1.0], 3, 0.0)).regrets(0.05);
        assert!(regrets[0].low < 0.02 && regrets[0].high > 0.02, "{regrets:?}");
    }

    #[test]
    fn the_bounds_contain_the_true_regret_in_95_percent_of_campaigns() {
        let times = [1.2, 1.05, 1.0, 1.0];
        let mut failures = [0; 8];
        for seed in 0..1000 {
            let regrets = compare(&campaign(seed, &times, 8, 0.05)).regrets(0.05);
            for (case, regret) in regrets.iter().enumerate() {
                failures[2 * case] += usize::from(regret.high < times[case] - 1.0 - 1e-9);
                failures[2 * case + 1] += usize::from(regret.low > times[case] - 1.0 + 1e-9);
            }
        }
        // 5% plus three standard errors of 1,000 campaigns.
        assert!(failures.iter().all(|failures| *failures <= 71), "{failures:?}");
    }

    #[test]
    fn incomparable_cases_have_no_regret() {
        assert!(PairedComparison::of(&[]).is_none());
        assert!(PairedComparison::of(&[&[0.0; 2], &[0.0; 2]]).is_none());
        assert!(PairedComparison::of(&[&[0.0; 3], &[0.0; 4]]).is_none());
        assert!(PairedComparison::of(&[&[f64::NAN; 3]]).is_none());
        let alone = PairedComparison::of(&[&[0.0; 3]]).expect("rounds").regrets(0.05);
        assert_eq!(alone, [Regret::default()]);
    }
}
