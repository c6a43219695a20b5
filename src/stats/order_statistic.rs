//! The median and other quantiles, with their exact intervals.
//!
//! Among R independent values, the number below the true median is
//! Bin(R, ½). So the interval from the k-th smallest to the k-th largest value
//! holds the median with a probability that is known exactly, whatever the
//! distribution of the values (the sign test's interval; Hoefler and Belli,
//! SC15, rule 5 ff.).

/// An interval with the level that it reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The exact level, at least the one that was asked for.
    pub level: f64,
}

/// The median: the middle value, or the mean of the two middle ones. `None` for
/// an empty slice.
pub fn median(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| median_unstable(&mut values.to_vec()))
}

/// The median of at least one value, in linear time; reorders the values.
pub fn median_unstable(values: &mut [f64]) -> f64 {
    let is_odd = values.len() % 2 == 1;
    let (below, &mut upper, _) = values.select_nth_unstable_by(values.len() / 2, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if !is_odd => f64::midpoint(lower, upper),
        _ => upper,
    }
}

/// The exact interval of the median at a level of at least `confidence`. `None`
/// where there are too few values for one (below 6 at 95%).
pub fn median_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    quantile_interval(values, 0.5, confidence)
}

/// The quantile of probability `p` (0.5: the median), by linear interpolation at
/// p × (R − 1) (type 7 of Hyndman and Fan, 1996; the default of R and NumPy). `None` for an
/// empty slice, or a probability outside 0 to 1.
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    let sorted = sorted(values);
    let place = p * (sorted.len().checked_sub(1)? as f64);
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

/// The exact interval of the quantile of probability `p`, like that of [`median_interval`].
/// `None` if there are too few values.
pub fn quantile_interval(values: &[f64], p: f64, confidence: f64) -> Option<Interval> {
    let (low_rank, high_rank, level) = quantile_ranks(values.len(), p, confidence)?;
    let sorted = sorted(values);
    Some(Interval { low: sorted[low_rank - 1], high: sorted[high_rank - 1], level })
}

/// Ranks, from 1, of the ends of the interval of the median of `count` values,
/// and the exact level: `[k, count − k + 1]` with k the largest j such that
/// P(Bin(count, ½) ≤ j − 1) ≤ (1 − confidence) / 2.
pub fn median_ranks(count: usize, confidence: f64) -> Option<(usize, usize, f64)> {
    quantile_ranks(count, 0.5, confidence)
}

/// Ranks of the ends of the interval of the quantile of probability `p`, and the exact
/// level: the lower rank is the largest k with P(Bin(count, p) ≤ k − 1) ≤
/// (1 − confidence) / 2, and the upper rank is found likewise from above. `None` if one of
/// the ends would lie beyond all values.
pub fn quantile_ranks(count: usize, p: f64, confidence: f64) -> Option<(usize, usize, f64)> {
    let tail = (1.0 - confidence) / 2.0;
    let (from_below, missed_below) = tail_rank(count, p, tail)?;
    let (from_above, missed_above) = tail_rank(count, 1.0 - p, tail)?;
    Some((from_below, count + 1 - from_above, 1.0 - missed_below - missed_above))
}

