//! The command line as it is typed: names, help and examples, but no meaning. The
//! options of a verb that is no sweep stand beside what the verb does.
//!
//! Every value is text here. `settings` decides what it means, and treats a
//! flag and its variable alike.

use clap::{Args, Parser, Subcommand, ValueHint};

use super::advise::AdviseOptions;
use super::compare::CompareOptions;
use super::fit::FitOptions;
use super::report::ReportOptions;
use super::resume::ResumeOptions;
use super::selftest::SelftestOptions;

const VERSION: &str = env!("NTHREAD_VERSION");

const EXAMPLES: &str = "\
Three things that people do:
  harness --quick                    sweep the backends over this machine, ten seconds
  harness -n 1..8 -- ./prog --threads {nthread}    sweep any program
  harness compare results/A results/B              what became faster or slower?

More:
  harness -n 1..16 -b rayon,std-thread --rounds 20
  harness -n 1..64x2 --dry-run       see what would be measured, as JSON
  harness --crossover                from which job on does parallel pay?
  harness metg                       how small may a task be?
  harness --schedule static,dynamic --chunk 16,64 --pin none,close,spread
  harness --weak                     the work grows with the workers
  harness --runner mine='python3 my_runner.py' -b rayon,mine
  harness --command 'new=./new -t {nthread}' --command 'old=./old -t {nthread}'
  harness --inner-nthread 1,2,4 --env 'WORKERS={nthread}' -- python3 prog.py
  export OMP_NUM_THREADS=$(harness advise -- ./prog)      the count for a program
  harness resume results/DIR         finish a run that was cut short
  harness report results/DIR         make tables and plots again, show all warnings
  harness report results/DIR --splice README.md       put the essence into a page
  harness report results/DIR --export hyperfine-json  for what reads hyperfine's JSON
  harness fit scaling.csv            contention, coherence and peak of any measurements
  HARNESS_NTHREAD=1..8 harness       every option has a variable; a flag beats it

Exit codes: 0 all well · 1 it ran and something failed its check · 2 bad usage or
unreadable input · 3 a comparison that the data do not decide · 128 + signal when
interrupted (130 for Ctrl-C).";

const LISTS: &str = "\
Lists of thread counts: 1..16 (16 included), 1..16:5 (1, 6, 11, 16), 1..64*2 or
1..64x2 (1, 2, 4 … 64), 1..cpus, 2*cpus, cores, and any of these with commas.

Without --nthread and HARNESS_NTHREAD, RAYON_NUM_THREADS or OMP_NUM_THREADS sets
the top of the default list.

In a command, and in what is set for it, {nthread} is the thread count of the run
and {inner} that of --inner-nthread. OMP_NUM_THREADS and its like are set, too
(docs/COMMANDS.md). No shell reads a command unless --shell is given.

Every option has a variable, HARNESS_ and its name: HARNESS_TIME_BUDGET=2min. A
switch takes 1 or 0; HARNESS_RUNNER, HARNESS_COMMAND and HARNESS_ENV take one
value a line. An empty variable is
not set. HARNESS_ISA (portable, avx2, avx512) forces the form of the kernel.";

/// How should this work be parallelised here, and with how many threads?
///
/// Runs one Monte Carlo kernel under several parallel backends over a sweep of
/// thread counts, checks every answer, and writes CSV, plots and a table.
#[derive(Debug, Parser)]
#[command(
    name = "harness",
    version = VERSION,
    before_help = EXAMPLES,
    after_long_help = LISTS,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    // `--nthread -1` is a wrong list, not an unknown flag.
    allow_negative_numbers = true
)]
pub struct Cli {
    /// What to do instead of a sweep.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// The options of a sweep.
    #[command(flatten)]
    pub sweep: SweepOptions,
}

