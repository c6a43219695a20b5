//! Commands to sweep: what was typed for them.

use super::options::CommandOptions;
use super::values::{Lookup, UsageError};
use crate::nthread::{Level, VARIABLES};
use crate::record::{Command, Commands};

/// The commands that somebody asked for, if anybody did, and the one of them that is
/// the baseline at its smallest count.
pub fn commands(
    options: &CommandOptions,
    _lookup: Lookup<'_>,
    inner: &[u32],
) -> Result<Option<Commands>, UsageError> {
    if options.words.is_empty() && options.command.is_empty() {
        return Ok(None);
    }
    let mut list: Vec<Command> = Vec::new();
    for text in &options.command {
        let words = shlex::split(text).unwrap_or_default();
        list.push(Command { label: text.clone(), words });
    }
    if !options.words.is_empty() {
        list.push(Command { label: options.words.join(" "), words: options.words.clone() });
    }
    let text = |level: Level| match (level, inner.is_empty()) {
        (Level::Outer, _) | (_, true) => "{nthread}".to_string(),
        (Level::Inner, false) => "{inner}".to_string(),
    };
    let environment = VARIABLES.iter().map(|it| (it.name.to_string(), text(it.level))).collect();
    Ok(Some(Commands { list, environment, ok_codes: vec![0], ..Commands::default() }))
}
