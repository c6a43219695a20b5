//! Remaining time without a bar: a library shows its progress in lines.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::Show;

/// Number of visits, and time since the first one.
pub struct Bar {
    started: Cell<Instant>,
    visits: Cell<u64>,
    ended: Cell<u64>,
}

impl Bar {
    /// No visits.
    pub fn hidden() -> Bar {
        Bar { started: Cell::new(Instant::now()), visits: Cell::new(0), ended: Cell::new(0) }
    }

    /// The form of the display: lines in place of a bar.
    pub fn form(show: Show) -> Show {
        if show == Show::Bar { Show::Lines } else { show }
    }

    /// Starts to count visits.
    pub fn start(&self, visits: u64, _is_shown: bool) {
        self.started.set(Instant::now());
        self.visits.set(visits);
        self.ended.set(0);
    }

    /// Ignores the text.
    pub fn set_message(&self, _text: String) {}

    /// Counts a visit.
    pub fn increment(&self) {
        self.ended.set(self.ended.get() + 1);
    }

    /// Remaining time of the visits; `None` before the end of the first one.
    pub fn time_left(&self) -> Option<Duration> {
        let (visits, ended) = (self.visits.get(), self.ended.get());
        let share_left = visits.saturating_sub(ended) as f64 / ended as f64;
        (ended > 0).then(|| self.started.get().elapsed().mul_f64(share_left))
    }

    /// Does nothing.
    pub fn tick(&self) {}

    /// Does nothing.
    pub fn remove(&self) {}

    /// Runs `print`.
    pub fn suspend(&self, print: impl FnOnce()) {
        print();
    }
}
