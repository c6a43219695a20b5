//! The command line: the only place that knows the names of flags.

mod advise;
mod cases;
mod commands;
mod compare;
mod conflicts;
mod environment;
mod fit;
pub mod functions;
mod like;
mod options;
mod placeholders;
mod preset;
mod program;
mod report;
mod resume;
mod runners;
mod selftest;
mod settings;
mod show;
mod typed;
mod values;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser as _};

use crate::campaign::progress::Progress;
use crate::campaign::{Campaign, CampaignError, Outcome};
use crate::machine::Cpus;
use crate::record::{Machine, Preset, Run};
use crate::registry::Registry;
use crate::report::{Depth, Style};
use crate::selftest::simulation;
use environment::environment;
use options::{Cli, DisplayOptions, SweepOptions, Verb};
use resume::{ResumeOptions, Resumed, resume};
use settings::Settings;
use values::{UsageError, given, nearest};

/// Something failed its check.
const FAILED: u8 = 1;
/// Bad usage, or input that cannot be read.
const USAGE: u8 = 2;

/// Warnings that the end of a run shows; `harness report` shows all.
const WARNINGS: usize = 2;

/// Parses the command line and does what it says.
pub fn main(registry: &Registry) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results and go to stdout; errors do not.
            let _ = error.print();
            if let Some(hint) = verb_meant(&error) {
                let _ = writeln!(io::stderr(), "{hint}");
            }
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    // The first -- ends the options; another is a word of the command.
    let dashes = std::env::args_os().position(|word| word == "--");
    if dashes.is_some_and(|at| at + 1 == std::env::args_os().len()) {
        let _ = writeln!(
            io::stderr(),
            "error: no command follows --; for example -- ./prog {{nthread}}"
        );
        return ExitCode::from(USAGE);
    }
    if let Some(name) = registry.ambiguous_name() {
        let _ = writeln!(io::stderr(), "error: the registry has two kernels or backends {name:?}");
        return ExitCode::from(USAGE);
    }
    let done = match cli.verb {
        None => sweep(registry, &cli.sweep, Preset::Sweep),
        Some(Verb::Metg(options)) => sweep(registry, &options, Preset::Metg),
        Some(Verb::List { runner, runners }) => list(registry, &runner, runners.as_deref()),
        Some(Verb::Env { command }) => environment(&command, &variable)
            .map_err(Into::into)
            .and_then(|text| print_result(&text)),
        Some(Verb::Advise(options)) => advise::advise(&options, &variable, registry),
        Some(Verb::Report(options)) => report::report(&options),
        Some(Verb::Compare(options)) => compare::compare(&options, &variable),
        Some(Verb::Fit(options)) => fit::fit(&options),
        Some(Verb::Resume(options)) => go_on(registry, &options),
        Some(Verb::Selftest(options)) => selftest::selftest(&options, &variable),
        Some(Verb::Simulate { campaigns, seed }) => {
            print_result(&simulation::report(campaigns, seed))
        }
        Some(Verb::Completions { shell }) => completions(shell),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(exit_code_of(&error))
        }
    }
}

/// The verb that a stray word stands for: since a command may follow `--`, it is no
/// misspelt verb to the parser.
fn verb_meant(error: &clap::Error) -> Option<String> {
    let word = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(word) if !word.starts_with('-') => word,
        _ => return None,
    };
    let command = Cli::command();
    let verbs: Vec<&str> =
        command.get_subcommands().filter(|it| !it.is_hide_set()).map(|it| it.get_name()).collect();
    let near = nearest(word, &verbs);
    near.starts_with("did").then_some(near)
}

/// Bad usage before anything was measured, or something that failed.
fn exit_code_of(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<CampaignError>() {
        Some(CampaignError::Out { .. } | CampaignError::NotEntered) => USAGE,
        Some(CampaignError::Interrupted(signal) | CampaignError::Stopped(signal)) => {
            128 + *signal as u8
        }
        None if error.is::<UsageError>() => USAGE,
        _ => FAILED,
    }
}

/// Measures, then reports. `verb` is what the run asks, if its switches do not say.
fn sweep(registry: &Registry, options: &SweepOptions, verb: Preset) -> anyhow::Result<u8> {
    let machine = crate::machine::inspect();
    let host = machine.hostname.clone().unwrap_or_default();
    let settings = settings::settle(options, &variable, verb, registry, &Cpus::read(), &host)?;
    let style = style("--color", options.display.color.as_deref())?;
    if values::switch("--dry-run", options.dry_run, &variable)? {
        return print_result(&(serde_json::to_string_pretty(&settings.plan)? + "\n"));
    }
    let out = settings.out.clone();
    let outcome = measured(settings, machine, &options.display)?;
    conclude(&out, outcome, style)
}

