//! Calibration of a run of kernels: their speeds, and the draws of a call.

use std::time::Duration;

use super::error::CampaignError;
use super::executor::Executor;
use super::forecast::{Forecast, Speed};
use super::runner_calibration;
use super::tally_check::Reference;
use super::visit_result::VisitResult;
use super::visit_spec::{IsaChoice, VisitSpec, Workload};
use crate::plan::{self, Calibration, Draws, MOST_DRAWS, Pin};
use crate::record::{BASELINE, Case, Plan, Position};
use crate::stats::median;

/// Sequential call from which the speed of a kernel is exact enough.
pub const MIN_CALL_NS: u64 = 10_000_000;

/// Calls of a visit that measures a speed.
pub const CALLS: u32 = 3;

/// Shortest call that is chosen to make a run shorter.
const MIN_CHOSEN_CALL_NS: u64 = 2_000_000;

/// Timeout of a visit of the calibration. Its calls are short, but a user's kernel may have
/// slow blocks.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Measures the speeds of the plan's kernels and runners, and chooses the draws of its
/// cases where they are not given.
pub fn calibrate(
    executor: &mut Executor<'_>,
    plan: &mut Plan,
    forecast: &mut Forecast,
    draws: &Draws,
) -> Result<(), CampaignError> {
    let mut kernels: Vec<String> = plan.cases.iter().map(|case| case.kernel.clone()).collect();
    kernels.dedup();
    for kernel in &kernels {
        forecast.add(measure_speed(executor, plan, kernel)?);
    }
    runner_calibration::measure_speeds(executor, plan, forecast)?;
    if let Draws::Calibrated(rule) = draws {
        let cases_without_draws = plan.cases.clone();
        let mut rule = *rule;
        choose_draws(plan, forecast, &kernels, rule);
        // A run that would last too long gets shorter calls.
        while let Some(limit_ns) = rule.run_ns
            && rule.call_ns > MIN_CHOSEN_CALL_NS
            && forecast.rounds_ns(plan, plan.stopping.rounds) > limit_ns as f64
        {
            rule.call_ns /= 2;
            rule.call_ns_per_thread /= 2;
            plan.cases.clone_from(&cases_without_draws);
            choose_draws(plan, forecast, &kernels, rule);
        }
    }
    Ok(())
}

/// Sets the draws of each kernel by a rule.
fn choose_draws(plan: &mut Plan, forecast: &Forecast, kernels: &[String], rule: Calibration) {
    let usable = plan.cases.iter().map(Case::threads).filter(|n| *n <= forecast.usable_cpus());
    let usable = usable.max().unwrap_or(1);
    let is_weak = plan.cases[0].is_weak();
    // With weak scaling the draws are those of one worker.
    let threads: Vec<u32> = plan
        .cases
        .iter()
        .map(|case| if is_weak { case.inner_nthread } else { case.threads() })
        .collect();
    let least = plan::least_draws(&threads, plan.cases[0].block);
    for kernel in kernels {
        let Some(speed) = forecast.speed(kernel, None) else { continue };
        let draws = rule.target_ns(usable) as f64 / speed.ns_per_draw;
        let draws = (draws.ceil() as u64).clamp(least, MOST_DRAWS).next_power_of_two();
        plan::settle(plan, kernel, draws);
    }
}

/// Measures the sequential speed of a kernel, with calls that grow until they are long
/// enough.
fn measure_speed(
    executor: &mut Executor<'_>,
    plan: &Plan,
    kernel: &str,
) -> Result<Speed, CampaignError> {
    let baselines = plan.cases.iter().filter(|case| case.kernel == kernel && case.is_baseline());
    let mut case = baselines.max_by_key(|case| case.draws).map(sequential).unwrap_or_default();
    let most = case.draws.unwrap_or(u64::MAX);
    let mut draws = (32 * case.block).min(most);
    loop {
        case.draws = Some(draws);
        let visit = reference_visit(executor, &case, 1, CALLS, IsaChoice::Fastest, TIMEOUT)?;
        let calls = visit.call_ns();
        let fastest = calls.iter().copied().reduce(f64::min).map_or(1, |ns| ns as u64).max(1);
        if fastest >= MIN_CALL_NS || draws >= most || draws >= 1 << 50 {
            return Ok(Speed {
                kernel: kernel.to_string(),
                runner: None,
                ns_per_draw: median(&calls).unwrap_or(1.0) / draws as f64,
                overhead_ns: visit.overhead_ns(),
            });
        }
        let growth = (2 * MIN_CALL_NS).div_ceil(fastest).next_power_of_two();
        draws = draws.saturating_mul(growth.clamp(2, 1024)).min(most);
    }
}

/// Makes a visit that leaves no rows and must not fail.
pub fn reference_visit(
    executor: &mut Executor<'_>,
    case: &Case,
    warmup: u32,
    iterations: u32,
    isa: IsaChoice,
    timeout: Duration,
) -> Result<VisitResult, CampaignError> {
    let kernel = executor.kernel_of(case)?;
    let workload = Workload::Job(Reference { kernel, tally: None });
    let spec = VisitSpec { case, workload, warmup, iterations, timeout, isa };
    let result = executor.visit(&spec, Position::default())?;
    match result.problem {
        None => Ok(result),
        Some(problem) => Err(CampaignError::Reference(case.kernel.clone(), problem)),
    }
}

/// Case that computes the same job sequentially.
pub fn sequential(case: &Case) -> Case {
    Case {
        backend: BASELINE.to_string(),
        nthread: 1,
        schedule: String::new(),
        chunk: None,
        pin: Pin::None.to_string(),
        start_method: String::new(),
        inner_nthread: 1,
        label: String::new(),
        ..case.clone()
    }
}
