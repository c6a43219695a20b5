//! A ratio of times, from paired log ratios.

use super::alarm::{Autocorrelated, autocorrelated_among};
use super::{median, median_interval};

/// A ratio with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The median.
    pub value: f64,
    /// Both ends of its interval; `None` of too few pairs.
    pub ends: Option<(f64, f64)>,
}

impl Ratio {
    /// The ratio whose logarithms, one a pair, are these: exp of their median,
    /// and of the exact interval of that. `None` of none.
    ///
    /// The median of the logs and the log of the median differ where the number
    /// of pairs is even: it is the former.
    pub fn of(logs: &[f64], confidence: f64) -> Option<Ratio> {
        let ends = median_interval(logs, confidence);
        let ends = ends.map(|interval| (interval.low.exp(), interval.high.exp()));
        Some(Ratio { value: median(logs)?.exp(), ends })
    }

    /// Half the width of the interval, as a share of the ratio.
    pub fn relative_half_width(&self) -> Option<f64> {
        self.ends.map(|(low, high)| (high - low) / (2.0 * self.value))
    }
}

/// How well several ratios are known, each given by its log ratios in the order of
/// their rounds: their relative half-widths. `None` for one without an interval.
///
/// Rounds that resemble the round before say less than they seem to: where an
/// alarm says so, the half-width is that of as many independent rounds as would
/// say as much.
pub fn half_widths(log_ratios: &[Vec<f64>], confidence: f64) -> Vec<Option<f64>> {
    let slices: Vec<&[f64]> = log_ratios.iter().map(Vec::as_slice).collect();
    let alarms = autocorrelated_among(&slices);
    let width = |logs: &[f64], alarm: Option<Autocorrelated>| {
        let width = Ratio::of(logs, confidence)?.relative_half_width()?;
        Some(width * alarm.map_or(1.0, |alarm| alarm.widening()))
    };
    slices.iter().zip(alarms).map(|(logs, alarm)| width(logs, alarm)).collect()
}

/// The widest of several half-widths, and which it is. One that is not there is
/// wider than any.
pub fn widest(half_widths: &[Option<f64>]) -> Option<(usize, Option<f64>)> {
    let width = |width: &Option<f64>| width.unwrap_or(f64::INFINITY);
    let numbered = half_widths.iter().copied().enumerate();
    numbered.max_by(|(_, one), (_, other)| width(one).total_cmp(&width(other)))
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
    fn of_few_pairs_there_is_a_value_and_no_interval() {
        let ratio = Ratio::of(&[0.0; 5], 0.95).expect("pairs");
        assert_eq!((ratio.value, ratio.relative_half_width()), (1.0, None));
        assert_eq!(Ratio::of(&[], 0.95), None);
    }

    #[test]
    fn the_least_known_ratio_is_the_widest_and_one_without_an_interval_is_wider() {
        let known = |ratios: &[Vec<f64>]| widest(&half_widths(ratios, 0.95));
        let alternating = |width: f64, rounds: i32| -> Vec<f64> {
            (0..rounds).map(|round| if round % 2 == 0 { width } else { -width }).collect()
        };
        let narrow = alternating(0.01, 20);
        let (index, width) = known(&[narrow.clone(), alternating(0.02, 20)]).expect("two ratios");
        assert_eq!(index, 1);
        assert!((width.expect("an interval") - 0.02).abs() < 1e-4);
        let with_short = [narrow, alternating(0.01, 5)];
        assert_eq!(known(&with_short), Some((1, None)));
        assert_eq!(known(&[]), None);
    }

    #[test]
    fn rounds_that_resemble_each_other_are_known_less_well() {
        // Ten high rounds after ten low ones: the same values, in another order.
        let mixed: Vec<f64> =
            (0..40).map(|round| if round % 2 == 0 { 0.01 } else { -0.01 }).collect();
        let runs: Vec<f64> =
            (0..40).map(|round| if round / 10 % 2 == 0 { 0.01 } else { -0.01 }).collect();
        let width = |logs: &Vec<f64>| half_widths(std::slice::from_ref(logs), 0.95)[0];
        assert!(width(&runs) > width(&mixed).map(|width| 2.0 * width));
    }
}
