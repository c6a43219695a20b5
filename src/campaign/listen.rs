//! Listens to a runner until it has ended: sleeps in one `poll` over its stdout
//! and stderr and the signals of this process, and costs nothing meanwhile.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg, raise};
use nix::unistd::Pid;

use super::signals::{Signals, Wish};
use super::voice::Runner;
use crate::command::reap::{self, Stops};

/// How long a runner may take to end after its last word.
const GRACE: Duration = Duration::from_millis(500);

/// How often the progress display is woken.
const TICK: Duration = Duration::from_secs(1);

/// Who sleeps so much longer than planned was not there: stopped, or frozen
/// with the whole machine.
const OVERSLEPT: Duration = Duration::from_millis(500);

/// What is told, and asked, while a visit runs.
pub trait Listener {
    /// A line of the runner's stdout, without its end.
    ///
    /// # Errors
    /// Why the visit does not count.
    fn line(&mut self, line: &[u8], heard: Instant) -> Result<(), Objection>;

    /// The runner closed its stdout.
    ///
    /// # Errors
    /// What is missing.
    fn end(&mut self) -> Result<(), String>;

    /// A second has passed.
    fn tick(&mut self);

    /// The runner wrote this to stderr.
    fn overhears(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
}

/// Why what a runner said makes its visit void, in words.
#[derive(Debug)]
pub enum Objection {
    /// The line is wrong: the runner is killed.
    Wrong(String),
    /// It said itself that it cannot go on: it is about to end, and gets a
    /// moment to.
    GaveUp(String),
}

/// A signal cut the visit short: it is not to be counted, and not a failure.
#[derive(Clone, Copy, Debug)]
pub enum CutShort {
    /// The run is to end.
    Interrupted(Signal),
    /// The run was stopped (Ctrl-Z) for so long, and goes on.
    Suspended(Duration),
}

/// Why a runner was not heard out, or not with pleasure.
pub enum Trouble {
    /// A signal.
    CutShort(CutShort),
    /// What it said. Whether it had exited by then, and with which code, is a
    /// matter of microseconds and explains nothing.
    Said(String),
    /// What it did or left undone: how it ended explains that.
    Did(String),
}

/// One runner, listened to.
pub struct Watch<'a> {
    signals: &'a Signals,
    runner: &'a mut Runner,
    timeout: Duration,
    deadline: Instant,
    next_tick: Instant,
    suspended: Duration,
    stops: Stops,
    /// What it said when it gave up.
    last_word: Option<String>,
}

impl<'a> Watch<'a> {
    /// From now on, for `timeout` at most.
    pub fn new(signals: &'a Signals, runner: &'a mut Runner, timeout: Duration) -> Watch<'a> {
        let now = Instant::now();
        Watch {
            signals,
            runner,
            timeout,
            deadline: now + timeout,
            next_tick: now + TICK,
            suspended: Duration::ZERO,
            stops: Stops::default(),
            last_word: None,
        }
    }

    /// How often somebody stopped the runner so far.
    pub fn stops(&self) -> u32 {
        self.stops.count
    }

    /// Hears the runner out, until it has closed its stdout and exited.
    pub fn hear_out(&mut self, listener: &mut dyn Listener) -> Result<(), Trouble> {
        while !(self.runner.is_silent() && reap::has_exited(self.runner.group)) {
            let now = Instant::now();
            if now >= self.deadline {
                return Err(self.overdue());
            }
            if now >= self.next_tick {
                listener.tick();
                self.next_tick = now + TICK;
            }
            self.sleep()?;
            self.obey_signals()?;
            self.runner.read_stderr(listener);
            self.hear(listener)?;
        }
        if self.suspended > Duration::ZERO {
            return Err(Trouble::CutShort(CutShort::Suspended(self.suspended)));
        }
        if let Some(problem) = self.last_word.take() {
            return Err(Trouble::Said(problem));
        }
        self.runner.read_last_line(listener).map_err(|objection| match objection {
            Objection::Wrong(problem) => Trouble::Did(problem),
            Objection::GaveUp(problem) => Trouble::Said(problem),
        })?;
        listener.end().map_err(Trouble::Did)
    }

    /// Passes on what the runner has said by now; after its last word, nothing.
    fn hear(&mut self, listener: &mut dyn Listener) -> Result<(), Trouble> {
        if self.runner.is_silent() {
            return Ok(());
        }
        let heard = match &self.last_word {
            None => self.runner.read_lines(listener),
            Some(_) => self.runner.read_lines(&mut Deaf),
        };
        match heard {
            Ok(()) if self.runner.is_silent() => self.hurry(),
            Ok(()) => {}
            Err(Objection::Wrong(problem)) => {
                return Err(Trouble::Said(self.last_word.take().unwrap_or(problem)));
            }
            Err(Objection::GaveUp(problem)) => {
                self.last_word = Some(problem);
                self.hurry();
            }
        }
        Ok(())
    }

    /// It has said all, and should end soon.
    fn hurry(&mut self) {
        self.deadline = self.deadline.min(Instant::now() + GRACE);
    }

    /// Sleeps until the runner says something, a signal comes, or it is time.
    ///
    /// If the sleep was far longer than planned, nobody knows when in it this
    /// process ceased to be there: none of it counts against the runner.
    fn sleep(&mut self) -> Result<(), Trouble> {
        let asleep = Instant::now();
        let planned = self.deadline.min(self.next_tick);
        let left = planned.saturating_duration_since(asleep) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut descriptors = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let voices = self.runner.descriptors();
        descriptors.extend(voices.map(|voice| PollFd::new(voice, PollFlags::POLLIN)));
        match poll(&mut descriptors, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Trouble::Did(format!("cannot wait for the runner: {errno}"))),
        }
        let awake = Instant::now();
        if awake.saturating_duration_since(planned) > OVERSLEPT {
            self.deadline += awake - asleep;
        }
        Ok(())
    }

    /// Ends or suspends the visit if a signal says so, and looks whether the
    /// runner was stopped. (Its death needs no more than to wake us.)
    fn obey_signals(&mut self) -> Result<(), Trouble> {
        while let Some(wish) = self.signals.next() {
            match wish {
                Wish::Look => self.stops.look(self.runner.group),
                Wish::Stop => {
                    let stopped = suspend_with(self.runner.group);
                    self.suspended += stopped;
                    self.deadline += stopped;
                }
                Wish::End(signal) => {
                    return Err(Trouble::CutShort(CutShort::Interrupted(signal)));
                }
            }
        }
        Ok(())
    }

    /// What to say of a runner whose time is over.
    fn overdue(&mut self) -> Trouble {
        if let Some(problem) = self.last_word.take() {
            return Trouble::Said(problem);
        }
        if self.runner.is_silent() {
            return Trouble::Did(format!(
                "the runner did not end within {GRACE:?} of closing its stdout"
            ));
        }
        let members = reap::describe_family(self.runner.group).join(", ");
        let seconds = self.timeout.as_secs_f64();
        Trouble::Did(format!("timeout: killed after {seconds:.1} s, when it had {members}"))
    }
}

/// For what a runner says after its last word.
struct Deaf;

impl Listener for Deaf {
    fn line(&mut self, _: &[u8], _: Instant) -> Result<(), Objection> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn tick(&mut self) {}
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
