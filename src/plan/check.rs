//! Plans that come from a file: nobody checked them since they were written.

use super::{MOST_CALLS, MOST_DRAWS, Pin, Scaling};
use crate::backend::{Schedule, StartMethod};
use crate::counts::MAX_NTHREAD;
use crate::kernel::BLOCK_RANGE;
use crate::record::{Plan, Target};
use crate::registry::Registry;

/// Whether a plan that comes from a file can be measured.
///
/// # Errors
/// What is wrong with it.
pub fn check(plan: &Plan, registry: &Registry) -> Result<(), String> {
    match plan.target {
        Target::Kernel => check_jobs(plan, registry)?,
        Target::Command => check_commands(plan)?,
        Target::Function => {
            return Err(
                "its functions are in the bench that measured them: run that again".to_string()
            );
        }
    }
    if plan.cases.is_empty() {
        return Err("its plan has no cases".to_string());
    }
    check_rules(plan)
}

/// Whether the cases of a plan from a file are commands that can be run.
fn check_commands(plan: &Plan) -> Result<(), String> {
    let Some(commands) = &plan.commands else {
        return Err("its plan has no commands".to_string());
    };
    for (index, command) in commands.list.iter().enumerate() {
        if command.words.first().is_none_or(String::is_empty) {
            return Err(format!("its plan: the command {:?} is empty", command.label));
        }
        if commands.list[..index].iter().any(|other| other.label == command.label) {
            return Err(format!("its plan: two commands are called {:?}", command.label));
        }
    }
    for (index, case) in plan.cases.iter().enumerate() {
        let wrong = |what: String| Err(format!("case {index} of its plan: {what}"));
        if !case.is_command() || commands.find(&case.label).is_none() {
            return wrong(format!("there is no command {:?}", case.title()));
        }
        if ![case.nthread, case.inner_nthread].iter().all(|n| (1..=MAX_NTHREAD).contains(n)) {
            return wrong("no threads, or too many threads".to_string());
        }
        if plan.cases[..index].contains(case) {
            return wrong("it is there twice".to_string());
        }
    }
    match plan.baseline {
        Some(baseline) if baseline < plan.cases.len() => Ok(()),
        _ => Err("its plan: there is no such baseline".to_string()),
    }
}

/// Whether the cases of a plan from a file are jobs that can be computed here.
fn check_jobs(plan: &Plan, registry: &Registry) -> Result<(), String> {
    for (index, case) in plan.cases.iter().enumerate() {
        let wrong = |what: String| Err(format!("case {index} of its plan: {what}"));
        let schedule_is_known =
            case.schedule.is_empty() || case.schedule.parse::<Schedule>().is_ok();
        let start_is_known =
            case.start_method.is_empty() || case.start_method.parse::<StartMethod>().is_ok();
        let draws = case.draws.unwrap_or(0);
        let workers = if case.is_weak() { u64::from(case.nthread.max(1)) } else { 1 };
        if registry.kernel(&case.kernel).is_none() {
            return wrong(format!("there is no kernel {:?} here", case.kernel));
        }
        if let Some(reason) = registry.obstacle(&case.backend) {
            return wrong(format!("{} cannot run here: {reason}", case.backend));
        }
        if !(case.block.is_power_of_two() && BLOCK_RANGE.contains(&case.block)) {
            return wrong(format!("a block of {} draws", case.block));
        }
        if draws == 0 || draws > MOST_DRAWS || draws % (case.block * workers) != 0 {
            return wrong(format!("{draws} draws in blocks of {}", case.block));
        }
        if case.pin.parse::<Pin>().is_err() {
            return wrong(format!("there is no pin {:?}", case.pin));
        }
        if case.scaling.parse::<Scaling>().is_err() {
            return wrong(format!("there is no scaling {:?}", case.scaling));
        }
        let counts = [case.nthread, case.inner_nthread];
        if counts.contains(&0) || case.threads() > MAX_NTHREAD || case.chunk == Some(0) {
            return wrong("no threads, too many threads, or empty chunks".to_string());
        }
        if !schedule_is_known {
            return wrong(format!("there is no schedule {:?}", case.schedule));
        }
        if !start_is_known {
            return wrong(format!("there is no start method {:?}", case.start_method));
        }
        if plan.cases[..index].contains(case) {
            return wrong("it is there twice".to_string());
        }
        if !plan.cases.iter().any(|other| other.is_baseline_of(case)) {
            return wrong("it has no baseline".to_string());
        }
    }
    match plan.baseline {
        Some(baseline) if baseline >= plan.cases.len() => {
            Err("its plan: there is no such baseline".to_string())
        }
        _ => Ok(()),
    }
}

/// Whether the rules of a plan from a file are some that can be asked for.
fn check_rules(plan: &Plan) -> Result<(), String> {
    let (rounds, precision) = (plan.stopping.rounds, plan.stopping.precision);
    let is_fit = rounds > 0
        && (1..=MOST_CALLS).contains(&plan.iterations)
        && plan.warmup <= MOST_CALLS
        && plan.timeout_ns != Some(0)
        && precision.is_none_or(|share| share > 0.0 && share <= 1.0);
    match is_fit {
        true => Ok(()),
        false => Err(format!(
            "its plan: {} warm-ups and {} calls of a visit, {rounds} rounds, precision {precision:?}, \
             timeout {:?}",
            plan.warmup, plan.iterations, plan.timeout_ns
        )),
    }
}
