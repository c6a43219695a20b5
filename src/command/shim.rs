//! Life of the shim: preparation, the runs of the command, and their events.

mod executable;
mod memory_floor;
mod output;
mod run_process;
mod signal_pipe;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::{CommandRequest, Destination};
use crate::machine::process_table::children;
use crate::reap;
use crate::runner::protocol::{Call, CheckMode, Done, Event, read_request};
use executable::Executable;
use output::OutputStreams;
use run_process::{CompletedRun, Leftovers, run};
use signal_pipe::SignalPipe;

/// Serves the request on stdin. No process that it started is alive at its end.
pub fn serve() -> ExitCode {
    crate::process::start::set_process_name("shim");
    let result = read_request(io::stdin())
        .and_then(|request: CommandRequest| Shim::prepare(&request)?.make_visit());
    reap::end_remaining(&[], Duration::ZERO, std::thread::sleep);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Failing to send means that the harness is gone.
            drop(send(&Event::error(&error)));
            ExitCode::FAILURE
        }
    }
}

fn send(event: &Event) -> anyhow::Result<()> {
    event.write_line(&mut io::stdout())
}

/// Everything that the runs of a visit need.
struct Shim<'a> {
    request: &'a CommandRequest,
    signals: SignalPipe,
    executable: Executable<'a>,
    prepare: Option<Executable<'a>>,
    cleanup: Option<Executable<'a>>,
    /// File that each run reads.
    input: Option<PathBuf>,
    streams: OutputStreams,
}

