//! Evidence beside a call: what the system says of the workers, read before it
//! begins and after it has ended, and never in between.

use std::collections::BTreeSet;

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getpid};

use super::cycles::{Count, Counter};
use super::protocol::{Call, Done};
use super::status::peak_memory_bytes;
use super::usage::Usage;
use crate::backend::{Report, Team, run_delay};
use crate::machine::cpu_list;

/// Who outlives a call is asked for its run delay only if the call before took as
/// long: the kernel, which made directory entries to be asked by, takes a while to
/// remove them when such a thread or process ends, milliseconds for a thread, and
/// so would the visit.
const RUN_DELAY_MIN_BUSY_NS: u64 = 10_000_000;

/// Watches the calls of a visit.
pub struct Witness {
    cycles: Option<Counter>,
    /// Whether workers start threads of their own in a call: these end in it with
    /// what they waited, which nobody can ask for from outside.
    has_inner: bool,
    /// Time of the last call; 0 before the first.
    last_wall_ns: u64,
    /// CPUs on which a worker was seen.
    cpus: BTreeSet<usize>,
    /// Peaks of the processes that are gone with the team, added up.
    peak_bytes: Option<u64>,
}

/// What was read before or after a call.
pub struct Reading {
    usage: Usage,
    /// Processes whose threads outlive a call and work in it, and their run
    /// delays.
    run_delays_ns: Vec<(i32, Option<u64>)>,
    /// CPU clocks of the workers that outlive a call.
    clocks_ns: Vec<Option<u64>>,
    cycles: Option<Count>,
}

impl Witness {
    /// To be called before the team is made: cycles are counted of those only
    /// that come later. Each worker will have so many threads inside it.
    pub fn new(inner_nthread: u32) -> Witness {
        Witness {
            cycles: Counter::of_cycles(),
            has_inner: inner_nthread > 1,
            last_wall_ns: 0,
            cpus: BTreeSet::new(),
            peak_bytes: None,
        }
    }

    /// Reads all before a call: what takes longest first, so that it is not in
    /// the differences.
    ///
    /// # Errors
    /// Where the system does not tell what this process used.
    pub fn before(&self, team: &dyn Team) -> anyhow::Result<Reading> {
        let run_delays_ns = self.run_delays_ns(team);
        let usage = Usage::before(&team.pids())?;
        let clocks_ns = team.cpu_clocks_ns();
        Ok(Reading { usage, run_delays_ns, clocks_ns, cycles: self.count() })
    }

    /// Reads all after a call, in the opposite order.
    ///
    /// # Errors
    /// As [`Witness::before`].
    pub fn after(&self, team: &dyn Team) -> anyhow::Result<Reading> {
        let cycles = self.count();
        let clocks_ns = team.cpu_clocks_ns();
        let usage = Usage::after(&team.pids())?;
        Ok(Reading { usage, run_delays_ns: self.run_delays_ns(team), clocks_ns, cycles })
    }

    fn count(&self) -> Option<Count> {
        self.cycles.as_ref().and_then(Counter::read)
    }

    /// Run delays of the processes that outlive a call; of this one if its
    /// threads are the workers, and do.
    fn run_delays_ns(&self, team: &dyn Team) -> Vec<(i32, Option<u64>)> {
        let mut pids = team.pids();
        if pids.is_empty() && lives_on(&team.cpu_clocks_ns()) {
            pids.push(getpid().as_raw());
        }
        let is_worth_asking = self.last_wall_ns >= RUN_DELAY_MIN_BUSY_NS && !self.has_inner;
        let ask = |pid| if is_worth_asking { run_delay::process_ns(pid) } else { None };
        pids.into_iter().map(|pid| (pid, ask(pid))).collect()
    }

    /// Notes what a call that is over tells of the visit, and of the next call.
    pub fn hear(&mut self, wall_ns: u64, reports: &[Report]) {
        self.last_wall_ns = wall_ns;
        self.cpus.extend(reports.iter().filter_map(|report| Some(report.last_cpu? as usize)));
    }

