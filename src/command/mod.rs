//! One visit to a command: what is asked for ([`Order`]), and the small process
//! that does it (`shim`).
//!
//! The shim is this same executable with the hidden verb [`VERB`]. It starts the
//! command, times it, and says what came of it in the words of the runner's
//! [protocol](crate::runner::protocol), without `setup` and `teardown`. A process
//! of its own stands between harness and command for two reasons: what a command
//! has in memory before it begins is what its parent had, so a small parent makes
//! a low floor under `max_rss_bytes`; and it leads a session of its own, so that
//! the command has no terminal, and whatever it leaves behind can be found.

mod alarm;
mod floor;
mod perform;
mod program;
pub(crate) mod reap;
mod shim;
pub(crate) mod streams;

pub use shim::serve;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// First argument of an executable that is started as a shim.
pub const VERB: &str = "__command";

/// What the shim is to do: everything is expanded, no placeholder is left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Program and arguments.
    pub words: Vec<String>,
    /// Variables on top of those that the shim has.
    pub environment: BTreeMap<String, String>,
    /// What runs before each run, untimed.
    pub prepare: Option<Vec<String>>,
    /// What runs after each run, untimed.
    pub cleanup: Option<Vec<String>>,
    /// Where they run.
    pub directory: Option<PathBuf>,
    /// What the command reads as stdin.
    pub input: Option<PathBuf>,
    /// Where its stdout and stderr go.
    pub destination: Destination,
    /// What is said of its stdout.
    pub capture: Capture,
    /// Exit codes that are no failure.
    pub ok_codes: Vec<i32>,
    /// Runs that are not counted.
    pub warmup: u32,
    /// Runs that are counted.
    pub iterations: u32,
}

/// Where what a command prints goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    /// Nowhere.
    #[default]
    Nowhere,
    /// To files of this name, with `.out` and `.err` behind it.
    Files(PathBuf),
    /// To the stderr of the harness.
    Terminal,
}

/// What is said of a command's stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capture {
    /// Nothing.
    #[default]
    Nothing,
    /// Its length and digest, and its text where that is very short.
    Digest,
    /// Its text, too, up to half a MiB.
    Text,
}
