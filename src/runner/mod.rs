//! One visit, in a process of its own.
//!
//! The campaign starts this same executable again with the hidden verb
//! [`VERB`] for each visit. A fresh process keeps the pools of one backend out
//! of the samples of the next, makes `fork` safe because only one thread
//! exists, and turns a crash into an error row. Any program may take this
//! process's place that speaks the same [`protocol`].

mod cycles;
mod object;
pub mod protocol;
pub(crate) mod status;
pub(crate) mod usage;
mod witness;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};

use crate::backend::{
    Backend, Chunks, Placement, Report, Schedule, Setup, StartMethod, Team, Work, panic_message,
    slowdown,
};
use crate::command;
use crate::kernel::{Isa, Job};
use crate::machine::parse_cpu_list;
use crate::process::{self, Callable, Message};
use crate::registry::Registry;
use protocol::{Call, Check, Done, Event, Failure, Hello, PROTOCOL, Timed, Visit, Worker};
use witness::Witness;

/// First argument of an executable that is started as a runner.
pub const VERB: &str = "__runner";

/// Variable that forces the instruction set of the kernel.
pub const ISA_VARIABLE: &str = "HARNESS_ISA";

/// Whether [`enter`] was called: only then may this executable be started
/// again, since otherwise it would do from the start whatever it does.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Runs a visit and ends the process, if it was started for one; else returns.
///
/// Every executable that measures must call this first: the program itself
/// does, and so must a bench, a test or a program of one's own. A campaign
/// that starts in an executable that did not is an error that says so.
///
/// It does the same for a process that a process backend has spawned, as
/// [`process::enter`] does for functions.
pub fn enter(registry: &Registry) {
    ENTERED.store(true, Ordering::Relaxed);
    let verb = std::env::args_os().nth(1);
    if verb.as_deref() == Some(OsStr::new(command::VERB)) {
        let code = command::serve();
        std::process::exit(i32::from(code != ExitCode::SUCCESS));
    }
    let workers: Vec<Spawned<'_>> = registry
        .backends
        .iter()
        .filter(|backend| !backend.start_methods().is_empty())
        .map(|&backend| Spawned { backend, registry })
        .collect();
    let workers: Vec<&dyn Callable> = workers.iter().map(|it| it as &dyn Callable).collect();
    process::enter(&workers);
    if verb.as_deref() == Some(OsStr::new(VERB)) {
        process::set_process_name("runner");
        let code = serve(registry, io::stdin().lock(), io::stdout().lock());
        std::process::exit(i32::from(code != ExitCode::SUCCESS));
    }
}

/// A spawned worker of a backend, as something that a process can do.
struct Spawned<'a> {
    backend: &'static dyn Backend,
    registry: &'a Registry,
}

impl Callable for Spawned<'_> {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn run(&self, argument: Message) -> Result<u8, process::Error> {
        self.backend.run_worker(argument, &self.registry.kernels)
    }
}

/// This executable may be started again, and is none of a registry: it makes its
/// visits itself.
pub(crate) fn may_be_started_again() {
    ENTERED.store(true, Ordering::Relaxed);
}

/// Whether [`enter`] was called in this process.
pub fn is_entered() -> bool {
    ENTERED.load(Ordering::Relaxed)
}

/// One visit, from `input` to `output`.
fn serve(registry: &Registry, mut input: impl io::Read, mut output: impl Write) -> ExitCode {
    let mut say = |event: Event| -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(&event)?;
        line.push(b'\n');
        output.write_all(&line).context("cannot write to stdout")
    };
    let mut text = String::new();
    let visited = input
        .read_to_string(&mut text)
        .context("cannot read the visit from stdin")
        .and_then(|_| serde_json::from_str(&text).context("stdin holds no visit"))
        .and_then(|visit: Visit| visit_all(registry, &visit, &mut say));
    match visited {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the harness is gone there is nobody left to tell.
            drop(say(Event::Error(Failure { message: format!("{error:#}") })));
            ExitCode::FAILURE
        }
    }
}

