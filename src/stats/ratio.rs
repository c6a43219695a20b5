//! A ratio of times, estimated from paired log ratios.

use super::diagnostics::autocorrelated_among;
use super::{median, median_interval};

/// A ratio with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Median of the ratio.
    pub value: f64,
    /// Ends of its interval; `None` with too few pairs.
    pub ends: Option<(f64, f64)>,
}

impl Ratio {
    /// The ratio with these log ratios, one a pair: exp of their median, and of the exact
    /// interval of the median. `None` for an empty slice.
    ///
    /// With an even number of pairs the median of the logarithms differs from the
    /// logarithm of the median: the former is used.
    pub fn of(logs: &[f64], confidence: f64) -> Option<Ratio> {
        let ends = median_interval(logs, confidence);
        let ends = ends.map(|interval| (interval.low.exp(), interval.high.exp()));
        Some(Ratio { value: median(logs)?.exp(), ends })
    }

    /// Half the width of the interval, divided by the ratio.
    pub fn relative_half_width(&self) -> Option<f64> {
        self.ends.map(|(low, high)| (high - low) / (2.0 * self.value))
    }
}

/// Relative half-widths of several ratios, each given by its log ratios in the order of
/// their rounds. `None` for one without an interval.
///
/// Autocorrelated rounds carry less information than independent ones: with a significant
/// autocorrelation, the half-width is that of the effective number of rounds.
pub fn half_widths(log_ratios: &[Vec<f64>], confidence: f64) -> Vec<Option<f64>> {
    let slices: Vec<&[f64]> = log_ratios.iter().map(Vec::as_slice).collect();
    let tests = autocorrelated_among(&slices);
    let ratios = slices.iter().map(|logs| Ratio::of(logs, confidence));
    ratios
        .zip(tests)
        .map(|(ratio, test)| {
            Some(ratio?.relative_half_width()? * test.map_or(1.0, |test| test.widening()))
        })
        .collect()
}

/// The widest of several half-widths, with its index. A missing half-width is wider than
/// any other.
pub fn widest(half_widths: &[Option<f64>]) -> Option<(usize, Option<f64>)> {
    let numbered = half_widths.iter().copied().enumerate();
    numbered.max_by(|(_, one), (_, other)| {
        one.unwrap_or(f64::INFINITY).total_cmp(&other.unwrap_or(f64::INFINITY))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_width_is_relative_to_the_ratio() {
        let logs: Vec<f64> = [1.8_f64, 1.9, 2.0, 2.0, 2.1, 2.2].map(f64::ln).to_vec();
        let ratio = Ratio::of(&logs, 0.95).expect("pairs");
        assert!((ratio.value - 2.0).abs() < 1e-12);
        let (low, high) = ratio.ends.expect("six pairs");
        assert!((low - 1.8).abs() < 1e-12 && (high - 2.2).abs() < 1e-12);
        assert!((ratio.relative_half_width().expect("ends") - 0.1).abs() < 1e-12);
    }

    #[test]
    fn few_pairs_have_a_value_and_no_interval() {
        let ratio = Ratio::of(&[0.0; 5], 0.95).expect("pairs");
        assert_eq!((ratio.value, ratio.relative_half_width()), (1.0, None));
        assert_eq!(Ratio::of(&[], 0.95), None);
    }

    #[test]
    fn a_ratio_without_an_interval_is_wider_than_any_other() {
        let widest_of = |ratios: &[Vec<f64>]| widest(&half_widths(ratios, 0.95));
        let alternating = |width: f64, rounds: i32| -> Vec<f64> {
            (0..rounds).map(|round| if round % 2 == 0 { width } else { -width }).collect()
        };
        let narrow = alternating(0.01, 20);
        let (index, width) =
            widest_of(&[narrow.clone(), alternating(0.02, 20)]).expect("two ratios");
        assert_eq!(index, 1);
        assert!((width.expect("an interval") - 0.02).abs() < 1e-4);
        let with_short = [narrow, alternating(0.01, 5)];
        assert_eq!(widest_of(&with_short), Some((1, None)));
        assert_eq!(widest_of(&[]), None);
    }

    #[test]
    fn autocorrelated_rounds_have_a_wider_interval() {
        // Ten high rounds after ten low ones: the same values, in another order.
        let mixed: Vec<f64> =
            (0..40).map(|round| if round % 2 == 0 { 0.01 } else { -0.01 }).collect();
        let runs: Vec<f64> =
            (0..40).map(|round| if round / 10 % 2 == 0 { 0.01 } else { -0.01 }).collect();
        let width = |logs: &Vec<f64>| half_widths(std::slice::from_ref(logs), 0.95)[0];
        assert!(width(&runs) > width(&mixed).map(|width| 2.0 * width));
    }
}
