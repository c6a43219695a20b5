//! Context switches and peak memory of a process, from `/proc/PID/status`.

use std::fs;
use std::ops::Add;

/// Numbers of context switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// Switches because the process waited for something.
    pub voluntary: u64,
    /// Switches because another process was given its CPU.
    pub involuntary: u64,
}

impl Switches {
    /// Switches since an earlier count.
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

/// Context switches of all threads of a process; `None` if it is gone.
pub fn switches(pid: i32) -> Option<Switches> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    // The status file of a process describes its first thread alone.
    tasks
        .flatten()
        .filter_map(|task| parse_switches(&fs::read_to_string(task.path().join("status")).ok()?))
        .reduce(Add::add)
}

fn parse_switches(status: &str) -> Option<Switches> {
    let voluntary = number(status, "voluntary_ctxt_switches:")?;
    Some(Switches { voluntary, involuntary: number(status, "nonvoluntary_ctxt_switches:")? })
}

/// Peak resident memory of a process, in bytes (`VmHWM`); `None` if it is gone.
pub fn peak_memory_bytes(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(number(&status, "VmHWM:")? * 1024)
}

/// Number on the line that begins with `key`.
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
        assert_eq!(parse_switches(STATUS), Some(Switches { voluntary: 12, involuntary: 3 }));
        assert_eq!(parse_switches("Name:\tx\n"), None);
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
