//! Measurement of a sweep, and the report at its end.

use std::io::{self, Write as _};
use std::path::Path;

use super::args::display::DisplayOptions;
use super::given::{UsageError, variable};
use super::output::print_result;
use super::rules::{Settings, show};
use super::{command_line, provenance};
use crate::analysis::Summary;
use crate::campaign::progress::Progress;
use crate::campaign::{Campaign, CampaignError, Outcome};
use crate::record::{Machine, Plan, Run};
use crate::report::{Depth, Style};

/// Exit code of a run or check that failed.
pub const FAILED: u8 = 1;
/// Exit code of bad usage and unreadable input.
pub const USAGE: u8 = 2;

/// Number of warnings at the end of a run; `harness report` shows all.
const WARNINGS: usize = 2;

/// Measures the plan of `settings` into its results directory.
pub fn measure(
    settings: Settings,
    machine: Machine,
    display: &DisplayOptions,
) -> anyhow::Result<Outcome> {
    let progress = Progress::new(show(display)?);
    settings.notes.iter().for_each(|note| progress.note(note));
    provenance::unknown_variables().iter().for_each(|note| progress.note(note));
    for skipped in &settings.plan.skipped {
        let (backend, what, reason) = (&skipped.backend, &skipped.what, &skipped.reason);
        progress.note(&format!("left out: {backend}, {what}: {reason}"));
    }
    let run = run_record(settings.plan, machine);
    if run.build.opt_level == "0" {
        progress.problem("this is a debug build: build with --release for meaningful times");
    }
    let campaign = Campaign::new(&settings.registry, &progress, run, &settings.out)?;
    Ok(campaign.measure(&settings.draws, settings.budget)?)
}

/// The record of a run that starts now.
pub fn run_record(plan: Plan, machine: Machine) -> Run {
    Run {
        plan,
        sessions: Vec::new(),
        machine,
        build: provenance::build(),
        environment: provenance::thread_environment(&variable),
        clock: crate::machine::clock::inspect(),
        command: command_line::of_process(&variable),
    }
}

/// Reports the end of a run: the table, files and plots, or how to get them later. Returns the
/// exit code.
pub fn conclude(dir: &Path, outcome: Outcome, style: Style) -> anyhow::Result<u8> {
    if let Some(signal) = outcome.signal {
        let dir = dir.display();
        let _ = writeln!(
            io::stderr(),
            "interrupted by {signal}: all complete visits are in {dir}; `harness resume {dir}` \
             continues the run, `harness report {dir}` reports what is there"
        );
        return Ok(128 + signal as u8);
    }
    // The table comes first, so that a full disk does not hide the results.
    let summary = crate::report::read(dir)?;
    let warnings = crate::report::warnings(&summary, WARNINGS);
    let page = crate::report::page(&summary, style, Depth::Answer);
    print_result(&(page + &warnings))?;
    crate::report::write_all(&summary, dir)?;
    // The files that a user opens first.
    let files = match summary.run.plan.preset {
        _ if !cfg!(feature = "reports") => "samples.csv, summary.csv",
        preset if preset.is_crossover() => "report.html, samples.csv, crossover.png",
        preset if preset.is_metg() => "report.html, samples.csv, granularity.png",
        _ => "report.html, samples.csv, speedup.png",
    };
    print_result(&format!("files: {} ({files} …)\n", dir.display()))?;
    Ok(if outcome.failures > 0 || lacks_pairs(&summary) { FAILED } else { 0 })
}

/// True if the run ended before any case had a pair with its baseline.
fn lacks_pairs(summary: &Summary) -> bool {
    let compared = || summary.cases.iter().filter(|case| !case.is_baseline());
    compared().count() > 0 && compared().all(|case| case.pairs_all == 0)
}

/// The exit code of an error.
pub fn exit_code_of(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<CampaignError>() {
        Some(CampaignError::CreateDir(..) | CampaignError::NotEntered) => USAGE,
        Some(CampaignError::Interrupted(signal)) => 128 + *signal as u8,
        None if error.is::<UsageError>() => USAGE,
        _ => FAILED,
    }
}
