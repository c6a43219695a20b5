//! What the options mean: flag over variable over default, every value checked,
//! every error naming where the value came from.

use std::path::{Path, PathBuf};

use super::cases::{
    backends, block, check_draws, check_handed_out, check_schedules, check_start_methods, chunks,
    draws, inner_axis, inner_counts, kernels, pins, scaling, schedules, start_methods,
    thread_counts,
};
use super::commands::commands;
use super::conflicts::{check_told, suits};
use super::like::plan_like;
use super::options::{DisplayOptions, SweepOptions};
use super::placeholders::Axes;
use super::preset::{self, preset};
use super::runners::{add_originals, add_runners};
use super::values::{Given, Lookup, Origin, UsageError, given, switch};
use crate::campaign::progress::Show;
use crate::campaign::stopping::LOOKS;
use crate::counts::{MAX_NTHREAD, ThreadCounts};
use crate::kernel::Isa;
use crate::machine::{Cpus, limits};
use crate::plan::{self, Budget, Draws, MOST_CALLS, Programs, Request, Rules};
use crate::quantity::{parse_duration, parse_percent};
use crate::record::{Case, Plan, Preset, Target};
use crate::registry::Registry;
use crate::runner::ISA_VARIABLE;

/// The precision of a run: far below what anybody would decide by.
const PRECISION: f64 = 0.01;

/// The most that a quick run may take, in nanoseconds.
const QUICK_BUDGET_NS: u64 = 15_000_000_000;

/// The fixed seed of the random streams.
const SEED: u64 = 20_261_122;

/// Rounds at most.
const MOST_ROUNDS: u64 = 1_000_000;

/// A sweep, understood.
pub struct Settings {
    /// Kernels, backends and runners, those of `--runner` included.
    pub registry: Registry,
    /// What to measure.
    pub plan: Plan,
    /// How the draws come about.
    pub draws: Draws,
    /// How long it may take.
    pub budget: Budget,
    /// The results directory.
    pub out: PathBuf,
    /// What the user should know before the run: the origin of the thread
    /// counts first.
    pub remarks: Vec<String>,
}

/// Understands the options of a sweep. `verb` is what it asks, if its switches do
/// not say.
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
    add_runners(&mut registry, &options.runner, lookup)?;
    let (backends, runners) = (options.backend.as_deref(), options.runners.as_deref());
    add_originals(&mut registry, backends, runners, lookup)?;
    check_runners(&registry)?;
    check_isa(lookup)?;
    let like = given("--like", options.like.as_deref(), lookup);
    let inner = inner_counts(options.inner_nthread.as_deref(), lookup, cpus)?;
    let programs = match like.is_none() && suits(options, verb)? {
        true => commands(&options.program, lookup, Axes::of(&inner))?,
        false => None,
    };
    let preset = match &programs {
        Some(_) => preset::of_commands(options, lookup)?,
        None => preset(options, lookup, verb)?,
    };
    let earlier = like.map(|like| plan_like(&like, options, verb, &mut registry)).transpose()?;
    let preset = earlier.as_ref().map_or(preset, |(plan, ..)| plan.preset);
    let has_commands = |(plan, ..): &(Plan, _, _)| plan.target.is_command();
    let target = match programs.is_some() || earlier.as_ref().is_some_and(has_commands) {
        true => Target::Command,
        false => Target::Kernel,
    };
    let rules = rules(options, lookup, preset, target)?;
    let out = given("--out", options.out.as_deref(), lookup);
    let out = out.map_or_else(|| Ok(default_out(host)), |given| new_dir(&given))?;
    let (mut plan, draws, remarks) = match (earlier, programs) {
        (Some(earlier), _) => earlier,
        (None, Some(programs)) => {
            let counts = thread_counts(options, lookup, cpus)?;
            plan_of_commands(programs, &counts, &inner, preset, &rules)?
        }
        (None, None) => fresh_plan(options, lookup, preset, &registry, cpus, &rules)?,
    };
    rules.apply(&mut plan);
    check_fits(&plan)?;
    Ok(Settings { registry, plan, draws, budget: rules.budget, out, remarks })
}

/// The plan of commands.
fn plan_of_commands(
    programs: Programs,
    counts: &ThreadCounts,
    inner: &[u32],
    preset: Preset,
    rules: &Rules,
) -> Result<(Plan, Draws, Vec<String>), UsageError> {
    let nthread = preset::counts(preset, counts);
    check_told(&programs.commands, &nthread, inner)?;
    let plan = plan::of_commands(programs, &nthread, inner, rules);
    let remarks = [vec![counts.origin()], counts.notes.clone()].concat();
    let plan = Plan { preset, nthread_source: remarks[0].clone(), ..plan };
    Ok((plan, Draws::Given(Vec::new()), remarks))
}

