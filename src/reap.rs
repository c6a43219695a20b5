//! Reaping of child processes, and of the processes that they leave behind.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::machine::process_table::{Process, children};
pub(crate) use crate::process::StopCounter;
use crate::process::wait4;

/// Time within which a killed process is gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// The exit status and resource usage of a child, including all descendants that it
/// waited for.
#[derive(Default)]
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

/// Waits for a child to end, and reaps it.
pub fn wait(pid: Pid) -> ExitReport {
    let (status, usage) = loop {
        match wait4(pid, WaitPidFlag::empty()) {
            Ok(Some(ended)) => break ended,
            Err(Errno::EINTR) => {}
            _ => return ExitReport::default(),
        }
    };
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
