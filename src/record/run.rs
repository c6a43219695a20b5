//! `run.json`: what was planned, where, with what, and how it ended.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Case, Commands, ExpectedOutput, ExpectedTally, Machine, Target};

/// Name of the file in a results directory.
pub const RUN_FILE: &str = "run.json";

/// Everything about a run but its samples.
///
/// What an older version did not write has the value that says nothing; only the
/// cases must be there, since rows refer to them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What was to be measured.
    pub plan: Plan,
    /// When it was measured: one session, and one more for each resume.
    #[serde(default)]
    pub sessions: Vec<Session>,
    /// On what.
    #[serde(default)]
    pub machine: Machine,
    /// By what.
    #[serde(default)]
    pub build: Build,
    /// The variables that steer threads, as they were set.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The instrument.
    #[serde(default)]
    pub clock: Clock,
    /// The command that began it, as a shell takes it, with the variables that
    /// steered it; empty if it was not written down.
    #[serde(default)]
    pub command: String,
}

/// What is to be measured, and by which rules. `--dry-run` prints it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The cases; rows refer to them by their settings.
    pub cases: Vec<Case>,
    /// Cases that were asked for and cannot run.
    #[serde(default)]
    pub skipped: Vec<Skipped>,
    /// Thread counts of the sweep.
    #[serde(default)]
    pub nthread: Vec<u32>,
    /// Where they come from.
    #[serde(default)]
    pub nthread_source: String,
    /// Seed of the order of visits.
    #[serde(default)]
    pub order_seed: u64,
    /// The rule that the draws follow, in words.
    #[serde(default)]
    pub draws_rule: String,
    /// What the run asks.
    #[serde(default)]
    pub preset: Preset,
    /// The rule that ends the run.
    #[serde(default)]
    pub stopping: Stopping,
    /// Calls of a visit that are not counted.
    #[serde(default)]
    pub warmup: u32,
    /// Calls of a visit that are counted.
    #[serde(default)]
    pub iterations: u32,
    /// A visit that lasts longer is killed; null follows the rule (the larger of
    /// 5 s and 20 × the predicted visit).
    #[serde(default)]
    pub timeout_ns: Option<u64>,
    /// Commands of the foreign runners, by name.
    #[serde(default)]
    pub runners: BTreeMap<String, Vec<String>>,
    /// Order of the first round: groups of indices into `cases`.
    #[serde(default)]
    pub first_round: Vec<Vec<usize>>,
    /// The tally that each job must return, by the reference visit.
    #[serde(default)]
    pub expected: Vec<ExpectedTally>,
    /// Threads inside each worker, where they are an axis of the sweep; empty where
    /// they are not.
    #[serde(default)]
    pub inner_nthread: Vec<u32>,
    /// Index of the case that all others are compared with, where that is no
    /// sequential backend; null where each job has its sequential one.
    #[serde(default)]
    pub baseline: Option<usize>,
    /// What the cases measure.
    #[serde(default, rename = "subject")]
    pub target: Target,
    /// The commands, if the cases are commands.
    #[serde(default)]
    pub commands: Option<Commands>,
    /// What each command printed first, where it must always print the same.
    #[serde(default)]
    pub expected_outputs: Vec<ExpectedOutput>,
}

impl Plan {
    /// Whether a case is what others are compared with.
    pub fn is_baseline(&self, case: usize) -> bool {
        match self.baseline {
            Some(baseline) => baseline == case,
            None => self.cases[case].is_baseline(),
        }
    }

    /// Whether a case is compared with that baseline.
    pub fn is_compared_with(&self, case: usize, baseline: usize) -> bool {
        match self.baseline {
            Some(common) => common == baseline,
            None => self.cases[baseline].is_baseline_of(&self.cases[case]),
        }
    }
}

/// What a run asks, and so which cases it has and what its report shows first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// How fast is each backend at each thread count?
    #[default]
    Sweep,
    /// The same, in about ten seconds.
    Quick,
    /// From which job on does parallel pay?
    Crossover,
    /// How small may a task be?
    Metg,
}

/// A case that was asked for and cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The backend.
    pub backend: String,
    /// Which of its cases.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// When a run ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stopping {
    /// Rounds at most; without a precision, exactly so many.
    #[serde(default)]
    pub rounds: u32,
    /// The run ends sooner once every ratio is known to this share of itself
    /// (0.01: ±1%); null: it does not.
    #[serde(default)]
    pub precision: Option<f64>,
    /// Time, looked at before each visit; null means none, or (in a dry run)
    /// that it follows from the calibration.
    #[serde(default)]
    pub time_budget_ns: Option<u64>,
}

