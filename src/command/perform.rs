//! One process from its start to its end, and the end of all that it left behind.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;
use smallvec::SmallVec;

use super::alarm::Alarm;
use super::program::Program;
use super::reap::{self, Ended, Stops};
use super::streams::Streams;

/// How long what a command left behind may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// What came of a process.
pub struct Performance {
    /// From its start until its end was seen.
    pub wall: Duration,
    /// How it ended, and what it used.
    pub ended: Ended,
    /// How often somebody stopped it.
    pub stops: u32,
    /// Names and pids of what it left behind, which is dead now.
    pub left: Vec<String>,
}

/// What becomes of processes that outlive the one that started them.
#[derive(Clone, Copy, Debug)]
pub enum Leftovers<'a> {
    /// They may.
    Stay,
    /// They get a moment to end, and are killed; but those were there before.
    EndAllBut(&'a [Pid]),
}

/// Runs a program, which reads `input`, to its end.
///
/// # Errors
/// Where it cannot be started, or this process was told to end: then it is alive.
pub fn perform(
    program: &Program<'_>,
    input: File,
    streams: &mut Streams,
    alarm: &Alarm,
    leftovers: Leftovers<'_>,
) -> anyhow::Result<Performance> {
    let mut command = program.command();
    let (stdout, stderr) = streams.open().context("cannot open what the command writes to")?;
    command.stdin(input).stdout(stdout).stderr(stderr);
    let start = Instant::now();
    let child = command.spawn().map_err(|error| anyhow!(program.refusal(&error)))?;
    // Only the command has its ends of the pipes now.
    drop(command);
    let pid = Pid::from_raw(child.id() as i32);
    let mut stops = Stops::default();
    let end = loop {
        wait(streams, alarm, PollTimeout::NONE)?;
        let awake = Instant::now();
        if alarm.has_rung() {
            if alarm.is_told_to_end() {
                bail!("told to end by SIGTERM");
            }
            stops.look(pid);
            if has_ended(pid) {
                break awake;
            }
        }
        streams.take()?;
    };
    let ended = reap::wait(pid);
    let left = match leftovers {
        Leftovers::Stay => Vec::new(),
        Leftovers::EndAllBut(spared) => end_all_but(spared, streams, alarm)?,
    };
    streams.close()?;
    Ok(Performance { wall: end - start, ended, stops: stops.count, left })
}

/// Ends the children that are left, and takes what they print meanwhile: what
/// writes to a full pipe does not end. Names those that did not end by themselves.
fn end_all_but(
    spared: &[Pid],
    streams: &mut Streams,
    alarm: &Alarm,
) -> anyhow::Result<Vec<String>> {
    let mut taken = Ok(());
    let left = reap::all_that_is_left(spared, GRACE, |pause| {
        let pause = PollTimeout::try_from(pause).unwrap_or(PollTimeout::ZERO);
        let waited = wait(streams, alarm, pause).and_then(|()| streams.take());
        alarm.has_rung();
        taken = std::mem::replace(&mut taken, Ok(())).and(waited);
    });
    taken.map(|()| left)
}

/// Sleeps until something is printed, a signal comes, or it is time.
fn wait(streams: &Streams, alarm: &Alarm, timeout: PollTimeout) -> anyhow::Result<()> {
    let descriptors = std::iter::once(alarm.as_fd()).chain(streams.descriptors());
    let mut descriptors: SmallVec<[PollFd<'_>; 3]> =
        descriptors.map(|it| PollFd::new(it, PollFlags::POLLIN)).collect();
    match poll(&mut descriptors, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno).context("cannot wait for the command"),
    }
}

/// Whether a child has ended. Does not reap it; but others that have ended, whose
/// parents ended before them.
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