/// The phases of a visit, each said as soon as it is over. What is said is
/// written between the timed phases, never inside one.
fn visit_all(
    registry: &Registry,
    visit: &Visit,
    say: &mut impl FnMut(Event) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if visit.protocol != PROTOCOL {
        bail!("the harness speaks protocol {}, this runner speaks {PROTOCOL}", visit.protocol);
    }
    let (backend, work, chunks) = understand(registry, visit)?;
    let setup = setup(visit)?;
    let build = concat!("nthread ", env!("CARGO_PKG_VERSION")).to_string();
    say(Event::Hello(Hello { protocol: PROTOCOL, build, check: Check::Exact }))?;

    let mut witness = Witness::new(work.inner_nthread());
    let start = Instant::now();
    let mut team = backend.team(work, chunks, &setup)?;
    say(Event::Setup(Timed { wall_ns: elapsed_ns(start) }))?;
    for _ in 0..visit.warmup {
        say(Event::Warmup(timed_call(backend, &mut *team, &mut witness)?))?;
    }
    for _ in 0..visit.iterations {
        say(Event::Call(timed_call(backend, &mut *team, &mut witness)?))?;
    }
    witness.part_from(&*team);
    let start = Instant::now();
    drop(team);
    say(Event::Teardown(Timed { wall_ns: elapsed_ns(start) }))?;
    say(Event::Done(Done { isa: work.isa().name().to_string(), ..witness.sum_up()? }))
}

/// How a visit wants the workers to come to be.
fn setup(visit: &Visit) -> anyhow::Result<Setup> {
    let start = match &visit.start_method {
        Some(name) => name.parse().map_err(|()| anyhow!("there is no start method {name:?}"))?,
        None => StartMethod::default(),
    };
    let Some(pin) = &visit.pin else { return Ok(start.into()) };
    let list = |text: &String| {
        let cpus = parse_cpu_list(text).filter(|cpus| !cpus.is_empty());
        cpus.ok_or_else(|| anyhow!("pin: {text:?} is no list of CPUs; for example 0-3,8"))
    };
    let cpus = pin.iter().map(list).collect::<anyhow::Result<Vec<Vec<usize>>>>()?;
    if cpus.len() != visit.nthread as usize {
        bail!("pin: {} lists of CPUs for {} workers", cpus.len(), visit.nthread);
    }
    Ok(Setup { start, placement: Placement::of(cpus) })
}

/// What a visit asks for, in this registry.
fn understand(
    registry: &Registry,
    visit: &Visit,
) -> anyhow::Result<(&'static dyn Backend, Work, Chunks)> {
    let kernel = registry
        .kernel(&visit.kernel)
        .ok_or_else(|| anyhow!("there is no kernel {:?} here", visit.kernel))?;
    // No registry has those of the self-test, so that no list shows them.
    let backend = registry
        .backend(&visit.backend)
        .or_else(|| slowdown::find(&visit.backend))
        .ok_or_else(|| anyhow!("there is no backend {:?} here", visit.backend))?;
    let schedule = match &visit.schedule {
        Some(name) => {
            name.parse::<Schedule>().map_err(|()| anyhow!("there is no schedule {name:?}"))?
        }
        None => backend.schedules()[0],
    };
    let chunk = visit.chunk.unwrap_or_else(|| schedule.default_chunk(visit.blocks, visit.nthread));
    if chunk == 0 || visit.nthread == 0 {
        bail!("chunk and nthread must be at least 1");
    }
    let isa = match std::env::var(ISA_VARIABLE).ok().filter(|name| !name.is_empty()) {
        Some(name) => Isa::find(&name).ok_or_else(|| {
            let known: Vec<_> = Isa::available().map(Isa::name).collect();
            anyhow!("{ISA_VARIABLE}={name}: this CPU has {}", known.join(", "))
        })?,
        None => Isa::best(),
    };
    let job = Job { seed: visit.seed, block: visit.block, blocks: visit.blocks };
    let chunks = Chunks { blocks: visit.blocks, chunk, schedule, nthread: visit.nthread as usize };
    Ok((backend, Work::new(kernel, job, isa).with_inner(visit.inner_nthread), chunks))
}

/// One call, timed from outside, with the evidence that is beside it.
fn timed_call(
    backend: &dyn Backend,
    team: &mut dyn Team,
    witness: &mut Witness,
) -> anyhow::Result<Call> {
    let before = witness.before(team)?;
    let stops_before = team.stops();
    let start = Instant::now();
    let called = catch_unwind(AssertUnwindSafe(|| team.call()));
    let wall_ns = elapsed_ns(start);
    let after = witness.after(team)?;
    let reports = called
        .map_err(|panic| anyhow!("the call panicked: {}", panic_message(&*panic)))?
        .context("the call failed")?;
    witness.hear(wall_ns, &reports);
    let whole = reports.iter().fold(Report::default(), |mut whole, report| {
        whole += *report;
        whole
    });
    let evidence = after.since(&before, &reports);
    Ok(Call {
        wall_ns,
        stops: witness::stops(team, stops_before),
        tally: Some(whole.tally),
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
        ..evidence
    })
}

/// Nanoseconds since `start`.
fn elapsed_ns(start: Instant) -> u64 {
    start.elapsed().as_nanos() as u64
}
