//! One visit to a kernel under a backend, in this process.

mod cycle_counter;
mod resource_monitor;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};

use super::ISA_VARIABLE;
use super::protocol::{
    Call, CheckMode, Done, Event, PROTOCOL, Timed, VisitRequest, Worker, read_request,
};
use crate::backend::{
    Backend, Chunks, Placement, Report, Schedule, Setup, StartMethod, Team, Work, panic_message,
    slowdown,
};
use crate::kernel::{Isa, Job};
use crate::machine::parse_cpu_list;
use crate::registry::Registry;
use resource_monitor::ResourceMonitor;

/// Serves the visit that `input` requests, and writes its events to `output`.
pub(crate) fn serve(registry: &Registry, input: impl io::Read, mut output: impl Write) -> ExitCode {
    let mut send = |event: Event| event.write_line(&mut output);
    let result = read_request(input)
        .and_then(|request: VisitRequest| make_visit(registry, &request, &mut send));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Failing to send means that the harness is gone.
            drop(send(Event::error(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Runs the phases of a visit, and sends the event of each as soon as it is over.
/// Events are written between the timed phases, never inside one.
fn make_visit(
    registry: &Registry,
    request: &VisitRequest,
    send: &mut impl FnMut(Event) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if request.protocol != PROTOCOL {
        bail!("the harness speaks protocol {}, this runner speaks {PROTOCOL}", request.protocol);
    }
    let (backend, work, chunks) = resolve(registry, request)?;
    let setup = setup(request)?;
    send(Event::hello(CheckMode::Exact))?;

    // Before the team exists: a cycle counter counts only threads that start later.
    let mut monitor = ResourceMonitor::new(work.inner_nthread());
    let start = Instant::now();
    let mut team = backend.team(work, chunks, &setup)?;
    send(Event::Setup(Timed { wall_ns: elapsed_ns(start) }))?;
    for _ in 0..request.warmup {
        send(Event::Warmup(timed_call(backend, &mut *team, &mut monitor)?))?;
    }
    for _ in 0..request.iterations {
        send(Event::Call(timed_call(backend, &mut *team, &mut monitor)?))?;
    }
    // The peak memory of processes cannot be read once they have ended.
    monitor.before_teardown(&*team);
    let start = Instant::now();
    drop(team);
    send(Event::Teardown(Timed { wall_ns: elapsed_ns(start) }))?;
    send(Event::Done(Done { isa: work.isa().name().to_string(), ..monitor.finish()? }))
}

/// Start method and placement of the workers that a request asks for.
fn setup(request: &VisitRequest) -> anyhow::Result<Setup> {
    let start = match &request.start_method {
        Some(name) => name.parse().map_err(|()| anyhow!("unknown start method {name:?}"))?,
        None => StartMethod::default(),
    };
    let Some(pin) = &request.pin else { return Ok(start.into()) };
    let cpus: Vec<Vec<usize>> = pin
        .iter()
        .map(|list| {
            let cpus = parse_cpu_list(list).filter(|cpus| !cpus.is_empty());
            cpus.ok_or_else(|| anyhow!("pin: {list:?} is not a list of CPUs; for example 0-3,8"))
        })
        .collect::<anyhow::Result<_>>()?;
    if cpus.len() != request.nthread as usize {
        bail!("pin: {} lists of CPUs for {} workers", cpus.len(), request.nthread);
    }
    Ok(Setup { start, placement: Placement::of(cpus) })
}

/// Looks up what a request names in this registry.
fn resolve(
    registry: &Registry,
    request: &VisitRequest,
) -> anyhow::Result<(&'static dyn Backend, Work, Chunks)> {
    let kernel = registry
        .kernel(&request.kernel)
        .ok_or_else(|| anyhow!("unknown kernel {:?}", request.kernel))?;
    // The backends of the self-test are in no registry, so that no list shows them.
    let backend = registry
        .backend(&request.backend)
        .or_else(|| slowdown::find(&request.backend))
        .ok_or_else(|| anyhow!("unknown backend {:?}", request.backend))?;
    let schedule = match &request.schedule {
        Some(name) => {
            name.parse::<Schedule>().map_err(|()| anyhow!("unknown schedule {name:?}"))?
        }
        None => backend.schedules()[0],
    };
    let (blocks, nthread) = (request.blocks, request.nthread);
    let chunk = request.chunk.unwrap_or_else(|| schedule.default_chunk(blocks, nthread));
    if chunk == 0 || nthread == 0 {
        bail!("chunk and nthread must be at least 1");
    }
    let isa = match std::env::var(ISA_VARIABLE).ok().filter(|name| !name.is_empty()) {
        Some(name) => Isa::find(&name).ok_or_else(|| {
            let available: Vec<_> = Isa::available().map(Isa::name).collect();
            anyhow!("{ISA_VARIABLE}={name}: this CPU has {}", available.join(", "))
        })?,
        None => Isa::best(),
    };
    let job = Job { seed: request.seed, block: request.block, blocks };
    let chunks = Chunks { blocks, chunk, schedule, nthread: nthread as usize };
    Ok((backend, Work::new(kernel, job, isa).with_inner(request.inner_nthread), chunks))
}

/// Makes one call, timed from outside, with its resource usage.
fn timed_call(
    backend: &dyn Backend,
    team: &mut dyn Team,
    monitor: &mut ResourceMonitor,
) -> anyhow::Result<Call> {
    // Only the call itself lies between the two readings of the clock: counters are read
    // outside them, and their differences include no reading of each other.
    let before = monitor.before(team)?;
    let stops_before = team.stops();
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| team.call()));
    let wall_ns = elapsed_ns(start);
    // The counters are read before errors are handled, which could take CPU time.
    let after = monitor.after(team)?;
    let reports = result
        .map_err(|panic| anyhow!("the call panicked: {}", panic_message(&*panic)))?
        .context("the call failed")?;
    monitor.record_call(wall_ns, &reports);
    let total = reports.iter().fold(Report::default(), |mut total, report| {
        total += *report;
        total
    });
    let usage = after.since(&before, &reports);
    Ok(Call {
        wall_ns,
        stops: resource_monitor::stops(team, stops_before),
        tally: Some(total.tally),
        workers: reports
            .into_iter()
            .enumerate()
            .map(|(worker, report)| Worker {
                name: backend.worker_name(worker),
                busy_ns: Some(report.busy_ns),
                cpu_ns: report
                    .cpu_ns
                    .or_else(|| Some(after.cpu_since_ns(&before, worker)? + report.inner.cpu_ns?)),
                blocks: Some(report.blocks),
                tally: Some(report.tally),
            })
            .collect(),
        ..usage
    })
}

/// Nanoseconds since `start`.
fn elapsed_ns(start: Instant) -> u64 {
    start.elapsed().as_nanos() as u64
}
