//! Bootstrap: resampling of rounds.
//!
//! Whole rounds are drawn with replacement, so that the values of one round stay together.
//! The caller gives the seed, so the same data give the same interval.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use statrs::distribution::{ContinuousCDF as _, Normal};

use super::{Interval, quantile};

/// Draws rounds with replacement, the same ones for the same seed.
#[derive(Debug)]
pub struct Resampler {
    generator: Xoshiro256PlusPlus,
    indices: Vec<usize>,
}

impl Resampler {
    /// A resampler with this seed.
    pub fn new(seed: u64) -> Resampler {
        Resampler { generator: Xoshiro256PlusPlus::seed_from_u64(seed), indices: Vec::new() }
    }

    /// Draws the indices of `count` rounds out of `count`, with replacement.
    pub fn rounds(&mut self, count: usize) -> &[usize] {
        self.indices.clear();
        for _ in 0..count {
            self.indices.push(self.generator.random_range(0..count));
        }
        &self.indices
    }
}

/// Parameters of a bootstrap interval.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// Number of replicates; some thousand for a 95% interval.
    pub replicates: usize,
    /// Level of the interval.
    pub confidence: f64,
    /// Seed of the resampling: the same seed gives the same interval.
    pub seed: u64,
}

impl Bootstrap {
    /// Percentile interval (Efron, 1979): quantiles of the statistic over the replicates.
    /// `None` for no rounds, or if the statistic is not finite.
    pub fn percentile<Round: Copy>(
        self,
        rounds: &[Round],
        statistic: impl Fn(&[Round]) -> f64,
    ) -> Option<Interval> {
        let tail = (1.0 - self.confidence) / 2.0;
        self.between(&self.replicate(rounds, statistic)?, tail, 1.0 - tail)
    }

    /// Interval corrected for bias and acceleration (BCa; Efron, 1987), for smooth statistics
    /// such as means; a median is not smooth. `None` for fewer than two rounds, or if the
    /// statistic is not finite or does not vary.
    pub fn bca<Round: Copy>(
        self,
        rounds: &[Round],
        statistic: impl Fn(&[Round]) -> f64,
    ) -> Option<Interval> {
        let acceleration = acceleration(rounds, &statistic)?;
        let value = statistic(rounds);
        let replicates = self.replicate(rounds, &statistic)?;
        let below = replicates.iter().filter(|it| **it < value).count();
        let equal = replicates.iter().filter(|it| **it == value).count();
        let share = (below as f64 + equal as f64 / 2.0) / replicates.len() as f64;
        let normal = Normal::standard();
        // z₀: the median bias of the replicates, in standard errors.
        let bias = normal.inverse_cdf(share);
        let corrected = |share: f64| {
            let z = bias + normal.inverse_cdf(share);
            normal.cdf(bias + z / (1.0 - acceleration * z))
        };
        let tail = (1.0 - self.confidence) / 2.0;
        let (low, high) = (corrected(tail), corrected(1.0 - tail));
        // If all replicates lie on one side of the value, the bias is infinite.
        (bias.is_finite()).then(|| self.between(&replicates, low, high)).flatten()
    }

    /// Values of the statistic over the replicates.
    fn replicate<Round: Copy>(
        self,
        rounds: &[Round],
        statistic: impl Fn(&[Round]) -> f64,
    ) -> Option<Vec<f64>> {
        let mut resampler = Resampler::new(self.seed);
        let mut values = Vec::with_capacity(self.replicates);
        for _ in 0..self.replicates {
            let drawn = resampler.rounds(rounds.len());
            values.push(statistic(&drawn.iter().map(|round| rounds[*round]).collect::<Vec<_>>()));
        }
        let are_finite = values.iter().all(|value| value.is_finite());
        (!rounds.is_empty() && are_finite).then_some(values)
    }

    fn between(self, replicates: &[f64], low: f64, high: f64) -> Option<Interval> {
        let (low, high) = (quantile(replicates, low)?, quantile(replicates, high)?);
        Some(Interval { low, high, level: self.confidence })
    }
}

/// Acceleration: the rate of change of the standard error with the value, by the jackknife.
fn acceleration<Round: Copy>(rounds: &[Round], statistic: impl Fn(&[Round]) -> f64) -> Option<f64> {
    let mut values = Vec::with_capacity(rounds.len());
    for left_out in 0..rounds.len() {
        let others = [&rounds[..left_out], &rounds[left_out + 1..]].concat();
        values.push(statistic(&others));
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    // The skewness of the jackknife values, divided by 6.
    let sum = |power: i32| values.iter().map(|value| (mean - value).powi(power)).sum::<f64>();
    let acceleration = sum(3) / (6.0 * sum(2).powf(1.5));
    acceleration.is_finite().then_some(acceleration)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKEWED: [f64; 16] = [
        10.0, 12.0, 12.5, 12.5, 13.9, 15.0, 21.0, 22.0, 23.0, 34.0, 50.0, 81.0, 89.0, 121.0, 134.0,
        213.0,
    ];
    const MANY: Bootstrap = Bootstrap { replicates: 100_000, confidence: 0.95, seed: 1 };

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn deviation(values: &[f64]) -> f64 {
        let middle = mean(values);
        let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
        (squares / (values.len() - 1) as f64).sqrt()
    }

    fn assert_near(found: Option<Interval>, published: (f64, f64), share: f64) {
        let found = found.expect("an interval");
        for (found, published) in [(found.low, published.0), (found.high, published.1)] {
            assert!((found / published - 1.0).abs() < share, "{found} is not {published}");
        }
    }

    #[test]
    fn intervals_of_a_mean_are_those_of_r_and_scipy() {
        assert_near(MANY.percentile(&SKEWED, mean), (28.86, 84.21), 0.005);
        assert_near(MANY.bca(&SKEWED, mean), (32.31, 91.43), 0.005);
    }

    #[test]
    fn intervals_of_a_standard_deviation_are_those_of_numpy_and_scipy() {
        assert_near(MANY.percentile(&SKEWED, deviation), (27.63, 79.55), 0.01);
        assert_near(MANY.bca(&SKEWED, deviation), (37.43, 91.23), 0.015);
    }

    #[test]
    fn a_constant_or_missing_statistic_has_no_corrected_interval() {
        let few = Bootstrap { replicates: 200, ..MANY };
        assert_eq!(few.bca(&[1.0; 8], mean), None);
        assert_eq!(few.bca(&[1.0], mean), None);
        assert_eq!(few.percentile(&[], mean), None);
        assert_eq!(few.percentile(&[1.0, f64::NAN], mean), None);
        assert_eq!(few.percentile(&[1.0; 8], mean).map(|it| (it.low, it.high)), Some((1.0, 1.0)));
    }

    #[test]
    fn the_same_seed_draws_the_same_rounds() {
        let (mut one, mut same, mut other) =
            (Resampler::new(1), Resampler::new(1), Resampler::new(2));
        let first = one.rounds(50).to_vec();
        assert_eq!(first, same.rounds(50));
        assert_ne!(first, other.rounds(50));
        assert_ne!(first, one.rounds(50));
        assert!(first.iter().all(|round| *round < 50));
        assert!(one.rounds(0).is_empty());
    }
}
