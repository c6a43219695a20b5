//! One visit: what a runner is asked, and what comes of it.

use std::process::Command;
use std::time::{Duration, Instant};

use super::answer::Truth;
use super::hearing::Hearing;
use super::listen::CutShort;
use super::progress::Progress;
use super::supervise::Supervisor;
use crate::machine::taken::Meter;
use crate::machine::{Places, cpu_list};
use crate::plan::Pin;
use crate::record::{Case, Phase, Row};
use crate::registry::Registry;
use crate::runner::protocol::{PROTOCOL, Visit};
use crate::runner::{ISA_VARIABLE, VERB};

/// Variables that a program reads for the number of its own threads.
const OUTER_VARIABLE: &str = "RAYON_NUM_THREADS";

/// Variables that nested libraries read: they hold the inner count, so that a
/// library inside a worker does not start threads of its own.
const INNER_VARIABLES: [&str; 7] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
];

/// The variables that steer threads, for the record.
pub fn thread_variables() -> impl Iterator<Item = &'static str> {
    std::iter::once(OUTER_VARIABLE).chain(INNER_VARIABLES)
}

/// A case, and how to visit it.
#[derive(Clone, Copy)]
pub struct Errand<'a> {
    /// What to measure; its draws are known.
    pub case: &'a Case,
    /// What the answers are held to.
    pub truth: Truth,
    /// Calls that are not counted.
    pub warmup: u32,
    /// Calls that are counted.
    pub iterations: u32,
    /// After this long it is killed.
    pub timeout: Duration,
    /// Whether the kernel runs in its portable form or in the fastest.
    pub form: Form,
}

/// The form of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The one that every machine has: the reference.
    Portable,
    /// The fastest, or the one that HARNESS_ISA names.
    Fastest,
}

/// Where a visit stands in the run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// 0, and one more for each time the run was resumed.
    pub session: u32,
    /// Round, from 0.
    pub round: u32,
    /// Group within the round, from 0.
    pub group: u32,
    /// Visit within the run, from 0.
    pub visit: u64,
}

/// What came of a visit.
pub struct Visited {
    /// Its rows, the one of the whole visit last.
    pub rows: Vec<Row>,
    /// From the start of the runner until nothing of it was left.
    pub wall: Duration,
    /// What went wrong; such a visit does not count.
    pub problem: Option<String>,
}

impl Visited {
    /// Wall times of the counted calls.
    pub fn call_ns(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows.iter().filter(|row| row.phase == Phase::Call).filter_map(|row| row.wall_ns)
    }

    /// Wall time of all calls, warm-ups included.
    pub fn all_calls_ns(&self) -> u64 {
        let is_call = |row: &&Row| matches!(row.phase, Phase::Call | Phase::Warmup);
        sum(self.rows.iter().filter(is_call).filter_map(|row| row.wall_ns))
    }
}

/// Sends a runner on its errand, with workers in their `places` if the case has
/// them pinned, and writes down what it says. What the machine
/// took away is read before the runner starts and when nothing of it is left.
///
/// # Errors
/// If a signal cut it short.
pub fn visit(
    supervisor: &mut Supervisor,
    registry: &Registry,
    places: &Places,
    errand: &Errand<'_>,
    clerk: Clerk<'_>,
) -> Result<Visited, CutShort> {
    let request = ask(errand, places);
    let mut input = serde_json::to_vec(&request).unwrap_or_default();
    input.push(b'\n');
    let mut command = command(registry, errand);
    let before = clerk.meter.read();
    let mut hearing = Hearing::new(&request, errand, clerk);
    let watched = supervisor.watch(&mut command, &input, errand.timeout, &mut hearing)?;
    Ok(hearing.close(watched, &before))
}

/// The visit as the runner is asked for it.
fn ask(errand: &Errand<'_>, places: &Places) -> Visit {
    let case = errand.case;
    let unless_empty = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Visit {
        protocol: PROTOCOL,
        kernel: case.kernel.clone(),
        backend: case.backend.clone(),
        nthread: case.nthread,
        inner_nthread: case.inner_nthread,
        schedule: unless_empty(&case.schedule),
        chunk: case.chunk,
        block: case.block,
        blocks: case.draws.unwrap_or_default() / case.block,
        seed: case.seed,
        pin: pin(case, places),
        start_method: unless_empty(&case.start_method),
        warmup: errand.warmup,
        iterations: errand.iterations,
    }
}

/// The CPUs of each worker, if the case has them pinned.
fn pin(case: &Case, places: &Places) -> Option<Vec<String>> {
    let nthread = case.nthread as usize;
    let cpus = match case.pin.parse() {
        Ok(Pin::Close) => places.close(nthread),
        Ok(Pin::Spread) => places.spread(nthread),
        Ok(Pin::None) | Err(()) => return None,
    };
    Some(cpus.into_iter().map(|cpu| cpu_list(&[cpu])).collect())
}

/// The program that makes the visit: this one, or a foreign runner.
fn command(registry: &Registry, errand: &Errand<'_>) -> Command {
    let case = errand.case;
    let mut command = match registry.runner(&case.backend).map(|runner| &runner.command[..]) {
        Some([program, arguments @ ..]) => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        // Not a path that a rebuild during a sweep could change.
        _ => {
            let mut command = Command::new("/proc/self/exe");
            command.arg(VERB);
            command
        }
    };
    command.env(OUTER_VARIABLE, case.nthread.to_string());
    let inner = case.inner_nthread.to_string();
    command.envs(INNER_VARIABLES.map(|name| (name, &inner)));
    if errand.form == Form::Portable {
        command.env(ISA_VARIABLE, crate::kernel::Isa::Portable.name());
    }
    command
}

/// Who writes the rows down: where the visit stands, on which clock, and whom
/// to tell that time passes.
pub struct Clerk<'a> {
    /// Start of the session.
    pub session_start: Instant,
    /// Where the visit stands.
    pub position: Position,
    /// Told once a second.
    pub progress: &'a Progress,
    /// Read before and after the visit.
    pub meter: &'a Meter,
}

/// A sum of times that a runner reported: it may have reported anything.
pub(super) fn sum(times: impl IntoIterator<Item = u64>) -> u64 {
    times.into_iter().fold(0, u64::saturating_add)
}
