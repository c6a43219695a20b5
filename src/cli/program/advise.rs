//! `harness advise`: a thread count for a command.

use std::io::{self, Write as _};
use std::time::Duration;

use clap::{ArgAction, Args};

use super::cases::parse_nthread;
use super::commands::commands;
use super::conflicts::check_placeholders;
use super::placeholders::Axes;
use crate::advise::{Goal, RunTime, Settings, TimedProgram, race};
use crate::campaign::progress::Progress;
use crate::campaign::{CampaignError, Stopwatch};
use crate::cli::args::command::CommandOptions;
use crate::cli::args::display::DisplayOptions;
use crate::cli::given::{Given, Source, Switch, UsageError, variable};
use crate::cli::output::print_result;
use crate::cli::rules::{integer, nanoseconds, show};
use crate::counts::{MAX_NTHREAD, default_list};
use crate::machine::Cpus;
use crate::machine::interference::InterferenceMeter;
use crate::plan::CommandRequest;
use crate::quantity::parse_percent;
use crate::record::{CommandPlan, OutputCheck, OutputPolicy};
use crate::registry::Registry;

/// The options of `harness advise`.
#[derive(Debug, Args)]
pub struct AdviseOptions {
    /// Thread counts to choose from (default: those of a sweep)
    #[arg(short, long, value_name = "LIST")]
    pub nthread: Option<Given>,
    /// Choose the smallest count whose time is within P% of the best (default: 5%)
    #[arg(long, value_name = "P%", conflicts_with = "efficiency")]
    pub within: Option<Given>,
    /// Instead, choose the largest count with a parallel efficiency of at least P%
    #[arg(long, value_name = "P%")]
    pub efficiency: Option<Given>,
    /// Runs of the largest count before the first round, not counted (default: 1)
    #[arg(long, value_name = "N")]
    pub warmup: Option<Given>,
    /// Begin no run after TIME (default: 10 minutes)
    #[arg(long, value_name = "TIME")]
    pub time_budget: Option<Given>,
    /// Let every run end, however long it takes (default: a run is stopped at three times the
    /// slowest run of the fastest count)
    #[arg(long, action = ArgAction::SetTrue)]
    pub no_stop: Switch,
    /// Print N, or the best count so far, and exit with 0 if the choice is not decided
    #[arg(long, value_name = "N|best")]
    pub fallback: Option<Given>,
    /// Kill a run that takes longer, and fail (default: no limit)
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<Given>,
    /// The options of the command.
    #[command(flatten)]
    pub program: CommandOptions,
    /// Print a JSON object instead of the count, and no reason
    #[arg(long, action = ArgAction::SetTrue)]
    pub json: Switch,
    /// Print only the count, without the reason
    #[arg(short, long, action = ArgAction::SetTrue)]
    pub quiet: Switch,
}

/// Default of `--within`.
const WITHIN: f64 = 0.05;

/// Default of `--time-budget`.
const TIME_BUDGET: Duration = Duration::from_secs(600);

/// Maximum of `--warmup`.
const MOST_WARMUPS: u64 = 1000;

/// Exit code of a choice that is not decided.
const UNDECIDED: u8 = 3;

impl TimedProgram for Stopwatch<'_> {
    type Error = CampaignError;

    fn time(&mut self, nthread: u32, limit: Option<Duration>) -> Result<RunTime, CampaignError> {
        Stopwatch::time(self, nthread, limit)
    }
}

/// Count to print if the choice is not decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fallback {
    /// This count.
    Count(u32),
    /// The count with the smallest bound.
    Best,
}

/// Prints the thread count, and the reason on stderr.
///
/// # Errors
/// Bad usage, a run that failed, or a signal.
pub fn advise(options: &AdviseOptions, registry: &Registry) -> anyhow::Result<u8> {
    let cpus = Cpus::read();
    let settings = settings(options)?;
    let fallback = options.fallback.as_ref().map(fallback).transpose()?;
    let candidates = candidates(options.nthread.as_ref(), &cpus)?;
    let timeout = options.timeout.as_ref().map(nanoseconds).transpose()?;
    let commands = command(options, &candidates)?;
    let (is_json, is_quiet) = (options.json.is_on()?, options.quiet.is_on()?);
    let no_progress = Given::from_variable("--no-progress", &variable);
    let no_progress = no_progress.map(Switch::from).unwrap_or_default();
    let display = DisplayOptions { quiet: options.quiet.clone(), no_progress, color: None };
    let progress = Progress::new(show(&display)?);
    let timeout = timeout.map(Duration::from_nanos);
    let mut stopwatch = Stopwatch::new(registry, &progress, &commands, timeout)?;
    let meter = InterferenceMeter::new();
    let start = meter.snapshot();
    let mut advice = race(&mut stopwatch, &candidates, settings)?;
    // From here on, signals end this process as usual.
    drop(stopwatch);
    advice.set_others_cpus(meter.others_cpus_since(&start));
    if is_json {
        print_result(&format!("{:#}\n", advice.to_json()))?;
    } else {
        if !is_quiet {
            let _ = writeln!(io::stderr(), "{advice}{}", restriction(options.nthread.as_ref()));
        }
        let nthread = match (advice.doubt, fallback) {
            (Some(_), Some(Fallback::Count(nthread))) => nthread,
            _ => advice.nthread,
        };
        print_result(&format!("{nthread}\n"))?;
    }
    Ok(if advice.doubt.is_some() && fallback.is_none() { UNDECIDED } else { 0 })
}

