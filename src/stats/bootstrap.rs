//! Resampling of rounds.
//!
//! What is drawn with replacement is always whole rounds: what one round has in
//! common stays together. The generator is seeded by the caller, so the same
//! data give the same interval.

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
    /// One that begins at that seed.
    pub fn new(seed: u64) -> Resampler {
        Resampler { generator: Xoshiro256PlusPlus::seed_from_u64(seed), indices: Vec::new() }
    }

    /// As many of `count` rounds as there are, each any of them; none of none.
    pub fn rounds(&mut self, count: usize) -> &[usize] {
        let draw = |_| self.generator.random_range(0..count);
        self.indices = (0..count).map(draw).collect();
        &self.indices
    }
}

/// A statistic of resampled rounds, and what its interval is made of.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// How often rounds are drawn; some thousand for an interval at 95%.
    pub replicates: usize,
    /// Level of the interval.
    pub confidence: f64,
    /// The seed: the same one gives the same interval.
    pub seed: u64,
}

impl Bootstrap {
    /// The percentile interval (Efron, 1979): the middle part of the statistic's
    /// values over resampled rounds. `None` of nothing, or where the statistic is
    /// no number.
    pub fn percentile<Round: Copy>(
        self,
        rounds: &[Round],
        statistic: impl Fn(&[Round]) -> f64,
    ) -> Option<Interval> {
        let tail = (1.0 - self.confidence) / 2.0;
        self.between(&self.replicate(rounds, statistic)?, tail, 1.0 - tail)
    }

    /// The interval that is corrected for bias and acceleration (BCa; Efron, 1987).
    /// Only for smooth statistics, such as means: that of a median jumps. `None` of
    /// fewer than two rounds, where the statistic is no number, or does not vary.
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
        let bias = normal.inverse_cdf(share);
        let corrected = |share: f64| {
            let z = bias + normal.inverse_cdf(share);
            normal.cdf(bias + z / (1.0 - acceleration * z))
        };
        let tail = (1.0 - self.confidence) / 2.0;
        let (low, high) = (corrected(tail), corrected(1.0 - tail));
        // A statistic whose every replicate lies on one side has no such interval.
        (bias.is_finite()).then(|| self.between(&replicates, low, high)).flatten()
    }

    /// The statistic of as many resamples.
    fn replicate<Round: Copy>(
        self,
        rounds: &[Round],
        statistic: impl Fn(&[Round]) -> f64,
    ) -> Option<Vec<f64>> {
        let mut resampler = Resampler::new(self.seed);
        let mut resample = || -> f64 {
            let drawn = resampler.rounds(rounds.len());
            statistic(&drawn.iter().map(|round| rounds[*round]).collect::<Vec<_>>())
        };
        let values: Vec<f64> = (0..self.replicates).map(|_| resample()).collect();
        let all_are_numbers = values.iter().all(|value| value.is_finite());
        (!rounds.is_empty() && all_are_numbers).then_some(values)
    }

    fn between(self, replicates: &[f64], low: f64, high: f64) -> Option<Interval> {
        let (low, high) = (quantile(replicates, low)?, quantile(replicates, high)?);
        Some(Interval { low, high, level: self.confidence })
    }
}

/// How fast the standard error changes with the value, by the jackknife.
fn acceleration<Round: Copy>(rounds: &[Round], statistic: impl Fn(&[Round]) -> f64) -> Option<f64> {
    let without = |left_out: usize| {
        let others = rounds.iter().enumerate().filter(|(index, _)| *index != left_out);
        statistic(&others.map(|(_, round)| *round).collect::<Vec<_>>())
    };
    let values: Vec<f64> = (0..rounds.len()).map(without).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
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
    fn what_has_no_spread_or_no_value_has_no_corrected_interval() {
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
