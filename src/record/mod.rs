//! Records of a run as plain data: the rows of `samples.csv` and the object in
//! `run.json`.
//!
//! This module separates measuring from reporting. The campaign writes these types;
//! analysis and reports read them from a results directory, and know nothing else. The
//! module therefore imports nothing of this crate.

mod columns;
mod commands;
mod expected_tally;
mod fields;
mod lines;
mod machine;
mod preset;
mod reader;
mod row;
mod row_parser;
mod run;
mod table;
mod target;
mod writer;

pub use commands::{
    COMMAND, CommandPlan, ExpectedOutput, OutputCheck, OutputPolicy, PlannedCommand, PrintedOutput,
};
pub use expected_tally::ExpectedTally;
pub use machine::{Cache, Machine};
pub use preset::Preset;
pub use reader::{DamageKind, DamagedLine, ReadError, Reader, Record, read_rows};
pub use row::{CASE_COLUMNS, COLUMNS, Phase, Position, Row, SCHEMA};
pub use run::{
    Build, Clock, Plan, RUN_FILE, RetiredCase, Run, Session, SkippedCase, StopReason, Stopping,
    WarmUp, replace_file,
};
pub use table::{Table, TableError, TableRow};
pub use target::Target;
pub use writer::{SAMPLES_FILE, Writer};

use serde::{Deserialize, Serialize};

/// Case: one point of the sweep, with every setting that distinguishes it from others.
///
/// The field names are the columns of `samples.csv`, the keys of `run.json`'s
/// `plan.cases` and the keys of `summary.json`'s `cases`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Case {
    /// Name of the kernel; empty for a swept command.
    pub kernel: String,
    /// Name of the backend that computes it.
    pub backend: String,
    /// Number of workers.
    pub nthread: u32,
    /// Schedule: `static`, `dynamic`, `guided` or `stealing`; empty if the backend is a
    /// foreign runner that decides itself.
    pub schedule: String,
    /// Blocks of a chunk; `None` while the draws are not calibrated.
    pub chunk: Option<u64>,
    /// Draws of a block.
    pub block: u64,
    /// Worker affinity: `none`, `close`, `spread`.
    pub pin: String,
    /// Start method of a process backend; empty for threads.
    pub start_method: String,
    /// Threads inside each worker.
    pub inner_nthread: u32,
    /// `strong` (fixed work) or `weak` (work grows with the workers).
    pub scaling: String,
    /// Draws of a call; `None` while they are not calibrated.
    pub draws: Option<u64>,
    /// Seed of the random streams.
    pub seed: u64,
    /// Label that distinguishes cases of the same backend, or names a command; may be
    /// empty.
    pub label: String,
}

/// Schedules that hand out each chunk separately, in order of preference: a backend with
/// work stealing uses that.
pub const DYNAMIC_SCHEDULES: [&str; 2] = ["stealing", "dynamic"];

/// Backend that speedups are relative to.
pub const BASELINE: &str = "sequential";

impl Case {
    /// Returns whether the backend is the baseline's.
    pub fn is_baseline(&self) -> bool {
        self.backend == BASELINE
    }

    /// Threads of all workers together.
    pub fn threads(&self) -> u32 {
        self.nthread.saturating_mul(self.inner_nthread.max(1))
    }

    /// Returns whether the case is a command.
    pub fn is_command(&self) -> bool {
        self.backend == COMMAND
    }

    /// Title: the label of a command, or else the backend with its start method and
    /// label. Settings that are numbers are not part of it.
    pub fn title(&self) -> String {
        if self.is_command() && !self.label.is_empty() {
            return self.label.clone();
        }
        let start_method = if self.start_method == "fork" { "" } else { &self.start_method };
        let words = [&self.backend, start_method, &self.label];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Title and thread count, as messages name the case.
    pub fn title_with_count(&self) -> String {
        format!("{}, n = {}", self.title(), self.count_text())
    }

    /// Thread count as text: `4`, or `4 × 2` for four workers with two threads each.
    pub fn count_text(&self) -> String {
        match self.inner_nthread {
            0 | 1 => self.nthread.to_string(),
            inner => format!("{} × {inner}", self.nthread),
        }
    }

    /// Replaces `{nthread}` and `{inner}` in a text of a command by the counts.
    pub fn substitute(&self, text: &str) -> String {
        let counted = text.replace("{nthread}", &self.nthread.to_string());
        counted.replace("{inner}", &self.inner_nthread.to_string())
    }

    /// Returns whether `other` is compared with this case, the baseline of the same job and
    /// pin. In weak scaling, the baseline has the draws of one worker.
    pub fn is_baseline_of(&self, other: &Case) -> bool {
        self.is_baseline() && self.is_comparable(other)
    }

    /// Returns whether two cases are compared with the same baseline, and so belong in the
    /// same table.
    pub fn is_comparable(&self, other: &Case) -> bool {
        fn key(case: &Case) -> (u64, u64, Option<u64>, [&str; 3]) {
            let words = [&case.kernel, &case.pin, &case.scaling].map(String::as_str);
            (case.seed, case.block, case.baseline_draws(), words)
        }
        key(self) == key(other)
    }

    /// Draws of a call of the baseline: in weak scaling those of one worker.
    pub fn baseline_draws(&self) -> Option<u64> {
        let workers = if self.is_weak() { u64::from(self.nthread.max(1)) } else { 1 };
        self.draws.map(|draws| draws / workers)
    }

    /// Returns whether the work grows with the workers (weak scaling).
    pub fn is_weak(&self) -> bool {
        self.scaling == "weak"
    }

    /// Returns whether two cases compute the same tally: same kernel, seed, block and
    /// draws.
    pub fn same_job(&self, other: &Case) -> bool {
        (&self.kernel, self.seed, self.block, self.draws)
            == (&other.kernel, other.seed, other.block, other.draws)
    }
}
