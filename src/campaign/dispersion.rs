//! Dispersion test: do the tallies of a runner with random numbers of its own vary between
//! visits as chance has it?
//!
//! Each tally may be plausible and all of them together not: a generator with a constant
//! seed returns the same in every visit, and workers that share one stream make the
//! estimate vary more than its standard error says. So the squared distances from the
//! mean, in standard errors, must be a plausible χ²: between R visits with R − 1 degrees
//! of freedom, and between the calls of a visit with one less than there are calls, summed
//! over the visits.
//!
//! The test is repeated after every visit. After the Rth, each of its four alarms (too
//! small or too large, between visits or within) may be false with probability
//! [`FALSE_ALARMS`] / (R (R − 1)); over all R from 2 on these add up to [`FALSE_ALARMS`],
//! however long the run is.

use crate::kernel::Tally;
use crate::record::{Phase, Plan, Row};
use crate::runner::protocol::CheckMode;
use crate::stats::chi_square_tails;
use crate::visits::rows_by_visit;

/// Probability, for each of the four alarms, that it is ever raised against a correct
/// runner, whatever the number of rounds.
const FALSE_ALARMS: f64 = 1e-6;

/// Fewest draws of a call. The sum of fewer is not normal enough.
const MIN_DRAWS: u64 = 1000;

/// Tallies of every case so far.
pub struct DispersionTest {
    cases: Vec<History>,
}

/// Tallies of one case, by visit.
#[derive(Clone, Debug, Default)]
struct History {
    visits: Vec<Vec<Tally>>,
}

impl DispersionTest {
    /// Starts before the first visit.
    pub fn new(plan: &Plan) -> DispersionTest {
        DispersionTest { cases: vec![History::default(); plan.cases.len()] }
    }

    /// Starts after the rows of earlier sessions. They do not say which check a runner
    /// asked for: if all tallies of a visit are the expected ones, its runner is taken for
    /// one with the harness's own streams, to which the test does not apply.
    pub fn after(rows: &[Row], plan: &Plan) -> DispersionTest {
        let mut test = DispersionTest::new(plan);
        for visit in rows_by_visit(rows).into_values() {
            let Some(last) = visit.last().filter(|row| row.error.is_empty()) else { continue };
            let Some(case) = plan.cases.iter().position(|case| *case == last.case) else {
                continue;
            };
            let expected = plan.expected.iter().find(|expected| expected.is_of(&last.case));
            let expected =
                expected.map(|it| Tally { draws: it.draws, sum: it.sum, sum_sq: it.sum_sq });
            let tallies = tallies(visit.iter().copied());
            if tallies.iter().any(|tally| Some(*tally) != expected) {
                test.cases[case].visits.push(tallies);
            }
        }
        test
    }

    /// Adds the rows of a visit to a case, whose runner asked for this check.
    ///
    /// # Errors
    /// If the tallies of the case so far vary too little or too much.
    pub fn add_visit(&mut self, case: usize, check: CheckMode, rows: &[Row]) -> Result<(), String> {
        let Some(history) = self.cases.get_mut(case).filter(|_| check == CheckMode::Z) else {
            return Ok(());
        };
        history.visits.push(tallies(rows));
        history.test()
    }
}

/// Tallies of all calls, counted or not.
fn tallies<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<Tally> {
    rows.into_iter()
        .filter(|row| matches!(row.phase, Phase::Call | Phase::Warmup))
        .filter_map(|row| {
            let (draws, sum) = (row.tally_draws?, row.tally_sum?);
            Some(Tally { draws, sum, sum_sq: row.tally_sum_sq? })
        })
        .collect()
}

/// Squared distances from a mean, and their degrees of freedom.
struct SquaredDistances {
    /// Sum of the squares, in standard errors².
    sum: f64,
    degrees: usize,
    /// Length of the part of the distances, as a vector, that may be due to sums being
    /// integers, in standard errors.
    rounding: f64,
}

/// Improbable dispersion of tallies.
enum Deviation {
    /// All distances are zero.
    Constant,
    /// Distances are this share, below 1, of what chance has.
    TooSmall(f64),
    /// Distances are this multiple of what chance has.
    TooLarge(f64),
}

