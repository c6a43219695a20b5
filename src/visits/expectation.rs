//! The tallies that jobs must return.

use super::Answers;
use crate::record::{Expected, Row};

/// What each job must return.
pub struct Expectation {
    jobs: Vec<Job>,
}

struct Job {
    kernel: String,
    seed: u64,
    block: u64,
    draws: u64,
    sum: i128,
    sum_sq: i128,
}

impl Expectation {
    /// By the reference visits of a plan. A tally that is no number is nobody's
    /// answer.
    pub fn of(expected: &[Expected]) -> Expectation {
        let job = |it: &Expected| {
            Some(Job {
                kernel: it.kernel.clone(),
                seed: it.seed,
                block: it.block,
                draws: it.draws,
                sum: it.sum.parse().ok()?,
                sum_sq: it.sum_sq.parse().ok()?,
            })
        };
        Expectation { jobs: expected.iter().filter_map(job).collect() }
    }

    /// What the calls of a visit answered, warm-ups included.
    pub fn judge(&self, rows: &[&Row]) -> Answers {
        let answered = || rows.iter().filter(|row| row.tally_draws.is_some());
        let is_right = |row: &&&Row| self.jobs.iter().any(|job| job.is_answered_by(row));
        Answers { calls: answered().count(), identical_calls: answered().filter(is_right).count() }
    }

    /// Where there is no reference: the first answer to each job is taken for it.
    pub fn learn(&mut self, rows: &[&Row]) {
        for row in rows {
            let case = &row.case;
            let answer = (case.draws, row.tally_draws, row.tally_sum, row.tally_sum_sq);
            let (Some(draws), Some(tally_draws), Some(sum), Some(sum_sq)) = answer else {
                continue;
            };
            if draws == tally_draws && !self.jobs.iter().any(|job| job.is_of(row)) {
                let (kernel, seed, block) = (case.kernel.clone(), case.seed, case.block);
                self.jobs.push(Job { kernel, seed, block, draws, sum, sum_sq });
            }
        }
    }
}

impl Job {
    fn is_of(&self, row: &Row) -> bool {
        let case = &row.case;
        (&case.kernel, case.seed, case.block, case.draws)
            == (&self.kernel, self.seed, self.block, Some(self.draws))
    }

    /// Whether a row carries the tally that the job must return.
    fn is_answered_by(&self, row: &Row) -> bool {
        self.is_of(row)
            && (row.tally_draws, row.tally_sum, row.tally_sum_sq)
                == (Some(self.draws), Some(self.sum), Some(self.sum_sq))
    }
}
