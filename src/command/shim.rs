//! The process between harness and command.

use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::Context as _;

use super::Order;
use crate::runner::protocol::{Call, Check, Done, Event, Failure, Hello, PROTOCOL};

/// The life of a shim: reads its order from stdin, and does it.
pub fn serve() -> ExitCode {
    let done = io::read_to_string(io::stdin())
        .context("cannot read the order")
        .and_then(|text| serde_json::from_str(&text).context("stdin holds no order"))
        .and_then(|order: Order| obey(&order));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(say(&Event::Error(Failure { message: format!("{error:#}") })));
            ExitCode::FAILURE
        }
    }
}

fn obey(order: &Order) -> anyhow::Result<()> {
    let build = concat!("nthread ", env!("CARGO_PKG_VERSION")).to_string();
    say(&Event::Hello(Hello { protocol: PROTOCOL, build, check: Check::None }))?;
    for _ in 0..order.warmup {
        say(&Event::Warmup(run(order)?))?;
    }
    for _ in 0..order.iterations {
        say(&Event::Call(run(order)?))?;
    }
    say(&Event::Done(Done::default()))
}

fn say(event: &Event) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    io::stdout().write_all(&line).context("cannot write to stdout")
}

/// One run of the command.
fn run(order: &Order) -> anyhow::Result<Call> {
    let (program, arguments) = order.words.split_first().context("the command is empty")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(&order.environment);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {program:?}"))?;
    let wall_ns = start.elapsed().as_nanos() as u64;
    let exit_status = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
    let is_ok = order.ok_codes.contains(&exit_status);
    let problem = (!is_ok).then(|| format!("it ended with status {exit_status}"));
    Ok(Call { wall_ns, exit_status: Some(exit_status), problem, ..Call::default() })
}
