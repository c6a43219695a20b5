//! Checks of plans that come from a file and may have been edited.

use super::{MOST_CALLS, MOST_DRAWS, Pin, Scaling};
use crate::backend::{Schedule, StartMethod};
use crate::counts::MAX_NTHREAD;
use crate::kernel::BLOCK_RANGE;
use crate::record::{Case, Plan};
use crate::registry::Registry;

/// Checks that a plan from a file can be measured.
///
/// # Errors
/// The problem of the plan.
pub fn check(plan: &Plan, registry: &Registry) -> Result<(), String> {
    if plan.target.is_function() {
        let problem = "its functions are in the bench that measured them: run that bench again";
        return Err(problem.to_string());
    }
    if plan.target.is_command() {
        check_commands(plan)?;
    } else {
        check_jobs(plan, registry)?;
    }
    if plan.cases.is_empty() {
        return Err("its plan has no cases".to_string());
    }
    check_rules(plan)
}

/// Checks the commands of a plan, and its cases.
fn check_commands(plan: &Plan) -> Result<(), String> {
    let Some(commands) = &plan.commands else {
        return Err("its plan has no commands".to_string());
    };
    for (index, command) in commands.list.iter().enumerate() {
        if command.words.first().is_none_or(String::is_empty) {
            return Err(format!("its plan: the command {:?} is empty", command.label));
        }
        if commands.list[..index].iter().any(|other| other.label == command.label) {
            return Err(format!("its plan: two commands have the label {:?}", command.label));
        }
    }
    check_cases(plan, |case| {
        let counts = [case.nthread, case.inner_nthread];
        if !case.is_command() || commands.find(&case.label).is_none() {
            Err(format!("there is no command {:?}", case.title()))
        } else if !counts.iter().all(|count| (1..=MAX_NTHREAD).contains(count)) {
            Err("it has no threads or too many".to_string())
        } else {
            Ok(())
        }
    })?;
    match plan.baseline {
        Some(baseline) if baseline < plan.cases.len() => Ok(()),
        _ => Err("its plan: there is no such baseline".to_string()),
    }
}

/// Checks that the jobs of a plan can be computed here.
fn check_jobs(plan: &Plan, registry: &Registry) -> Result<(), String> {
    check_cases(plan, |case| {
        check_job(case, registry)?;
        match plan.cases.iter().any(|other| other.is_baseline_of(case)) {
            true => Ok(()),
            false => Err("it has no baseline".to_string()),
        }
    })?;
    match plan.baseline {
        Some(baseline) if baseline >= plan.cases.len() => {
            Err("its plan: there is no such baseline".to_string())
        }
        _ => Ok(()),
    }
}

/// Checks each case of a plan, and that none occurs twice. The error names the case.
fn check_cases(plan: &Plan, check: impl Fn(&Case) -> Result<(), String>) -> Result<(), String> {
    for (index, case) in plan.cases.iter().enumerate() {
        let result = match plan.cases[..index].contains(case) {
            true => Err("it occurs twice".to_string()),
            false => check(case),
        };
        result.map_err(|problem| format!("case {index} of its plan: {problem}"))?;
    }
    Ok(())
}

/// Checks the job of a case, and the settings of its team.
fn check_job(case: &Case, registry: &Registry) -> Result<(), String> {
    let draws = case.draws.unwrap_or(0);
    // With weak scaling every worker has the same number of whole blocks.
    let workers = if case.is_weak() { u64::from(case.nthread.max(1)) } else { 1 };
    let counts = [case.nthread, case.inner_nthread];
    // Foreign runners have no schedule, and threads no start method.
    let is_schedule = case.schedule.is_empty() || case.schedule.parse::<Schedule>().is_ok();
    let is_start_method =
        case.start_method.is_empty() || case.start_method.parse::<StartMethod>().is_ok();
    Err(if registry.kernel(&case.kernel).is_none() {
        format!("there is no kernel {:?} here", case.kernel)
    } else if let Some(reason) = registry.obstacle(&case.backend) {
        format!("{} cannot run here: {reason}", case.backend)
    } else if !(case.block.is_power_of_two() && BLOCK_RANGE.contains(&case.block)) {
        format!("its block has {} draws", case.block)
    } else if draws == 0 || draws > MOST_DRAWS || !draws.is_multiple_of(case.block * workers) {
        format!("it has {draws} draws in blocks of {}", case.block)
    } else if case.pin.parse::<Pin>().is_err() {
        format!("there is no pin {:?}", case.pin)
    } else if case.scaling.parse::<Scaling>().is_err() {
        format!("there is no scaling {:?}", case.scaling)
    } else if counts.contains(&0) || case.threads() > MAX_NTHREAD || case.chunk == Some(0) {
        "it has no threads, too many threads, or empty chunks".to_string()
    } else if !is_schedule {
        format!("there is no schedule {:?}", case.schedule)
    } else if !is_start_method {
        format!("there is no start method {:?}", case.start_method)
    } else {
        return Ok(());
    })
}

/// Checks that the rules of a plan are within the limits of the options.
fn check_rules(plan: &Plan) -> Result<(), String> {
    let (rounds, precision) = (plan.stopping.rounds, plan.stopping.precision);
    let is_valid = rounds > 0
        && (1..=MOST_CALLS).contains(&plan.iterations)
        && plan.warmup <= MOST_CALLS
        && plan.timeout_ns != Some(0)
        && precision.is_none_or(|share| share > 0.0 && share <= 1.0);
    match is_valid {
        true => Ok(()),
        false => Err(format!(
            "its plan: {} warm-ups and {} calls of a visit, {rounds} rounds, precision {precision:?}, \
             timeout {:?}",
            plan.warmup, plan.iterations, plan.timeout_ns
        )),
    }
}
