//! One run of a program, from its start to the end of everything that it left behind.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;
use smallvec::SmallVec;

use super::executable::Executable;
use super::output::OutputStreams;
use super::signal_pipe::SignalPipe;
use crate::reap::{self, ExitReport, StopCounter};

/// Time that processes which a command left behind get to end by themselves.
const GRACE: Duration = Duration::from_millis(500);

/// Time that a run gets to end by itself after SIGTERM, before it is killed.
const TERMINATION_GRACE: Duration = Duration::from_secs(2);

/// Result of one run.
pub struct CompletedRun {
    /// Time from the start of the process until its end was noticed.
    pub wall: Duration,
    /// Exit status and resource usage.
    pub exit: ExitReport,
    /// Number of times that it was stopped.
    pub stops: u32,
    /// Names and pids of the processes that it left behind, which are killed by now.
    pub leftovers: Vec<String>,
}

/// Treatment of processes that outlive the one that started them.
#[derive(Clone, Copy, Debug)]
pub enum Leftovers<'a> {
    /// Leaves them running.
    Keep,
    /// Kills them after [`GRACE`], except those that were there before.
    EndExcept(&'a [Pid]),
}

/// Runs a program to its end, with `input` as its stdin. After `limit` it is ended with
/// SIGTERM, and two seconds later with SIGKILL.
///
/// # Errors
/// If it cannot be started, or this process gets SIGTERM: then the program is alive.
pub fn run(
    executable: &Executable<'_>,
    input: File,
    streams: &mut OutputStreams,
    signals: &SignalPipe,
    leftovers: Leftovers<'_>,
    limit: Option<Duration>,
) -> anyhow::Result<CompletedRun> {
    let mut command = executable.command();
    let (stdout, stderr) = streams.open().context("cannot open the output of the command")?;
    command.stdin(input).stdout(stdout).stderr(stderr);
    let start = Instant::now();
    let child = command.spawn().map_err(|error| anyhow!(executable.explain(&error)))?;
    // Closes our copies of the pipes' write ends: now only the command has them.
    drop(command);
    let pid = Pid::from_raw(child.id() as i32);
    let mut stops = StopCounter::default();
    let mut due = limit.map(|limit| (start + limit, Signal::SIGTERM));
    let end = loop {
        wait(streams, signals, due.map(|(time, _)| time.duration_since(Instant::now())))?;
        // The clock is read before anything else is done, so that it stops at the end.
        let now = Instant::now();
        if signals.drain() {
            if signals.is_terminated() {
                bail!("terminated by SIGTERM");
            }
            stops.update(pid);
            if has_ended(pid) {
                break now;
            }
        }
        if let Some((time, signal)) = due
            && now >= time
        {
            let _ = kill(pid, signal);
            let next = (now + TERMINATION_GRACE, Signal::SIGKILL);
            due = (signal == Signal::SIGTERM).then_some(next);
        }
        streams.read()?;
    };
    let exit = reap::wait(pid);
    let leftovers = match leftovers {
        Leftovers::Keep => Vec::new(),
        Leftovers::EndExcept(spared) => end_leftovers(spared, streams, signals)?,
    };
    streams.close()?;
    Ok(CompletedRun { wall: end - start, exit, stops: stops.count, leftovers })
}

/// Ends the remaining children, and reads their output meanwhile: a process that writes
/// to a full pipe does not end. Returns the names of those that had to be killed.
fn end_leftovers(
    spared: &[Pid],
    streams: &mut OutputStreams,
    signals: &SignalPipe,
) -> anyhow::Result<Vec<String>> {
    let mut result = Ok(());
    let killed = reap::end_remaining(spared, GRACE, |pause| {
        let read = wait(streams, signals, Some(pause)).and_then(|()| streams.read());
        signals.drain();
        // Keeps the first error.
        result = std::mem::replace(&mut result, Ok(())).and(read);
    });
    result.map(|()| killed)
}

/// Sleeps until there is output, a signal, or the time is over.
fn wait(
    streams: &OutputStreams,
    signals: &SignalPipe,
    time: Option<Duration>,
) -> anyhow::Result<()> {
    // Rounded up to whole milliseconds, so that the time is over at the end.
    let milliseconds = time.map(|time| time + Duration::from_micros(999));
    let timeout = milliseconds
        .map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
    let mut descriptors: SmallVec<[PollFd<'_>; 3]> = std::iter::once(signals.as_fd())
        .chain(streams.descriptors())
        .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
        .collect();
    match poll(&mut descriptors, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno).context("cannot wait for the command"),
    }
}

/// Tells whether a child has ended, without reaping it. Reaps other children that have
/// ended: orphans that this process has inherited.
fn has_ended(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    loop {
        match waitid(Id::All, flags).map(|status| status.pid()) {
            Ok(None) => return false,
            Ok(Some(ended)) if ended == pid => return true,
            Ok(Some(ended)) => drop(waitpid(ended, None)),
            Err(Errno::EINTR) => {}
            Err(_) => return true,
        }
    }
}
