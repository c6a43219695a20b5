//! Commands to sweep, from their options.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::placeholders::{self, Axes};
use super::program_check;
use crate::cli::args::command::CommandOptions;
use crate::cli::command_line::quoted;
use crate::cli::given::{Given, Source, UsageError, nearest};
use crate::counts::{Level, THREAD_VARIABLES};
use crate::plan::CommandRequest;
use crate::record::{CommandPlan, OutputCheck, OutputPolicy, PlannedCommand};

/// The way to start a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Without a shell: the text is split into words as a shell does.
    Directly,
    /// With `/bin/sh`.
    InShell,
}

/// The commands of the options, if there are any. `axes` are those of the sweep.
///
/// # Errors
/// Bad usage, with the flag or variable.
pub fn commands(
    options: &CommandOptions,
    axes: Axes,
) -> Result<Option<CommandRequest>, UsageError> {
    let start = if options.shell.is_on()? { Start::InShell } else { Start::Directly };
    let list = list(options, start, axes)?;
    if list.is_empty() {
        return match options.flag() {
            None => Ok(None),
            Some(flag) => Err(UsageError(format!(
                "{flag}: there is no command; write one after --, or name it with --command"
            ))),
        };
    }
    let single = [
        &options.baseline,
        &options.prepare,
        &options.cleanup,
        &options.working_dir,
        &options.input,
    ];
    single.into_iter().flatten().try_for_each(|given| placeholders::check(given, axes))?;
    let hook = |given: &Given| words(given, &given.text, start);
    let baseline = options.baseline.as_ref().map(|given| command(given, start)).transpose()?;
    check_labels(list.iter().chain(&baseline))?;
    let commands = CommandPlan {
        environment: environment(options, axes)?,
        prepare: options.prepare.as_ref().map(hook).transpose()?,
        cleanup: options.cleanup.as_ref().map(hook).transpose()?,
        directory: options.working_dir.as_ref().map(directory).transpose()?,
        input: options.input.as_ref().map(input).transpose()?,
        output: options.output.as_ref().map_or(Ok(OutputPolicy::Discard), output)?,
        ok_codes: options.ok_codes.as_ref().map_or(Ok(vec![0]), ok_codes)?,
        expect: options.expect_stdout.as_ref().map(expect).transpose()?,
        list,
    };
    // A shell finds its own built-ins and functions, so nothing can be said about its programs.
    if start == Start::Directly {
        program_check::check(&commands, baseline.as_ref())?;
    }
    Ok(Some(CommandRequest { commands, baseline }))
}

/// The commands to sweep: the one after `--`, then those of `--command`. The variable of
/// `--command` is ignored if the command line has a command.
fn list(
    options: &CommandOptions,
    start: Start,
    axes: Axes,
) -> Result<Vec<PlannedCommand>, UsageError> {
    let mut list = Vec::new();
    if !options.words.is_empty() {
        list.push(command_after_dashes(&options.words, start, axes)?);
    }
    for given in options.command.iter().filter(|given| options.words.is_empty() || given.is_flag())
    {
        placeholders::check(given, axes)?;
        list.push(command(given, start)?);
    }
    Ok(list)
}

/// The command after `--`.
fn command_after_dashes(
    words: &[String],
    start: Start,
    axes: Axes,
) -> Result<PlannedCommand, UsageError> {
    let given = Given { source: Source::Flag("--".to_string()), text: words.join(" ") };
    placeholders::check(&given, axes)?;
    let (label, words) = match (start, words) {
        (Start::Directly, _) => {
            let label = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            (label, words.to_vec())
        }
        (Start::InShell, [text]) => (text.clone(), in_shell(text)),
        (Start::InShell, _) => {
            return Err(given.error(format!(
                "--shell takes one word: quote the command, as in -- '{}'",
                given.text
            )));
        }
    };
    match words.first().is_some_and(|program| !program.trim().is_empty()) {
        true => Ok(PlannedCommand { label: on_one_line(&label), words }),
        false => Err(given.error("the command is empty")),
    }
}

/// Returns `true` if a text can name a command, a runner or a variable.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Parses `[NAME=]COMMAND`.
fn command(given: &Given, start: Start) -> Result<PlannedCommand, UsageError> {
    let (name, text) = match given.text.split_once('=').filter(|(name, _)| is_name(name)) {
        Some((name, _)) if THREAD_VARIABLES.iter().any(|variable| variable.name == name) => {
            return Err(given.error(format!(
                "{name} would be the name of the command; a variable is set with --env {name}=…"
            )));
        }
        Some((name, text)) => (Some(name), text),
        None => (None, given.text.as_str()),
    };
    let words = words(given, text, start)?;
    Ok(PlannedCommand { label: name.map_or_else(|| on_one_line(text), str::to_string), words })
}

/// The words of a text: the program and its arguments.
fn words(given: &Given, text: &str, start: Start) -> Result<Vec<String>, UsageError> {
    if text.trim().is_empty() {
        return Err(given.error("the command is empty; for example './prog -t {nthread}'"));
    }
    match (start, shlex::split(text)) {
        (Start::InShell, _) => Ok(in_shell(text)),
        (Start::Directly, Some(words)) if words.first().is_some_and(|word| !word.is_empty()) => {
            Ok(words)
        }
        (Start::Directly, Some(_)) => Err(given.error(format!("{text:?} has no program"))),
        (Start::Directly, None) => Err(given.error(format!("a quote in {text:?} is not closed"))),
    }
}

