//! `harness selftest`: whether the method keeps its word on this machine.

use std::io::{self, Write as _};

use clap::Args;

use super::values::{Lookup, UsageError, given, switch};
use super::{FAILED, print_result, settings, show, typed};
use crate::campaign::progress::{Progress, Show};
use crate::record::{Plan, Run};
use crate::selftest::trial::{CAMPAIGN, ROUNDS, trial};

/// The options of `harness selftest`.
#[derive(Debug, Args)]
pub struct SelftestOptions {
    /// Campaigns (default: 120, which take about four minutes)
    #[arg(long, value_name = "N")]
    pub campaigns: Option<String>,
    /// The result as one JSON object
    #[arg(long)]
    pub json: bool,
    /// No remarks, only what went wrong and the result
    #[arg(short, long)]
    pub quiet: bool,
}

/// Campaigns where nobody asks for others: about four minutes.
const CAMPAIGNS: u32 = 120;

/// Campaigns at most: days.
const MOST_CAMPAIGNS: u64 = 100_000;

/// Makes the campaigns and prints what they found.
pub fn selftest(options: &SelftestOptions, lookup: Lookup<'_>) -> anyhow::Result<u8> {
    let campaigns = campaigns(options, lookup)?;
    let as_json = switch("--json", options.json, lookup)?;
    let is_quiet = switch("--quiet", options.quiet, lookup)?;
    let progress = Progress::new(if is_quiet { Show::Problems } else { Show::Lines });
    let about = Run {
        plan: Plan::default(),
        sessions: Vec::new(),
        machine: crate::machine::inspect(),
        build: show::build(),
        environment: show::thread_environment(lookup),
        clock: crate::machine::clock::inspect(),
        command: typed::command(lookup),
    };
    if about.build.opt_level == "0" {
        progress.problem("this build is not optimised: build with --release before you trust it");
    }
    let minutes = CAMPAIGN.as_secs_f64() * campaigns as f64 / 60.0;
    progress.note(&format!(
        "{campaigns} campaigns of {ROUNDS} rounds, the same loop five times over, slowed by nothing, \
         1%, 2% and 5%: about {minutes:.1} min"
    ));
    let findings = trial(&about, campaigns, &progress)?;
    print_result(&match as_json {
        true => serde_json::to_string_pretty(&findings)? + "\n",
        false => findings.text(),
    })?;
    if let Some(signal) = findings.signal {
        let made = findings.campaigns;
        let _ = writeln!(
            io::stderr(),
            "interrupted by {signal}: that is what {made} of {campaigns} campaigns found"
        );
        return Ok(128 + signal as u8);
    }
    Ok(if findings.is_well() { 0 } else { FAILED })
}

fn campaigns(options: &SelftestOptions, lookup: Lookup<'_>) -> Result<u64, UsageError> {
    let given = given("--campaigns", options.campaigns.as_deref(), lookup);
    Ok(u64::from(
        given.map_or(Ok(CAMPAIGNS), |given| settings::at_least_one(&given, MOST_CAMPAIGNS))?,
    ))
}
