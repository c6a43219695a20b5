//! Whether the rounds of a run can be taken for independent, and whether the
//! machine drifted while they were measured.
//!
//! Ratios within a group survive a drift of the machine, absolute times do not;
//! and neither survives noise that remembers the round before. No interval says
//! so by itself, hence these alarms. Both questions about absolute times are
//! asked of all visits of all cases: a run has many times more visits than
//! rounds, and what slows the machine down slows them all.
//!
//! Each alarm is false in about one clean run in twenty; those two that concern
//! absolute times share that one.

use std::cmp::Ordering;

use super::{Autocorrelation, holm, mann_kendall, median, theil_sen};

/// In this share of clean runs an alarm about ratios may be false, and one
/// about absolute times.
const FALSE_ALARMS: f64 = 0.05;

/// Two alarms concern absolute times.
const FALSE_ALARMS_OF_EACH: f64 = FALSE_ALARMS / 2.0;

/// Fewer values say nothing.
const LEAST: usize = 10;

/// The slope is that of at most so many points: it takes all pairs of them.
const POINTS: usize = 100;

/// A visit, compared with its like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit {
    /// When it began, in seconds since any fixed time.
    pub started_s: f64,
    /// ln of its time less ln of the median time of its case.
    pub log_residual: f64,
}

/// The machine became slower or faster over the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// By so many percent the times changed from the first visit to the last, by
    /// Theil and Sen's slope: positive where it became slower.
    pub percent: f64,
    /// Probability of such a trend if there is none (Mann and Kendall).
    pub p: f64,
}

/// Of the alarms about a ratio, which have a twentieth together, this part is
/// given to a correlation with the round before; the rest to a trend.
const CORRELATION: f64 = 0.8;

/// Values remember those before them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autocorrelated {
    /// Correlation with the value before.
    pub lag_one: f64,
    /// Number of the values.
    pub count: usize,
    /// Independent values that would say as much.
    pub effective_number: f64,
    /// Probability of such a correlation, or trend, if they are independent.
    pub p: f64,
}

impl Autocorrelated {
    /// By so much an interval that takes them for independent is too narrow.
    pub fn widening(&self) -> f64 {
        (self.count as f64 / self.effective_number).sqrt().max(1.0)
    }
}

/// The visits of all cases, in order of time, from their start (in seconds) and
/// wall time (in nanoseconds): one list for each case. A visit without a
/// positive time is left out.
pub fn residuals(cases: &[Vec<(f64, f64)>]) -> Vec<Visit> {
    let mut visits = Vec::new();
    for case in cases {
        let timed = || case.iter().filter(|(_, ns)| *ns > 0.0);
        let times: Vec<f64> = timed().map(|(_, ns)| *ns).collect();
        let Some(middle) = median(&times) else { continue };
        visits.extend(
            timed().map(|&(started_s, ns)| Visit { started_s, log_residual: (ns / middle).ln() }),
        );
    }
    visits.sort_by(by_start);
    visits
}

/// Whether times rose or fell over the run: evidence that absolute times depend
/// on when they were measured. The visits of all cases, in any order.
pub fn drift(visits: &[Visit]) -> Option<Drift> {
    let visits = in_order(visits);
    let p = mann_kendall(&log_residuals(&visits))?.p;
    if visits.len() < LEAST || p >= FALSE_ALARMS_OF_EACH {
        return None;
    }
    let batches = visits.chunks(visits.len().div_ceil(POINTS));
    let points: Vec<(f64, f64)> = batches.filter_map(middle).collect();
    let span_s = visits.last()?.started_s - visits.first()?.started_s;
    let change = theil_sen(&points)? * span_s;
    Some(Drift { percent: change.exp_m1() * 100.0, p })
}

/// Whether visits remember those before them: evidence that the intervals of
/// absolute times are too narrow. The visits of all cases, in any order.
pub fn autocorrelated_visits(visits: &[Visit]) -> Option<Autocorrelated> {
    let found = correlation(&log_residuals(&in_order(visits)))?;
    (found.p < FALSE_ALARMS_OF_EACH).then_some(found)
}

