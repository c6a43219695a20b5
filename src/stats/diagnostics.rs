//! Diagnostics of a run: drift of the machine's speed, and autocorrelation of visits and
//! of ratios.
//!
//! Ratios within a group are unaffected by drift, absolute times are not, and neither are
//! correct under autocorrelated noise. No interval shows this by itself. The tests of
//! absolute times use all visits of all cases: a run has many more visits than rounds, and
//! whatever slows the machine down slows all of them.
//!
//! The rate of false positives is 5% for the test of ratios, and 5% for the two tests of
//! absolute times together.

use std::cmp::Ordering;

use super::{Autocorrelation, holm, mann_kendall, median, theil_sen};

/// Significance level of the diagnostics of ratios, and of those of absolute times.
const SIGNIFICANCE: f64 = 0.05;

/// Significance level of each of the two tests of absolute times.
const SIGNIFICANCE_OF_EACH: f64 = SIGNIFICANCE / 2.0;

/// Fewest values that are tested.
const MIN_VALUES: usize = 10;

/// Most points of the slope, which takes time by the square of their number.
const MAX_POINTS: usize = 100;

/// Part of the significance level of ratios that is given to the correlation with the
/// previous round; the rest is given to a trend.
const CORRELATION: f64 = 0.8;

/// A visit's time relative to the median time of its case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// Start of the visit, in seconds since any fixed time.
    pub started_s: f64,
    /// Logarithm of the time minus the logarithm of the median time.
    pub log_residual: f64,
}

/// A significant change of the machine's speed over the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Change of the times from the first visit to the last, in percent, by Theil and
    /// Sen's slope: positive if the machine became slower.
    pub percent: f64,
    /// Probability of such a trend without drift (Mann and Kendall).
    pub p: f64,
}

/// A significant autocorrelation or trend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autocorrelated {
    /// Correlation with the previous value.
    pub lag_one: f64,
    /// Number of values.
    pub count: usize,
    /// Effective sample size: the number of independent values with the same variance of
    /// the mean.
    pub effective_number: f64,
    /// Probability of such a correlation or trend if the values are independent.
    pub p: f64,
}

impl Autocorrelated {
    /// Factor by which an interval that assumes independence is too narrow.
    pub fn widening(&self) -> f64 {
        (self.count as f64 / self.effective_number).sqrt().max(1.0)
    }
}

/// Residuals of the visits of all cases, ordered by start. Each case is a list of starts
/// (in seconds) and times (in nanoseconds); a visit without a positive time is left out.
pub fn residuals(cases: &[Vec<(f64, f64)>]) -> Vec<Residual> {
    let mut residuals = Vec::new();
    for case in cases {
        let mut visits = case.clone();
        visits.retain(|(_, ns)| *ns > 0.0);
        let times: Vec<f64> = visits.iter().map(|(_, ns)| *ns).collect();
        let Some(median) = median(&times) else { continue };
        residuals.extend(
            visits
                .into_iter()
                .map(|(started_s, ns)| Residual { started_s, log_residual: (ns / median).ln() }),
        );
    }
    residuals.sort_by(by_start);
    residuals
}

/// Tests for a trend of times over the run, from the residuals of all cases in any order:
/// evidence that absolute times depend on when they were measured.
pub fn drift(residuals: &[Residual]) -> Option<Drift> {
    let residuals = in_order(residuals);
    let p = mann_kendall(&logs(&residuals))?.p;
    if residuals.len() < MIN_VALUES || p >= SIGNIFICANCE_OF_EACH {
        return None;
    }
    // Medians of batches: the slope takes all pairs of points.
    let batches = residuals.chunks(residuals.len().div_ceil(MAX_POINTS));
    let points: Vec<(f64, f64)> = batches.filter_map(median_point).collect();
    let span_s = residuals.last()?.started_s - residuals.first()?.started_s;
    let change = theil_sen(&points)? * span_s;
    Some(Drift { percent: change.exp_m1() * 100.0, p })
}

/// Tests for autocorrelation of visits, from the residuals of all cases in any order:
/// evidence that intervals of absolute times are too narrow.
pub fn autocorrelated_visits(residuals: &[Residual]) -> Option<Autocorrelated> {
    let correlation = correlation(&logs(&in_order(residuals)))?;
    (correlation.p < SIGNIFICANCE_OF_EACH).then_some(correlation)
}

/// Tests for a positive autocorrelation or a trend of the log ratios of one case, in the
/// order of their rounds: evidence that the interval of the ratio is too narrow. A
/// negative correlation makes no interval too narrow.
///
/// For several cases use [`autocorrelated_among`].
pub fn autocorrelated(log_ratios: &[f64]) -> Option<Autocorrelated> {
    correlation_or_trend(log_ratios).filter(|test| test.p < SIGNIFICANCE)
}

/// Tests the log ratios of several cases, with Holm's correction: the rate of false
/// positives of a run is 5%, however many cases it has. One result for each case.
pub fn autocorrelated_among(cases: &[&[f64]]) -> Vec<Option<Autocorrelated>> {
    let tests: Vec<Option<Autocorrelated>> =
        cases.iter().map(|case| correlation_or_trend(case)).collect();
    let p_values: Vec<f64> = tests.iter().map(|test| test.map_or(1.0, |test| test.p)).collect();
    let corrected = holm(&p_values);
    tests.into_iter().zip(corrected).map(|(test, p)| test.filter(|_| p < SIGNIFICANCE)).collect()
}

