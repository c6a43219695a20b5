//! Cost of a runner (start, setup and end), relative to `/bin/true`.

use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nthread::backend::{BACKENDS, Backend};
use nthread::runner::VERB;
use nthread::runner::protocol::{PROTOCOL, VisitRequest};

use crate::Effort;
use crate::figure::{Target, heading, print, time};
use crate::program::HARNESS;
use crate::race::Race;

const TRUE: &str = "/bin/true";

/// Prints the ratios of times, for a visit of two workers and one tiny call.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    heading("runner: starting, setting up, one tiny call and ending, / `/bin/true`");
    let mut race = Race::default();
    race.add(TRUE, || spawn_ns(&mut Command::new(TRUE), b""));
    for backend in BACKENDS.iter().filter(|backend| backend.unavailable_reason().is_none()) {
        let input = serde_json::to_vec(&tiny_visit(*backend))?;
        race.add(backend.name(), move || spawn_ns(Command::new(HARNESS).arg(VERB), &input));
    }
    let times = race.run(effort.or_test(101, 1))?;
    for name in times.names().filter(|name| *name != TRUE) {
        let [own, other] = [name, TRUE].map(|name| time(times.median_ns(name)));
        let remark = format!("{own} / {other}");
        print(effort, name, &times.ratios(name, TRUE), Target::AtMost(3.0), &remark);
    }
    Ok(())
}

fn tiny_visit(backend: &dyn Backend) -> VisitRequest {
    VisitRequest {
        protocol: PROTOCOL,
        kernel: "pi".to_string(),
        backend: backend.name().to_string(),
        nthread: 2,
        inner_nthread: 1,
        schedule: None,
        chunk: None,
        block: 64,
        blocks: 2,
        seed: 1,
        pin: None,
        start_method: backend.start_methods().first().map(ToString::to_string),
        warmup: 0,
        iterations: 1,
    }
}

/// Time from the start of a process until it is reaped, started and read as by a campaign.
fn spawn_ns(command: &mut Command, input: &[u8]) -> anyhow::Result<f64> {
    let start = Instant::now();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    // SAFETY: the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGKILL)?)) };
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A process that reads nothing may be gone by now.
        let _ = stdin.write_all(input);
    }
    let mut said = String::new();
    child.stdout.take().context("no stdout")?.read_to_string(&mut said)?;
    let status = child.wait()?;
    let ns = start.elapsed().as_nanos() as f64;
    if !status.success() {
        bail!("{command:?}: {status}: {said}");
    }
    Ok(ns)
}
