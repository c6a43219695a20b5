//! Before the first visit to a function: how many calls a visit needs, and how long
//! the run will take.

use std::time::Duration;

use super::errand::{Errand, Form, Task};
use super::{Campaign, Interrupted};
use crate::record::{Case, Plan, Position};
use crate::stats::median;

/// The counted calls of a visit last at least this long together, by the shortest.
const ENOUGH_NS: f64 = 10_000_000.0;

/// And at most this long, by the longest: the process of a visit costs less.
const TOO_MUCH_NS: f64 = 200_000_000.0;

/// And are at most so many: each of them is a row.
const MOST_CALLS: f64 = 200.0;

/// Calls of a visit that tries; the first is not counted.
const CALLS: u32 = 3;

/// What a visit that tried says.
#[derive(Clone, Copy, Debug)]
struct Tried {
    call_ns: f64,
    /// What the visit lasted beyond its counted calls.
    beyond_ns: f64,
}

impl Campaign<'_> {
    /// Chooses the calls of a visit where nobody gave them, and forecasts the run. A
    /// function that fails is left to the rounds, which will say so.
    pub(super) fn try_functions(&mut self) -> Result<(), Interrupted> {
        if !self.run.plan.target.is_function() {
            return Ok(());
        }
        let mut tried: Vec<Tried> = Vec::new();
        for case in ends(&self.run.plan) {
            tried.extend(self.try_function(&case)?);
            // Calls that are so long need no others beside them, whoever is faster.
            if self.run.plan.iterations > 0 || tried.iter().any(|it| it.call_ns >= ENOUGH_NS) {
                break;
            }
        }
        let plan = &mut self.run.plan;
        if plan.iterations == 0 {
            plan.iterations = calls(&tried);
        }
        let longest = |tried: &Tried| tried.beyond_ns + f64::from(plan.iterations) * tried.call_ns;
        let visit_ns = tried.iter().map(longest).fold(0.0, f64::max);
        if let Some(first) = plan.cases.first() {
            self.forecast.every_visit_lasts(&first.kernel, visit_ns);
        }
        Ok(())
    }

    fn try_function(&mut self, case: &Case) -> Result<Option<Tried>, Interrupted> {
        let plan = &self.run.plan;
        let Some(baseline) = plan.baseline.and_then(|it| plan.cases.get(it)).cloned() else {
            return Ok(None);
        };
        // Where the number of calls is given, one tells how long they will take.
        let iterations = if plan.iterations == 0 { CALLS } else { 1 };
        let errand = Errand {
            case,
            task: Task::Function(&baseline),
            warmup: plan.warmup,
            iterations,
            timeout: plan.timeout_ns.map_or(super::calibrate::LONGEST, Duration::from_nanos),
            form: Form::Fastest,
        };
        let visited = self.send(&errand, Position::default())?;
        let calls: Vec<f64> = visited.call_ns().map(|ns| ns as f64).collect();
        let beyond_ns = visited.wall.as_nanos() as f64 - calls.iter().sum::<f64>();
        Ok(median(&calls)
            .filter(|_| visited.problem.is_none())
            .map(|call_ns| Tried { call_ns, beyond_ns }))
    }
}

/// Of each function the cases with the fewest and the most threads, the baseline
/// first.
fn ends(plan: &Plan) -> Vec<Case> {
    let mut ends: Vec<Case> = Vec::new();
    for same in plan.cases.chunk_by(|one, other| one.backend == other.backend) {
        ends.extend(same.first().cloned());
        ends.extend(same[1..].last().cloned());
    }
    ends
}

/// Calls of a visit, by the shortest and the longest call that were seen.
fn calls(tried: &[Tried]) -> u32 {
    let times = tried.iter().map(|it| it.call_ns.max(1.0));
    let shortest = times.clone().fold(f64::INFINITY, f64::min);
    let longest = times.fold(1.0, f64::max);
    (ENOUGH_NS / shortest).min(TOO_MUCH_NS / longest).min(MOST_CALLS).ceil().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls_of(times_ns: &[f64]) -> u32 {
        let tried = |&call_ns: &f64| Tried { call_ns, beyond_ns: 0.0 };
        calls(&times_ns.iter().map(tried).collect::<Vec<_>>())
    }

    #[test]
    fn long_calls_stand_alone_and_short_ones_come_in_numbers() {
        assert_eq!(calls_of(&[2e9]), 1);
        assert_eq!(calls_of(&[1e7, 2e7]), 1);
        assert_eq!(calls_of(&[1e6]), 10);
        assert_eq!(calls_of(&[1e3]), 200);
        assert_eq!(calls_of(&[]), 1, "where every function failed");
    }

    #[test]
    fn a_slow_function_does_not_make_visits_endless() {
        assert_eq!(calls_of(&[1e5, 1e8]), 2);
    }
}
