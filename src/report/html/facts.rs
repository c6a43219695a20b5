//! Machine, plan, sessions and build as pairs of words.

use std::path::Path;

use serde::Serialize;

use crate::analysis::Summary;
use crate::quantity::format_percent_short;
use crate::record::{
    Build, CommandPlan, Machine, OutputCheck, OutputPolicy, Plan, PlannedCommand, Run, Session,
};
use crate::view::number::{TIME, Unit, thousands};

/// A heading and the lines below it.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    heading: &'static str,
    lines: Vec<(String, String)>,
}

/// The facts of `run.json` on how the samples were made.
pub(super) fn of(summary: &Summary) -> Vec<Facts> {
    let run = &summary.run;
    let all = [
        ("Machine", machine(&run.machine)),
        ("Commands", run.plan.commands.as_ref().map_or(Vec::new(), commands)),
        ("Plan", plan(&run.plan)),
        ("Sessions", sessions(run)),
        ("Build", build(&run.build)),
        ("Environment", environment(run)),
    ];
    all.into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(heading, lines)| Facts { heading, lines })
        .collect()
}

/// The lines of which something is known.
fn known<const N: usize>(lines: [(&str, Option<String>); N]) -> Vec<(String, String)> {
    lines
        .into_iter()
        .filter_map(|(name, value)| {
            Some((name.to_string(), value.filter(|value| !value.is_empty())?))
        })
        .collect()
}

fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64)
}

fn time(ns: u64) -> String {
    let ns = ns as f64;
    Unit::fitting(&TIME, ns).write(ns)
}

fn machine(machine: &Machine) -> Vec<(String, String)> {
    let turbo = machine.turbo.map(|is_on| if is_on { "on" } else { "off" });
    let power = machine.on_battery.map(|is_on| if is_on { "battery" } else { "mains" });
    known([
        ("CPU", machine.cpu_model.clone()),
        ("usable CPUs", text(machine.usable_cpus)),
        ("usable cores", text(machine.usable_cores)),
        ("CPUs online", text(machine.online_cpus)),
        ("sockets", text(machine.sockets)),
        ("cores", text(machine.cores)),
        ("threads of a core", text(machine.threads_per_core)),
        ("core types", Some(machine.core_types.join("; "))),
        ("caches", Some(caches(machine))),
        ("NUMA nodes", text(machine.numa_nodes)),
        ("memory", machine.memory_bytes.map(gibibytes)),
        ("governor", machine.governor.clone()),
        ("turbo", text(turbo)),
        ("power", text(power)),
        ("hypervisor", machine.hypervisor.clone()),
        ("kernel", machine.kernel.clone()),
        ("quota", machine.quota_cpus.map(|cpus| format!("{cpus} CPUs"))),
        ("affinity", machine.affinity.clone()),
        ("load average", text(machine.load_average_1min)),
        ("host", machine.hostname.clone()),
    ])
}

