//! `harness advise`: a thread count for a command.

use std::io::{self, Write as _};
use std::time::Duration;

use clap::{ArgAction, Args};

use super::cases::parse_nthread;
use super::commands::commands;
use super::conflicts::check_placeholders;
use super::placeholders::Axes;
use crate::advise::{Goal, TimedProgram, search};
use crate::campaign::progress::Progress;
use crate::campaign::{CampaignError, Stopwatch};
use crate::cli::args::command::CommandOptions;
use crate::cli::args::display::DisplayOptions;
use crate::cli::given::{Given, Source, Switch, UsageError, variable};
use crate::cli::output::print_result;
use crate::cli::rules::{nanoseconds, show};
use crate::counts::MAX_NTHREAD;
use crate::machine::Cpus;
use crate::plan::CommandRequest;
use crate::quantity::parse_percent;
use crate::record::{CommandPlan, OutputCheck, OutputPolicy};
use crate::registry::Registry;

/// The options of `harness advise`.
#[derive(Debug, Args)]
pub struct AdviseOptions {
    /// Thread counts to choose from (default: 1 to the number of usable CPUs)
    #[arg(short, long, value_name = "LIST")]
    pub nthread: Option<Given>,
    /// Choose the smallest count whose time is within P% of the best (default: 5%)
    #[arg(long, value_name = "P%", conflicts_with = "efficiency")]
    pub within: Option<Given>,
    /// Instead, choose the largest count with a parallel efficiency of at least P%
    #[arg(long, value_name = "P%")]
    pub efficiency: Option<Given>,
    /// Kill a run that takes longer, and fail (default: no limit)
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<Given>,
    /// The options of the command.
    #[command(flatten)]
    pub program: CommandOptions,
    /// Print only the count, without the reason
    #[arg(short, long, action = ArgAction::SetTrue)]
    pub quiet: Switch,
}

/// Default of `--within`.
const WITHIN: f64 = 0.05;

impl TimedProgram for Stopwatch<'_> {
    type Error = CampaignError;

    fn time(&mut self, nthread: u32) -> Result<Duration, CampaignError> {
        Stopwatch::time(self, nthread)
    }
}

/// Prints the thread count, and the reason on stderr.
///
/// # Errors
/// Bad usage, a run that failed, or a signal.
pub fn advise(options: &AdviseOptions, registry: &Registry) -> anyhow::Result<u8> {
    let cpus = Cpus::read();
    let goal = goal(options)?;
    let candidates = candidates(options.nthread.as_ref(), &cpus)?;
    let timeout = options.timeout.as_ref().map(nanoseconds).transpose()?;
    let commands = command(options, &candidates)?;
    let no_progress = Given::from_variable("--no-progress", &variable);
    let no_progress = no_progress.map(Switch::from).unwrap_or_default();
    let display = DisplayOptions { quiet: options.quiet.clone(), no_progress, color: None };
    let progress = Progress::new(show(&display)?);
    let timeout = timeout.map(Duration::from_nanos);
    let mut stopwatch = Stopwatch::new(registry, &progress, &commands, timeout)?;
    let advice = search(&mut stopwatch, &candidates, goal)?;
    // From here on, signals end this process as usual.
    drop(stopwatch);
    if !options.quiet.is_on()? {
        let _ = writeln!(io::stderr(), "{advice}{}", restriction(options.nthread.as_ref()));
    }
    print_result(&format!("{}\n", advice.nthread))
}

/// A note that a variable restricted the candidates, in case the user has forgotten it.
fn restriction(nthread: Option<&Given>) -> String {
    match nthread {
        Some(Given { source: Source::Variable(name), text }) => {
            format!("; only the counts of {name}={} were candidates", text.trim())
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
        None => Ok((1..=cpus.usable.clamp(1, MAX_NTHREAD)).collect()),
        Some(given) => parse_nthread(given, cpus),
    }
}
