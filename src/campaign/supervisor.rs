//! Supervisor of runner processes: starts one, watches it, and ends everything that it
//! left behind.
//!
//! The supervisor uses no CPU while a visit runs (`poll_loop`). It is a *subreaper*:
//! processes that a runner leaves behind become its children, and are killed and reaped
//! before the next visit. A process that supervises should therefore have no other
//! children.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg, raise};
use nix::unistd::Pid;

use super::observer::{Interruption, VisitObserver, WatchError};
use super::poll_loop::PollLoop;
use super::runner_process::RunnerProcess;
use super::signals::{SignalAction, Signals};
use crate::command::last_lines;
use crate::machine::clock::{Clock, Moment, Span};
use crate::machine::process_table::children;
use crate::reap::{self, ExitReport};

/// Time that processes which a runner left behind get to end by themselves, if the
/// runner succeeded. Python's resource tracker, for example, ends a moment after its
/// parent.
const LEFTOVERS_GRACE: Duration = Duration::from_millis(500);

/// Supervisor of runners. There is one in a process, on its main thread: the kernel kills
/// a runner when the thread that started it ends.
pub struct Supervisor<'a> {
    /// Clock of the visits.
    pub clock: &'a dyn Clock,
    signals: Signals,
    /// Signal that asked the run to end.
    end_signal: Option<Signal>,
    /// Children that this process had before, which are never ended.
    other_children: Vec<Pid>,
}

/// Result of a runner process.
#[derive(Debug)]
pub struct ProcessResult {
    /// Time of its start.
    pub started: Instant,
    /// Time from its start until it was reaped.
    pub span: Span,
    /// Number of times that it was stopped.
    pub stops: u32,
    /// Exit code, or minus the signal; `None` if it could not be started.
    pub exit_status: Option<i32>,
    /// User CPU time of the runner and all descendants that it waited for.
    pub user: Duration,
    /// System CPU time of the runner and all descendants that it waited for.
    pub system: Duration,
    /// Reason for which the visit failed.
    pub problem: Option<String>,
}

impl<'a> Supervisor<'a> {
    /// Takes over the signals of this process.
    ///
    /// # Errors
    /// If a system call fails.
    pub fn new(clock: &'a dyn Clock) -> io::Result<Supervisor<'a>> {
        prctl::set_child_subreaper(true)?;
        let other_children = children().map(|process| process.pid).collect();
        let signals = Signals::take_over()?;
        Ok(Supervisor { clock, signals, end_signal: None, other_children })
    }

    /// Signal that asked the run to end, if one has come.
    pub fn end_signal(&mut self) -> Option<Signal> {
        while let Some(action) = self.signals.next() {
            match action {
                SignalAction::End(signal) => self.end_signal = Some(signal),
                SignalAction::Suspend => drop(raise(Signal::SIGSTOP)),
                SignalAction::CheckChildren => {}
            }
        }
        self.end_signal
    }

    /// Runs `command` with `input` as its stdin until it ends, fails, or `timeout` is
    /// over. None of its processes is alive afterwards.
    ///
    /// # Errors
    /// If a signal interrupts the visit.
    pub fn watch(
        &mut self,
        command: &mut Command,
        input: &[u8],
        timeout: Duration,
        observer: &mut dyn VisitObserver,
    ) -> Result<ProcessResult, Interruption> {
        let (started, moment) = (Instant::now(), Moment::now(self.clock));
        let mut runner = match RunnerProcess::start(command, input) {
            Ok(runner) => runner,
            Err(error) => {
                let program = command.get_program().to_string_lossy();
                return Ok(ProcessResult {
                    started,
                    span: moment.elapsed(self.clock),
                    stops: 0,
                    exit_status: None,
                    user: Duration::ZERO,
                    system: Duration::ZERO,
                    problem: Some(format!("cannot start {program:?}: {error}")),
                });
            }
        };
        let mut poll_loop = PollLoop::new(&self.signals, &mut runner, timeout);
        let result = poll_loop.run(observer);
        let stops = poll_loop.stops();
        // Checked before the kill, which is not the cause of the failure.
        let had_exited = reap::has_exited(runner.group);
        if result.is_err() {
            let _ = killpg(runner.group, Signal::SIGKILL);
            // The process itself may have moved to another group.
            let _ = kill(runner.group, Signal::SIGKILL);
        }
        let exit = reap::wait(runner.group);
        let span = moment.elapsed(self.clock);
        runner.read_stderr(observer);
        let problem = self.problem(result, &exit, had_exited, &runner.stderr_tail)?;
        let (exit_status, user, system) = (Some(exit.status), exit.user(), exit.system());
        Ok(ProcessResult { started, span, stops, exit_status, user, system, problem })
    }

    /// Ends the processes that a runner left behind, and determines why the visit failed.
    fn problem(
        &mut self,
        result: Result<(), WatchError>,
        exit: &ExitReport,
        had_exited: bool,
        stderr_tail: &[u8],
    ) -> Result<Option<String>, Interruption> {
        let grace = if result.is_ok() { LEFTOVERS_GRACE } else { Duration::ZERO };
        let leftovers = reap::end_remaining(&self.other_children, grace, std::thread::sleep);
        // A SIGKILL that the harness sent is not the cause of the failure. One from
        // elsewhere is, such as the kernel's when memory runs out.
        let status = Some(exit.status).filter(|status| had_exited || *status != -9);
        let (problem, status) = match result {
            Err(WatchError::Interrupted(interruption)) => {
                if let Interruption::Ended(signal) = interruption {
                    self.end_signal = Some(signal);
                }
                return Err(interruption);
            }
            Err(WatchError::Output(problem)) => {
                (Some(problem), status.filter(|status| *status < 0))
            }
            Err(WatchError::Process(problem)) => (Some(problem), status),
            Ok(()) if leftovers.is_empty() => (None, status),
            Ok(()) => {
                let names = leftovers.join(", ");
                (Some(format!("the runner left processes behind: {names}")), status)
            }
        };
        let problem = explain(problem, status, stderr_tail);
        // A signal that ends the run may be sent to all processes at once: then the death
        // of the runner is not its own failure.
        match self.end_signal() {
            Some(signal) if problem.is_some() => Err(Interruption::Ended(signal)),
            _ => Ok(problem),
        }
    }
}

impl Drop for Supervisor<'_> {
    fn drop(&mut self) {
        if self.end_signal.is_some() {
            self.signals.keep_blocked();
        }
        let _ = prctl::set_child_subreaper(false);
    }
}

/// Text of a failure: the problem, then the exit status, then the end of stderr.
fn explain(problem: Option<String>, status: Option<i32>, stderr_tail: &[u8]) -> Option<String> {
    let exit = match status {
        None | Some(0) => None,
        Some(status) if status < 0 => {
            let name = Signal::try_from(-status).map_or("a signal", Signal::as_str);
            Some(format!("the runner was killed by {name}"))
        }
        Some(status) => Some(format!("the runner exited with status {status}")),
    };
    let mut parts: Vec<String> = problem.into_iter().chain(exit).collect();
    if let Some(stderr) = last_lines(stderr_tail).filter(|_| !parts.is_empty()) {
        parts.push(format!("stderr: {stderr}"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
