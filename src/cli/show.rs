//! What `list` prints, and what `run.json` says of build and
//! environment.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::CommandFactory as _;
use sha2::{Digest as _, Sha256};

use super::options::Cli;
use super::values::{Lookup, nearest, variable_of};
use crate::counts::THREAD_VARIABLES;
use crate::record::Build;
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

/// The long flags of a sweep, in their order.
pub fn option_flags() -> Vec<String> {
    let command = Cli::command();
    let flags = command.get_arguments().filter_map(|argument| argument.get_long());
    let has_no_variable = ["help", "version"];
    flags.filter(|flag| !has_no_variable.contains(flag)).map(|flag| format!("--{flag}")).collect()
}

/// This build, in a line.
pub fn build_line() -> String {
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
    THREAD_VARIABLES.iter().map(|variable| variable.name).chain([ISA_VARIABLE])
}
