//! Processes of this machine, as `/proc/PID/stat` describes them.

use std::fmt;
use std::fs;

use nix::unistd::{Pid, getpid};

/// Nanoseconds of a tick of the CPU times in `stat`.
const TICK_NS: u64 = 10_000_000;

/// A process, read from `/proc/PID/stat`.
#[derive(Clone, Debug)]
pub struct Process {
    /// Process id.
    pub pid: Pid,
    /// The name of its executable.
    pub name: String,
    /// The kernel's letter for its state: `R`, `S`, `T` (stopped), `Z` (zombie) …
    pub state: char,
    /// The id of its parent.
    pub parent: Pid,
    /// The id of its process group.
    pub group: Pid,
    /// The id of its session.
    pub session: Pid,
    /// System CPU time in nanoseconds, exact to a tick of 10 ms.
    pub system_ns: u64,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stopped = if self.state == 'T' { ", stopped" } else { "" };
        write!(f, "{} (pid {}, state {}{stopped})", self.name, self.pid, self.state)
    }
}

impl Process {
    /// Reads the process `pid`; `None` if there is none.
    pub fn read(pid: i32) -> Option<Process> {
        Process::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Parses `pid (name) state parent group session …`. The name may hold any
    /// characters, so the last parenthesis ends it.
    pub fn parse(stat: &str) -> Option<Process> {
        let (head, tail) = stat.rsplit_once(')')?;
        let (pid, name) = head.split_once(" (")?;
        let mut fields = tail.split_whitespace();
        let state = fields.next()?.chars().next()?;
        let mut id = || Some(Pid::from_raw(fields.next()?.parse().ok()?));
        let (parent, group, session) = (id()?, id()?, id()?);
        // The system time is the fifteenth field of the line.
        let system_ticks: u64 = fields.nth(8)?.parse().ok()?;
        Some(Process {
            pid: Pid::from_raw(pid.parse().ok()?),
            name: name.to_string(),
            state,
            parent,
            group,
            session,
            system_ns: system_ticks * TICK_NS,
        })
    }
}

/// All processes that `/proc` shows.
pub fn processes() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Process::read(entry.file_name().to_str()?.parse().ok()?))
}

/// The children of this process, zombies included.
pub fn children() -> impl Iterator<Item = Process> {
    let own = getpid();
    processes().filter(move |process| process.parent == own)
}

/// A process and everything that it started: its descendants, and the members of its
/// group or session whose parents have ended.
pub fn family(leader: Pid) -> Vec<Process> {
    let mut others: Vec<Process> = processes().collect();
    let mut family: Vec<Process> = Vec::new();
    loop {
        let more: Vec<Process> = others
            .extract_if(.., |process| {
                [process.pid, process.group, process.session].contains(&leader)
                    || family.iter().any(|member| member.pid == process.parent)
            })
            .collect();
        if more.is_empty() {
            return family;
        }
        family.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) R (b) S 3 5 6 0 -1 4194304 1 2 3 4 11 12 0 0";
        let process = Process::parse(stat).expect("a process");
        assert_eq!(process.name, "a) R (b");
        let ids = [process.pid, process.parent, process.group, process.session];
        assert_eq!((process.state, ids.map(Pid::as_raw)), ('S', [7, 3, 5, 6]));
        assert_eq!(process.system_ns, 120_000_000);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = Process::read(getpid().as_raw()).expect("this process");
        assert!(processes().any(|process| process.pid == own.pid && process.parent == own.parent));
        assert!(Process::read(1 << 23).is_none(), "a pid beyond all");
    }
}