impl<'a> Shim<'a> {
    /// Takes over signals and orphans, sets working directory and variables of the
    /// command, and finds the executables.
    fn prepare(request: &'a CommandRequest) -> anyhow::Result<Shim<'a>> {
        let signals = SignalPipe::install().context("cannot take over signals")?;
        prctl::set_child_subreaper(true).context("cannot become a subreaper")?;
        // The runner is started with SIGKILL as its parent-death signal. SIGTERM leaves
        // time to end the command, which would outlive a killed shim.
        prctl::set_pdeathsig(Signal::SIGTERM).context("cannot set the parent-death signal")?;
        // Both paths are relative to the directory of the harness.
        let input = request.input.as_deref().map(absolute).transpose()?;
        let destination = match &request.destination {
            Destination::Files(name) => Destination::Files(absolute(name)?),
            other => other.clone(),
        };
        if let Some(directory) = &request.directory {
            std::env::set_current_dir(directory)
                .with_context(|| format!("cannot run in {}", directory.display()))?;
        }
        set_variables(request)?;
        let streams = OutputStreams::new(&destination, request.capture)?;
        let prepare = request.prepare.as_deref().map(Executable::find).transpose();
        let prepare = prepare.context("the prepare command cannot be started")?;
        let cleanup = request.cleanup.as_deref().map(Executable::find).transpose();
        let cleanup = cleanup.context("the cleanup command cannot be started")?;
        let executable = Executable::find(&request.words)?;
        Ok(Shim { request, signals, executable, prepare, cleanup, input, streams })
    }

    /// Makes all runs, up to the first one that fails.
    fn make_visit(&mut self) -> anyhow::Result<()> {
        send(&Event::hello(CheckMode::None))?;
        let mut done = Done::default();
        for number in 0..self.request.warmup + self.request.iterations {
            let call = self.call()?;
            let has_failed = call.problem.is_some();
            if number < self.request.warmup {
                send(&Event::Warmup(call))?;
            } else {
                add_usage(&mut done, &call);
                send(&Event::Call(call))?;
            }
            if has_failed {
                return Ok(());
            }
        }
        send(&Event::Done(done))
    }

    /// Runs the command once, with the prepare and cleanup commands around it.
    fn call(&mut self) -> anyhow::Result<Call> {
        if let Some(prepare) = &self.prepare {
            self.run_hook(prepare, "prepare")?;
        }
        // A process that a hook left running, such as a server, may stay.
        let has_hook = self.prepare.is_some() || self.cleanup.is_some();
        let spared: Vec<Pid> = match has_hook {
            true => children().map(|process| process.pid).collect(),
            false => Vec::new(),
        };
        let input = match &self.input {
            None => self.streams.dev_null().context("cannot open /dev/null")?,
            Some(path) => {
                File::open(path).with_context(|| format!("cannot read {}", path.display()))?
            }
        };
        memory_floor::lower();
        let leftovers = Leftovers::EndExcept(&spared);
        let limit = self.request.limit_ns.map(Duration::from_nanos);
        let streams = &mut self.streams;
        let run = run(&self.executable, input, streams, &self.signals, leftovers, limit)?;
        let mut call = self.event_of(&run);
        if let Some(cleanup) = &self.cleanup
            && let Err(error) = self.run_hook(cleanup, "cleanup")
        {
            call.problem.get_or_insert(format!("{error:#}"));
        }
        Ok(call)
    }

    /// Runs the prepare or cleanup command. What it leaves behind may stay until the end
    /// of the shim.
    fn run_hook(&self, executable: &Executable<'_>, name: &str) -> anyhow::Result<()> {
        let mut streams = OutputStreams::for_hook()?;
        let input = streams.dev_null()?;
        let run = run(executable, input, &mut streams, &self.signals, Leftovers::Keep, None)?;
        match run.exit.status {
            0 => Ok(()),
            // Its stderr went to that of the harness.
            status => Err(anyhow!("the {name} command {}", describe_exit(status))),
        }
    }

    /// Event of a run.
    fn event_of(&mut self, run: &CompletedRun) -> Call {
        let exit = &run.exit;
        let problem = match &run.leftovers[..] {
            _ if !self.request.ok_codes.contains(&exit.status) => {
                let stderr = self.streams.stderr_tail().map(|tail| format!("; stderr: {tail}"));
                let exit = describe_exit(exit.status);
                Some(format!("the command {exit}{}", stderr.unwrap_or_default()))
            }
            [] => None,
            names => Some(format!("the command left processes behind: {}", names.join(", "))),
        };
        Call {
            wall_ns: run.wall.as_nanos() as u64,
            user_ns: Some(exit.user().as_nanos() as u64),
            system_ns: Some(exit.system().as_nanos() as u64),
            voluntary_switches: Some(exit.usage.ru_nvcsw as u64),
            involuntary_switches: Some(exit.usage.ru_nivcsw as u64),
            max_rss_bytes: Some(1024 * exit.usage.ru_maxrss as u64),
            stops: Some(run.stops),
            exit_status: Some(exit.status),
            printed: self.streams.captured(),
            problem,
            ..Call::default()
        }
    }
}

/// Adds the usage of a call to that of the whole visit.
fn add_usage(done: &mut Done, call: &Call) {
    for (sum, more) in [
        (&mut done.voluntary_switches, call.voluntary_switches),
        (&mut done.involuntary_switches, call.involuntary_switches),
    ] {
        *sum = Some(sum.unwrap_or(0).saturating_add(more.unwrap_or(0)));
    }
    done.max_rss_bytes = done.max_rss_bytes.max(call.max_rss_bytes);
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

/// Sets the variables of the command in this process: a command that inherits its
/// environment starts sooner than one for which it is assembled.
fn set_variables(request: &CommandRequest) -> anyhow::Result<()> {
    for (name, value) in &request.environment {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            bail!("{name:?} cannot be the name of a variable with the value {value:?}");
        }
        // SAFETY: this process has one thread, so no other reads the environment.
        unsafe { std::env::set_var(name, value) };
    }
    Ok(())
}

/// Text of an exit status: a code, or minus a signal.
fn describe_exit(status: i32) -> String {
    match Signal::try_from(-status) {
        _ if status >= 0 => format!("exited with status {status}"),
        Ok(signal) => format!("was killed by {signal}"),
        Err(_) => format!("was killed by signal {}", -status),
    }
}
