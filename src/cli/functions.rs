//! The command line of a bench that sweeps functions: some options of a sweep, and those of cargo's
//! test harness.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use super::args::display::DisplayOptions;
use super::args::sweep::SweepOptions;
use super::given::{Given, UsageError, variable, with_variables};
use super::measure::{self, FAILED, USAGE, conclude, exit_code_of};
use super::output::{print_result, style};
use super::rules::{Defaults, Settings, check_fits, fresh_dir, new_dir, rules, thread_counts};
use crate::machine::Cpus;
use crate::plan::{self, Draws};
use crate::quantity::utc_now_compact;
use crate::registry::Registry;

const EXAMPLES: &str = "\
Examples:
  cargo bench --bench NAME                            every function, every thread count
  cargo bench --bench NAME -- --nthread 1..16
  cargo bench --bench NAME -- rayon --rounds 20       the functions with rayon in their name
  cargo bench -- --test                               check one call of each, untimed

`harness --help` explains lists of thread counts and the options. Every option has an
environment variable: HARNESS_TIME_BUDGET=2min. Without --bench, which `cargo bench` adds,
nothing is measured, as with --test.";

/// Sweeps the functions of this bench over thread counts, and checks that their results agree
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench --", after_help = EXAMPLES, max_term_width = 100)]
#[command(allow_negative_numbers = true)]
struct FunctionOptions {
    /// Run only functions whose name, SWEEP/FUNCTION, contains FILTER, and the first one
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Skip functions whose name contains FILTER
    #[arg(long, value_name = "FILTER")]
    skip: Vec<String>,
    /// Match filters against whole names, SWEEP/FUNCTION or FUNCTION
    #[arg(long)]
    exact: bool,
    /// Thread counts (default: 1, 2, 3, 4, 6, 8, 12, 16 … up to the number of usable CPUs)
    #[arg(short, long, value_name = "LIST")]
    nthread: Option<Given>,
    /// Run exactly N rounds
    #[arg(long, value_name = "N")]
    rounds: Option<Given>,
    /// Stop when the 95% interval of every speedup is within ±P%, after 15 to 50 rounds (default: 1%)
    #[arg(long, value_name = "P%")]
    precision: Option<Given>,
    /// Stop after TIME, between visits (default: the time of 12 rounds, 1 to 10 min)
    #[arg(long, value_name = "TIME")]
    time_budget: Option<Given>,
    /// Measured calls of a visit (default: at least 10 ms of them, at most 200)
    #[arg(long, value_name = "N")]
    iterations: Option<Given>,
    /// Warm-up calls of a visit, which do not count (default: 1)
    #[arg(long, value_name = "N")]
    warmup: Option<Given>,
    /// Kill a visit that takes longer; it counts as failed (default: no limit)
    #[arg(long, value_name = "TIME")]
    timeout: Option<Given>,
    /// Write results to DIR/SWEEP, which must not exist yet (default: target/nthread/SWEEP/TIME)
    #[arg(short, long, value_name = "DIR")]
    out: Option<Given>,
    /// The options of the progress and the table.
    #[command(flatten)]
    display: DisplayOptions,
    /// Measure; `cargo bench` adds this option
    #[arg(long)]
    bench: bool,
    /// Check one call of each function at the smallest and the largest thread count
    #[arg(long)]
    test: bool,
    /// Print the names of the functions
    #[arg(long)]
    list: bool,
    /// The other options of Rust's test harness.
    #[command(flatten)]
    test_harness: TestHarness,
}

/// Options of Rust's test harness that have no effect here.
#[derive(Debug, clap::Args)]
struct TestHarness {
    #[arg(long, hide = true, alias = "no-capture")]
    nocapture: bool,
    #[arg(long, hide = true)]
    show_output: bool,
    #[arg(long, hide = true)]
    include_ignored: bool,
    /// Runs ignored tests only, of which there are none here.
    #[arg(long, hide = true)]
    ignored: bool,
    #[arg(long, hide = true)]
    format: Option<String>,
    #[arg(long, hide = true)]
    test_threads: Option<String>,
}

/// The action that a command line asks for.
pub enum Action {
    /// Do nothing more.
    Nothing,
    /// Check one call of these functions at each of these counts.
    Test {
        /// The indices of the functions, with that of the first one.
        functions: Vec<usize>,
        /// The smallest and the largest count.
        counts: Vec<u32>,
    },
    /// Measure a sweep.
    Measure(Box<Measurement>),
}

/// The settings of a measurement and of its progress.
pub struct Measurement {
    settings: Settings,
    display: DisplayOptions,
}

/// The action that the command line of this process asks for. Bad usage and `--help` end the
/// process.
pub fn action(sweep: &str, functions: &[&str]) -> Action {
    let matches = with_variables(FunctionOptions::command(), &variable).try_get_matches();
    let options = matches.and_then(|matches| FunctionOptions::from_arg_matches(&matches));
    let options = options.unwrap_or_else(|error| {
        let _ = error.print();
        std::process::exit(i32::from(if error.use_stderr() { USAGE } else { 0 }))
    });
    action_of(options, sweep, functions).unwrap_or_else(|error| refuse(&error.0))
}

/// Ends the process with the exit code of bad usage.
pub fn refuse(problem: &str) -> ! {
    let _ = writeln!(io::stderr(), "error: {problem}");
    std::process::exit(i32::from(USAGE))
}

