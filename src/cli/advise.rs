//! `harness advise`: the number of threads for a command.

use std::io::{self, Write as _};
use std::time::Duration;

use clap::Args;

use super::commands::commands;
use super::conflicts::check_told;
use super::options::{CommandOptions, DisplayOptions};
use super::placeholders::Axes;
use super::settings::{nanoseconds, show};
use super::values::{Given, Lookup, Origin, UsageError, given, switch};
use crate::advise::{Goal, Machine, search};
use crate::campaign::progress::Progress;
use crate::campaign::{CampaignError, Stopwatch};
use crate::counts;
use crate::machine::Cpus;
use crate::plan::Programs;
use crate::quantity::parse_percent;
use crate::record::{Expect, Output};
use crate::registry::Registry;

/// The options of `harness advise`.
#[derive(Debug, Args)]
pub struct AdviseOptions {
    /// Thread counts to choose from (default: 1 up to the usable CPUs)
    #[arg(short, long, value_name = "LIST")]
    pub nthread: Option<String>,
    /// The smallest count whose time is within P% of the best (default: 5%)
    #[arg(long, value_name = "P%", conflicts_with = "efficiency")]
    pub within: Option<String>,
    /// Instead: the largest count that is at least so efficient
    #[arg(long, value_name = "P%")]
    pub efficiency: Option<String>,
    /// A run that lasts longer is killed (default: none)
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// The command, and how it is run.
    #[command(flatten)]
    pub program: CommandOptions,
    /// Only the count, no reason
    #[arg(short, long)]
    pub quiet: bool,
}

/// How much slower than the best the answer may be, where nobody says.
const WITHIN: f64 = 0.05;

impl Machine for Stopwatch<'_> {
    type Problem = CampaignError;

    fn time(&mut self, nthread: u32) -> Result<Duration, CampaignError> {
        Stopwatch::time(self, nthread)
    }
}

/// Searches, and prints one integer; the reason on stderr.
///
/// # Errors
/// Bad usage, a run that failed, or a signal.
pub fn advise(
    options: &AdviseOptions,
    lookup: Lookup<'_>,
    registry: &Registry,
) -> anyhow::Result<u8> {
    let cpus = Cpus::read();
    let goal = goal(options, lookup)?;
    let given = given("--nthread", options.nthread.as_deref(), lookup);
    let candidates = candidates(given.as_ref(), &cpus)?;
    let timeout = timeout(options, lookup)?;
    let programs = program(options, lookup, &candidates)?;
    let display = DisplayOptions { quiet: options.quiet, ..DisplayOptions::default() };
    let progress = Progress::new(show(&display, lookup)?);
    let mut stopwatch = Stopwatch::new(registry, &progress, &programs, timeout)?;
    let found = search(&mut stopwatch, &candidates, goal)?;
    // Signals that come from here on end this process as they do any other.
    drop(stopwatch);
    if !switch("--quiet", options.quiet, lookup)? {
        let _ = writeln!(io::stderr(), "{found}{}", restricted(given.as_ref()));
    }
    super::print_result(&format!("{}\n", found.nthread))
}

/// What is to be said of a variable that left only some counts to choose from: who has
/// forgotten it would take the answer for that of the whole machine.
fn restricted(given: Option<&Given>) -> String {
    match given {
        Some(Given { origin: Origin::Variable(name), text }) => {
            format!("; only counts of {name}={} were candidates", text.trim())
        }
        _ => String::new(),
    }
}

fn timeout(options: &AdviseOptions, lookup: Lookup<'_>) -> Result<Option<Duration>, UsageError> {
    let given = given("--timeout", options.timeout.as_deref(), lookup);
    given.map(|given| nanoseconds(&given).map(Duration::from_nanos)).transpose()
}

/// The one command that is to be timed.
fn program(
    options: &AdviseOptions,
    lookup: Lookup<'_>,
    candidates: &[u32],
) -> Result<Programs, UsageError> {
    let refused = |problem: &str| Err(UsageError(format!("advise: {problem}")));
    let Some(programs) = commands(&options.program, lookup, Axes::One)? else {
        return refused("there is no command; for example harness advise -- ./prog -t {nthread}");
    };
    if programs.commands.list.len() != 1 {
        return refused("it takes one command; a sweep takes several");
    }
    if options.program.baseline.is_some() {
        return refused("--baseline is for a sweep: the best count is what others are held to");
    }
    if programs.commands.output == Output::Keep {
        return refused("--output keep is for a sweep: there is no results directory here");
    }
    if programs.commands.expect == Some(Expect::Same) {
        return refused("--expect-stdout same is for a sweep; a text or /…/ can be checked here");
    }
    check_told(&programs.commands, candidates, &[])?;
    // What a variable says for all runs has no say here.
    Ok(Programs { baseline: None, ..programs })
}

fn goal(options: &AdviseOptions, lookup: Lookup<'_>) -> Result<Goal, UsageError> {
    let share = |given: &Given| parse_percent(&given.text).map_err(|error| given.error(error));
    let within = given("--within", options.within.as_deref(), lookup);
    let efficiency = given("--efficiency", options.efficiency.as_deref(), lookup);
    match (within, efficiency) {
        (Some(within), Some(_)) if options.efficiency.is_none() && options.within.is_none() => {
            Err(within.error("HARNESS_EFFICIENCY is set, too: set only one of them"))
        }
        (Some(within), _) if options.efficiency.is_none() => share(&within).map(Goal::Within),
        (_, Some(efficiency)) => share(&efficiency).map(Goal::Efficiency),
        (_, None) => Ok(Goal::Within(WITHIN)),
    }
}

/// The counts to choose from. OMP_NUM_THREADS and its like have no say, other than
/// in a sweep: they may be what an earlier search advised.
fn candidates(given: Option<&Given>, cpus: &Cpus) -> Result<Vec<u32>, UsageError> {
    let Some(given) = given else {
        return Ok((1..=cpus.usable.clamp(1, counts::MAX_NTHREAD)).collect());
    };
    let words = counts::MachineCounts { cpus: cpus.usable, cores: cpus.cores };
    counts::parse_list(&given.text, words).map_err(|error| given.error(error))
}
