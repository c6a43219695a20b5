//! `harness resume DIR`: finishes a run that was cut short.

use clap::{Args, ValueHint};

use crate::campaign::progress::Progress;
use crate::campaign::{Campaign, Outcome};
use crate::plan;
use crate::record::{Build, Machine, Run, Session, StopReason};
use crate::registry::Registry;

use super::like::adopt_runners;
use super::options::DisplayOptions;
use super::settings;
use super::show;
use super::typed;
use super::values::{Lookup, UsageError, switch};

/// The options of `harness resume`.
#[derive(Debug, Args)]
pub struct ResumeOptions {
    /// The results directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: std::path::PathBuf,
    /// Even on another machine, or by another build: recorded in run.json
    #[arg(long)]
    pub force: bool,
    /// How much is shown.
    #[command(flatten)]
    pub display: DisplayOptions,
}

/// What came of it.
pub enum Resumed {
    /// There was nothing left to do, for that reason.
    Finished(StopReason),
    /// It was gone on with.
    Measured(Outcome),
}

/// Goes on with a run. It must fit: the same machine, the same executable, the
/// same thread variables; or `--force`, which is recorded with what differs.
pub fn resume(
    options: &ResumeOptions,
    lookup: Lookup<'_>,
    registry: &Registry,
) -> anyhow::Result<Resumed> {
    let dir = &options.dir;
    let refused = |problem: String| UsageError(format!("{}: {problem}", dir.display()));
    let run = Run::read(dir).map_err(|error| UsageError(format!("{error:#}")))?;
    let last = run.sessions.last().and_then(|session| session.stop_reason);
    if let Some(reason) = last.filter(|reason| *reason != StopReason::Interrupted) {
        return Ok(Resumed::Finished(reason));
    }
    let mut registry = registry.clone();
    adopt_runners(&run.plan, &mut registry).map_err(refused)?;
    plan::check(&run.plan, &registry).map_err(refused)?;
    let build = show::build();
    let differences = differences(&run, &build, lookup);
    let is_forced = switch("--force", options.force, lookup)?;
    if !(is_forced || differences.is_empty()) {
        return Err(refused(format!(
            "its plan no longer fits: {}; --force goes on all the same, and records it",
            differences.join("; ")
        ))
        .into());
    }
    settings::check_fits(&run.plan)?;
    let progress = Progress::new(settings::show(&options.display, lookup)?);
    differences.iter().for_each(|difference| progress.problem(&format!("forced: {difference}")));
    let command = typed::command(lookup);
    let session = Session { build, command, forced: differences, ..Session::default() };
    let outcome = Campaign::resume(&registry, &progress, run, dir, session)?;
    Ok(Resumed::Measured(outcome))
}

/// What is not as it was when the last session began, in words.
fn differences(run: &Run, build: &Build, lookup: Lookup<'_>) -> Vec<String> {
    let build_of_last = run.sessions.last().map(|session| &session.build);
    // An older version wrote down that of the first session only.
    let before = build_of_last.filter(|build| !build.version.is_empty()).unwrap_or(&run.build);
    let mut differences = Vec::new();
    let mut compare = |what: &str, before: String, now: String| {
        if before != now {
            differences.push(format!("{what} was {before} and is {now}"));
        }
    };
    compare("the executable", named(before), named(build));
    for ((what, before), (_, now)) in
        facts(&run.machine).into_iter().zip(facts(&crate::machine::inspect()))
    {
        compare(what, before, now);
    }
    let environment = show::thread_environment(lookup);
    let names = run.environment.keys().chain(environment.keys());
    let value = |of: &std::collections::BTreeMap<String, String>, name: &String| {
        of.get(name).cloned().unwrap_or_else(|| "not set".to_string())
    };
    let mut names: Vec<&String> = names.collect();
    names.sort();
    names.dedup();
    for name in names {
        compare(name, value(&run.environment, name), value(&environment, name));
    }
    differences
}

/// A build by what tells it from others.
fn named(build: &Build) -> String {
    let hash: String = build.executable_sha256.chars().take(12).collect();
    format!("{} ({hash})", build.version)
}

/// What makes a machine the same one.
fn facts(machine: &Machine) -> Vec<(&'static str, String)> {
    let or_unknown =
        |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_string());
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
