//! Runners that `--runner` names.

use super::values::{Given, Lookup, Origin, UsageError, given};
use crate::registry::{ForeignRunner, Registry};

/// Adds the runners of `--runner`, or of the lines of its variable.
pub fn add_runners(
    registry: &mut Registry,
    typed: &[String],
    lookup: Lookup<'_>,
) -> Result<(), UsageError> {
    let given: Vec<Given> = if typed.is_empty() {
        let variable = given("--runner", None, lookup);
        let lines = variable.iter().flat_map(|given| given.text.lines());
        lines
            .filter(|line| !line.trim().is_empty())
            .map(|line| Given {
                origin: Origin::Variable("HARNESS_RUNNER".into()),
                text: line.into(),
            })
            .collect()
    } else {
        let flag = |text: &String| Given { origin: Origin::Flag("--runner"), text: text.clone() };
        typed.iter().map(flag).collect()
    };
    for given in given {
        let runner = parse_runner(&given)?;
        if registry.backend_names().contains(&runner.name.as_str()) {
            return Err(given.error(format!("there is a backend {:?} already", runner.name)));
        }
        registry.runners.push(runner);
    }
    Ok(())
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
