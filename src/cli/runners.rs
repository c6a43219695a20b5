//! Runners that `--runner` names, and the originals of `--runners`.

use std::path::{Path, PathBuf};

use super::values::{Given, Lookup, UsageError, given, several};
use crate::registry::originals::{ORIGINALS, Original, obstacles, original};
use crate::registry::{ForeignRunner, Registry};

/// Adds the runners of `--runner`, or of the lines of its variable.
pub fn add_runners(
    registry: &mut Registry,
    typed: &[String],
    lookup: Lookup<'_>,
) -> Result<(), UsageError> {
    for given in several("--runner", typed, lookup) {
        let runner = parse_runner(&given)?;
        if registry.backend_names().contains(&runner.name.as_str()) {
            return Err(given.error(format!("there is a backend {:?} already", runner.name)));
        }
        registry.runners.push(runner);
    }
    Ok(())
}

/// Where the originals are looked for if nobody says so.
const RUNNERS: &str = "runners";

/// The directory of the originals, if there is one.
///
/// # Errors
/// If one that somebody named is none.
pub fn runners_dir(typed: Option<&str>, lookup: Lookup<'_>) -> Result<Option<PathBuf>, UsageError> {
    let is_dir = |dir: &Path| dir.is_dir().then(|| dir.to_path_buf());
    match given("--runners", typed, lookup) {
        None => Ok(is_dir(Path::new(RUNNERS))),
        Some(given) => match is_dir(Path::new(&given.text)) {
            Some(dir) => Ok(Some(dir)),
            None => Err(given.error(format!("{} is no directory", given.text))),
        },
    }
}

/// Adds those originals that `--backend` names: they take part only by name.
///
/// # Errors
/// If one cannot run here, with the reason.
pub fn add_originals(
    registry: &mut Registry,
    backends: Option<&str>,
    runners: Option<&str>,
    lookup: Lookup<'_>,
) -> Result<(), UsageError> {
    let Some(given) = given("--backend", backends, lookup) else {
        return Ok(());
    };
    let known: Vec<&str> = registry.backend_names();
    let named: Vec<&Original> = given
        .text
        .split(',')
        .map(str::trim)
        .filter(|name| !known.contains(name))
        .filter_map(original)
        .collect();
    let Some(first) = named.first() else { return Ok(()) };
    let Some(dir) = runners_dir(runners, lookup)? else {
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

/// Each original, and why it cannot run here, if it cannot.
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

/// `NAME=COMMAND`; the command is split as a shell would split it, and no shell
/// runs it.
fn parse_runner(given: &Given) -> Result<ForeignRunner, UsageError> {
    let example = "for example mine='python3 runner.py'";
    let Some((name, command)) = given.text.split_once('=') else {
        return Err(given.error(format!("{:?} is not NAME=COMMAND; {example}", given.text)));
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) || name == "all" {
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
