//! A ratio of times, from paired log ratios.

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
}