    /// To be called when the team has done its last call: with it go its
    /// processes, and their peaks.
    pub fn part_from(&mut self, team: &dyn Team) {
        let living: Option<u64> = team.pids().into_iter().map(peak_memory_bytes).sum();
        self.peak_bytes = living.map(|bytes| bytes + team.peak_memory_bytes());
    }

    /// What the whole visit took, once the team is gone: then this process and
    /// its reaped children are all there was.
    ///
    /// # Errors
    /// As [`Witness::before`].
    pub fn sum_up(self) -> anyhow::Result<Done> {
        let switches = Usage::after(&[])?.since(&Usage::default()).switches;
        let own_bytes = peak_memory_bytes(getpid().as_raw());
        let cpus: Vec<usize> = self.cpus.into_iter().collect();
        Ok(Done {
            voluntary_switches: switches.map(|it| it.voluntary),
            involuntary_switches: switches.map(|it| it.involuntary),
            max_rss_bytes: self.peak_bytes.zip(own_bytes).map(|(gone, own)| gone + own),
            cpus: cpu_list(&cpus),
            ..Done::default()
        })
    }
}

impl Reading {
    /// What the call took in between, but for its time and its answer.
    pub fn since(&self, before: &Reading, reports: &[Report]) -> Call {
        let used = self.usage.since(&before.usage);
        let cycles = self.cycles.zip(before.cycles);
        Call {
            user_ns: Some(used.user_ns),
            system_ns: Some(used.system_ns),
            run_delay_ns: self.run_delay_since_ns(before, reports),
            voluntary_switches: used.switches.map(|it| it.voluntary),
            involuntary_switches: used.switches.map(|it| it.involuntary),
            cycles: cycles.and_then(|(after, before)| after.since(before)),
            ..Call::default()
        }
    }

    /// CPU time of a worker, from 0, if it outlives the call.
    pub fn cpu_since_ns(&self, before: &Reading, worker: usize) -> Option<u64> {
        let clock_ns = |reading: &Reading| *reading.clocks_ns.get(worker)?;
        Some(clock_ns(self)?.saturating_sub(clock_ns(before)?))
    }

    /// Known only if that of every worker is.
    fn run_delay_since_ns(&self, before: &Reading, reports: &[Report]) -> Option<u64> {
        let outside = self.run_delays_ns.iter().map(|&(pid, after_ns)| {
            // A process that is new, or had not run yet, has waited since.
            let known = before.run_delays_ns.iter().find(|(other, _)| *other == pid);
            let before_ns = known.and_then(|(_, delay_ns)| *delay_ns).unwrap_or(0);
            Some(after_ns?.saturating_sub(before_ns))
        });
        let outside: Option<u64> = outside.sum();
        let inside: Option<u64> = match lives_on(&self.clocks_ns) {
            true => Some(0),
            false => reports.iter().map(|report| report.run_delay_ns).sum(),
        };
        outside.zip(inside).map(|(outside, inside)| outside + inside)
    }
}

/// Whether workers outlive a call: then their clocks can be read from outside.
fn lives_on(clocks_ns: &[Option<u64>]) -> bool {
    !clocks_ns.is_empty()
}

/// How often processes of a team were stopped in a call before which the team
/// counted `before`; `None` if it has none. Those that outlive the call were
/// stopped or continued since this was asked last. One that was stopped and
/// continued in between is one: of it the system tells the last only.
pub fn stops(team: &dyn Team, before: Option<u32>) -> Option<u32> {
    let of_call = team.stops().map(|stops| stops - before.unwrap_or(0));
    let outliving = stops_of(&team.pids());
    of_call.into_iter().chain(outliving).reduce(|sum, stops| sum + stops)
}

fn stops_of(pids: &[i32]) -> Option<u32> {
    let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED;
    let look = |pid: &i32| match waitid(Id::Pid(Pid::from_raw(*pid)), flags) {
        Ok(WaitStatus::Stopped(..) | WaitStatus::Continued(_)) => Some(1),
        Ok(_) => Some(0),
        Err(_) => None,
    };
    pids.iter().filter_map(look).reduce(|sum, stop| sum + stop)
}
