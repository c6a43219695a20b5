//! What the options mean: flag over variable over default, every value checked,
//! every error naming where the value came from.

use std::path::{Path, PathBuf};

use super::options::SweepOptions;
use super::values::{Given, Lookup, UsageError, given, nearest, switch};
use crate::backend::Schedule;
use crate::campaign::progress::Show;
use crate::kernel::{BLOCK_RANGE, DEFAULT_BLOCK, Isa};
use crate::machine::{Cpus, limits};
use crate::nthread::{self, Counts, Source};
use crate::number::{parse_count, parse_counts, parse_duration};
use crate::plan::{self, Budget, Calibration, Draws, Request};
use crate::record::{BASELINE, Plan, Run, Skipped};
use crate::registry::{ForeignRunner, Registry};
use crate::runner::ISA_VARIABLE;

/// Rounds of a run: enough for a 95% interval that leaves out the two most
/// extreme rounds on either side.
const ROUNDS: u32 = 12;

/// Rounds of a quick run: the fewest that have a 95% interval.
const QUICK_ROUNDS: u32 = 6;

/// The most that a quick run may take, in nanoseconds.
const QUICK_BUDGET_NS: u64 = 15_000_000_000;

/// The fixed seed of the random streams.
const SEED: u64 = 20_261_122;

/// Draws of a call at most: days, on any machine.
const MOST_DRAWS: u64 = 1 << 50;

/// Calls of a visit at most: their rows are kept until the visit is over.
const MOST_CALLS: u32 = 10_000;

/// Rounds at most.
const MOST_ROUNDS: u32 = 1_000_000;

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

/// Understands the options of a sweep.
///
/// # Errors
/// Bad usage, with the flag or variable.
pub fn settle(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    registry: &Registry,
    cpus: &Cpus,
    host: &str,
) -> Result<Settings, UsageError> {
    let mut registry = registry.clone();
    add_runners(&mut registry, &options.runner, lookup)?;
    check_isa(lookup)?;
    let is_quick = switch("--quick", options.quick, lookup)?;
    let (rounds, budget) = stopping(options, lookup, is_quick)?;
    let calls = |flag, typed: &Option<String>| {
        let given = given(flag, typed.as_deref(), lookup);
        given.map(|given| integer(&given, MOST_CALLS.into())).transpose()
    };
    let seed = |flag, typed: &Option<String>| {
        let given = given(flag, typed.as_deref(), lookup);
        given.map(|given| integer(&given, u64::MAX)).transpose()
    };
    let timeout = given("--timeout", options.timeout.as_deref(), lookup);
    let timeout_ns = timeout.map(|given| nanoseconds(&given)).transpose()?;
    let warmup = calls("--warmup", &options.warmup)?.unwrap_or(1) as u32;
    let iterations = at_least_one("--iterations", calls("--iterations", &options.iterations)?)?;
    let order_seed = seed("--order-seed", &options.order_seed)?.unwrap_or_else(fresh_seed);
    let out = given("--out", options.out.as_deref(), lookup);
    let out = out.map_or_else(|| default_out(host), |given| PathBuf::from(given.text));

    let like = given("--like", options.like.as_deref(), lookup);
    let (mut plan, draws, remarks) = match like {
        Some(like) => plan_like(&like, options, &mut registry)?,
        None => {
            let counts = thread_counts(options, lookup, cpus)?;
            let mut remarks = vec![counts.origin()];
            remarks.extend(counts.notes.iter().cloned());
            let (backends, skipped) = backends(options, lookup, &registry)?;
            let request = Request {
                kernels: kernels(options, lookup, &registry)?,
                backends,
                nthread: if is_quick { few(&counts) } else { counts.counts.clone() },
                nthread_source: remarks[0].clone(),
                draws: draws(options, lookup, is_quick)?,
                block: block(options, lookup)?,
                seed: seed("--seed", &options.seed)?.unwrap_or(SEED),
                order_seed,
                schedules: schedules(options, lookup)?,
                chunks: chunks(options, lookup)?,
                rounds,
                budget,
                warmup,
                iterations,
                timeout_ns,
            };
            let mut plan = plan::draft(&request, &registry);
            plan.skipped.extend(skipped);
            check_schedules(options, lookup, &plan)?;
            (plan, request.draws, remarks)
        }
    };
    plan.order_seed = order_seed;
    plan.stopping.rounds = rounds;
    plan.stopping.time_budget_ns = match budget {
        Budget::Given(ns) => Some(ns),
        Budget::Unlimited | Budget::Forecast => None,
    };
    (plan.warmup, plan.iterations, plan.timeout_ns) = (warmup, iterations, timeout_ns);
    plan.first_round = plan::round_order(&plan, 0);
    check_fits(&plan)?;
    Ok(Settings { registry, plan, draws, budget, out, remarks })
}

