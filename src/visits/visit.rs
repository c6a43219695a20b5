//! One visit: its outcome, its metrics and the check of its tallies.

use std::sync::Arc;

use super::{Disturbance, VisitMetrics};
use crate::record::Position;

/// Outcome of a visit.
#[derive(Clone, Debug, PartialEq)]
pub enum VisitOutcome {
    /// Median wall time of the calls of an undisturbed visit, in nanoseconds.
    Clean(f64),
    /// Median wall time of the calls of a disturbed visit. Its pair is left out.
    Disturbed(f64, Disturbance),
    /// Description of what went wrong.
    Failed(String),
}

/// Result of one visit.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Position in the run.
    pub position: Position,
    /// Index of its case in the plan.
    pub case: usize,
    /// Start, in nanoseconds since the start of the session.
    pub started_ns: u64,
    /// Time to create the team (nanoseconds).
    pub setup_ns: Option<u64>,
    /// Outcome, with the time of a call.
    pub outcome: VisitOutcome,
    /// Metrics besides the time of a call.
    pub metrics: Arc<VisitMetrics>,
    /// Check of its tallies; empty for a failed visit.
    pub tally_check: TallyCheck,
}

impl Visit {
    /// Makes the visit a failed one. An earlier reason is kept.
    pub(super) fn invalidate(&mut self, reason: &str) {
        if !matches!(self.outcome, VisitOutcome::Failed(_)) {
            self.outcome = VisitOutcome::Failed(reason.to_string());
        }
        self.tally_check = TallyCheck::default();
    }

    /// Time of a call of an undisturbed visit.
    pub fn clean_ns(&self) -> Option<f64> {
        match self.outcome {
            VisitOutcome::Clean(ns) => Some(ns),
            VisitOutcome::Disturbed(..) | VisitOutcome::Failed(_) => None,
        }
    }

    /// Time of a call, of a disturbed visit too.
    pub fn any_ns(&self) -> Option<f64> {
        match self.outcome {
            VisitOutcome::Clean(ns) | VisitOutcome::Disturbed(ns, _) => Some(ns),
            VisitOutcome::Failed(_) => None,
        }
    }
}

/// Selection of the visits that a figure is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitSelection {
    /// Undisturbed visits: those of the headline figures.
    Clean,
    /// All visits that did not fail.
    All,
}

/// Comparison of tallies with the expected ones, over visits that did not fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TallyCheck {
    /// Calls that returned a tally, warm-ups included.
    pub calls: usize,
    /// Calls whose tally is the expected one, bit for bit.
    pub identical_calls: usize,
}

impl TallyCheck {
    /// Returns whether there were calls and each returned the expected tally.
    pub fn identical(&self) -> bool {
        self.calls > 0 && self.calls == self.identical_calls
    }
}
