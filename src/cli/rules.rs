//! Options that every measurement has, of kernels, commands or functions: thread counts, rounds,
//! precision, time budget, progress and the results directory.

use std::path::{Path, PathBuf};

use super::args::display::DisplayOptions;
use super::args::sweep::SweepOptions;
use super::given::{Given, Lookup, UsageError};
use crate::campaign::progress::Show;
use crate::campaign::stopping::LOOKS;
use crate::counts::{self, CountSource, MAX_NTHREAD, ThreadCounts};
use crate::machine::{Cpus, limits};
use crate::plan::{Budget, Draws, MOST_CALLS, Rules};
use crate::quantity::{parse_duration, parse_percent};
use crate::record::{Case, Plan};
use crate::registry::Registry;

/// Default relative half-width of the interval of a speedup that ends a run.
const PRECISION: f64 = 0.01;

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

/// The defaults of the rules of a measurement.
#[derive(Clone, Copy)]
pub struct Defaults {
    /// The name of the preset in messages.
    pub name: &'static str,
    /// The fixed number of rounds; `None` if the precision ends the run.
    pub rounds: Option<u32>,
    /// The time budget of a run whose number of rounds is that of the preset.
    pub budget: Budget,
    /// The warm-up calls and measured calls of a visit; with 0 measured calls, the campaign calibrates
    /// their number.
    pub calls: (u32, u32),
}

impl Defaults {
    /// The defaults of a full sweep.
    pub const SWEEP: Defaults =
        Defaults { name: "a sweep", rounds: None, budget: Budget::Unlimited, calls: (1, 1) };
}

/// The rules of a measurement.
pub fn rules(options: &SweepOptions, defaults: Defaults) -> Result<Rules, UsageError> {
    let (rounds, precision) = rounds_and_precision(options, defaults)?;
    let (warmup, iterations) = defaults.calls;
    let order_seed = options.order_seed.as_ref();
    Ok(Rules {
        order_seed: order_seed.map_or_else(|| Ok(fresh_seed()), |seed| integer(seed, u64::MAX))?,
        rounds,
        precision,
        budget: budget(options, defaults, precision)?,
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
    defaults: Defaults,
) -> Result<(u32, Option<f64>), UsageError> {
    let most = LOOKS[LOOKS.len() - 1];
    let precision_flag = options.precision.as_ref().is_some_and(Given::is_flag);
    match (&options.rounds, &options.precision) {
        (Some(rounds), Some(precision)) if rounds.is_flag() && precision_flag => {
            Err(precision.error("it conflicts with --rounds; leave one of the two out"))
        }
        // Between two variables, the number of rounds decides: it is the stricter rule.
        (Some(rounds), _) if rounds.is_flag() || !precision_flag => {
            Ok((positive_integer(rounds, MOST_ROUNDS)?, None))
        }
        (_, Some(precision)) if defaults.rounds.is_none() => {
            Ok((most, Some(precision.parse(parse_percent)?)))
        }
        // A preset with few rounds ignores the variable, and refuses the flag.
        (_, Some(precision)) if precision_flag => Err(precision.error(format!(
            "{} has too few rounds for it; leave one of the two out",
            defaults.name
        ))),
        _ => Ok(defaults.rounds.map_or((most, Some(PRECISION)), |rounds| (rounds, None))),
    }
}

/// The time budget of a run.
fn budget(
    options: &SweepOptions,
    defaults: Defaults,
    precision: Option<f64>,
) -> Result<Budget, UsageError> {
    Ok(match (&options.time_budget, precision) {
        (Some(time), _) => Budget::Given(nanoseconds(time)?),
        (None, Some(_)) => Budget::Forecast,
        (None, None) if options.rounds.is_some() => Budget::Unlimited,
        (None, None) => defaults.budget,
    })
}

/// An integer from 0 to `most`.
pub fn integer(given: &Given, most: u64) -> Result<u64, UsageError> {
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

/// A directory that does not exist yet. If two runs begin in the same second, the second one gets a
/// numbered name.
pub fn fresh_dir(parent: &Path, name: &str) -> PathBuf {
    let numbered = (2..100).map(|number| parent.join(format!("{name}-{number}")));
    let first = parent.join(name);
    std::iter::once(first.clone()).chain(numbered).find(|dir| !dir.exists()).unwrap_or(first)
}

/// The thread counts of a run.
pub fn thread_counts(
    nthread: Option<&Given>,
    lookup: Lookup<'_>,
    cpus: &Cpus,
) -> Result<ThreadCounts, UsageError> {
    let given = nthread.map(|given| match given.is_flag() {
        true => (CountSource::Flag, given.text.as_str()),
        false => (CountSource::Variable("HARNESS_NTHREAD"), given.text.as_str()),
    });
    counts::resolve(given, lookup, cpus.usable, cpus.cores)
        .map_err(|error| UsageError(error.to_string()))
}