/// The plan that the options ask for.
fn fresh_plan(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
    registry: &Registry,
    cpus: &Cpus,
    rules: &Rules,
) -> Result<(Plan, Draws, Vec<String>), UsageError> {
    let counts = thread_counts(options, lookup, cpus)?;
    let remarks = [vec![counts.origin()], counts.notes.clone()].concat();
    let (backends, skipped) = backends(options, lookup, registry)?;
    let seed = given("--seed", options.seed.as_deref(), lookup);
    let nthread = preset::counts(preset, &counts);
    let block = block(options, lookup, preset)?;
    let chunks = chunks(options, lookup, preset, block, &nthread)?;
    let request = Request {
        preset,
        kernels: kernels(options, lookup, registry)?,
        backends,
        draws: draws(options, lookup, preset, block, &chunks, &nthread)?,
        nthread,
        nthread_source: remarks[0].clone(),
        inner_nthread: inner_axis(options, lookup, preset, cpus)?,
        block,
        seed: seed.map_or(Ok(SEED), |given| integer(&given, u64::MAX))?,
        schedules: schedules(options, lookup, preset)?,
        chunks,
        start_methods: start_methods(options, lookup)?,
        pins: pins(options, lookup)?,
        scaling: scaling(options, lookup, preset)?,
    };
    let mut plan = plan::draft(&request, rules, registry);
    plan.skipped.extend(skipped);
    check_draws(options, lookup, &plan)?;
    check_schedules(options, lookup, &plan)?;
    check_start_methods(options, lookup, &plan)?;
    check_handed_out(options, lookup, &plan)?;
    Ok((plan, request.draws, remarks))
}

/// How to measure, whatever the cases.
pub fn rules(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
    target: Target,
) -> Result<Rules, UsageError> {
    let (rounds, precision) = end(options, lookup, preset)?;
    // A program of a minute has nothing to warm up that is worth another minute.
    let (least, counted) = if target.is_command() { (0, 1) } else { preset::calls(preset) };
    let order_seed = given("--order-seed", options.order_seed.as_deref(), lookup);
    let warmup = given("--warmup", options.warmup.as_deref(), lookup);
    let iterations = given("--iterations", options.iterations.as_deref(), lookup);
    let timeout = given("--timeout", options.timeout.as_deref(), lookup);
    Ok(Rules {
        order_seed: order_seed.map_or_else(|| Ok(fresh_seed()), |seed| integer(&seed, u64::MAX))?,
        rounds,
        precision,
        budget: budget(options, lookup, preset, target, precision)?,
        warmup: warmup.map_or(Ok(least.into()), |calls| integer(&calls, MOST_CALLS.into()))? as u32,
        iterations: iterations
            .map_or(Ok(counted), |calls| at_least_one(&calls, MOST_CALLS.into()))?,
        timeout_ns: timeout.map(|given| nanoseconds(&given)).transpose()?,
    })
}

/// How much is shown while the run goes on.
///
/// # Errors
/// If a variable says neither yes nor no.
pub fn show(options: &DisplayOptions, lookup: Lookup<'_>) -> Result<Show, UsageError> {
    use std::io::IsTerminal as _;
    let is_quiet = switch("--quiet", options.quiet, lookup)?;
    let is_plain = switch("--no-progress", options.no_progress, lookup)?;
    Ok(match (is_quiet, is_plain || !std::io::stderr().is_terminal()) {
        (true, _) => Show::Problems,
        (false, true) => Show::Lines,
        (false, false) => Show::Bar,
    })
}

/// Rounds at most, and the precision that may end them sooner. Whoever asks for
/// rounds gets these; of two wishes that cannot both be had, a flag beats a
/// variable.
fn end(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
) -> Result<(u32, Option<f64>), UsageError> {
    let rounds = given("--rounds", options.rounds.as_deref(), lookup);
    let precision = given("--precision", options.precision.as_deref(), lookup);
    let is_flag = |given: &Given| matches!(given.origin, Origin::Flag(_));
    let share = |given: &Given| parse_percent(&given.text).map_err(|error| given.error(error));
    let most = LOOKS[LOOKS.len() - 1];
    match (&rounds, &precision) {
        (Some(rounds), Some(precision)) if is_flag(rounds) && is_flag(precision) => {
            Err(precision
                .error("--rounds asks for exactly so many rounds; leave one of the two out"))
        }
        (Some(rounds), precision)
            if is_flag(rounds) || !precision.as_ref().is_some_and(is_flag) =>
        {
            Ok((at_least_one(rounds, MOST_ROUNDS)?, None))
        }
        (_, Some(precision)) if preset == Preset::Sweep => Ok((most, Some(share(precision)?))),
        (_, Some(precision)) if is_flag(precision) => {
            let name = preset::name(preset);
            Err(precision
                .error(format!("{name} has too few rounds for it; leave one of the two out")))
        }
        _ => Ok(preset::rounds(preset).map_or((most, Some(PRECISION)), |rounds| (rounds, None))),
    }
}

