//! Resource usage of the calls of a visit, read before a call begins and after it has
//! ended, and never during it.

use std::collections::BTreeSet;

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getpid};

use super::cycle_counter::{Count, Counter};
use crate::backend::{Report, Team, run_delay};
use crate::machine::cpu_list;
use crate::runner::process_status::peak_memory_bytes;
use crate::runner::protocol::{Call, Done};
use crate::runner::usage::UsageSnapshot;

/// Least time of the previous call for which the run delay of workers that outlive a
/// call is read. Reading makes the kernel create directory entries in `/proc`, and
/// removing them when such a thread ends takes milliseconds, which would lengthen the
/// visit.
const MIN_CALL_FOR_RUN_DELAY_NS: u64 = 10_000_000;

/// Monitor of the resources that the calls of a visit use.
pub struct ResourceMonitor {
    cycles: Option<Counter>,
    /// True if workers start threads of their own in a call. These end within it, and
    /// their run delay cannot be read from outside.
    has_inner: bool,
    /// Time of the last call; 0 before the first.
    last_wall_ns: u64,
    /// CPUs on which a worker was seen.
    cpus: BTreeSet<usize>,
    /// Sum of the peaks of the processes that end with the team.
    peak_bytes: Option<u64>,
}

/// Counters as they stood before or after a call.
pub struct Snapshot {
    usage: UsageSnapshot,
    /// Run delays of the processes whose threads outlive a call and work in it.
    run_delays_ns: Vec<(i32, Option<u64>)>,
    /// CPU clocks of the workers that outlive a call.
    clocks_ns: Vec<Option<u64>>,
    cycles: Option<Count>,
}

impl ResourceMonitor {
    /// Starts a monitor. Must come before the team is made, since only cycles of later
    /// threads are counted. `inner_nthread` is the number of threads in each worker.
    pub fn new(inner_nthread: u32) -> ResourceMonitor {
        ResourceMonitor {
            cycles: Counter::of_cycles(),
            has_inner: inner_nthread > 1,
            last_wall_ns: 0,
            cpus: BTreeSet::new(),
            peak_bytes: None,
        }
    }

    /// Reads all counters before a call, the slowest first, so that reading them is not
    /// part of the differences.
    ///
    /// # Errors
    /// If the usage of this process cannot be read.
    pub fn before(&self, team: &dyn Team) -> anyhow::Result<Snapshot> {
        // Run delays need files of /proc (microseconds each), cycles one read.
        let run_delays_ns = self.run_delays_ns(team);
        let usage = UsageSnapshot::before(&team.pids())?;
        let clocks_ns = team.cpu_clocks_ns();
        Ok(Snapshot { usage, run_delays_ns, clocks_ns, cycles: self.cycles() })
    }

    /// Reads all counters after a call, in the opposite order.
    ///
    /// # Errors
    /// If the usage of this process cannot be read.
    pub fn after(&self, team: &dyn Team) -> anyhow::Result<Snapshot> {
        let cycles = self.cycles();
        let clocks_ns = team.cpu_clocks_ns();
        let usage = UsageSnapshot::after(&team.pids())?;
        Ok(Snapshot { usage, run_delays_ns: self.run_delays_ns(team), clocks_ns, cycles })
    }

    fn cycles(&self) -> Option<Count> {
        self.cycles.as_ref().and_then(Counter::read)
    }

    /// Run delays of the processes that outlive a call, and of this one if its threads
    /// are the workers and outlive it.
    fn run_delays_ns(&self, team: &dyn Team) -> Vec<(i32, Option<u64>)> {
        let mut pids = team.pids();
        if pids.is_empty() && outlive_calls(&team.cpu_clocks_ns()) {
            pids.push(getpid().as_raw());
        }
        let is_read = self.last_wall_ns >= MIN_CALL_FOR_RUN_DELAY_NS && !self.has_inner;
        pids.into_iter()
            .map(|pid| (pid, if is_read { process_run_delay_ns(pid) } else { None }))
            .collect()
    }

    /// Records the time and the CPUs of a call that has ended.
    pub fn record_call(&mut self, wall_ns: u64, reports: &[Report]) {
        self.last_wall_ns = wall_ns;
        self.cpus.extend(reports.iter().filter_map(|report| Some(report.last_cpu? as usize)));
    }

    /// Reads the peak memory of the team's processes, which end with it. Must come after
    /// its last call.
    pub fn before_teardown(&mut self, team: &dyn Team) {
        let living: Option<u64> = team.pids().into_iter().map(peak_memory_bytes).sum();
        self.peak_bytes = living.map(|bytes| bytes + team.peak_memory_bytes());
    }

