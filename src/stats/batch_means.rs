//! Interval of a mean by batch means, for autocorrelated values.
//!
//! The means of batches that are longer than the autocorrelation of a series are nearly
//! independent (Conway, 1963; Law and Kelton, ch. 9).

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::Interval;

/// Fewest values: with fewer, the batches would be too few or too short.
const MIN_VALUES: usize = 30;

/// Student's t interval of the mean of the batch means. Batches have ⌊√R⌋ values (Flegal
/// and Jones, 2010), and the first ones have one more if R is not divisible. `None` for
/// fewer than 30 values, or a confidence outside 0 to 1.
pub fn batch_means_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    if values.len() < MIN_VALUES || !(0.0..1.0).contains(&confidence) {
        return None;
    }
    // Batches of about √R values, so that both their length and their number grow with R.
    let means = batch_means(values, values.len() / values.len().isqrt());
    let count = means.len() as f64;
    let mean = means.iter().sum::<f64>() / count;
    let variance = means.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let student = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    let half = student.inverse_cdf(0.5 + confidence / 2.0) * (variance / count).sqrt();
    Some(Interval { low: mean - half, high: mean + half, level: confidence })
}

fn batch_means(values: &[f64], batches: usize) -> Vec<f64> {
    let (size, rest) = (values.len() / batches, values.len() % batches);
    let (long, short) = values.split_at(rest * (size + 1));
    long.chunks(size + 1)
        .chain(short.chunks(size))
        .map(|batch| batch.iter().sum::<f64>() / batch.len() as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::{LUTEINISING_HORMONE, assert_close};

    #[test]
    fn the_interval_is_that_of_scipys_t_of_the_batches() {
        // scipy.stats.t.interval(0.95, 7, mean, sem) of 8 batches of 6.
        let found = batch_means_interval(&LUTEINISING_HORMONE, 0.95).expect("enough values");
        assert_close(found.low, 2.192392813580166);
        assert_close(found.high, 2.607607186419835);
        // The same with 7 batches of 5.
        let values: Vec<f64> = (0..35).map(|i| f64::from(i * 37 % 101) / 10.0).collect();
        let found = batch_means_interval(&values, 0.95).expect("enough values");
        assert_close(found.low, 3.96380112741874);
        assert_close(found.high, 5.830484586866975);
    }

    #[test]
    fn uneven_batches_have_all_values() {
        let values: Vec<f64> = (0..32).map(f64::from).collect();
        let means = batch_means(&values, 6);
        assert_eq!(means, [2.5, 8.5, 14.0, 19.0, 24.0, 29.0]);
    }

    #[test]
    fn below_thirty_values_there_is_no_interval() {
        assert_eq!(batch_means_interval(&[1.0; 29], 0.95), None);
        assert!(batch_means_interval(&[1.0; 30], 0.95).is_some());
        assert_eq!(batch_means_interval(&[1.0; 30], f64::NAN), None);
    }
}
