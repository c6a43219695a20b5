//! Options that exclude each other: those of backends and those of commands.

use crate::cli::args::command::CommandOptions;
use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::{Given, Typed, UsageError};
use crate::record::{CommandPlan, Preset};

/// The first of several options that is on the command line.
pub fn first_flag<'a>(options: &[&'a dyn Typed]) -> Option<&'a str> {
    options.iter().find_map(|option| option.flag())
}

impl SweepOptions {
    /// The first option on the command line that decides about thread counts.
    pub fn counts_flag(&self) -> Option<&str> {
        first_flag(&[&self.nthread, &self.inner_nthread, &self.quick])
    }

    /// The first option on the command line that decides about jobs and backends.
    pub fn job_flag(&self) -> Option<&str> {
        first_flag(&[
            &self.backend,
            &self.kernel,
            &self.draws,
            &self.schedule,
            &self.chunk,
            &self.block,
            &self.seed,
            &self.pin,
            &self.start_method,
            &self.weak,
            &self.crossover,
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
        let flag = || {
            first_flag(&[
                &self.command,
                &self.baseline,
                &self.shell,
                &self.prepare,
                &self.cleanup,
                &self.env,
                &self.no_thread_env,
                &self.input,
                &self.output,
                &self.working_dir,
                &self.ok_codes,
                &self.expect_stdout,
            ])
        };
        if self.words.is_empty() { flag() } else { Some("--") }
    }

    /// Returns `true` if the command line names a command.
    pub fn has_command_flag(&self) -> bool {
        !self.words.is_empty() || first_flag(&[&self.command]).is_some()
    }
}

/// Returns `true` if a sweep may be one of commands. An option of backends on the command line
/// makes it one of backends, even if a variable names commands.
///
/// # Errors
/// If the command line has both a command and an option of backends.
pub fn may_sweep_commands(options: &SweepOptions, verb: Preset) -> Result<bool, UsageError> {
    let metg = verb.is_metg().then_some("harness metg");
    let backend_flag = metg.or(options.job_flag()).or(first_flag(&[&options.runner]));
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
