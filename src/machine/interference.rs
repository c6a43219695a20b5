//! Interference counters: CPU time lost to throttling by a control group's quota, to steal by the
//! hypervisor, and to other programs.
//!
//! The counters of the kernel only grow. They are read before and after a visit, never during one;
//! the interference is the difference.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use super::load::{busy, cpu_ticks, tick_ns};
use super::{affinity, cgroup, parse_cpu_list, read_text};

/// Number of ticks from which the CPU use of other programs may be judged.
pub const MIN_TICKS: u32 = 50;

/// A reader of the interference counters.
pub struct InterferenceMeter {
    root: PathBuf,
    /// The directories of our control group and all groups above it.
    groups: Vec<PathBuf>,
    /// The CPUs of the affinity mask.
    allowed: Vec<usize>,
}

/// The values of the counters at one time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    time: Instant,
    /// The throttled time of each control group, in the order of the meter.
    throttled_ns: Vec<Option<u64>>,
    /// The times of each CPU, in ticks.
    cpu_ticks: Vec<(usize, Vec<u64>)>,
    /// The CPU time of this process and of its children that have ended.
    own_ns: u64,
}

/// The CPU time lost between two snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interference {
    /// The time lost to a quota, summed over the CPUs; the kernel counts it when the throttled
    /// group may run again. `None` if it is not counted.
    pub throttled_ns: Option<u64>,
    /// The time lost to the hypervisor, summed over the CPUs, in whole ticks (often 10 ms). `None`
    /// if it is not counted.
    pub steal_ns: Option<u64>,
    /// The CPU time of other programs on the CPUs of the affinity mask: their busy time less that
    /// of this process and its children that have ended. The kernel charges a whole tick to
    /// whatever runs when it ends, so it is wrong by up to a tick for each CPU in either
    /// direction, and may be negative: only sums over many ticks may be judged. `None` if it is
    /// not counted.
    pub others_ns: Option<i64>,
}

impl InterferenceMeter {
    /// A meter of this process and the CPUs of the calling thread.
    pub fn new() -> InterferenceMeter {
        InterferenceMeter::below(Path::new("/"), affinity::own())
    }

    /// A meter of the files below `root` and an affinity mask.
    pub fn below(root: &Path, allowed: Vec<usize>) -> InterferenceMeter {
        let groups = cgroup::group_directories(root, "cpu");
        InterferenceMeter { root: root.to_owned(), groups, allowed }
    }

    /// The current values of the counters. Costs some tens of µs.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            time: Instant::now(),
            throttled_ns: self.groups.iter().map(|group| throttled_ns(group)).collect(),
            cpu_ticks: cpu_ticks(&self.root),
            own_ns: own_cpu_ns(),
        }
    }

    /// The interference since `before`. Steal is that of `cpus`, such as `0-3,8`, or of the whole
    /// affinity mask if this list is empty or invalid.
    pub fn since(&self, before: &Snapshot, cpus: &str) -> Interference {
        let now = self.snapshot();
        let listed = parse_cpu_list(cpus).filter(|cpus| !cpus.is_empty());
        Interference {
            throttled_ns: before.throttled_until(&now),
            steal_ns: before.steal_until(&now, listed.as_ref().unwrap_or(&self.allowed)),
            others_ns: before.others_until(&now, &self.allowed),
        }
    }

    /// The mean number of CPUs that other programs used since `before`. `None` if it is not
    /// counted, or for less than [`MIN_TICKS`].
    pub fn others_cpus_since(&self, before: &Snapshot) -> Option<f64> {
        let now = self.snapshot();
        let elapsed = now.time.duration_since(before.time);
        let is_long_enough = elapsed >= Duration::from_nanos(tick_ns()) * MIN_TICKS;
        let others_ns = before.others_until(&now, &self.allowed).filter(|_| is_long_enough)?;
        Some(others_ns as f64 / elapsed.as_nanos() as f64)
    }
}

impl Default for InterferenceMeter {
    fn default() -> InterferenceMeter {
        InterferenceMeter::new()
    }
}

impl Snapshot {
    /// The largest difference of all groups. A quota of any group above ours throttles us too, and
    /// each group counts separately, so the largest is a lower bound of the total.
    fn throttled_until(&self, later: &Snapshot) -> Option<u64> {
        let pairs = self.throttled_ns.iter().zip(&later.throttled_ns);
        pairs.filter_map(|(before, after)| Some((*after)?.saturating_sub((*before)?))).max()
    }

    /// The steal of some CPUs in nanoseconds, the eighth column of `/proc/stat`.
    fn steal_until(&self, later: &Snapshot, cpus: &[usize]) -> Option<u64> {
        self.ticks_until(later, cpus, |ticks| ticks.get(7).copied())
            .map(|ticks| ticks.saturating_mul(tick_ns()))
    }

