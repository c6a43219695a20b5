//! Reaping of child processes, and of the processes that they leave behind.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::machine::process_table::{Process, children};

/// Time within which a killed process is gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// The exit status and resource usage of a child, including all descendants that it
/// waited for.
pub struct ExitReport {
    /// Exit code, or minus the signal that killed it.
    pub status: i32,
    /// Resource usage. The peak memory is that of the largest process among them; at least the
    /// memory that its parent had when it started it.
    pub usage: libc::rusage,
}

impl ExitReport {
    /// User CPU time.
    pub fn user(&self) -> Duration {
        duration(self.usage.ru_utime)
    }

    /// System CPU time.
    pub fn system(&self) -> Duration {
        duration(self.usage.ru_stime)
    }
}

/// Tells whether a child has ended, without reaping it.
pub fn has_exited(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::StillAlive))
}

/// Number of times that a child was stopped (SIGSTOP, SIGTSTP).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopCounter {
    /// Stops so far.
    pub count: u32,
    is_stopped: bool,
}

impl StopCounter {
    /// Counts the changes of a child's state since the last call. Its end is not
    /// reaped here.
    pub fn update(&mut self, pid: Pid) {
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
        loop {
            match waitid(Id::Pid(pid), flags) {
                Ok(WaitStatus::Stopped(..)) => self.record(true),
                Ok(WaitStatus::Continued(_)) => self.record(false),
                Err(Errno::EINTR) => {}
                _ => return,
            }
        }
    }

    /// Counts one change. The kernel reports only the last one: a child that
    /// continues, and was not seen to be stopped, was stopped in between.
    fn record(&mut self, is_stopped: bool) {
        if is_stopped || !self.is_stopped {
            self.count += 1;
        }
        self.is_stopped = is_stopped;
    }
}

/// Waits for a child to end, and reaps it.
pub fn wait(pid: Pid) -> ExitReport {
    let mut status = 0;
    // SAFETY: all-zero bytes are a valid `rusage`, which is plain numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live variables of the right types. nix has
    // no `wait4`, and no other call reports the usage of one single child.
    while unsafe { libc::wait4(pid.as_raw(), &mut status, 0, &mut usage) } < 0
        && Errno::last() == Errno::EINTR
    {}
    let status =
        if libc::WIFSIGNALED(status) { -libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) };
    ExitReport { status, usage }
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
}

/// Ends and reaps all children of this process except `spared`, with the descendants
/// that become its children meanwhile. They get `grace` to end by themselves before
/// they are killed; `pause` sleeps for at most the given time. Returns the names of
/// those that had to be killed.
pub fn end_remaining(
    spared: &[Pid],
    grace: Duration,
    mut pause: impl FnMut(Duration),
) -> Vec<String> {
    let start = Instant::now();
    let mut killed = Vec::new();
    while start.elapsed() < grace + KILL_TIMEOUT {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => {}
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(_) => break,
        }
        let remaining: Vec<Process> =
            children().filter(|process| !spared.contains(&process.pid)).collect();
        if remaining.is_empty() {
            break;
        }
        if start.elapsed() >= grace {
            for process in &remaining {
                let _ = kill(process.pid, Signal::SIGKILL);
            }
            record_alive(&mut killed, &remaining);
        }
        pause(Duration::from_millis(1));
    }
    let mut names: Vec<String> = killed.into_iter().map(|(_, name)| name).collect();
    names.sort_unstable();
    names
}

/// Names the processes that have not ended, each once, in the state in which it was
/// first seen: a process may be seen again before it is gone, in another state.
fn record_alive(names: &mut Vec<(Pid, String)>, processes: &[Process]) {
    for process in processes.iter().filter(|process| process.state != 'Z') {
        if !names.iter().any(|(pid, _)| *pid == process.pid) {
            names.push((process.pid, process.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_and_its_end_are_one_stop_even_if_only_one_of_them_is_seen() {
        for (seen, count) in [
            (&[][..], 0),
            (&[true], 1),
            (&[false], 1),
            (&[true, false], 1),
            (&[true, false, false], 2),
            (&[true, true], 2),
        ] {
            let mut stops = StopCounter::default();
            seen.iter().for_each(|is_stopped| stops.record(*is_stopped));
            assert_eq!(stops.count, count, "{seen:?}");
        }
    }

    #[test]
    fn a_process_that_is_slow_to_die_is_named_once() {
        let seen = |pid, state| {
            let stat = format!("{pid} (sleep) {state} 3 5 6 0 -1 0 0 0 0 0 1 2");
            Process::parse(&stat).expect("a process")
        };
        let mut names = Vec::new();
        record_alive(&mut names, &[seen(7, 'S'), seen(8, 'Z')]);
        record_alive(&mut names, &[seen(7, 'R'), seen(9, 'R')]);
        let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["sleep (pid 7, state S)", "sleep (pid 9, state R)"]);
    }
}