/// One stretch of measuring.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// When it began, UTC, RFC 3339.
    pub start: String,
    /// When it ended; null while it runs, or if it was killed.
    pub end: Option<String>,
    /// Why it ended.
    pub stop_reason: Option<StopReason>,
    /// Cases that failed twice in a row and were not visited again.
    pub retired: Vec<Retired>,
    /// Every ratio's relative half-width was at most this when it ended, of the
    /// cases that were still visited; null where one had no interval yet.
    pub precision_reached: Option<f64>,
    /// What measured in this session.
    pub build: Build,
    /// The command that began it, as [`Run::command`].
    pub command: String,
    /// In what this session differs from the one before, where that was forced.
    pub forced: Vec<String>,
    /// CPUs that others used just before the session began.
    pub other_load_cpus: Option<f64>,
    /// Share of the ten seconds before it, in percent, for which some thread of
    /// the machine waited for a CPU (pressure stall information).
    pub cpu_pressure_percent: Option<f64>,
    /// How many calls each backend needed to warm up.
    pub warm_ups: Vec<WarmUp>,
}

/// How many calls a backend needed until its times stayed where they were going
/// to stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmUp {
    /// Index into the plan's cases of the case that was tried.
    pub case: usize,
    /// Calls that were slower than those at the end.
    pub calls: u32,
    /// Calls that were made.
    pub of: u32,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopReason {
    /// Every ratio was known well enough.
    Precision,
    /// The time was up.
    Budget,
    /// The last look had been taken.
    Looks,
    /// All rounds were done.
    Rounds,
    /// Somebody, or a full disk, ended it.
    Interrupted,
}

impl fmt::Display for StopReason {
    /// What happened, in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopReason::Precision => "every speedup was known well enough",
            StopReason::Budget => "its time budget was used up",
            StopReason::Looks => "the last look had been taken",
            StopReason::Rounds => "all rounds were done",
            StopReason::Interrupted => "it was interrupted",
        })
    }
}

/// A case that failed twice in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// Index into the plan's cases.
    pub case: usize,
    /// The round of the second failure.
    pub round: u32,
    /// What went wrong.
    pub error: String,
}

/// What measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Build {
    /// Version of the harness.
    pub version: String,
    /// Commit that it was built from; empty if unknown.
    pub git_commit: String,
    /// Whether the tree had changes that were not committed.
    pub git_dirty: bool,
    /// SHA-256 of the executable, in hex; empty if it cannot be read.
    pub executable_sha256: String,
    /// Compiler.
    pub rustc: String,
    /// Target triple.
    pub target: String,
    /// Target features that the compiler could assume.
    pub target_features: String,
    /// Optimisation level.
    pub opt_level: String,
}

/// The clock that timed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clock {
    /// The kernel's clock source, such as `tsc`; empty if unknown.
    pub source: String,
    /// Resolution.
    pub resolution_ns: u64,
    /// What one reading costs.
    pub reading_ns: f64,
}

impl Run {
    /// Reads the `run.json` of a results directory.
    ///
    /// # Errors
    /// Where it cannot be read, or holds something else: then line and column.
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
    /// Where it holds something else, with line and column.
    pub fn parse(text: &[u8]) -> serde_json::Result<Run> {
        // Some programs begin a text file with a byte order mark.
        serde_json::from_slice(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text))
    }

    /// The same; `None` where there is no such file.
    ///
    /// # Errors
    /// As [`Run::read`], but for a file that is not there.
    pub fn find(dir: &Path) -> anyhow::Result<Option<Run>> {
        match dir.join(RUN_FILE).try_exists() {
            Ok(false) => Ok(None),
            Ok(true) | Err(_) => Run::read(dir).map(Some),
        }
    }

    /// Writes the `run.json` of a results directory, by rename.
    ///
    /// # Errors
    /// Where the disk refuses; an older file is left as it was.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        replace(&dir.join(RUN_FILE), &text)
    }
}

/// Writes a file beside its final place and moves it there, so that no reader
/// ever sees half of it. It gets the permissions of the older one.
///
/// # Errors
/// Where the disk refuses; the older file is left as it was.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let part: PathBuf = path.with_file_name(name);
    let written = File::create(&part)
        .and_then(|mut file| file.write_all(contents))
        // Who may read the older file, may read this one.
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