fn in_shell(text: &str) -> Vec<String> {
    ["/bin/sh", "-c", text].map(str::to_string).to_vec()
}

/// A text on one line without control characters, for tables and terminals. A text that has none
/// keeps its spaces, so that a shell splits the label into the same words.
fn on_one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.trim().to_string();
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown = String::new();
    for c in line.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Checks that labels are unique, since rows refer to a command by its label.
fn check_labels<'a>(list: impl Iterator<Item = &'a PlannedCommand>) -> Result<(), UsageError> {
    let mut labels: Vec<&str> = list.map(|command| command.label.as_str()).collect();
    labels.sort_unstable();
    match labels.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(UsageError(format!(
            "--command: two commands have the label {:?}; name them, as in --command 'new={}'",
            pair[0], pair[0]
        ))),
    }
}

/// The environment of the commands: templates of the thread variables, then `--env`.
fn environment(
    options: &CommandOptions,
    axes: Axes,
) -> Result<BTreeMap<String, String>, UsageError> {
    let mut environment = BTreeMap::new();
    if !options.no_thread_env.is_on()? {
        for variable in THREAD_VARIABLES {
            let placeholder = match (axes, variable.level) {
                (Axes::NthreadAndInner, Level::Inner) => "{inner}",
                (Axes::Nthread, _) | (_, Level::Outer) => "{nthread}",
            };
            environment.insert(variable.name.to_string(), placeholder.to_string());
        }
    }
    let mut names: Vec<String> = Vec::new();
    for given in &options.env {
        placeholders::check(given, axes)?;
        let (name, value) = variable(given)?;
        if names.contains(&name) {
            return Err(given.error(format!("{name} is set twice")));
        }
        names.push(name.clone());
        environment.insert(name, value);
    }
    Ok(environment)
}

/// Parses `NAME=VALUE`.
fn variable(given: &Given) -> Result<(String, String), UsageError> {
    match given.text.split_once('=') {
        Some((name, value))
            if is_name(name) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') =>
        {
            Ok((name.to_string(), value.to_string()))
        }
        _ => Err(given.error(format!(
            "{:?} is not NAME=VALUE; for example MKL_DYNAMIC=false or THREADS={{nthread}}",
            given.text
        ))),
    }
}

/// The directory in which the commands run.
fn directory(given: &Given) -> Result<PathBuf, UsageError> {
    match placeholders::is_fixed(&given.text) && !Path::new(&given.text).is_dir() {
        true => Err(given.error(format!("{:?} is not a directory", given.text))),
        false => Ok(PathBuf::from(&given.text)),
    }
}

/// The file that the commands read on stdin.
fn input(given: &Given) -> Result<PathBuf, UsageError> {
    let path = PathBuf::from(&given.text);
    if !placeholders::is_fixed(&given.text) {
        return Ok(path);
    }
    // Only a regular file is opened for the check: opening a pipe could block.
    let readable = std::fs::metadata(&path).and_then(|file| match file.is_file() {
        true => std::fs::File::open(&path).map(drop),
        false => Ok(()),
    });
    match readable {
        Err(error) => Err(given.error(format!("cannot read {:?}: {error}", given.text))),
        Ok(()) if path.is_dir() => Err(given.error(format!("{:?} is a directory", given.text))),
        Ok(()) => Ok(path),
    }
}

fn output(given: &Given) -> Result<OutputPolicy, UsageError> {
    match given.text.trim() {
        "discard" => Ok(OutputPolicy::Discard),
        "keep" => Ok(OutputPolicy::Keep),
        "show" => Ok(OutputPolicy::Show),
        other => {
            let hint = nearest(other, &["discard", "keep", "show"]);
            Err(given.error(format!("{other:?} is not discard, keep or show; {hint}")))
        }
    }
}

/// The exit codes that count as success.
fn ok_codes(given: &Given) -> Result<Vec<i32>, UsageError> {
    let mut codes = Vec::new();
    for part in given.text.split(',') {
        match part.trim().parse::<u8>() {
            Ok(code) => codes.push(i32::from(code)),
            Err(_) => {
                let problem =
                    format!("{part:?} is not an exit code from 0 to 255; for example 0,1");
                return Err(given.error(problem));
            }
        }
    }
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}

/// The output to expect.
fn expect(given: &Given) -> Result<OutputCheck, UsageError> {
    // A text that begins and ends with a slash is a pattern, as in sed.
    let pattern = given.text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    match (given.text.as_str(), pattern) {
        ("same", _) => Ok(OutputCheck::Same),
        ("any", _) => Ok(OutputCheck::Any),
        (_, Some("")) => Err(given.error("an empty regular expression matches everything")),
        (_, Some(pattern)) => {
            regex::Regex::new(pattern).map_err(|error| given.error(error))?;
            Ok(OutputCheck::Pattern(pattern.to_string()))
        }
        (text, None) => Ok(OutputCheck::Text(text.to_string())),
    }
}