/// Everything but a sweep.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List kernels and backends, and whether each can run here
    List {
        /// The same runners as for a sweep
        #[arg(long, value_name = "NAME=COMMAND")]
        runner: Vec<String>,
        /// The same directory of originals as for a sweep
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        runners: Option<String>,
    },
    /// Show the machine and the thread settings as seen, and where each comes from
    Env {
        /// A command, after --: which BLAS and thread libraries would it load?
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Find the number of threads for a command: one integer on stdout, the reason on stderr
    Advise(Box<AdviseOptions>),
    /// Measure the smallest useful task (METG) of each backend that hands out chunks
    ///
    /// Tasks are chunks of 2^6 to 2^22 draws, at as many threads as there are usable
    /// CPUs, in 9 rounds; draws follow from the chunk, so that a call has 64 to 8,192
    /// tasks on a small machine. Efficiency is against the sequential loop over the
    /// very same blocks: what a small block costs by itself is no overhead.
    #[command(mut_args(for_metg))]
    Metg(Box<SweepOptions>),
    /// Make tables and plots of a results directory again
    Report(ReportOptions),
    /// Compare two runs: which of the cases that they share became faster or slower?
    Compare(CompareOptions),
    /// Fit scaling laws to a CSV file with columns nthread and throughput
    Fit(FitOptions),
    /// Finish a run that was cut short
    Resume(ResumeOptions),
    /// Measure, on this machine, how often the harness is right about what is known: minutes
    Selftest(SelftestOptions),
    /// Simulate campaigns on machines of known noise, and print how often they were right
    #[command(hide = true)]
    Simulate {
        /// Campaigns of each kind and model
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        campaigns: u64,
        /// Seed of the first model; the others count on from it
        #[arg(long, value_name = "N", default_value_t = 20_261_123)]
        seed: u64,
    },
    /// Print completions for a shell
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
}

/// An option of a sweep as `harness metg` has it.
fn for_metg(option: clap::Arg) -> clap::Arg {
    let help = match option.get_id().as_str() {
        "quick" | "crossover" | "weak" | "precision" => return option.hide(true),
        "nthread" => "Thread counts (default: as many as there are usable CPUs)",
        "draws" => "Draws of a call, the same for all chunks (default: each chunk has its own)",
        "schedule" => "dynamic, stealing (default: stealing in rayon, else dynamic)",
        "chunk" => {
            "Blocks of a task, several (default: 1, 4, 16 … 2^16, tasks of up to 2^22 draws)"
        }
        "block" => "Draws of a block, a power of two (default: 64)",
        "rounds" => "Exactly N rounds, whatever they take (default: 9, within the time budget)",
        "time_budget" => "Stop after this time, between visits (default: 1 to 10 min, by forecast)",
        _ => return option,
    };
    option.help(help)
}

/// How much is shown, and how.
#[derive(Debug, Default, Args)]
pub struct DisplayOptions {
    /// No progress and no remarks, only what went wrong and the result
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// Plain lines instead of a progress bar
    #[arg(long, help_heading = "Output")]
    pub no_progress: bool,
    /// Colours: auto, always or never; NO_COLOR is honoured (default: auto)
    #[arg(long, value_name = "WHEN", help_heading = "Output")]
    pub color: Option<String>,
}

/// Commands, and how they are run. `{nthread}` and `{inner}` stand for the counts.
#[derive(Debug, Default, Args)]
pub struct CommandOptions {
    /// One of several commands, interleaved: --command 'new=./prog -t {nthread}' --command …
    #[arg(long, value_name = "[NAME=]COMMAND", help_heading = "Commands")]
    pub command: Vec<String>,
    /// What speedups are relative to (default: the first command at its smallest count)
    #[arg(long, value_name = "[NAME=]COMMAND", help_heading = "Commands")]
    pub baseline: Option<String>,
    /// Let /bin/sh run the commands: its start is part of the time
    #[arg(long, help_heading = "Commands")]
    pub shell: bool,
    /// Runs before each run, untimed
    #[arg(long, value_name = "COMMAND", help_heading = "Commands")]
    pub prepare: Option<String>,
    /// Runs after each run, untimed
    #[arg(long, value_name = "COMMAND", help_heading = "Commands")]
    pub cleanup: Option<String>,
    /// A variable for the commands, which may hold {nthread} and {inner}; several times
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Commands")]
    pub env: Vec<String>,
    /// Leave OMP_NUM_THREADS, RAYON_NUM_THREADS and their like as they are
    #[arg(long, help_heading = "Commands")]
    pub no_thread_env: bool,
    /// What the commands read on stdin (default: nothing)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Commands")]
    pub input: Option<String>,
    /// What becomes of what they print: discard, keep (in the results directory) or show
    #[arg(long, value_name = "WHAT", help_heading = "Commands")]
    pub output: Option<String>,
    /// Where they run (default: here)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Commands")]
    pub working_dir: Option<String>,
    /// Exit codes that are no failure (default: 0)
    #[arg(long, value_name = "LIST", help_heading = "Commands")]
    pub ok_codes: Option<String>,
    /// What they must print: a text, a regular expression as /…/, or `same` at every count
    #[arg(long, value_name = "WHAT", help_heading = "Commands")]
    pub expect_stdout: Option<String>,
    /// The command to sweep, after --
    #[arg(last = true, value_name = "COMMAND")]
    pub words: Vec<String>,
}