/// How much is shown while the run goes on.
///
/// # Errors
/// If a variable says neither yes nor no.
pub fn show(options: &SweepOptions, lookup: Lookup<'_>) -> Result<Show, UsageError> {
    use std::io::IsTerminal as _;
    let is_quiet = switch("--quiet", options.quiet, lookup)?;
    let is_plain = switch("--no-progress", options.no_progress, lookup)?;
    Ok(match (is_quiet, is_plain || !std::io::stderr().is_terminal()) {
        (true, _) => Show::Problems,
        (false, true) => Show::Lines,
        (false, false) => Show::Bar,
    })
}

fn thread_counts(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    cpus: &Cpus,
) -> Result<Counts, UsageError> {
    use super::values::Origin;
    let given = given("--nthread", options.nthread.as_deref(), lookup);
    let given = given.as_ref().map(|given| match given.origin {
        Origin::Flag(_) => (Source::Flag, given.text.as_str()),
        Origin::Variable(_) => (Source::Variable("HARNESS_NTHREAD"), given.text.as_str()),
    });
    nthread::resolve(given, lookup, cpus.usable, cpus.cores)
        .map_err(|error| UsageError(error.to_string()))
}

/// The counts of a quick run: one, two, and all; a list that somebody gave
/// stays as it is.
fn few(counts: &Counts) -> Vec<u32> {
    let is_given = matches!(counts.source, Source::Flag | Source::Variable("HARNESS_NTHREAD"));
    let last = counts.counts.last().copied();
    let keep = |count: &u32| is_given || *count <= 2 || Some(*count) == last;
    counts.counts.iter().copied().filter(keep).collect()
}

fn kernels(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    registry: &Registry,
) -> Result<Vec<String>, UsageError> {
    let Some(given) = given("--kernel", options.kernel.as_deref(), lookup) else {
        return Ok(vec![registry.kernel_names().first().unwrap_or(&"pi").to_string()]);
    };
    names(&given, &registry.kernel_names(), "kernel")
}

/// The backends to sweep, and those of `all` that cannot run here.
fn backends(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    registry: &Registry,
) -> Result<(Vec<String>, Vec<Skipped>), UsageError> {
    let all = registry.backend_names();
    let given = given("--backend", options.backend.as_deref(), lookup)
        .filter(|given| given.text.trim() != "all");
    let Some(given) = given else {
        let (kept, skipped): (Vec<&str>, Vec<&str>) =
            all.iter().partition(|name| registry.obstacle(name).is_none());
        let skip = |name: &str| Skipped {
            backend: name.to_string(),
            what: "all".to_string(),
            reason: registry.obstacle(name).unwrap_or_default(),
        };
        let kept = kept.into_iter().map(str::to_string).collect();
        return Ok((kept, skipped.into_iter().map(skip).collect()));
    };
    let asked = names(&given, &all, "backend")?;
    match asked.iter().find_map(|name| Some((name, registry.obstacle(name)?))) {
        Some((name, reason)) => Err(given.error(format!("{name} cannot run here: {reason}"))),
        None => Ok((asked, Vec::new())),
    }
}

/// A list of names that must exist.
fn names(given: &Given, known: &[&str], what: &str) -> Result<Vec<String>, UsageError> {
    let mut names: Vec<String> = Vec::new();
    for name in given.text.split(',').map(str::trim) {
        if !known.contains(&name) {
            return Err(
                given.error(format!("there is no {what} {name:?}; {}", nearest(name, known)))
            );
        }
        if !names.iter().any(|other| other == name) {
            names.push(name.to_string());
        }
    }
    Ok(names)
}

fn draws(options: &SweepOptions, lookup: Lookup<'_>, is_quick: bool) -> Result<Draws, UsageError> {
    let Some(given) = given("--draws", options.draws.as_deref(), lookup) else {
        return Ok(Draws::Calibrated(if is_quick {
            Calibration::QUICK
        } else {
            Calibration::FULL
        }));
    };
    let list = parse_counts(&given.text).map_err(|error| given.error(error))?;
    match list.last() {
        Some(&most) if most > MOST_DRAWS => {
            Err(given.error(format!("{most} draws are too many; at most 2^50 can be asked for")))
        }
        _ => Ok(Draws::Given(list)),
    }
}

