//! Checks of plans that come from a file and may have been edited.

use super::{MOST_CALLS, MOST_DRAWS, Pin, Scaling};
use crate::backend::{Schedule, StartMethod};
use crate::counts::MAX_NTHREAD;
use crate::kernel::BLOCK_RANGE;
use crate::record::Plan;
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
    for (index, case) in plan.cases.iter().enumerate() {
        let invalid = |what: String| Err(format!("case {index} of its plan: {what}"));
        if !case.is_command() || commands.find(&case.label).is_none() {
            return invalid(format!("there is no command {:?}", case.title()));
        }
        if ![case.nthread, case.inner_nthread].iter().all(|n| (1..=MAX_NTHREAD).contains(n)) {
            return invalid("it has no threads or too many".to_string());
        }
        if plan.cases[..index].contains(case) {
            return invalid("it occurs twice".to_string());
        }
    }
    match plan.baseline {
        Some(baseline) if baseline < plan.cases.len() => Ok(()),
        _ => Err("its plan: there is no such baseline".to_string()),
    }
}

/// Checks that the jobs of a plan can be computed here.
fn check_jobs(plan: &Plan, registry: &Registry) -> Result<(), String> {
    for (index, case) in plan.cases.iter().enumerate() {
        let invalid = |what: String| Err(format!("case {index} of its plan: {what}"));
        let is_schedule = case.schedule.is_empty() || case.schedule.parse::<Schedule>().is_ok();
        let is_start_method =
            case.start_method.is_empty() || case.start_method.parse::<StartMethod>().is_ok();
        let draws = case.draws.unwrap_or(0);
        let workers = if case.is_weak() { u64::from(case.nthread.max(1)) } else { 1 };
        if registry.kernel(&case.kernel).is_none() {
            return invalid(format!("there is no kernel {:?} here", case.kernel));
        }
        if let Some(reason) = registry.obstacle(&case.backend) {
            return invalid(format!("{} cannot run here: {reason}", case.backend));
        }
        if !(case.block.is_power_of_two() && BLOCK_RANGE.contains(&case.block)) {
            return invalid(format!("its block has {} draws", case.block));
        }
        if draws == 0 || draws > MOST_DRAWS || draws % (case.block * workers) != 0 {
            return invalid(format!("it has {draws} draws in blocks of {}", case.block));
        }
        if case.pin.parse::<Pin>().is_err() {
            return invalid(format!("there is no pin {:?}", case.pin));
        }
        if case.scaling.parse::<Scaling>().is_err() {
            return invalid(format!("there is no scaling {:?}", case.scaling));
        }
        let counts = [case.nthread, case.inner_nthread];
        if counts.contains(&0) || case.threads() > MAX_NTHREAD || case.chunk == Some(0) {
            return invalid("it has no threads, too many threads, or empty chunks".to_string());
        }
        if !is_schedule {
            return invalid(format!("there is no schedule {:?}", case.schedule));
        }
        if !is_start_method {
            return invalid(format!("there is no start method {:?}", case.start_method));
        }
        if plan.cases[..index].contains(case) {
            return invalid("it occurs twice".to_string());
        }
        if !plan.cases.iter().any(|other| other.is_baseline_of(case)) {
            return invalid("it has no baseline".to_string());
        }
    }
    match plan.baseline {
        Some(baseline) if baseline >= plan.cases.len() => {
            Err("its plan: there is no such baseline".to_string())
        }
        _ => Ok(()),
    }
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