/// The options of a sweep, as they were typed.
#[derive(Debug, Default, Args)]
pub struct SweepOptions {
    /// Thread counts (default: 1, 2, 3, 4, 6, 8, 12, 16 … up to the usable CPUs)
    #[arg(short, long, value_name = "LIST", help_heading = "What to sweep")]
    pub nthread: Option<String>,
    /// Backends, or `all`; sequential is always added (default: all that can run here)
    #[arg(short, long, value_name = "LIST", help_heading = "What to sweep")]
    pub backend: Option<String>,
    /// Kernels, or `all` (default: pi)
    #[arg(short, long, value_name = "LIST", help_heading = "What to sweep")]
    pub kernel: Option<String>,
    /// Draws of a call: 1e8, 2^30, 100_000_000 (default: calibrated: calls of 50 ms and more)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub draws: Option<String>,
    /// static, dynamic, guided, stealing (default: each backend's own)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub schedule: Option<String>,
    /// Blocks of a chunk (default: each schedule's own)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub chunk: Option<String>,
    /// How process backends start processes: fork, spawn (default: fork)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub start_method: Option<String>,
    /// Where workers run: none, close (core by core), spread (cores of their own) (default: none)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub pin: Option<String>,
    /// Draws are those of one worker: the work grows with the workers
    #[arg(long, help_heading = "What to sweep")]
    pub weak: bool,
    /// Threads inside each worker: a second axis, n workers with m threads each (default: 1)
    #[arg(long, value_name = "LIST", help_heading = "What to sweep")]
    pub inner_nthread: Option<String>,
    /// One more backend, in a program that speaks the runner protocol
    #[arg(long, value_name = "NAME=COMMAND", help_heading = "What to sweep")]
    pub runner: Vec<String>,
    /// Where the originals in Python and C are, which `harness list` shows (default: runners)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "What to sweep")]
    pub runners: Option<String>,
    /// The plan of an earlier run: same cases, draws, seed
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "What to sweep")]
    pub like: Option<String>,
    /// Draws of a block, a power of two; other blocks are other random streams (default: 16384)
    #[arg(long, value_name = "DRAWS", help_heading = "What to sweep")]
    pub block: Option<String>,
    /// Seed of the random streams (default: 20261122)
    #[arg(long, value_name = "N", help_heading = "What to sweep")]
    pub seed: Option<String>,

    /// An answer in about 10 s: 6 rounds, few counts, short calls
    #[arg(long, help_heading = "How long")]
    pub quick: bool,
    /// From which job on does parallel pay? Jobs of 2^11 to 2^27 draws, few counts, 9 rounds
    #[arg(long, help_heading = "How long")]
    pub crossover: bool,
    /// Exactly N rounds, whatever they take
    #[arg(long, value_name = "N", help_heading = "How long")]
    pub rounds: Option<String>,
    /// Stop when every speedup is known to ±P% (default: 1%), after 15 to 50 rounds
    #[arg(long, value_name = "P%", help_heading = "How long")]
    pub precision: Option<String>,
    /// Stop after this time, between visits: 90s, 2min (default: what 12 rounds take, 1 to 10 min)
    #[arg(long, value_name = "TIME", help_heading = "How long")]
    pub time_budget: Option<String>,
    /// Calls of a visit that are not counted (default: 1)
    #[arg(long, value_name = "N", help_heading = "How long")]
    pub warmup: Option<String>,
    /// Calls of a visit that are counted (default: 1)
    #[arg(long, value_name = "N", help_heading = "How long")]
    pub iterations: Option<String>,
    /// A visit that lasts longer is killed and fails (default: the larger of 5 s and 20 × the forecast)
    #[arg(long, value_name = "TIME", help_heading = "How long")]
    pub timeout: Option<String>,
    /// Seed of the order of visits (default: fresh in each run, recorded)
    #[arg(long, value_name = "N", help_heading = "How long")]
    pub order_seed: Option<String>,

    /// Commands instead of backends.
    #[command(flatten)]
    pub program: CommandOptions,

    /// Results directory; must not exist yet (default: results/TIME-HOST)
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub out: Option<String>,
    /// Print the plan as JSON and measure nothing
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
    /// How much is shown.
    #[command(flatten)]
    pub display: DisplayOptions,
}
