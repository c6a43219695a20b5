//! The process between harness and command.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use nix::sys::prctl;
use nix::sys::signal::Signal;

use super::alarm::Alarm;
use super::perform::{Leftovers, Performance, perform};
use super::program::Program;
use super::streams::Streams;
use super::{Destination, Order, floor, reap};
use crate::runner::protocol::{Call, Check, Done, Event, Failure, Hello, PROTOCOL};

/// The life of a shim: reads its order from stdin, and does it. Nothing that it
/// started is alive at its end.
pub fn serve() -> ExitCode {
    crate::process::set_process_name("shim");
    let done = io::read_to_string(io::stdin())
        .context("cannot read the order")
        .and_then(|text| serde_json::from_str(&text).context("stdin holds no order"))
        .and_then(|order: Order| Shim::prepare(&order)?.obey());
    reap::all_that_is_left(&[], Duration::ZERO, std::thread::sleep);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the harness is gone there is nobody left to tell.
            drop(say(&Event::Error(Failure { message: format!("{error:#}") })));
            ExitCode::FAILURE
        }
    }
}

fn say(event: &Event) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    io::stdout().write_all(&line).context("cannot write to stdout")
}

/// All that a run needs, ready.
struct Shim<'a> {
    order: &'a Order,
    alarm: Alarm,
    program: Program<'a>,
    prepare: Option<Program<'a>>,
    cleanup: Option<Program<'a>>,
    /// The file that each run reads.
    input: Option<PathBuf>,
    streams: Streams,
}

impl<'a> Shim<'a> {
    /// Takes over what becomes orphaned, and dies no more without a word when the
    /// harness does; makes variables and directory those of the command.
    fn prepare(order: &'a Order) -> anyhow::Result<Shim<'a>> {
        let alarm = Alarm::set().context("cannot take over signals")?;
        prctl::set_child_subreaper(true).context("cannot take over orphans")?;
        // In place of SIGKILL, of which the command would know nothing.
        prctl::set_pdeathsig(Signal::SIGTERM).context("cannot hear of the harness's end")?;
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
        };
        // Both are meant as seen from where the harness runs.
        let input = order.input.as_ref().map(absolute).transpose()?;
        let destination = match &order.destination {
            Destination::Files(name) => Destination::Files(absolute(name)?),
            other => other.clone(),
        };
        if let Some(directory) = &order.directory {
            std::env::set_current_dir(directory)
                .with_context(|| format!("cannot run in {}", directory.display()))?;
        }
        set_variables(order)?;
        let streams = Streams::of(&destination, order.capture)?;
        let helper = |words: &'a Option<Vec<String>>, what: &'static str| {
            let words = words.as_deref();
            words.map(Program::find).transpose().context(what)
        };
        let prepare = helper(&order.prepare, "the prepare command cannot be started")?;
        let cleanup = helper(&order.cleanup, "the cleanup command cannot be started")?;
        let program = Program::find(&order.words)?;
        Ok(Shim { order, alarm, program, prepare, cleanup, input, streams })
    }

    /// Does all its runs. One with which something was wrong is the last.
    fn obey(&mut self) -> anyhow::Result<()> {
        let build = concat!("nthread ", env!("CARGO_PKG_VERSION")).to_string();
        say(&Event::Hello(Hello { protocol: PROTOCOL, build, check: Check::None }))?;
        let mut done = Done::default();
        for number in 0..self.order.warmup + self.order.iterations {
            let call = self.run()?;
            let is_wrong = call.problem.is_some();
            if number < self.order.warmup {
                say(&Event::Warmup(call))?;
            } else {
                take_into(&mut done, &call);
                say(&Event::Call(call))?;
            }
            if is_wrong {
                return Ok(());
            }
        }
        say(&Event::Done(done))
    }

