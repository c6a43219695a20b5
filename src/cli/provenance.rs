//! Provenance of a run: its build and its environment variables.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::args::sweep::sweep_flags;
use super::given::{Lookup, nearest, variable_of};
use crate::counts::THREAD_VARIABLES;
use crate::record::Build;
use crate::runner::ISA_VARIABLE;

/// One note for each `HARNESS_` variable that no option of a sweep has.
pub fn unknown_variables() -> Vec<String> {
    let known: Vec<String> = sweep_flags()
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

/// The build for run.json.
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

/// The values of the variables that affect threads or the kernel.
pub fn thread_environment(lookup: Lookup<'_>) -> BTreeMap<String, String> {
    let names = THREAD_VARIABLES.iter().map(|variable| variable.name).chain([ISA_VARIABLE]);
    names.filter_map(|name| Some((name.to_string(), lookup(name)?))).collect()
}
