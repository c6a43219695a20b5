//! The arguments of a bench that sweeps functions: a part of those of a sweep, and
//! what cargo and its test harness say.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use super::cases::thread_counts;
use super::options::{DisplayOptions, SweepOptions};
use super::settings::{Settings, check_fits, fresh_dir, new_dir, rules};
use super::values::{Given, UsageError, given};
use super::{FAILED, USAGE, conclude, exit_code_of, measured, style, variable};
use crate::machine::Cpus;
use crate::plan::{self, Draws, Rules};
use crate::record::{Preset, Target};
use crate::registry::Registry;

const EXAMPLES: &str = "\
Examples:
  cargo bench --bench NAME                            every function, every thread count
  cargo bench --bench NAME -- --nthread 1..16
  cargo bench --bench NAME -- rayon --rounds 20       the functions with rayon in their name
  cargo bench -- --test                               one call of each, checked, not timed

Lists of thread counts, and what the options mean: `harness --help`. Every option has a
variable: HARNESS_TIME_BUDGET=2min. Without --bench, which `cargo bench` adds, nothing is
measured, as with --test.";

/// Sweeps the functions of this bench over thread counts, and checks that their results agree
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench --", after_help = EXAMPLES, max_term_width = 100)]
#[command(allow_negative_numbers = true)]
struct FunctionOptions {
    /// Only functions whose name, SWEEP/FUNCTION, contains one of these; the first one always
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// No function whose name contains this
    #[arg(long, value_name = "FILTER")]
    skip: Vec<String>,
    /// Filters are whole names, SWEEP/FUNCTION or FUNCTION
    #[arg(long)]
    exact: bool,
    /// Thread counts (default: 1, 2, 3, 4, 6, 8, 12, 16 … up to the usable CPUs)
    #[arg(short, long, value_name = "LIST")]
    nthread: Option<String>,
    /// Exactly N rounds, whatever they take
    #[arg(long, value_name = "N")]
    rounds: Option<String>,
    /// Stop when every speedup is known to ±P% (default: 1%), after 15 to 50 rounds
    #[arg(long, value_name = "P%")]
    precision: Option<String>,
    /// Stop after this time, between visits (default: what 12 rounds take, 1 to 10 min)
    #[arg(long, value_name = "TIME")]
    time_budget: Option<String>,
    /// Calls of a visit that are counted (default: 10 ms of them and more, 200 at most)
    #[arg(long, value_name = "N")]
    iterations: Option<String>,
    /// Calls of a visit that are not counted (default: 1)
    #[arg(long, value_name = "N")]
    warmup: Option<String>,
    /// A visit that lasts longer is killed and fails (default: none)
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// Results go to DIR/SWEEP, which must not exist yet (default: target/nthread/SWEEP/TIME)
    #[arg(short, long, value_name = "DIR")]
    out: Option<String>,
    /// How much is shown.
    #[command(flatten)]
    display: DisplayOptions,
    /// Measure: `cargo bench` says so
    #[arg(long)]
    bench: bool,
    /// Only one call of each function at the least and the most threads, checked
    #[arg(long)]
    test: bool,
    /// Print the names of the functions
    #[arg(long)]
    list: bool,
    /// What else the test harness of Rust understands.
    #[command(flatten)]
    others: TestHarness,
}

/// Said to every bench and test alike, and of no use here.
#[derive(Debug, clap::Args)]
struct TestHarness {
    #[arg(long, hide = true, alias = "no-capture")]
    nocapture: bool,
    #[arg(long, hide = true)]
    show_output: bool,
    #[arg(long, hide = true)]
    include_ignored: bool,
    /// Asks for what is only done when asked for: here, nothing is.
    #[arg(long, hide = true)]
    ignored: bool,
    #[arg(long, hide = true)]
    format: Option<String>,
    #[arg(long, hide = true)]
    test_threads: Option<String>,
}

/// What is to be done with the functions of a sweep.
pub enum Asked {
    /// Nothing, or nothing any more.
    Nothing,
    /// A call of these functions, by their indices, at these counts.
    Test {
        /// The first one of all among them.
        functions: Vec<usize>,
        /// One or two.
        counts: Vec<u32>,
    },
    /// A whole sweep.
    Measure(Box<Measured>),
}

/// A sweep that is to be measured, and how it is shown.
pub struct Measured {
    settings: Settings,
    display: DisplayOptions,
}

/// What the arguments of this process ask of a sweep with these functions. Wrong
/// usage and `--help` end the process.
pub fn asked(sweep: &str, functions: &[&str]) -> Asked {
    let command = FunctionOptions::command();
    let parsed = command.try_get_matches().and_then(|it| FunctionOptions::from_arg_matches(&it));
    let options = parsed.unwrap_or_else(|error| {
        let _ = error.print();
        std::process::exit(i32::from(if error.use_stderr() { USAGE } else { 0 }))
    });
    understand(options, sweep, functions).unwrap_or_else(|error| refuse(&error.0))
}

/// Ends the process: it was not used as it can be.
pub fn refuse(problem: &str) -> ! {
    let _ = writeln!(io::stderr(), "error: {problem}");
    std::process::exit(i32::from(USAGE))
}

/// Writes a result to stdout.
pub fn print(text: &str) {
    drop(super::print_result(text));
}

