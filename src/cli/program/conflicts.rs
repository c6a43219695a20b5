//! Options that exclude each other: those of backends and those of commands.

use crate::cli::args::command::CommandOptions;
use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::{Given, UsageError};
use crate::record::{CommandPlan, Preset};

/// The first of several options that is on the command line.
fn first_flag<'a>(options: &[Option<&'a Given>]) -> Option<&'a str> {
    options.iter().find_map(|given| given.as_ref()?.flag())
}

impl SweepOptions {
    /// The first option on the command line that decides about thread counts.
    pub fn counts_flag(&self) -> Option<&str> {
        first_flag(&[self.nthread.as_ref(), self.inner_nthread.as_ref(), self.quick.0.as_ref()])
    }

    /// The first option on the command line that decides about jobs and backends.
    pub fn job_flag(&self) -> Option<&str> {
        first_flag(&[
            self.backend.as_ref(),
            self.kernel.as_ref(),
            self.draws.as_ref(),
            self.schedule.as_ref(),
            self.chunk.as_ref(),
            self.block.as_ref(),
            self.seed.as_ref(),
            self.pin.as_ref(),
            self.start_method.as_ref(),
            self.weak.0.as_ref(),
            self.crossover.0.as_ref(),
        ])
    }

    /// The list of backends, unless it is `all`.
    pub fn named_backends(&self) -> Option<&Given> {
        self.backend.as_ref().filter(|given| given.text.trim() != "all")
    }
}

impl CommandOptions {
    /// The first of these options that is on the command line.
    pub fn flag(&self) -> Option<&str> {
        if !self.words.is_empty() {
            return Some("--");
        }
        first_flag(&[
            self.command.first(),
            self.baseline.as_ref(),
            self.shell.0.as_ref(),
            self.prepare.as_ref(),
            self.cleanup.as_ref(),
            self.env.first(),
            self.no_thread_env.0.as_ref(),
            self.input.as_ref(),
            self.output.as_ref(),
            self.working_dir.as_ref(),
            self.ok_codes.as_ref(),
            self.expect_stdout.as_ref(),
        ])
    }

    /// Returns `true` if the command line names a command.
    pub fn has_command_flag(&self) -> bool {
        !self.words.is_empty() || self.command.first().is_some_and(Given::is_flag)
    }
}

/// Returns `true` if a sweep may be one of commands. An option of backends on the command line
/// makes it one of backends, even if a variable names commands.
///
/// # Errors
/// If the command line has both a command and an option of backends.
pub fn may_sweep_commands(options: &SweepOptions, verb: Preset) -> Result<bool, UsageError> {
    let metg = verb.is_metg().then_some("harness metg");
    let backend_flag = metg.or(options.job_flag()).or(options.runner.first().and_then(Given::flag));
    match backend_flag {
        None => Ok(true),
        Some(flag) if options.program.has_command_flag() => {
            Err(UsageError(format!("{flag} applies to backends, and a command is swept")))
        }
        Some(_) => Ok(false),
    }
}

/// Checks that every command of a sweep over several counts learns its count.
///
/// # Errors
/// If a command does not.
pub fn check_placeholders(
    commands: &CommandPlan,
    nthread: &[u32],
    inner: &[u32],
) -> Result<(), UsageError> {
    let paths = [&commands.directory, &commands.input].into_iter().flatten();
    let hooks = [&commands.prepare, &commands.cleanup].into_iter().flatten().flatten();
    let shared: Vec<&str> = commands
        .environment
        .values()
        .map(String::as_str)
        .chain(paths.filter_map(|path| path.to_str()))
        .chain(hooks.map(String::as_str))
        .collect();
    for (counts, placeholder) in [(nthread, "{nthread}"), (inner, "{inner}")] {
        if counts.len() < 2 || shared.iter().any(|text| text.contains(placeholder)) {
            continue;
        }
        let without = commands
            .list
            .iter()
            .find(|command| !command.words.iter().any(|word| word.contains(placeholder)));
        if let Some(command) = without {
            return Err(UsageError(format!(
                "{}: the command does not depend on its count: add {placeholder} to it, or leave \
                 --no-thread-env out",
                command.label
            )));
        }
    }
    Ok(())
}
