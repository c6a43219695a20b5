//! Axes of a sweep of kernels: backends, kernels, draws, schedules, chunks, pins, thread counts.

use std::fmt::Display;
use std::str::FromStr;

use super::preset::defaults;
use crate::backend::Schedule;
use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::{Given, UsageError, nearest};
use crate::counts::{self, MAX_NTHREAD, MachineCounts};
use crate::kernel::BLOCK_RANGE;
use crate::machine::Cpus;
use crate::plan::{Calibration, Draws, MOST_DRAWS, Scaling, ladder};
use crate::quantity::{parse_count, parse_counts};
use crate::record::{BASELINE, DYNAMIC_SCHEDULES, Plan, Preset, SkippedCase};
use crate::registry::Registry;
use crate::registry::originals::ORIGINALS;

/// A list of thread counts.
///
/// # Errors
/// If the grammar of lists does not allow it.
pub fn parse_nthread(given: &Given, cpus: &Cpus) -> Result<Vec<u32>, UsageError> {
    let machine = MachineCounts { cpus: cpus.usable, cores: cpus.cores };
    given.parse(|text| counts::parse_list(text, machine))
}

/// The counts of threads inside each worker, none by default.
pub fn inner_counts(options: &SweepOptions, cpus: &Cpus) -> Result<Vec<u32>, UsageError> {
    options.inner_nthread.as_ref().map_or(Ok(Vec::new()), |given| parse_nthread(given, cpus))
}

/// The counts of threads inside each worker of a sweep of kernels, none for presets without that
/// axis.
///
/// # Errors
/// If a flag gives counts to such a preset.
pub fn inner_axis(
    options: &SweepOptions,
    preset: Preset,
    counts: Vec<u32>,
) -> Result<Vec<u32>, UsageError> {
    let Some(given) = &options.inner_nthread else { return Ok(Vec::new()) };
    let problem = preset.measures_threshold().then(|| {
        format!("{} has one thread inside each worker; leave it out", defaults(preset).rules.name)
    });
    Ok(if applies(given, problem)? { counts } else { Vec::new() })
}

pub fn kernels(options: &SweepOptions, registry: &Registry) -> Result<Vec<String>, UsageError> {
    let all = registry.kernel_names();
    match &options.kernel {
        None => Ok(vec![all.first().unwrap_or(&"pi").to_string()]),
        Some(given) if given.text.trim() == "all" => {
            Ok(all.into_iter().map(str::to_string).collect())
        }
        Some(given) => names(given, &all, "kernel"),
    }
}

/// The backends of a sweep, and those of `all` that cannot run here.
pub fn backends(
    options: &SweepOptions,
    registry: &Registry,
) -> Result<(Vec<String>, Vec<SkippedCase>), UsageError> {
    let mut known = registry.backend_names();
    let Some(given) = options.named_backends() else {
        // Nobody asked for these backends by name, so an obstacle is a note and no error.
        let (kept, skipped): (Vec<&str>, Vec<&str>) =
            known.iter().partition(|name| registry.obstacle(name).is_none());
        let skipped = skipped.into_iter().map(|name| SkippedCase {
            backend: name.to_string(),
            what: "all".to_string(),
            reason: registry.obstacle(name).unwrap_or_default(),
        });
        return Ok((kept.into_iter().map(str::to_string).collect(), skipped.collect()));
    };
    // Reference implementations that were named are in the registry by now; the names of the others
    // are known here for the hint only.
    known.extend(ORIGINALS.iter().map(|original| original.name));
    let named = names(given, &known, "backend")?;
    match named.iter().find_map(|name| Some((name, registry.obstacle(name)?))) {
        Some((name, reason)) => Err(given.error(format!("{name} cannot run here: {reason}"))),
        None => Ok((named, Vec::new())),
    }
}

/// A list of known names, without duplicates.
fn names(given: &Given, known: &[&str], noun: &str) -> Result<Vec<String>, UsageError> {
    let mut names: Vec<String> = Vec::new();
    for name in given.text.split(',').map(str::trim) {
        if name == "all" && ["backend", "kernel"].contains(&noun) {
            return Err(given.error("\"all\" cannot be combined with other names"));
        }
        if !known.contains(&name) {
            let hint = nearest(name, known);
            return Err(given.error(format!("there is no {noun} {name:?}; {hint}")));
        }
        if !names.iter().any(|other| other == name) {
            names.push(name.to_string());
        }
    }
    Ok(names)
}

