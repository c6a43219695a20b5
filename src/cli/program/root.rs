//! The command line of `harness`: its verbs, help and examples.

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueHint};

use super::advise::AdviseOptions;
use super::compare::CompareOptions;
use super::fit::FitOptions;
use super::report::ReportOptions;
use super::resume::ResumeOptions;
use super::selftest::SelftestOptions;
use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::{Given, Lookup, with_variables};

const VERSION: &str = env!("NTHREAD_VERSION");

const EXAMPLES: &str = "\
Three common tasks:
  harness --quick                                  compare the backends on this machine, in 10 s
  harness -n 1..8 -- ./prog --threads {nthread}    sweep any program
  harness compare results/A results/B              find regressions between two runs

More examples:
  harness -n 1..16 -b rayon,std-thread --rounds 20
  harness -n 1..64x2 --dry-run       print the plan as JSON
  harness --crossover                find the job size from which a parallel backend is faster
  harness metg                       find the smallest useful task
  harness --schedule static,dynamic --chunk 16,64 --pin none,close,spread
  harness --weak                     measure weak scaling
  harness --runner mine='python3 my_runner.py' -b rayon,mine
  harness --command 'new=./new -t {nthread}' --command 'old=./old -t {nthread}'
  harness --inner-nthread 1,2,4 --env 'WORKERS={nthread}' -- python3 prog.py
  export OMP_NUM_THREADS=$(harness advise -- ./prog)      choose a thread count
  harness resume results/DIR         finish an interrupted run
  harness report results/DIR         rewrite tables and plots, show all warnings
  harness report results/DIR --splice README.md       insert the results into a page
  harness report results/DIR --export hyperfine-json  export to another tool's format
  harness fit scaling.csv            fit scaling laws to any measurements
  HARNESS_NTHREAD=1..8 harness       every option has a variable; a flag beats it

Exit codes: 0 success · 1 a run or a check failed · 2 bad usage or unreadable input ·
3 the comparison is undecided · 128 + signal when interrupted (130 for Ctrl-C).";

const DETAILS: &str = "\
Thread counts: 1..16 (16 included), 1..16:5 (1, 6, 11, 16), 1..64*2 or 1..64x2
(1, 2, 4 … 64), 1..cpus, 2*cpus, cores, and lists of these, separated by commas.

Without --nthread and HARNESS_NTHREAD, RAYON_NUM_THREADS or OMP_NUM_THREADS sets
the largest of the default counts.

In a command and its settings, {nthread} is the thread count of the run and
{inner} that of --inner-nthread. OMP_NUM_THREADS and other thread variables are
set, too (docs/COMMANDS.md). Commands run without a shell unless --shell is given.

Every option has an environment variable, HARNESS_ and its name, for example
HARNESS_TIME_BUDGET=2min. A switch takes 1 or 0. HARNESS_RUNNER, HARNESS_COMMAND
and HARNESS_ENV take one value a line. An empty variable counts as unset.
HARNESS_ISA (portable, avx2, avx512) selects the instruction set of the kernel.";

/// A benchmarking harness for parallel code: which backend, and how many threads?
///
/// Runs a Monte Carlo kernel, or any command, on a sweep of thread counts, checks
/// every answer, and writes CSV files, plots and a table.
#[derive(Debug, Parser)]
#[command(
    name = "harness",
    version = VERSION,
    before_help = EXAMPLES,
    after_long_help = DETAILS,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    // `--nthread -1` is an invalid list, not an unknown flag.
    allow_negative_numbers = true
)]
pub struct Cli {
    /// The verb, unless it is a sweep.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// The options of a sweep.
    #[command(flatten)]
    pub sweep: SweepOptions,
}

impl Cli {
    /// The command line of this process; options that it lacks come from their variables.
    ///
    /// # Errors
    /// Bad usage, and `--help` and `--version`.
    pub fn read(lookup: Lookup<'_>) -> Result<Cli, clap::Error> {
        let matches = with_variables(Cli::command(), lookup).try_get_matches()?;
        Cli::from_arg_matches(&matches)
    }
}

/// The verbs besides a sweep.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List kernels and backends, and whether each can run here
    List {
        /// Add a backend, as for a sweep
        #[arg(long, value_name = "NAME=COMMAND")]
        runner: Vec<Given>,
        /// Directory of the reference implementations (default: runners)
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        runners: Option<Given>,
    },
    /// Show CPUs, limits and thread settings, and where each comes from
    Env {
        /// A command, after --, whose BLAS and thread libraries are shown
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Choose a thread count for a command: prints an integer, and the reason on stderr
    Advise(Box<AdviseOptions>),
    /// Measure the smallest useful task (METG) of each backend with a dynamic schedule
    ///
    /// Tasks are chunks of 2^6 to 2^22 draws, on as many threads as there are usable
    /// CPUs, in 9 rounds. The draws of a call follow from the chunk: 64 to 8,192 tasks
    /// on a small machine. Efficiency is relative to the sequential loop over the same
    /// blocks, so the cost of small blocks does not count as overhead.
    #[command(mut_args(for_metg))]
    Metg(Box<SweepOptions>),
    /// Rewrite tables and plots of a results directory
    Report(ReportOptions),
    /// Compare two runs: which cases became faster or slower?
    Compare(Box<CompareOptions>),
    /// Fit scaling laws to a CSV file with the columns nthread and throughput
    Fit(FitOptions),
    /// Finish an interrupted run
    Resume(ResumeOptions),
    /// Measure how often the harness is right on this machine; takes minutes
    Selftest(SelftestOptions),
    /// Print shell completions
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
}

/// Adapts the help of a sweep's option to `harness metg`.
fn for_metg(option: clap::Arg) -> clap::Arg {
    let help = match option.get_id().as_str() {
        "quick" | "crossover" | "weak" | "precision" => return option.hide(true),
        "nthread" => "Thread counts (default: the number of usable CPUs)",
        "draws" => "Draws of a call, the same for all chunks (default: follows from the chunk)",
        "schedule" => "Schedules: dynamic, stealing (default: stealing in rayon, else dynamic)",
        "chunk" => "Blocks of a task, at least two sizes (default: 1, 4, 16 … 2^16)",
        "block" => "Draws of a block, a power of two (default: 64)",
        "rounds" => "Run exactly N rounds (default: 9, within the time budget)",
        "time_budget" => "Stop after TIME, between visits (default: 1 to 10 min, by forecast)",
        _ => return option,
    };
    option.help(help)
}
