//! What a run leaves behind, as plain data: the rows of `samples.csv` and the
//! object in `run.json`.
//!
//! This is the wall. Everything to the left of it measures and writes these
//! types; everything to the right of it (analysis, report) reads them back
//! from a results directory and knows nothing else. The module therefore
//! imports nothing of this crate.

mod columns;
mod commands;
mod expected_tally;
mod fields;
mod lines;
mod machine;
mod reader;
mod row;
mod row_parser;
mod run;
mod table;
mod target;
mod writer;

pub use commands::{COMMAND, Command, Commands, Expect, ExpectedOutput, Output};
pub use expected_tally::ExpectedTally;
pub use machine::{Cache, Machine};
pub use reader::{DamageKind, DamagedLine, ReadError, Reader, Record, read_rows};
pub use row::{CASE_COLUMNS, COLUMNS, Phase, Position, Row, SCHEMA};
pub use run::{
    Build, Clock, Plan, Preset, RUN_FILE, Retired, Run, Session, Skipped, StopReason, Stopping,
    WarmUp, replace,
};
pub use table::{Table, TableError, TableRow};
pub use target::Target;
pub use writer::{SAMPLES_FILE, Writer};

use serde::{Deserialize, Serialize};

/// One point of the sweep: every setting that tells it apart from the others.
///
/// The field names are the columns of `samples.csv`, the keys of `run.json`'s
/// `plan.cases` and the keys of `summary.json`'s `cases`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Case {
    /// What is computed; empty for a swept command.
    pub kernel: String,
    /// Who computes it.
    pub backend: String,
    /// Workers.
    pub nthread: u32,
    /// How chunks meet workers: `static`, `dynamic`, `guided`, `stealing`;
    /// empty where the backend is a foreign runner that decides itself.
    pub schedule: String,
    /// Blocks of a chunk; `None` while the draws are not calibrated.
    pub chunk: Option<u64>,
    /// Draws of a block.
    pub block: u64,
    /// Worker affinity: `none`, `close`, `spread`.
    pub pin: String,
    /// How a process backend starts its processes; empty for threads.
    pub start_method: String,
    /// Threads inside each worker.
    pub inner_nthread: u32,
    /// `strong` (fixed work) or `weak` (work grows with the workers).
    pub scaling: String,
    /// Draws of a call; `None` while they are not calibrated.
    pub draws: Option<u64>,
    /// Seed of the random streams.
    pub seed: u64,
    /// Tells two cases of the same backend apart; empty where nothing must.
    pub label: String,
}

/// The backend that every speedup is relative to.
pub const BASELINE: &str = "sequential";

impl Case {
    /// Whether this case is what others are compared with.
    pub fn is_baseline(&self) -> bool {
        self.backend == BASELINE
    }

    /// Threads of all workers together.
    pub fn threads(&self) -> u32 {
        self.nthread.saturating_mul(self.inner_nthread.max(1))
    }

    /// Whether it is a command.
    pub fn is_command(&self) -> bool {
        self.backend == COMMAND
    }

    /// What it is called: the backend, and what tells it from others of that
    /// name, but for the figures; a command by its label.
    pub fn title(&self) -> String {
        if self.is_command() && !self.label.is_empty() {
            return self.label.clone();
        }
        let start_method = if self.start_method == "fork" { "" } else { &self.start_method };
        let words = [&self.backend, start_method, &self.label];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Its title and its thread count, as messages name it.
    pub fn title_and_count(&self) -> String {
        format!("{}, n = {}", self.title(), self.count())
    }

    /// Its thread count in words: `4`, or `4 × 2` of four workers with two threads each.
    pub fn count(&self) -> String {
        match self.inner_nthread {
            0 | 1 => self.nthread.to_string(),
            inner => format!("{} × {inner}", self.nthread),
        }
    }

    /// A text of a command in which `{nthread}` and `{inner}` stand for the counts.
    pub fn filled_in(&self, text: &str) -> String {
        let counted = text.replace("{nthread}", &self.nthread.to_string());
        counted.replace("{inner}", &self.inner_nthread.to_string())
    }

    /// Whether `other` is compared with this case: the baseline of the same job,
    /// pinned likewise. Where the work grows with the workers, the baseline has
    /// the draws of one worker.
    pub fn is_baseline_of(&self, other: &Case) -> bool {
        self.is_baseline() && self.is_comparable(other)
    }

    /// Whether two cases are compared with the same baseline, and so belong into
    /// one table.
    pub fn is_comparable(&self, other: &Case) -> bool {
        fn key(case: &Case) -> (u64, u64, Option<u64>, [&str; 3]) {
            let words = [&case.kernel, &case.pin, &case.scaling].map(String::as_str);
            (case.seed, case.block, case.share(), words)
        }
        key(self) == key(other)
    }

    /// Draws of one worker where the work grows with the workers, else of a call.
    pub fn share(&self) -> Option<u64> {
        let workers = if self.is_weak() { u64::from(self.nthread.max(1)) } else { 1 };
        self.draws.map(|draws| draws / workers)
    }

    /// Whether the work grows with the workers.
    pub fn is_weak(&self) -> bool {
        self.scaling == "weak"
    }

    /// Whether two cases compute the same tally: same kernel, seed, block and
    /// draws. Only such cases may be divided by each other.
    pub fn same_job(&self, other: &Case) -> bool {
        (&self.kernel, self.seed, self.block, self.draws)
            == (&other.kernel, other.seed, other.block, other.draws)
    }
}