/// The largest k with P(Bin(count, p) ≤ k − 1) ≤ `tail`, and that probability.
fn tail_rank(count: usize, p: f64, tail: f64) -> Option<(usize, f64)> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    // Logarithm of the probability of exactly `below` of `count`, by recurrence: the
    // probability itself underflows beyond a thousand values.
    let mut ln_exactly = count as f64 * (-p).ln_1p();
    let ln_odds = p.ln() - (-p).ln_1p();
    let mut at_most = 0.0;
    let mut best = None;
    for below in 0..count {
        at_most += ln_exactly.exp();
        // A rounding error must not shift a rank if the tail is met exactly.
        if at_most > tail * (1.0 + 1e-12) {
            break;
        }
        best = Some((below + 1, at_most));
        ln_exactly += ((count - below) as f64 / (below + 1) as f64).ln() + ln_odds;
    }
    best
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_at_95_percent_are_the_exact_ones() {
        let published = [
            (6, 1, 6, 0.9688),
            (9, 2, 8, 0.9609),
            (10, 2, 9, 0.9785),
            (12, 3, 10, 0.9614),
            (15, 4, 12, 0.9648),
            (20, 6, 15, 0.9586),
            (25, 8, 18, 0.9567),
            (30, 10, 21, 0.9572),
            (50, 18, 33, 0.9672),
            (100, 40, 61, 0.9648),
        ];
        for (count, low, high, level) in published {
            let found = median_ranks(count, 0.95).expect("enough values");
            assert_eq!((found.0, found.1), (low, high), "of {count}");
            assert!((found.2 - level).abs() < 5e-5, "level of {count}: {}", found.2);
        }
    }

    #[test]
    fn below_six_values_there_is_no_interval_at_95_percent() {
        assert!((0..6).all(|count| median_ranks(count, 0.95).is_none()));
    }

    #[test]
    fn the_interval_is_the_one_of_scipys_quantile_test() {
        // scipy.stats.quantile_test(exp(arange(0, 1.01, 0.01)), p=0.5), 90%.
        let values: Vec<f64> = (0..=100).map(|i| (f64::from(i) / 100.0).exp()).collect();
        let interval = median_interval(&values, 0.90).expect("enough values");
        assert!((interval.low - 1.506817785112854).abs() < 1e-12);
        assert!((interval.high - 1.803988415397857).abs() < 1e-12);
    }

    #[test]
    fn the_interval_of_any_quantile_is_the_one_of_scipys_quantile_test() {
        // These values are ranks: value i is exp((i − 1) / 100).
        let published =
            [(0.9, 0.95, 85, 97), (0.25, 0.95, 17, 35), (0.05, 0.8, 2, 9), (0.75, 0.99, 64, 87)];
        let values: Vec<f64> = (1..=101).map(f64::from).collect();
        for (share, confidence, low, high) in published {
            let found = quantile_interval(&values, share, confidence).expect("enough values");
            assert_eq!((found.low, found.high), (f64::from(low), f64::from(high)), "at {share}");
            assert!(found.level >= confidence && found.level < 1.0);
        }
        // scipy has an end of nan there: the 99% quantile may lie above all values.
        assert_eq!(quantile_interval(&values, 0.99, 0.8), None);
        assert_eq!(quantile_interval(&values, 1.0, 0.8), None);
        assert_eq!(quantile_interval(&[], 0.5, 0.8), None);
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        let at = |share| quantile(&[3.0, 1.0, 2.0, 10.0], share);
        assert!((at(0.1).expect("values") - 1.3).abs() < 1e-12);
        assert!((at(0.9).expect("values") - 7.9).abs() < 1e-12);
        assert_eq!((at(0.5), at(0.0), at(1.0)), (Some(2.5), Some(1.0), Some(10.0)));
        assert_eq!((at(1.1), at(f64::NAN), quantile(&[], 0.5)), (None, None, None));
    }

    #[test]
    #[allow(clippy::approx_constant, reason = "3.14 is a patient's score")]
    fn the_interval_of_paired_log_ratios_is_the_published_one() {
        // Hollander and Wolfe's depression scores, as R's SIGN.test has them.
        let x: [f64; 9] = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        let y: [f64; 9] = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
        let logs: Vec<f64> = x.iter().zip(y).map(|(x, y)| (x / y).ln()).collect();
        let interval = median_interval(&logs, 0.95).expect("enough values");
        let found = [median(&logs).expect("values"), interval.low, interval.high].map(f64::exp);
        for (found, published) in found.into_iter().zip([1.4573644, 0.9745223, 2.0842825]) {
            assert!((found - published).abs() < 1e-6, "{found} is not {published}");
        }
    }

    #[test]
    fn ten_thousand_values_do_not_underflow() {
        let (low, high, level) = median_ranks(10_000, 0.95).expect("enough values");
        assert_eq!((low, high), (4902, 5099));
        assert!((0.95..0.9525).contains(&level));
    }
}
