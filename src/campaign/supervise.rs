//! Watches a visit's runner, and sees to it that nothing of it is left.
//!
//! The supervisor costs nothing while a visit runs (`listen`). It is a
//! *subreaper*: whatever a runner leaves behind becomes its child, and is
//! killed and reaped before the next visit. A process that supervises should
//! therefore have no other children.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg, raise};
use nix::unistd::Pid;

use super::listen::{CutShort, Listener, Trouble, Watch};
use super::signals::{Signals, Wish};
use super::voice::Runner;
use crate::command::reap::{self, Ended};
use crate::command::streams::last_lines;
use crate::machine::clock::{Clock, Moment, Span};

/// How long what a runner left behind may take to end by itself, if the runner
/// ended well. Python's resource tracker, for one, ends a moment after its
/// parent.
const HELPERS_GRACE: Duration = Duration::from_millis(500);

/// Watches runners. There is one in a process, on its main thread: a runner is
/// killed by the kernel when the thread that started it ends.
pub struct Supervisor<'a> {
    /// Times the visits.
    pub clock: &'a dyn Clock,
    signals: Signals,
    interrupted: Option<Signal>,
    /// Children that were there before us, and are none of our business.
    bystanders: Vec<Pid>,
}

/// How a visit ended.
#[derive(Debug)]
pub struct Watched {
    /// When the runner was started.
    pub started: Instant,
    /// From the start of the runner until it was reaped.
    pub span: Span,
    /// How often somebody stopped the runner.
    pub stops: u32,
    /// Its exit code, or minus the signal; `None` if it never started.
    pub exit_status: Option<i32>,
    /// User CPU time of the runner and all that it waited for.
    pub user: Duration,
    /// System CPU time of the same.
    pub system: Duration,
    /// What went wrong, if anything.
    pub problem: Option<String>,
}

impl<'a> Supervisor<'a> {
    /// Takes over the signals of this process.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn new(clock: &'a dyn Clock) -> io::Result<Supervisor<'a>> {
        prctl::set_child_subreaper(true)?;
        let bystanders = reap::children();
        let signals = Signals::take_over()?;
        Ok(Supervisor { clock, signals, interrupted: None, bystanders })
    }

    /// The signal that asked the run to end, if one came by now.
    pub fn interrupted(&mut self) -> Option<Signal> {
        while let Some(wish) = self.signals.next() {
            match wish {
                Wish::End(signal) => self.interrupted = Some(signal),
                Wish::Stop => drop(raise(Signal::SIGSTOP)),
                Wish::Look => {}
            }
        }
        self.interrupted
    }

    /// Runs `command` with `input` as its stdin until it ends, misbehaves, or
    /// `timeout` is over. Nothing of it is alive afterwards.
    ///
    /// # Errors
    /// If a signal cut it short.
    pub fn watch(
        &mut self,
        command: &mut Command,
        input: &[u8],
        timeout: Duration,
        listener: &mut dyn Listener,
    ) -> Result<Watched, CutShort> {
        let (started, moment) = (Instant::now(), Moment::now(self.clock));
        let mut runner = match Runner::start(command, input) {
            Ok(runner) => runner,
            Err(error) => {
                let program = command.get_program().to_string_lossy();
                return Ok(Watched {
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
        let mut watch = Watch::new(&self.signals, &mut runner, timeout);
        let verdict = watch.hear_out(listener);
        let stops = watch.stops();
        let (ended, had_ended) = end(runner.group, verdict.is_ok());
        let span = moment.elapsed(self.clock);
        runner.read_stderr(listener);
        let problem = self.judge(verdict, &ended, had_ended, &runner)?;
        let (user, system) = (ended.user, ended.system);
        let exit_status = Some(ended.exit_status);
        Ok(Watched { started, span, stops, exit_status, user, system, problem })
    }

    /// Ends what a runner left behind, and finds out what went wrong.
    fn judge(
        &mut self,
        verdict: Result<(), Trouble>,
        ended: &Ended,
        had_ended: bool,
        runner: &Runner,
    ) -> Result<Option<String>, CutShort> {
        let grace = if verdict.is_ok() { HELPERS_GRACE } else { Duration::ZERO };
        let left = reap::all_that_is_left(&self.bystanders, grace, std::thread::sleep);
        // Our own kill explains nothing; somebody else's, such as the kernel's
        // when memory runs out, explains all.
        let status = ended.exit_status;
        let death = Some(status).filter(|_| had_ended || status != -9);
        let (heard, ending) = match verdict {
            Err(Trouble::CutShort(cut)) => {
                if let CutShort::Interrupted(signal) = cut {
                    self.interrupted = Some(signal);
                }
                return Err(cut);
            }
            Err(Trouble::Said(problem)) => (Some(problem), death.filter(|status| *status < 0)),
            Err(Trouble::Did(problem)) => (Some(problem), death),
            Ok(()) if left.is_empty() => (None, death),
            Ok(()) => {
                (Some(format!("the runner left processes behind: {}", left.join(", "))), death)
            }
        };
        let problem = explain(heard, ending, &runner.stderr_tail);
        // Whoever ends a run may tell all its processes at once: what a runner
        // dies of then is not its own failure.
        match self.interrupted() {
            Some(signal) if problem.is_some() => Err(CutShort::Interrupted(signal)),
            _ => Ok(problem),
        }
    }
}

impl Drop for Supervisor<'_> {
    fn drop(&mut self) {
        if self.interrupted.is_some() {
            self.signals.stay_held();
        }
        let _ = prctl::set_child_subreaper(false);
    }
}

/// Ends a runner and its group, unless it was heard out and has ended. Also
/// says whether it had ended by itself.
fn end(group: Pid, is_heard_out: bool) -> (Ended, bool) {
    let had_ended = reap::has_exited(group);
    if !is_heard_out {
        let _ = killpg(group, Signal::SIGKILL);
        // Itself, too: it may have moved to another group.
        let _ = kill(group, Signal::SIGKILL);
    }
    (reap::wait(group), had_ended)
}

/// Finds the words for what went wrong: what was heard, then how the runner
/// ended, then the end of its stderr.
fn explain(heard: Option<String>, ending: Option<i32>, stderr_tail: &[u8]) -> Option<String> {
    let ending = match ending {
        None | Some(0) => None,
        Some(status) if status < 0 => {
            let name = Signal::try_from(-status).map_or("a signal", Signal::as_str);
            Some(format!("the runner was killed by {name}"))
        }
        Some(status) => Some(format!("the runner exited with status {status}")),
    };
    let mut parts: Vec<String> = heard.into_iter().chain(ending).collect();
    if let Some(stderr) = last_lines(stderr_tail).filter(|_| !parts.is_empty()) {
        parts.push(format!("stderr: {stderr}"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
