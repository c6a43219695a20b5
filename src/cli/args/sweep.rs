//! Options of a sweep.

use clap::{ArgAction, Args, ValueHint};

use super::command::CommandOptions;
use super::display::DisplayOptions;
use crate::cli::given::{Given, Switch};

/// The options of a sweep.
#[derive(Debug, Default, Args)]
pub struct SweepOptions {
    /// Thread counts (default: 1, 2, 3, 4, 6, 8, 12, 16 … up to the number of usable CPUs)
    #[arg(short, long, value_name = "LIST", help_heading = "What to sweep")]
    pub nthread: Option<Given>,
    /// Backends, or `all`; sequential is always added (default: all that can run here)
    #[arg(short, long, value_name = "LIST", help_heading = "What to sweep")]
    pub backend: Option<Given>,
    /// Kernels, or `all` (default: pi)
    #[arg(short, long, value_name = "LIST", help_heading = "What to sweep")]
    pub kernel: Option<Given>,
    /// Draws of a call: 1e8, 2^30, 100_000_000 (default: calibrated to calls of at least 50 ms)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub draws: Option<Given>,
    /// Schedules: static, dynamic, guided, stealing (default: that of each backend)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub schedule: Option<Given>,
    /// Blocks of a chunk (default: that of each schedule)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub chunk: Option<Given>,
    /// Start methods of the process backends: fork, spawn (default: fork)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub start_method: Option<Given>,
    /// Affinity of the workers: none, close (adjacent cores) or spread (separate cores) (default: none)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub pin: Option<Given>,
    /// Weak scaling: --draws is the work of one worker
    #[arg(long, action = ArgAction::SetTrue, help_heading = "What to sweep")]
    pub weak: Switch,
    /// Threads inside each worker: n workers of m threads each (default: 1)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub inner_nthread: Option<Given>,
    /// Add a backend: a program that speaks the runner protocol (docs/RUNNER.md)
    #[arg(long, value_name = "NAME=COMMAND", help_heading = "What to sweep")]
    pub runner: Vec<Given>,
    /// Directory of the reference implementations that `harness list` shows (default: runners)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "What to sweep")]
    pub runners: Option<Given>,
    /// Repeat the plan of an earlier run: the same cases, draws and seed
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "What to sweep")]
    pub like: Option<Given>,
    /// Draws of a block, a power of two; it determines the random streams (default: 16384)
    #[arg(long, value_name = "DRAWS", help_heading = "What to sweep")]
    pub block: Option<Given>,
    /// Seed of the random streams (default: 20261122)
    #[arg(long, value_name = "N", help_heading = "What to sweep")]
    pub seed: Option<Given>,

    /// Finish in about 10 s: 6 rounds, few thread counts, short calls
    #[arg(long, action = ArgAction::SetTrue, help_heading = "How long")]
    pub quick: Switch,
    /// Find the job size from which a parallel backend is faster: jobs of 2^11 to 2^27 draws, 9 rounds
    #[arg(long, action = ArgAction::SetTrue, help_heading = "How long")]
    pub crossover: Switch,
    /// Run exactly N rounds
    #[arg(long, value_name = "N", help_heading = "How long")]
    pub rounds: Option<Given>,
    /// Stop when the 95% interval of every speedup is within ±P%, after 15 to 50 rounds (default: 1%)
    #[arg(long, value_name = "P%", help_heading = "How long")]
    pub precision: Option<Given>,
    /// Stop after TIME, between visits: 90s, 2min (default: the time of 12 rounds, 1 to 10 min)
    #[arg(long, value_name = "TIME", help_heading = "How long")]
    pub time_budget: Option<Given>,
    /// Warm-up calls of a visit, which do not count (default: 1)
    #[arg(long, value_name = "N", help_heading = "How long")]
    pub warmup: Option<Given>,
    /// Measured calls of a visit (default: 1)
    #[arg(long, value_name = "N", help_heading = "How long")]
    pub iterations: Option<Given>,
    /// Kill a visit that takes longer; it counts as failed (default: 20 × the forecast, at least 5 s)
    #[arg(long, value_name = "TIME", help_heading = "How long")]
    pub timeout: Option<Given>,
    /// Seed of the random order of visits (default: a new one for each run, recorded)
    #[arg(long, value_name = "N", help_heading = "How long")]
    pub order_seed: Option<Given>,

    /// The commands to sweep instead of backends.
    #[command(flatten)]
    pub program: CommandOptions,

    /// Results directory, which must not exist yet (default: results/TIME-HOST)
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub out: Option<Given>,
    /// Print the plan as JSON without measuring anything
    #[arg(long, action = ArgAction::SetTrue, help_heading = "Output")]
    pub dry_run: Switch,
    /// The options of the progress and the table.
    #[command(flatten)]
    pub display: DisplayOptions,
}

/// The long flags of a sweep, in their order.
pub fn sweep_flags() -> Vec<String> {
    let command = SweepOptions::augment_args(clap::Command::new("harness"));
    let flags = command.get_arguments().filter_map(clap::Arg::get_long);
    flags.map(|flag| format!("--{flag}")).collect()
}

#[cfg(test)]
impl SweepOptions {
    /// The options of a command line, where each of these variables is 1.
    pub fn parsed(words: &[&str], variables: &[&str]) -> SweepOptions {
        use clap::FromArgMatches as _;
        let lookup = |name: &str| variables.contains(&name).then(|| "1".to_string());
        let command =
            SweepOptions::augment_args(clap::Command::new("harness").no_binary_name(true));
        let command = crate::cli::given::with_variables(command, &lookup);
        let matches = command.try_get_matches_from(words).expect("valid options");
        SweepOptions::from_arg_matches(&matches).expect("valid options")
    }
}
