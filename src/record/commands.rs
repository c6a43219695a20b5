//! Commands of a run whose cases are commands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Backend of a case that is a command; the label of the case is that of the command.
pub const COMMAND: &str = "command";

/// Commands, and the settings of their runs. In every text here `{nthread}` and
/// `{inner}` stand for the counts of the case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommandPlan {
    /// Commands; the label of a case is that of its command.
    pub list: Vec<PlannedCommand>,
    /// Environment variables that each run gets besides those of the harness: the thread
    /// variables, and those of `--env`.
    pub environment: BTreeMap<String, String>,
    /// Command that runs before each run, untimed.
    pub prepare: Option<Vec<String>>,
    /// Command that runs after each run, untimed.
    pub cleanup: Option<Vec<String>>,
    /// Working directory of all these; null means that of the harness.
    pub directory: Option<PathBuf>,
    /// File that each run reads as its stdin; null means none.
    pub input: Option<PathBuf>,
    /// Policy for the output of the commands.
    pub output: OutputPolicy,
    /// Exit codes that are not a failure.
    pub ok_codes: Vec<i32>,
    /// Check of the output of the commands.
    pub expect: Option<OutputCheck>,
}

/// Command with its label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCommand {
    /// Label, which names the command in tables.
    pub label: String,
    /// Program and arguments; those of a shell, if one was requested.
    pub words: Vec<String>,
}

/// Policy for the output of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputPolicy {
    /// The output is discarded.
    #[default]
    Discard,
    /// The output is kept in the results directory, in a file for each visit.
    Keep,
    /// The output is shown on stderr.
    Show,
}

/// Check of what a command prints on stdout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputCheck {
    /// The output must be this text, apart from blanks and line breaks at its ends.
    Text(String),
    /// This regular expression must match the output.
    Pattern(String),
    /// The output must be the same at every count and in every round.
    Same,
    /// Any output will do: it is not read.
    Any,
}

/// First output of a command that must always print the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedOutput {
    /// Label of the command.
    pub label: String,
    /// SHA-256 of its stdout, in hex.
    pub sha256: String,
    /// Length of its stdout.
    #[serde(default)]
    pub bytes: u64,
}

/// Output of the runs of a case that may print anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedOutput {
    /// Index of the case in the plan.
    pub case: usize,
    /// SHA-256 of the stdout of its first run, in hex.
    pub sha256: String,
    /// Length of that stdout.
    pub bytes: u64,
    /// True if a later run of the case printed something else.
    pub varies: bool,
}

impl PrintedOutput {
    /// Adds what later runs of the case printed. Returns whether it changes anything.
    pub fn add(&mut self, later: &PrintedOutput) -> bool {
        let is_other = later.varies || later.sha256 != self.sha256;
        let is_news = is_other && !self.varies;
        self.varies |= is_other;
        is_news
    }
}

impl CommandPlan {
    /// Finds the command with a label.
    pub fn find(&self, label: &str) -> Option<&PlannedCommand> {
        self.list.iter().find(|command| command.label == label)
    }
}
