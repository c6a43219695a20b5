//! Commands to sweep: what was typed for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::conflicts::typed_flag;
use super::options::CommandOptions;
use super::placeholders::{self, Axes};
use super::program;
use super::typed;
use super::values::{Given, Lookup, Origin, UsageError, given, nearest, several, switch};
use crate::counts::{Level, THREAD_VARIABLES};
use crate::plan::Programs;
use crate::record::{Command, Commands, Expect, Output};

/// Who runs a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The harness itself: the text is split as a shell would split it.
    Harness,
    /// `/bin/sh`.
    Shell,
}

/// The commands that somebody asked for, if anybody did. `axes` are those of the
/// sweep; without an inner one, nothing may ask for its count.
///
/// # Errors
/// Bad usage, with the flag or variable.
pub fn commands(
    options: &CommandOptions,
    lookup: Lookup<'_>,
    axes: Axes,
) -> Result<Option<Programs>, UsageError> {
    let by = match switch("--shell", options.shell, lookup)? {
        true => By::Shell,
        false => By::Harness,
    };
    let Some(list) = list(options, lookup, by, axes)? else {
        return match typed_flag(options) {
            None => Ok(None),
            Some(flag) => Err(UsageError(format!(
                "{flag}: there is no command; write one behind --, or name it with --command"
            ))),
        };
    };
    let read = |flag, typed: &Option<String>| {
        let given = given(flag, typed.as_deref(), lookup);
        given.map(|given| placeholders::check(&given, axes).map(|()| given)).transpose()
    };
    let words = |given: Option<Given>| given.map(|it| words(&it, &it.text, by)).transpose();
    let baseline = read("--baseline", &options.baseline)?;
    let baseline = baseline.map(|given| command(&given, by)).transpose()?;
    check_labels(list.iter().chain(&baseline))?;
    let commands = Commands {
        environment: environment(options, lookup, axes)?,
        prepare: words(read("--prepare", &options.prepare)?)?,
        cleanup: words(read("--cleanup", &options.cleanup)?)?,
        directory: read("--working-dir", &options.working_dir)?.map(directory).transpose()?,
        input: read("--input", &options.input)?.map(input).transpose()?,
        output: output(options, lookup)?,
        ok_codes: ok_codes(options, lookup)?,
        expect: expect(options, lookup)?,
        list,
    };
    if by == By::Harness {
        program::check(&commands, baseline.as_ref())?;
    }
    Ok(Some(Programs { commands, baseline }))
}

/// The swept commands: what stands behind `--`, then those of `--command`. A
/// variable has no say where anything was typed.
fn list(
    options: &CommandOptions,
    lookup: Lookup<'_>,
    by: By,
    axes: Axes,
) -> Result<Option<Vec<Command>>, UsageError> {
    let mut list = Vec::new();
    if !options.words.is_empty() {
        list.push(behind_dashes(&options.words, by, axes)?);
    }
    let is_typed = !(options.words.is_empty() && options.command.is_empty());
    let variables: Lookup<'_> = if is_typed { &|_| None } else { lookup };
    for given in several("--command", &options.command, variables) {
        placeholders::check(&given, axes)?;
        list.push(command(&given, by)?);
    }
    Ok((!list.is_empty()).then_some(list))
}

/// The command behind `--`.
fn behind_dashes(words: &[String], by: By, axes: Axes) -> Result<Command, UsageError> {
    let given = Given { origin: Origin::Flag("--"), text: words.join(" ") };
    placeholders::check(&given, axes)?;
    let (label, words) = match (by, words) {
        (By::Harness, _) => (typed::line(words.iter().map(String::as_str)), words.to_vec()),
        (By::Shell, [text]) => (text.clone(), in_shell(text)),
        (By::Shell, _) => {
            return Err(given.error(format!(
                "--shell takes one word: quote the command, as in -- '{}'",
                given.text
            )));
        }
    };
    match words.first().is_some_and(|program| !program.trim().is_empty()) {
        true => Ok(Command { label: on_one_line(&label), words }),
        false => Err(given.error("the command is empty")),
    }
}

/// `[NAME=]COMMAND`.
fn command(given: &Given, by: By) -> Result<Command, UsageError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_name = |name: &str| !name.is_empty() && name.chars().all(is_plain);
    let (name, text) = match given.text.split_once('=').filter(|(name, _)| is_name(name)) {
        Some((name, _)) if THREAD_VARIABLES.iter().any(|variable| variable.name == name) => {
            return Err(given.error(format!(
                "{name} would be the name of the command; a variable is set with --env {name}=…"
            )));
        }
        Some((name, text)) => (Some(name), text),
        None => (None, given.text.as_str()),
    };
    let words = words(given, text, by)?;
    Ok(Command { label: name.map_or_else(|| on_one_line(text), str::to_string), words })
}

/// Program and arguments of a text.
fn words(given: &Given, text: &str, by: By) -> Result<Vec<String>, UsageError> {
    if text.trim().is_empty() {
        return Err(given.error("the command is empty; for example './prog -t {nthread}'"));
    }
    match (by, shlex::split(text)) {
        (By::Shell, _) => Ok(in_shell(text)),
        (By::Harness, Some(words)) if words.first().is_some_and(|word| !word.is_empty()) => {
            Ok(words)
        }
        (By::Harness, Some(_)) => Err(given.error(format!("{text:?} names no program"))),
        (By::Harness, None) => Err(given.error(format!("a quote in {text:?} is not closed"))),
    }
}

