//! One visit: what a runner is asked, and what comes of it.

use std::time::{Duration, Instant};

use super::errand::Errand;
use super::hearing::Hearing;
use super::listen::CutShort;
use super::progress::Progress;
use super::supervise::Supervisor;
use crate::machine::Places;
use crate::machine::interference::InterferenceMeter;
use crate::record::{ExpectedOutput, Phase, Position, Row};
use crate::registry::Registry;
use crate::runner::protocol::Check;

/// What came of a visit.
pub struct Visited {
    /// Its rows, the one of the whole visit last.
    pub rows: Vec<Row>,
    /// From the start of the runner until nothing of it was left.
    pub wall: Duration,
    /// What went wrong; such a visit does not count.
    pub problem: Option<String>,
    /// What a command printed, where it must always print the same and nobody knew
    /// what; without its label.
    pub first_printed: Option<ExpectedOutput>,
    /// How its answers were to be checked.
    pub check: Check,
}

impl Visited {
    /// It turns out that something is wrong with it, after it seemed well.
    pub fn fail(&mut self, problem: String) {
        if let Some(row) = self.rows.last_mut() {
            row.error.clone_from(&problem);
        }
        self.problem = Some(problem);
    }

    /// Wall times of the counted calls.
    pub fn call_ns(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows.iter().filter(|row| row.phase == Phase::Call).filter_map(|row| row.wall_ns)
    }

    /// Wall time of all calls, warm-ups included.
    pub fn all_calls_ns(&self) -> u64 {
        let is_call = |row: &&Row| matches!(row.phase, Phase::Call | Phase::Warmup);
        sum(self.rows.iter().filter(is_call).filter_map(|row| row.wall_ns))
    }
}

/// Sends a runner on its errand, with workers in their `places` if the case has
/// them pinned, and writes down what it says. What the machine
/// took away is read before the runner starts and when nothing of it is left.
///
/// # Errors
/// If a signal cut it short.
pub fn visit(
    supervisor: &mut Supervisor,
    registry: &Registry,
    places: &Places,
    errand: &Errand<'_>,
    clerk: Clerk<'_>,
) -> Result<Visited, CutShort> {
    let request = errand.visit(places);
    let (mut command, input) = errand.process(registry, &request);
    let before = clerk.meter.snapshot();
    let mut hearing = Hearing::new(&request, errand, clerk);
    let watched = supervisor.watch(&mut command, &input, errand.timeout, &mut hearing)?;
    Ok(hearing.close(watched, &before))
}

/// Who writes the rows down: where the visit stands, on which clock, and whom
/// to tell that time passes.
pub struct Clerk<'a> {
    /// Start of the session.
    pub session_start: Instant,
    /// Where the visit stands.
    pub position: Position,
    /// Told once a second.
    pub progress: &'a Progress,
    /// Read before and after the visit.
    pub meter: &'a InterferenceMeter,
}

/// A sum of times that a runner reported: it may have reported anything.
pub(super) fn sum(times: impl IntoIterator<Item = u64>) -> u64 {
    times.into_iter().fold(0, u64::saturating_add)
}
