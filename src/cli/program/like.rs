//! The plan of an earlier run, for `--like`.

use std::path::Path;

use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::{Given, UsageError};
use crate::plan::{self, Draws};
use crate::record::{Plan, Preset, Run};
use crate::registry::{ForeignRunner, Registry};

/// The plan of an earlier run, and a note for the user. Flags that would change its cases are
/// refused; variables of such options are ignored.
pub fn plan_like(
    like: &Given,
    options: &SweepOptions,
    verb: Preset,
    registry: &mut Registry,
) -> Result<(Plan, Draws, Vec<String>), UsageError> {
    let flag = options.counts_flag().or(options.job_flag()).or(options.program.flag());
    if let Some(flag) = flag {
        return Err(like.error(format!("the cases come from there, so {flag} cannot change them")));
    }
    let run = Run::read(Path::new(&like.text)).map_err(|error| like.error(format!("{error:#}")))?;
    let mut plan = run.plan;
    if verb.is_metg() && !plan.preset.is_metg() {
        return Err(like.error("that run is not one of `harness metg`; leave metg out"));
    }
    if plan.preset.is_quick() {
        // The cases are those of the quick run, but not its time budget.
        plan.preset = Preset::default();
    }
    add_runners_of(&plan, registry).map_err(|problem| like.error(problem))?;
    plan::check(&plan, registry).map_err(|problem| like.error(problem))?;
    // The tallies and outputs are those of the earlier build: this run determines its own.
    plan.expected.clear();
    plan.expected_outputs.clear();
    plan.printed_outputs.clear();
    let draws: Vec<u64> = plan.cases.iter().filter_map(|case| case.draws).collect();
    let what = if plan.target.is_command() {
        "commands and counts"
    } else {
        plan.draws_rule = format!("as in {}", like.text);
        "cases, draws and seed"
    };
    let note = format!("{what} as in {}", like.text);
    Ok((plan, Draws::Given(draws), vec![note]))
}

/// Adds the runners of a plan to a registry.
///
/// # Errors
/// If the registry has another runner of the same name.
pub fn add_runners_of(plan: &Plan, registry: &mut Registry) -> Result<(), String> {
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
