//! What to sweep: thread counts, backends, kernels, draws, schedules, chunks.

use super::options::SweepOptions;
use super::preset::{self, suited};
use super::values::{Given, Lookup, Origin, UsageError, given, nearest, switch};
use crate::backend::{Schedule, StartMethod};
use crate::counts::{self, CountSource, ThreadCounts};
use crate::kernel::{BLOCK_RANGE, DEFAULT_BLOCK};
use crate::machine::Cpus;
use crate::plan::{Calibration, Draws, HANDS_OUT, MOST_DRAWS, Pin, Scaling, ladder};
use crate::quantity::{parse_count, parse_counts};
use crate::record::{BASELINE, Plan, Preset, Skipped};
use crate::registry::Registry;
use crate::registry::originals::ORIGINALS;

pub fn thread_counts(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    cpus: &Cpus,
) -> Result<ThreadCounts, UsageError> {
    let given = given("--nthread", options.nthread.as_deref(), lookup);
    let given = given.as_ref().map(|given| match given.origin {
        Origin::Flag(_) => (CountSource::Flag, given.text.as_str()),
        Origin::Variable(_) => (CountSource::Variable("HARNESS_NTHREAD"), given.text.as_str()),
    });
    counts::resolve(given, lookup, cpus.usable, cpus.cores)
        .map_err(|error| UsageError(error.to_string()))
}

/// Threads inside each worker; empty where nobody asks, and they are no axis.
///
/// # Errors
/// If the list is none.
pub fn inner_counts(
    typed: Option<&str>,
    lookup: Lookup<'_>,
    cpus: &Cpus,
) -> Result<Vec<u32>, UsageError> {
    let Some(given) = given("--inner-nthread", typed, lookup) else { return Ok(Vec::new()) };
    let words = counts::MachineCounts { cpus: cpus.usable, cores: cpus.cores };
    counts::parse_list(&given.text, words).map_err(|error| given.error(error))
}

/// Threads inside each worker of a run that asks for `preset`: an axis of a sweep
/// only. A variable for all runs has no say in others.
///
/// # Errors
/// As [`inner_counts`]; and where a flag asks for what the preset does not have.
pub fn inner_axis(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
    cpus: &Cpus,
) -> Result<Vec<u32>, UsageError> {
    let typed = options.inner_nthread.as_deref();
    let list = inner_counts(typed, lookup, cpus)?;
    let problem = |_: &Vec<u32>| match preset {
        Preset::Sweep | Preset::Quick => None,
        Preset::Crossover | Preset::Metg => Some(format!(
            "{} has one thread inside each worker; leave it out",
            preset::name(preset)
        )),
    };
    Ok(suited("--inner-nthread", typed, lookup, list, problem)?.unwrap_or_default())
}

pub fn kernels(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    registry: &Registry,
) -> Result<Vec<String>, UsageError> {
    let Some(given) = given("--kernel", options.kernel.as_deref(), lookup) else {
        return Ok(vec![registry.kernel_names().first().unwrap_or(&"pi").to_string()]);
    };
    let all = registry.kernel_names();
    if given.text.trim() == "all" {
        return Ok(all.into_iter().map(str::to_string).collect());
    }
    names(&given, &all, "kernel")
}

/// The backends to sweep, and those of `all` that cannot run here.
pub fn backends(
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
    // Originals that were named are in the registry by now; the others are suggested.
    let mut known = all;
    known.extend(ORIGINALS.iter().map(|original| original.name));
    let asked = names(&given, &known, "backend")?;
    match asked.iter().find_map(|name| Some((name, registry.obstacle(name)?))) {
        Some((name, reason)) => Err(given.error(format!("{name} cannot run here: {reason}"))),
        None => Ok((asked, Vec::new())),
    }
}

