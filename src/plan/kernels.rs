//! Plans of kernels: each backend at each setting.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draws, Pin, Rules, Scaling};
use crate::backend::{Backend, Schedule, StartMethod};
use crate::record::{BASELINE, Case, DYNAMIC_SCHEDULES, Plan, Preset, SkippedCase};
use crate::registry::Registry;

/// The settings of a sweep of kernels, checked: names exist, and values are within their limits.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The preset, which decides the default schedules.
    pub preset: Preset,
    /// The names of the kernels.
    pub kernels: Vec<String>,
    /// The names of the backends.
    pub backends: Vec<String>,
    /// The thread counts.
    pub nthread: Vec<u32>,
    /// The counts of threads inside each worker; empty means one, without an axis.
    pub inner_nthread: Vec<u32>,
    /// The draws of a call.
    pub draws: Draws,
    /// The draws of a block.
    pub block: u64,
    /// The seed of the random streams.
    pub seed: u64,
    /// The schedules; empty means the default of each backend.
    pub schedules: Vec<Schedule>,
    /// The blocks of a chunk; empty means the default of each schedule.
    pub chunks: Vec<u64>,
    /// The start methods of process backends; empty means the default of each backend.
    pub start_methods: Vec<StartMethod>,
    /// The affinities of workers; empty means none.
    pub pins: Vec<Pin>,
    /// The kind of scaling. If it is weak, [`Request::draws`] are those of one worker.
    pub scaling: Scaling,
}

/// The plan of a request.
pub fn draft(request: &Request, rules: &Rules, registry: &Registry) -> Plan {
    let mut backends = vec![BASELINE];
    backends.extend(request.backends.iter().map(String::as_str).filter(|name| *name != BASELINE));
    let (mut cases, mut skipped) = (Vec::new(), Vec::new());
    for job in jobs(request) {
        for name in &backends {
            let case = Case { backend: (*name).to_string(), ..job.clone() };
            match registry.backend(name) {
                Some(backend) => cases.extend(variants(request, backend, &case, &mut skipped)),
                None if request.preset.is_metg() => {
                    let reason = "foreign runners choose their chunks themselves";
                    skip(&mut skipped, name, "all", reason);
                }
                None => cases.extend(at_each_count(request, &case)),
            }
        }
    }
    let mut plan = Plan {
        cases,
        skipped,
        nthread: request.nthread.clone(),
        inner_nthread: request.inner_nthread.clone(),
        draws_rule: request.draws.to_string(),
        preset: request.preset,
        runners: runners_of(registry, &backends),
        ..Plan::default()
    };
    fill_chunks(&mut plan);
    rules.apply(&mut plan);
    plan
}

/// The jobs of a request, as cases without a backend: each kernel, number of draws and pin.
fn jobs(request: &Request) -> Vec<Case> {
    let mut draws: Vec<Option<u64>> = match &request.draws {
        Draws::Given(list) => {
            list.iter().map(|draws| Some(whole_blocks(*draws, request.block))).collect()
        }
        Draws::Calibrated(_) => vec![None],
        Draws::ByChunk(list) => {
            let all: BTreeSet<u64> = list.iter().map(|(_, draws)| *draws).collect();
            all.into_iter().map(Some).collect()
        }
    };
    // Two numbers of draws that round up to the same blocks are one case.
    draws.dedup();
    let pins = if request.pins.is_empty() { &[Pin::None][..] } else { &request.pins };
    let mut jobs = Vec::new();
    for kernel in &request.kernels {
        for &draws in &draws {
            jobs.extend(pins.iter().map(|pin| Case {
                kernel: kernel.clone(),
                nthread: 1,
                block: request.block,
                pin: pin.to_string(),
                inner_nthread: 1,
                scaling: request.scaling.to_string(),
                draws,
                seed: request.seed,
                ..Case::default()
            }));
        }
    }
    jobs
}

/// Draws, rounded up to whole blocks.
fn whole_blocks(draws: u64, block: u64) -> u64 {
    draws.div_ceil(block).saturating_mul(block)
}

/// The cases of a backend of this program: each schedule, chunk and thread count.
fn variants(
    request: &Request,
    backend: &dyn Backend,
    case: &Case,
    skipped: &mut Vec<SkippedCase>,
) -> Vec<Case> {
    if case.is_baseline() {
        // Schedules and chunks make no difference to a sequential loop.
        let schedule = Schedule::Static.to_string();
        return vec![Case { schedule, ..case.clone() }];
    }
    let (known, unknown): (Vec<_>, Vec<_>) = match &request.schedules[..] {
        [] => (default_schedule(request, backend, skipped), Vec::new()),
        list => list.iter().copied().partition(|it| backend.schedules().contains(it)),
    };
    for schedule in unknown {
        let reason = format!("{} supports {}", case.backend, known_schedules(backend));
        skip(skipped, &case.backend, &format!("schedule {schedule}"), &reason);
    }
    let chunks: Vec<Option<u64>> = match (&request.draws, &request.chunks[..]) {
        (Draws::ByChunk(list), _) => {
            let chunks = list.iter().filter(|(_, draws)| Some(*draws) == case.draws);
            chunks.map(|(chunk, _)| Some(*chunk)).collect()
        }
        (_, []) => vec![None],
        (_, list) => list.iter().copied().map(Some).collect(),
    };
    // The thread count is the innermost axis, so that the cases of a line are neighbours.
    let mut cases = Vec::new();
    for schedule in known {
        for &chunk in &chunks {
            for start_method in start_methods(request, backend) {
                let schedule = schedule.to_string();
                let case = Case { schedule, chunk, start_method, ..case.clone() };
                cases.extend(at_each_count(request, &case));
            }
        }
    }
    cases
}

