//! CPU time and context switches of a visit: its own process, the children that
//! it has reaped, and workers in processes that live on, which no other clock
//! counts.

use std::collections::HashMap;
use std::fs;

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use super::status::{Switches, switches};
use crate::backend::cpu_clock;

/// What was used so far.
#[derive(Default)]
pub struct Usage {
    own: Own,
    others: HashMap<i32, Other>,
}

/// This process and reaped children.
#[derive(Clone, Copy, Default)]
struct Own {
    user_ns: u64,
    system_ns: u64,
    switches: Switches,
}

/// A process that lives on.
#[derive(Clone, Copy, Default)]
struct Other {
    all_ns: u64,
    /// The system's part of it, which the system counts in ticks only.
    system_ns: u64,
    switches: Option<Switches>,
}

/// The difference between two usages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// CPU time in user mode.
    pub user_ns: u64,
    /// CPU time in the system.
    pub system_ns: u64,
    /// Context switches; `None` if those of one process are not known.
    pub switches: Option<Switches>,
}

impl Usage {
    /// Reads all before something begins: this process last, which uses time to
    /// read of the others. A process that is gone has used nothing.
    ///
    /// # Errors
    /// Where the system does not tell what this process used.
    pub fn before(pids: &[i32]) -> anyhow::Result<Usage> {
        let others = Other::read_all(pids);
        Ok(Usage { own: Own::read()?, others })
    }

    /// Reads all after something has ended: this process first.
    ///
    /// # Errors
    /// As [`Usage::before`].
    pub fn after(pids: &[i32]) -> anyhow::Result<Usage> {
        let own = Own::read()?;
        Ok(Usage { own, others: Other::read_all(pids) })
    }

    /// What was used since then. A process that is new has used all of its time
    /// since.
    pub fn since(&self, before: &Usage) -> Used {
        let mut used = Used {
            user_ns: self.own.user_ns.saturating_sub(before.own.user_ns),
            system_ns: self.own.system_ns.saturating_sub(before.own.system_ns),
            switches: Some(self.own.switches.since(before.own.switches)),
        };
        for (pid, other) in &self.others {
            let before = before.others.get(pid).copied().unwrap_or_default();
            let all_ns = other.all_ns.saturating_sub(before.all_ns);
            let system_ns = other.system_ns.saturating_sub(before.system_ns).min(all_ns);
            used.user_ns += all_ns - system_ns;
            used.system_ns += system_ns;
            let switches = other.switches.map(|it| it.since(before.switches.unwrap_or_default()));
            used.switches = used.switches.zip(switches).map(|(sum, it)| sum + it);
        }
        used
    }
}

impl Own {
    fn read() -> anyhow::Result<Own> {
        let mut own = Own::default();
        for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
            let usage = getrusage(who).context("cannot read CPU times")?;
            own.user_ns += usage.user_time().num_microseconds() as u64 * 1000;
            own.system_ns += usage.system_time().num_microseconds() as u64 * 1000;
            own.switches = own.switches
                + Switches {
                    voluntary: usage.voluntary_context_switches() as u64,
                    involuntary: usage.involuntary_context_switches() as u64,
                };
        }
        Ok(own)
    }
}

impl Other {
    fn read_all(pids: &[i32]) -> HashMap<i32, Other> {
        pids.iter().filter_map(|pid| Some((*pid, Other::read(*pid)?))).collect()
    }

    fn read(pid: i32) -> Option<Other> {
        let all_ns = cpu_clock::process_ns(pid)?;
        let system_ns = system_ns(pid).unwrap_or(0);
        Some(Other { all_ns, system_ns, switches: switches(pid) })
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

    fn usage(own: (u64, u64), others: &[(i32, (u64, u64))]) -> Usage {
        let other = |&(pid, (all_ns, system_ns)): &(i32, (u64, u64))| {
            (pid, Other { all_ns, system_ns, switches: None })
        };
        let own = Own { user_ns: own.0, system_ns: own.1, switches: Switches::default() };
        Usage { own, others: others.iter().map(other).collect() }
    }

    #[test]
    fn time_of_other_processes_is_added_and_split() {
        let times = |after: &Usage, before: &Usage| {
            let used = after.since(before);
            (used.user_ns, used.system_ns)
        };
        let before = usage((10, 1), &[(7, (100, 30))]);
        let after = usage((15, 3), &[(7, (150, 40)), (8, (20, 0))]);
        assert_eq!(times(&after, &before), (5 + 40 + 20, 2 + 10));
        let a_tick_too_many = usage((10, 1), &[(7, (105, 40))]);
        assert_eq!(times(&a_tick_too_many, &before), (0, 5));
    }

    #[test]
    fn switches_of_other_processes_are_added_where_all_are_known() {
        let switches = |voluntary, involuntary| Switches { voluntary, involuntary };
        let of = |own, other: Option<Switches>| Usage {
            own: Own { switches: own, ..Own::default() },
            others: HashMap::from([(7, Other { switches: other, ..Other::default() })]),
        };
        let before = of(switches(10, 1), Some(switches(5, 5)));
        let after = of(switches(11, 3), Some(switches(9, 6)));
        assert_eq!(after.since(&before).switches, Some(switches(1 + 4, 2 + 1)));
        let unknown = of(switches(11, 3), None);
        assert_eq!(unknown.since(&before).switches, None);
    }

    #[test]
    fn this_process_has_times() {
        let own = nix::unistd::getpid().as_raw();
        let pids = [own, 1 << 23]; // beyond all pids
        for usage in [Usage::before(&pids), Usage::after(&pids)] {
            let usage = usage.expect("usage");
            assert_eq!(usage.others.len(), 1);
            assert!(usage.others[&own].all_ns > 0);
        }
    }
}