/// Writes a result to stdout.
pub fn print(text: &str) {
    drop(print_result(text));
}

fn action_of(
    options: FunctionOptions,
    sweep: &str,
    functions: &[&str],
) -> Result<Action, UsageError> {
    let selected = selected(&options, sweep, functions);
    if options.list {
        let lines =
            selected.iter().map(|&index| format!("{sweep}/{}: benchmark\n", functions[index]));
        print(&lines.collect::<String>());
        return Ok(Action::Nothing);
    }
    if selected.is_empty() {
        return Ok(Action::Nothing);
    }
    // The first function is the baseline of the others.
    let selected: Vec<usize> =
        (0..functions.len()).filter(|index| *index == 0 || selected.contains(index)).collect();
    let sweep_options = SweepOptions {
        nthread: options.nthread,
        rounds: options.rounds,
        precision: options.precision,
        time_budget: options.time_budget,
        iterations: options.iterations,
        warmup: options.warmup,
        timeout: options.timeout,
        order_seed: Given::from_variable("--order-seed", &variable),
        out: options.out,
        ..SweepOptions::default()
    };
    if options.test || !options.bench {
        let counts =
            thread_counts(sweep_options.nthread.as_ref(), &variable, &Cpus::read())?.counts;
        let mut counts = vec![counts[0], counts[counts.len() - 1]];
        counts.dedup();
        if !options.test && options.display.quiet.flag().is_none() {
            let _ =
                writeln!(io::stderr(), "{sweep}: tested only; `cargo bench` measures (--bench)");
        }
        return Ok(Action::Test { functions: selected, counts });
    }
    let names: Vec<&str> = selected.iter().map(|&index| functions[index]).collect();
    let settings = settings(&sweep_options, sweep, &names)?;
    Ok(Action::Measure(Box::new(Measurement { settings, display: options.display })))
}

/// The indices of the functions that the filters select.
fn selected(options: &FunctionOptions, sweep: &str, functions: &[&str]) -> Vec<usize> {
    if options.test_harness.ignored {
        return Vec::new();
    }
    let mut selected = Vec::new();
    for (index, name) in functions.iter().enumerate() {
        let path = format!("{sweep}/{name}");
        let matches = |filter: &String| match options.exact {
            true => *filter == path || filter == name,
            false => path.contains(filter.as_str()),
        };
        let is_included = options.filter.is_empty() || options.filter.iter().any(matches);
        if is_included && !options.skip.iter().any(matches) {
            selected.push(index);
        }
    }
    selected
}

/// The settings of a sweep of functions.
fn settings(
    options: &SweepOptions,
    sweep: &str,
    functions: &[&str],
) -> Result<Settings, UsageError> {
    let counts = thread_counts(options.nthread.as_ref(), &variable, &Cpus::read())?;
    let defaults = Defaults { calls: (1, 0), ..Defaults::SWEEP };
    let rules = rules(options, defaults)?;
    let mut plan = plan::of_functions(sweep, functions, &counts.counts, &rules);
    plan.nthread_source = counts.origin();
    check_fits(&plan)?;
    let notes = [vec![counts.origin()], counts.notes].concat();
    // The registry is empty, so that a function may have the name of a backend.
    let registry = Registry { kernels: Vec::new(), backends: Vec::new(), runners: Vec::new() };
    let draws = Draws::default();
    Ok(Settings { registry, plan, draws, budget: rules.budget, out: out(options, sweep)?, notes })
}

/// The results directory: that of the sweep below `--out`, by default a new one in cargo's target
/// directory.
fn out(options: &SweepOptions, sweep: &str) -> Result<PathBuf, UsageError> {
    let Some(given) = &options.out else {
        return Ok(fresh_dir(&target_dir().join("nthread").join(sweep), &utc_now_compact()));
    };
    let inside = Path::new(&given.text).join(sweep);
    match given.text.is_empty() {
        true => new_dir(given),
        false => new_dir(&Given { text: inside.display().to_string(), ..given.clone() }),
    }
}

/// Cargo's target directory, which contains this executable; by default `target`.
fn target_dir() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_default();
    let mut dirs = executable.ancestors().skip(1);
    let dir = dirs.find(|dir| dir.join("CACHEDIR.TAG").is_file());
    dir.unwrap_or(Path::new("target")).to_path_buf()
}

/// Measures a sweep and reports it. Returns the exit code.
pub fn measure(measurement: Measurement) -> u8 {
    measure_and_report(measurement).unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: {error:#}");
        match exit_code_of(&error) {
            FAILED => FAILED,
            code => std::process::exit(i32::from(code)),
        }
    })
}

fn measure_and_report(measurement: Measurement) -> anyhow::Result<u8> {
    let Measurement { settings, display } = measurement;
    let dir = settings.out.clone();
    let style = style(display.color.as_ref())?;
    let outcome = measure::measure(settings, crate::machine::inspect(), &display)?;
    match outcome.signal {
        // The process ends, so that no later sweep of it starts.
        Some(signal) => interrupted(&dir, signal),
        None => conclude(&dir, outcome, style),
    }
}

fn interrupted(dir: &Path, signal: nix::sys::signal::Signal) -> ! {
    let dir = dir.display();
    let _ = writeln!(
        io::stderr(),
        "interrupted by {signal}: all complete visits are in {dir}; `harness report {dir}` reports \
         them"
    );
    std::process::exit(128 + signal as i32)
}