    /// One run of the command, with what is done before and after it.
    fn run(&mut self) -> anyhow::Result<Call> {
        if let Some(prepare) = &self.prepare {
            self.help(prepare, "prepare")?;
        }
        // A server that one of them started, for one: the cleanup before, perhaps.
        let has_help = self.prepare.is_some() || self.cleanup.is_some();
        let spared = if has_help { reap::children() } else { Vec::new() };
        let input = match &self.input {
            None => self.streams.nothing().context("cannot open /dev/null")?,
            Some(path) => {
                File::open(path).with_context(|| format!("cannot read {}", path.display()))?
            }
        };
        let left = Leftovers::EndAllBut(&spared);
        floor::lower();
        let performed = perform(&self.program, input, &mut self.streams, &self.alarm, left)?;
        let mut call = self.call(&performed);
        if let Some(cleanup) = &self.cleanup
            && let Err(error) = self.help(cleanup, "cleanup")
        {
            call.problem.get_or_insert(format!("{error:#}"));
        }
        Ok(call)
    }

    /// Runs a command beside the one that is measured. What it leaves behind may
    /// stay for as long as this process.
    fn help(&self, program: &Program<'_>, what: &str) -> anyhow::Result<()> {
        let mut streams = Streams::of_helper()?;
        let input = streams.nothing()?;
        let performed = perform(program, input, &mut streams, &self.alarm, Leftovers::Stay)?;
        match performed.ended.exit_status {
            0 => Ok(()),
            // What it wrote to stderr, the harness has.
            status => Err(anyhow!("the {what} command {}", ending(status))),
        }
    }

    /// What there is to say of a run.
    fn call(&mut self, performed: &Performance) -> Call {
        let ended = &performed.ended;
        let nanoseconds = |time: Duration| time.as_nanos() as u64;
        let status = ended.exit_status;
        let problem = match &performed.left[..] {
            _ if !self.order.ok_codes.contains(&status) => {
                let stderr = self.streams.last_words().map(|words| format!("; stderr: {words}"));
                Some(format!("the command {}{}", ending(status), stderr.unwrap_or_default()))
            }
            [] => None,
            left => Some(format!("the command left processes behind: {}", left.join(", "))),
        };
        Call {
            wall_ns: nanoseconds(performed.wall),
            user_ns: Some(nanoseconds(ended.user)),
            system_ns: Some(nanoseconds(ended.system)),
            voluntary_switches: Some(ended.voluntary_switches),
            involuntary_switches: Some(ended.involuntary_switches),
            max_rss_bytes: Some(ended.max_rss_bytes),
            stops: Some(performed.stops),
            exit_status: Some(status),
            printed: self.streams.printed(),
            problem,
            ..Call::default()
        }
    }
}

/// Adds a call to what the whole visit says.
fn take_into(done: &mut Done, call: &Call) {
    let add = |sum: &mut Option<u64>, more: Option<u64>| {
        *sum = Some(sum.unwrap_or(0).saturating_add(more.unwrap_or(0)));
    };
    add(&mut done.voluntary_switches, call.voluntary_switches);
    add(&mut done.involuntary_switches, call.involuntary_switches);
    done.max_rss_bytes = done.max_rss_bytes.max(call.max_rss_bytes);
}

/// Gives this process the variables of the command: a command that has those of its
/// parent starts sooner than one for which they are put together.
fn set_variables(order: &Order) -> anyhow::Result<()> {
    for (name, value) in &order.environment {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            bail!("{name:?} cannot be the name of a variable with the value {value:?}");
        }
        // SAFETY: this process has one thread, so nobody reads them meanwhile.
        unsafe { std::env::set_var(name, value) };
    }
    Ok(())
}

/// How a command ended, in words.
fn ending(status: i32) -> String {
    match Signal::try_from(-status) {
        _ if status >= 0 => format!("exited with status {status}"),
        Ok(signal) => format!("was killed by {signal}"),
        Err(_) => format!("was killed by signal {}", -status),
    }
}
