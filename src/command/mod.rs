//! Shim: the process that makes one visit to a command, and its request.
//!
//! The shim is this same executable with the hidden verb [`VERB`]. It starts the
//! command, times it, and reports with the events of the runner's
//! [protocol](crate::runner::protocol), without `setup` and `teardown`. A process
//! of its own stands between harness and command for two reasons. The peak memory of a
//! command includes what its parent had when it started it, so a small parent makes a
//! low floor under `max_rss_bytes`. And the shim leads a session of its own, so that
//! the command has no terminal, and whatever it leaves behind can be found.

#[cfg(feature = "program")]
mod shim;

#[cfg(feature = "program")]
pub use shim::serve;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// First argument of an executable that is started as a shim.
pub const VERB: &str = "__command";

/// Request for one visit to a command, with all placeholders expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequest {
    /// Program and arguments.
    pub words: Vec<String>,
    /// Variables in addition to those of the shim.
    pub environment: BTreeMap<String, String>,
    /// Command that runs before each run, untimed.
    pub prepare: Option<Vec<String>>,
    /// Command that runs after each run, untimed.
    pub cleanup: Option<Vec<String>>,
    /// Working directory.
    pub directory: Option<PathBuf>,
    /// File that the command reads as stdin.
    pub input: Option<PathBuf>,
    /// Destination of its stdout and stderr.
    pub destination: Destination,
    /// Part of its stdout that the shim reports.
    pub capture: Capture,
    /// Exit codes that are not a failure.
    pub ok_codes: Vec<i32>,
    /// Wall time at which a run is ended, in nanoseconds; its cleanup command runs all the
    /// same.
    pub limit_ns: Option<u64>,
    /// Number of runs that are not counted.
    pub warmup: u32,
    /// Number of runs that are counted.
    pub iterations: u32,
}

/// Destination of a command's output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    /// The device `/dev/null`.
    #[default]
    Null,
    /// Files of this name, with `.out` and `.err` appended.
    Files(PathBuf),
    /// The stderr of the harness.
    Terminal,
}

/// Part of a command's stdout that the shim reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capture {
    /// No part of it.
    #[default]
    Nothing,
    /// Length and digest, and the text if it is very short.
    Digest,
    /// Length, digest, and the text up to half a MiB.
    Text,
}

/// Last three lines of a text, joined into one; `None` for an empty text.
pub(crate) fn last_lines(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.trim().lines().collect();
    (!lines.is_empty()).then(|| lines[lines.len().saturating_sub(3)..].join(" / "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_are_three_at_most() {
        assert_eq!(last_lines(b" \n"), None);
        assert_eq!(last_lines(b"a\nb\nc\nd\n").as_deref(), Some("b / c / d"));
    }
}
