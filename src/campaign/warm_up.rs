//! Warm-up of backends: the number of calls until their times are steady, from one visit
//! of many calls each, before the first round.

use super::executor::{Executor, Interrupted};
use super::forecast::Forecast;
use super::references::reference_of;
use super::stopping::LOOKS;
use super::visit_spec::{IsaChoice, VisitSpec, Workload};
use crate::record::{Plan, Position, WarmUp};
use crate::registry::Registry;
use crate::stats::median;

/// Calls of such a visit.
const CALLS: u32 = 30;

/// Last calls of a visit, which count as steady.
const TAIL: usize = 15;

/// Relative excess over the median of the tail from which a call is not warm.
const TOLERANCE: f64 = 0.01;

/// Excess over the median of the tail, in median absolute deviations, from which a call is
/// not warm: it must exceed the usual noise of the machine as well.
const MAX_DEVIATIONS: f64 = 5.0;

/// Largest share of the time budget that is used for warm-up: the rest is for the rounds.
const MAX_SHARE_OF_BUDGET: f64 = 0.5;

/// Fewest rounds of a run in which warm-up is measured. A shorter one is in a hurry.
const MIN_ROUNDS: u32 = LOOKS[0];

/// Forecast of the time for measuring the warm-up of these cases.
pub fn forecast_ns(plan: &Plan, forecast: &Forecast, cases: &[usize]) -> f64 {
    cases.iter().map(|case| forecast.visit_with_calls_ns(&plan.cases[*case], CALLS)).sum()
}

/// Cases whose warm-up is measured: of each backend of the harness the first with the most
/// threads that do not exceed the usable CPUs. Foreign runners are left out, since a call
/// may take seconds. There are none if they would use up the time budget.
pub fn cases(plan: &Plan, registry: &Registry, forecast: &Forecast) -> Vec<usize> {
    if plan.stopping.rounds < MIN_ROUNDS {
        return Vec::new();
    }
    let mut best: Vec<usize> = Vec::new();
    for (index, case) in plan.cases.iter().enumerate() {
        if case.threads() > forecast.usable_cpus() || registry.backend(&case.backend).is_none() {
            continue;
        }
        let same_backend = best.iter_mut().find(|other| {
            let other = &plan.cases[**other];
            (&other.backend, &other.kernel) == (&case.backend, &case.kernel)
        });
        match same_backend {
            None => best.push(index),
            Some(other) if plan.cases[*other].threads() < case.threads() => *other = index,
            Some(_) => {}
        }
    }
    let forecast_ns = forecast_ns(plan, forecast, &best);
    if is_affordable(forecast_ns, plan.stopping.time_budget_ns) { best } else { Vec::new() }
}

/// Measures the warm-up of these cases, and appends it to `warm_ups`. A case that fails is
/// left to the rounds, which report it.
pub fn measure(
    executor: &mut Executor<'_>,
    plan: &Plan,
    forecast: &Forecast,
    cases: &[usize],
    warm_ups: &mut Vec<WarmUp>,
) -> Result<(), Interrupted> {
    for &index in cases {
        let case = &plan.cases[index];
        let Some(reference) = reference_of(plan, executor.registry, case) else { continue };
        let spec = VisitSpec {
            case,
            workload: Workload::Job(reference),
            warmup: 0,
            iterations: CALLS,
            timeout: forecast.timeout_with_calls(case, CALLS),
            isa: IsaChoice::Fastest,
        };
        let result = executor.visit(&spec, Position::default())?;
        let times = result.call_ns();
        if let (None, Some(calls)) = (result.problem, cold_calls(&times)) {
            warm_ups.push(WarmUp { case: index, calls, of: CALLS });
        }
    }
    Ok(())
}

/// Tells whether a time budget has room for the warm-up.
fn is_affordable(forecast_ns: f64, time_budget_ns: Option<u64>) -> bool {
    time_budget_ns.is_none_or(|budget_ns| forecast_ns <= MAX_SHARE_OF_BUDGET * budget_ns as f64)
}

/// Number of calls before the first that is as fast as the last ones.
fn cold_calls(times: &[f64]) -> Option<u32> {
    let tail = &times[times.len().checked_sub(TAIL)?..];
    let middle = median(tail)?;
    let deviations: Vec<f64> = tail.iter().map(|time| (time - middle).abs()).collect();
    let tolerance = (TOLERANCE * middle).max(MAX_DEVIATIONS * median(&deviations)?);
    let cold = times.iter().take_while(|time| **time > middle + tolerance);
    Some(cold.count() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_cold_until_the_first_that_is_warm() {
        let mut times = vec![100.0; 30];
        assert_eq!(cold_calls(&times), Some(0));
        times[0] = 300.0;
        times[1] = 102.0;
        assert_eq!(cold_calls(&times), Some(2));
        times[1] = 100.9;
        assert_eq!(cold_calls(&times), Some(1));
        // A slow call later on is noise.
        times[7] = 300.0;
        assert_eq!(cold_calls(&times), Some(1));
        assert_eq!(cold_calls(&times[..10]), None);
    }

    #[test]
    fn warm_up_leaves_time_for_the_rounds() {
        assert!(is_affordable(1e12, None));
        assert!(is_affordable(1.5e9, Some(3_000_000_000)));
        assert!(!is_affordable(3e9, Some(3_000_000_000)));
    }

    #[test]
    fn on_a_noisy_machine_only_outliers_are_cold() {
        let noisy = |call: usize| 100.0 + (call * 37 % 10) as f64;
        let mut times: Vec<f64> = (0..30).map(noisy).collect();
        times[0] = 110.0;
        assert_eq!(cold_calls(&times), Some(0));
        times[0] = 140.0;
        assert_eq!(cold_calls(&times), Some(1));
    }
}