/// The values of a list option of which `all` are the possible ones, without duplicates; none if the
/// option is not given.
pub fn values<T: FromStr + Display>(
    given: Option<&Given>,
    all: &[T],
    noun: &str,
) -> Result<Vec<T>, UsageError> {
    let Some(given) = given else { return Ok(Vec::new()) };
    let known: Vec<String> = all.iter().map(T::to_string).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Ok(names(given, &known, noun)?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Returns `true` if the value applies: an unsuitable variable is ignored, since it is set for
/// all runs.
///
/// # Errors
/// If the value is an unsuitable flag.
fn applies(given: &Given, problem: Option<String>) -> Result<bool, UsageError> {
    match problem {
        Some(problem) if given.is_flag() => Err(given.error(problem)),
        problem => Ok(problem.is_none()),
    }
}

/// The list of `--draws`, if it applies to the preset.
pub fn draws_list(options: &SweepOptions, preset: Preset) -> Result<Option<Vec<u64>>, UsageError> {
    let Some(given) = &options.draws else { return Ok(None) };
    let list = given.parse(parse_counts)?;
    if let Some(&largest) = list.last().filter(|largest| **largest > MOST_DRAWS) {
        return Err(given.error(format!("{largest} draws are too many; the maximum is 2^50")));
    }
    let problem = match list.len() {
        0 | 1 if preset.is_crossover() => {
            Some("--crossover needs several jobs; for example 1e4,1e6,1e8")
        }
        2.. if preset.is_metg() => {
            Some("harness metg takes one number of draws; leave the others out")
        }
        _ => None,
    };
    Ok(applies(given, problem.map(str::to_string))?.then_some(list))
}

/// The draws of a call. For METG each chunk has its own.
pub fn draws(
    list: Option<Vec<u64>>,
    preset: Preset,
    block: u64,
    chunks: &[u64],
    largest: u32,
) -> Draws {
    match list {
        Some(list) => Draws::Given(list),
        None if preset.is_crossover() => Draws::Given(ladder::jobs()),
        None if preset.is_metg() => {
            let draws = chunks.iter().map(|chunk| ladder::draws_of_tasks(*chunk, block, largest));
            Draws::ByChunk(chunks.iter().copied().zip(draws).collect())
        }
        None if preset.is_quick() => Draws::Calibrated(Calibration::QUICK),
        None => Draws::Calibrated(Calibration::FULL),
    }
}

pub fn block(options: &SweepOptions, preset: Preset) -> Result<u64, UsageError> {
    let Some(given) = &options.block else { return Ok(defaults(preset).block) };
    let block = given.parse(parse_count)?;
    if block.is_power_of_two() && BLOCK_RANGE.contains(&block) {
        Ok(block)
    } else {
        Err(given.error(format!("{block} is not a power of two from 64 to 2^30; for example 2^14")))
    }
}

/// The schedules, by default those of the backends. METG needs dynamic ones.
pub fn schedules(options: &SweepOptions, preset: Preset) -> Result<Vec<Schedule>, UsageError> {
    let Some(given) = &options.schedule else { return Ok(Vec::new()) };
    let schedules = values(Some(given), &Schedule::ALL, "schedule")?;
    let unsuitable = schedules
        .iter()
        .find(|schedule| preset.is_metg() && !DYNAMIC_SCHEDULES.contains(&schedule.name()));
    let problem = unsuitable.map(|schedule| {
        format!("{schedule} does not hand out each chunk separately; dynamic and stealing do")
    });
    Ok(if applies(given, problem)? { schedules } else { Vec::new() })
}

pub fn scaling(options: &SweepOptions, preset: Preset) -> Result<Scaling, UsageError> {
    // Crossover and METG vary the size of the work, so a variable for weak scaling is ignored.
    Ok(if options.weak.is_on()? && !preset.measures_threshold() {
        Scaling::Weak
    } else {
        Scaling::Strong
    })
}

/// The blocks of a chunk, by default those of the schedules. METG needs at least two sizes.
pub fn chunks(
    options: &SweepOptions,
    preset: Preset,
    block: u64,
    draws: Option<&[u64]>,
    largest: u32,
) -> Result<Vec<u64>, UsageError> {
    let given = options.chunk.as_ref();
    let list = given.map_or(Ok(Vec::new()), |given| given.parse(parse_counts))?;
    if !preset.is_metg() {
        return Ok(list);
    }
    // With the largest chunk, the least number of tasks for the most workers is still within the
    // maximum of draws.
    let most = MOST_DRAWS / block / u64::from(MAX_NTHREAD) / ladder::LEAST_TASKS;
    let problem = match list.last() {
        _ if list.len() < 2 => {
            Some("harness metg needs several chunks; for example 1,4,16,64".to_string())
        }
        Some(last) if *last > most => Some(format!("a chunk of {last} blocks is too large")),
        _ => None,
    };
    if let Some(given) = given
        && applies(given, problem)?
    {
        return Ok(list);
    }
    // By default, all chunks of which the given draws make enough tasks.
    let least = u64::from(largest) * ladder::LEAST_TASKS;
    let mut chunks = ladder::chunks(block);
    chunks.retain(|chunk| draws.is_none_or(|draws| draws[0] / block / chunk >= least));
    if chunks.len() < 2 {
        return Err(UsageError(format!(
            "--block: blocks of {block} draws allow fewer than two task sizes; try 64, or more --draws"
        )));
    }
    Ok(chunks)
}

/// Checks a plan against the options that it follows from.
///
/// # Errors
/// If the options ask for what the plan cannot contain.
pub fn check_plan(options: &SweepOptions, plan: &Plan) -> Result<(), UsageError> {
    check_draws(options, plan)?;
    check_schedules(options, plan)?;
    check_start_methods(options, plan)?;
    check_metg_backends(options, plan)
}

/// Checks the draws of weak cases, which grow with the workers.
fn check_draws(options: &SweepOptions, plan: &Plan) -> Result<(), UsageError> {
    let most = plan.cases.iter().filter_map(|case| case.draws).max();
    match (&options.draws, most) {
        (Some(given), Some(most)) if most > MOST_DRAWS => {
            Err(given
                .error(format!("{most} draws of all workers are too many; the maximum is 2^50")))
        }
        _ => Ok(()),
    }
}

/// Refuses `--start-method` where no backend starts processes.
fn check_start_methods(options: &SweepOptions, plan: &Plan) -> Result<(), UsageError> {
    let Some(given) = &options.start_method else { return Ok(()) };
    let is_unused = plan.cases.iter().all(|case| case.start_method.is_empty());
    let problem = "none of the backends starts processes; for example -b process-pipe";
    applies(given, is_unused.then(|| problem.to_string())).map(drop)
}

/// Refuses a schedule that a named backend, or every backend, does not support.
fn check_schedules(options: &SweepOptions, plan: &Plan) -> Result<(), UsageError> {
    let Some(given) = &options.schedule else { return Ok(()) };
    match without_cases(plan) {
        Some(skipped) if options.named_backends().is_some() => Err(given.error(&skipped.reason)),
        // Of all backends, some must support the schedule: a run of the baseline alone says nothing.
        _ if has_only_baselines(plan) && !plan.skipped.is_empty() => {
            Err(given.error("no backend supports this schedule"))
        }
        _ => Ok(()),
    }
}

/// Refuses a named backend that cannot take part in METG, since it hands out no chunks. A variable
/// is an error only if nothing is left to measure.
fn check_metg_backends(options: &SweepOptions, plan: &Plan) -> Result<(), UsageError> {
    let given = options.named_backends().filter(|_| plan.preset.is_metg());
    match (given, without_cases(plan)) {
        (Some(given), Some(SkippedCase { backend, reason, .. }))
            if given.is_flag() || has_only_baselines(plan) =>
        {
            Err(given.error(format!("{}: {backend}: {reason}", defaults(plan.preset).rules.name)))
        }
        _ => Ok(()),
    }
}

/// The first skipped backend that has no case at all.
fn without_cases(plan: &Plan) -> Option<&SkippedCase> {
    plan.skipped
        .iter()
        .find(|skipped| plan.cases.iter().all(|case| case.backend != skipped.backend))
}

fn has_only_baselines(plan: &Plan) -> bool {
    plan.cases.iter().all(|case| case.backend == BASELINE)
}
