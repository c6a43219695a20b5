//! What `list` and `env` print, and what `run.json` says of build and
//! environment.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::CommandFactory as _;
use sha2::{Digest as _, Sha256};

use super::options::Cli;
use super::values::{Lookup, nearest, variable_of};
use crate::kernel::Isa;
use crate::machine::{self, Cpus, Limit, Places, limits};
use crate::nthread::VARIABLES;
use crate::record::{Build, Machine};
use crate::registry::Registry;
use crate::registry::originals::Original;
use crate::runner::ISA_VARIABLE;

/// Kernels, backends and originals, and whether each can run here.
pub fn list(registry: &Registry, originals: &[(&Original, Option<String>)]) -> String {
    let names = registry.kernel_names().into_iter().chain(registry.backend_names());
    let names = names.chain(originals.iter().map(|(original, _)| original.name));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::from("kernels\n");
    for kernel in &registry.kernels {
        let _ = writeln!(text, "  {:<width$} {}", kernel.name(), kernel.about());
    }
    text.push_str("backends (the first schedule is the default)\n");
    for name in registry.backend_names() {
        let (about, schedules) = match (registry.backend(name), registry.runner(name)) {
            (Some(backend), _) => {
                let schedules: Vec<_> = backend.schedules().iter().map(|s| s.name()).collect();
                (backend.about().to_string(), schedules.join(", "))
            }
            (None, Some(runner)) => {
                (format!("runner: {}", runner.command.join(" ")), "its own".to_string())
            }
            (None, None) => continue,
        };
        let _ = writeln!(text, "  {name:<width$} {about} [{schedules}]");
        if let Some(reason) = registry.obstacle(name) {
            let _ = writeln!(text, "  {:<width$} CANNOT RUN HERE: {reason}", "");
        }
    }
    text.push_str("originals in Python and C (only where -b names them)\n");
    // Where one thing is missing for all, it is said once.
    let common = originals.first().and_then(|(_, reason)| reason.as_ref());
    let common = common.filter(|_| originals.iter().all(|(_, reason)| reason.as_ref() == common));
    for (original, reason) in originals {
        let _ = writeln!(text, "  {:<width$} {}", original.name, original.about);
        if let Some(reason) = reason.as_ref().filter(|_| common.is_none()) {
            let _ = writeln!(text, "  {:<width$} CANNOT RUN HERE: {reason}", "");
        }
    }
    if let Some(reason) = common {
        let _ = writeln!(text, "  NONE CAN RUN HERE: {reason}");
    }
    text
}

/// A remark for each variable that looks like an option and is none.
pub fn unknown_variables() -> Vec<String> {
    let known: Vec<String> = option_flags()
        .iter()
        .map(|flag| variable_of(flag))
        .chain([ISA_VARIABLE.to_string()])
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> = names
        .filter(|name| name.starts_with("HARNESS_") && !known.contains(&name.as_str()))
        .map(|name| {
            format!("{name} is no option of a sweep and is ignored; {}", nearest(&name, &known))
        })
        .collect();
    unknown.sort_unstable();
    unknown
}

/// The machine and the thread settings as seen, and where each comes from.
pub fn environment(lookup: Lookup<'_>) -> String {
    let (machine, cpus) = (machine::inspect(), Cpus::read());
    let mut text = String::from("machine\n");
    for (name, value) in facts(&machine, &cpus) {
        let _ = writeln!(text, "  {name:<16} {value}");
    }
    let _ = writeln!(text, "  {:<16} {}", "build", build_line());
    text.push_str("thread variables\n");
    for name in thread_variables() {
        let value = lookup(name).unwrap_or_else(|| "not set".to_string());
        let _ = writeln!(text, "  {name:<24} {value}");
    }
    text.push_str("options\n");
    for flag in option_flags() {
        let variable = variable_of(&flag);
        match lookup(&variable) {
            Some(value) => drop(writeln!(text, "  {flag:<16} {value}  (from {variable})")),
            None => drop(writeln!(text, "  {flag:<16} default  ({variable} is not set)")),
        }
    }
    text
}