fn understand(
    options: FunctionOptions,
    sweep: &str,
    functions: &[&str],
) -> Result<Asked, UsageError> {
    let chosen = chosen(&options, sweep, functions);
    if options.list {
        let lines =
            chosen.iter().map(|&index| format!("{sweep}/{}: benchmark\n", functions[index]));
        print(&lines.collect::<String>());
        return Ok(Asked::Nothing);
    }
    if chosen.is_empty() {
        return Ok(Asked::Nothing);
    }
    // The first function is what the others are compared with.
    let chosen: Vec<usize> =
        (0..functions.len()).filter(|index| *index == 0 || chosen.contains(index)).collect();
    let as_sweep = SweepOptions {
        nthread: options.nthread,
        rounds: options.rounds,
        precision: options.precision,
        time_budget: options.time_budget,
        iterations: options.iterations,
        warmup: options.warmup,
        timeout: options.timeout,
        out: options.out,
        ..SweepOptions::default()
    };
    if options.test || !options.bench {
        let counts = thread_counts(&as_sweep, &variable, &Cpus::read())?.counts;
        let mut counts = vec![counts[0], counts[counts.len() - 1]];
        counts.dedup();
        if !options.test && !options.display.quiet {
            let _ =
                writeln!(io::stderr(), "{sweep}: tested only; `cargo bench` measures (--bench)");
        }
        return Ok(Asked::Test { functions: chosen, counts });
    }
    let names: Vec<&str> = chosen.iter().map(|&index| functions[index]).collect();
    let settings = settle(&as_sweep, sweep, &names)?;
    Ok(Asked::Measure(Box::new(Measured { settings, display: options.display })))
}

/// The functions that somebody wants, by their indices.
fn chosen(options: &FunctionOptions, sweep: &str, functions: &[&str]) -> Vec<usize> {
    let is_wanted = |name: &str| {
        let whole = format!("{sweep}/{name}");
        let is_it = |filter: &String| match options.exact {
            true => *filter == whole || filter == name,
            false => whole.contains(filter.as_str()),
        };
        let is_named = options.filter.is_empty() || options.filter.iter().any(is_it);
        is_named && !options.skip.iter().any(is_it) && !options.others.ignored
    };
    (0..functions.len()).filter(|&index| is_wanted(functions[index])).collect()
}

/// What to measure, and how.
fn settle(options: &SweepOptions, sweep: &str, functions: &[&str]) -> Result<Settings, UsageError> {
    let counts = thread_counts(options, &variable, &Cpus::read())?;
    let asked = rules(options, &variable, Preset::Sweep, Target::Function)?;
    // Where nobody says how many calls a visit has, the campaign finds out.
    let has_iterations = given("--iterations", options.iterations.as_deref(), &variable).is_some();
    let iterations = if has_iterations { asked.iterations } else { 0 };
    let rules = Rules { iterations, ..asked };
    let mut plan = plan::of_functions(sweep, functions, &counts.counts, &rules);
    plan.nthread_source = counts.origin();
    check_fits(&plan)?;
    let remarks = [vec![counts.origin()], counts.notes.clone()].concat();
    // A backend of ours is nobody here, even if a function is called like it.
    let registry = Registry { kernels: Vec::new(), backends: Vec::new(), runners: Vec::new() };
    let draws = Draws::Given(Vec::new());
    Ok(Settings { registry, plan, draws, budget: rules.budget, out: out(options, sweep)?, remarks })
}

/// The results directory: the sweep's own below the one that somebody named, or a
/// fresh one where cargo leaves what it makes.
fn out(options: &SweepOptions, sweep: &str) -> Result<PathBuf, UsageError> {
    let Some(given) = given("--out", options.out.as_deref(), &variable) else {
        let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        return Ok(fresh_dir(&target_dir().join("nthread").join(sweep), &time));
    };
    let inside = Path::new(&given.text).join(sweep);
    match given.text.is_empty() {
        true => new_dir(&given),
        false => new_dir(&Given { text: inside.display().to_string(), ..given }),
    }
}

/// Cargo's directory of what it makes, in which this executable is; `target` here, if
/// it is somewhere else.
fn target_dir() -> PathBuf {
    let executable = std::env::current_exe().unwrap_or_default();
    let is_marked = |dir: &&Path| dir.join("CACHEDIR.TAG").is_file();
    let found = executable.ancestors().skip(1).find(is_marked);
    found.unwrap_or(Path::new("target")).to_path_buf()
}

/// Measures, then reports. Returns the exit code.
pub fn measure(measure: Measured) -> u8 {
    let Measured { settings, display } = measure;
    let dir = settings.out.clone();
    let done = style("--color", display.color.as_deref())
        .map_err(anyhow::Error::from)
        .and_then(|style| Ok((measured(settings, crate::machine::inspect(), &display)?, style)))
        .and_then(|(outcome, style)| match outcome.signal {
            // Whoever interrupts one sweep wants no other.
            Some(signal) => interrupted(&dir, signal),
            None => conclude(&dir, outcome, style),
        });
    done.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: {error:#}");
        match exit_code_of(&error) {
            FAILED => FAILED,
            code => std::process::exit(i32::from(code)),
        }
    })
}

fn interrupted(dir: &Path, signal: nix::sys::signal::Signal) -> ! {
    let dir = dir.display();
    let _ = writeln!(
        io::stderr(),
        "interrupted by {signal}: every whole visit is in {dir}; `harness report {dir}` makes the \
         report of them"
    );
    std::process::exit(128 + signal as i32)
}