impl SquaredDistances {
    /// Deviation that is less probable than `level`, if there is one. Integers may be
    /// equal by chance, so small distances are enlarged by what rounding may have taken
    /// from them.
    fn deviation(&self, level: f64) -> Option<Deviation> {
        let ratio = (self.sum / self.degrees as f64).sqrt();
        let (_, upper) = chi_square_tails(self.sum, self.degrees);
        if upper < level {
            return Some(Deviation::TooLarge(ratio));
        }
        let enlarged = (self.sum.sqrt() + self.rounding).powi(2);
        let (lower, _) = chi_square_tails(enlarged, self.degrees);
        match lower < level {
            true if self.sum == 0.0 => Some(Deviation::Constant),
            true => Some(Deviation::TooSmall(ratio)),
            false => None,
        }
    }
}

impl History {
    fn test(&self) -> Result<(), String> {
        let visits = self.visits.len();
        let Some((between, within)) = self.distances().filter(|_| visits > 1) else {
            return Ok(());
        };
        let level = FALSE_ALARMS / (visits as f64 * (visits as f64 - 1.0));
        let fixed = "is the seed of its random numbers constant?";
        let shared = "do its workers share random numbers?";
        let problem = match (between.deviation(level), within.deviation(level)) {
            (None, None) => return Ok(()),
            (Some(Deviation::Constant), _) => format!("the same tally in {visits} visits: {fixed}"),
            (_, Some(Deviation::Constant)) if between.sum == 0.0 => {
                format!("the same tally in {visits} visits: {fixed}")
            }
            (_, Some(Deviation::Constant)) => {
                format!("the same tally in every call of each of {visits} visits: {fixed}")
            }
            (Some(Deviation::TooSmall(ratio)), _) => format!(
                "the estimates of {visits} visits vary {ratio:.2} times as much as expected: {fixed}"
            ),
            (_, Some(Deviation::TooSmall(ratio))) => format!(
                "the estimates of the calls of a visit vary {ratio:.2} times as much as expected, \
                 in {visits} visits: {fixed}"
            ),
            (Some(Deviation::TooLarge(ratio)), _) => format!(
                "the estimates of {visits} visits vary {ratio:.1} times as much as expected: \
                 {shared}"
            ),
            (_, Some(Deviation::TooLarge(ratio))) => format!(
                "the estimates of the calls of a visit vary {ratio:.1} times as much as expected, \
                 in {visits} visits: {shared}"
            ),
        };
        Err(format!("wrong tally: {problem}"))
    }

    /// Distances between the visits, and between the calls of a visit. They are
    /// independent of each other, if the tallies are.
    fn distances(&self) -> Option<(SquaredDistances, SquaredDistances)> {
        let first = self.visits.first()?.first().filter(|tally| tally.draws >= MIN_DRAWS)?;
        let sigma = self.sigma()?;
        let (mut calls, mut within, mut means) = (0.0, 0.0, Vec::new());
        for visit in self.visits.iter().filter(|visit| !visit.is_empty()) {
            // Subtracted as integers: a sum may exceed the precision of a float.
            let values: Vec<f64> = visit
                .iter()
                .map(|tally| tally.sum.wrapping_sub(first.sum) as f64 / sigma)
                .collect();
            let mean = mean(&values);
            within += values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            calls += values.len() as f64;
            means.push((values.len() as f64, mean));
        }
        let centre = means.iter().map(|(count, mean)| count * mean).sum::<f64>() / calls;
        let between = means.iter().map(|(count, mean)| count * (mean - centre).powi(2)).sum();
        // Each sum, and each total of a visit, is within half a unit of a value that is
        // not rounded.
        let half_unit = 0.5 / sigma;
        let totals: f64 = means.iter().map(|(count, _)| 1.0 / count).sum();
        let between = SquaredDistances {
            sum: between,
            degrees: means.len() - 1,
            rounding: half_unit * totals.sqrt(),
        };
        let within = SquaredDistances {
            sum: within,
            degrees: calls as usize - means.len(),
            rounding: half_unit * calls.sqrt(),
        };
        Some((between, within))
    }

    /// Standard deviation of a call's sum, estimated from all calls together, since that
    /// of a single call with few hits is inexact.
    fn sigma(&self) -> Option<f64> {
        let variances: Vec<f64> = self
            .visits
            .iter()
            .flatten()
            .filter_map(|tally| Some(tally.std_error(tally.draws as f64)?.powi(2)))
            .collect();
        Some(mean(&variances).sqrt()).filter(|sigma| *sigma > 0.0)
    }
}

/// Arithmetic mean; NaN for an empty slice.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
#[path = "dispersion/tests.rs"]
mod tests;
