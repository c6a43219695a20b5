//! `harness selftest`: error rates of the method on this machine.

use std::io::{self, Write as _};

use clap::{ArgAction, Args};

use crate::campaign::progress::{Progress, Show};
use crate::cli::given::{Given, Switch};
use crate::cli::measure::{FAILED, run_record};
use crate::cli::output::print_result;
use crate::cli::rules::positive_integer;
use crate::record::Plan;
use crate::selftest::trial::{CAMPAIGN, ROUNDS, trial};

/// The options of `harness selftest`.
#[derive(Debug, Args)]
pub struct SelftestOptions {
    /// Number of campaigns (default: 120, which take about four minutes)
    #[arg(long, value_name = "N")]
    pub campaigns: Option<Given>,
    /// Print the result as JSON
    #[arg(long, action = ArgAction::SetTrue)]
    pub json: Switch,
    /// Print no notes, only problems and the result
    #[arg(short, long, action = ArgAction::SetTrue)]
    pub quiet: Switch,
}

/// Default number of campaigns: about four minutes.
const CAMPAIGNS: u32 = 120;

/// Maximum of `--campaigns`: several days.
const MOST_CAMPAIGNS: u64 = 100_000;

/// Runs the campaigns and prints their error rates.
pub fn selftest(options: &SelftestOptions) -> anyhow::Result<u8> {
    let campaigns = match &options.campaigns {
        Some(given) => positive_integer(given, MOST_CAMPAIGNS)?,
        None => CAMPAIGNS,
    };
    let campaigns = u64::from(campaigns);
    let as_json = options.json.is_on()?;
    let is_quiet = options.quiet.is_on()?;
    let progress = Progress::new(if is_quiet { Show::Problems } else { Show::Lines });
    let run = run_record(Plan::default(), crate::machine::inspect());
    if run.build.opt_level == "0" {
        progress.problem("this is a debug build: build with --release for meaningful results");
    }
    let minutes = CAMPAIGN.as_secs_f64() * campaigns as f64 / 60.0;
    progress.note(&format!(
        "{campaigns} campaigns of {ROUNDS} rounds, with five cases of the same loop, slowed down by \
         0%, 1%, 2% and 5%: about {minutes:.1} min"
    ));
    let results = trial(&run, campaigns, &progress)?;
    print_result(&match as_json {
        true => serde_json::to_string_pretty(&results)? + "\n",
        false => results.text(),
    })?;
    if let Some(signal) = results.signal {
        let made = results.campaigns;
        let _ = writeln!(
            io::stderr(),
            "interrupted by {signal}: these are the results of {made} of {campaigns} campaigns"
        );
        return Ok(128 + signal as u8);
    }
    Ok(if results.passed() { 0 } else { FAILED })
}
