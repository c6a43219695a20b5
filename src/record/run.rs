//! Contents of `run.json`: plan, sessions, machine and build of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use super::{
    Case, CommandPlan, ExpectedOutput, ExpectedTally, Machine, Preset, PrintedOutput, Target,
};

/// Name of the file in a results directory.
pub const RUN_FILE: &str = "run.json";

/// Run without its samples.
///
/// Keys that an older version did not write have their defaults. Only the cases are
/// required, since rows refer to them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Plan of the measurement.
    pub plan: Plan,
    /// Sessions: one, and one more for each resume.
    #[serde(default)]
    pub sessions: Vec<Session>,
    /// Machine that the run took place on.
    #[serde(default)]
    pub machine: Machine,
    /// Build of the harness that measured.
    #[serde(default)]
    pub build: Build,
    /// Environment variables that set thread counts, as they were.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Clock that timed the calls.
    #[serde(default)]
    pub clock: Clock,
    /// Command line that started the run, quoted for a shell, with the variables that
    /// applied; empty if unknown.
    #[serde(default)]
    pub command: String,
}

/// Plan of a run: its cases and the rules of the measurement. `--dry-run` prints it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Cases; rows refer to them by their settings.
    pub cases: Vec<Case>,
    /// Cases that were requested and cannot run.
    #[serde(default)]
    pub skipped: Vec<SkippedCase>,
    /// Thread counts of the sweep.
    #[serde(default)]
    pub nthread: Vec<u32>,
    /// Origin of the thread counts: an option, a variable or the default.
    #[serde(default)]
    pub nthread_source: String,
    /// Seed of the order of visits.
    #[serde(default)]
    pub order_seed: u64,
    /// Rule for the number of draws, in words.
    #[serde(default)]
    pub draws_rule: String,
    /// Preset of the run.
    #[serde(default)]
    pub preset: Preset,
    /// Rule that ends the run.
    #[serde(default)]
    pub stopping: Stopping,
    /// Calls of a visit that are not counted.
    #[serde(default)]
    pub warmup: u32,
    /// Calls of a visit that are counted.
    #[serde(default)]
    pub iterations: u32,
    /// Time after which a visit is killed; null means the larger of 5 s and 20 × the
    /// predicted visit.
    #[serde(default)]
    pub timeout_ns: Option<u64>,
    /// Commands of the foreign runners, by name.
    #[serde(default)]
    pub runners: BTreeMap<String, Vec<String>>,
    /// Order of the first round: groups of indices into `cases`.
    #[serde(default)]
    pub first_round: Vec<Vec<usize>>,
    /// Tally that each job must return, from its reference visit.
    #[serde(default)]
    pub expected: Vec<ExpectedTally>,
    /// Threads inside each worker, if they are an axis of the sweep; otherwise empty.
    #[serde(default)]
    pub inner_nthread: Vec<u32>,
    /// Index of the baseline of all cases, if there is one; null if each job has its own
    /// sequential baseline.
    #[serde(default)]
    pub baseline: Option<usize>,
    /// Target that the cases measure.
    #[serde(default, rename = "subject")]
    pub target: Target,
    /// Commands, if the cases are commands.
    #[serde(default)]
    pub commands: Option<CommandPlan>,
    /// First output of each command, if it must always print the same.
    #[serde(default)]
    pub expected_outputs: Vec<ExpectedOutput>,
    /// Output of each case that is a command and may print anything.
    #[serde(default)]
    pub printed_outputs: Vec<PrintedOutput>,
}

impl Plan {
    /// Returns whether other cases are compared with a case.
    pub fn is_baseline(&self, case: usize) -> bool {
        match self.baseline {
            Some(baseline) => baseline == case,
            None => self.cases[case].is_baseline(),
        }
    }

    /// Returns whether a case is compared with a baseline.
    pub fn is_compared_with(&self, case: usize, baseline: usize) -> bool {
        match self.baseline {
            Some(common) => common == baseline,
            None => self.cases[baseline].is_baseline_of(&self.cases[case]),
        }
    }
}

/// Requested case that cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedCase {
    /// Name of the backend.
    pub backend: String,
    /// Description of the cases of the backend.
    pub what: String,
    /// Reason for skipping them.
    pub reason: String,
}

/// Rule that ends a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stopping {
    /// Largest number of rounds; without a precision, the exact number.
    #[serde(default)]
    pub rounds: u32,
    /// Relative half-width of every ratio's interval at which the run ends early (0.01:
    /// ±1%); null if it does not.
    #[serde(default)]
    pub precision: Option<f64>,
    /// Time budget, checked before each visit; null means none or, in a dry run, that it
    /// follows from the calibration.
    #[serde(default)]
    pub time_budget_ns: Option<u64>,
}

