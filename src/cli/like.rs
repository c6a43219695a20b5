//! The plan of an earlier run, for `--like`.

use std::path::Path;

use super::conflicts::{typed_flag, typed_flag_of_counts, typed_flag_of_jobs};
use super::options::SweepOptions;
use super::values::{Given, UsageError};
use crate::plan::{self, Draws};
use crate::record::{Plan, Preset, Run};
use crate::registry::{ForeignRunner, Registry};

/// The plan of an earlier run, which asks what that one asked. Nothing that changes its cases may be typed
/// beside it; variables are passed over, since they never conflict.
pub fn plan_like(
    like: &Given,
    options: &SweepOptions,
    verb: Preset,
    registry: &mut Registry,
) -> Result<(Plan, Draws, Vec<String>), UsageError> {
    let typed = typed_flag_of_counts(options)
        .or_else(|| typed_flag_of_jobs(options))
        .or_else(|| typed_flag(&options.program));
    if let Some(flag) = typed {
        return Err(like.error(format!("the cases come from there, so {flag} cannot change them")));
    }
    let run = Run::read(Path::new(&like.text)).map_err(|error| like.error(format!("{error:#}")))?;
    let mut plan = run.plan;
    if verb == Preset::Metg && plan.preset != verb {
        return Err(like.error("that run did not ask for the smallest task; leave metg out"));
    }
    if plan.preset == Preset::Quick {
        // Its cases, and all the time that they need.
        plan.preset = Preset::Sweep;
    }
    adopt_runners(&plan, registry).map_err(|problem| like.error(problem))?;
    plan::check(&plan, registry).map_err(|problem| like.error(problem))?;
    plan.expected.clear();
    plan.expected_outputs.clear();
    let draws: Vec<u64> = plan.cases.iter().filter_map(|case| case.draws).collect();
    let what = if plan.target.is_command() {
        "commands and counts"
    } else {
        plan.draws_rule = format!("as in {}", like.text);
        "cases, draws and seed"
    };
    let remark = format!("{what} as in {}", like.text);
    Ok((plan, Draws::Given(draws), vec![remark]))
}

/// Adds the runners of a plan to those that there are.
///
/// # Errors
/// If one of that name does something else.
pub fn adopt_runners(plan: &Plan, registry: &mut Registry) -> Result<(), String> {
    for (name, command) in &plan.runners {
        match registry.runner(name) {
            None => registry
                .runners
                .push(ForeignRunner { name: name.clone(), command: command.clone() }),
            Some(runner) if runner.command == *command => {}
            Some(_) => return Err(format!("there, the runner {name} was {}", command.join(" "))),
        }
    }
    Ok(())
}
