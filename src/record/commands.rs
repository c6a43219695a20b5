//! What is run where the cases are commands, and how.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The backend of a case that is a command: its label tells which.
pub const COMMAND: &str = "command";

/// Commands, and what is done around each of their runs. In every text here
/// `{nthread}` and `{inner}` stand for the counts of the case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Commands {
    /// The commands; a case's label is that of its command.
    pub list: Vec<Command>,
    /// Variables that each run gets on top of those of the harness: the thread
    /// variables, and what `--env` names.
    pub environment: BTreeMap<String, String>,
    /// What runs before each run, untimed.
    pub prepare: Option<Vec<String>>,
    /// What runs after each run, untimed.
    pub cleanup: Option<Vec<String>>,
    /// The directory in which all of these run; null: that of the harness.
    pub directory: Option<PathBuf>,
    /// The file that each run reads as its stdin; null: nothing.
    pub input: Option<PathBuf>,
    /// What becomes of what they print.
    pub output: Output,
    /// Exit codes that are no failure.
    pub ok_codes: Vec<i32>,
    /// What they must print.
    pub expect: Option<Expect>,
}

/// One command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What it is called.
    pub label: String,
    /// Program and arguments; a shell where one was asked for.
    pub words: Vec<String>,
}

/// What becomes of what a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Nobody reads it.
    #[default]
    Discard,
    /// It is kept in the results directory, a file for each visit.
    Keep,
    /// It is shown on stderr.
    Show,
}

/// What a command must print on stdout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// This text, but for blanks and line breaks at its ends.
    Text(String),
    /// Something that this regular expression matches.
    Pattern(String),
    /// The same at every count and in every round.
    Same,
}

/// What a command printed first, where it must always print the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedOutput {
    /// The label of the command.
    pub label: String,
    /// SHA-256 of all that it printed on stdout, in hex.
    pub sha256: String,
    /// How much that was.
    #[serde(default)]
    pub bytes: u64,
}

impl Commands {
    /// The command of that label.
    pub fn find(&self, label: &str) -> Option<&Command> {
        self.list.iter().find(|command| command.label == label)
    }
}
