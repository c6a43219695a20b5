//! Settings of a sweep: the plan and rules that its options ask for, checked.

use std::path::{Path, PathBuf};

use super::args::display::DisplayOptions;
use super::args::sweep::SweepOptions;
use super::cases::{
    backends, block, check_plan, chunks, draws, draws_list, inner_axis, inner_counts, kernels,
    pins, scaling, schedules, start_methods, thread_counts,
};
use super::commands::commands;
use super::conflicts::{check_placeholders, may_sweep_commands};
use super::given::{Given, Lookup, Typed as _, UsageError};
use super::like::plan_like;
use super::placeholders::Axes;
use super::preset::{self, preset, preset_of_commands};
use super::runners::{add_originals, add_runners};
use crate::campaign::progress::Show;
use crate::campaign::stopping::LOOKS;
use crate::counts::MAX_NTHREAD;
use crate::kernel::Isa;
use crate::machine::{Cpus, limits};
use crate::plan::{self, Budget, Draws, MOST_CALLS, Request, Rules};
use crate::quantity::{parse_duration, parse_percent};
use crate::record::{Case, Plan, Preset, Target};
use crate::registry::Registry;
use crate::runner::ISA_VARIABLE;

/// Default relative half-width of the interval of a speedup that ends a run.
const PRECISION: f64 = 0.01;

/// Time budget of a quick run, in nanoseconds.
const QUICK_BUDGET_NS: u64 = 15_000_000_000;

/// Default seed of the random streams.
const SEED: u64 = 20_261_122;

/// Maximum of `--rounds`.
const MOST_ROUNDS: u64 = 1_000_000;

/// The settings of a sweep.
pub struct Settings {
    /// The kernels, backends and runners, with those of `--runner`.
    pub registry: Registry,
    /// The cases and the rules of their measurement.
    pub plan: Plan,
    /// The rule for the draws of a call.
    pub draws: Draws,
    /// The rule for the duration of the run.
    pub budget: Budget,
    /// The results directory.
    pub out: PathBuf,
    /// Notes for the user before the run.
    pub notes: Vec<String>,
}

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
    let mut registry = registry.clone();
    add_runners(&mut registry, &options.runner)?;
    add_originals(&mut registry, options)?;
    check_runners(&registry)?;
    check_isa(lookup)?;
    let inner = inner_counts(options, cpus)?;
    let commands = match options.like.is_none() && may_sweep_commands(options, verb)? {
        true => commands(&options.program, Axes::of(&inner))?,
        false => None,
    };
    let mut preset = match &commands {
        Some(_) => preset_of_commands(options)?,
        None => preset(options, verb)?,
    };
    let like = options.like.as_ref();
    let earlier = like.map(|like| plan_like(like, options, verb, &mut registry)).transpose()?;
    let mut target = if commands.is_some() { Target::Command } else { Target::Kernel };
    if let Some((plan, ..)) = &earlier {
        (preset, target) = (plan.preset, plan.target);
    }
    let rules = rules(options, preset, target)?;
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
                    (plan, Draws::Given(Vec::new()))
                }
                None => plan_of_kernels(options, preset, &registry, &rules, nthread, inner)?,
            };
            let plan = Plan { preset, nthread_source: counts.origin(), ..plan };
            (plan, draws, [vec![counts.origin()], counts.notes].concat())
        }
    };
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
        start_methods: start_methods(options)?,
        pins: pins(options)?,
        scaling: scaling(options, preset)?,
    };
    let mut plan = plan::draft(&request, rules, registry);
    plan.skipped.extend(skipped);
    check_plan(options, &plan)?;
    Ok((plan, request.draws))
}

/// The rules of a measurement.
pub fn rules(options: &SweepOptions, preset: Preset, target: Target) -> Result<Rules, UsageError> {
    let (rounds, precision) = rounds_and_precision(options, preset)?;
    // A command may take minutes, so there is no warm-up run by default.
    let (warmup, iterations) = if target.is_command() { (0, 1) } else { preset::calls(preset) };
    let order_seed = options.order_seed.as_ref();
    Ok(Rules {
        order_seed: order_seed.map_or_else(|| Ok(fresh_seed()), |seed| integer(seed, u64::MAX))?,
        rounds,
        precision,
        budget: budget(options, preset, target, precision)?,
        warmup: match &options.warmup {
            Some(calls) => integer(calls, MOST_CALLS.into())? as u32,
            None => warmup,
        },
        iterations: match &options.iterations {
            Some(calls) => positive_integer(calls, MOST_CALLS.into())?,
            None => iterations,
        },
        timeout_ns: options.timeout.as_ref().map(nanoseconds).transpose()?,
    })
}

/// The amount of progress that a run shows.
///
/// # Errors
/// If a variable is neither 1 nor 0.
pub fn show(options: &DisplayOptions) -> Result<Show, UsageError> {
    use std::io::IsTerminal as _;
    let (is_quiet, is_plain) = (options.quiet.is_on()?, options.no_progress.is_on()?);
    Ok(match (is_quiet, is_plain || !std::io::stderr().is_terminal()) {
        (true, _) => Show::Problems,
        (false, true) => Show::Lines,
        (false, false) => Show::Bar,
    })
}

