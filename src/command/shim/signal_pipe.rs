//! Self-pipe that makes SIGCHLD and SIGTERM readable in `poll`.
//!
//! Signal handlers, and not a mask with a `signalfd`: a command would inherit the mask,
//! while the kernel resets handlers to the default at `exec`.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{pipe2, read};

/// Descriptor of the pipe's end that the handler writes to.
static WRITE_END: AtomicI32 = AtomicI32::new(-1);

/// True once SIGTERM has come.
static IS_TERMINATED: AtomicBool = AtomicBool::new(false);

/// Pipe that is readable once a signal has come. There is one in a process.
pub struct SignalPipe {
    read_end: OwnedFd,
    /// Open for as long as the handler may write to it.
    _write_end: OwnedFd,
}

impl SignalPipe {
    /// Installs the handlers of SIGCHLD and SIGTERM.
    ///
    /// # Errors
    /// If a system call fails.
    pub fn install() -> io::Result<SignalPipe> {
        let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        WRITE_END.store(write_end.as_raw_fd(), Ordering::Relaxed);
        let handler = SigHandler::Handler(handle);
        let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
        for signal in [Signal::SIGCHLD, Signal::SIGTERM] {
            // SAFETY: the handler is async-signal-safe, and replaces no handler of ours.
            unsafe { sigaction(signal, &action) }?;
        }
        Ok(SignalPipe { read_end, _write_end: write_end })
    }

    /// Empties the pipe; true if a signal has come since the last call.
    pub fn drain(&self) -> bool {
        let mut buffer = [0; 64];
        let mut has_signal = false;
        while matches!(read(&self.read_end, &mut buffer), Ok(count) if count > 0) {
            has_signal = true;
        }
        has_signal
    }

    /// Tells whether SIGTERM has come, at any time.
    pub fn is_terminated(&self) -> bool {
        IS_TERMINATED.load(Ordering::Relaxed)
    }
}

impl AsFd for SignalPipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read_end.as_fd()
    }
}

/// The handler. If the pipe is full it is readable anyway, so a failed write is harmless.
extern "C" fn handle(signal: libc::c_int) {
    let errno = Errno::last();
    if signal == libc::SIGTERM {
        IS_TERMINATED.store(true, Ordering::Relaxed);
    }
    let write_end = WRITE_END.load(Ordering::Relaxed);
    // SAFETY: `write` is async-signal-safe; the byte is alive.
    unsafe { libc::write(write_end, [1_u8].as_ptr().cast(), 1) };
    errno.set();
}
