//! Row builder: checks the events of a runner, and turns them into the rows of a visit.

use std::time::{Duration, Instant};

use super::observer::{LineError, VisitObserver};
use super::progress::Progress;
use super::protocol_state::{ProtocolState, parse};
use super::supervisor::ProcessResult;
use super::visit_result::{VisitResult, sum};
use super::visit_spec::{VisitSpec, Workload};
use crate::machine::interference::{InterferenceMeter, Snapshot};
use crate::record::{OutputPolicy, Phase, Position, Row, SCHEMA};
use crate::runner::protocol::{Call, Done, Event, VisitRequest};

/// Longest error text of a row: a long message and the end of stderr fit.
const MAX_ERROR_CHARS: usize = 10_000;

/// Longest name of an instruction set.
const MAX_ISA_CHARS: usize = 200;

/// Longest list of CPUs. Two thousand CPUs without neighbours fit: a list must not be cut,
/// since half of it would be a different list.
const MAX_CPUS_CHARS: usize = 10_000;

/// Longest line of a command's output that is held back until its line break comes.
const MAX_SHOWN_LINE_BYTES: usize = 1 << 16;

/// Data of a visit that its rows need besides the runner's events.
pub struct RowContext<'a> {
    /// Start of the session.
    pub session_start: Instant,
    /// Position of the visit in the run.
    pub position: Position,
    /// Display that is updated once a second.
    pub progress: &'a Progress,
    /// Meter of steal and throttling.
    pub meter: &'a InterferenceMeter,
}

/// Builder of the rows of one visit.
pub struct RowBuilder<'a> {
    protocol: ProtocolState<'a>,
    spec: &'a VisitSpec<'a>,
    context: RowContext<'a>,
    rows: Vec<Row>,
    /// Calls of the current phase so far.
    calls: u32,
    done: Done,
    /// Output of a command that is to be shown and has no line break yet.
    unfinished_line: Vec<u8>,
}

impl VisitObserver for RowBuilder<'_> {
    fn on_line(&mut self, line: &[u8], read_at: Instant) -> Result<(), LineError> {
        let event = match parse(line) {
            Ok(event) => event,
            // A program with functions may print anything before its sweep begins.
            Err(_) if self.is_in_preamble() => return Ok(()),
            Err(problem) => return Err(LineError::Invalid(problem)),
        };
        let result = self.protocol.accept(&event);
        if let Some(mut row) = self.row_of(&event, read_at) {
            row.error =
                result.as_ref().err().map(|problem| error_text(problem)).unwrap_or_default();
            self.rows.push(row);
        }
        match event {
            Event::Error(_) => return result.map_err(LineError::Reported),
            Event::Done(done) => {
                let isa = truncate(&done.isa, MAX_ISA_CHARS);
                let cpus = truncate(&done.cpus, MAX_CPUS_CHARS);
                self.done = Done { isa, cpus, ..done };
            }
            _ => {}
        }
        result.map_err(LineError::Invalid)
    }

    fn on_end(&mut self) -> Result<(), String> {
        if self.is_in_preamble() {
            let sweep = &self.spec.case.kernel;
            return Err(format!("main ended before the run() of the sweep {sweep:?}"));
        }
        self.protocol.finish()
    }

    fn on_stderr(&mut self, bytes: &[u8]) {
        if !self.spec.command().is_some_and(|command| command.commands.output == OutputPolicy::Show)
        {
            return;
        }
        self.unfinished_line.extend_from_slice(bytes);
        // Only whole lines are shown, since the progress bar would overwrite half a line.
        let length = self.unfinished_line.len();
        let last_break = self.unfinished_line.iter().rposition(|byte| *byte == b'\n');
        let end = match last_break {
            _ if length > MAX_SHOWN_LINE_BYTES => length,
            Some(index) => index + 1,
            None => return,
        };
        self.context.progress.show(&self.unfinished_line[..end]);
        self.unfinished_line.drain(..end);
    }

    fn on_tick(&mut self) {
        self.context.progress.tick();
    }
}

