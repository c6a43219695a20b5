//! How many CPUs this process can use, and what keeps it from using more.

use std::collections::BTreeSet;
use std::path::Path;

use super::{affinity, cgroup, read_text};

/// No kernel numbers its CPUs higher; it bounds what a strange list or mask can cost.
pub(super) const MAX_CPU: usize = 1 << 20;

/// What decides the number of usable CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The affinity mask leaves CPUs out.
    Affinity,
    /// A control group's quota is smaller than the mask.
    Quota,
    /// Nothing restricts this process: it may use all CPUs that are online.
    Online,
}

/// The CPUs as this process may use them.
#[derive(Debug, Clone, PartialEq)]
pub struct Cpus {
    /// The CPUs of the affinity mask.
    pub affinity: Vec<usize>,
    /// How many CPUs of the machine are online.
    pub online: usize,
    /// How much CPU time control groups allow, in CPUs.
    pub quota: Option<f64>,
    /// The smallest of mask, quota (rounded up) and CPUs online; at least 1.
    pub usable: u32,
    /// Physical cores within the affinity mask; at least 1.
    pub cores: u32,
    /// Which of the three is smallest.
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
    // A cast from a float saturates, so an enormous quota limits nothing.
    let quota = quota.map_or(u32::MAX, |quota| quota.ceil() as u32).max(1);
    if quota < without_quota { (quota, Limit::Quota) } else { (without_quota, limit) }
}

/// The CPUs that are online, where the kernel says so.
pub fn online_cpus(root: &Path) -> Option<Vec<usize>> {
    let online = parse_cpu_list(&read_text(root, "/sys/devices/system/cpu/online")?)?;
    (!online.is_empty()).then_some(online)
}

/// The CPUs that share a physical core with `cpu`, itself among them.
pub fn core_siblings(root: &Path, cpu: usize) -> Option<Vec<usize>> {
    let topology = format!("/sys/devices/system/cpu/cpu{cpu}/topology");
    // The second is what the first was called before Linux 5.4.
    ["core_cpus_list", "thread_siblings_list"]
        .iter()
        .find_map(|name| read_text(root, &format!("{topology}/{name}")))
        .and_then(|text| parse_cpu_list(&text))
}

/// How many physical cores `cpus` belong to, if the topology of each of them is known.
pub fn cores(root: &Path, cpus: &[usize]) -> Option<usize> {
    let cores: Option<BTreeSet<Vec<usize>>> =
        cpus.iter().map(|cpu| core_siblings(root, *cpu)).collect();
    cores.map(|cores| cores.len()).filter(|count| *count > 0)
}

/// Writes CPUs as the kernel does: `0-3,8`.
pub fn cpu_list(cpus: &[usize]) -> String {
    let sorted: BTreeSet<usize> = cpus.iter().copied().collect();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for cpu in sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => runs.push((cpu, cpu)),
        }
    }
    let texts: Vec<String> = runs
        .iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    texts.join(",")
}

/// Reads what [`cpu_list`] writes; nothing where the text is not such a list. The result is
/// sorted and without duplicates.
pub fn parse_cpu_list(text: &str) -> Option<Vec<usize>> {
    let text = text.trim();
    let mut ranges = Vec::new();
    if text.is_empty() {
        return Some(Vec::new());
    }
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first = parse_cpu(first)?;
        let last = parse_cpu(last)?;
        if first > last {
            return None;
        }
        ranges.push((first, last));
    }
    // Each CPU is written once: a list may name all of them again and again.
    ranges.sort_unstable();
    let mut cpus: Vec<usize> = Vec::new();
    for (first, last) in ranges {
        let first = cpus.last().map_or(first, |seen| first.max(seen + 1));
        cpus.extend(first..=last);
    }
    Some(cpus)
}

fn parse_cpu(text: &str) -> Option<usize> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let cpu = text.parse().ok().filter(|_| is_number)?;
    (cpu < MAX_CPU).then_some(cpu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::FakeRoot;
    use proptest::prelude::*;

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
    fn where_nothing_restricts_all_cpus_online_are_usable() {
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
    fn a_quota_above_the_mask_decides_nothing() {
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
    fn a_list_that_repeats_itself_costs_no_more_than_its_length() {
        let (all, times) = (format!("0-{}", MAX_CPU - 1), 100_000);
        let cpus = parse_cpu_list(&vec![all; times].join(",")).expect("a list");
        assert_eq!(cpus.len(), MAX_CPU);
        assert_eq!(parse_cpu_list("4-6,1,5-8,0-1,5"), Some(vec![0, 1, 4, 5, 6, 7, 8]));
    }

    #[test]
    fn this_machine_has_a_cpu() {
        let cpus = Cpus::read();
        assert!(cpus.usable >= 1 && cpus.cores >= 1 && cpus.online >= 1);
        assert!(!affinity::read(affinity::Whose::Own).expect("an affinity mask").is_empty());
    }

    #[test]
    fn a_cpu_list_is_written_as_the_kernel_writes_it() {
        assert_eq!(cpu_list(&[8, 0, 1, 3, 2, 1]), "0-3,8");
        assert_eq!(cpu_list(&[]), "");
        assert_eq!(cpu_list(&[0, 1]), "0-1");
    }

    #[test]
    fn what_is_not_a_cpu_list_is_refused() {
        for text in ["x", "1-", "-1", "3-1", "1,,2", "0-4000000000", "+1", "1 - 2"] {
            assert_eq!(parse_cpu_list(text), None, "{text:?}");
        }
        assert_eq!(parse_cpu_list(" 0-3,8\n"), Some(vec![0, 1, 2, 3, 8]));
        assert_eq!(parse_cpu_list("\n"), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn a_cpu_list_survives_being_written(cpus in prop::collection::btree_set(0..300_usize, 0..80)) {
            let cpus: Vec<usize> = cpus.into_iter().collect();
            prop_assert_eq!(parse_cpu_list(&cpu_list(&cpus)), Some(cpus));
        }
    }
}
