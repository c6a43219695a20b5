//! Rows of `samples.csv`: one timed phase each.

use serde::{Deserialize, Serialize};

use super::Case;

/// The version of the columns. It changes only if a column changes meaning.
pub const SCHEMA: u32 = 1;

/// The columns, in order. More may come at the end; none is renamed or moved.
pub const COLUMNS: [&str; 47] = [
    "schema",
    "version",
    "session",
    "round",
    "group",
    "visit",
    "phase",
    "iteration",
    "started_ns",
    "kernel",
    "backend",
    "nthread",
    "schedule",
    "chunk",
    "block",
    "pin",
    "start_method",
    "inner_nthread",
    "scaling",
    "draws",
    "seed",
    "label",
    "wall_ns",
    "user_ns",
    "system_ns",
    "busy_min_ns",
    "busy_max_ns",
    "busy_sum_ns",
    "worker_cpu_sum_ns",
    "run_delay_ns",
    "voluntary_switches",
    "involuntary_switches",
    "max_rss_bytes",
    "throttled_ns",
    "steal_ns",
    "cpus",
    "isa",
    "tally_draws",
    "tally_sum",
    "tally_sum_sq",
    "estimate",
    "std_error",
    "exit_status",
    "error",
    "stops",
    "boot_ns",
    "cycles",
];

/// Columns of the first version, which every file has.
pub const FIRST_COLUMNS: usize = 44;

/// Those of them that are the settings of a case.
pub const CASE_COLUMNS: &[&str] = COLUMNS.split_at(9).1.split_at(13).0;

/// What a row timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The team was created.
    Setup,
    /// A call that is not counted.
    Warmup,
    /// A call that is counted.
    Call,
    /// The team was dropped.
    Teardown,
    /// The whole visit: last row of each, and the one that says whether the
    /// visit counts.
    #[default]
    Visit,
}

/// Position of a visit in its run. Positions are ordered by round, group and visit,
/// and only then by session: a later session may measure a group again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Round, from 0.
    pub round: u32,
    /// Group within the round, from 0.
    pub group: u32,
    /// Index of the visit in the whole run's order, from 0.
    pub visit: u64,
    /// 0, and one more for each time the run was resumed.
    pub session: u32,
}

/// One row. The fields stand in the order of [`COLUMNS`], those of the case in
/// its place: the file is read and written by position.
///
/// Times are nanoseconds. A `None` is an empty field: unknown, or it does not
/// apply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Version of the columns, [`SCHEMA`].
    pub schema: u32,
    /// Version of the harness that wrote the row.
    pub version: String,
    /// 0, and one more for each time the run was resumed.
    pub session: u32,
    /// Round, from 0.
    pub round: u32,
    /// Group within the round, from 0.
    pub group: u32,
    /// Position of the visit in the whole run's order, from 0.
    pub visit: u64,
    /// What was timed.
    pub phase: Phase,
    /// Number of the call among the calls of its phase, from 0.
    pub iteration: Option<u32>,
    /// Start on the monotonic clock, since the start of the session.
    pub started_ns: u64,
    /// The case that was visited.
    pub case: Case,
    /// Wall time.
    pub wall_ns: Option<u64>,
    /// User CPU time of every worker.
    pub user_ns: Option<u64>,
    /// System CPU time of every worker.
    pub system_ns: Option<u64>,
    /// Time inside the kernel: the least busy worker.
    pub busy_min_ns: Option<u64>,
    /// Time inside the kernel: the busiest worker.
    pub busy_max_ns: Option<u64>,
    /// Time inside the kernel: all workers.
    pub busy_sum_ns: Option<u64>,
    /// CPU time of the workers, by their own clocks.
    pub worker_cpu_sum_ns: Option<u64>,
    /// Time that workers were ready to run and did not.
    pub run_delay_ns: Option<u64>,
    /// Voluntary context switches.
    pub voluntary_switches: Option<u64>,
    /// Involuntary context switches.
    pub involuntary_switches: Option<u64>,
    /// Peak memory.
    pub max_rss_bytes: Option<u64>,
    /// Time that the cgroup quota took away.
    pub throttled_ns: Option<u64>,
    /// Time that the hypervisor took away.
    pub steal_ns: Option<u64>,
    /// CPUs used, such as `0-3,8`.
    pub cpus: String,
    /// Instruction set of the kernel.
    pub isa: String,
    /// Draws of the answer.
    pub tally_draws: Option<u64>,
    /// Sum over the draws.
    pub tally_sum: Option<i128>,
    /// Sum of squares over the draws.
    pub tally_sum_sq: Option<i128>,
    /// The estimate that follows from the tally.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_error: Option<f64>,
    /// How the runner ended: its exit code, or minus the signal.
    pub exit_status: Option<i32>,
    /// Empty for a good row, else what went wrong, on one line.
    pub error: String,
    /// How often processes of the visit were found to have been stopped
    /// (SIGSTOP).
    pub stops: Option<u32>,
    /// Time on the boot clock, which runs on while the machine is suspended.
    pub boot_ns: Option<u64>,
    /// CPU cycles of all workers in user mode.
    pub cycles: Option<u64>,
}

impl Row {
    /// Returns the position of the visit that the row belongs to.
    pub fn position(&self) -> Position {
        let &Row { round, group, visit, session, .. } = self;
        Position { round, group, visit, session }
    }
}
