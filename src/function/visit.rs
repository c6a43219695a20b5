//! The process of a visit, from its order to its last word.

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

use super::{Function, Order, VERB};
use crate::backend::panic_message;
use crate::quantity::pluralize;
use crate::runner::protocol::{Call, Check, Done, Event, Failure, Hello, PROTOCOL};
use crate::runner::status::peak_memory_bytes;
use crate::runner::usage::Usage;

/// A call that is at least this long is told at once; shorter ones are told
/// together, since who listens needs a CPU, too, and could take it from the next.
const TOLD_AT_ONCE_NS: u64 = 1_000_000;

/// The order of this process, if it was started for a visit.
///
/// It is read once, however many sweeps ask for it.
pub fn order() -> Option<&'static Order> {
    static ORDER: OnceLock<Option<Order>> = OnceLock::new();
    let order = ORDER.get_or_init(|| {
        let verb = std::env::args_os().nth(1);
        (verb.as_deref() == Some(OsStr::new(VERB))).then(|| match read_order() {
            Ok(order) => order,
            Err(error) => end(Voice::take_over(), Err(error)),
        })
    });
    order.as_ref()
}

fn read_order() -> anyhow::Result<Order> {
    let text = io::read_to_string(io::stdin()).context("cannot read the order from stdin")?;
    serde_json::from_str(&text).context("stdin holds no order")
}

/// The visit that this process was started for, and the end of the process: what
/// `main` does after its sweeps is not done once for each visit.
pub fn serve<R: PartialEq>(functions: &mut [Function<'_, R>], order: &Order) -> ! {
    let mut voice = Voice::take_over();
    let visited = match &mut voice {
        Ok(voice) => visit(functions, order, voice),
        Err(_) => Ok(()),
    };
    end(voice, visited)
}

fn end(voice: io::Result<Voice>, visited: anyhow::Result<()>) -> ! {
    // A visit without a voice says nothing, which is an error in itself.
    let told = voice.map_err(anyhow::Error::from).and_then(|mut voice| {
        if let Err(error) = &visited {
            voice.say(Event::Error(Failure { message: format!("{error:#}") }))?;
        }
        voice.tell()
    });
    std::process::exit(i32::from(visited.is_err() || told.is_err()))
}

/// Calls the function, compares its results with each other, and at last with
/// that of the baseline. No more than two results are kept at any time.
fn visit<R: PartialEq>(
    functions: &mut [Function<'_, R>],
    order: &Order,
    voice: &mut Voice,
) -> anyhow::Result<()> {
    let build = concat!("nthread ", env!("CARGO_PKG_VERSION")).to_string();
    voice.say(Event::Hello(Hello { protocol: PROTOCOL, build, check: Check::None }))?;
    let function = find(functions, &order.function)?;
    let mut first: Option<R> = None;
    for number in 0..order.warmup + order.iterations {
        let (call, result) = timed(function, order.nthread)?;
        let is_warmup = number < order.warmup;
        voice.say(if is_warmup { Event::Warmup(call) } else { Event::Call(call) })?;
        match &first {
            None => first = Some(result),
            Some(first) if result == *first => {}
            Some(_) => bail!("call {} gave {}", number + 1, another_than("call 1", &result)),
        }
    }
    let is_baseline = (&order.baseline, order.baseline_nthread) == (&order.function, order.nthread);
    if let Some(first) = first.filter(|_| !is_baseline) {
        let (_, expected) = timed(find(functions, &order.baseline)?, order.baseline_nthread)?;
        if first != expected {
            let baseline = at(&order.baseline, order.baseline_nthread);
            bail!("{}", another_than(&baseline, &first));
        }
    }
    voice.say(Event::Done(done()?))
}

fn find<'f, 'a, R>(
    functions: &'f mut [Function<'a, R>],
    name: &str,
) -> anyhow::Result<&'f mut Function<'a, R>> {
    let found = functions.iter_mut().find(|function| function.name == name);
    found.ok_or_else(|| anyhow!("the sweep has no function {name:?} any more"))
}

/// What is wrong with a result that differs from that of `who`.
pub fn another_than<R: PartialEq>(who: &str, result: &R) -> String {
    let itself = result;
    let hint = if result == itself { "" } else { ": it does not even equal itself; is it NaN?" };
    format!("another result than {who}{hint}")
}

/// A function at a count, in words.
pub fn at(function: &str, nthread: u32) -> String {
    format!("{function} at {}", pluralize(nthread, "thread"))
}

/// One call, and its result.
fn timed<R>(function: &mut Function<'_, R>, nthread: u32) -> anyhow::Result<(Call, R)> {
    let nthread = nthread as usize;
    let before = Usage::before(&[])?;
    let start = Instant::now();
    let called = catch_unwind(AssertUnwindSafe(|| black_box((function.body)(black_box(nthread)))));
    let wall_ns = start.elapsed().as_nanos() as u64;
    let used = Usage::after(&[])?.since(&before);
    let name = &function.name;
    let result = called.map_err(|panic| anyhow!("{name} panicked: {}", panic_message(&*panic)))?;
    let call = Call {
        // A coarse clock may see no time pass, and 0 is no time at all.
        wall_ns: wall_ns.max(1),
        user_ns: Some(used.user_ns),
        system_ns: Some(used.system_ns),
        voluntary_switches: used.switches.map(|it| it.voluntary),
        involuntary_switches: used.switches.map(|it| it.involuntary),
        ..Call::default()
    };
    Ok((call, result))
}

/// What the whole visit took.
fn done() -> anyhow::Result<Done> {
    let switches = Usage::after(&[])?.since(&Usage::default()).switches;
    Ok(Done {
        voluntary_switches: switches.map(|it| it.voluntary),
        involuntary_switches: switches.map(|it| it.involuntary),
        max_rss_bytes: peak_memory_bytes(getpid().as_raw()),
        ..Done::default()
    })
}

/// What is said to the harness.
struct Voice {
    stdout: File,
    untold: Vec<u8>,
}

impl Voice {
    /// Takes stdout over: what anybody prints there from now on goes nowhere, be it
    /// the function or a child of it. What is there of a line that the program began
    /// ends here.
    fn take_over() -> io::Result<Voice> {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        Ok(Voice { stdout: File::from(stdout), untold: b"\n".to_vec() })
    }

    /// Says something, now or a moment later.
    fn say(&mut self, event: Event) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.untold, &event)?;
        self.untold.push(b'\n');
        match event {
            Event::Warmup(call) | Event::Call(call) if call.wall_ns < TOLD_AT_ONCE_NS => Ok(()),
            Event::Hello(_) => Ok(()),
            _ => self.tell(),
        }
    }

    fn tell(&mut self) -> anyhow::Result<()> {
        self.stdout.write_all(&self.untold).context("cannot write to stdout")?;
        self.untold.clear();
        Ok(())
    }
}