/// The maximum of rounds, and the precision that may end a run sooner. `--rounds` excludes
/// `--precision`: if both are given, a flag beats a variable.
fn rounds_and_precision(
    options: &SweepOptions,
    preset: Preset,
) -> Result<(u32, Option<f64>), UsageError> {
    let most = LOOKS[LOOKS.len() - 1];
    let precision_flag = options.precision.flag().is_some();
    match (&options.rounds, &options.precision) {
        (Some(rounds), Some(precision)) if rounds.is_flag() && precision_flag => {
            Err(precision.error("it conflicts with --rounds; leave one of the two out"))
        }
        (Some(rounds), _) if rounds.is_flag() || !precision_flag => {
            Ok((positive_integer(rounds, MOST_ROUNDS)?, None))
        }
        (_, Some(precision)) if preset == Preset::Sweep => {
            Ok((most, Some(precision.parse(parse_percent)?)))
        }
        (_, Some(precision)) if precision_flag => Err(precision.error(format!(
            "{} has too few rounds for it; leave one of the two out",
            preset::name(preset)
        ))),
        _ => Ok(preset::rounds(preset).map_or((most, Some(PRECISION)), |rounds| (rounds, None))),
    }
}

/// The time budget of a run.
fn budget(
    options: &SweepOptions,
    preset: Preset,
    target: Target,
    precision: Option<f64>,
) -> Result<Budget, UsageError> {
    let has_rounds = options.rounds.is_some();
    Ok(match (&options.time_budget, precision, preset) {
        (Some(time), ..) => Budget::Given(nanoseconds(time)?),
        (None, Some(_), _) => Budget::Forecast,
        // A quick run of commands needs all its six rounds, however long a command takes.
        (None, None, Preset::Quick) if target.is_command() => Budget::Unlimited,
        (None, None, Preset::Quick) if !has_rounds => Budget::Given(QUICK_BUDGET_NS),
        (None, None, Preset::Crossover | Preset::Metg) if !has_rounds => Budget::Forecast,
        (None, None, _) => Budget::Unlimited,
    })
}

/// An integer from 0 to `most`.
fn integer(given: &Given, most: u64) -> Result<u64, UsageError> {
    let text = given.text.trim();
    let value: Option<u64> = text.parse().ok().filter(|value| *value <= most);
    value.ok_or_else(|| {
        given.error(format!("{text:?} is not an integer from 0 to {most}; for example 5"))
    })
}

/// An integer from 1 to `most`, which must fit 32 bits.
pub fn positive_integer(given: &Given, most: u64) -> Result<u32, UsageError> {
    match integer(given, most) {
        Ok(value) if value > 0 => Ok(value as u32),
        _ => Err(given
            .error(format!("{:?} is not an integer from 1 to {most}; for example 5", given.text))),
    }
}

/// A duration in nanoseconds.
pub fn nanoseconds(given: &Given) -> Result<u64, UsageError> {
    let time = given.parse(parse_duration)?;
    Ok(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
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

/// Checks the thread counts of a plan against the limits of the system, which would otherwise fail
/// in the middle of the run.
pub fn check_fits(plan: &Plan) -> Result<(), UsageError> {
    let most = plan.cases.iter().map(Case::threads).max().unwrap_or(1);
    // If the limit cannot be raised, the check below reports the lack.
    drop(limits::raise_descriptor_limit());
    let mut source = plan.nthread_source.clone();
    if !plan.inner_nthread.is_empty() {
        source += ", each times the threads inside a worker (--inner-nthread)";
    }
    if most > MAX_NTHREAD && !plan.inner_nthread.is_empty() {
        let reason = format!("{most} threads in all; the maximum is {MAX_NTHREAD}");
        return Err(UsageError(format!("{source}: {reason}")));
    }
    limits::check_fits(most).map_err(|error| UsageError(format!("{source}: {error}")))
}

/// A random seed that every JSON reader represents exactly: it has 53 bits.
fn fresh_seed() -> u64 {
    rand::random::<u64>() >> 11
}

/// The results directory of `--out`, which must not exist yet.
pub fn new_dir(given: &Given) -> Result<PathBuf, UsageError> {
    if given.text.is_empty() {
        return Err(given.error("the name of the directory is empty; for example results/mine"));
    }
    match PathBuf::from(&given.text) {
        dir if dir.symlink_metadata().is_ok() => {
            Err(given.error(format!("{} exists already; name a new directory", dir.display())))
        }
        dir => Ok(dir),
    }
}

/// The default results directory, `results/<UTC time>-<host>`.
fn default_out(host: &str) -> PathBuf {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let host: String = host.chars().filter(|c| is_plain(*c)).take(40).collect();
    fresh_dir(Path::new("results"), &format!("{time}-{host}"))
}

/// A directory that does not exist yet. If two runs begin in the same second, the second one gets a
/// numbered name.
pub fn fresh_dir(parent: &Path, name: &str) -> PathBuf {
    let numbered = (2..100).map(|number| parent.join(format!("{name}-{number}")));
    let first = parent.join(name);
    std::iter::once(first.clone()).chain(numbered).find(|dir| !dir.exists()).unwrap_or(first)
}
