//! The end of processes: noticing it, reaping it, and bringing it about.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};

/// How long a killed process may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a process ended, and what it used, all that it waited for included.
pub struct Ended {
    /// Its exit code, or minus the signal that killed it.
    pub exit_status: i32,
    /// User CPU time.
    pub user: Duration,
    /// System CPU time.
    pub system: Duration,
    /// Peak memory of the largest of them; at least what its parent had when it
    /// started it.
    pub max_rss_bytes: u64,
    /// Voluntary context switches.
    pub voluntary_switches: u64,
    /// Involuntary context switches.
    pub involuntary_switches: u64,
}

/// Whether a child has ended. Does not reap it.
pub fn has_exited(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::StillAlive))
}

/// How often a child was seen to be stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    /// So often.
    pub count: u32,
    is_stopped: bool,
}

impl Stops {
    /// Takes note of what has become of a child since the last look. Its end is
    /// none of this, and stays to be noticed.
    pub fn look(&mut self, pid: Pid) {
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
        loop {
            match waitid(Id::Pid(pid), flags) {
                Ok(WaitStatus::Stopped(..)) => self.note(true),
                Ok(WaitStatus::Continued(_)) => self.note(false),
                Err(Errno::EINTR) => {}
                _ => return,
            }
        }
    }

    /// The kernel tells the last change only: a child that goes on, and was not
    /// seen to be stopped, was stopped in between.
    fn note(&mut self, is_stopped: bool) {
        if is_stopped || !self.is_stopped {
            self.count += 1;
        }
        self.is_stopped = is_stopped;
    }
}

/// Waits for a child to end, and reaps it.
pub fn wait(pid: Pid) -> Ended {
    let mut status = 0;
    // SAFETY: all-zero bytes are a valid `rusage`, which is plain numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live variables of the right types. nix has
    // no `wait4`, and no other call tells what one single child used.
    while unsafe { libc::wait4(pid.as_raw(), &mut status, 0, &mut usage) } < 0
        && Errno::last() == Errno::EINTR
    {}
    let exit_status =
        if libc::WIFSIGNALED(status) { -libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) };
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    Ended {
        exit_status,
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        max_rss_bytes: 1024 * usage.ru_maxrss as u64,
        voluntary_switches: usage.ru_nvcsw as u64,
        involuntary_switches: usage.ru_nivcsw as u64,
    }
}

/// Kills and reaps every child but `bystanders`, and theirs, which become ours.
/// They are given a moment of `grace` to end by themselves; `pause` sleeps for so
/// long at most. Names those that were still there then.
pub fn all_that_is_left(
    bystanders: &[Pid],
    grace: Duration,
    mut pause: impl FnMut(Duration),
) -> Vec<String> {
    let start = Instant::now();
    // By their ids: a process may be seen twice before it is gone, in another state.
    let mut left = BTreeMap::new();
    while start.elapsed() < grace + PATIENCE {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => {}
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(_) => break,
        }
        let is_left =
            |process: &Process| process.parent == getpid() && !bystanders.contains(&process.pid);
        let still: Vec<Process> = processes().filter(is_left).collect();
        if still.is_empty() {
            break;
        }
        if start.elapsed() >= grace {
            for process in &still {
                let _ = kill(process.pid, Signal::SIGKILL);
            }
            note(&mut left, &still);
        }
        pause(Duration::from_millis(1));
    }
    let mut names: Vec<String> = left.into_values().collect();
    names.sort_unstable();
    names
}

/// Names those that have not ended, each as it was when it was first seen.
fn note(left: &mut BTreeMap<Pid, String>, still: &[Process]) {
    for process in still.iter().filter(|it| it.state != 'Z') {
        left.entry(process.pid).or_insert_with(|| process.to_string());
    }
}

/// The children of this process.
pub fn children() -> Vec<Pid> {
    let own = processes().filter(|process| process.parent == getpid());
    own.map(|process| process.pid).collect()
}

/// Names, pids and states of a process and all that came of it: its descendants, and
/// who is in its group or session though its parent has ended.
pub fn describe_family(leader: Pid) -> Vec<String> {
    let mut others: Vec<Process> = processes().collect();
    let mut family: Vec<Process> = Vec::new();
    loop {
        let is_of_it = |process: &mut Process| {
            [process.pid, process.group, process.session].contains(&leader)
                || family.iter().any(|member| member.pid == process.parent)
        };
        let found: Vec<Process> = others.extract_if(.., is_of_it).collect();
        if found.is_empty() {
            return family.iter().map(Process::to_string).collect();
        }
        family.extend(found);
    }
}

/// A line of /proc/PID/stat.
struct Process {
    pid: Pid,
    name: String,
    state: char,
    parent: Pid,
    group: Pid,
    session: Pid,
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stopped = if self.state == 'T' { ", stopped" } else { "" };
        write!(f, "{} (pid {}, state {}{stopped})", self.name, self.pid, self.state)
    }
}

/// All processes that /proc shows.
fn processes() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        parse_stat(pid, &fs::read_to_string(entry.path().join("stat")).ok()?)
    })
}

/// `pid (name) state parent group session …`; the name may hold anything, so the last
/// parenthesis ends it.
fn parse_stat(pid: i32, stat: &str) -> Option<Process> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_string();
    let mut fields = tail.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = Pid::from_raw(fields.next()?.parse().ok()?);
    let group = Pid::from_raw(fields.next()?.parse().ok()?);
    let session = Pid::from_raw(fields.next()?.parse().ok()?);
    Some(Process { pid: Pid::from_raw(pid), name, state, parent, group, session })
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
            let mut stops = Stops::default();
            seen.iter().for_each(|is_stopped| stops.note(*is_stopped));
            assert_eq!(stops.count, count, "{seen:?}");
        }
    }

    #[test]
    fn a_process_that_takes_its_time_to_die_is_named_once() {
        let seen = |pid, state| {
            parse_stat(pid, &format!("{pid} (sleep) {state} 3 5 6 0 -1")).expect("a process")
        };
        let mut left = BTreeMap::new();
        note(&mut left, &[seen(7, 'S'), seen(8, 'Z')]);
        note(&mut left, &[seen(7, 'R'), seen(9, 'R')]);
        let names: Vec<String> = left.into_values().collect();
        assert_eq!(names, ["sleep (pid 7, state S)", "sleep (pid 9, state R)"]);
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let process = parse_stat(7, "7 (a) R (b) S 3 5 6 0 -1").expect("a process");
        assert_eq!(process.name, "a) R (b");
        let numbers = [process.parent, process.group, process.session].map(Pid::as_raw);
        assert_eq!((process.state, numbers), ('S', [3, 5, 6]));
    }
}
