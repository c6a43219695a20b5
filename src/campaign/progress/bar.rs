//! Bar with the remaining time, drawn on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Show;

/// Bar that is hidden until the first visit.
pub struct Bar(ProgressBar);

impl Bar {
    /// A hidden bar.
    pub fn hidden() -> Bar {
        Bar(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()))
    }

    /// The form of the display.
    pub fn form(show: Show) -> Show {
        show
    }

    /// Starts to count visits, and draws the bar if it `is_shown`.
    pub fn start(&self, visits: u64, is_shown: bool) {
        self.0.set_length(visits);
        self.0.reset();
        // A wide message is cut to the terminal, so that the bar stays on one line.
        let template = "{bar:16} {percent:>3}%  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("━╸─"));
        }
        if is_shown {
            self.0.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        }
    }

    /// Sets the text beside the bar.
    pub fn set_message(&self, text: String) {
        self.0.set_message(text);
    }

    /// Counts a visit.
    pub fn increment(&self) {
        self.0.inc(1);
    }

    /// Remaining time of the visits; `None` before the end of the first one.
    pub fn time_left(&self) -> Option<Duration> {
        Some(self.0.eta()).filter(|_| self.0.position() > 0)
    }

    /// Draws the bar again.
    pub fn tick(&self) {
        self.0.tick();
    }

    /// Removes the bar.
    pub fn remove(&self) {
        self.0.finish_and_clear();
    }

    /// Runs `print` while the bar is not drawn.
    pub fn suspend(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}
