//! `harness resume`: continuation of an interrupted run.

use std::collections::BTreeSet;

use clap::{ArgAction, Args, ValueHint};

use crate::campaign::Campaign;
use crate::campaign::progress::Progress;
use crate::plan;
use crate::record::{Build, Machine, Run, Session, StopReason};
use crate::registry::Registry;

use super::environment::or_unknown;
use super::like::add_runners_of;
use crate::cli::args::display::DisplayOptions;
use crate::cli::given::{Switch, UsageError, variable};
use crate::cli::measure::conclude;
use crate::cli::output::{print_result, style};
use crate::cli::{command_line, provenance, rules};

/// The options of `harness resume`.
#[derive(Debug, Args)]
pub struct ResumeOptions {
    /// Results directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: std::path::PathBuf,
    /// Continue on a different machine or with a different build, too; run.json records the differences
    #[arg(long, action = ArgAction::SetTrue)]
    pub force: Switch,
    /// The options of the progress and the table.
    #[command(flatten)]
    pub display: DisplayOptions,
}

/// Continues a run and reports it. Machine, executable and thread variables must be the same,
/// unless `--force` is given, which records the differences.
pub fn resume(options: &ResumeOptions, registry: &Registry) -> anyhow::Result<u8> {
    let style = style(options.display.color.as_ref())?;
    let dir = &options.dir;
    let refused = |problem: String| UsageError(format!("{}: {problem}", dir.display()));
    let run = Run::read(dir).map_err(|error| UsageError(format!("{error:#}")))?;
    let last = run.sessions.last().and_then(|session| session.stop_reason);
    if let Some(reason) = last.filter(|reason| *reason != StopReason::Interrupted) {
        return print_result(&format!(
            "{dir} is already finished ({reason}); `harness report {dir}` shows it\n",
            dir = dir.display(),
        ));
    }
    let mut registry = registry.clone();
    add_runners_of(&run.plan, &mut registry).map_err(refused)?;
    plan::check(&run.plan, &registry).map_err(refused)?;
    let build = provenance::build();
    let differences = differences(&run, &build);
    if !(options.force.is_on()? || differences.is_empty()) {
        return Err(refused(format!(
            "the run cannot continue as it began: {}; --force continues anyway and records it",
            differences.join("; ")
        ))
        .into());
    }
    rules::check_fits(&run.plan)?;
    let progress = Progress::new(rules::show(&options.display)?);
    differences.iter().for_each(|difference| progress.problem(&format!("forced: {difference}")));
    let command = command_line::of_process(&variable);
    let session = Session { build, command, forced: differences, ..Session::default() };
    let outcome = Campaign::resume(&registry, &progress, run, dir, session)?;
    conclude(dir, outcome, style)
}

/// The differences between the last session and now, each as a sentence.
fn differences(run: &Run, build: &Build) -> Vec<String> {
    let build_of_last = run.sessions.last().map(|session| &session.build);
    // Older versions recorded the build of the first session only.
    let before = build_of_last.filter(|build| !build.version.is_empty()).unwrap_or(&run.build);
    let mut facts = vec![("the executable", named(before), named(build))];
    let now = machine_facts(&crate::machine::inspect()).into_iter().map(|(_, now)| now);
    for ((what, before), now) in machine_facts(&run.machine).into_iter().zip(now) {
        facts.push((what, before, now));
    }
    let environment = provenance::thread_environment(&variable);
    let names: BTreeSet<&String> = run.environment.keys().chain(environment.keys()).collect();
    for name in names {
        let [before, now] = [&run.environment, &environment]
            .map(|values| values.get(name).map_or("not set", String::as_str).to_string());
        facts.push((name, before, now));
    }
    // Facts that both sessions share need no consent.
    facts.retain(|(_, before, now)| before != now);
    facts
        .into_iter()
        .map(|(what, before, now)| format!("{what} was {before} and is {now}"))
        .collect()
}

/// The version and hash of a build.
fn named(build: &Build) -> String {
    let hash: String = build.executable_sha256.chars().take(12).collect();
    format!("{} ({hash})", build.version)
}

/// The facts by which a machine counts as the same one.
fn machine_facts(machine: &Machine) -> Vec<(&'static str, String)> {
    vec![
        ("the host", or_unknown(&machine.hostname)),
        ("the CPU", or_unknown(&machine.cpu_model)),
        ("the kernel", or_unknown(&machine.kernel)),
        ("the affinity mask", or_unknown(&machine.affinity)),
        ("the number of usable CPUs", machine.usable_cpus.unwrap_or(0).to_string()),
        ("the governor", or_unknown(&machine.governor)),
        ("the quota", format!("{} CPUs", machine.quota_cpus.unwrap_or(f64::INFINITY))),
        ("the memory", format!("{} bytes", machine.memory_bytes.unwrap_or(0))),
    ]
}