/// How long a run may take.
fn budget(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
    target: Target,
    precision: Option<f64>,
) -> Result<Budget, UsageError> {
    let time = given("--time-budget", options.time_budget.as_deref(), lookup);
    let rounds = given("--rounds", options.rounds.as_deref(), lookup);
    Ok(match (time, precision, preset) {
        (Some(time), ..) => Budget::Given(nanoseconds(&time)?),
        (None, Some(_), _) => Budget::Forecast,
        // Six runs of a program are what they are: cut short they would answer nothing.
        (None, None, Preset::Quick) if target.is_command() => Budget::Unlimited,
        (None, None, Preset::Quick) if rounds.is_none() => Budget::Given(QUICK_BUDGET_NS),
        (None, None, Preset::Crossover | Preset::Metg) if rounds.is_none() => Budget::Forecast,
        (None, None, _) => Budget::Unlimited,
    })
}

/// A plain integer from 0 to `most`.
fn integer(given: &Given, most: u64) -> Result<u64, UsageError> {
    let text = given.text.trim();
    let value: Option<u64> = text.parse().ok().filter(|value| *value <= most);
    value.ok_or_else(|| {
        given.error(format!("{text:?} is no integer from 0 to {most}; for example 5"))
    })
}

/// A plain integer from 1 to `most`, which fits 32 bits.
pub fn at_least_one(given: &Given, most: u64) -> Result<u32, UsageError> {
    match integer(given, most) {
        Ok(value) if value > 0 => Ok(value as u32),
        _ => {
            Err(given
                .error(format!("{:?} is no integer from 1 to {most}; for example 5", given.text)))
        }
    }
}

/// A time of an option, in nanoseconds.
pub fn nanoseconds(given: &Given) -> Result<u64, UsageError> {
    let time = parse_duration(&given.text).map_err(|error| given.error(error))?;
    Ok(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// A runner that somebody named must be there.
fn check_runners(registry: &Registry) -> Result<(), UsageError> {
    let lost = registry.runners.iter().find_map(|runner| Some((runner, runner.obstacle()?)));
    match lost {
        None => Ok(()),
        Some((runner, reason)) => Err(UsageError(format!(
            "--runner: {} cannot run here: {reason} (no shell expands its command; quote a path with spaces)",
            runner.name
        ))),
    }
}

/// The form of the kernel that HARNESS_ISA forces must be one that this CPU has.
fn check_isa(lookup: Lookup<'_>) -> Result<(), UsageError> {
    match lookup(ISA_VARIABLE).filter(|name| !name.is_empty() && Isa::find(name).is_none()) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = Isa::available().map(Isa::name).collect();
            Err(UsageError(format!("{ISA_VARIABLE}: {name:?}: this CPU has {}", known.join(", "))))
        }
    }
}

/// Refuses what the system would refuse later, before anything runs.
pub fn check_fits(plan: &Plan) -> Result<(), UsageError> {
    let most = plan.cases.iter().map(Case::threads).max().unwrap_or(1);
    // Where the limit cannot be raised, the check below says what is missing.
    drop(limits::raise_descriptor_limit());
    let mut source = plan.nthread_source.clone();
    if !plan.inner_nthread.is_empty() {
        source += ", each times the threads inside a worker (--inner-nthread)";
    }
    if most > MAX_NTHREAD && !plan.inner_nthread.is_empty() {
        let reason = format!("{most} threads in all; at most {MAX_NTHREAD} can be asked for");
        return Err(UsageError(format!("{source}: {reason}")));
    }
    limits::check_fits(most).map_err(|error| UsageError(format!("{source}: {error}")))
}

/// A seed that no run had before, small enough for any JSON reader.
fn fresh_seed() -> u64 {
    rand::random::<u64>() >> 11
}

/// The results directory that somebody named.
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

/// `results/<UTC time>-<host>`.
fn default_out(host: &str) -> PathBuf {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let host: String = host.chars().filter(|c| is_plain(*c)).take(40).collect();
    fresh_dir(Path::new("results"), &format!("{time}-{host}"))
}

/// A directory that does not exist yet, of that name if it can be: two runs may begin
/// in the same second.
pub fn fresh_dir(parent: &Path, name: &str) -> PathBuf {
    let later = (2..100).map(|number| parent.join(format!("{name}-{number}")));
    let first = parent.join(name);
    std::iter::once(first.clone()).chain(later).find(|dir| !dir.exists()).unwrap_or(first)
}