    /// The CPU time of other programs on some CPUs.
    fn others_until(&self, later: &Snapshot, cpus: &[usize]) -> Option<i64> {
        let busy_ticks = self.ticks_until(later, cpus, |ticks| Some(busy(ticks)))?;
        let own_ns = later.own_ns.saturating_sub(self.own_ns);
        Some(busy_ticks.saturating_mul(tick_ns()) as i64 - own_ns as i64)
    }

    /// The increase of a counter of some CPUs, without those that were not online all the time.
    /// `None` if none was.
    fn ticks_until(
        &self,
        later: &Snapshot,
        cpus: &[usize],
        counter: fn(&[u64]) -> Option<u64>,
    ) -> Option<u64> {
        let mut sum = None;
        for (cpu, before) in self.cpu_ticks.iter().filter(|(cpu, _)| cpus.contains(cpu)) {
            let after = later.cpu_ticks.iter().find(|(other, _)| other == cpu);
            let after = after.and_then(|(_, ticks)| counter(ticks));
            let Some((after, before)) = after.zip(counter(before)) else { continue };
            sum = Some(sum.unwrap_or(0_u64).saturating_add(after.saturating_sub(before)));
        }
        sum
    }
}

/// The CPU time of this process and of its ended children, in nanoseconds.
fn own_cpu_ns() -> u64 {
    let mut sum = 0;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        // The call cannot fail with these arguments.
        let Ok(usage) = getrusage(who) else { continue };
        for time in [usage.user_time(), usage.system_time()] {
            sum += time.num_microseconds().max(0) as u64 * 1000;
        }
    }
    sum
}