/// Session: one start of the harness, from its first to its last visit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Start, UTC, RFC 3339.
    pub start: String,
    /// End; null while the session runs, or if it was killed.
    pub end: Option<String>,
    /// Reason of the end.
    pub stop_reason: Option<StopReason>,
    /// Cases that failed twice in a row, and were not visited again.
    pub retired: Vec<RetiredCase>,
    /// Largest relative half-width of a ratio's interval at the end, among the cases that
    /// were still visited; null if a ratio had no interval yet.
    pub precision_reached: Option<f64>,
    /// Build of the harness in this session.
    pub build: Build,
    /// Command line that started the session, as in [`Run::command`].
    pub command: String,
    /// Differences from the previous session that the user accepted with a flag.
    pub forced: Vec<String>,
    /// CPUs that other programs used just before the session.
    pub other_load_cpus: Option<f64>,
    /// Share of the ten seconds before the session, in percent, for which some thread of
    /// the machine waited for a CPU (pressure stall information).
    pub cpu_pressure_percent: Option<f64>,
    /// Number of calls that each backend needed to warm up.
    pub warm_ups: Vec<WarmUp>,
}

/// Warm-up of a backend: the calls until its times were steady.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmUp {
    /// Index into the plan's cases of the case that was measured.
    pub case: usize,
    /// Number of calls that were slower than those at the end.
    pub calls: u32,
    /// Number of all calls.
    pub of: u32,
}

/// Reason for which a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopReason {
    /// Every ratio had the requested precision.
    Precision,
    /// The time budget was used up.
    Budget,
    /// The last scheduled check of the precision was done.
    Looks,
    /// All rounds were done.
    Rounds,
    /// A signal or a full disk ended the session.
    Interrupted,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopReason::Precision => "every speedup had the requested precision",
            StopReason::Budget => "the time budget was used up",
            StopReason::Looks => "the last scheduled check of the precision was done",
            StopReason::Rounds => "all rounds were done",
            StopReason::Interrupted => "it was interrupted",
        })
    }
}

/// Case that failed twice in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredCase {
    /// Index into the plan's cases.
    pub case: usize,
    /// Round of the second failure.
    pub round: u32,
    /// Error of the second failure.
    pub error: String,
}

/// Build of the harness.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Build {
    /// Version of the harness.
    pub version: String,
    /// Git commit of the source; empty if unknown.
    pub git_commit: String,
    /// True if the source had uncommitted changes.
    pub git_dirty: bool,
    /// SHA-256 of the executable, in hex; empty if unknown.
    pub executable_sha256: String,
    /// Version of the compiler.
    pub rustc: String,
    /// Target triple.
    pub target: String,
    /// Target features that the compiler assumed.
    pub target_features: String,
    /// Optimisation level.
    pub opt_level: String,
}

/// Clock that timed the calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clock {
    /// Clock source of the operating system, such as `tsc`; empty if unknown.
    pub source: String,
    /// Resolution in nanoseconds.
    pub resolution_ns: u64,
    /// Cost of one reading in nanoseconds.
    pub reading_ns: f64,
}

impl Run {
    /// Reads the `run.json` of a results directory.
    ///
    /// # Errors
    /// Where the file cannot be read, or is invalid: then with line and column.
    pub fn read(dir: &Path) -> anyhow::Result<Run> {
        use anyhow::Context as _;
        let path = dir.join(RUN_FILE);
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Run::parse(&text).with_context(|| format!("{}", path.display()))
    }

    /// Reads the text of a `run.json`.
    ///
    /// # Errors
    /// If the text is not UTF-8, or is invalid, with line and column.
    pub fn parse(text: &[u8]) -> serde_json::Result<Run> {
        let text = std::str::from_utf8(text).map_err(|error| {
            let valid = &text[..error.valid_up_to()];
            let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
            let column = 1 + valid.iter().rev().take_while(|byte| **byte != b'\n').count();
            serde_json::Error::custom(format!("invalid UTF-8 at line {line} column {column}"))
        })?;
        // Some programs begin a text file with a byte order mark.
        serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Reads the `run.json` of a results directory, if there is one.
    ///
    /// # Errors
    /// As [`Run::read`], except for a missing file.
    pub fn read_if_exists(dir: &Path) -> anyhow::Result<Option<Run>> {
        match dir.join(RUN_FILE).try_exists() {
            Ok(false) => Ok(None),
            Ok(true) | Err(_) => Run::read(dir).map(Some),
        }
    }

    /// Writes the `run.json` of a results directory, by rename.
    ///
    /// # Errors
    /// Where it cannot be written; an older file is left as it was.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        replace_file(&dir.join(RUN_FILE), &text)
    }
}

/// Replaces a file atomically: writes a temporary file beside it and renames that, so
/// that no reader sees half of it. The permissions of the older file are kept.
///
/// # Errors
/// Where the file cannot be written; the older file is left as it was.
pub fn replace_file(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let part: PathBuf = path.with_file_name(name);
    let written = File::create(&part)
        .and_then(|mut file| file.write_all(contents))
        .and_then(|()| match std::fs::metadata(path) {
            Ok(older) => std::fs::set_permissions(&part, older.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        drop(std::fs::remove_file(&part));
    }
    written
}
