//! Before the first round: how fast other runners are.
//!
//! A loop of pure Python is some hundred times slower than ours. Whoever forecasts
//! it by our own speed promises a minute for what takes hours, and kills every
//! visit of it.

use std::time::Duration;

use super::calibrate::{CALLS, LONG_ENOUGH_NS, Speed};
use super::errand::{Errand, Form, Task};
use super::visit::Visited;
use super::{Campaign, Interrupted, Truth};
use crate::plan::{MOST_DRAWS, Pin};
use crate::record::{Case, Position};
use crate::stats::median;

/// A visit that is made to know the pace lasts no longer. One that does is left to
/// the rounds, which say what is wrong with it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A call of a runner that lasts longer is worth a remark.
const LONG_CALL_NS: f64 = 2e9;

/// Blocks of the first call.
const BLOCKS: u64 = 4;

/// Each call has at least so many times the draws of the one before.
const GROWTH: u64 = 16;

/// A call that is so long tells enough: the next would use up the patience.
const LONGEST_CALL_NS: f64 = 1e8;

impl Campaign<'_> {
    /// Measures each runner of others once a kernel, with one worker. One that
    /// fails is forecast as if it were ours.
    pub(super) fn measure_pace(&mut self) -> Result<(), Interrupted> {
        let mut cases: Vec<Case> = Vec::new();
        for case in &self.run.plan.cases {
            let is_known =
                |other: &Case| (&other.kernel, &other.backend) == (&case.kernel, &case.backend);
            if self.run.plan.runners.contains_key(&case.backend) && !cases.iter().any(is_known) {
                cases.push(alone(case));
            }
        }
        for case in cases {
            if let Some(speed) = self.pace_of(case)? {
                self.forecast.add(speed);
            }
        }
        Ok(())
    }

    /// Calls that grow until they are long enough, and as long as their draws are many:
    /// what computes many blocks at once takes as long for one of them.
    fn pace_of(&mut self, mut case: Case) -> Result<Option<Speed>, Interrupted> {
        let most = case.draws.unwrap_or(u64::MAX).min(MOST_DRAWS);
        let mut draws = (BLOCKS * case.block).min(most);
        let mut before: Option<(u64, f64)> = None;
        loop {
            case.draws = Some(draws);
            let Some(visited) = self.short_visit(&case)? else { return Ok(None) };
            let calls: Vec<f64> = visited.call_ns().map(|ns| ns as f64).collect();
            let Some(call_ns) = median(&calls) else { return Ok(None) };
            let is_long = call_ns >= LONG_ENOUGH_NS as f64;
            let is_steady = before.is_some_and(|before| is_proportional(before, (draws, call_ns)));
            if (is_long && is_steady) || draws >= most || call_ns > LONGEST_CALL_NS {
                let overhead_ns = visited.wall.as_nanos() as f64 - visited.all_calls_ns() as f64;
                return Ok(Some(Speed {
                    kernel: case.kernel.clone(),
                    runner: Some(case.backend.clone()),
                    ns_per_draw: call_ns / draws as f64,
                    overhead_ns,
                }));
            }
            before = Some((draws, call_ns));
            let growth = 2.0 * LONG_ENOUGH_NS as f64 / call_ns.max(1.0);
            let growth = (growth.ceil() as u64).next_power_of_two().clamp(GROWTH, 1024);
            draws = draws.saturating_mul(growth).min(most);
        }
    }

    /// A visit of few draws, which leaves no rows; `None` if it fails.
    fn short_visit(&mut self, case: &Case) -> Result<Option<Visited>, Interrupted> {
        let Ok(kernel) = self.kernel_of(case) else { return Ok(None) };
        let given = self.run.plan.timeout_ns.map_or(PATIENCE, Duration::from_nanos);
        let errand = Errand {
            case,
            task: Task::Job(Truth { kernel, tally: None }),
            warmup: 0,
            iterations: CALLS,
            timeout: PATIENCE.min(given),
            form: Form::Fastest,
        };
        let visited = self.send(&errand, Position::default())?;
        Ok(visited.problem.is_none().then_some(visited))
    }

    /// A remark for each runner whose calls are long, since draws are chosen by
    /// the speed of ours.
    pub(super) fn remarks_on_pace(&self) -> Vec<String> {
        let plan = &self.run.plan;
        let slowest = |runner: &str| {
            let cases = plan.cases.iter().filter(|case| case.backend == runner);
            let timed = cases.map(|case| (self.forecast.call_ns(case), case));
            timed.max_by(|one, other| one.0.total_cmp(&other.0))
        };
        let long = plan.runners.keys().filter_map(|runner| slowest(runner));
        long.filter(|(call_ns, case)| {
            *call_ns > LONG_CALL_NS && self.forecast.knows(&case.kernel, &case.backend)
        })
        .map(|(call_ns, case)| {
            let seconds = call_ns / 1e9;
            format!(
                "a call of {} takes about {seconds:.0} s, at n = {}: fewer --draws make it shorter",
                case.backend, case.nthread
            )
        })
        .collect()
    }
}

/// Whether the time of a call has grown about as its draws have.
fn is_proportional((few, short_ns): (u64, f64), (many, long_ns): (u64, f64)) -> bool {
    long_ns / short_ns >= 0.75 * many as f64 / few as f64
}

/// The job of a case with one worker, wherever the system puts it.
fn alone(case: &Case) -> Case {
    Case { nthread: 1, pin: Pin::None.to_string(), ..case.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_mostly_waits_for_its_start_says_little_of_the_pace() {
        assert!(is_proportional((4, 10.0), (64, 160.0)));
        assert!(is_proportional((4, 10.0), (64, 121.0)));
        assert!(!is_proportional((4, 10.0), (64, 30.0)));
    }
}
