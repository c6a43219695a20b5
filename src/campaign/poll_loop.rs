//! Poll loop of a visit: sleeps until the runner writes, a signal comes or a deadline is
//! reached, and uses no CPU meanwhile.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg, raise};
use nix::unistd::Pid;

use super::observer::{Interruption, LineError, VisitObserver, WatchError};
use super::runner_process::RunnerProcess;
use super::signals::{SignalAction, Signals};
use crate::machine::process_table::{Process, family};
use crate::reap::{self, StopCounter};

/// Time that a runner gets to exit after it has closed its stdout or reported an error.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// Time between ticks of the progress display.
const TICK: Duration = Duration::from_secs(1);

/// Delay of a wake-up from which this process counts as having been stopped, or frozen
/// together with the machine.
const OVERSLEPT: Duration = Duration::from_millis(500);

/// State of the loop over one runner.
pub struct PollLoop<'a> {
    signals: &'a Signals,
    runner: &'a mut RunnerProcess,
    timeout: Duration,
    deadline: Instant,
    next_tick: Instant,
    suspended: Duration,
    stops: StopCounter,
    /// Error message of the runner itself, after which its output is ignored.
    reported_error: Option<String>,
}

impl<'a> PollLoop<'a> {
    /// Starts the timeout of the visit.
    pub fn new(
        signals: &'a Signals,
        runner: &'a mut RunnerProcess,
        timeout: Duration,
    ) -> PollLoop<'a> {
        let now = Instant::now();
        PollLoop {
            signals,
            runner,
            timeout,
            deadline: now + timeout,
            next_tick: now + TICK,
            suspended: Duration::ZERO,
            stops: StopCounter::default(),
            reported_error: None,
        }
    }

    /// Number of times that the runner was stopped so far.
    pub fn stops(&self) -> u32 {
        self.stops.count
    }

    /// Runs until the runner has closed its stdout and exited.
    pub fn run(&mut self, observer: &mut dyn VisitObserver) -> Result<(), WatchError> {
        while !(self.runner.has_closed_stdout() && reap::has_exited(self.runner.group)) {
            let now = Instant::now();
            if now >= self.deadline {
                return Err(self.deadline_error());
            }
            if now >= self.next_tick {
                observer.on_tick();
                self.next_tick = now + TICK;
            }
            self.sleep()?;
            self.handle_signals()?;
            self.runner.read_stderr(observer);
            self.read_stdout(observer)?;
        }
        if self.suspended > Duration::ZERO {
            return Err(WatchError::Interrupted(Interruption::Suspended(self.suspended)));
        }
        if let Some(problem) = self.reported_error.take() {
            return Err(WatchError::Output(problem));
        }
        self.runner.read_last_line(observer).map_err(|error| match error {
            LineError::Invalid(problem) => WatchError::Process(problem),
            LineError::Reported(problem) => WatchError::Output(problem),
        })?;
        observer.on_end().map_err(WatchError::Process)
    }

    /// Passes the available lines to the observer.
    fn read_stdout(&mut self, observer: &mut dyn VisitObserver) -> Result<(), WatchError> {
        if self.runner.has_closed_stdout() {
            return Ok(());
        }
        let result = match &self.reported_error {
            None => self.runner.read_lines(observer),
            Some(_) => self.runner.read_lines(&mut Discard),
        };
        match result {
            Ok(()) if self.runner.has_closed_stdout() => self.shorten_deadline(),
            Ok(()) => {}
            Err(LineError::Invalid(problem)) => {
                return Err(WatchError::Output(self.reported_error.take().unwrap_or(problem)));
            }
            Err(LineError::Reported(problem)) => {
                self.reported_error = Some(problem);
                self.shorten_deadline();
            }
        }
        Ok(())
    }

    fn shorten_deadline(&mut self) {
        self.deadline = self.deadline.min(Instant::now() + EXIT_GRACE);
    }

    /// Sleeps until the runner writes, a signal comes, or the next deadline or tick.
    ///
    /// If the sleep was far longer than planned, this process was stopped at an unknown
    /// time in it: then none of it counts against the runner.
    fn sleep(&mut self) -> Result<(), WatchError> {
        let start = Instant::now();
        let planned = self.deadline.min(self.next_tick);
        let left = planned.saturating_duration_since(start) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut descriptors: Vec<PollFd> = std::iter::once(self.signals.as_fd())
            .chain(self.runner.descriptors())
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
            .collect();
        match poll(&mut descriptors, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => {
                return Err(WatchError::Process(format!("cannot wait for the runner: {errno}")));
            }
        }
        let end = Instant::now();
        if end.saturating_duration_since(planned) > OVERSLEPT {
            self.deadline += end - start;
        }
        Ok(())
    }

    /// Handles the pending signals. The death of the runner is noticed by the loop itself:
    /// its signal only has to end the sleep.
    fn handle_signals(&mut self) -> Result<(), WatchError> {
        while let Some(action) = self.signals.next() {
            match action {
                SignalAction::CheckChildren => self.stops.update(self.runner.group),
                SignalAction::Suspend => {
                    let stopped = suspend_with(self.runner.group);
                    self.suspended += stopped;
                    self.deadline += stopped;
                }
                SignalAction::End(signal) => {
                    return Err(WatchError::Interrupted(Interruption::Ended(signal)));
                }
            }
        }
        Ok(())
    }

    /// Error of a runner that has reached its deadline.
    fn deadline_error(&mut self) -> WatchError {
        if let Some(problem) = self.reported_error.take() {
            return WatchError::Output(problem);
        }
        if self.runner.has_closed_stdout() {
            return WatchError::Process(format!(
                "the runner did not exit within {EXIT_GRACE:?} of closing its stdout"
            ));
        }
        let members: Vec<String> =
            family(self.runner.group).iter().map(Process::to_string).collect();
        let (seconds, members) = (self.timeout.as_secs_f64(), members.join(", "));
        WatchError::Process(format!("timeout: killed after {seconds:.1} s; processes: {members}"))
    }
}

/// Observer that ignores the output after the runner has reported an error.
struct Discard;

impl VisitObserver for Discard {
    fn on_line(&mut self, _: &[u8], _: Instant) -> Result<(), LineError> {
        Ok(())
    }
}

/// Stops the runner and then this process, as Ctrl-Z asks, until SIGCONT comes. Returns
/// the time for which they were stopped.
fn suspend_with(group: Pid) -> Duration {
    let start = Instant::now();
    let _ = killpg(group, Signal::SIGSTOP);
    let _ = raise(Signal::SIGSTOP);
    let _ = killpg(group, Signal::SIGCONT);
    start.elapsed()
}
