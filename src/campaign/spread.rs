//! Whether the answers of a runner with random numbers of its own differ from visit
//! to visit as chance has it.
//!
//! Each answer may be plausible and all of them together not: a generator that is
//! seeded with a constant says the same in every visit, and workers that share
//! one stream make the estimate scatter wider than its standard error. So the
//! squares of the distances from the mean, in standard errors, must be a
//! plausible χ²: between visits with R − 1 degrees of freedom, and between the
//! calls of a visit with one less than there are calls, for each.
//!
//! The question is asked again after every visit. After the Rth each of the four
//! answers (too narrow or too wide, between visits or within) may be wrong with
//! probability [`FALSE_ALARMS`] / (R (R − 1)); over all R from 2 on these add up
//! to [`FALSE_ALARMS`], however long the run is.

use crate::kernel::Tally;
use crate::record::{Phase, Plan, Row};
use crate::runner::protocol::Check;
use crate::stats::chi_square_tails;
use crate::visits::rows_by_visit;

/// In this share of clean cases each of the four alarms is false, whatever the
/// number of rounds.
const FALSE_ALARMS: f64 = 1e-6;

/// A sum of fewer draws is not normal enough.
const LEAST_DRAWS: u64 = 1000;

/// The answers of every case so far.
pub struct Spread {
    cases: Vec<History>,
}

/// The answers of one case: those of each visit.
#[derive(Clone, Debug, Default)]
struct History {
    visits: Vec<Vec<Tally>>,
}

impl Spread {
    /// Before the first visit.
    pub fn at_start(plan: &Plan) -> Spread {
        Spread { cases: vec![History::default(); plan.cases.len()] }
    }

    /// After the rows of earlier sessions. They do not say how a runner wants to be
    /// checked: a case whose tallies are all what `expected` says of it is taken
    /// for one with the harness's own streams.
    pub fn after(rows: &[Row], plan: &Plan, expected: impl Fn(usize) -> Option<Tally>) -> Spread {
        let mut spread = Spread::at_start(plan);
        for visit in rows_by_visit(rows).into_values() {
            let Some(last) = visit.last().filter(|row| row.error.is_empty()) else { continue };
            let Some(case) = plan.cases.iter().position(|case| *case == last.case) else {
                continue;
            };
            let answers = answers(visit.iter().copied());
            if answers.iter().any(|answer| Some(*answer) != expected(case)) {
                spread.cases[case].visits.push(answers);
            }
        }
        spread
    }

    /// A visit to that case has these rows, and its runner said how it is to be
    /// checked.
    ///
    /// # Errors
    /// What is wrong with the answers of its case so far, this visit's among them.
    pub fn visited(&mut self, case: usize, check: Check, rows: &[Row]) -> Result<(), String> {
        let Some(history) = self.cases.get_mut(case).filter(|_| check == Check::Z) else {
            return Ok(());
        };
        history.visits.push(answers(rows));
        history.judge()
    }
}

/// The tallies of all calls, warm-ups included.
fn answers<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<Tally> {
    let is_call = |row: &&Row| matches!(row.phase, Phase::Call | Phase::Warmup);
    let tally = |row: &Row| {
        Some(Tally { draws: row.tally_draws?, sum: row.tally_sum?, sum_sq: row.tally_sum_sq? })
    };
    rows.into_iter().filter(is_call).filter_map(tally).collect()
}

/// Squared distances from a mean, and what they are compared with.
struct Squares {
    /// Their sum, in standard errors².
    sum: f64,
    degrees: usize,
    /// So much of the distance, as a vector, may be due to sums being whole
    /// numbers, in standard errors.
    rounding: f64,
}

/// What is unlikely about squares.
enum Oddity {
    /// All are zero.
    Same,
    /// Distances are this share of what chance has.
    Narrow(f64),
    /// Distances are so many times what chance has.
    Wide(f64),
}

