//! What a user sees while a run goes on, on stderr: a bar with the remaining
//! time on a terminal, plain lines elsewhere, or nothing.
//!
//! It has no thread of its own: it moves when a visit ends and once a second.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::record::{Case, Plan};

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A bar that is drawn over.
    Bar,
    /// A line a round.
    Lines,
    /// Only what went wrong.
    Problems,
}

/// News come at least so far apart; above a bar, which has the newest, farther.
const NEWS_APART: Duration = Duration::from_secs(2);
const NEWS_ABOVE_BAR_APART: Duration = Duration::from_secs(15);

/// Shows how far a run has come.
pub struct Progress {
    show: Show,
    bar: ProgressBar,
    started: Instant,
    last_news: Cell<Option<Instant>>,
    deadline: Cell<Option<Instant>>,
    /// How well the least known speedup is known, in words.
    known: RefCell<String>,
}

impl Progress {
    /// Shows nothing yet.
    pub fn new(show: Show) -> Progress {
        // Hidden until there is something to show.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Progress {
            show,
            bar,
            started: Instant::now(),
            last_news: Cell::new(None),
            deadline: Cell::new(None),
            known: RefCell::default(),
        }
    }

    /// A line about the run as a whole.
    pub fn note(&self, text: &str) {
        if self.show != Show::Problems {
            self.print(text);
        }
    }

    /// A line about something that went wrong.
    pub fn problem(&self, text: &str) {
        self.print(text);
    }

    /// The first of so many visits, at most, is about to begin; they end after
    /// that time at the latest.
    pub fn begin(&self, visits: u64, time_left: Option<Duration>) {
        self.set_time_left(time_left);
        self.bar.set_length(visits);
        self.bar.reset();
        // What is wide is cut to the terminal, so that the bar keeps to its line.
        let template = "{bar:16} {percent:>3}%  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("━╸─"));
        }
        if self.show == Show::Bar {
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        }
    }

    /// From now on they end after that time at the latest.
    pub fn set_time_left(&self, time_left: Option<Duration>) {
        self.deadline.set(time_left.map(|time| Instant::now() + time));
    }

    /// A visit begins.
    pub fn visiting(&self, round: u32, case: &Case) {
        let (round, who) = (round + 1, case.title_and_count());
        let left = match self.left() {
            Some(left) => format!("at most {} s left  ", left.as_secs()),
            None => String::new(),
        };
        self.bar.set_message(format!("{left}round {round}: {who}{}", self.known.borrow()));
    }

    /// A visit has ended.
    pub fn visited(&self) {
        self.bar.inc(1);
    }

    /// A round has ended. `least_known` finds the case of the plan whose speedup
    /// is known least well, and how well: it is asked no more often than anybody
    /// would read the answer.
    pub fn round_ended(
        &self,
        round: u32,
        plan: &Plan,
        least_known: impl FnOnce() -> Option<(usize, Option<f64>)>,
    ) {
        let (round, rounds) = (round + 1, plan.stopping.rounds);
        let is_due = self.last_news.get().is_none_or(|last| last.elapsed() >= NEWS_APART);
        if self.show == Show::Problems || !(is_due || round == rounds) {
            return;
        }
        self.last_news.set(Some(Instant::now()));
        if let Some((case, Some(width))) = least_known() {
            let (percent, case) = (100.0 * width, &plan.cases[case]);
            let who = case.title_and_count();
            *self.known.borrow_mut() = format!("; known to ±{percent:.1}% or better ({who})");
        }
        if self.show == Show::Lines {
            let seconds = self.started.elapsed().as_secs();
            let left = self.left().unwrap_or_default().as_secs();
            let most = if plan.stopping.precision.is_some() { "at most" } else { "about" };
            let known = self.known.borrow();
            self.print(&format!(
                "round {round} of {rounds} after {seconds} s, {most} {left} s left{known}"
            ));
        }
    }

    /// A round has ended of which nobody knew how long it would take. `times` finds
    /// the times so far, a line for each title.
    pub fn times_known(&self, round: u32, plan: &Plan, times: impl FnOnce() -> Vec<String>) {
        let (round, rounds) = (round + 1, plan.stopping.rounds);
        let apart = if self.show == Show::Bar { NEWS_ABOVE_BAR_APART } else { NEWS_APART };
        let is_due = self.last_news.get().is_none_or(|last| last.elapsed() >= apart);
        if self.show == Show::Problems || !(is_due || round == rounds) {
            return;
        }
        self.last_news.set(Some(Instant::now()));
        let most = if plan.stopping.precision.is_some() { "at most " } else { "" };
        let seconds = self.started.elapsed().as_secs();
        let left = match self.left() {
            Some(left) if round < rounds => format!("; at most {} s left", left.as_secs()),
            _ => String::new(),
        };
        let times = times();
        let head = format!("round {round} of {most}{rounds} after {seconds} s");
        self.print(&match &times[..] {
            [only] if !only.contains('\n') => format!("{head}: {only}{left}"),
            _ => format!("{head}{left}:\n  {}", times.join("\n  ")),
        });
    }

    /// How long it will take from here: all visits, or what the time budget
    /// allows; `None` before anybody can know.
    fn left(&self) -> Option<Duration> {
        let deadline = self.deadline.get().map(|end| end.saturating_duration_since(Instant::now()));
        let eta = Some(self.bar.eta()).filter(|_| self.bar.position() > 0);
        match (deadline, eta) {
            (Some(deadline), Some(eta)) => Some(deadline.min(eta)),
            (either, other) => either.or(other),
        }
    }

    /// A second has passed.
    pub fn tick(&self) {
        self.bar.tick();
    }

    /// The last visit has ended.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// What a command prints.
    pub fn show(&self, bytes: &[u8]) {
        use std::io::Write as _;
        self.bar.suspend(|| {
            let _ = std::io::stderr().write_all(bytes);
        });
    }

    /// A line above the bar. A stderr that is closed must not end a run.
    fn print(&self, text: &str) {
        use std::io::Write as _;
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }
}
