//! Observer of a visit's process, and the ways in which a visit can fail.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

/// Receiver of the output of a runner process.
pub trait VisitObserver {
    /// Takes a line of stdout, without its line break, and the time when it was read.
    ///
    /// # Errors
    /// If the line makes the visit invalid.
    fn on_line(&mut self, line: &[u8], read_at: Instant) -> Result<(), LineError>;

    /// Takes the end of stdout.
    ///
    /// # Errors
    /// If events are missing.
    fn on_end(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Takes bytes of stderr.
    fn on_stderr(&mut self, _bytes: &[u8]) {}

    /// Runs once a second.
    fn on_tick(&mut self) {}
}

/// A line of a runner that makes its visit invalid.
#[derive(Debug)]
pub enum LineError {
    /// The line violates the protocol or carries a wrong tally: the runner is killed.
    Invalid(String),
    /// The line is the runner's own error message: the runner is about to end, and gets
    /// a moment to do so.
    Reported(String),
}

/// An interruption by a signal: the visit does not count, and is not a failure.
#[derive(Clone, Copy, Debug)]
pub enum Interruption {
    /// The run is to end.
    Ended(Signal),
    /// The run was suspended (Ctrl-Z) for this time, and continues.
    Suspended(Duration),
}

/// The reason for which a visit failed.
pub enum WatchError {
    /// A signal came.
    Interrupted(Interruption),
    /// The output was wrong. The exit code of the runner explains nothing then: whether it
    /// had exited before it was killed is a matter of microseconds.
    Output(String),
    /// The process failed: its exit status is part of the explanation.
    Process(String),
}
