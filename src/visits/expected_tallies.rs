//! Expected tallies, against which the calls of a visit are checked.

use super::TallyCheck;
use crate::record::{ExpectedTally, Row};

/// Expected tallies of all jobs of a run.
pub struct ExpectedTallies(Vec<ExpectedTally>);

impl ExpectedTallies {
    /// Takes the expected tallies of a plan, which may have none.
    pub fn new(expected: &[ExpectedTally]) -> ExpectedTallies {
        ExpectedTallies(expected.to_vec())
    }

    /// Counts the calls of a visit that returned a tally, warm-ups included, and
    /// those of them that returned the expected one.
    pub fn check(&self, rows: &[&Row]) -> TallyCheck {
        let answered = || rows.iter().filter(|row| row.tally_draws.is_some());
        let identical = answered().filter(|row| self.0.iter().any(|tally| tally.matches(row)));
        TallyCheck { calls: answered().count(), identical_calls: identical.count() }
    }

    /// Takes the first tally of each job for the expected one, where there is no
    /// reference visit.
    pub fn learn(&mut self, rows: &[&Row]) {
        for row in rows {
            let case = &row.case;
            let (Some(draws), Some(sum), Some(sum_sq)) =
                (row.tally_draws, row.tally_sum, row.tally_sum_sq)
            else {
                continue;
            };
            let is_known = self.0.iter().any(|tally| tally.is_of(case));
            if case.draws == Some(draws) && !is_known {
                let (kernel, seed, block) = (case.kernel.clone(), case.seed, case.block);
                self.0.push(ExpectedTally { kernel, seed, block, draws, sum, sum_sq });
            }
        }
    }
}
