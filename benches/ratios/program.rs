//! The program itself, run on a terminal of its own.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::ptr::null_mut;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::Pid;

/// Path of the program that cargo built for this bench.
pub const HARNESS: &str = env!("CARGO_BIN_EXE_harness");

/// A running sweep, with its progress bar on a pseudo-terminal.
/// It is killed and reaped when it is dropped.
pub struct Program {
    child: Child,
    terminal: File,
}

impl Program {
    /// Starts a sweep into the directory `out`, without the variables of this process.
    pub fn sweep(arguments: &[&str], out: &Path) -> anyhow::Result<Program> {
        let (terminal, its_end) = terminal().context("cannot open a terminal")?;
        let mut command = Command::new(HARNESS);
        command.args(arguments).arg("--out").arg(out).env("TERM", "xterm");
        let settings = std::env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.to_string_lossy().starts_with("HARNESS_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(its_end));
        Ok(Program { child: command.spawn()?, terminal })
    }

    /// Returns whether it has ended successfully. Its output is read and discarded, so that
    /// it never waits for a reader.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        let mut buffer = [0; 4096];
        while matches!(self.terminal.read(&mut buffer), Ok(count) if count > 0) {}
        match self.child.try_wait()? {
            None => Ok(false),
            Some(status) if status.success() => Ok(true),
            Some(status) => bail!("harness: {status}"),
        }
    }

    /// CPU time that it has used so far, its children not included.
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        let clock = nix::time::clock_getcpuclockid(self.pid())?;
        Ok(nix::time::clock_gettime(clock)?.into())
    }

    /// Its resident memory. `None` once it has ended.
    pub fn resident_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if it has ended by itself, as it usually has.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pseudo-terminal: our end, which never blocks, and that of a program.
fn terminal() -> Result<(File, OwnedFd), Errno> {
    let (mut ours, mut theirs) = (-1, -1);
    // SAFETY: the first two point to live integers; null leaves the name, the
    // settings and the size to the system.
    Errno::result(unsafe {
        libc::openpty(&mut ours, &mut theirs, null_mut(), null_mut(), null_mut())
    })?;
    // SAFETY: both were just opened, and nothing else owns them.
    let (ours, theirs) = unsafe { (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    // Only stdin, stdout and stderr are meant to be inherited.
    for descriptor in [ours.as_raw_fd(), theirs.as_raw_fd()] {
        // SAFETY: the descriptor is open; the call changes a flag of it.
        Errno::result(unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    }
    Ok((ours, theirs))
}
