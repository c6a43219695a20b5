//! What does not go together with commands: options of backends, and counts that a
//! command would never hear of.

use super::options::{CommandOptions, SweepOptions};
use super::values::UsageError;
use crate::record::{Command, Commands, Preset};

/// An option of commands that was typed, if there is one.
pub fn typed_flag(options: &CommandOptions) -> Option<&'static str> {
    let typed = [
        ("--", !options.words.is_empty()),
        ("--command", !options.command.is_empty()),
        ("--baseline", options.baseline.is_some()),
        ("--shell", options.shell),
        ("--prepare", options.prepare.is_some()),
        ("--cleanup", options.cleanup.is_some()),
        ("--env", !options.env.is_empty()),
        ("--no-thread-env", options.no_thread_env),
        ("--input", options.input.is_some()),
        ("--output", options.output.is_some()),
        ("--working-dir", options.working_dir.is_some()),
        ("--ok-codes", options.ok_codes.is_some()),
        ("--expect-stdout", options.expect_stdout.is_some()),
    ];
    first_typed(typed)
}

/// An option of counts, or of how long a run takes, that was typed and decides on cases.
pub fn typed_flag_of_counts(options: &SweepOptions) -> Option<&'static str> {
    first_typed([
        ("--nthread", options.nthread.is_some()),
        ("--inner-nthread", options.inner_nthread.is_some()),
        ("--quick", options.quick),
    ])
}

/// An option that was typed and says which jobs backends compute, and how.
pub fn typed_flag_of_jobs(options: &SweepOptions) -> Option<&'static str> {
    let typed = [
        ("--backend", options.backend.is_some()),
        ("--kernel", options.kernel.is_some()),
        ("--draws", options.draws.is_some()),
        ("--schedule", options.schedule.is_some()),
        ("--chunk", options.chunk.is_some()),
        ("--block", options.block.is_some()),
        ("--seed", options.seed.is_some()),
        ("--pin", options.pin.is_some()),
        ("--start-method", options.start_method.is_some()),
        ("--weak", options.weak),
        ("--crossover", options.crossover),
    ];
    first_typed(typed)
}

fn first_typed<const N: usize>(flags: [(&'static str, bool); N]) -> Option<&'static str> {
    flags.into_iter().find(|(_, is_typed)| *is_typed).map(|(flag, _)| flag)
}

/// Whether a sweep is one of commands: typed ones beat everything; those of a
/// variable give way to what was typed for a sweep of backends.
///
/// # Errors
/// If something was typed that commands do not have.
pub fn suits(options: &SweepOptions, verb: Preset) -> Result<bool, UsageError> {
    let metg = (verb == Preset::Metg).then_some("harness metg");
    let runner = (!options.runner.is_empty()).then_some("--runner");
    let program = &options.program;
    match metg.or_else(|| typed_flag_of_jobs(options)).or(runner) {
        None => Ok(true),
        Some(flag) if !(program.words.is_empty() && program.command.is_empty()) => {
            Err(UsageError(format!("{flag}: that is for backends, and a command is swept")))
        }
        Some(_) => Ok(false),
    }
}

/// Every command of several counts must be told which one it has.
///
/// # Errors
/// If one is not.
pub fn check_told(commands: &Commands, nthread: &[u32], inner: &[u32]) -> Result<(), UsageError> {
    let says = |text: &str, placeholder: &str| text.contains(placeholder);
    for (counts, placeholder) in [(nthread, "{nthread}"), (inner, "{inner}")] {
        let shared = commands.environment.values().map(String::as_str);
        let paths = [&commands.directory, &commands.input].into_iter().flatten();
        let mut shared = shared.chain(paths.filter_map(|path| path.to_str()));
        let around = [&commands.prepare, &commands.cleanup].into_iter().flatten().flatten();
        if counts.len() < 2
            || shared.any(|text| says(text, placeholder))
            || around.into_iter().any(|text| says(text, placeholder))
        {
            continue;
        }
        let is_lost = |it: &&Command| !it.words.iter().any(|word| says(word, placeholder));
        if let Some(lost) = commands.list.iter().find(is_lost) {
            return Err(UsageError(format!(
                "{}: nothing tells it its count: write {placeholder} where it takes it, or leave \
                 --no-thread-env out",
                lost.label
            )));
        }
    }
    Ok(())
}
