//! Result of a visit: its rows, its time, and the reason for which it failed.

use std::time::Duration;

use crate::record::{ExpectedOutput, Phase, PrintedOutput, Row};
use crate::runner::protocol::CheckMode;

/// Result of a visit.
pub struct VisitResult {
    /// Rows of the visit; the last is that of the whole visit.
    pub rows: Vec<Row>,
    /// Time from the start of the runner until the end of its last process.
    pub wall: Duration,
    /// Reason for which the visit failed and does not count.
    pub problem: Option<String>,
    /// Output of a command that must always print the same, if this was its first run;
    /// without its label.
    pub first_output: Option<ExpectedOutput>,
    /// Output of a command that may print anything; without the index of its case.
    pub printed: Option<PrintedOutput>,
    /// Check that the runner asked for.
    pub check: CheckMode,
}

impl VisitResult {
    /// Marks the visit as failed.
    pub fn fail(&mut self, problem: String) {
        if let Some(row) = self.rows.last_mut() {
            row.error.clone_from(&problem);
        }
        self.problem = Some(problem);
    }

    /// Wall times of the counted calls, in nanoseconds.
    pub fn call_ns(&self) -> Vec<f64> {
        let calls = self.rows.iter().filter(|row| row.phase == Phase::Call);
        calls.filter_map(|row| row.wall_ns).map(|ns| ns as f64).collect()
    }

    /// CPU time of the first counted call; `None` if unknown.
    #[cfg(feature = "program")]
    pub fn cpu_time(&self) -> Option<Duration> {
        let call = self.rows.iter().find(|row| row.phase == Phase::Call)?;
        Some(Duration::from_nanos(call.user_ns? + call.system_ns?))
    }

    /// Time of the visit outside its calls, counted or not.
    pub fn overhead_ns(&self) -> f64 {
        let calls = self.rows.iter().filter(|row| matches!(row.phase, Phase::Call | Phase::Warmup));
        self.wall.as_nanos() as f64 - sum(calls.filter_map(|row| row.wall_ns)) as f64
    }
}

/// Sum of times that a runner reported, which may be any numbers.
pub fn sum(times: impl IntoIterator<Item = u64>) -> u64 {
    times.into_iter().fold(0, u64::saturating_add)
}