/// Smaller p of the two tests of ratios, with a weighted Bonferroni correction.
fn correlation_or_trend(log_ratios: &[f64]) -> Option<Autocorrelated> {
    let correlation = correlation(log_ratios)?;
    let trend = mann_kendall(log_ratios)?.p;
    // Weighted Bonferroni correction: both tests together have the significance level.
    let p = (correlation.p / CORRELATION).min(trend / (1.0 - CORRELATION)).min(1.0);
    Some(Autocorrelated { p, ..correlation })
}

fn correlation(values: &[f64]) -> Option<Autocorrelated> {
    let correlation = Autocorrelation::of(values).filter(|it| it.count >= MIN_VALUES)?;
    Some(Autocorrelated {
        lag_one: correlation.lag_one,
        count: correlation.count,
        effective_number: correlation.effective_number(),
        p: correlation.p_positive(),
    })
}

fn by_start(a: &Residual, b: &Residual) -> Ordering {
    a.started_s.total_cmp(&b.started_s)
}

fn in_order(residuals: &[Residual]) -> Vec<Residual> {
    let mut residuals = residuals.to_vec();
    residuals.sort_by(by_start);
    residuals
}

fn logs(residuals: &[Residual]) -> Vec<f64> {
    residuals.iter().map(|residual| residual.log_residual).collect()
}

/// Median start and median residual of a batch of visits.
fn median_point(residuals: &[Residual]) -> Option<(f64, f64)> {
    let starts: Vec<f64> = residuals.iter().map(|residual| residual.started_s).collect();
    Some((median(&starts)?, median(&logs(residuals))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Independent values, uniform within ±1%.
    fn noise(seed: u64, count: usize) -> Vec<f64> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..count).map(|_| rng.random_range(-0.01..0.01)).collect()
    }

    fn visits(log_residuals: &[f64]) -> Vec<Residual> {
        let visit =
            |(index, &log_residual)| Residual { started_s: 0.5 * f64::from(index), log_residual };
        (0_u32..).zip(log_residuals).map(visit).collect()
    }

    #[test]
    fn a_machine_that_becomes_three_percent_slower_drifts_by_three_percent() {
        for count in [60, 3000] {
            let slower = |(index, noise): (usize, f64)| noise + 0.03 * index as f64 / count as f64;
            let residuals: Vec<f64> = noise(1, count).into_iter().enumerate().map(slower).collect();
            let mut shuffled = visits(&residuals);
            shuffled.reverse();
            let found = drift(&shuffled).expect("a drift");
            assert!((2.0..4.0).contains(&found.percent), "{} %", found.percent);
        }
    }

    #[test]
    fn an_autoregressive_series_is_autocorrelated() {
        let mut last = 0.0;
        let next = |noise: f64| {
            last = 0.7 * last + noise;
            last
        };
        let values: Vec<f64> = noise(2, 100).into_iter().map(next).collect();
        let found = autocorrelated(&values).expect("a correlation");
        assert!(found.lag_one > 0.4 && found.effective_number < 45.0, "{found:?}");
        assert!(autocorrelated_visits(&visits(&values)).is_some());
        let among = autocorrelated_among(&[&noise(3, 50), &values, &noise(4, 50)]);
        assert_eq!(among.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn false_positives_are_as_rare_as_the_significance_level() {
        let runs = 2000;
        let count = |test: &dyn Fn(&[f64]) -> bool, length| {
            (0..runs).filter(|seed| test(&noise(1000 + seed, length))).count()
        };
        for length in [12, 15, 50, 300] {
            let ratios = count(&|values| autocorrelated(values).is_some(), length);
            let absolute = count(
                &|values| {
                    let visits = visits(values);
                    drift(&visits).is_some() || autocorrelated_visits(&visits).is_some()
                },
                length,
            );
            assert!(ratios < 130, "{ratios} of {runs} at {length}");
            assert!(absolute < 130, "{absolute} of {runs} at {length}");
        }
    }

    #[test]
    fn residuals_are_relative_to_the_case_and_in_order_of_time() {
        let found = residuals(&[
            vec![(0.0, 100.0), (2.0, 110.0), (4.0, 100.0)],
            vec![(3.0, 9.0), (1.0, 9.0), (5.0, 0.0)],
        ]);
        let starts: Vec<f64> = found.iter().map(|visit| visit.started_s).collect();
        assert_eq!(starts, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(found[1].log_residual, 0.0);
        assert!((found[2].log_residual - 1.1_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn few_visits_are_not_tested() {
        let rising: Vec<f64> = (0..9).map(f64::from).collect();
        assert_eq!(drift(&visits(&rising)), None);
        assert_eq!(autocorrelated(&rising), None);
        assert_eq!(drift(&[]), None);
        assert_eq!(autocorrelated_visits(&[]), None);
    }
}
