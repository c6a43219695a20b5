//! Runners of `--runner`, and reference implementations in `--runners`.

use std::path::{Path, PathBuf};

use super::commands::is_name;
use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::{Given, UsageError};
use crate::registry::originals::{ORIGINALS, Original, obstacles, original};
use crate::registry::{ForeignRunner, Registry};

/// Adds the runners of `--runner` to a registry.
pub fn add_runners(registry: &mut Registry, runners: &[Given]) -> Result<(), UsageError> {
    for given in runners {
        let runner = parse_runner(given)?;
        if registry.backend_names().contains(&runner.name.as_str()) {
            return Err(given.error(format!("there is already a backend {:?}", runner.name)));
        }
        registry.runners.push(runner);
    }
    Ok(())
}

/// Default directory of the reference implementations.
const RUNNERS: &str = "runners";

/// The directory of the reference implementations; `None` if the default one does not exist.
///
/// # Errors
/// If the given one does not exist.
pub fn runners_dir(runners: Option<&Given>) -> Result<Option<PathBuf>, UsageError> {
    let dir = PathBuf::from(runners.map_or(RUNNERS, |given| &given.text));
    match runners.filter(|_| !dir.is_dir()) {
        Some(given) => Err(given.error(format!("{} is not a directory", given.text))),
        None => Ok(dir.is_dir().then_some(dir)),
    }
}

/// Adds the reference implementations that `--backend` names.
///
/// # Errors
/// If one cannot run here, with the reason.
pub fn add_originals(registry: &mut Registry, options: &SweepOptions) -> Result<(), UsageError> {
    let Some(given) = &options.backend else { return Ok(()) };
    let known: Vec<&str> = registry.backend_names();
    let named: Vec<&Original> = given
        .text
        .split(',')
        .map(str::trim)
        .filter(|name| !known.contains(name))
        .filter_map(original)
        .collect();
    let Some(first) = named.first() else { return Ok(()) };
    let Some(dir) = runners_dir(options.runners.as_ref())? else {
        return Err(given.error(format!("{} cannot run here: {}", first.name, no_dir())));
    };
    for (original, obstacle) in obstacles(&named, &dir) {
        if let Some(reason) = obstacle {
            return Err(given.error(format!("{} cannot run here: {reason}", original.name)));
        }
        if registry.runner(original.name).is_none() {
            registry.runners.push(original.runner(&dir));
        }
    }
    Ok(())
}

/// All reference implementations, each with the reason why it cannot run here, if there is one.
pub fn list_originals(dir: Option<&Path>) -> Vec<(&'static Original, Option<String>)> {
    let all: Vec<&Original> = ORIGINALS.iter().collect();
    match dir {
        Some(dir) => obstacles(&all, dir),
        None => all.into_iter().map(|original| (original, Some(no_dir()))).collect(),
    }
}

fn no_dir() -> String {
    format!("there is no directory {RUNNERS}/ here; --runners names the one of the sources")
}

/// Parses `NAME=COMMAND`. The command is split as a shell does, but runs without one.
fn parse_runner(given: &Given) -> Result<ForeignRunner, UsageError> {
    let example = "for example mine='python3 runner.py'";
    let Some((name, command)) = given.text.split_once('=') else {
        return Err(given.error(format!("{:?} is not NAME=COMMAND; {example}", given.text)));
    };
    if !is_name(name) || name == "all" {
        return Err(given.error(format!(
            "{name:?} cannot be a name: letters, digits, '-', '_' and '.' can; {example}"
        )));
    }
    match shlex::split(command) {
        Some(command) if !command.is_empty() => {
            Ok(ForeignRunner { name: name.to_string(), command })
        }
        Some(_) => Err(given.error(format!("{name} has no command; {example}"))),
        None => Err(given.error(format!("a quote in {command:?} is not closed"))),
    }
}
