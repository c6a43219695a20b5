//! Calibration of a run of functions: the calls of a visit, and the time of a visit.

use std::time::Duration;

use super::executor::{Executor, Interrupted};
use super::forecast::{Forecast, MAX_DURATION, Speed};
use super::visit_spec::{IsaChoice, VisitSpec, Workload};
use crate::record::{Case, Plan, Position};
use crate::stats::median;

/// Least total time of a visit's counted calls, for the function with the shortest call.
const MIN_CALLS_NS: f64 = 10_000_000.0;

/// Largest total time of a visit's counted calls, for the function with the longest call:
/// much more than the start of a process takes.
const MAX_CALLS_NS: f64 = 200_000_000.0;

/// Largest number of calls of a visit: each of them is a row.
const MAX_CALLS: f64 = 200.0;

/// Counted calls of a visit of the calibration.
const CALLS: u32 = 3;

/// Times of a visit of the calibration.
#[derive(Clone, Copy, Debug)]
struct VisitTimes {
    call_ns: f64,
    /// Time of the visit outside its counted calls.
    overhead_ns: f64,
}

/// Chooses the calls of a visit where they are not given, and forecasts the visits. A
/// function that fails is left to the rounds, which report it.
pub fn calibrate(
    executor: &mut Executor<'_>,
    plan: &mut Plan,
    forecast: &mut Forecast,
) -> Result<(), Interrupted> {
    let mut times: Vec<VisitTimes> = Vec::new();
    for case in extreme_cases(plan) {
        times.extend(measure(executor, plan, &case)?);
        // One long call settles that a visit has one call, however short others are.
        if plan.iterations > 0 || times.iter().any(|visit| visit.call_ns >= MIN_CALLS_NS) {
            break;
        }
    }
    if plan.iterations == 0 {
        plan.iterations = choose_calls(&times);
    }
    let calls = f64::from(plan.iterations);
    let overhead_ns =
        times.iter().map(|visit| visit.overhead_ns + calls * visit.call_ns).fold(0.0, f64::max);
    if let Some(first) = plan.cases.first() {
        // Every visit is forecast to take as long as the longest of these.
        let kernel = first.kernel.clone();
        forecast.add(Speed { kernel, runner: None, ns_per_draw: 0.0, overhead_ns });
    }
    Ok(())
}

/// Measures a visit to a case; `None` if it fails.
fn measure(
    executor: &mut Executor<'_>,
    plan: &Plan,
    case: &Case,
) -> Result<Option<VisitTimes>, Interrupted> {
    let Some(baseline) = plan.baseline.and_then(|index| plan.cases.get(index)) else {
        return Ok(None);
    };
    let spec = VisitSpec {
        case,
        workload: Workload::Function(baseline),
        warmup: plan.warmup,
        // Where the number of calls is given, one is enough for the forecast.
        iterations: if plan.iterations == 0 { CALLS } else { 1 },
        timeout: plan.timeout_ns.map_or(MAX_DURATION, Duration::from_nanos),
        isa: IsaChoice::Fastest,
    };
    let result = executor.visit(&spec, Position::default())?;
    let calls = result.call_ns();
    let overhead_ns = result.wall.as_nanos() as f64 - calls.iter().sum::<f64>();
    Ok(median(&calls)
        .filter(|_| result.problem.is_none())
        .map(|call_ns| VisitTimes { call_ns, overhead_ns }))
}

/// Cases of each function with the fewest and the most threads, the baseline first.
fn extreme_cases(plan: &Plan) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for of_function in plan.cases.chunk_by(|one, other| one.backend == other.backend) {
        cases.extend(of_function.first().cloned());
        cases.extend(of_function[1..].last().cloned());
    }
    cases
}

/// Number of calls of a visit, by the shortest and the longest measured call.
fn choose_calls(visits: &[VisitTimes]) -> u32 {
    let times = visits.iter().map(|visit| visit.call_ns.max(1.0));
    let shortest = times.clone().fold(f64::INFINITY, f64::min);
    let longest = times.fold(1.0, f64::max);
    (MIN_CALLS_NS / shortest).min(MAX_CALLS_NS / longest).min(MAX_CALLS).ceil().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls_for(times_ns: &[f64]) -> u32 {
        let visit = |&call_ns: &f64| VisitTimes { call_ns, overhead_ns: 0.0 };
        choose_calls(&times_ns.iter().map(visit).collect::<Vec<_>>())
    }

    #[test]
    fn a_visit_has_one_long_call_or_many_short_ones() {
        assert_eq!(calls_for(&[2e9]), 1);
        assert_eq!(calls_for(&[1e7, 2e7]), 1);
        assert_eq!(calls_for(&[1e6]), 10);
        assert_eq!(calls_for(&[1e3]), 200);
        assert_eq!(calls_for(&[]), 1, "where every function failed");
    }

    #[test]
    fn a_slow_function_limits_the_calls_of_all() {
        assert_eq!(calls_for(&[1e5, 1e8]), 2);
    }
}