/// A list of names that must exist.
fn names(given: &Given, known: &[&str], what: &str) -> Result<Vec<String>, UsageError> {
    let mut names: Vec<String> = Vec::new();
    for name in given.text.split(',').map(str::trim) {
        if name == "all" && ["backend", "kernel"].contains(&what) {
            return Err(given.error("\"all\" stands alone"));
        }
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

/// Draws of a call. Where chunks are what is asked for, each has draws of its own.
pub fn draws(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
    block: u64,
    chunks: &[u64],
    nthread: &[u32],
) -> Result<Draws, UsageError> {
    let typed = options.draws.as_deref();
    let list = match given("--draws", typed, lookup) {
        Some(given) => draws_given(&given)?,
        None => Vec::new(),
    };
    let problem = |list: &Vec<u64>| match preset {
        Preset::Crossover if list.len() < 2 => {
            Some("--crossover needs several jobs; for example 1e4,1e6,1e8".to_string())
        }
        Preset::Metg if list.len() > 1 => {
            Some("harness metg takes one number of draws; leave it out, or name one".to_string())
        }
        _ => None,
    };
    if let Some(list) = suited("--draws", typed, lookup, list, problem)? {
        return Ok(Draws::Given(list));
    }
    let most = nthread.iter().copied().max().unwrap_or(1);
    let own = |chunk: &u64| (*chunk, ladder::draws_of_tasks(*chunk, block, most));
    Ok(match preset {
        Preset::Sweep => Draws::Calibrated(Calibration::FULL),
        Preset::Quick => Draws::Calibrated(Calibration::QUICK),
        Preset::Crossover => Draws::Given(ladder::jobs()),
        Preset::Metg => Draws::ByChunk(chunks.iter().map(own).collect()),
    })
}

fn draws_given(given: &Given) -> Result<Vec<u64>, UsageError> {
    let list = parse_counts(&given.text).map_err(|error| given.error(error))?;
    match list.last() {
        Some(&most) if most > MOST_DRAWS => {
            Err(given.error(format!("{most} draws are too many; at most 2^50 can be asked for")))
        }
        _ => Ok(list),
    }
}

pub fn block(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
) -> Result<u64, UsageError> {
    let Some(given) = given("--block", options.block.as_deref(), lookup) else {
        return Ok(match preset {
            Preset::Sweep | Preset::Quick => DEFAULT_BLOCK,
            Preset::Crossover => ladder::CROSSOVER_BLOCK,
            Preset::Metg => ladder::METG_BLOCK,
        });
    };
    let block = parse_count(&given.text).map_err(|error| given.error(error))?;
    if block.is_power_of_two() && BLOCK_RANGE.contains(&block) {
        Ok(block)
    } else {
        Err(given.error(format!("{block} is no power of two from 64 to 2^30; for example 2^14")))
    }
}

/// Schedules; where chunks are what is asked for, such as hand out each by itself.
pub fn schedules(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
) -> Result<Vec<Schedule>, UsageError> {
    let typed = options.schedule.as_deref();
    let Some(given) = given("--schedule", typed, lookup) else {
        return Ok(Vec::new());
    };
    let names = names(&given, &Schedule::ALL.map(Schedule::name), "schedule")?;
    let schedules: Vec<Schedule> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let problem = |schedules: &Vec<Schedule>| {
        let other = schedules.iter().find(|schedule| !HANDS_OUT.contains(schedule));
        let other = other.filter(|_| preset == Preset::Metg)?;
        Some(format!("{other} does not hand out every chunk by itself; dynamic and stealing do"))
    };
    Ok(suited("--schedule", typed, lookup, schedules, problem)?.unwrap_or_default())
}

pub fn start_methods(
    options: &SweepOptions,
    lookup: Lookup<'_>,
) -> Result<Vec<StartMethod>, UsageError> {
    let Some(given) = given("--start-method", options.start_method.as_deref(), lookup) else {
        return Ok(Vec::new());
    };
    let names = names(&given, &StartMethod::ALL.map(StartMethod::name), "start method")?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

pub fn pins(options: &SweepOptions, lookup: Lookup<'_>) -> Result<Vec<Pin>, UsageError> {
    let Some(given) = given("--pin", options.pin.as_deref(), lookup) else {
        return Ok(Vec::new());
    };
    let names = names(&given, &Pin::ALL.map(Pin::name), "pin")?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

pub fn scaling(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
) -> Result<Scaling, UsageError> {
    let is_weak = switch("--weak", options.weak, lookup)?;
    // Where the size of the work is asked for, a variable for all runs has no say.
    let is_weak = is_weak && matches!(preset, Preset::Sweep | Preset::Quick);
    Ok(if is_weak { Scaling::Weak } else { Scaling::Strong })
}

/// Blocks of a chunk; where chunks are what is asked for, at least two of them.
pub fn chunks(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    preset: Preset,
    block: u64,
    nthread: &[u32],
) -> Result<Vec<u64>, UsageError> {
    let typed = options.chunk.as_deref();
    let list = match given("--chunk", typed, lookup) {
        Some(given) => parse_counts(&given.text).map_err(|error| given.error(error))?,
        None => Vec::new(),
    };
    if preset != Preset::Metg {
        return Ok(list);
    }
    let most = MOST_DRAWS / block / u64::from(counts::MAX_NTHREAD) / ladder::LEAST_TASKS;
    let problem = |list: &Vec<u64>| match list.last() {
        _ if list.len() < 2 => {
            Some("harness metg needs several chunks; for example 1,4,16,64".to_string())
        }
        Some(last) if *last > most => Some(format!("a chunk of {last} blocks is too large")),
        _ => None,
    };
    let chunks = suited("--chunk", typed, lookup, list, problem)?;
    let least = nthread.iter().map(|n| u64::from(*n)).max().unwrap_or(1) * ladder::LEAST_TASKS;
    let draws = given("--draws", options.draws.as_deref(), lookup);
    let draws = draws.and_then(|given| draws_given(&given).ok()).filter(|list| list.len() == 1);
    let has_tasks =
        |chunk: &u64| draws.as_ref().is_none_or(|draws| draws[0] / block / chunk >= least);
    let own = || ladder::chunks(block).into_iter().filter(has_tasks).collect();
    match chunks.unwrap_or_else(own) {
        chunks if chunks.len() < 2 => Err(UsageError(format!(
            "--block: blocks of {block} draws leave no two sizes of task; try 64, or more --draws"
        ))),
        chunks => Ok(chunks),
    }
}

/// The workers of a weak case may have too many draws together.
pub fn check_draws(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    plan: &Plan,
) -> Result<(), UsageError> {
    let given = given("--draws", options.draws.as_deref(), lookup);
    let most = plan.cases.iter().filter_map(|case| case.draws).max();
    match (given, most) {
        (Some(given), Some(most)) if most > MOST_DRAWS => Err(given.error(format!(
            "{most} draws of all workers are too many; at most 2^50 can be asked for"
        ))),
        _ => Ok(()),
    }
}

/// A way to start processes is for backends that start some.
pub fn check_start_methods(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    plan: &Plan,
) -> Result<(), UsageError> {
    let given = given("--start-method", options.start_method.as_deref(), lookup);
    match given {
        // A variable is for all runs, those without processes too.
        Some(given)
            if matches!(given.origin, Origin::Flag(_))
                && plan.cases.iter().all(|case| case.start_method.is_empty()) =>
        {
            Err(given.error("none of these backends starts processes; for example -b process-pipe"))
        }
        _ => Ok(()),
    }
}

/// A backend that was asked for by name and knows none of the schedules that
/// were asked for cannot do what was asked.
pub fn check_schedules(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    plan: &Plan,
) -> Result<(), UsageError> {
    let Some(given) = given("--schedule", options.schedule.as_deref(), lookup) else {
        return Ok(());
    };
    let has_a_case = |name: &str| plan.cases.iter().any(|case| case.backend == name);
    let backends = self::given("--backend", options.backend.as_deref(), lookup);
    let is_by_name = backends.is_some_and(|list| list.text.trim() != "all");
    let lost = plan.skipped.iter().find(|skipped| !has_a_case(&skipped.backend));
    match lost {
        Some(skipped) if is_by_name => Err(given.error(&skipped.reason)),
        _ if plan.cases.iter().all(|case| case.backend == BASELINE) && !plan.skipped.is_empty() => {
            Err(given.error("no backend knows such a schedule"))
        }
        _ => Ok(()),
    }
}

/// A backend that was asked for by name and hands out no chunks has no smallest
/// one; where none does, there is nothing to measure.
pub fn check_handed_out(
    options: &SweepOptions,
    lookup: Lookup<'_>,
    plan: &Plan,
) -> Result<(), UsageError> {
    let given = given("--backend", options.backend.as_deref(), lookup);
    let is_by_name = |given: &Given| given.text.trim() != "all";
    let is_typed = |given: &Given| matches!(given.origin, Origin::Flag(_));
    let is_nothing_left = plan.cases.iter().all(|case| case.backend == BASELINE);
    let lost = |skipped: &&Skipped| {
        plan.preset == Preset::Metg && plan.cases.iter().all(|it| it.backend != skipped.backend)
    };
    match (given.filter(is_by_name), plan.skipped.iter().find(lost)) {
        // A variable is for all runs, those in which it can take part too.
        (Some(given), Some(Skipped { backend, reason, .. }))
            if is_typed(&given) || is_nothing_left =>
        {
            Err(given.error(format!("{}: {backend}: {reason}", preset::name(plan.preset))))
        }
        _ => Ok(()),
    }
}
