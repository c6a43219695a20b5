//! The plan of an earlier run, for `--like`.

use std::path::Path;

use super::conflicts::typed_flag;
use super::options::SweepOptions;
use super::values::{Given, UsageError};
use crate::plan::{self, Draws};
use crate::record::{Plan, Preset, Run, Subject};
use crate::registry::{ForeignRunner, Registry};

/// The plan of an earlier run, which asks what that one asked. Nothing that changes its cases may be typed
/// beside it; variables are passed over, since they never conflict.
pub fn plan_like(
    like: &Given,
    options: &SweepOptions,
    verb: Preset,
    registry: &mut Registry,
) -> Result<(Plan, Draws, Vec<String>), UsageError> {
    let typed = [
        ("--nthread", options.nthread.is_some()),
        ("--inner-nthread", options.inner_nthread.is_some()),
        ("--backend", options.backend.is_some()),
        ("--kernel", options.kernel.is_some()),
        ("--draws", options.draws.is_some()),
        ("--schedule", options.schedule.is_some()),
        ("--start-method", options.start_method.is_some()),
        ("--chunk", options.chunk.is_some()),
        ("--block", options.block.is_some()),
        ("--seed", options.seed.is_some()),
        ("--pin", options.pin.is_some()),
        ("--weak", options.weak),
        ("--quick", options.quick),
        ("--crossover", options.crossover),
        ("--inner-nthread", options.inner_nthread.is_some()),
    ];
    let typed = typed.into_iter().find(|(_, is_typed)| *is_typed).map(|(flag, _)| flag);
    if let Some(flag) = typed.or_else(|| typed_flag(&options.program)) {
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
    let what = match plan.subject {
        Subject::Commands => "commands and counts",
        Subject::Kernels | Subject::Functions => {
            plan.draws_rule = format!("as in {}", like.text);
            "cases, draws and seed"
        }
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