fn block(options: &SweepOptions, lookup: Lookup<'_>) -> Result<u64, UsageError> {
    let Some(given) = given("--block", options.block.as_deref(), lookup) else {
        return Ok(DEFAULT_BLOCK);
    };
    let block = parse_count(&given.text).map_err(|error| given.error(error))?;
    if block.is_power_of_two() && BLOCK_RANGE.contains(&block) {
        Ok(block)
    } else {
        Err(given.error(format!("{block} is no power of two from 64 to 2^30; for example 2^14")))
    }
}

fn schedules(options: &SweepOptions, lookup: Lookup<'_>) -> Result<Vec<Schedule>, UsageError> {
    let Some(given) = given("--schedule", options.schedule.as_deref(), lookup) else {
        return Ok(Vec::new());
    };
    let names = names(&given, &Schedule::ALL.map(Schedule::name), "schedule")?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

fn chunks(options: &SweepOptions, lookup: Lookup<'_>) -> Result<Vec<u64>, UsageError> {
    let Some(given) = given("--chunk", options.chunk.as_deref(), lookup) else {
        return Ok(Vec::new());
    };
    parse_counts(&given.text).map_err(|error| given.error(error))
}

/// A backend that was asked for by name and knows none of the schedules that
/// were asked for cannot do what was asked.
fn check_schedules(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    plan: &Plan,
) -> Result<(), UsageError> {
    let Some(given) = given("--schedule", options.schedule.as_deref(), lookup) else {
        return Ok(());
    };
    let has_a_case = |name: &str| plan.cases.iter().any(|case| case.backend == name);
    let is_by_name = options.backend.as_deref().is_some_and(|list| list.trim() != "all");
    let lost = plan.skipped.iter().find(|skipped| !has_a_case(&skipped.backend));
    match lost {
        Some(skipped) if is_by_name => Err(given.error(&skipped.reason)),
        _ if plan.cases.iter().all(|case| case.backend == BASELINE) && !plan.skipped.is_empty() => {
            Err(given.error("no backend knows such a schedule"))
        }
        _ => Ok(()),
    }
}

fn stopping(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    is_quick: bool,
) -> Result<(u32, Budget), UsageError> {
    let rounds = given("--rounds", options.rounds.as_deref(), lookup);
    let rounds = rounds.map(|given| integer(&given, MOST_ROUNDS.into())).transpose()?;
    let time = given("--time-budget", options.time_budget.as_deref(), lookup);
    let budget = match (time, rounds, is_quick) {
        (Some(time), ..) => Budget::Given(nanoseconds(&time)?),
        (None, Some(_), _) => Budget::Unlimited,
        (None, None, true) => Budget::Given(QUICK_BUDGET_NS),
        (None, None, false) => Budget::Forecast,
    };
    let default = if is_quick { QUICK_ROUNDS } else { ROUNDS };
    match rounds {
        None => Ok((default, budget)),
        rounds => Ok((at_least_one("--rounds", rounds)?, budget)),
    }
}

/// A plain integer from 0 to `most`.
fn integer(given: &Given, most: u64) -> Result<u64, UsageError> {
    let text = given.text.trim();
    let value: Option<u64> = text.parse().ok().filter(|value| *value <= most);
    value.ok_or_else(|| {
        given.error(format!("{text:?} is no integer from 0 to {most}; for example 5"))
    })
}

fn at_least_one(flag: &str, value: Option<u64>) -> Result<u32, UsageError> {
    match value.unwrap_or(1) {
        0 => Err(UsageError(format!("{flag}: 0 would measure nothing; for example {flag} 5"))),
        value => Ok(value as u32),
    }
}

fn nanoseconds(given: &Given) -> Result<u64, UsageError> {
    let time = parse_duration(&given.text).map_err(|error| given.error(error))?;
    Ok(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// Adds the runners of `--runner`, or of the lines of its variable.
pub fn add_runners(
    registry: &mut Registry,
    typed: &[String],
    lookup: Lookup<'_>,
) -> Result<(), UsageError> {
    use super::values::Origin;
    let given: Vec<Given> = if typed.is_empty() {
        let variable = given("--runner", None, lookup);
        let lines = variable.iter().flat_map(|given| given.text.lines());
        lines
            .filter(|line| !line.trim().is_empty())
            .map(|line| Given {
                origin: Origin::Variable("HARNESS_RUNNER".into()),
                text: line.into(),
            })
            .collect()
    } else {
        let flag = |text: &String| Given { origin: Origin::Flag("--runner"), text: text.clone() };
        typed.iter().map(flag).collect()
    };
    for given in given {
        let runner = parse_runner(&given)?;
        if registry.backend_names().contains(&runner.name.as_str()) {
            return Err(given.error(format!("there is a backend {:?} already", runner.name)));
        }
        registry.runners.push(runner);
    }
    Ok(())
}

/// `NAME=COMMAND`; the command is split as a shell would split it, and no shell
/// runs it.
fn parse_runner(given: &Given) -> Result<ForeignRunner, UsageError> {
    let example = "for example mine='python3 runner.py'";
    let Some((name, command)) = given.text.split_once('=') else {
        return Err(given.error(format!("{:?} is not NAME=COMMAND; {example}", given.text)));
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) || name == "all" {
        return Err(given.error(format!(
            "{name:?} cannot be a name: letters, digits, '-', '_' and '.' can; {example}"
        )));
    }
    match shlex::split(command) {
        Some(command) if !command.is_empty() => {
            Ok(ForeignRunner { name: name.to_string(), command })
        }
        Some(_) => Err(given.error(format!("{name} has no command; {example}"))),
        None => Err(given.error(format!("a quote in {command:?} is not closed"))),
    }
}

/// The plan of an earlier run. Nothing that changes its cases may be typed
/// beside it; variables are passed over, since they never conflict.
fn plan_like(
    like: &Given,
    options: &SweepOptions,
    registry: &mut Registry,
) -> Result<(Plan, Draws, Vec<String>), UsageError> {
    let typed = [
        ("--nthread", options.nthread.is_some()),
        ("--backend", options.backend.is_some()),
        ("--kernel", options.kernel.is_some()),
        ("--draws", options.draws.is_some()),
        ("--schedule", options.schedule.is_some()),
        ("--chunk", options.chunk.is_some()),
        ("--block", options.block.is_some()),
        ("--seed", options.seed.is_some()),
        ("--quick", options.quick),
    ];
    if let Some((flag, _)) = typed.into_iter().find(|(_, is_typed)| *is_typed) {
        return Err(like.error(format!("the cases come from there, so {flag} cannot change them")));
    }
    let run = Run::read(Path::new(&like.text)).map_err(|error| like.error(format!("{error:#}")))?;
    let mut plan = run.plan;
    for (name, command) in &plan.runners {
        if registry.runner(name).is_none() {
            let (name, command) = (name.clone(), command.clone());
            registry.runners.push(ForeignRunner { name, command });
        }
    }
    for case in &plan.cases {
        if registry.kernel(&case.kernel).is_none() {
            return Err(like.error(format!("there is no kernel {:?} here", case.kernel)));
        }
        if !registry.backend_names().contains(&case.backend.as_str()) {
            return Err(like.error(format!("there is no backend {:?} here", case.backend)));
        }
        if let Some(reason) = registry.obstacle(&case.backend) {
            return Err(like.error(format!("{} cannot run here: {reason}", case.backend)));
        }
        if case.draws.is_none() || case.block == 0 {
            return Err(like.error("its draws were never calibrated"));
        }
    }
    plan.expected.clear();
    plan.draws_rule = format!("as in {}", like.text);
    let draws = plan.cases.iter().filter_map(|case| case.draws).collect();
    let remark = format!("cases, draws and seed as in {}", like.text);
    Ok((plan, Draws::Given(draws), vec![remark]))
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
fn check_fits(plan: &Plan) -> Result<(), UsageError> {
    let most = plan.cases.iter().map(|case| case.nthread).max().unwrap_or(1);
    // Where the limit cannot be raised, the check below says what is missing.
    drop(limits::raise_descriptor_limit());
    limits::check_fits(most).map_err(|error| UsageError(format!("--nthread: {error}")))
}

/// A seed that no run had before, small enough for any JSON reader.
fn fresh_seed() -> u64 {
    rand::random::<u64>() >> 11
}

/// `results/<UTC time>-<host>`.
fn default_out(host: &str) -> PathBuf {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let host: String = host.chars().filter(|c| is_plain(*c)).take(40).collect();
    Path::new("results").join(format!("{time}-{host}"))
}
