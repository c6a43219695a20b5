//! Check that a scaling law describes the measured points, without which none of its figures is
//! stated.
//!
//! The residual of a thread count is the ratio of the measured throughput to that of the law. The
//! largest one decides: a lack-of-fit test would become stricter with better data.

use std::collections::BTreeMap;

use crate::quantity::pluralize;
use crate::stats::scaling::Curve;
use crate::stats::{median, median_interval};
use crate::visits::CONFIDENCE;

/// Largest relative residual of a law that describes points with rounds.
const MAX_RESIDUAL: f64 = 0.05;

/// Largest relative residual of a law that describes the points of a table, which may have no
/// repeats.
const MAX_TABLE_RESIDUAL: f64 = 0.10;

/// The largest residual of a law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LargestResidual {
    /// Thread count with that residual.
    pub nthread: f64,
    /// Measured throughput divided by that of the law.
    pub ratio: f64,
    /// Interval of this ratio; `None` without rounds.
    pub ends: Option<(f64, f64)>,
}

/// Result of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Description {
    /// The law describes the points.
    Describes,
    /// Some point deviates from the law by more than the limit.
    Fails,
    /// The intervals are too wide to tell.
    Unknown,
}

impl LargestResidual {
    /// The largest residual of a law over the rounds of a run: of each count the median, after the
    /// effect of each round is removed. `None` without rounds.
    pub fn of_rounds(
        curve: &Curve,
        counts: &[f64],
        logs: &[Vec<(u32, f64)>],
    ) -> Option<LargestResidual> {
        let mut by_round: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        let mut residuals = Vec::with_capacity(counts.len());
        for (count, logs) in counts.iter().zip(logs) {
            let expected = curve.throughput(*count).ln();
            let of_count: Vec<(u32, f64)> =
                logs.iter().map(|(round, log)| (*round, log - expected)).collect();
            for (round, residual) in &of_count {
                by_round.entry(*round).or_default().push(*residual);
            }
            residuals.push(of_count);
        }
        // A round that is slow as a whole is no deviation from the law. Its effect is relative to
        // that of all rounds, so that the fit keeps its level.
        let effects: BTreeMap<u32, f64> =
            by_round.iter().map(|(round, all)| (*round, mean(all))).collect();
        let level = mean(&effects.values().copied().collect::<Vec<f64>>());
        let of_counts = counts.iter().zip(&residuals).filter_map(|(count, residuals)| {
            let values: Vec<f64> =
                residuals.iter().map(|(round, log)| log - effects[round] + level).collect();
            let ends = median_interval(&values, CONFIDENCE);
            let ends = ends.map(|interval| (interval.low.exp(), interval.high.exp()));
            Some(LargestResidual { nthread: *count, ratio: median(&values)?.exp(), ends })
        });
        largest(of_counts)
    }

    /// The largest residual of a law over the points of a table, of which those with the same
    /// count are averaged.
    pub fn of_table(curve: &Curve, points: &[(f64, f64)]) -> Option<LargestResidual> {
        let mut counts: Vec<f64> = points.iter().map(|(count, _)| *count).collect();
        counts.sort_by(f64::total_cmp);
        counts.dedup();
        largest(counts.into_iter().map(|count| {
            let repeats: Vec<f64> =
                points.iter().filter(|(it, _)| *it == count).map(|(_, value)| *value).collect();
            let ratio = mean(&repeats) / curve.throughput(count);
            LargestResidual { nthread: count, ratio, ends: None }
        }))
    }

    /// The verdict on the law.
    pub fn description(&self) -> Description {
        let Some((low, high)) = self.ends else {
            return match self.ratio.ln().abs() <= MAX_TABLE_RESIDUAL.ln_1p() {
                true => Description::Describes,
                false => Description::Fails,
            };
        };
        let limit = MAX_RESIDUAL.ln_1p();
        let (low, high) = (low.ln(), high.ln());
        // The end that is nearer to the law, which is 0 if the interval includes it.
        let nearest = if low > 0.0 { low } else { (-high).max(0.0) };
        match () {
            () if low.abs().max(high.abs()) <= limit => Description::Describes,
            () if nearest > limit => Description::Fails,
            () => Description::Unknown,
        }
    }

    /// The point in words: "at 4 threads it is 1.23 (1.20–1.26) times the law's".
    pub fn text(&self) -> String {
        let ends = self.ends.map(|(low, high)| format!(" ({low:.2}–{high:.2})"));
        format!(
            "at {} the throughput is {:.2}{} times that of the law",
            threads(self.nthread),
            self.ratio,
            ends.unwrap_or_default()
        )
    }
}

/// The residual that is farthest from the law.
fn largest(residuals: impl Iterator<Item = LargestResidual>) -> Option<LargestResidual> {
    residuals
        .filter(|residual| residual.ratio.is_finite() && residual.ratio > 0.0)
        .max_by(|one, other| one.ratio.ln().abs().total_cmp(&other.ratio.ln().abs()))
}

/// A number of threads, which need not be whole in a table.
pub fn threads(count: f64) -> String {
    match count.fract() == 0.0 {
        true => pluralize(count as u64, "thread"),
        false => format!("{count} threads"),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::scaling::Model;

    const LINEAR: Curve = Curve { model: Model::Amdahl, gamma: 10.0, sigma: 0.0, kappa: 0.0 };

    /// The check of a law by which 4 threads have `ratio` times the throughput, in ten rounds with
    /// this noise and a machine that is twice as slow in each second round.
    fn check(ratio: f64, noise: f64) -> Description {
        let counts: [f64; 4] = [1.0, 2.0, 4.0, 8.0];
        let logs: Vec<Vec<(u32, f64)>> = counts
            .iter()
            .map(|count| {
                let value = |round: u32| {
                    let effect = if round.is_multiple_of(2) { 0.0 } else { 2.0_f64.ln() };
                    let noise = noise * (f64::from((round * 7 + *count as u32) % 11) / 5.0 - 1.0);
                    let extra = if *count == 4.0 { ratio.ln() } else { 0.0 };
                    (round, (10.0 * count).ln() + noise + extra - effect + 0.5 * 2.0_f64.ln())
                };
                (0..10).map(value).collect()
            })
            .collect();
        LargestResidual::of_rounds(&LINEAR, &counts, &logs).expect("rounds").description()
    }

    #[test]
    fn a_law_describes_points_near_it_whatever_single_rounds_do() {
        assert_eq!(check(1.0, 0.005), Description::Describes);
        assert_eq!(check(1.02, 0.005), Description::Describes);
    }

    #[test]
    fn one_point_far_off_breaks_a_law() {
        assert_eq!(check(1.3, 0.005), Description::Fails);
        assert_eq!(check(0.7, 0.005), Description::Fails);
    }

    #[test]
    fn wide_intervals_do_not_tell() {
        assert_eq!(check(1.05, 0.15), Description::Unknown);
    }

    #[test]
    fn repeats_of_a_table_are_averaged() {
        let near = [(1.0, 9.0), (1.0, 11.0), (2.0, 21.0)];
        let found = LargestResidual::of_table(&LINEAR, &near).expect("points");
        assert_eq!((found.nthread, found.description()), (2.0, Description::Describes));
        let far = [(1.0, 4.88), (2.0, 20.0)];
        let found = LargestResidual::of_table(&LINEAR, &far).expect("points");
        assert_eq!((found.nthread, found.description()), (1.0, Description::Fails));
        assert_eq!(found.text(), "at 1 thread the throughput is 0.49 times that of the law");
    }
}