    /// Usage of the whole visit. Must come after the teardown: then this process and
    /// the children that it has reaped are all processes of the visit.
    ///
    /// # Errors
    /// If the usage of this process cannot be read.
    pub fn finish(self) -> anyhow::Result<Done> {
        let own_bytes = peak_memory_bytes(getpid().as_raw());
        let cpus: Vec<usize> = self.cpus.into_iter().collect();
        Ok(Done {
            max_rss_bytes: self.peak_bytes.zip(own_bytes).map(|(team, own)| team + own),
            cpus: cpu_list(&cpus),
            ..UsageSnapshot::after(&[])?.into_done()
        })
    }
}

impl Snapshot {
    /// Usage between two snapshots, without the time and the tally of the call.
    pub fn since(&self, before: &Snapshot, reports: &[Report]) -> Call {
        let cycles = self.cycles.zip(before.cycles);
        Call {
            run_delay_ns: self.run_delay_since_ns(before, reports),
            cycles: cycles.and_then(|(after, before)| after.since(before)),
            ..self.usage.since(&before.usage).into_call()
        }
    }

    /// CPU time of a worker (from 0), if it outlives the call.
    pub fn cpu_since_ns(&self, before: &Snapshot, worker: usize) -> Option<u64> {
        let (after, before) = (*self.clocks_ns.get(worker)?, *before.clocks_ns.get(worker)?);
        Some(after?.saturating_sub(before?))
    }

    /// Run delay of all workers; `None` unless that of every worker is known.
    fn run_delay_since_ns(&self, before: &Snapshot, reports: &[Report]) -> Option<u64> {
        let outside = self.run_delays_ns.iter().map(|&(pid, after_ns)| {
            // A process that is new, or had not run yet, has waited only since then.
            let known = before.run_delays_ns.iter().find(|(other, _)| *other == pid);
            let before_ns = known.and_then(|(_, delay_ns)| *delay_ns).unwrap_or(0);
            Some(after_ns?.saturating_sub(before_ns))
        });
        let outside: Option<u64> = outside.sum();
        // Workers that live for one call have reported their own run delay.
        let inside: Option<u64> = match outlive_calls(&self.clocks_ns) {
            true => Some(0),
            false => reports.iter().map(|report| report.run_delay_ns).sum(),
        };
        outside.zip(inside).map(|(outside, inside)| outside + inside)
    }
}

/// Tells whether workers outlive a call: then a team has clocks of them.
fn outlive_calls(clocks_ns: &[Option<u64>]) -> bool {
    !clocks_ns.is_empty()
}

/// Number of times that processes of a team were stopped in a call before which the
/// team counted `before`; `None` if it has no processes. For those that outlive the
/// call it is the changes since the last time that this was called; the kernel reports
/// only the last change, so a stop with its continuation counts once.
pub fn stops(team: &dyn Team, before: Option<u32>) -> Option<u32> {
    let of_call = team.stops().map(|stops| stops - before.unwrap_or(0));
    let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED;
    let outliving = team.pids().into_iter().filter_map(|pid| {
        match waitid(Id::Pid(Pid::from_raw(pid)), flags) {
            Ok(WaitStatus::Stopped(..) | WaitStatus::Continued(_)) => Some(1),
            Ok(_) => Some(0),
            Err(_) => None,
        }
    });
    of_call.into_iter().chain(outliving).reduce(|sum, stops| sum + stops)
}

/// Sum of the run delays of the workers in a process, in nanoseconds; `None` where
/// the kernel does not keep them, or the process has ended or never run.
///
/// In a process with several threads the first one only waits for the others, which are
/// the workers. Its own run delay does not delay the call, and is left out.
fn process_run_delay_ns(pid: i32) -> Option<u64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let (first, others): (Vec<_>, Vec<_>) =
        tasks.partition(|task| task.file_name().to_str() == Some(pid.to_string().as_str()));
    let workers = if others.is_empty() { first } else { others };
    // Threads that have not run yet or have ended are left out.
    let delays = workers.iter().filter_map(|task| run_delay::read(&task.path().join("schedstat")));
    delays.reduce(|one, other| one + other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_delay_of_a_process_is_the_sum_of_its_threads() {
        let pid = getpid().as_raw();
        let (own, all) = (run_delay::current_thread_ns(), process_run_delay_ns(pid));
        assert_eq!(own.is_some(), all.is_some());
        assert!(own <= all, "{own:?} of {all:?}");
        assert_eq!(process_run_delay_ns(1 << 23), None, "larger than any pid");
    }
}