fn in_shell(text: &str) -> Vec<String> {
    ["/bin/sh", "-c", text].map(str::to_string).to_vec()
}

/// A text on one line, as a table has it, and harmless to a terminal. One that is both
/// stays as it is, so that a shell reads the label as it read the command.
fn on_one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.trim().to_string();
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    line.chars().map(shown).collect()
}

/// Rows refer to a command by its label.
fn check_labels<'a>(list: impl Iterator<Item = &'a Command>) -> Result<(), UsageError> {
    let mut labels: Vec<&str> = list.map(|command| command.label.as_str()).collect();
    labels.sort_unstable();
    match labels.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(UsageError(format!(
            "--command: two are called {:?}; name them, as in --command 'new={}'",
            pair[0], pair[0]
        ))),
    }
}

/// What the commands get: a template for each thread variable, and what `--env` says.
fn environment(
    options: &CommandOptions,
    lookup: Lookup<'_>,
    axes: Axes,
) -> Result<BTreeMap<String, String>, UsageError> {
    let mut environment = BTreeMap::new();
    if !switch("--no-thread-env", options.no_thread_env, lookup)? {
        let count = |level: Level| match (axes, level) {
            (Axes::Inner, Level::Inner) => "{inner}",
            (Axes::One, _) | (_, Level::Outer) => "{nthread}",
        };
        environment.extend(
            THREAD_VARIABLES.iter().map(|it| (it.name.to_string(), count(it.level).to_string())),
        );
    }
    let mut named: Vec<String> = Vec::new();
    for given in several("--env", &options.env, lookup) {
        placeholders::check(&given, axes)?;
        let (name, value) = variable(&given)?;
        if named.contains(&name) {
            return Err(given.error(format!("{name} is set twice")));
        }
        named.push(name.clone());
        environment.insert(name, value);
    }
    Ok(environment)
}

/// `NAME=VALUE`.
fn variable(given: &Given) -> Result<(String, String), UsageError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    match given.text.split_once('=') {
        Some((name, value))
            if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(is_plain) =>
        {
            Ok((name.to_string(), value.to_string()))
        }
        _ => Err(given.error(format!(
            "{:?} is not NAME=VALUE; for example MKL_DYNAMIC=false or THREADS={{nthread}}",
            given.text
        ))),
    }
}

/// Where the commands run.
fn directory(given: Given) -> Result<PathBuf, UsageError> {
    match placeholders::is_fixed(&given.text) && !Path::new(&given.text).is_dir() {
        true => Err(given.error(format!("{:?} is no directory", given.text))),
        false => Ok(PathBuf::from(&given.text)),
    }
}

/// What the commands read.
fn input(given: Given) -> Result<PathBuf, UsageError> {
    let path = PathBuf::from(&given.text);
    if !placeholders::is_fixed(&given.text) {
        return Ok(path);
    }
    // What is no plain file, a pipe say, must not be opened for a look.
    let looked = std::fs::metadata(&path).and_then(|it| match it.is_file() {
        true => std::fs::File::open(&path).map(drop),
        false => Ok(()),
    });
    match looked {
        Err(error) => Err(given.error(format!("cannot read {:?}: {error}", given.text))),
        Ok(()) if path.is_dir() => Err(given.error(format!("{:?} is a directory", given.text))),
        Ok(()) => Ok(path),
    }
}

fn output(options: &CommandOptions, lookup: Lookup<'_>) -> Result<Output, UsageError> {
    let Some(given) = given("--output", options.output.as_deref(), lookup) else {
        return Ok(Output::Discard);
    };
    match given.text.trim() {
        "discard" => Ok(Output::Discard),
        "keep" => Ok(Output::Keep),
        "show" => Ok(Output::Show),
        other => {
            let near = nearest(other, &["discard", "keep", "show"]);
            Err(given.error(format!("{other:?} is not discard, keep or show; {near}")))
        }
    }
}

/// Exit codes that are no failure.
fn ok_codes(options: &CommandOptions, lookup: Lookup<'_>) -> Result<Vec<i32>, UsageError> {
    let Some(given) = given("--ok-codes", options.ok_codes.as_deref(), lookup) else {
        return Ok(vec![0]);
    };
    let code = |part: &str| {
        let code: Option<u8> = part.trim().parse().ok();
        code.map(i32::from).ok_or_else(|| {
            given.error(format!("{part:?} is no exit code from 0 to 255; for example 0,1"))
        })
    };
    let mut codes = given.text.split(',').map(code).collect::<Result<Vec<i32>, _>>()?;
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}

/// What the commands must print.
fn expect(options: &CommandOptions, lookup: Lookup<'_>) -> Result<Option<Expect>, UsageError> {
    let typed = options.expect_stdout.as_deref();
    let Some(given) = given("--expect-stdout", typed, lookup) else { return Ok(None) };
    let pattern = given.text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    Ok(Some(match (given.text.as_str(), pattern) {
        ("same", _) => Expect::Same,
        (_, Some("")) => return Err(given.error("an empty expression matches everything")),
        (_, Some(pattern)) => match regex::Regex::new(pattern) {
            Ok(_) => Expect::Pattern(pattern.to_string()),
            Err(error) => return Err(given.error(error)),
        },
        (text, None) => Expect::Text(text.to_string()),
    }))
}