/// The long flags of a sweep, in their order.
pub fn option_flags() -> Vec<String> {
    let command = Cli::command();
    let flags = command.get_arguments().filter_map(|argument| argument.get_long());
    let has_no_variable = ["help", "version"];
    flags.filter(|flag| !has_no_variable.contains(flag)).map(|flag| format!("--{flag}")).collect()
}

/// What is known of the machine, line by line.
fn facts(machine: &Machine, cpus: &Cpus) -> Vec<(&'static str, String)> {
    let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_string());
    let limit = match cpus.limit {
        Limit::Affinity => "the affinity mask",
        Limit::Quota => "the cgroup quota",
        Limit::Online => "the CPUs online",
    };
    let quota = machine.quota_cpus.map_or("none".to_string(), |quota| format!("{quota} CPUs"));
    let (places, workers) = (Places::read(), cpus.usable as usize);
    let placed = |cpus: Vec<usize>| {
        let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
        format!("{workers} workers on CPUs {}", cpus.join(", "))
    };
    let threads = limits::thread_limit(std::path::Path::new("/"));
    vec![
        ("host", or_unknown(machine.hostname.clone())),
        ("CPU", or_unknown(machine.cpu_model.clone())),
        ("usable CPUs", format!("{} (by {limit})", cpus.usable)),
        ("affinity", or_unknown(machine.affinity.clone())),
        ("cgroup quota", quota),
        ("online", cpus.online.to_string()),
        ("physical cores", format!("{} within the mask", cpus.cores)),
        ("pin close", placed(places.close(workers))),
        ("pin spread", placed(places.spread(workers))),
        ("SMT", or_unknown(machine.threads_per_core.map(|n| format!("{n} threads a core")))),
        ("instructions", Isa::available().map(Isa::name).collect::<Vec<_>>().join(", ")),
        ("governor", or_unknown(machine.governor.clone())),
        ("hypervisor", machine.hypervisor.clone().unwrap_or_else(|| "none".to_string())),
        ("kernel", or_unknown(machine.kernel.clone())),
        ("thread limit", threads.map_or("none".to_string(), |room| format!("{room} more"))),
        ("load", or_unknown(machine.load_average_1min.map(|load| format!("{load:.2} over 1 min")))),
    ]
}

fn build_line() -> String {
    let dirty = if env!("NTHREAD_DIRTY") == "true" { ", with uncommitted changes" } else { "" };
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("NTHREAD_COMMIT"));
    let (rustc, level) = (env!("NTHREAD_RUSTC"), env!("NTHREAD_OPT_LEVEL"));
    format!("{version} ({commit}{dirty}), {rustc}, opt-level {level}")
}

/// What measured, for the record.
pub fn build() -> Build {
    Build {
        version: env!("CARGO_PKG_VERSION").to_string(),
        git_commit: env!("NTHREAD_COMMIT").to_string(),
        git_dirty: env!("NTHREAD_DIRTY") == "true",
        executable_sha256: executable_sha256().unwrap_or_default(),
        rustc: env!("NTHREAD_RUSTC").to_string(),
        target: env!("NTHREAD_TARGET").to_string(),
        target_features: env!("NTHREAD_TARGET_FEATURES").to_string(),
        opt_level: env!("NTHREAD_OPT_LEVEL").to_string(),
    }
}

fn executable_sha256() -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut std::fs::File::open("/proc/self/exe")?, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The variables that steer threads, as they are set.
pub fn thread_environment(lookup: Lookup<'_>) -> BTreeMap<String, String> {
    let names = thread_variables();
    names.filter_map(|name| Some((name.to_string(), lookup(name)?))).collect()
}

/// Every variable that steers threads, or the form of the kernel.
fn thread_variables() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|variable| variable.name).chain([ISA_VARIABLE])
}
