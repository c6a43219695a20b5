//! CPU time and context switches of a visit: of its own process, of the children that
//! it has reaped, and of worker processes that are still alive, which the usage of the
//! parent does not include.

use std::collections::HashMap;

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use super::process_status::{Switches, switches};
use super::protocol::{Call, Done};
use crate::backend::cpu_clock;
use crate::machine::process_table::Process;

/// Usage of all processes of a visit up to one moment.
#[derive(Default)]
pub struct UsageSnapshot {
    own: OwnUsage,
    workers: HashMap<i32, WorkerUsage>,
}

/// Usage of this process and of the children that it has reaped.
#[derive(Clone, Copy, Default)]
struct OwnUsage {
    user_ns: u64,
    system_ns: u64,
    switches: Switches,
}

/// Usage of a worker process that is alive.
#[derive(Clone, Copy, Default)]
struct WorkerUsage {
    cpu_ns: u64,
    /// System part of the CPU time, which the kernel counts in ticks only.
    system_ns: u64,
    switches: Option<Switches>,
}

/// Usage between two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// User CPU time.
    pub user_ns: u64,
    /// System CPU time.
    pub system_ns: u64,
    /// Context switches; `None` if those of one process are not known.
    pub switches: Option<Switches>,
}

impl UsageSnapshot {
    /// Reads all before a call: this process last, since reading the others uses its
    /// CPU time. A process that is gone has used nothing.
    ///
    /// # Errors
    /// If the usage of this process cannot be read.
    pub fn before(pids: &[i32]) -> anyhow::Result<UsageSnapshot> {
        let workers = WorkerUsage::read_all(pids);
        Ok(UsageSnapshot { own: OwnUsage::read()?, workers })
    }

    /// Reads all after a call: this process first.
    ///
    /// # Errors
    /// If the usage of this process cannot be read.
    pub fn after(pids: &[i32]) -> anyhow::Result<UsageSnapshot> {
        let own = OwnUsage::read()?;
        Ok(UsageSnapshot { own, workers: WorkerUsage::read_all(pids) })
    }

    /// Usage since an earlier snapshot. A process that is new has used all of its time
    /// since then.
    pub fn since(&self, before: &UsageSnapshot) -> Usage {
        let mut usage = Usage {
            user_ns: self.own.user_ns.saturating_sub(before.own.user_ns),
            system_ns: self.own.system_ns.saturating_sub(before.own.system_ns),
            switches: Some(self.own.switches.since(before.own.switches)),
        };
        for (pid, worker) in &self.workers {
            let before = before.workers.get(pid).copied().unwrap_or_default();
            let cpu_ns = worker.cpu_ns.saturating_sub(before.cpu_ns);
            // The system time is counted in ticks, and may exceed the exact sum.
            let system_ns = worker.system_ns.saturating_sub(before.system_ns).min(cpu_ns);
            usage.user_ns += cpu_ns - system_ns;
            usage.system_ns += system_ns;
            let switches =
                worker.switches.map(|now| now.since(before.switches.unwrap_or_default()));
            usage.switches = usage.switches.zip(switches).map(|(sum, more)| sum + more);
        }
        usage
    }

    /// Context switches of the whole visit, if the snapshot was taken at its end.
    pub fn into_done(self) -> Done {
        let usage = self.since(&UsageSnapshot::default()).into_call();
        Done {
            voluntary_switches: usage.voluntary_switches,
            involuntary_switches: usage.involuntary_switches,
            ..Done::default()
        }
    }
}

impl Usage {
    /// Usage of a call.
    pub fn into_call(self) -> Call {
        Call {
            user_ns: Some(self.user_ns),
            system_ns: Some(self.system_ns),
            voluntary_switches: self.switches.map(|switches| switches.voluntary),
            involuntary_switches: self.switches.map(|switches| switches.involuntary),
            ..Call::default()
        }
    }
}

impl OwnUsage {
    fn read() -> anyhow::Result<OwnUsage> {
        let mut own = OwnUsage::default();
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

impl WorkerUsage {
    fn read_all(pids: &[i32]) -> HashMap<i32, WorkerUsage> {
        pids.iter().filter_map(|pid| Some((*pid, WorkerUsage::read(*pid)?))).collect()
    }

    fn read(pid: i32) -> Option<WorkerUsage> {
        let cpu_ns = cpu_clock::process_ns(pid)?;
        let system_ns = Process::read(pid).map_or(0, |process| process.system_ns);
        Some(WorkerUsage { cpu_ns, system_ns, switches: switches(pid) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(own: (u64, u64), others: &[(i32, (u64, u64))]) -> UsageSnapshot {
        let other = |&(pid, (cpu_ns, system_ns)): &(i32, (u64, u64))| {
            (pid, WorkerUsage { cpu_ns, system_ns, switches: None })
        };
        let own = OwnUsage { user_ns: own.0, system_ns: own.1, switches: Switches::default() };
        UsageSnapshot { own, workers: others.iter().map(other).collect() }
    }

    #[test]
    fn time_of_other_processes_is_added_and_split() {
        let times = |after: &UsageSnapshot, before: &UsageSnapshot| {
            let usage = after.since(before);
            (usage.user_ns, usage.system_ns)
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
        let of = |own, other: Option<Switches>| UsageSnapshot {
            own: OwnUsage { switches: own, ..OwnUsage::default() },
            workers: HashMap::from([(
                7,
                WorkerUsage { switches: other, ..WorkerUsage::default() },
            )]),
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
        for usage in [UsageSnapshot::before(&pids), UsageSnapshot::after(&pids)] {
            let usage = usage.expect("usage");
            assert_eq!(usage.workers.len(), 1);
            assert!(usage.workers[&own].cpu_ns > 0);
        }
    }
}
