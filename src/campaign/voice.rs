//! A runner's process, and what it says on stdout and stderr.

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

use super::listen::{Listener, Objection};
use crate::command::reap;

/// Bytes that a line may have: 1,024 workers fit several times over.
const LINE_BYTES: usize = 4 << 20;

/// Bytes of stderr that are kept, the last ones.
const STDERR_BYTES: usize = 2048;

/// Reads of stderr in a row.
const READS: u32 = 64;

/// A runner that was started, with what it has begun to say.
///
/// It is not a `std::process::Child`, because it is not waited for as one: its
/// end is noticed first and reaped later, when its group has been killed, so
/// that its pid cannot belong to somebody else in between.
pub struct Runner {
    /// The runner's pid, which is the id of its process group too.
    pub group: Pid,
    /// The last bytes that it wrote to stderr.
    pub stderr_tail: Vec<u8>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    line: Vec<u8>,
}

impl Runner {
    /// Starts `command`, and gives it `input` to read.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn start(command: &mut Command, input: &[u8]) -> io::Result<Runner> {
        let supervisor = getpid();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: between fork and exec the closure makes only system calls,
        // allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(move || {
                // A session of its own, and so a group: Ctrl-C on the terminal
                // reaches us alone, we can kill all of it at once, and nothing of
                // it can read from or write to the terminal.
                setsid()?;
                // The signals that we hold back are not the runner's affair.
                SigSet::empty().thread_set_mask()?;
                prctl::set_pdeathsig(Signal::SIGKILL)?;
                // We ignore it; a program expects it as the system has it.
                signal(Signal::SIGXFSZ, SigHandler::SigDfl)?;
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
            // A visit is far smaller than a pipe's buffer, so this cannot
            // block. A runner that closed its stdin is judged by what it says.
            let _ = stdin.write_all(input);
        }
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Ok(Runner { group, stderr_tail: Vec::new(), stdout, stderr, line: Vec::new() })
    }

    /// Whether it has said its last word.
    pub fn is_silent(&self) -> bool {
        self.stdout.is_none()
    }

    /// What to wait for.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let stdout = self.stdout.iter().map(|stdout| stdout.as_fd());
        stdout.chain(self.stderr.iter().map(|stderr| stderr.as_fd()))
    }

    /// Passes on every whole line that is there.
    ///
    /// A runner that has exited has said its last word even where a process
    /// that it left behind still holds its stdout open.
    ///
    /// # Errors
    /// What is wrong with a line.
    pub fn read_lines(&mut self, listener: &mut dyn Listener) -> Result<(), Objection> {
        let mut buffer = [0; 1 << 16];
        while let Some(stdout) = &mut self.stdout {
            let had_exited = reap::has_exited(self.group);
            match stdout.read(&mut buffer) {
                Ok(0) => self.stdout = None,
                Ok(count) => self.take_lines(&buffer[..count], listener)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !had_exited {
                        return Ok(());
                    }
                    self.stdout = None;
                }
                Err(error) => {
                    let problem = format!("cannot read the runner's stdout: {error}");
                    return Err(Objection::Wrong(problem));
                }
            }
        }
        Ok(())
    }

    /// Passes on a last line that has no end, if there is one: once the runner
    /// has exited, so that its death is known if it died in the middle of it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_last_line(&mut self, listener: &mut dyn Listener) -> Result<(), Objection> {
        if self.line.is_empty() { Ok(()) } else { self.take_lines(b"\n", listener) }
    }

    /// Passes on the lines that `bytes` complete.
    fn take_lines(&mut self, bytes: &[u8], listener: &mut dyn Listener) -> Result<(), Objection> {
        let heard = Instant::now();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                listener.line(line, heard)?;
                self.line.clear();
            } else if self.line.len() > LINE_BYTES {
                let problem = format!("the runner said a line of over {LINE_BYTES} bytes");
                return Err(Objection::Wrong(problem));
            }
        }
        Ok(())
    }

    /// Passes on what is there on stderr, and keeps its end. One that never pauses
    /// is left alone after a while, so that its deadline is noticed.
    pub fn read_stderr(&mut self, listener: &mut dyn Listener) {
        let mut buffer = [0; 4096];
        for _ in 0..READS {
            let Some(stderr) = &mut self.stderr else { return };
            match stderr.read(&mut buffer) {
                Ok(count) if count > 0 => {
                    listener.overhears(&buffer[..count]);
                    self.stderr_tail.extend_from_slice(&buffer[..count]);
                    let excess = self.stderr_tail.len().saturating_sub(STDERR_BYTES);
                    self.stderr_tail.drain(..excess);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Closed: poll must not report it again and again.
                _ => self.stderr = None,
            }
        }
    }
}
