//! Usable CPUs of this process, and the limit that decides their number.

use std::path::Path;

use super::{affinity, cgroup, parse_cpu_list, read_text};

/// The limit that decides the number of usable CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The affinity mask.
    Affinity,
    /// The CPU quota of a control group.
    Quota,
    /// The number of CPUs online: nothing restricts this process.
    Online,
}

/// The CPUs that this process may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Cpus {
    /// The CPUs of the affinity mask.
    pub affinity: Vec<usize>,
    /// The number of CPUs of the machine that are online.
    pub online: usize,
    /// The CPU quota of the control groups, in CPUs.
    pub quota: Option<f64>,
    /// The smallest of mask, quota (rounded up) and CPUs online; at least 1.
    pub usable: u32,
    /// The number of physical cores within the affinity mask; at least 1.
    pub cores: u32,
    /// The smallest of the three.
    pub limit: Limit,
}

impl Cpus {
    /// The CPUs of the calling thread.
    pub fn read() -> Cpus {
        Cpus::read_from(Path::new("/"), affinity::own())
    }

    /// The CPUs as the files below `root` describe them, for a given affinity mask.
    pub fn read_from(root: &Path, affinity: Vec<usize>) -> Cpus {
        let online = online_cpus(root).map_or(affinity.len(), |cpus| cpus.len());
        let quota = cgroup::quota_cpus(root);
        let (usable, limit) = usable(affinity.len(), quota, online);
        let cores = cores(root, &affinity)
            .unwrap_or_else(|| num_cpus::get_physical().min(affinity.len()))
            .max(1);
        Cpus {
            affinity,
            online,
            quota,
            usable,
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            limit,
        }
    }
}

fn usable(affinity: usize, quota: Option<f64>, online: usize) -> (u32, Limit) {
    let (without_quota, limit) =
        if affinity < online { (affinity, Limit::Affinity) } else { (online, Limit::Online) };
    let without_quota = u32::try_from(without_quota).unwrap_or(u32::MAX).max(1);
    // A cast from a float saturates, so a huge quota does not wrap around to a small one.
    let quota = quota.map_or(u32::MAX, |quota| quota.ceil() as u32).max(1);
    if quota < without_quota { (quota, Limit::Quota) } else { (without_quota, limit) }
}

/// The CPUs that are online, if the kernel reports them.
pub fn online_cpus(root: &Path) -> Option<Vec<usize>> {
    let online = parse_cpu_list(&read_text(root, "/sys/devices/system/cpu/online")?)?;
    (!online.is_empty()).then_some(online)
}

/// The CPUs that share a physical core with `cpu`, including itself.
pub fn core_siblings(root: &Path, cpu: usize) -> Option<Vec<usize>> {
    let topology = format!("/sys/devices/system/cpu/cpu{cpu}/topology");
    // Before Linux 5.4 the first file had the name of the second.
    ["core_cpus_list", "thread_siblings_list"]
        .iter()
        .find_map(|name| read_text(root, &format!("{topology}/{name}")))
        .and_then(|text| parse_cpu_list(&text))
}

/// The number of physical cores that `cpus` belong to, if the topology of each CPU is known.
pub fn cores(root: &Path, cpus: &[usize]) -> Option<usize> {
    let siblings = cpus.iter().map(|cpu| core_siblings(root, *cpu));
    let mut cores: Vec<Vec<usize>> = siblings.collect::<Option<_>>()?;
    cores.sort_unstable();
    cores.dedup();
    (!cores.is_empty()).then_some(cores.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::FakeRoot;

    /// Four CPUs online, two to a core: 0 with 2, 1 with 3.
    fn four_cpus() -> FakeRoot {
        FakeRoot::new(&[
            ("/sys/devices/system/cpu/online", "0-3"),
            ("/sys/devices/system/cpu/cpu0/topology/core_cpus_list", "0,2"),
            ("/sys/devices/system/cpu/cpu1/topology/core_cpus_list", "1,3"),
            ("/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "0,2"),
            ("/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "1,3"),
        ])
    }

    fn with_quota(fake: &FakeRoot, quota: &str) {
        fake.write("/proc/self/cgroup", "0::/");
        let mount = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        fake.write("/proc/self/mountinfo", mount);
        fake.write("/sys/fs/cgroup/cpu.max", quota);
    }

    #[test]
    fn without_restrictions_all_cpus_online_are_usable() {
        let cpus = Cpus::read_from(four_cpus().path(), vec![0, 1, 2, 3]);
        assert_eq!((cpus.usable, cpus.limit, cpus.cores), (4, Limit::Online, 2));
    }

    #[test]
    fn a_mask_restricts_cpus_and_cores() {
        let cpus = Cpus::read_from(four_cpus().path(), vec![0, 2]);
        assert_eq!((cpus.usable, cpus.limit, cpus.cores), (2, Limit::Affinity, 1));
        let cpus = Cpus::read_from(four_cpus().path(), vec![0, 1]);
        assert_eq!((cpus.usable, cpus.cores), (2, 2));
    }

    #[test]
    fn a_quota_is_rounded_up() {
        let fake = four_cpus();
        with_quota(&fake, "110000 100000");
        let cpus = Cpus::read_from(fake.path(), vec![0, 1, 2, 3]);
        assert_eq!((cpus.usable, cpus.limit), (2, Limit::Quota));
        assert_eq!(cpus.quota, Some(1.1));
    }

    #[test]
    fn a_quota_above_the_mask_is_no_limit() {
        let fake = four_cpus();
        with_quota(&fake, "200000 100000");
        let cpus = Cpus::read_from(fake.path(), vec![0, 1]);
        assert_eq!((cpus.usable, cpus.limit), (2, Limit::Affinity));
    }

    #[test]
    fn at_least_one_cpu_is_usable() {
        let fake = four_cpus();
        with_quota(&fake, "1000 100000");
        assert_eq!(Cpus::read_from(fake.path(), vec![0, 1]).usable, 1);
        let cpus = Cpus::read_from(FakeRoot::new(&[]).path(), Vec::new());
        assert_eq!((cpus.usable, cpus.cores), (1, 1));
    }

    #[test]
    fn without_topology_there_are_at_most_as_many_cores_as_cpus_in_the_mask() {
        let cpus = Cpus::read_from(FakeRoot::new(&[]).path(), vec![5]);
        assert_eq!((cpus.usable, cpus.cores, cpus.online), (1, 1, 1));
    }

    #[test]
    fn this_machine_has_a_cpu() {
        let cpus = Cpus::read();
        assert!(cpus.usable >= 1 && cpus.cores >= 1 && cpus.online >= 1);
        assert!(!affinity::read(affinity::Task::Current).expect("an affinity mask").is_empty());
    }
}
