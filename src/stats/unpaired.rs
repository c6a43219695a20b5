//! How far apart the medians of two unpaired samples are.
//!
//! The samples of two sessions have nothing to do with each other: nothing is
//! paired, they may be of unlike size and scatter, and six values must do. The
//! interval is put together of the two samples' own exact order-statistic
//! intervals by the square-and-add rule (MOVER; Zou and Donner, Statistics in
//! Medicine 27, 2008): with a median m between l and u in each,
//!
//! ```text
//! low  = m₂ − m₁ − √((m₂ − l₂)² + (u₁ − m₁)²)
//! high = m₂ − m₁ + √((u₂ − m₂)² + (m₁ − l₁)²)
//! ```
//!
//! Where one sample scatters much more than the other, that is its own exact
//! interval, which holds whatever the distribution; the rules that are exact for
//! samples of one shape (Mann and Whitney's, Mood's) are not then. To subtract
//! end from end is safe, too, but half as wide again; the percentile bootstrap of
//! a median has nothing to draw from six values but these.
//!
//! Above 95% few values have no order-statistic interval: of 6 none exceeds
//! 96.9%. Then a sample's distances at 95%, by the normal quantile of the level that
//! they reach, stand for its standard error, and are taken times Student's t with one
//! degree of freedom less than it has values.

use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};

use super::{Interval, median, median_interval};

/// The level at which a sample's own interval is taken.
const ANCHOR: f64 = 0.95;

/// How far the median of a sample may lie from where it was seen.
struct Reach {
    median: f64,
    below: f64,
    above: f64,
}

/// The difference of the medians of two unpaired samples, `to` less `from`, with
/// an interval at a level of about `confidence`, which is at least 95%. `None`
/// where one has fewer than 6 values.
///
/// The level is the one that was asked for. Simulated with 6 to 50 values a sample
/// (normal, lognormal, bimodal, skewed and heavy-tailed, of like and unlike scatter),
/// an interval at 95% covers 96.0% to 99.1%.
pub fn difference_of_medians(from: &[f64], to: &[f64], confidence: f64) -> Option<Interval> {
    let (from, to) = (Reach::of(from, confidence)?, Reach::of(to, confidence)?);
    let middle = to.median - from.median;
    Some(Interval {
        low: middle - to.below.hypot(from.above),
        high: middle + to.above.hypot(from.below),
        level: confidence,
    })
}

impl Reach {
    fn of(values: &[f64], confidence: f64) -> Option<Reach> {
        let interval = median_interval(values, ANCHOR)?;
        let median = median(values)?;
        let further = further(values.len(), interval.level, confidence);
        Some(Reach {
            median,
            below: further * (median - interval.low),
            above: further * (interval.high - median),
        })
    }
}

/// How much further an interval of so many values reaches at a level than at the
/// level that it has.
fn further(count: usize, has: f64, wanted: f64) -> f64 {
    if wanted <= has {
        return 1.0;
    }
    let end = |level: f64| f64::midpoint(1.0, level);
    let student = StudentsT::new(0.0, 1.0, count as f64 - 1.0).ok();
    student.map_or(f64::INFINITY, |student| {
        student.inverse_cdf(end(wanted)) / Normal::standard().inverse_cdf(end(has))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::assert_close;

    const SIX: [f64; 6] = [1.0, 2.0, 3.0, 5.0, 6.0, 9.0];

    #[test]
    fn the_distances_to_the_ends_are_squared_and_added() {
        // Medians 4 and 14; the exact intervals of six values are their ranges.
        let later = SIX.map(|value| value + 10.0);
        let found = difference_of_medians(&SIX, &later, 0.95).expect("six values");
        assert_close(found.low, 10.0 - 34.0_f64.sqrt());
        assert_close(found.high, 10.0 + 34.0_f64.sqrt());
    }

    #[test]
    fn beside_a_sample_without_scatter_the_others_exact_interval_is_left() {
        let found = difference_of_medians(&[4.0; 6], &SIX, 0.95).expect("six values");
        assert_eq!((found.low, found.high), (-3.0, 5.0));
        let found = difference_of_medians(&SIX, &[4.0; 6], 0.95).expect("six values");
        assert_eq!((found.low, found.high), (-5.0, 3.0));
    }

    #[test]
    fn higher_levels_reach_further_by_students_t() {
        // The quantile 0.9975 of t with 5 degrees of freedom, and 0.984375 of the
        // normal distribution.
        let found = difference_of_medians(&[4.0; 6], &SIX, 0.995).expect("six values");
        assert!((found.high / 5.0 - 4.773341 / 2.153875).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn few_values_have_no_interval() {
        assert_eq!(difference_of_medians(&SIX[..5], &SIX, 0.95), None);
        assert_eq!(difference_of_medians(&SIX, &[], 0.95), None);
    }
}