/// Measures what was settled.
fn measured(
    settings: Settings,
    machine: Machine,
    display: &DisplayOptions,
) -> anyhow::Result<Outcome> {
    let progress = Progress::new(settings::show(display, &variable)?);
    settings.remarks.iter().for_each(|remark| progress.note(remark));
    show::unknown_variables().iter().for_each(|remark| progress.note(remark));
    settings.plan.skipped.iter().for_each(|skipped| {
        let (backend, what, reason) = (&skipped.backend, &skipped.what, &skipped.reason);
        progress.note(&format!("left out: {backend}, {what}: {reason}"));
    });
    let run = Run {
        plan: settings.plan,
        sessions: Vec::new(),
        machine,
        build: show::build(),
        environment: show::thread_environment(&variable),
        clock: crate::machine::clock::inspect(),
        command: typed::command(&variable),
    };
    if run.build.opt_level == "0" {
        progress
            .problem("this build is not optimised: build with --release before you quote a number");
    }
    let campaign = Campaign::new(&settings.registry, &progress, run, &settings.out)?;
    Ok(campaign.measure(&settings.draws, settings.budget)?)
}

/// `harness resume DIR`.
fn go_on(registry: &Registry, options: &ResumeOptions) -> anyhow::Result<u8> {
    let style = style("--color", options.display.color.as_deref())?;
    let dir = &options.dir;
    match resume(options, &variable, registry)? {
        Resumed::Measured(outcome) => conclude(dir, outcome, style),
        Resumed::Finished(reason) => print_result(&format!(
            "{dir} is finished already ({reason}): `harness report {dir}` shows it\n",
            dir = dir.display(),
        )),
    }
}

/// The end of a run: table, files and plots, or how to get them later.
fn conclude(dir: &Path, outcome: Outcome, style: Style) -> anyhow::Result<u8> {
    if let Some(signal) = outcome.signal {
        let dir = dir.display();
        let _ = writeln!(
            io::stderr(),
            "interrupted by {signal}: every whole visit is in {dir}; `harness resume {dir}` goes on, \
             `harness report {dir}` makes the report of them"
        );
        return Ok(128 + signal as u8);
    }
    // The table first: a disk that is full must not hide what was measured.
    let summary = crate::report::read(dir)?;
    let warnings = crate::report::warnings(&summary, WARNINGS);
    let page = crate::report::page(&summary, style, Depth::Answer);
    print_result(&(page + &warnings))?;
    crate::report::write_all(&summary, dir)?;
    let figure = match summary.run.plan.preset {
        Preset::Sweep | Preset::Quick => "speedup.png",
        Preset::Crossover => "crossover.png",
        Preset::Metg => "granularity.png",
    };
    print_result(&format!("files: {} (report.html, samples.csv, {figure} …)\n", dir.display()))?;
    Ok(if outcome.failures > 0 { FAILED } else { 0 })
}

/// `harness list`.
fn list(registry: &Registry, runner: &[String], dir: Option<&str>) -> anyhow::Result<u8> {
    let mut registry = registry.clone();
    runners::add_runners(&mut registry, runner, &variable)?;
    let dir = runners::runners_dir(dir, &variable)?;
    print_result(&show::list(&registry, &runners::list_originals(dir.as_deref())))
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "harness", &mut script);
    print_result(&String::from_utf8_lossy(&script))
}

/// Whether the table is in colour.
fn style(flag: &'static str, typed: Option<&str>) -> Result<Style, UsageError> {
    let given = given(flag, typed, &variable);
    let is_colourful = match given.as_ref().map(|given| given.text.as_str()) {
        Some("always") => true,
        Some("never") => false,
        None | Some("auto") => io::stdout().is_terminal() && variable("NO_COLOR").is_none(),
        Some(other) => {
            let problem = format!("{other:?} is not auto, always or never");
            return Err(
                given.map_or_else(|| UsageError(problem.clone()), |given| given.error(&problem))
            );
        }
    };
    Ok(if is_colourful { Style::Bold } else { Style::Plain })
}

/// A variable of the environment that is set to something. One that is no text
/// is junk like any other, and not passed over.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

/// Writes a result to stdout. Whoever closed the pipe has read enough.
fn print_result(text: &str) -> anyhow::Result<u8> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to stdout"))
        }
        _ => Ok(0),
    }
}
