//! Results of a comparison of two runs, as plain data.

use serde::Serialize;

use super::{Difference, Renamed};
use crate::record::Case;
use crate::stats::Verdict;

/// The metric that the verdicts are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judged {
    /// Speedup of each case over the baseline of its own run.
    Speedup,
    /// Absolute times, including those of the baselines.
    Time,
}

/// Conclusion of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// A case became slower.
    Regression,
    /// No case is significantly slower, and some case is unresolved.
    Undecided,
    /// Every case is equivalent or faster.
    Passed,
}

/// Comparison of two runs. A ratio above 1 always means faster.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Conclusion from all verdicts.
    pub conclusion: Conclusion,
    /// Metric that the verdicts are about.
    pub judged: Judged,
    /// Margin of equivalence, as a share.
    pub margin: f64,
    /// Level of each interval.
    pub confidence: f64,
    /// Level of each joint interval.
    pub joint_confidence: f64,
    /// Number of cases with a verdict.
    pub comparisons: usize,
    /// Cases of both runs, job by job.
    pub cases: Vec<Change>,
    /// Cases of the run before only.
    pub only_before: Vec<Case>,
    /// Cases of the run after only.
    pub only_after: Vec<Case>,
    /// Names of the run before that stand for others of the run after.
    pub renamed: Vec<Renamed>,
    /// Differences of the machines.
    pub machines: Vec<Difference>,
    /// Other differences of the runs.
    pub notes: Vec<Difference>,
}

/// Change of a case between two runs.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Settings in the run after.
    #[serde(flatten)]
    pub case: Case,
    /// Settings that distinguish it from cases of the same name.
    #[serde(skip)]
    pub detail: String,
    /// Number of its job in the run after.
    #[serde(skip)]
    pub job: usize,
    /// True for a baseline.
    #[serde(skip)]
    pub is_baseline: bool,
    /// Draws before; if they differ from those after, times are per draw.
    pub draws_before: Option<u64>,
    /// Pairs before.
    pub pairs_before: usize,
    /// Pairs after.
    pub pairs_after: usize,
    /// Change of the speedup; empty for a baseline.
    pub speedup: Shift,
    /// Change of the time of a call, in nanoseconds; of a draw, if the draws differ.
    pub time_ns: Shift,
    /// Verdict; `None` for a baseline, unless times are judged.
    pub verdict: Option<Verdict>,
    /// Smallest change that such comparisons detect with a power of 80%.
    pub smallest_change: Option<f64>,
    /// Rounds in each run that are needed for a verdict if the ratio stays the same and the
    /// interval shrinks; only for an unresolved case.
    pub rounds_needed: Option<u32>,
}

/// Change of a metric between two runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Shift {
    /// Value before.
    pub before: Option<f64>,
    /// Value after.
    pub after: Option<f64>,
    /// Ratio of speeds, after to before.
    pub ratio: Option<f64>,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end of its interval.
    pub high: Option<f64>,
    /// Lower end of its joint interval, which holds simultaneously with those of all others.
    pub joint_low: Option<f64>,
    /// Upper end of its joint interval.
    pub joint_high: Option<f64>,
}

impl Change {
    /// True if times are per draw, because the draws of a call differ.
    pub fn is_per_draw(&self) -> bool {
        self.case.draws != self.draws_before
    }

    /// Change of the judged metric.
    pub fn judged(&self, judged: Judged) -> &Shift {
        match judged {
            Judged::Speedup => &self.speedup,
            Judged::Time => &self.time_ns,
        }
    }
}

impl Comparison {
    /// Cases with this verdict.
    pub fn with(&self, verdict: Verdict) -> Vec<&Change> {
        self.cases.iter().filter(|change| change.verdict == Some(verdict)).collect()
    }

    /// Baselines whose own time changed by more than the margin: then speedups changed for
    /// that reason.
    pub fn moved_baselines(&self) -> Vec<&Change> {
        let limit = self.margin.ln_1p();
        let baselines = self.cases.iter().filter(|change| change.is_baseline);
        baselines
            .filter(|change| change.time_ns.ratio.is_some_and(|ratio| ratio.ln().abs() > limit))
            .collect()
    }
}