impl<'a> RowBuilder<'a> {
    /// Starts a visit without rows.
    pub fn new(
        request: &'a VisitRequest,
        spec: &'a VisitSpec<'a>,
        context: RowContext<'a>,
    ) -> RowBuilder<'a> {
        RowBuilder {
            protocol: ProtocolState::new(request, spec.reference(), spec.command()),
            spec,
            context,
            rows: Vec::new(),
            calls: 0,
            done: Done::default(),
            unfinished_line: Vec::new(),
        }
    }

    /// Tells whether the output still comes from the `main` of a program with functions.
    fn is_in_preamble(&self) -> bool {
        matches!(self.spec.workload, Workload::Function(_)) && !self.protocol.is_started()
    }

    /// Row of a timed phase.
    fn row_of(&mut self, event: &Event, read_at: Instant) -> Option<Row> {
        let (phase, wall_ns) = match event {
            Event::Setup(timed) => (Phase::Setup, timed.wall_ns),
            Event::Warmup(call) => (Phase::Warmup, call.wall_ns),
            Event::Call(call) => (Phase::Call, call.wall_ns),
            Event::Teardown(timed) => (Phase::Teardown, timed.wall_ns),
            Event::Hello(_) | Event::Done(_) | Event::Error(_) => return None,
        };
        let started = read_at.checked_sub(Duration::from_nanos(wall_ns)).unwrap_or(read_at);
        let mut row = self.blank_row(phase, started);
        row.wall_ns = Some(wall_ns);
        if let Event::Warmup(call) | Event::Call(call) = event {
            if self.rows.last().is_none_or(|last| last.phase != phase) {
                self.calls = 0;
            }
            row.iteration = Some(self.calls);
            self.calls += 1;
            self.fill_in_call(&mut row, call);
        }
        Some(row)
    }

    /// Fills in the usage of a call's workers, and its tally.
    fn fill_in_call(&self, row: &mut Row, call: &Call) {
        // A sum is known only if the time of every worker is.
        let busy: Option<Vec<u64>> = call.workers.iter().map(|worker| worker.busy_ns).collect();
        let busy = busy.filter(|busy| !busy.is_empty());
        let cpu: Option<Vec<u64>> = call.workers.iter().map(|worker| worker.cpu_ns).collect();
        row.user_ns = call.user_ns;
        row.system_ns = call.system_ns;
        row.run_delay_ns = call.run_delay_ns;
        row.voluntary_switches = call.voluntary_switches;
        row.involuntary_switches = call.involuntary_switches;
        row.cycles = call.cycles;
        row.stops = call.stops;
        row.busy_min_ns = busy.iter().flatten().copied().min();
        row.busy_max_ns = busy.iter().flatten().copied().max();
        row.busy_sum_ns = busy.map(sum);
        row.worker_cpu_sum_ns = cpu.filter(|cpu| !cpu.is_empty()).map(sum);
        row.max_rss_bytes = call.max_rss_bytes;
        row.exit_status = call.exit_status;
        if let Some((tally, reference)) = call.tally.zip(self.spec.reference()) {
            let scale = reference.kernel.scale();
            row.tally_draws = Some(tally.draws);
            row.tally_sum = Some(tally.sum);
            row.tally_sum_sq = Some(tally.sum_sq);
            row.estimate = tally.estimate(scale);
            row.std_error = tally.std_error(scale);
        }
    }

    /// Appends the row of the whole visit, before which the meter read `before`.
    pub fn finish(mut self, process: ProcessResult, before: &Snapshot) -> VisitResult {
        let wall = process.span.wall;
        let problem = process.problem.clone().or_else(|| self.check_times(wall).err());
        let problem = problem.map(|problem| error_text(&problem));
        if !self.unfinished_line.is_empty() {
            self.unfinished_line.push(b'\n');
            self.context.progress.show(&self.unfinished_line);
        }
        let interference = self.context.meter.since(before, &self.done.cpus);
        let mut row = self.blank_row(Phase::Visit, process.started);
        row.wall_ns = Some(wall.as_nanos() as u64);
        row.boot_ns = process.span.boot.map(|boot| boot.as_nanos() as u64);
        row.throttled_ns = interference.throttled_ns;
        row.steal_ns = interference.steal_ns;
        row.others_cpu_ns = interference.others_ns;
        row.stops = Some(process.stops);
        // The exit status of a command comes before that of its shim.
        let of_command = self.rows.iter().rev().find_map(|row| row.exit_status);
        row.exit_status = of_command.or(process.exit_status);
        if process.exit_status.is_some() {
            row.user_ns = Some(process.user.as_nanos() as u64);
            row.system_ns = Some(process.system.as_nanos() as u64);
        }
        row.voluntary_switches = self.done.voluntary_switches;
        row.involuntary_switches = self.done.involuntary_switches;
        row.max_rss_bytes = self.done.max_rss_bytes;
        row.error = problem.clone().unwrap_or_default();
        self.rows.push(row);
        for row in &mut self.rows {
            row.isa.clone_from(&self.done.isa);
            row.cpus.clone_from(&self.done.cpus);
        }
        let first_output = self.protocol.first_output().filter(|_| problem.is_none());
        let printed = self.protocol.printed().filter(|_| problem.is_none());
        let check = self.protocol.check_mode();
        VisitResult { rows: self.rows, wall, problem, first_output, printed, check }
    }

    /// Checks that the phases of a visit do not last longer than the visit itself.
    fn check_times(&self, wall: Duration) -> Result<(), String> {
        let phases = Duration::from_nanos(sum(self.rows.iter().filter_map(|row| row.wall_ns)));
        if phases <= wall {
            return Ok(());
        }
        Err(format!(
            "the runner reports {phases:.1?} in a visit of {wall:.1?}: is wall_ns in nanoseconds?"
        ))
    }

    /// Row with the fields that every row has.
    fn blank_row(&self, phase: Phase, started: Instant) -> Row {
        let position = self.context.position;
        let since = started.saturating_duration_since(self.context.session_start);
        Row {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_string(),
            session: position.session,
            round: position.round,
            group: position.group,
            visit: position.visit,
            phase,
            started_ns: since.as_nanos() as u64,
            case: self.spec.case.clone(),
            ..Row::default()
        }
    }
}

/// Text without control characters, so that a row is one line of the file.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Error text of a row.
fn error_text(problem: &str) -> String {
    let text = one_line(problem);
    match text.char_indices().nth(MAX_ERROR_CHARS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// Beginning of a text, on one line.
fn truncate(text: &str, max_chars: usize) -> String {
    one_line(text).chars().take(max_chars).collect()
}
