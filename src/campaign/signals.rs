//! Signals that steer a run, as a descriptor to poll.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Signals that end a run.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// Action that a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalAction {
    /// End of the run.
    End(Signal),
    /// Suspension until SIGCONT (Ctrl-Z).
    Suspend,
    /// Check of the children, one of which has ended, stopped or continued.
    CheckChildren,
}

/// Blocks the signals of this process until it is dropped, and makes them readable. A
/// signal that was ignored when the program was started (by `nohup`, or for a script's
/// background job) stays ignored: a blocked signal would be delivered all the same.
pub struct Signals {
    descriptor: SignalFd,
    mask_before: SigSet,
}

impl Signals {
    /// Blocks the signals.
    ///
    /// # Errors
    /// If a system call fails.
    pub fn take_over() -> io::Result<Signals> {
        // SAFETY: the default action replaces no handler of ours. If the signal were
        // ignored, the kernel would reap children before their status could be read.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
        // SAFETY: this replaces no handler of ours either. A write beyond `ulimit -f` fails
        // then, as on a full disk.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
        let mut mask = SigSet::from(Signal::SIGCHLD);
        for signal in ENDING.into_iter().chain([Signal::SIGTSTP]) {
            if !is_ignored(signal) {
                mask.add(signal);
            }
        }
        let mask_before = SigSet::thread_get_mask()?;
        mask.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Signals { descriptor: SignalFd::with_flags(&mask, flags)?, mask_before })
    }

    /// Keeps the signals blocked when this is dropped. A run that a signal ended only has
    /// to report and exit: a second Ctrl-C must not interrupt that.
    pub fn keep_blocked(&mut self) {
        if let Ok(mask) = SigSet::thread_get_mask() {
            self.mask_before = mask;
        }
    }

    /// Action of the next pending signal, if there is one.
    pub fn next(&self) -> Option<SignalAction> {
        let info = self.descriptor.read_signal().ok().flatten()?;
        Some(match Signal::try_from(info.ssi_signo as i32) {
            Ok(Signal::SIGTSTP) => SignalAction::Suspend,
            Ok(signal) if ENDING.contains(&signal) => SignalAction::End(signal),
            _ => SignalAction::CheckChildren,
        })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = self.mask_before.thread_set_mask();
    }
}

/// Tells whether this process ignores a signal.
fn is_ignored(signal: Signal) -> bool {
    // SAFETY: all-zero bytes are a valid `sigaction`, which is plain data.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action the call only writes the old one, to a live
    // variable of its type.
    let result = unsafe { libc::sigaction(signal as i32, std::ptr::null(), &mut action) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}
