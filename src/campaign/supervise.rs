//! Watches a visit's runner, and sees to it that nothing of it is left.
//!
//! The supervisor sleeps in one `poll` over the runner's stdout and stderr and
//! a descriptor for signals: it costs nothing while a visit runs. It is a
//! *subreaper*: whatever a runner leaves behind becomes its child, and is
//! killed and reaped before the next visit. A process that supervises should
//! therefore have no other children.

use std::io;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg, raise};
use nix::unistd::Pid;

use super::reap;
use super::signals::{Signals, Wish};
use super::voice::Runner;

/// How long a runner may take to end after it closed its stdout.
const GRACE: Duration = Duration::from_millis(500);

/// How often the progress display is woken.
const TICK: Duration = Duration::from_secs(1);

/// How long what a runner left behind may take to end by itself, if the runner
/// ended well. Python's resource tracker, for one, ends a moment after its
/// parent.
const HELPERS_GRACE: Duration = Duration::from_millis(500);

/// Watches runners. There is one in a process, on its main thread: a runner is
/// killed by the kernel when the thread that started it ends.
pub struct Supervisor {
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
    pub wall: Duration,
    /// Its exit code, or minus the signal; `None` if it never started.
    pub exit_status: Option<i32>,
    /// User CPU time of the runner and all that it waited for.
    pub user: Duration,
    /// System CPU time of the same.
    pub system: Duration,
    /// What went wrong, if anything.
    pub problem: Option<String>,
}

/// A signal cut the visit short: it is not to be counted, and not a failure.
#[derive(Clone, Copy, Debug)]
pub enum CutShort {
    /// The run is to end.
    Interrupted(Signal),
    /// The run was stopped (Ctrl-Z) for so long, and goes on.
    Suspended(Duration),
}

/// What the supervisor tells, and asks, while a visit runs.
pub trait Listener {
    /// A line of the runner's stdout, without its end.
    ///
    /// # Errors
    /// What is wrong with it; the runner is killed.
    fn line(&mut self, line: &[u8], heard: Instant) -> Result<(), String>;

    /// The runner closed its stdout.
    ///
    /// # Errors
    /// What is missing.
    fn end(&mut self) -> Result<(), String>;

    /// A second has passed.
    fn tick(&mut self);
}