/// Whether the log ratios of one case, in the order of their rounds, remember
/// those before them: evidence that the interval of the ratio is too narrow. A
/// positive correlation with the round before, or a trend; a negative one makes
/// no interval too narrow.
///
/// Of several cases ask [`autocorrelated_among`].
pub fn autocorrelated(log_ratios: &[f64]) -> Option<Autocorrelated> {
    memory(log_ratios).filter(|found| found.p < FALSE_ALARMS)
}

/// The same of several cases: which of them, so that a run in which no case is
/// autocorrelated raises no alarm in 19 of 20, however many cases it has
/// (Holm). One answer a case.
pub fn autocorrelated_among(cases: &[&[f64]]) -> Vec<Option<Autocorrelated>> {
    let found: Vec<Option<Autocorrelated>> = cases.iter().map(|case| memory(case)).collect();
    let p_values: Vec<f64> = found.iter().map(|found| found.map_or(1.0, |it| it.p)).collect();
    let corrected = holm(&p_values);
    found.into_iter().zip(corrected).map(|(it, p)| it.filter(|_| p < FALSE_ALARMS)).collect()
}

/// Both tests together, with the p of the one that says more.
fn memory(log_ratios: &[f64]) -> Option<Autocorrelated> {
    let found = correlation(log_ratios)?;
    let trend = mann_kendall(log_ratios)?.p;
    let p = (found.p / CORRELATION).min(trend / (1.0 - CORRELATION)).min(1.0);
    Some(Autocorrelated { p, ..found })
}

fn correlation(values: &[f64]) -> Option<Autocorrelated> {
    let found = Autocorrelation::of(values).filter(|found| found.count >= LEAST)?;
    Some(Autocorrelated {
        lag_one: found.lag_one,
        count: found.count,
        effective_number: found.effective_number(),
        p: found.p_positive(),
    })
}

fn by_start(a: &Visit, b: &Visit) -> Ordering {
    a.started_s.total_cmp(&b.started_s)
}

fn in_order(visits: &[Visit]) -> Vec<Visit> {
    let mut visits = visits.to_vec();
    visits.sort_by(by_start);
    visits
}

fn log_residuals(visits: &[Visit]) -> Vec<f64> {
    visits.iter().map(|visit| visit.log_residual).collect()
}

/// The point in the middle of neighbouring visits.
fn middle(visits: &[Visit]) -> Option<(f64, f64)> {
    let starts: Vec<f64> = visits.iter().map(|visit| visit.started_s).collect();
    Some((median(&starts)?, median(&log_residuals(visits))?))
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

    fn visits(log_residuals: &[f64]) -> Vec<Visit> {
        let visit =
            |(index, &log_residual)| Visit { started_s: 0.5 * f64::from(index), log_residual };
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
    fn what_remembers_the_value_before_is_autocorrelated() {
        let mut last = 0.0;
        let remember = |noise: f64| {
            last = 0.7 * last + noise;
            last
        };
        let values: Vec<f64> = noise(2, 100).into_iter().map(remember).collect();
        let found = autocorrelated(&values).expect("an alarm");
        assert!(found.lag_one > 0.4 && found.effective_number < 45.0, "{found:?}");
        assert!(autocorrelated_visits(&visits(&values)).is_some());
        let among = autocorrelated_among(&[&noise(3, 50), &values, &noise(4, 50)]);
        assert_eq!(among.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn clean_runs_raise_each_alarm_once_in_twenty_or_forty() {
        let runs = 2000;
        let count = |alarm: &dyn Fn(&[f64]) -> bool, length| {
            (0..runs).filter(|seed| alarm(&noise(1000 + seed, length))).count()
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
    fn few_visits_raise_no_alarm() {
        let rising: Vec<f64> = (0..9).map(f64::from).collect();
        assert_eq!(drift(&visits(&rising)), None);
        assert_eq!(autocorrelated(&rising), None);
        assert_eq!(drift(&[]), None);
        assert_eq!(autocorrelated_visits(&[]), None);
    }
}
