//! Progress display on stderr: a bar with the remaining time on a terminal, plain lines
//! elsewhere, or nothing.
//!
//! It has no thread of its own: it is updated when a visit ends and once a second.

#[cfg(feature = "program")]
mod bar;
#[cfg(not(feature = "program"))]
#[path = "progress/no_bar.rs"]
mod bar;

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::record::{Case, Plan};
use bar::Bar;

/// Form of the display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A bar that is redrawn.
    Bar,
    /// A line for each round.
    Lines,
    /// Problems alone.
    Problems,
}

/// Least time between reports about rounds.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);

/// Least time between reports above a bar, which itself is always up to date.
const REPORT_INTERVAL_ABOVE_BAR: Duration = Duration::from_secs(15);

/// Display of the progress of a run.
pub struct Progress {
    show: Show,
    bar: Bar,
    started: Instant,
    last_report: Cell<Option<Instant>>,
    deadline: Cell<Option<Instant>>,
    /// Text about the widest interval.
    precision: RefCell<String>,
}

impl Progress {
    /// Starts without output.
    pub fn new(show: Show) -> Progress {
        Progress {
            show: Bar::form(show),
            bar: Bar::hidden(),
            started: Instant::now(),
            last_report: Cell::new(None),
            deadline: Cell::new(None),
            precision: RefCell::default(),
        }
    }

    /// Prints a line about the run as a whole.
    pub fn note(&self, text: &str) {
        if self.show != Show::Problems {
            self.print(text);
        }
    }

    /// Prints a line about a problem.
    pub fn problem(&self, text: &str) {
        self.print(text);
    }

    /// Shows the bar before the first of at most `visits` visits, which end within
    /// `time_left`.
    pub fn begin(&self, visits: u64, time_left: Option<Duration>) {
        self.set_time_left(time_left);
        self.bar.start(visits, self.show == Show::Bar);
    }

    /// Sets the time within which the visits end.
    pub fn set_time_left(&self, time_left: Option<Duration>) {
        self.deadline.set(time_left.map(|time| Instant::now() + time));
    }

    /// Shows the start of a visit.
    pub fn start_visit(&self, round: u32, case: &Case) {
        let (round, case) = (round + 1, case.title_with_count());
        let left = match self.time_left() {
            Some(left) => format!("at most {} s left  ", left.as_secs()),
            None => String::new(),
        };
        self.bar.set_message(format!("{left}round {round}: {case}{}", self.precision.borrow()));
    }

    /// Shows the end of a visit.
    pub fn end_visit(&self) {
        self.bar.increment();
    }

    /// Reports the end of a round, and the precision. `widest` computes the case with the
    /// widest interval, and its relative half-width; it is called only if there is a
    /// report.
    pub fn show_precision(
        &self,
        round: u32,
        plan: &Plan,
        widest: impl FnOnce() -> Option<(usize, Option<f64>)>,
    ) {
        let (round, rounds) = (round + 1, plan.stopping.rounds);
        if !self.is_report_due(REPORT_INTERVAL, round == rounds) {
            return;
        }
        if let Some((case, Some(width))) = widest() {
            let (percent, case) = (100.0 * width, plan.cases[case].title_with_count());
            let text = format!("; widest 95% interval ±{percent:.1}% ({case})");
            *self.precision.borrow_mut() = text;
        }
        if self.show == Show::Lines {
            let seconds = self.started.elapsed().as_secs();
            let left = self.time_left().unwrap_or_default().as_secs();
            let most = if plan.stopping.precision.is_some() { "at most" } else { "about" };
            let precision = self.precision.borrow();
            self.print(&format!(
                "round {round} of {rounds} after {seconds} s, {most} {left} s left{precision}"
            ));
        }
    }

    /// Reports the end of a round of a run without a forecast. `times` computes the times so
    /// far, a line for each title; it is called only if there is a report.
    pub fn show_times(&self, round: u32, plan: &Plan, times: impl FnOnce() -> Vec<String>) {
        let (round, rounds) = (round + 1, plan.stopping.rounds);
        let is_bar = self.show == Show::Bar;
        let interval = if is_bar { REPORT_INTERVAL_ABOVE_BAR } else { REPORT_INTERVAL };
        if !self.is_report_due(interval, round == rounds) {
            return;
        }
        let most = if plan.stopping.precision.is_some() { "at most " } else { "" };
        let seconds = self.started.elapsed().as_secs();
        let left = match self.time_left() {
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

    /// Tells whether it is time for a report; then the next one is due after `interval`.
    fn is_report_due(&self, interval: Duration, is_last: bool) -> bool {
        let is_time = self.last_report.get().is_none_or(|last| last.elapsed() >= interval);
        let is_due = self.show != Show::Problems && (is_time || is_last);
        if is_due {
            self.last_report.set(Some(Instant::now()));
        }
        is_due
    }

    /// Remaining time: that of the visits, or of the time budget if it is shorter; `None`
    /// before it can be estimated.
    fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline.get().map(|end| end.saturating_duration_since(Instant::now()));
        match (deadline, self.bar.time_left()) {
            (Some(deadline), Some(visits)) => Some(deadline.min(visits)),
            (deadline, visits) => deadline.or(visits),
        }
    }

    /// Redraws the bar, once a second.
    pub fn tick(&self) {
        self.bar.tick();
    }

    /// Removes the bar after the last visit.
    pub fn end(&self) {
        self.bar.remove();
    }

    /// Shows output of a command.
    pub fn show(&self, bytes: &[u8]) {
        self.bar.suspend(|| {
            let _ = std::io::stderr().write_all(bytes);
        });
    }

    /// Prints a line above the bar. A closed stderr must not end a run.
    fn print(&self, text: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }
}
