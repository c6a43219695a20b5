//! The signals that a run obeys, as a descriptor that can be waited for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The signals that end a run.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// End the run.
    End(Signal),
    /// Ctrl-Z: stop until somebody continues us.
    Stop,
    /// A child has ended: look again.
    Look,
}

/// Holds the signals of this process back, until it is dropped, for whoever
/// asks. Whoever started us with a signal ignored (`nohup`, a script's
/// background job) keeps it ignored: a signal that is held back would arrive
/// all the same.
pub struct Signals {
    descriptor: SignalFd,
    mask_before: SigSet,
}

impl Signals {
    /// Takes the signals over.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn take_over() -> io::Result<Signals> {
        // SAFETY: the default action replaces no handler of ours. Where the
        // signal was ignored, children would vanish before anybody could ask
        // how they ended.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
        // SAFETY: this replaces no handler of ours either. A file that may not
        // grow (`ulimit -f`) is a write that fails, as on a full disk.
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

    /// Leaves the signals held back when this is dropped. A run that a signal
    /// ended has only to say so and to exit: a second Ctrl-C must not cut that
    /// short.
    pub fn stay_held(&mut self) {
        if let Ok(mask) = SigSet::thread_get_mask() {
            self.mask_before = mask;
        }
    }

    /// What the next signal asks for, if one has come.
    pub fn next(&self) -> Option<Wish> {
        let info = self.descriptor.read_signal().ok().flatten()?;
        Some(match Signal::try_from(info.ssi_signo as i32) {
            Ok(Signal::SIGTSTP) => Wish::Stop,
            Ok(signal) if ENDING.contains(&signal) => Wish::End(signal),
            _ => Wish::Look,
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

/// Whether this process was told to ignore a signal.
fn is_ignored(signal: Signal) -> bool {
    // SAFETY: all-zero bytes are a valid `sigaction`, which is plain data.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action the call only writes the old one, to a live
    // variable of its type.
    let asked = unsafe { libc::sigaction(signal as i32, std::ptr::null(), &mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}
