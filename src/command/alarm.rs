//! What wakes a shim: the death or a stop of a child, and the order to end.
//!
//! Handlers, and not a mask with a descriptor: a command would begin with the mask,
//! while the kernel gives it the default in place of a handler.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{pipe2, read};

/// The end of the pipe that a handler writes to.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// Whether the order to end has come.
static IS_TOLD_TO_END: AtomicBool = AtomicBool::new(false);

/// A descriptor that can be read once a signal has come. There is one in a process.
pub struct Alarm {
    ear: OwnedFd,
    /// Open for as long as a handler may write to it.
    _bell: OwnedFd,
}

impl Alarm {
    /// From now on SIGCHLD and SIGTERM are heard.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn set() -> io::Result<Alarm> {
        let (ear, bell) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        BELL.store(bell.as_raw_fd(), Ordering::Relaxed);
        let action =
            SigAction::new(SigHandler::Handler(ring), SaFlags::SA_RESTART, SigSet::empty());
        for signal in [Signal::SIGCHLD, Signal::SIGTERM] {
            // SAFETY: the handler does only what a handler may, and replaces none
            // of ours.
            unsafe { sigaction(signal, &action) }?;
        }
        Ok(Alarm { ear, _bell: bell })
    }

    /// Whether a signal has come since this was asked.
    pub fn has_rung(&self) -> bool {
        let mut rings = [0; 64];
        let mut has_rung = false;
        while matches!(read(&self.ear, &mut rings), Ok(count) if count > 0) {
            has_rung = true;
        }
        has_rung
    }

    /// Whether the order to end has come, at any time.
    pub fn is_told_to_end(&self) -> bool {
        IS_TOLD_TO_END.load(Ordering::Relaxed)
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ear.as_fd()
    }
}

/// The handler. A full pipe is a bell that rings already.
extern "C" fn ring(signal: libc::c_int) {
    let errno = Errno::last();
    if signal == libc::SIGTERM {
        IS_TOLD_TO_END.store(true, Ordering::Relaxed);
    }
    let bell = BELL.load(Ordering::Relaxed);
    // SAFETY: `write` may be called from a handler; the byte is alive.
    unsafe { libc::write(bell, [1_u8].as_ptr().cast(), 1) };
    errno.set();
}