impl Supervisor {
    /// Takes over the signals of this process.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn new() -> io::Result<Supervisor> {
        prctl::set_child_subreaper(true)?;
        let bystanders = reap::children();
        Ok(Supervisor { signals: Signals::take_over()?, interrupted: None, bystanders })
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
        let started = Instant::now();
        let mut runner = match Runner::start(command, input) {
            Ok(runner) => runner,
            Err(error) => {
                let program = command.get_program().to_string_lossy();
                let problem = Some(format!("cannot start {program:?}: {error}"));
                let (wall, zero) = (started.elapsed(), Duration::ZERO);
                let exit_status = None;
                return Ok(Watched {
                    started,
                    wall,
                    exit_status,
                    user: zero,
                    system: zero,
                    problem,
                });
            }
        };
        let verdict = self.listen(&mut runner, timeout, listener);
        let had_ended = reap::has_exited(runner.group);
        if verdict.is_err() {
            let _ = killpg(runner.group, Signal::SIGKILL);
            // Itself, too: it may have moved to another group.
            let _ = kill(runner.group, Signal::SIGKILL);
        }
        let ended = reap::wait(runner.group);
        let wall = started.elapsed();
        runner.read_stderr();
        let grace = if verdict.is_ok() { HELPERS_GRACE } else { Duration::ZERO };
        let left = reap::all_that_is_left(&self.bystanders, grace);
        let heard = match verdict {
            Err(Trouble::CutShort(cut)) => return Err(cut),
            Err(Trouble::Misbehaved(problem)) => Some(problem),
            Ok(()) if left.is_empty() => None,
            Ok(()) => Some(format!("the runner left processes behind: {}", left.join(", "))),
        };
        // Our own kill explains nothing; somebody else's, such as the kernel's
        // when memory runs out, explains all.
        let ending = Some(ended.exit_status).filter(|status| had_ended || *status != -9);
        let problem = explain(heard, ending, &runner.stderr_tail);
        // Whoever ends a run may tell all its processes at once: what a runner
        // dies of then is not its own failure.
        match self.interrupted() {
            Some(signal) if problem.is_some() => Err(CutShort::Interrupted(signal)),
            _ => {
                let (user, system) = (ended.user, ended.system);
                let exit_status = Some(ended.exit_status);
                Ok(Watched { started, wall, exit_status, user, system, problem })
            }
        }
    }

    /// Hears the runner out, until it has closed its stdout and exited.
    fn listen(
        &mut self,
        runner: &mut Runner,
        timeout: Duration,
        listener: &mut dyn Listener,
    ) -> Result<(), Trouble> {
        let mut deadline = Instant::now() + timeout;
        let mut suspended = Duration::ZERO;
        let mut next_tick = Instant::now() + TICK;
        while !(runner.is_silent() && reap::has_exited(runner.group)) {
            let now = Instant::now();
            if now >= deadline {
                return Err(Trouble::Misbehaved(overdue(runner, timeout)));
            }
            if now >= next_tick {
                listener.tick();
                next_tick = now + TICK;
            }
            self.sleep_until(deadline.min(next_tick), runner)?;
            let stopped = self.handle_signals(runner.group)?;
            suspended += stopped;
            deadline += stopped;
            runner.read_stderr();
            if !runner.is_silent() {
                runner.read_lines(listener).map_err(Trouble::Misbehaved)?;
                if runner.is_silent() {
                    deadline = deadline.min(Instant::now() + GRACE);
                }
            }
        }
        if suspended > Duration::ZERO {
            return Err(Trouble::CutShort(CutShort::Suspended(suspended)));
        }
        listener.end().map_err(Trouble::Misbehaved)
    }

    /// Sleeps until the runner says something, a signal comes, or it is time.
    fn sleep_until(&self, time: Instant, runner: &Runner) -> Result<(), Trouble> {
        let left = time.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut descriptors = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let voices = runner.descriptors();
        descriptors.extend(voices.map(|voice| PollFd::new(voice, PollFlags::POLLIN)));
        match poll(&mut descriptors, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Trouble::Misbehaved(format!("cannot wait for the runner: {errno}"))),
        }
    }

    /// Ends or suspends the visit if a signal says so. Returns how long it was
    /// suspended. (The death of a child needs no more than to wake us.)
    fn handle_signals(&mut self, group: Pid) -> Result<Duration, Trouble> {
        let mut stopped = Duration::ZERO;
        while let Some(wish) = self.signals.next() {
            match wish {
                Wish::Stop => stopped += suspend_with(group),
                Wish::Look => {}
                Wish::End(signal) => {
                    self.interrupted = Some(signal);
                    return Err(Trouble::CutShort(CutShort::Interrupted(signal)));
                }
            }
        }
        Ok(stopped)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if self.interrupted.is_some() {
            self.signals.stay_held();
        }
        let _ = prctl::set_child_subreaper(false);
    }
}

/// Why a runner was not heard out.
enum Trouble {
    CutShort(CutShort),
    Misbehaved(String),
}

/// Stops the runner and then this process, as Ctrl-Z asks, until somebody
/// continues it. Returns how long that took.
fn suspend_with(group: Pid) -> Duration {
    let start = Instant::now();
    let _ = killpg(group, Signal::SIGSTOP);
    let _ = raise(Signal::SIGSTOP);
    let _ = killpg(group, Signal::SIGCONT);
    start.elapsed()
}

/// What to say of a runner whose time is over.
fn overdue(runner: &Runner, timeout: Duration) -> String {
    if runner.is_silent() {
        return format!("the runner did not end within {GRACE:?} of closing its stdout");
    }
    let members = reap::describe_group(runner.group).join(", ");
    format!("timeout: killed after {:.1} s, when it had {members}", timeout.as_secs_f64())
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
    let stderr = String::from_utf8_lossy(stderr_tail);
    let lines: Vec<&str> = stderr.trim().lines().collect();
    if !parts.is_empty() && !lines.is_empty() {
        parts.push(format!("stderr: {}", lines[lines.len().saturating_sub(3)..].join(" / ")));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
