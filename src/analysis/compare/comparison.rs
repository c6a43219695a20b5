//! What came of comparing two runs, as plain data.

use serde::Serialize;

use super::Difference;
use crate::record::Case;
use crate::stats::Verdict;

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judged {
    /// Each case against the baseline of its own run.
    Speedup,
    /// Raw times, those of the baselines included.
    Time,
}

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// A case became slower.
    Regression,
    /// None is shown to be slower, and some case is unresolved.
    Undecided,
    /// Every case is equivalent or faster.
    Passed,
}

/// Two runs compared. A ratio above 1 means faster, everywhere.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// What came of it.
    pub conclusion: Conclusion,
    /// What the verdicts are about.
    pub judged: Judged,
    /// A change by less than this share does not count.
    pub margin: f64,
    /// Level of each interval.
    pub confidence: f64,
    /// Level of each joint interval.
    pub joint_confidence: f64,
    /// Cases that are judged.
    pub comparisons: usize,
    /// The cases that both runs have, job by job.
    pub cases: Vec<Change>,
    /// Cases of the run before that the other has not.
    pub only_before: Vec<Case>,
    /// Cases of the run after that the other has not.
    pub only_after: Vec<Case>,
    /// In what the machines differ.
    pub machines: Vec<Difference>,
    /// In what else the runs differ.
    pub notes: Vec<Difference>,
}

/// What became of a case.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Its settings in the run after.
    #[serde(flatten)]
    pub case: Case,
    /// The settings in which it differs from its namesakes.
    #[serde(skip)]
    pub detail: String,
    /// Number of its job in the run after.
    #[serde(skip)]
    pub job: usize,
    /// Whether it is what others are compared with.
    #[serde(skip)]
    pub is_baseline: bool,
    /// Its draws before; another number means that times are per draw.
    pub draws_before: Option<u64>,
    /// Pairs before.
    pub pairs_before: usize,
    /// Pairs after.
    pub pairs_after: usize,
    /// How its speedup changed; all empty for a baseline.
    pub speedup: Shift,
    /// How its time of a call changed, in nanoseconds; of a draw, where the
    /// draws differ.
    pub time_ns: Shift,
    /// Whether it became faster; `None` of a baseline, unless times are judged.
    pub verdict: Option<Verdict>,
    /// The smallest change that would have been found in four of five such
    /// comparisons.
    pub smallest_change: Option<f64>,
    /// Rounds in each run that would decide, if the figures stayed the same and the
    /// intervals shrank; of an unresolved case.
    pub rounds_needed: Option<u32>,
}

/// A figure before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Shift {
    /// The figure before.
    pub before: Option<f64>,
    /// The figure after.
    pub after: Option<f64>,
    /// How many times as fast.
    pub ratio: Option<f64>,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end of its interval.
    pub high: Option<f64>,
    /// Lower end of the interval that holds jointly with those of all others.
    pub joint_low: Option<f64>,
    /// Its upper end.
    pub joint_high: Option<f64>,
}

impl Change {
    /// Whether its times are those of a draw, since the calls are not alike.
    pub fn is_per_draw(&self) -> bool {
        self.case.draws != self.draws_before
    }

    /// The figure that is judged.
    pub fn judged(&self, judged: Judged) -> &Shift {
        match judged {
            Judged::Speedup => &self.speedup,
            Judged::Time => &self.time_ns,
        }
    }
}

impl Comparison {
    /// The cases with that verdict.
    pub fn with(&self, verdict: Verdict) -> Vec<&Change> {
        self.cases.iter().filter(|change| change.verdict == Some(verdict)).collect()
    }

    /// The baselines whose own time changed by more than the margin: then
    /// speedups changed that say nothing of their cases.
    pub fn moved_baselines(&self) -> Vec<&Change> {
        let limit = self.margin.ln_1p();
        let is_moved = |change: &&Change| {
            change.is_baseline && change.time_ns.ratio.is_some_and(|it| it.ln().abs() > limit)
        };
        self.cases.iter().filter(is_moved).collect()
    }
}
