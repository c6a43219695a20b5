//! What a user sees while a run goes on, on stderr: a bar with the remaining
//! time on a terminal, plain lines elsewhere, or nothing.
//!
//! It has no thread of its own: it moves when a visit ends and once a second.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::record::Case;

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

/// How often plain lines come at least apart.
const LINES_APART: Duration = Duration::from_secs(2);

/// Shows how far a run has come.
pub struct Progress {
    show: Show,
    bar: ProgressBar,
    started: Instant,
    last_line: Cell<Option<Instant>>,
}

impl Progress {
    /// Shows nothing yet.
    pub fn new(show: Show) -> Progress {
        // Hidden until there is something to show.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Progress { show, bar, started: Instant::now(), last_line: Cell::new(None) }
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

    /// The first of so many visits is about to begin.
    pub fn begin(&self, visits: u64) {
        self.bar.set_length(visits);
        self.bar.reset();
        // What is wide is cut to the terminal, so that the bar keeps to its line.
        let template = "{bar:16} {percent:>3}%  {eta} left  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("━╸─"));
        }
        if self.show == Show::Bar {
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        }
    }

    /// A visit begins.
    pub fn visiting(&self, round: u32, rounds: u32, case: &Case) {
        let (round, backend, nthread) = (round + 1, case.title(), case.nthread);
        self.bar.set_message(format!("round {round} of {rounds}: {backend}, n = {nthread}"));
    }

    /// A visit has ended.
    pub fn visited(&self) {
        self.bar.inc(1);
    }

    /// A round has ended. Lines come no faster than anybody would read them.
    pub fn round_ended(&self, round: u32, rounds: u32) {
        let is_due = self.last_line.get().is_none_or(|last| last.elapsed() >= LINES_APART);
        if self.show == Show::Lines && (is_due || round + 1 == rounds) {
            self.last_line.set(Some(Instant::now()));
            let seconds = self.started.elapsed().as_secs();
            let left = self.bar.eta().as_secs();
            let round = round + 1;
            self.print(&format!(
                "round {round} of {rounds} after {seconds} s, about {left} s left"
            ));
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

    /// A line above the bar. A stderr that is closed must not end a run.
    fn print(&self, text: &str) {
        use std::io::Write as _;
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }
}
