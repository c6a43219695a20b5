//! Child process of a visit, with the pipes of its stdout and stderr.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStderr, ChildStdout, Command, Stdio};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{Pid, getpid, getppid, setsid};

use super::observer::{LineError, VisitObserver};
use crate::reap;

/// Longest line: several times that of a call with 1,024 workers.
const MAX_LINE_BYTES: usize = 4 << 20;

/// Bytes of stderr that are kept, the last ones.
const STDERR_TAIL_BYTES: usize = 2048;

/// Reads of stderr in a row, so that a process that never pauses cannot hide its deadline.
const MAX_READS: u32 = 64;

/// Process of a visit, with the beginning of its next line.
///
/// It is not a `std::process::Child`, because it is not waited for as one: its end is
/// noticed first and reaped later, after its group has been killed, so that its pid
/// cannot be reused in between.
pub struct RunnerProcess {
    /// Pid of the process, which is the id of its process group too.
    pub group: Pid,
    /// Last bytes of its stderr.
    pub stderr_tail: Vec<u8>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    line: Vec<u8>,
}

impl RunnerProcess {
    /// Starts `command`, and writes `input` to its stdin.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(command: &mut Command, input: &[u8]) -> io::Result<RunnerProcess> {
        let supervisor = getpid();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: between fork and exec the closure makes only system calls,
        // allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(move || {
                // A session of its own, and so a group: Ctrl-C on the terminal reaches only
                // the harness, the group can be killed at once, and none of its processes
                // can use the terminal.
                setsid()?;
                // The runner must not inherit the signals that the harness blocks.
                SigSet::empty().thread_set_mask()?;
                prctl::set_pdeathsig(Signal::SIGKILL)?;
                // The harness ignores it, and an ignored signal is inherited.
                signal(Signal::SIGXFSZ, SigHandler::SigDfl)?;
                // The parent may have died before the death signal was set.
                if getppid() == supervisor { Ok(()) } else { Err(Errno::ESRCH.into()) }
            })
        };
        let mut child = command.spawn()?;
        let group = Pid::from_raw(child.id() as i32);
        for descriptor in
            [child.stdout.as_ref().map(|o| o.as_fd()), child.stderr.as_ref().map(|e| e.as_fd())]
        {
            let Some(descriptor) = descriptor else { continue };
            fcntl(descriptor, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        if let Some(mut stdin) = child.stdin.take() {
            // A request is far smaller than a pipe's buffer, so this cannot block. An error
            // means that the runner has closed its stdin; its output shows the rest.
            let _ = stdin.write_all(input);
        }
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Ok(RunnerProcess { group, stderr_tail: Vec::new(), stdout, stderr, line: Vec::new() })
    }

    /// Tells whether its stdout has ended.
    pub fn has_closed_stdout(&self) -> bool {
        self.stdout.is_none()
    }

    /// Descriptors to poll.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let stdout = self.stdout.iter().map(|stdout| stdout.as_fd());
        stdout.chain(self.stderr.iter().map(|stderr| stderr.as_fd()))
    }

    /// Reads the available output, and passes every complete line to `observer`.
    ///
    /// The stdout of a runner that has exited has ended, even if a process that it left
    /// behind still holds it open.
    ///
    /// # Errors
    /// If a line makes the visit invalid.
    pub fn read_lines(&mut self, observer: &mut dyn VisitObserver) -> Result<(), LineError> {
        let mut buffer = [0; 1 << 16];
        while let Some(stdout) = &mut self.stdout {
            // Before the read: what is written between exit and read is not lost then.
            let had_exited = reap::has_exited(self.group);
            match stdout.read(&mut buffer) {
                Ok(0) => self.stdout = None,
                Ok(count) => self.pass_lines(&buffer[..count], observer)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !had_exited {
                        return Ok(());
                    }
                    self.stdout = None;
                }
                Err(error) => {
                    let problem = format!("cannot read the runner's stdout: {error}");
                    return Err(LineError::Invalid(problem));
                }
            }
        }
        Ok(())
    }

    /// Passes on a last line without a line break, if there is one. Must come after the exit
    /// of the runner, whose status matters if it died in the middle of the line.
    ///
    /// # Errors
    /// If the line makes the visit invalid.
    pub fn read_last_line(&mut self, observer: &mut dyn VisitObserver) -> Result<(), LineError> {
        if self.line.is_empty() { Ok(()) } else { self.pass_lines(b"\n", observer) }
    }

    /// Passes on the lines that end in `bytes`.
    fn pass_lines(
        &mut self,
        bytes: &[u8],
        observer: &mut dyn VisitObserver,
    ) -> Result<(), LineError> {
        let read_at = Instant::now();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                observer.on_line(line, read_at)?;
                self.line.clear();
            } else if self.line.len() > MAX_LINE_BYTES {
                let problem = format!("protocol error: a line of more than {MAX_LINE_BYTES} bytes");
                return Err(LineError::Invalid(problem));
            }
        }
        Ok(())
    }

    /// Reads the available stderr, passes it on and keeps its end.
    pub fn read_stderr(&mut self, observer: &mut dyn VisitObserver) {
        let mut buffer = [0; 4096];
        for _ in 0..MAX_READS {
            let Some(stderr) = &mut self.stderr else { return };
            match stderr.read(&mut buffer) {
                Ok(count) if count > 0 => {
                    observer.on_stderr(&buffer[..count]);
                    self.stderr_tail.extend_from_slice(&buffer[..count]);
                    let excess = self.stderr_tail.len().saturating_sub(STDERR_TAIL_BYTES);
                    self.stderr_tail.drain(..excess);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Closed: poll would report it again and again.
                _ => self.stderr = None,
            }
        }
    }
}