/// The settings of the race.
fn settings(options: &AdviseOptions) -> Result<Settings, UsageError> {
    let warmup = options.warmup.as_ref().map(|given| integer(given, MOST_WARMUPS)).transpose()?;
    let budget = options.time_budget.as_ref().map(nanoseconds).transpose()?;
    Ok(Settings {
        goal: goal(options)?,
        warmup: warmup.unwrap_or(1) as u32,
        time_budget: Some(budget.map_or(TIME_BUDGET, Duration::from_nanos)),
        stop_slow_runs: !options.no_stop.is_on()?,
        seed: rand::random(),
    })
}

fn fallback(given: &Given) -> Result<Fallback, UsageError> {
    match given.text.trim() {
        "best" => Ok(Fallback::Best),
        text => match text.parse() {
            Ok(nthread @ 1..=MAX_NTHREAD) => Ok(Fallback::Count(nthread)),
            _ => Err(given.error(format!(
                "{text:?} is neither a number of threads from 1 to {MAX_NTHREAD} nor best"
            ))),
        },
    }
}

/// A note that a variable restricted the candidates, in case the user has forgotten it.
fn restriction(nthread: Option<&Given>) -> String {
    match nthread {
        Some(Given { source: Source::Variable(name), text }) => {
            format!("\nOnly the counts of {name}={} were candidates.", text.trim())
        }
        _ => String::new(),
    }
}

/// The one command to time.
fn command(options: &AdviseOptions, candidates: &[u32]) -> Result<CommandPlan, UsageError> {
    let refused = |problem: &str| Err(UsageError(format!("advise: {problem}")));
    // A baseline that a variable names is ignored.
    let Some(CommandRequest { commands, .. }) = commands(&options.program, Axes::Nthread)? else {
        return refused("there is no command; for example harness advise -- ./prog -t {nthread}");
    };
    if commands.list.len() != 1 {
        return refused("it takes one command; a sweep takes several");
    }
    if options.program.baseline.as_ref().is_some_and(Given::is_flag) {
        return refused(
            "--baseline applies to a sweep; here counts are compared with the best one",
        );
    }
    if commands.output == OutputPolicy::Keep {
        return refused("--output keep applies to a sweep; there is no results directory here");
    }
    if commands.expect == Some(OutputCheck::Same) {
        return refused(
            "--expect-stdout same applies to a sweep; a text or /…/ can be checked here",
        );
    }
    check_placeholders(&commands, candidates, &[])?;
    Ok(commands)
}

fn goal(options: &AdviseOptions) -> Result<Goal, UsageError> {
    match (&options.within, &options.efficiency) {
        (Some(within), Some(efficiency)) if !within.is_flag() && !efficiency.is_flag() => {
            Err(within.error(format!("{} is also set; set only one of them", efficiency.source)))
        }
        (Some(within), efficiency) if !efficiency.as_ref().is_some_and(Given::is_flag) => {
            Ok(Goal::Within(within.parse(parse_percent)?))
        }
        (_, Some(efficiency)) => Ok(Goal::Efficiency(efficiency.parse(parse_percent)?)),
        (_, None) => Ok(Goal::Within(WITHIN)),
    }
}

/// The thread counts to choose from. OMP_NUM_THREADS and RAYON_NUM_THREADS do not restrict them,
/// other than in a sweep, since an earlier search may have set them.
fn candidates(nthread: Option<&Given>, cpus: &Cpus) -> Result<Vec<u32>, UsageError> {
    match nthread {
        None => Ok(default_list(cpus.usable.clamp(1, MAX_NTHREAD))),
        Some(given) => parse_nthread(given, cpus),
    }
}