impl Squares {
    /// What is less likely than `level`. Whole numbers may agree by chance, so
    /// that narrow answers are given what rounding may have taken from them.
    fn oddity(&self, level: f64) -> Option<Oddity> {
        let distances = (self.sum / self.degrees as f64).sqrt();
        let (_, upper) = chi_square_tails(self.sum, self.degrees);
        if upper < level {
            return Some(Oddity::Wide(distances));
        }
        let unrounded = (self.sum.sqrt() + self.rounding).powi(2);
        let (lower, _) = chi_square_tails(unrounded, self.degrees);
        match lower < level {
            true if self.sum == 0.0 => Some(Oddity::Same),
            true => Some(Oddity::Narrow(distances)),
            false => None,
        }
    }
}

impl History {
    fn judge(&self) -> Result<(), String> {
        let visits = self.visits.len();
        let Some((between, within)) = self.squares().filter(|_| visits > 1) else {
            return Ok(());
        };
        let looks = visits as f64 * (visits as f64 - 1.0);
        let level = FALSE_ALARMS / looks;
        let fixed = "are the random numbers fixed?";
        let shared = "do workers share random numbers?";
        let problem = match (between.oddity(level), within.oddity(level)) {
            (None, None) => return Ok(()),
            (Some(Oddity::Same), _) => format!("the same answer in {visits} visits: {fixed}"),
            (_, Some(Oddity::Same)) if between.sum == 0.0 => {
                format!("the same answer in {visits} visits: {fixed}")
            }
            (_, Some(Oddity::Same)) => {
                format!("the same answer in every call of each of {visits} visits: {fixed}")
            }
            (Some(Oddity::Narrow(share)), _) => format!(
                "the answers of {visits} visits spread only {share:.2} times as far as chance has \
                 it: {fixed}"
            ),
            (_, Some(Oddity::Narrow(share))) => format!(
                "the answers of a visit's calls spread only {share:.2} times as far as chance has \
                 it, in {visits} visits: {fixed}"
            ),
            (Some(Oddity::Wide(times)), _) => format!(
                "the answers of {visits} visits spread {times:.1} times as far as chance has it: \
                 {shared}"
            ),
            (_, Some(Oddity::Wide(times))) => format!(
                "the answers of a visit's calls spread {times:.1} times as far as chance has it, \
                 in {visits} visits: {shared}"
            ),
        };
        Err(format!("wrong tally: {problem}"))
    }

    /// Between the visits, and between the calls of a visit: independent of each
    /// other, where the answers are.
    fn squares(&self) -> Option<(Squares, Squares)> {
        let first = self.visits.first()?.first().filter(|tally| tally.draws >= LEAST_DRAWS)?;
        // Integers first: a sum may be larger than a float is exact.
        let distance = |tally: &Tally| tally.sum.wrapping_sub(first.sum) as f64;
        let sigma = self.sigma()?;
        let (mut calls, mut inside, mut means) = (0.0, 0.0, Vec::new());
        for visit in self.visits.iter().filter(|visit| !visit.is_empty()) {
            let values: Vec<f64> = visit.iter().map(|tally| distance(tally) / sigma).collect();
            let mean = mean(&values);
            inside += values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            calls += values.len() as f64;
            means.push((values.len() as f64, mean));
        }
        let centre = means.iter().map(|(count, mean)| count * mean).sum::<f64>() / calls;
        let outside = means.iter().map(|(count, mean)| count * (mean - centre).powi(2)).sum();
        // Each sum, and each total of a visit, lies within half a unit of a value
        // that is not rounded.
        let half = 0.5 / sigma;
        let totals: f64 = means.iter().map(|(count, _)| 1.0 / count).sum();
        let between =
            Squares { sum: outside, degrees: means.len() - 1, rounding: half * totals.sqrt() };
        let degrees = calls as usize - means.len();
        let within = Squares { sum: inside, degrees, rounding: half * calls.sqrt() };
        Some((between, within))
    }

    /// Standard deviation of a call's sum: of all calls together, since one of few
    /// hits does not know its own well.
    fn sigma(&self) -> Option<f64> {
        let error = |tally: &Tally| tally.std_error(tally.draws as f64);
        let variances: Vec<f64> =
            self.visits.iter().flatten().filter_map(error).map(|error| error * error).collect();
        Some(mean(&variances).sqrt()).filter(|sigma| *sigma > 0.0)
    }
}

/// NaN of none.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
#[path = "spread/tests.rs"]
mod tests;