/// The sizes of caches, and how many there are of each.
fn caches(machine: &Machine) -> String {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for cache in &machine.caches {
        let size = cache.size_bytes.map_or("?".to_string(), |bytes| thousands(bytes / 1024));
        let kind = format!("L{} {} {size} KiB", cache.level, cache.kind.to_lowercase());
        match kinds.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let counts = kinds.iter().map(|(kind, count)| format!("{count} × {kind}"));
    counts.collect::<Vec<_>>().join(", ")
}

fn plan(plan: &Plan) -> Vec<(String, String)> {
    let stopping = &plan.stopping;
    let precision = stopping.precision.map(|share| format!("±{}", format_percent_short(share)));
    let mut lines = known([
        ("cases", Some(thousands(plan.cases.len() as u64))),
        ("thread counts", Some(plan.nthread_source.clone())),
        ("draws", Some(plan.draws_rule.clone())),
        ("rounds at most", Some(stopping.rounds.to_string())),
        ("precision asked for", precision),
        ("time budget", stopping.time_budget_ns.map(time)),
        (
            "calls of a visit",
            Some(format!("{} to warm up, {} counted", plan.warmup, plan.iterations)),
        ),
        ("time limit of a visit", plan.timeout_ns.map(time)),
        ("seed of the order", Some(plan.order_seed.to_string())),
    ]);
    for (name, command) in &plan.runners {
        lines.push((format!("runner {name}"), command.join(" ")));
    }
    for skipped in &plan.skipped {
        let reason = format!("{}: {}", skipped.what, skipped.reason);
        lines.push((format!("left out: {}", skipped.backend), reason));
    }
    lines
}

/// A command line as it would be typed.
fn typed(words: &[String]) -> String {
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// The commands, what each of them finds around itself, and what is expected of it.
fn commands(commands: &CommandPlan) -> Vec<(String, String)> {
    let labelled =
        |command: &PlannedCommand| (format!("command {}", command.label), typed(&command.words));
    let mut lines: Vec<(String, String)> = commands.list.iter().map(labelled).collect();
    let output = match commands.output {
        OutputPolicy::Discard => "discarded",
        OutputPolicy::Keep => "kept",
        OutputPolicy::Show => "shown",
    };
    let codes: Vec<String> = commands.ok_codes.iter().map(i32::to_string).collect();
    lines.extend(known([
        ("before each run", commands.prepare.as_deref().map(typed)),
        ("after each run", commands.cleanup.as_deref().map(typed)),
        ("directory", commands.directory.as_deref().map(path)),
        ("stdin", commands.input.as_deref().map(path)),
        ("what they print", Some(output.to_string())),
        ("exit codes that are no failure", Some(codes.join(", "))),
        (
            "expected on stdout",
            commands.expect.as_ref().map(|expect| match expect {
                OutputCheck::Text(text) => format!("the text {text}"),
                OutputCheck::Pattern(pattern) => format!("what {pattern} matches"),
                OutputCheck::Same => "the same each time".to_string(),
                OutputCheck::Any => "anything; it was not read".to_string(),
            }),
        ),
    ]));
    lines.extend(commands.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
    lines
}

fn sessions(run: &Run) -> Vec<(String, String)> {
    let numbered = run.sessions.iter().enumerate();
    numbered.map(|(number, it)| (format!("session {number}"), session(run, it))).collect()
}

fn session(run: &Run, session: &Session) -> String {
    let end = session.end.as_deref().unwrap_or("(no end)");
    let mut words = vec![format!("{} to {end}", session.start)];
    words.extend(session.stop_reason.map(|reason| reason.to_string()));
    words.extend(
        session.other_load_cpus.map(|cpus| format!("others used {cpus:.2} CPUs before it")),
    );
    words.extend(session.forced.iter().map(|forced| format!("forced: {forced}")));
    for retired in &session.retired {
        let case = run.plan.cases.get(retired.case);
        let name = case.map_or("a case".to_string(), |case| case.title_with_count());
        words.push(format!("given up after round {}: {name}: {}", retired.round, retired.error));
    }
    words.join("; ")
}

fn build(build: &Build) -> Vec<(String, String)> {
    let dirty = if build.git_dirty { ", with changes" } else { "" };
    let commit = (!build.git_commit.is_empty()).then(|| format!("{}{dirty}", build.git_commit));
    known([
        ("harness", Some(build.version.clone())),
        ("commit", commit),
        ("compiler", Some(build.rustc.clone())),
        ("target", Some(build.target.clone())),
        ("target features", Some(build.target_features.clone())),
        ("optimisation", Some(build.opt_level.clone())),
        ("SHA-256 of the executable", Some(build.executable_sha256.clone())),
    ])
}

/// The variables that steer threads, and the clock that timed.
fn environment(run: &Run) -> Vec<(String, String)> {
    let clock = &run.clock;
    let mut lines: Vec<(String, String)> =
        run.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if !clock.source.is_empty() {
        let text = format!(
            "{}, resolution {} ns, {:.0} ns a reading",
            clock.source, clock.resolution_ns, clock.reading_ns
        );
        lines.push(("clock".to_string(), text));
    }
    lines
}