/// The default schedule of a backend; for METG, one that hands out each chunk separately, if there
/// is one.
fn default_schedule(
    request: &Request,
    backend: &dyn Backend,
    skipped: &mut Vec<SkippedCase>,
) -> Vec<Schedule> {
    let known = backend.schedules();
    if !request.preset.is_metg() {
        return vec![known[0]];
    }
    let schedule = DYNAMIC_SCHEDULES
        .iter()
        .find_map(|name| known.iter().copied().find(|schedule| schedule.name() == *name));
    if schedule.is_none() {
        let reason = format!("it hands out no chunks: it supports {}", known_schedules(backend));
        skip(skipped, backend.name(), "all", &reason);
    }
    schedule.into_iter().collect()
}

fn known_schedules(backend: &dyn Backend) -> String {
    let names: Vec<_> = backend.schedules().iter().map(|known| known.name()).collect();
    names.join(", ")
}

/// Adds a reason why a backend is left out, once for all jobs.
fn skip(skipped: &mut Vec<SkippedCase>, backend: &str, what: &str, reason: &str) {
    let [backend, what, reason] = [backend, what, reason].map(str::to_string);
    let skip = SkippedCase { backend, what, reason };
    if !skipped.contains(&skip) {
        skipped.push(skip);
    }
}

/// The start methods of the cases of a backend; an empty text for threads.
fn start_methods(request: &Request, backend: &dyn Backend) -> Vec<String> {
    let known = backend.start_methods();
    // A backend without one of the requested methods keeps its default: thread backends have none.
    let methods = request.start_methods.iter().filter(|method| known.contains(method));
    let names: Vec<String> = methods.map(ToString::to_string).collect();
    match (names.is_empty(), known.first()) {
        (false, _) => names,
        (true, default) => vec![default.map_or(String::new(), ToString::to_string)],
    }
}

/// A case at each thread count, with each count of threads inside the workers.
fn at_each_count(request: &Request, case: &Case) -> Vec<Case> {
    let inner = if request.inner_nthread.is_empty() { &[1][..] } else { &request.inner_nthread };
    let counts = inner.iter().flat_map(|inner| request.nthread.iter().map(|n| (*n, *inner)));
    counts
        .map(|(nthread, inner_nthread)| {
            let mut case = Case { nthread, inner_nthread, ..case.clone() };
            case.draws = case.draws.map(|share| draws_of(&case, share));
            case
        })
        .collect()
}

/// The draws of a case: for weak scaling `share` is that of one worker, for strong scaling that of
/// all.
fn draws_of(case: &Case, share: u64) -> u64 {
    if case.is_weak() { share.saturating_mul(case.nthread.into()) } else { share }
}

/// The commands of the foreign runners among `backends`.
fn runners_of(registry: &Registry, backends: &[&str]) -> BTreeMap<String, Vec<String>> {
    let runners = backends.iter().filter_map(|name| registry.runner(name));
    runners.map(|runner| (runner.name.clone(), runner.command.clone())).collect()
}

/// Sets the calibrated draws of a kernel's cases; for weak scaling, those of one worker.
pub fn settle(plan: &mut Plan, kernel: &str, draws: u64) {
    for case in plan.cases.iter_mut().filter(|case| case.kernel == kernel) {
        if case.draws.is_none() {
            case.draws = Some(draws_of(case, draws));
        }
    }
    fill_chunks(plan);
}

/// Sets the default chunks, which follow from the draws. A chunk has at least one block for each
/// thread inside a worker, if the worker has so many blocks, so that none of these threads is idle.
/// The largest count of inner threads decides, so that cases which differ only in it have equal
/// chunks.
fn fill_chunks(plan: &mut Plan) {
    let inner = plan.cases.iter().map(|case| u64::from(case.inner_nthread)).max().unwrap_or(1);
    for case in &mut plan.cases {
        if let (None, Some(draws), Ok(schedule)) =
            (case.chunk, case.draws, case.schedule.parse::<Schedule>())
        {
            let blocks = draws / case.block;
            let share = blocks.div_ceil(u64::from(case.nthread.max(1))).max(1);
            let chunk = schedule.default_chunk(blocks, case.nthread);
            case.chunk = Some(chunk.max(inner.min(share)));
        }
    }
}

#[cfg(test)]
mod tests;
