//! Rows of `samples.csv`, one for each timed phase of a visit.

use serde::{Deserialize, Serialize};

use super::Case;

/// Version of the columns. It changes only if a column changes meaning.
pub const SCHEMA: u32 = 1;

/// Columns, in order. More may be added at the end; none is renamed or moved.
pub const COLUMNS: [&str; 48] = [
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
    "others_cpu_ns",
];

/// Number of columns of the first version, which every file has.
pub const FIRST_COLUMNS: usize = 44;

/// Columns of the settings of a case.
pub const CASE_COLUMNS: &[&str] = COLUMNS.split_at(9).1.split_at(13).0;

/// Phase of a visit that a row timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Creation of the team.
    Setup,
    /// Call that is not counted.
    Warmup,
    /// Call that is counted.
    Call,
    /// Destruction of the team.
    Teardown,
    /// The whole visit. Its row is the last one, without which the visit does not count.
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

/// Row. The fields are in the order of [`COLUMNS`], including those of the case: the
/// file is written by position.
///
/// Times are in nanoseconds. `None` is an empty field: unknown or not applicable.
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
    /// Index of the visit in the whole run's order, from 0.
    pub visit: u64,
    /// Phase that was timed.
    pub phase: Phase,
    /// Number of the call among the calls of its phase, from 0.
    pub iteration: Option<u32>,
    /// Start on the monotonic clock, since the start of the session.
    pub started_ns: u64,
    /// Case that was visited.
    pub case: Case,
    /// Wall time.
    pub wall_ns: Option<u64>,
    /// User CPU time of every worker.
    pub user_ns: Option<u64>,
    /// System CPU time of every worker.
    pub system_ns: Option<u64>,
    /// Time inside the kernel of the least busy worker.
    pub busy_min_ns: Option<u64>,
    /// Time inside the kernel of the busiest worker.
    pub busy_max_ns: Option<u64>,
    /// Time inside the kernel of all workers together.
    pub busy_sum_ns: Option<u64>,
    /// CPU time of the workers, by their own clocks.
    pub worker_cpu_sum_ns: Option<u64>,
    /// Time for which workers were ready to run and had no CPU.
    pub run_delay_ns: Option<u64>,
    /// Voluntary context switches.
    pub voluntary_switches: Option<u64>,
    /// Involuntary context switches.
    pub involuntary_switches: Option<u64>,
    /// Peak memory.
    pub max_rss_bytes: Option<u64>,
    /// Time for which the cgroup quota stopped the processes.
    pub throttled_ns: Option<u64>,
    /// Steal time of the hypervisor.
    pub steal_ns: Option<u64>,
    /// CPUs used, such as `0-3,8`.
    pub cpus: String,
    /// Instruction set of the kernel.
    pub isa: String,
    /// Draws of the tally.
    pub tally_draws: Option<u64>,
    /// Sum over the draws.
    pub tally_sum: Option<i128>,
    /// Sum of squares over the draws.
    pub tally_sum_sq: Option<i128>,
    /// Estimate that follows from the tally.
    pub estimate: Option<f64>,
    /// Standard error of the estimate.
    pub std_error: Option<f64>,
    /// Exit code of the runner, or minus the signal that killed it.
    pub exit_status: Option<i32>,
    /// Error on one line; empty for a good row.
    pub error: String,
    /// Number of times that processes of the visit were stopped (SIGSTOP).
    pub stops: Option<u32>,
    /// Time on the boot clock, which runs on while the machine is suspended.
    pub boot_ns: Option<u64>,
    /// CPU cycles of all workers in user mode.
    pub cycles: Option<u64>,
    /// CPU time of other programs on the usable CPUs during the visit. The counters have steps of
    /// usually 10 ms, so a short visit may have a negative time: only sums may be judged.
    pub others_cpu_ns: Option<i64>,
}

impl Row {
    /// Returns the position of the visit that the row belongs to.
    pub fn position(&self) -> Position {
        let &Row { round, group, visit, session, .. } = self;
        Position { round, group, visit, session }
    }
}
