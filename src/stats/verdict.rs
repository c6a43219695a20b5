//! Verdict on a ratio by its interval, and the smallest detectable effect.

use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF as _, Normal};

use super::{median_ranks, quantile};

/// Verdict on a ratio of speeds, with a margin of equivalence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The whole interval lies above the margin.
    Faster,
    /// The whole interval lies below the margin.
    Slower,
    /// The whole interval lies within the margin.
    Equivalent,
    /// The interval contains an end of the margin: inconclusive.
    Unresolved,
}

impl Verdict {
    /// Verdict on a ratio of speeds (1: equal, above 1: faster) with the interval `low` to
    /// `high`. The margin is a share: 0.05 ranges from 1/1.05 to 1.05, so that the verdict
    /// is reversed if the two sides are exchanged. An end that is not a number gives no
    /// conclusion.
    pub fn of(low: f64, high: f64, margin: f64) -> Verdict {
        let (below, above) = (1.0 / (1.0 + margin), 1.0 + margin);
        match () {
            () if low > above && high >= low => Verdict::Faster,
            () if high < below && low <= high => Verdict::Slower,
            () if below <= low && low <= high && high <= above => Verdict::Equivalent,
            () => Verdict::Unresolved,
        }
    }

    /// The verdict in one word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Faster => "faster",
            Verdict::Slower => "slower",
            Verdict::Equivalent => "equivalent",
            Verdict::Unresolved => "unresolved",
        }
    }
}

/// Power at which an effect counts as detectable (Cohen, 1988).
pub const POWER: f64 = 0.8;

/// The smallest effect on paired differences, in their unit, that their sign test at
/// `confidence` detects with a power of [`POWER`]. `None` with too few differences for an
/// interval.
///
/// With k the rank of the interval's lower end, the test detects an effect if at most
/// k − 1 of R differences have the wrong sign; so each must have the right sign with a
/// probability p, where P(Bin(R, p) > R − k) = `POWER`. The size of such an effect is taken
/// from the quantiles of the differences, in the direction of their larger deviation. For
/// fewer than about 10 differences p lies beyond the extreme one, so the result is a lower
/// bound.
pub fn smallest_effect(differences: &[f64], confidence: f64) -> Option<f64> {
    let count = differences.len();
    let (low_rank, high_rank, _) = median_ranks(count, confidence)?;
    // P(Bin(R, p) > R − k) is the distribution function of Beta(R − k + 1, k) at p.
    let p = Beta::new(high_rank as f64, low_rank as f64).ok()?.inverse_cdf(POWER);
    let [low, median, high] = [1.0 - p, 0.5, p].map(|p| quantile(differences, p));
    let median = median?;
    Some((median - low?).max(high? - median))
}

/// The smallest effect that an interval of this half-width detects with a power of
/// [`POWER`], if the estimate is about normal: (z₁₋α⸝₂ + z_power) / z₁₋α⸝₂ times the
/// half-width. For intervals that are not of paired differences. `None` for a confidence
/// outside 0 to 1.
pub fn smallest_effect_of_width(half_width: f64, confidence: f64) -> Option<f64> {
    if !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let normal = Normal::standard();
    let z = normal.inverse_cdf((1.0 + confidence) / 2.0);
    Some(half_width * (z + normal.inverse_cdf(POWER)) / z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::assert_close;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn an_interval_across_an_end_of_the_margin_is_unresolved() {
        let verdicts = [
            (1.06, 1.2, Verdict::Faster),
            (0.8, 0.94, Verdict::Slower),
            (0.96, 1.04, Verdict::Equivalent),
            (1.04, 1.06, Verdict::Unresolved),
            (0.5, 2.0, Verdict::Unresolved),
            (0.94, 1.0, Verdict::Unresolved),
            (f64::NAN, 2.0, Verdict::Unresolved),
            (1.06, f64::NAN, Verdict::Unresolved),
        ];
        for (low, high, verdict) in verdicts {
            assert_eq!(Verdict::of(low, high, 0.05), verdict, "{low} to {high}");
        }
    }

    #[test]
    fn the_verdict_is_reversed_if_the_sides_are_exchanged() {
        for (low, high) in [(1.051, 1.2), (0.9524, 1.049), (1.0499, 1.0501), (0.7, 0.952)] {
            let turned = match Verdict::of(low, high, 0.05) {
                Verdict::Faster => Verdict::Slower,
                Verdict::Slower => Verdict::Faster,
                same => same,
            };
            assert_eq!(Verdict::of(1.0 / high, 1.0 / low, 0.05), turned, "{low} to {high}");
        }
    }

    #[test]
    fn without_a_margin_any_difference_counts() {
        assert_eq!(Verdict::of(1.001, 1.002, 0.0), Verdict::Faster);
        assert_eq!(Verdict::of(1.0, 1.0, 0.0), Verdict::Equivalent);
    }

    /// Values from the uniform distribution over ±1.
    fn noise(seed: u64, count: usize) -> Vec<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn the_smallest_effect_is_detected_in_four_runs_of_five() {
        // Of uniform noise the share above −Δ is (1 + Δ) / 2; 30 rounds need a p of
        // scipy.stats.beta.ppf(0.8, 21, 10) = 0.7490668.
        let smallest = smallest_effect(&noise(1, 100_000)[..30], 0.95).expect("30 rounds");
        assert!((0.3..0.8).contains(&smallest), "{smallest}");
        let shift = 2.0 * 0.749_066_8 - 1.0;
        let found = (0..2000).filter(|seed| {
            let shifted: Vec<f64> =
                noise(100 + seed, 30).into_iter().map(|value| value + shift).collect();
            super::super::median_interval(&shifted, 0.95).is_some_and(|it| it.low > 0.0)
        });
        let share = found.count() as f64 / 2000.0;
        assert!((0.77..0.83).contains(&share), "{share}");
    }

    #[test]
    fn too_few_rounds_detect_nothing() {
        assert_eq!(smallest_effect(&[0.0; 5], 0.95), None);
        assert_eq!(smallest_effect(&[0.0; 6], 0.95), Some(0.0));
    }

    #[test]
    fn a_detectable_effect_is_larger_than_the_half_width() {
        // (1.959964 + 0.841621) / 1.959964, Cohen's 2.8 standard errors.
        assert_close(
            smallest_effect_of_width(1.959_963_984_540_054, 0.95).expect("a level"),
            2.801_585_218_112_968,
        );
        assert_eq!(smallest_effect_of_width(1.0, 1.0), None);
    }
}
