//! Mean, high percentile and second mode of call times, which a median does not show.

use serde::Serialize;

use crate::stats::{median, quantile};

/// Ratio of mean to median from which the median alone misleads.
const MEAN_OVER_MEDIAN: f64 = 1.03;

/// Fewest calls of which a second mode is looked for.
const MIN_CALLS: usize = 10;

/// Least share of the calls that are a mode; fewer are outliers.
const MIN_SHARE: f64 = 0.05;

/// Least ratio of the times of two modes.
const MIN_FACTOR: f64 = 1.05;

/// Least share of the variance of the logarithms between two modes. The best split of a normal
/// distribution has 2/π = 64%, that of a uniform one 75%.
const MIN_BETWEEN: f64 = 0.8;

/// Figures of the call times of a case besides their median; null without calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Mean time of the counted calls of all clean visits, in nanoseconds.
    pub mean_ns: Option<f64>,
    /// 90th percentile of these times.
    pub p90_ns: Option<f64>,
    /// Second mode of these times; null if there is none above the median.
    pub second_mode: Option<SecondMode>,
}

/// Slow calls that are apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SecondMode {
    /// Their share of all calls.
    pub share: f64,
    /// Their median time over that of the others.
    pub factor: f64,
}

impl Spread {
    /// The spread of these times.
    pub fn of(calls_ns: &[f64]) -> Spread {
        let mean_ns = calls_ns.iter().sum::<f64>() / calls_ns.len() as f64;
        Spread {
            mean_ns: Some(mean_ns).filter(|_| !calls_ns.is_empty()),
            p90_ns: quantile(calls_ns, 0.9),
            second_mode: SecondMode::of(calls_ns),
        }
    }

    /// The mean over this median, if that is so much that the median alone misleads.
    pub fn mean_over(&self, median_ns: Option<f64>) -> Option<f64> {
        let ratio = self.mean_ns? / median_ns.filter(|ns| *ns > 0.0)?;
        Some(ratio).filter(|ratio| *ratio > MEAN_OVER_MEDIAN)
    }
}

impl SecondMode {
    /// The slower of two modes: the split of the sorted logarithms with the largest variance
    /// between both parts (Otsu 1979), if that is most of the whole variance.
    fn of(calls_ns: &[f64]) -> Option<SecondMode> {
        let count = calls_ns.len();
        if count < MIN_CALLS || !calls_ns.iter().all(|ns| *ns > 0.0 && ns.is_finite()) {
            return None;
        }
        let mut sorted = calls_ns.to_vec();
        sorted.sort_by(f64::total_cmp);
        let logs: Vec<f64> = sorted.iter().map(|ns| ns.ln()).collect();
        let mean = logs.iter().sum::<f64>() / count as f64;
        let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / count as f64;
        let mut sum_below = 0.0;
        let mut best = (0, 0.0);
        for fast in 1..count {
            sum_below += logs[fast - 1] - mean;
            let [below, above] = [fast, count - fast].map(|part| part as f64);
            // The sums of both parts differ in sign only, since deviations add up to 0.
            let between = sum_below * sum_below * (1.0 / below + 1.0 / above) / count as f64;
            if between > best.1 {
                best = (fast, between);
            }
        }
        let (fast, between) = best;
        let share = (count - fast) as f64 / count as f64;
        let factor = median(&sorted[fast..])? / median(&sorted[..fast])?;
        let is_mode = between >= MIN_BETWEEN * variance
            && (MIN_SHARE..=0.5).contains(&share)
            && factor >= MIN_FACTOR;
        is_mode.then_some(SecondMode { share, factor })
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Times of calls around 10 ms, of which a share takes longer by a factor, with noise of
    /// up to ±2%.
    fn calls(share: f64, factor: f64) -> Vec<f64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let slow = (share * 100.0) as usize;
        let time = |index: usize| if index < slow { 1e7 * factor } else { 1e7 };
        (0..100).map(|index| time(index) * random.random_range(0.98..1.02)).collect()
    }

    #[test]
    fn thirty_percent_of_calls_at_1_3_times_are_a_mode_that_the_median_hides() {
        let calls = calls(0.3, 1.3);
        let spread = Spread::of(&calls);
        let median_ns = median(&calls);
        let ratio = spread.mean_over(median_ns).expect("a mean above the median");
        assert!((ratio - 1.09).abs() < 0.015, "{ratio}");
        let mode = spread.second_mode.expect("a second mode");
        assert_eq!(mode.share, 0.3);
        assert!((mode.factor - 1.3).abs() < 0.02, "{mode:?}");
        assert!((spread.p90_ns.expect("a percentile") / 1.3e7 - 1.0).abs() < 0.02);
    }

    #[test]
    fn one_mode_and_single_outliers_are_no_second_mode() {
        let one = calls(0.0, 1.0);
        let spread = Spread::of(&one);
        assert_eq!((spread.second_mode, spread.mean_over(median(&one))), (None, None));
        assert_eq!(Spread::of(&calls(0.03, 5.0)).second_mode, None);
        assert_eq!(Spread::of(&[1e7; 50]).second_mode, None);
        assert_eq!(Spread::of(&[]), Spread::default());
    }
}
