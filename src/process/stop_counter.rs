//! Counter of the stops of a child process.

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// Number of times that a child was stopped (SIGSTOP, SIGTSTP).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopCounter {
    /// Stops so far.
    pub count: u32,
    /// Last state that the system reported: stopped or not.
    is_stopped: bool,
}

impl StopCounter {
    /// Counts the changes of the state of a child since the last call. Its end is not
    /// reaped here.
    pub fn update(&mut self, pid: Pid) {
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
        loop {
            match waitid(Id::Pid(pid), flags) {
                Ok(status @ (WaitStatus::Stopped(..) | WaitStatus::Continued(_))) => {
                    self.record(status);
                }
                Err(Errno::EINTR) => {}
                _ => return,
            }
        }
    }

    /// Counts one change.
    pub fn record(&mut self, status: WaitStatus) {
        let is_stopped = match status {
            WaitStatus::Stopped(..) => true,
            WaitStatus::Continued(_) => false,
            _ => return,
        };
        // The system reports only the last change. A child that was continued, and not seen
        // stopped, was stopped in between.
        if is_stopped || !self.is_stopped {
            self.count += 1;
        }
        self.is_stopped = is_stopped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;

    #[test]
    fn a_stop_and_its_end_are_one_stop_even_if_only_one_of_them_is_seen() {
        let pid = Pid::from_raw(1);
        let (stopped, continued) =
            (WaitStatus::Stopped(pid, Signal::SIGSTOP), WaitStatus::Continued(pid));
        for (seen, count) in [
            (&[][..], 0),
            (&[stopped], 1),
            (&[continued], 1),
            (&[stopped, continued], 1),
            (&[stopped, continued, continued], 2),
            (&[stopped, stopped], 2),
        ] {
            let mut stops = StopCounter::default();
            seen.iter().for_each(|status| stops.record(*status));
            assert_eq!(stops.count, count, "{seen:?}");
        }
    }
}
