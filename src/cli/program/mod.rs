//! The program `harness`: its entry point, which parses the command line, and its verbs.

mod advise;
mod cases;
mod commands;
mod compare;
mod conflicts;
mod environment;
mod fit;
mod like;
mod list;
mod placeholders;
mod preset;
mod program_check;
mod report;
mod resume;
mod root;
mod runners;
mod selftest;
mod settings;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue};

use crate::cli::args::sweep::SweepOptions;
use crate::cli::given::{nearest, variable};
use crate::cli::measure::{USAGE, conclude, exit_code_of, measure};
use crate::cli::output::{print_result, style};
use crate::machine::Cpus;
use crate::record::Preset;
use crate::registry::Registry;
use root::{Cli, Verb};

/// Parses the command line and runs its verb.
pub fn main(registry: &Registry) -> ExitCode {
    let cli = match Cli::read(&variable) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results and go to stdout; errors go to stderr.
            let _ = error.print();
            if let Some(hint) = similar_verb(&error) {
                let _ = writeln!(io::stderr(), "{hint}");
            }
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    if let Err(problem) = check(registry) {
        let _ = writeln!(io::stderr(), "error: {problem}");
        return ExitCode::from(USAGE);
    }
    let result = match cli.verb {
        None => sweep(registry, &cli.sweep, Preset::Sweep),
        Some(Verb::Metg(options)) => sweep(registry, &options, Preset::Metg),
        Some(Verb::List { runner, runners }) => list::list(registry, &runner, runners.as_ref()),
        Some(Verb::Env { command }) => environment::environment(&command, &variable)
            .map_err(Into::into)
            .and_then(|text| print_result(&text)),
        Some(Verb::Advise(options)) => advise::advise(&options, registry),
        Some(Verb::Report(options)) => report::report(&options),
        Some(Verb::Compare(options)) => compare::compare(&options),
        Some(Verb::Fit(options)) => fit::fit(&options),
        Some(Verb::Resume(options)) => resume::resume(&options, registry),
        Some(Verb::Selftest(options)) => selftest::selftest(&options),
        Some(Verb::Completions { shell }) => completions(shell),
    };
    result.map_or_else(
        |error| {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(exit_code_of(&error))
        },
        ExitCode::from,
    )
}

/// Checks what clap cannot: a command after `--`, and the names of the registry.
fn check(registry: &Registry) -> Result<(), String> {
    // The first -- ends the options; another one is a word of the command.
    let dashes = std::env::args_os().position(|word| word == "--");
    if dashes.is_some_and(|index| index + 1 == std::env::args_os().len()) {
        return Err("no command follows --; for example -- ./prog {nthread}".to_string());
    }
    match registry.ambiguous_name() {
        Some(name) => Err(format!("the registry has two kernels or backends {name:?}")),
        None => Ok(()),
    }
}

/// A hint for a misspelt verb. Because a command may follow `--`, clap takes a misspelt verb for an
/// unexpected argument and gives no hint.
fn similar_verb(error: &clap::Error) -> Option<String> {
    let word = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(word) if !word.starts_with('-') => word,
        _ => return None,
    };
    let command = Cli::command();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let verbs: Vec<&str> = verbs.map(clap::Command::get_name).collect();
    Some(nearest(word, &verbs)).filter(|hint| hint.starts_with("did you mean"))
}

/// Measures a sweep and reports it. `verb` is the preset of the verb.
fn sweep(registry: &Registry, options: &SweepOptions, verb: Preset) -> anyhow::Result<u8> {
    let machine = crate::machine::inspect();
    let host = machine.hostname.clone().unwrap_or_default();
    let settings = settings::settle(options, &variable, verb, registry, &Cpus::read(), &host)?;
    let style = style(options.display.color.as_ref())?;
    if options.dry_run.is_on()? {
        return print_result(&(serde_json::to_string_pretty(&settings.plan)? + "\n"));
    }
    let out = settings.out.clone();
    let outcome = measure(settings, machine, &options.display)?;
    conclude(&out, outcome, style)
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "harness", &mut script);
    print_result(&String::from_utf8_lossy(&script))
}
