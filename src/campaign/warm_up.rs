//! How many calls a backend needs to warm up: one visit of many calls each,
//! before the first round.

use super::calibrate::Forecast;
use super::errand::{Errand, Form, Task};
use super::stopping::LOOKS;
use super::{Campaign, Interrupted};
use crate::record::{Plan, Position, WarmUp};
use crate::stats::median;

/// Calls of such a visit.
const CALLS: u32 = 30;

/// The last calls, by which the others are judged.
const TAIL: usize = 15;

/// A call that is slower than those of the tail by more than this share of
/// their median is not warm.
const TOLERANCE: f64 = 0.01;

/// And by more than so many times their median distance from it: what a
/// machine's noise does all the time says nothing of the first calls.
const DISTANCES: f64 = 5.0;

/// At most this share of the time budget goes into it: a run has time for its
/// rounds, or it finds out nothing at all.
const SHARE_OF_BUDGET: f64 = 0.5;

/// A run of fewer rounds is in a hurry.
const LEAST_ROUNDS: u32 = LOOKS[0];

/// What trying them is going to take, in nanoseconds.
pub fn forecast_ns(plan: &Plan, forecast: &Forecast, cases: &[usize]) -> f64 {
    cases.iter().map(|case| forecast.visit_of_ns(&plan.cases[*case], CALLS)).sum()
}

impl Campaign<'_> {
    /// The cases that are tried: of each backend of ours the first with the most
    /// threads that are not more than the usable CPUs. Other runners may take
    /// seconds for a call, and are not asked for thirty. None where that would use up
    /// the time budget.
    pub(super) fn warm_up_cases(&self) -> Vec<usize> {
        let plan = &self.run.plan;
        if !self.tries_warm_up || plan.stopping.rounds < LEAST_ROUNDS {
            return Vec::new();
        }
        let mut best: Vec<usize> = Vec::new();
        for (index, case) in plan.cases.iter().enumerate() {
            if case.threads() > self.usable_cpus || self.registry.backend(&case.backend).is_none() {
                continue;
            }
            let same = |other: &usize| {
                let other = &plan.cases[*other];
                (&other.backend, &other.kernel) == (&case.backend, &case.kernel)
            };
            match best.iter().position(same) {
                None => best.push(index),
                Some(at) if plan.cases[best[at]].threads() < case.threads() => best[at] = index,
                Some(_) => {}
            }
        }
        let forecast_ns = forecast_ns(plan, &self.forecast, &best);
        if is_affordable(forecast_ns, plan.stopping.time_budget_ns) { best } else { Vec::new() }
    }

    /// Tries each backend once. One that fails is left to the rounds, which
    /// will say so.
    pub(super) fn try_warm_up(&mut self) -> Result<(), Interrupted> {
        for case in self.warm_up_cases() {
            let settings = self.run.plan.cases[case].clone();
            let Some(truth) = self.truth_of(&settings) else { continue };
            let timeout = self.forecast.patience(&settings, CALLS);
            let errand = Errand {
                case: &settings,
                task: Task::Job(truth),
                warmup: 0,
                iterations: CALLS,
                timeout,
                form: Form::Fastest,
            };
            let visited = self.send(&errand, Position::default())?;
            let times: Vec<f64> = visited.call_ns().map(|ns| ns as f64).collect();
            if let (None, Some(calls), Some(session)) =
                (visited.problem, slow_at_first(&times), self.run.sessions.last_mut())
            {
                session.warm_ups.push(WarmUp { case, calls, of: CALLS });
            }
        }
        Ok(())
    }
}

/// Whether a time budget leaves time for it.
fn is_affordable(forecast_ns: f64, time_budget_ns: Option<u64>) -> bool {
    time_budget_ns.is_none_or(|budget_ns| forecast_ns <= SHARE_OF_BUDGET * budget_ns as f64)
}

/// How many calls passed until the time was what it stayed at.
fn slow_at_first(times: &[f64]) -> Option<u32> {
    let tail = &times[times.len().checked_sub(TAIL)?..];
    let middle = median(tail)?;
    let distances: Vec<f64> = tail.iter().map(|time| (time - middle).abs()).collect();
    let tolerance = (TOLERANCE * middle).max(DISTANCES * median(&distances)?);
    let slow = times.iter().take_while(|time| **time > middle + tolerance);
    Some(slow.count() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_count_as_cold_until_the_first_that_is_warm() {
        let mut times = vec![100.0; 30];
        assert_eq!(slow_at_first(&times), Some(0));
        times[0] = 300.0;
        times[1] = 102.0;
        assert_eq!(slow_at_first(&times), Some(2));
        times[1] = 100.9;
        assert_eq!(slow_at_first(&times), Some(1));
        // A slow call later on is noise.
        times[7] = 300.0;
        assert_eq!(slow_at_first(&times), Some(1));
        assert_eq!(slow_at_first(&times[..10]), None);
    }

    #[test]
    fn trying_does_not_use_up_the_time_that_the_rounds_have() {
        assert!(is_affordable(1e12, None));
        assert!(is_affordable(1.5e9, Some(3_000_000_000)));
        assert!(!is_affordable(3e9, Some(3_000_000_000)));
    }

    #[test]
    fn on_a_noisy_machine_only_what_stands_out_is_cold() {
        let noisy = |call: usize| 100.0 + (call * 37 % 10) as f64;
        let mut times: Vec<f64> = (0..30).map(noisy).collect();
        times[0] = 110.0;
        assert_eq!(slow_at_first(&times), Some(0));
        times[0] = 140.0;
        assert_eq!(slow_at_first(&times), Some(1));
    }
}
