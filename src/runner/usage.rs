//! CPU time of a visit: its own process, the children that it has reaped, and
//! workers in processes that live on, which no other clock counts.

use std::collections::HashMap;
use std::fs;

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::backend::cpu_clock;

/// What was used so far.
pub struct Usage {
    /// User and system time of this process and reaped children, in nanoseconds.
    own: (u64, u64),
    /// Processes that live on: all their time, and the system's part of it,
    /// which the system counts in ticks only.
    others: HashMap<i32, (u64, u64)>,
}

impl Usage {
    /// Reads all clocks. A process that is gone has none.
    ///
    /// # Errors
    /// Where the system does not tell what this process used.
    pub fn read(pids: &[i32]) -> anyhow::Result<Usage> {
        let mut own = (0, 0);
        for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
            let usage = getrusage(who).context("cannot read CPU times")?;
            own.0 += usage.user_time().num_microseconds() as u64 * 1000;
            own.1 += usage.system_time().num_microseconds() as u64 * 1000;
        }
        let read = |pid: &i32| {
            Some((*pid, (cpu_clock::of_process_ns(*pid)?, system_ns(*pid).unwrap_or(0))))
        };
        Ok(Usage { own, others: pids.iter().filter_map(read).collect() })
    }

    /// User and system time since then, in nanoseconds. A process that is new
    /// has used all of its time since.
    pub fn since(&self, before: &Usage) -> (u64, u64) {
        let mut user_ns = self.own.0.saturating_sub(before.own.0);
        let mut system_ns = self.own.1.saturating_sub(before.own.1);
        for (pid, (all, system)) in &self.others {
            let (all_before, system_before) = before.others.get(pid).copied().unwrap_or_default();
            let all = all.saturating_sub(all_before);
            let system = system.saturating_sub(system_before).min(all);
            user_ns += all - system;
            system_ns += system;
        }
        (user_ns, system_ns)
    }
}

/// System time of a process: the fifteenth field of its `stat`, in ticks of
/// 10 ms. The second may hold blanks and ends with the last bracket.
fn system_ns(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().nth(12)?.parse().ok()?;
    Some(ticks * 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_other_processes_is_added_and_split() {
        let usage = |own, others: &[(i32, (u64, u64))]| Usage {
            own,
            others: others.iter().copied().collect(),
        };
        let before = usage((10, 1), &[(7, (100, 30))]);
        let after = usage((15, 3), &[(7, (150, 40)), (8, (20, 0))]);
        assert_eq!(after.since(&before), (5 + 40 + 20, 2 + 10));
        let a_tick_too_many = usage((10, 1), &[(7, (105, 40))]);
        assert_eq!(a_tick_too_many.since(&before), (0, 5));
    }

    #[test]
    fn this_process_has_times() {
        let own = nix::unistd::getpid().as_raw();
        let usage = Usage::read(&[own, 1 << 23]).expect("usage"); // beyond all pids
        assert_eq!(usage.others.len(), 1);
        assert!(usage.others[&own].0 > 0);
    }
}