/// The throttled time of a group: `throttled_usec` in version 2, `throttled_time` (nanoseconds) in
/// version 1.
fn throttled_ns(group: &Path) -> Option<u64> {
    let text = read_text(group, "cpu.stat")?;
    let value = |name: &str| {
        let of_name = |line: &str| line.strip_prefix(name)?.trim().parse().ok();
        text.lines().find_map(of_name)
    };
    value("throttled_time ").or_else(|| {
        let microseconds: u64 = value("throttled_usec ")?;
        Some(microseconds.saturating_mul(1000))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::FakeRoot;

    const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    const V1_MOUNT: &str = "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu";

    fn root(memberships: &str, mounts: &str) -> FakeRoot {
        FakeRoot::new(&[("/proc/self/cgroup", memberships), ("/proc/self/mountinfo", mounts)])
    }

    /// The interference after `changes` of the files.
    fn interference(fake: &FakeRoot, cpus: &str, changes: &[(&str, &str)]) -> Interference {
        let meter = InterferenceMeter::below(fake.path(), vec![0, 1]);
        let before = meter.snapshot();
        changes.iter().for_each(|(path, text)| fake.write(path, text));
        meter.since(&before, cpus)
    }

    #[test]
    fn version_one_counts_nanoseconds() {
        let fake = root("4:cpu,cpuacct:/a\n0::/u", V1_MOUNT);
        fake.write("/sys/fs/cgroup/cpu/a/cpu.stat", "nr_throttled 1\nthrottled_time 1000");
        let later = ("/sys/fs/cgroup/cpu/a/cpu.stat", "nr_throttled 2\nthrottled_time 81001000");
        assert_eq!(interference(&fake, "", &[later]).throttled_ns, Some(81_000_000));
    }

    #[test]
    fn version_two_counts_microseconds() {
        let fake = root("0::/a", V2_MOUNT);
        fake.write("/sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nthrottled_usec 7");
        let later = ("/sys/fs/cgroup/a/cpu.stat", "usage_usec 9\nthrottled_usec 57");
        assert_eq!(interference(&fake, "", &[later]).throttled_ns, Some(50_000));
    }

    #[test]
    fn the_largest_difference_of_the_groups_counts() {
        let fake = root("0::/a/b", V2_MOUNT);
        fake.write("/sys/fs/cgroup/a/b/cpu.stat", "throttled_usec 1000000");
        fake.write("/sys/fs/cgroup/a/cpu.stat", "throttled_usec 0");
        fake.write("/sys/fs/cgroup/cpu.stat", "usage_usec 3");
        let changes = [
            ("/sys/fs/cgroup/a/b/cpu.stat", "throttled_usec 1000001"),
            ("/sys/fs/cgroup/a/cpu.stat", "throttled_usec 4"),
        ];
        assert_eq!(interference(&fake, "", &changes).throttled_ns, Some(4000));
    }

    #[test]
    fn in_a_hybrid_both_versions_are_read() {
        let mounts =
            format!("{V1_MOUNT}\n32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw");
        let fake = root("4:cpu:/a\n0::/u", &mounts);
        fake.write("/sys/fs/cgroup/cpu/a/cpu.stat", "throttled_time 10");
        fake.write("/sys/fs/cgroup/unified/u/cpu.stat", "usage_usec 3");
        let later = ("/sys/fs/cgroup/cpu/a/cpu.stat", "throttled_time 30");
        assert_eq!(interference(&fake, "", &[later]).throttled_ns, Some(20));
        fake.write("/sys/fs/cgroup/unified/u/cpu.stat", "throttled_usec 3");
        let later = ("/sys/fs/cgroup/unified/u/cpu.stat", "throttled_usec 4");
        assert_eq!(interference(&fake, "", &[later]).throttled_ns, Some(1000));
    }

    #[test]
    fn without_counters_the_interference_is_unknown() {
        let unknown = interference(&FakeRoot::new(&[]), "0", &[]);
        assert_eq!(unknown, Interference::default());
        let fake = root("0::/a", V2_MOUNT);
        for invalid in ["", "throttled_usec", "throttled_usec -1", "throttled_usecs 1", "junk"] {
            fake.write("/sys/fs/cgroup/a/cpu.stat", invalid);
            assert_eq!(interference(&fake, "", &[]).throttled_ns, None, "{invalid:?}");
        }
    }

    #[test]
    fn a_group_that_vanishes_does_not_count() {
        let fake = root("0::/a", V2_MOUNT);
        fake.write("/sys/fs/cgroup/a/cpu.stat", "throttled_usec 9");
        fake.write("/sys/fs/cgroup/cpu.stat", "throttled_usec 9");
        let meter = InterferenceMeter::below(fake.path(), vec![0]);
        let before = meter.snapshot();
        std::fs::remove_dir_all(fake.path().join("sys/fs/cgroup/a")).expect("ours");
        assert_eq!(meter.since(&before, "").throttled_ns, Some(0));
    }

    /// `/proc/stat` of four CPUs with this much steal each.
    fn stat(steal: [u64; 4]) -> String {
        let lines =
            (0..).zip(steal).map(|(cpu, steal)| format!("cpu{cpu} 1 2 3 4 5 6 7 {steal} 9 9"));
        let all = steal.iter().sum::<u64>();
        format!(
            "cpu  4 8 12 16 20 24 28 {all} 36 36\n{}\nintr 5",
            lines.collect::<Vec<_>>().join("\n")
        )
    }

    #[test]
    fn steal_is_that_of_the_cpus_that_were_used() {
        let fake = FakeRoot::new(&[("/proc/stat", &stat([5, 5, 5, 5]))]);
        let tick_ns = tick_ns();
        for (cpus, ticks) in [("2-3", 7), ("3", 4), ("", 3), ("what?", 3), ("0-1000", 10)] {
            fake.write("/proc/stat", &stat([5, 5, 5, 5]));
            let later = stat([6, 7, 8, 9]);
            let steal_ns = interference(&fake, cpus, &[("/proc/stat", &later)]).steal_ns;
            assert_eq!(steal_ns, Some(ticks * tick_ns), "{cpus:?}");
        }
    }

    #[test]
    fn steal_that_runs_backwards_is_none() {
        let fake = FakeRoot::new(&[("/proc/stat", &stat([5, 5, 5, 5]))]);
        let later = stat([4, 5, 5, 5]);
        assert_eq!(interference(&fake, "0", &[("/proc/stat", &later)]).steal_ns, Some(0));
        assert_eq!(interference(&fake, "9", &[]).steal_ns, None, "there is no such CPU");
    }

    #[test]
    fn others_have_the_busy_time_of_the_mask_that_is_not_ours() {
        let fake = FakeRoot::new(&[("/proc/stat", "cpu0 5 0 0 5\ncpu1 5 0 0 5\ncpu2 5 0 0 5")]);
        let later = "cpu0 105 0 0 5\ncpu1 205 0 0 5\ncpu2 505 0 0 5";
        let others_ns = interference(&fake, "2", &[("/proc/stat", later)]).others_ns;
        // Less the little time that this test used.
        let ticks = others_ns.expect("counted") as f64 / tick_ns() as f64;
        assert!(ticks > 280.0 && ticks <= 300.0, "{ticks}");
    }

    #[test]
    fn ticks_that_fell_to_others_leave_a_negative_time() {
        let now = Instant::now();
        let snapshot = |busy: u64, own_ns| Snapshot {
            time: now,
            throttled_ns: Vec::new(),
            cpu_ticks: vec![(0, vec![busy, 0, 0, 0])],
            own_ns,
        };
        let later = snapshot(4, 5 * tick_ns());
        assert_eq!(snapshot(0, 0).others_until(&later, &[0]), Some(-(tick_ns() as i64)));
        assert_eq!(snapshot(0, 0).others_until(&later, &[1]), None);
    }

    #[test]
    fn this_machine_counts_steal_and_other_programs() {
        let meter = InterferenceMeter::default();
        let before = meter.snapshot();
        assert!(meter.since(&before, "").others_ns.is_some());
        assert_eq!(meter.others_cpus_since(&before), None, "too short to be judged");

        let meter = InterferenceMeter::default();
        assert!(meter.since(&meter.snapshot(), "").steal_ns.is_some());
    }
}
