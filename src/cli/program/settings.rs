//! Settings of a sweep: the plan and rules that its options ask for, checked.

use std::path::{Path, PathBuf};

use super::cases::{
    backends, block, check_plan, chunks, draws, draws_list, inner_axis, inner_counts, kernels,
    scaling, schedules, values,
};
use super::commands::commands;
use super::conflicts::{check_placeholders, may_sweep_commands};
use super::like::plan_like;
use super::placeholders::Axes;
use super::preset::{self, defaults, preset, preset_of_commands};
use super::runners::{add_originals, add_runners};
use crate::backend::StartMethod;
use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::{Lookup, UsageError};
use crate::cli::rules::{Settings, check_fits, fresh_dir, integer, new_dir, rules, thread_counts};
use crate::kernel::Isa;
use crate::machine::Cpus;
use crate::plan::{self, Budget, Draws, Pin, Request, Rules};
use crate::quantity::utc_now_compact;
use crate::record::{Plan, Preset};
use crate::registry::Registry;
use crate::runner::ISA_VARIABLE;

/// Default seed of the random streams.
const SEED: u64 = 20_261_122;

/// The settings that the options of a sweep ask for. `verb` is the preset of the verb.
///
/// # Errors
/// Bad usage, with the flag or variable.
pub fn settle(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    verb: Preset,
    registry: &Registry,
    cpus: &Cpus,
    host: &str,
) -> Result<Settings, UsageError> {
    // The names of backends are checked against the registry, so runners come first.
    let mut registry = registry.clone();
    add_runners(&mut registry, &options.runner)?;
    add_originals(&mut registry, options)?;
    check_runners(&registry)?;
    check_isa(lookup)?;
    let inner = inner_counts(options, cpus)?;
    // The cases of an earlier run leave no room for commands, even those of a variable.
    let commands = match options.like.is_none() && may_sweep_commands(options, verb)? {
        true => commands(&options.program, Axes::of(&inner))?,
        false => None,
    };
    let mut preset = match &commands {
        Some(_) => preset_of_commands(options)?,
        None => preset(options, verb)?,
    };
    let mut is_of_commands = commands.is_some();
    let like = options.like.as_ref();
    let earlier = like.map(|like| plan_like(like, options, verb, &mut registry)).transpose()?;
    // An earlier plan decides which defaults apply, whatever the variables say.
    if let Some((plan, ..)) = &earlier {
        (preset, is_of_commands) = (plan.preset, plan.target.is_command());
    }
    let mut defaults = defaults(preset).rules;
    if is_of_commands {
        // A command may take minutes: no warm-up run by default, and all rounds of a quick run.
        (defaults.calls, defaults.budget) = ((0, 1), Budget::Unlimited);
    }
    let rules = rules(options, defaults)?;
    let out = options.out.as_ref().map_or_else(|| Ok(default_out(host)), new_dir)?;
    let (mut plan, draws, notes) = match earlier {
        Some(earlier) => earlier,
        None => {
            let counts = thread_counts(options.nthread.as_ref(), lookup, cpus)?;
            let nthread = preset::counts(preset, &counts);
            let (plan, draws) = match commands {
                Some(commands) => {
                    check_placeholders(&commands.commands, &nthread, &inner)?;
                    let plan = plan::of_commands(commands, &nthread, &inner, &rules);
                    (plan, Draws::default())
                }
                None => plan_of_kernels(options, preset, &registry, &rules, nthread, inner)?,
            };
            let plan = Plan { preset, nthread_source: counts.origin(), ..plan };
            (plan, draws, [vec![counts.origin()], counts.notes].concat())
        }
    };
    // An earlier plan brings the rules of its run, which those of this command line replace.
    rules.apply(&mut plan);
    check_fits(&plan)?;
    Ok(Settings { registry, plan, draws, budget: rules.budget, out, notes })
}

/// The plan of a sweep of kernels.
fn plan_of_kernels(
    options: &SweepOptions,
    preset: Preset,
    registry: &Registry,
    rules: &Rules,
    nthread: Vec<u32>,
    inner: Vec<u32>,
) -> Result<(Plan, Draws), UsageError> {
    let (backends, skipped) = backends(options, registry)?;
    let largest = nthread.iter().copied().max().unwrap_or(1);
    let block = block(options, preset)?;
    let list = draws_list(options, preset)?;
    let chunks = chunks(options, preset, block, list.as_deref(), largest)?;
    let request = Request {
        preset,
        kernels: kernels(options, registry)?,
        backends,
        draws: draws(list, preset, block, &chunks, largest),
        nthread,
        inner_nthread: inner_axis(options, preset, inner)?,
        block,
        seed: options.seed.as_ref().map_or(Ok(SEED), |seed| integer(seed, u64::MAX))?,
        schedules: schedules(options, preset)?,
        chunks,
        start_methods: values(options.start_method.as_ref(), &StartMethod::ALL, "start method")?,
        pins: values(options.pin.as_ref(), &Pin::ALL, "pin")?,
        scaling: scaling(options, preset)?,
    };
    // The draft skips backends that lack a setting; those that cannot run here come after them.
    let mut plan = plan::draft(&request, rules, registry);
    plan.skipped.extend(skipped);
    check_plan(options, &plan)?;
    Ok((plan, request.draws))
}

/// Checks that the runners of `--runner` can be started.
fn check_runners(registry: &Registry) -> Result<(), UsageError> {
    let obstacle =
        registry.runners.iter().find_map(|runner| Some((&runner.name, runner.obstacle()?)));
    match obstacle {
        None => Ok(()),
        Some((name, reason)) => Err(UsageError(format!(
            "--runner: {name} cannot run here: {reason} (no shell expands its command; quote a path with spaces)"
        ))),
    }
}

/// Checks that this CPU has the instruction set of `HARNESS_ISA`.
fn check_isa(lookup: Lookup<'_>) -> Result<(), UsageError> {
    match lookup(ISA_VARIABLE).filter(|name| !name.is_empty() && Isa::find(name).is_none()) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = Isa::available().map(Isa::name).collect();
            Err(UsageError(format!("{ISA_VARIABLE}: {name:?}: this CPU has {}", known.join(", "))))
        }
    }
}

/// The default results directory, `results/<UTC time>-<host>`.
fn default_out(host: &str) -> PathBuf {
    let host = host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-');
    let host: String = host.take(40).collect();
    fresh_dir(Path::new("results"), &format!("{}-{host}", utc_now_compact()))
}
