//! Hears a runner, and turns what it says into the rows of its visit.

use std::time::{Duration, Instant};

use super::conversation::{Conversation, parse};
use super::errand::{Errand, Program, Task};
use super::listen::{Listener, Objection};
use super::supervise::Watched;
use super::visit::{Clerk, Visited, sum};
use crate::machine::interference::Snapshot;
use crate::record::{Output, Phase, Row, SCHEMA};
use crate::runner::protocol::{Call, Done, Event, Visit};

/// Characters of a reason: the end of stderr fits, and what was said before it.
const REASON_CHARS: usize = 10_000;

/// Characters of the name of an instruction set.
const ISA_CHARS: usize = 200;

/// Characters of a list of CPUs: two thousand that have no neighbours fit. Half
/// a list is another list.
const CPUS_CHARS: usize = 10_000;

/// Bytes of a line that is shown only when it has ended.
const LINE_BYTES: usize = 1 << 16;

/// Hears a runner and turns what it says into rows.
pub struct Hearing<'a> {
    conversation: Conversation<'a>,
    errand: &'a Errand<'a>,
    clerk: Clerk<'a>,
    rows: Vec<Row>,
    /// Calls of the current phase so far.
    calls: u32,
    done: Done,
    /// What a command printed that is to be shown: the line that has no end yet.
    shown: Vec<u8>,
}

impl Listener for Hearing<'_> {
    fn line(&mut self, line: &[u8], heard: Instant) -> Result<(), Objection> {
        let event = match parse(line) {
            Ok(event) => event,
            // A program with functions may print what it likes before its sweep begins.
            Err(_) if self.is_preamble() => return Ok(()),
            Err(problem) => return Err(Objection::Wrong(problem)),
        };
        let judged = self.conversation.judge(&event);
        if let Some(mut row) = self.row_of(&event, heard) {
            row.error = judged.as_ref().err().map(|problem| reason(problem)).unwrap_or_default();
            self.rows.push(row);
        }
        match event {
            Event::Error(_) => judged.map_err(Objection::GaveUp),
            Event::Done(done) => {
                let (isa, cpus) = (short(&done.isa, ISA_CHARS), short(&done.cpus, CPUS_CHARS));
                self.done = Done { isa, cpus, ..done };
                judged.map_err(Objection::Wrong)
            }
            _ => judged.map_err(Objection::Wrong),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        if self.is_preamble() {
            let sweep = &self.errand.case.kernel;
            return Err(format!("main ended before the run() of the sweep {sweep:?}"));
        }
        self.conversation.finish()
    }

    fn tick(&mut self) {
        self.clerk.progress.tick();
    }

    fn overhears(&mut self, bytes: &[u8]) {
        let is_shown = |program: Program<'_>| program.commands.output == Output::Show;
        if !self.errand.program().is_some_and(is_shown) {
            return;
        }
        self.shown.extend_from_slice(bytes);
        // A bar is drawn over half a line.
        let end = self.shown.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = if self.shown.len() > LINE_BYTES { self.shown.len() } else { end };
        if end > 0 {
            self.clerk.progress.show(&self.shown[..end]);
            self.shown.drain(..end);
        }
    }
}

impl<'a> Hearing<'a> {
    /// Before the first line.
    pub fn new(request: &'a Visit, errand: &'a Errand<'a>, clerk: Clerk<'a>) -> Hearing<'a> {
        let conversation = Conversation::new(request, errand.truth()).about(errand.program());
        let (rows, shown, done) = (Vec::new(), Vec::new(), Done::default());
        Hearing { conversation, errand, clerk, rows, calls: 0, done, shown }
    }

    /// Whether what is said now is said by the `main` of a program with functions.
    fn is_preamble(&self) -> bool {
        matches!(self.errand.task, Task::Function(_)) && !self.conversation.has_begun()
    }

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
        row.max_rss_bytes = call.max_rss_bytes;
        row.exit_status = call.exit_status;
        if let Some((tally, truth)) = call.tally.zip(self.errand.truth()) {
            let scale = truth.kernel.scale();
            row.tally_draws = Some(tally.draws);
            row.tally_sum = Some(tally.sum);
            row.tally_sum_sq = Some(tally.sum_sq);
            row.estimate = tally.estimate(scale);
            row.std_error = tally.std_error(scale);
        }
    }

    /// Ends the rows with the one of the whole visit, before which the meter
    /// read `before`.
    pub fn close(mut self, watched: Watched, before: &Snapshot) -> Visited {
        let wall = watched.span.wall;
        let problem = watched.problem.clone().or_else(|| self.impossible_times(wall));
        let problem = problem.map(|problem| reason(&problem));
        if !self.shown.is_empty() {
            self.shown.push(b'\n');
            self.clerk.progress.show(&self.shown);
        }
        let nanoseconds = |time: Duration| time.as_nanos() as u64;
        let taken = self.clerk.meter.since(before, &self.done.cpus);
        let mut row = self.blank(Phase::Visit, watched.started);
        row.wall_ns = Some(nanoseconds(wall));
        row.boot_ns = watched.span.boot.map(nanoseconds);
        row.throttled_ns = taken.throttled_ns;
        row.steal_ns = taken.steal_ns;
        row.stops = Some(watched.stops);
        // That of a command, and not that of the process which watched over it.
        let of_command = self.rows.iter().rev().find_map(|row| row.exit_status);
        row.exit_status = of_command.or(watched.exit_status);
        if watched.exit_status.is_some() {
            row.user_ns = Some(nanoseconds(watched.user));
            row.system_ns = Some(nanoseconds(watched.system));
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
        let first_printed = self.conversation.first_printed().filter(|_| problem.is_none());
        let check = self.conversation.check();
        Visited { rows: self.rows, wall, problem, first_printed, check }
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

/// What is wrong, on one line that people can read.
fn reason(problem: &str) -> String {
    let all = one_line(problem);
    match all.char_indices().nth(REASON_CHARS) {
        Some((end, _)) => format!("{} …", &all[..end]),
        None => all,
    }
}

/// As much of a runner's word as belongs into a field.
fn short(word: &str, most_chars: usize) -> String {
    one_line(word).chars().take(most_chars).collect()
}
