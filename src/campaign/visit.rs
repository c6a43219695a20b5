//! One visit: what a runner is asked, and the rows that its answers become.

use std::process::Command;
use std::time::{Duration, Instant};

use super::answer::Truth;
use super::conversation::{Conversation, parse};
use super::progress::Progress;
use super::supervise::{CutShort, Listener, Supervisor, Watched};
use crate::record::{Case, Phase, Row, SCHEMA};
use crate::registry::Registry;
use crate::runner::protocol::{Call, Done, Event, PROTOCOL, Visit};
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

/// Sends a runner on its errand, and writes down what it says.
///
/// # Errors
/// If a signal cut it short.
pub fn visit(
    supervisor: &mut Supervisor,
    registry: &Registry,
    errand: &Errand<'_>,
    clerk: Clerk<'_>,
) -> Result<Visited, CutShort> {
    let request = ask(errand);
    let mut input = serde_json::to_vec(&request).unwrap_or_default();
    input.push(b'\n');
    let mut command = command(registry, errand);
    let mut hearing = Hearing {
        conversation: Conversation::new(&request, errand.truth),
        done: Done::default(),
        rows: Vec::new(),
        calls: 0,
        errand,
        clerk,
    };
    let watched = supervisor.watch(&mut command, &input, errand.timeout, &mut hearing)?;
    Ok(hearing.close(watched))
}

/// The visit as the runner is asked for it.
fn ask(errand: &Errand<'_>) -> Visit {
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
        pin: None,
        start_method: unless_empty(&case.start_method),
        warmup: errand.warmup,
        iterations: errand.iterations,
    }
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
}

/// Hears a runner and turns what it says into rows.
struct Hearing<'a> {
    conversation: Conversation<'a>,
    errand: &'a Errand<'a>,
    clerk: Clerk<'a>,
    rows: Vec<Row>,
    /// Calls of the current phase so far.
    calls: u32,
    done: Done,
}

impl Listener for Hearing<'_> {
    fn line(&mut self, line: &[u8], heard: Instant) -> Result<(), String> {
        let event = parse(line)?;
        let judged = self.conversation.judge(&event);
        if let Some(mut row) = self.row_of(&event, heard) {
            row.error = judged.as_ref().err().map(|problem| one_line(problem)).unwrap_or_default();
            self.rows.push(row);
        }
        if let Event::Done(done) = event {
            let (isa, cpus) = (short(&done.isa), short(&done.cpus));
            self.done = Done { isa, cpus, ..done };
        }
        judged
    }

    fn end(&mut self) -> Result<(), String> {
        self.conversation.finish()
    }

    fn tick(&mut self) {
        self.clerk.progress.tick();
    }
}

impl Hearing<'_> {
    /// The row of a timed phase.
    fn row_of(&mut self, event: &Event, heard: Instant) -> Option<Row> {
        let (phase, wall_ns) = match event {
            Event::Setup(timed) => (Phase::Setup, timed.wall_ns),
            Event::Warmup(call) => (Phase::Warmup, call.wall_ns),
            Event::Call(call) => (Phase::Call, call.wall_ns),
            Event::Teardown(timed) => (Phase::Teardown, timed.wall_ns),
            Event::Hello(_) | Event::Done(_) | Event::Error(_) => return None,
        };
        let started = heard.checked_sub(Duration::from_nanos(wall_ns)).unwrap_or(heard);
        let mut row = self.blank(phase, started);
        row.wall_ns = Some(wall_ns);
        if let Event::Warmup(call) | Event::Call(call) = event {
            if self.rows.last().is_none_or(|last| last.phase != phase) {
                self.calls = 0;
            }
            row.iteration = Some(self.calls);
            self.calls += 1;
            self.fill_call(&mut row, call);
        }
        Some(row)
    }

    /// What a call's row says of its workers and its answer.
    fn fill_call(&self, row: &mut Row, call: &Call) {
        let busy: Option<Vec<u64>> = call.workers.iter().map(|worker| worker.busy_ns).collect();
        let busy = busy.filter(|busy| !busy.is_empty()).unwrap_or_default();
        let cpu: Option<Vec<u64>> = call.workers.iter().map(|worker| worker.cpu_ns).collect();
        row.user_ns = call.user_ns;
        row.system_ns = call.system_ns;
        row.run_delay_ns = call.run_delay_ns;
        row.voluntary_switches = call.voluntary_switches;
        row.involuntary_switches = call.involuntary_switches;
        row.cycles = call.cycles;
        row.stops = call.stops;
        row.busy_min_ns = busy.iter().copied().min();
        row.busy_max_ns = busy.iter().copied().max();
        row.busy_sum_ns = (!busy.is_empty()).then(|| sum(busy));
        row.worker_cpu_sum_ns = cpu.filter(|cpu| !cpu.is_empty()).map(sum);
        let scale = self.errand.truth.kernel.scale();
        row.tally_draws = Some(call.tally.draws);
        row.tally_sum = Some(call.tally.sum);
        row.tally_sum_sq = Some(call.tally.sum_sq);
        row.estimate = call.tally.estimate(scale);
        row.std_error = call.tally.std_error(scale);
    }

    /// Ends the rows with the one of the whole visit.
    fn close(mut self, watched: Watched) -> Visited {
        let problem = watched.problem.clone().or_else(|| self.impossible_times(watched.wall));
        let nanoseconds = |time: Duration| time.as_nanos() as u64;
        let mut row = self.blank(Phase::Visit, watched.started);
        row.wall_ns = Some(nanoseconds(watched.wall));
        row.exit_status = watched.exit_status;
        if watched.exit_status.is_some() {
            row.user_ns = Some(nanoseconds(watched.user));
            row.system_ns = Some(nanoseconds(watched.system));
        }
        row.voluntary_switches = self.done.voluntary_switches;
        row.involuntary_switches = self.done.involuntary_switches;
        row.max_rss_bytes = self.done.max_rss_bytes;
        row.error = problem.as_deref().map(one_line).unwrap_or_default();
        self.rows.push(row);
        for row in &mut self.rows {
            row.isa.clone_from(&self.done.isa);
            row.cpus.clone_from(&self.done.cpus);
        }
        Visited { rows: self.rows, wall: watched.wall, problem }
    }

    /// The phases of a visit cannot last longer than the visit itself.
    fn impossible_times(&self, wall: Duration) -> Option<String> {
        let phases = sum(self.rows.iter().filter_map(|row| row.wall_ns));
        (u128::from(phases) > wall.as_nanos()).then(|| {
            let (said, seen) = (Duration::from_nanos(phases), wall);
            format!("the runner reports {said:.1?} in a visit of {seen:.1?}: is wall_ns in ns?")
        })
    }

    /// A row that says only what every row says.
    fn blank(&self, phase: Phase, started: Instant) -> Row {
        let position = self.clerk.position;
        let since = started.saturating_duration_since(self.clerk.session_start);
        Row {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_string(),
            session: position.session,
            round: position.round,
            group: position.group,
            visit: position.visit,
            phase,
            started_ns: since.as_nanos() as u64,
            case: self.errand.case.clone(),
            ..Row::default()
        }
    }
}

/// A message on one line, so that a row is a line of the file.
fn one_line(message: &str) -> String {
    message
        .split(|c: char| c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// As much of a runner's word as belongs into a field.
fn short(word: &str) -> String {
    one_line(word).chars().take(200).collect()
}

/// A sum of times that a runner reported: it may have reported anything.
fn sum(times: impl IntoIterator<Item = u64>) -> u64 {
    times.into_iter().fold(0, u64::saturating_add)
}
