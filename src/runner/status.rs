//! What `/proc/PID/status` tells of a process: its context switches, and the
//! most memory that it ever had.

use std::fs;
use std::ops::Add;
use std::path::Path;

/// Context switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// It waited for something.
    pub voluntary: u64,
    /// It could have gone on, and another was given its CPU.
    pub involuntary: u64,
}

impl Switches {
    /// Those since then.
    pub fn since(self, before: Switches) -> Switches {
        Switches {
            voluntary: self.voluntary.saturating_sub(before.voluntary),
            involuntary: self.involuntary.saturating_sub(before.involuntary),
        }
    }
}

impl Add for Switches {
    type Output = Switches;

    fn add(self, other: Switches) -> Switches {
        Switches {
            voluntary: self.voluntary + other.voluntary,
            involuntary: self.involuntary + other.involuntary,
        }
    }
}

/// Context switches of a process, all its threads together; `None` if it is
/// gone.
pub fn switches(pid: i32) -> Option<Switches> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let status = |path: &Path| fs::read_to_string(path.join("status")).ok();
    // The file of a process is that of its first thread alone.
    let of_task = |task: fs::DirEntry| switches_in(&status(&task.path())?);
    tasks.flatten().filter_map(of_task).reduce(Add::add)
}

fn switches_in(status: &str) -> Option<Switches> {
    let voluntary = number(status, "voluntary_ctxt_switches:")?;
    Some(Switches { voluntary, involuntary: number(status, "nonvoluntary_ctxt_switches:")? })
}

/// The most memory that a process ever had resident, in bytes: `VmHWM`, of all
/// its threads. `None` if it is gone.
pub fn peak_memory_bytes(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(number(&status, "VmHWM:")? * 1024)
}

/// The number on the line that begins with `key`.
fn number(status: &str, key: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tVmHWM: 7 kB\nVmPeak:\t    9000 kB\nVmHWM:\t    2348 kB\n\
                          voluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";

    #[test]
    fn lines_are_found_by_their_beginning() {
        assert_eq!(number(STATUS, "VmHWM:"), Some(2348));
        assert_eq!(switches_in(STATUS), Some(Switches { voluntary: 12, involuntary: 3 }));
        assert_eq!(switches_in("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_has_a_peak_and_one_that_is_not_there_has_none() {
        let own = nix::unistd::getpid().as_raw();
        assert!(peak_memory_bytes(own) > Some(0));
        assert!(switches(own).is_some());
        assert_eq!(peak_memory_bytes(1 << 23), None);
        assert_eq!(switches(1 << 23), None);
    }
}
