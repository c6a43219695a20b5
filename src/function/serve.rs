//! Process of one visit to a function.

use std::ffi::OsStr;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use nix::unistd::{dup2_stdout, getpid};

use super::{Function, FunctionRequest, VERB};
use crate::backend::panic_message;
use crate::quantity::pluralize;
use crate::runner::process_status::peak_memory_bytes;
use crate::runner::protocol::{Call, CheckMode, Done, Event, read_request};
use crate::runner::usage::UsageSnapshot;

/// Time of a call from which its event is sent at once. Events of shorter calls are sent
/// together, since the harness needs a CPU to read them, and could take it from the
/// next call.
const SEND_AT_ONCE_NS: u64 = 1_000_000;

/// Returns the request of this process, if it was started for a visit. It is read once,
/// however many sweeps ask for it.
pub fn request() -> Option<&'static FunctionRequest> {
    static REQUEST: OnceLock<Option<FunctionRequest>> = OnceLock::new();
    let request = REQUEST.get_or_init(|| {
        let verb = std::env::args_os().nth(1);
        (verb.as_deref() == Some(OsStr::new(VERB))).then(|| match read_request(io::stdin()) {
            Ok(request) => request,
            Err(error) => exit(EventWriter::take_stdout(), Err(error)),
        })
    });
    request.as_ref()
}

/// Makes the requested visit and ends the process, so that the rest of `main` does not
/// run once for each visit.
pub fn serve<R: PartialEq>(functions: &mut [Function<'_, R>], request: &FunctionRequest) -> ! {
    let mut writer = EventWriter::take_stdout();
    let result = match &mut writer {
        Ok(writer) => make_visit(functions, request, writer),
        Err(_) => Ok(()),
    };
    exit(writer, result)
}

/// Sends the error of the visit, if there is one, and ends the process. Without a writer
/// nothing is sent, which the harness treats as an error.
fn exit(writer: io::Result<EventWriter>, result: anyhow::Result<()>) -> ! {
    let sent = writer.map_err(anyhow::Error::from).and_then(|mut writer| {
        if let Err(error) = &result {
            writer.send(Event::error(error))?;
        }
        writer.flush()
    });
    std::process::exit(i32::from(result.is_err() || sent.is_err()))
}

/// Calls the function, and compares its results with each other and finally with that of
/// the baseline. At most two results are alive at any time.
fn make_visit<R: PartialEq>(
    functions: &mut [Function<'_, R>],
    request: &FunctionRequest,
    writer: &mut EventWriter,
) -> anyhow::Result<()> {
    writer.send(Event::hello(CheckMode::None))?;
    let function = find(functions, &request.function)?;
    // Results are compared here, since a result of any type cannot be sent to the harness.
    let mut first: Option<R> = None;
    for number in 0..request.warmup + request.iterations {
        let (call, result) = timed_call(function, request.nthread)?;
        let is_warmup = number < request.warmup;
        writer.send(if is_warmup { Event::Warmup(call) } else { Event::Call(call) })?;
        match &first {
            None => first = Some(result),
            Some(first) if result == *first => {}
            Some(_) => bail!("call {} gave {}", number + 1, describe_difference("call 1", &result)),
        }
    }
    let (baseline, nthread) = (&request.baseline, request.baseline_nthread);
    let is_baseline = (baseline, nthread) == (&request.function, request.nthread);
    // The baseline is called last, so that it cannot warm up caches for the timed calls.
    if let Some(first) = first.filter(|_| !is_baseline) {
        let (_, expected) = timed_call(find(functions, baseline)?, nthread)?;
        if first != expected {
            bail!("{}", describe_difference(&describe_call(baseline, nthread), &first));
        }
    }
    let max_rss_bytes = peak_memory_bytes(getpid().as_raw());
    writer.send(Event::Done(Done { max_rss_bytes, ..UsageSnapshot::after(&[])?.into_done() }))
}

fn find<'f, 'a, R>(
    functions: &'f mut [Function<'a, R>],
    name: &str,
) -> anyhow::Result<&'f mut Function<'a, R>> {
    let function = functions.iter_mut().find(|function| function.name == name);
    function.ok_or_else(|| anyhow!("the sweep has no function {name:?} any more"))
}

/// Text for a result that differs from that of `other`.
pub fn describe_difference<R: PartialEq>(other: &str, result: &R) -> String {
    let same = result;
    let hint = if result == same { "" } else { ": it does not even equal itself; is it NaN?" };
    format!("another result than {other}{hint}")
}

/// Text for a function with its number of threads.
pub fn describe_call(function: &str, nthread: u32) -> String {
    format!("{function} at {}", pluralize(nthread, "thread"))
}

/// Makes one timed call.
fn timed_call<R>(function: &mut Function<'_, R>, nthread: u32) -> anyhow::Result<(Call, R)> {
    let nthread = nthread as usize;
    let before = UsageSnapshot::before(&[])?;
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| black_box((function.body)(black_box(nthread)))));
    let wall_ns = start.elapsed().as_nanos() as u64;
    let usage = UsageSnapshot::after(&[])?.since(&before);
    let name = &function.name;
    let result = result.map_err(|panic| anyhow!("{name} panicked: {}", panic_message(&*panic)))?;
    let call = Call {
        // A coarse clock may show no difference, and the harness rejects a time of 0.
        wall_ns: wall_ns.max(1),
        ..usage.into_call()
    };
    Ok((call, result))
}

/// Writer of events to the stdout with which the process was started.
struct EventWriter {
    stdout: File,
    buffer: Vec<u8>,
}

impl EventWriter {
    /// Takes over stdout: later output of the functions and their children goes to
    /// /dev/null. The first event begins with a line break, which ends a line that the
    /// program may have begun.
    fn take_stdout() -> io::Result<EventWriter> {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        Ok(EventWriter { stdout: File::from(stdout), buffer: b"\n".to_vec() })
    }

    /// Sends an event, at once or together with the next one.
    fn send(&mut self, event: Event) -> anyhow::Result<()> {
        event.write_line(&mut self.buffer)?;
        // Nothing is written between short calls: the harness would wake up to read it.
        match event {
            Event::Warmup(call) | Event::Call(call) if call.wall_ns < SEND_AT_ONCE_NS => Ok(()),
            Event::Hello(_) => Ok(()),
            _ => self.flush(),
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.stdout.write_all(&self.buffer).context("cannot write to stdout")?;
        self.buffer.clear();
        Ok(())
    }
}
