//! Calibration of foreign runners: their speeds.
//!
//! A loop in pure Python is some hundred times slower than a kernel of the harness.
//! Forecast by the harness's own speed, a run of it would be announced as a minute, last
//! hours, and have every visit killed.

use std::time::Duration;

use super::calibration::{CALLS, MIN_CALL_NS};
use super::executor::{Executor, Interrupted};
use super::forecast::{Forecast, Speed};
use super::tally_check::Reference;
use super::visit_result::VisitResult;
use super::visit_spec::{IsaChoice, VisitSpec, Workload};
use crate::plan::{MOST_DRAWS, Pin};
use crate::record::{Case, Plan, Position};
use crate::stats::median;

/// Timeout of a visit of the calibration. A runner that exceeds it is left to the rounds,
/// which report what is wrong with it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Call of a runner from which a note is shown.
const LONG_CALL_NS: f64 = 2e9;

/// Blocks of the first call.
const FIRST_BLOCKS: u64 = 4;

/// Least factor between the draws of successive calls.
const MIN_GROWTH: u64 = 16;

/// Call from which the calibration ends, since the next would exceed its timeout.
const MAX_CALL_NS: f64 = 1e8;

/// Measures the speed of each foreign runner at each kernel, with one worker. One that
/// fails is forecast with the speed of the harness.
pub fn measure_speeds(
    executor: &mut Executor<'_>,
    plan: &Plan,
    forecast: &mut Forecast,
) -> Result<(), Interrupted> {
    let mut cases: Vec<Case> = Vec::new();
    for case in &plan.cases {
        let is_new = !cases
            .iter()
            .any(|other| (&other.kernel, &other.backend) == (&case.kernel, &case.backend));
        if plan.runners.contains_key(&case.backend) && is_new {
            cases.push(Case { nthread: 1, pin: Pin::None.to_string(), ..case.clone() });
        }
    }
    for case in cases {
        if let Some(speed) = measure_speed(executor, plan, case)? {
            forecast.add(speed);
        }
    }
    Ok(())
}

/// Measures the speed of a runner, with calls that grow until they are long enough and
/// their time is proportional to the draws. A runner that computes many blocks at once
/// needs as much time for one of them.
fn measure_speed(
    executor: &mut Executor<'_>,
    plan: &Plan,
    mut case: Case,
) -> Result<Option<Speed>, Interrupted> {
    let most = case.draws.unwrap_or(u64::MAX).min(MOST_DRAWS);
    let mut draws = (FIRST_BLOCKS * case.block).min(most);
    let mut previous: Option<(u64, f64)> = None;
    loop {
        case.draws = Some(draws);
        let Some(visit) = short_visit(executor, plan, &case)? else { return Ok(None) };
        let calls = visit.call_ns();
        let Some(call_ns) = median(&calls) else { return Ok(None) };
        let is_long = call_ns >= MIN_CALL_NS as f64;
        let is_steady =
            previous.is_some_and(|previous| is_proportional(previous, (draws, call_ns)));
        if (is_long && is_steady) || draws >= most || call_ns > MAX_CALL_NS {
            return Ok(Some(Speed {
                kernel: case.kernel,
                runner: Some(case.backend),
                ns_per_draw: call_ns / draws as f64,
                overhead_ns: visit.overhead_ns(),
            }));
        }
        previous = Some((draws, call_ns));
        let growth = 2.0 * MIN_CALL_NS as f64 / call_ns.max(1.0);
        let growth = (growth.ceil() as u64).next_power_of_two().clamp(MIN_GROWTH, 1024);
        draws = draws.saturating_mul(growth).min(most);
    }
}

/// Makes a visit that leaves no rows; `None` if it fails.
fn short_visit(
    executor: &mut Executor<'_>,
    plan: &Plan,
    case: &Case,
) -> Result<Option<VisitResult>, Interrupted> {
    let Ok(kernel) = executor.kernel_of(case) else { return Ok(None) };
    let spec = VisitSpec {
        case,
        workload: Workload::Job(Reference { kernel, tally: None }),
        warmup: 0,
        iterations: CALLS,
        timeout: TIMEOUT.min(plan.timeout_ns.map_or(TIMEOUT, Duration::from_nanos)),
        isa: IsaChoice::Fastest,
    };
    let result = executor.visit(&spec, Position::default())?;
    Ok(result.problem.is_none().then_some(result))
}

/// Notes about runners with long calls, since draws are chosen by the speed of the harness.
pub fn notes(plan: &Plan, forecast: &Forecast) -> Vec<String> {
    let slowest = plan.runners.keys().filter_map(|runner| {
        let cases = plan.cases.iter().filter(|case| case.backend == *runner);
        cases.max_by(|a, b| forecast.call_ns(a).total_cmp(&forecast.call_ns(b)))
    });
    slowest
        .filter(|case| forecast.speed(&case.kernel, Some(&case.backend)).is_some())
        .filter(|case| forecast.call_ns(case) > LONG_CALL_NS)
        .map(|case| {
            format!(
                "a call of {} takes about {:.0} s at n = {}; fewer --draws make it shorter",
                case.backend,
                forecast.call_ns(case) / 1e9,
                case.nthread
            )
        })
        .collect()
}

/// Tells whether the time of a call has grown about as much as its draws.
fn is_proportional((few, short_ns): (u64, f64), (many, long_ns): (u64, f64)) -> bool {
    long_ns / short_ns >= 0.75 * many as f64 / few as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_mostly_overhead_does_not_give_the_speed() {
        assert!(is_proportional((4, 10.0), (64, 160.0)));
        assert!(is_proportional((4, 10.0), (64, 121.0)));
        assert!(!is_proportional((4, 10.0), (64, 30.0)));
    }
}
