//! CPUs of pinned workers, with the policies of OpenMP's `proc_bind`: `close` and `spread`.

use std::path::Path;

use super::{affinity, cpus, read_text};

/// The CPUs that workers may be pinned to, grouped by physical core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The hardware threads of each core, socket by socket; without duplicates and empty cores.
    cores: Vec<Vec<usize>>,
}

impl Places {
    /// The CPUs in the affinity mask of the calling thread.
    pub fn read() -> Places {
        Places::read_from(Path::new("/"), &affinity::own())
    }

    /// The CPUs of a mask, on the machine that the files below `root` describe. A CPU of unknown
    /// topology counts as a core.
    pub fn read_from(root: &Path, allowed: &[usize]) -> Places {
        let mut cpus: Vec<((usize, Vec<usize>), usize)> = allowed
            .iter()
            .map(|&cpu| {
                let siblings = cpus::core_siblings(root, cpu).unwrap_or_else(|| vec![cpu]);
                ((package(root, cpu).unwrap_or(0), siblings), cpu)
            })
            .collect();
        cpus.sort_unstable();
        cpus.dedup();
        let cores = cpus.chunk_by(|one, other| one.0 == other.0);
        Places { cores: cores.map(|core| core.iter().map(|(_, cpu)| *cpu).collect()).collect() }
    }

    /// The CPU of each of n workers, close together: socket by socket, core by core, all hardware
    /// threads of a core in sequence. More workers than CPUs wrap around. Empty if there are no
    /// CPUs.
    pub fn close(&self, nthread: usize) -> Vec<usize> {
        self.cores.iter().flatten().copied().cycle().take(nthread).collect()
    }

    /// The CPU of each of n workers, as far apart as possible. Up to the number of cores, worker i
    /// has the first hardware thread of core ⌊i · cores / n⌋; further workers have the second
    /// hardware threads, distributed likewise, and so on. More workers than CPUs wrap around. Empty
    /// if there are no CPUs.
    pub fn spread(&self, nthread: usize) -> Vec<usize> {
        let deepest = self.cores.iter().map(Vec::len).max().unwrap_or(0);
        let layer = |depth: usize| -> Vec<usize> {
            self.cores.iter().filter_map(|core| core.get(depth).copied()).collect()
        };
        let mut cpus = Vec::with_capacity(nthread);
        for layer in (0..deepest).map(layer).cycle() {
            let count = (nthread - cpus.len()).min(layer.len());
            if count == 0 {
                break;
            }
            cpus.extend((0..count).map(|worker| layer[worker * layer.len() / count]));
        }
        cpus
    }
}

/// The socket of a CPU.
fn package(root: &Path, cpu: usize) -> Option<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id");
    read_text(root, &path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::FakeRoot;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Two sockets of two cores of two hardware threads, numbered as on most machines: the first
    /// threads of all cores come first, and the sockets alternate.
    fn server() -> FakeRoot {
        let fake = FakeRoot::new(&[]);
        for cpu in 0..8 {
            let topology = format!("/sys/devices/system/cpu/cpu{cpu}/topology");
            let core = cpu % 4;
            fake.write(&format!("{topology}/core_cpus_list"), &format!("{core},{}", core + 4));
            fake.write(&format!("{topology}/physical_package_id"), &(core % 2).to_string());
        }
        fake
    }

    fn places(allowed: &[usize]) -> Places {
        Places::read_from(server().path(), allowed)
    }

    const ALL: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

    #[test]
    fn close_fills_core_by_core_and_socket_by_socket() {
        assert_eq!(places(&ALL).close(8), [0, 4, 2, 6, 1, 5, 3, 7]);
        assert_eq!(places(&ALL).close(3), [0, 4, 2]);
    }

    #[test]
    fn spread_uses_cores_first_and_sockets_evenly() {
        assert_eq!(places(&ALL).spread(1), [0]);
        assert_eq!(places(&ALL).spread(2), [0, 1]);
        assert_eq!(places(&ALL).spread(3), [0, 2, 1]);
        assert_eq!(places(&ALL).spread(4), [0, 2, 1, 3]);
        assert_eq!(places(&ALL).spread(6), [0, 2, 1, 3, 4, 5]);
        assert_eq!(places(&ALL).spread(8), [0, 2, 1, 3, 4, 6, 5, 7]);
    }

    #[test]
    fn more_workers_than_cpus_wrap_around() {
        assert_eq!(places(&[0, 4]).close(5), [0, 4, 0, 4, 0]);
        assert_eq!(places(&[0, 1]).spread(5), [0, 1, 0, 1, 0]);
    }

    #[test]
    fn a_mask_may_contain_parts_of_cores() {
        assert_eq!(places(&[4, 5, 1]).close(3), [4, 1, 5]);
        assert_eq!(places(&[4, 5, 1]).spread(3), [4, 1, 5]);
    }

    #[test]
    fn without_topology_each_cpu_is_a_core() {
        let places = Places::read_from(FakeRoot::new(&[]).path(), &[3, 1, 2]);
        assert_eq!((places.close(2), places.spread(2)), (vec![1, 2], vec![1, 2]));
    }

    #[test]
    fn without_cpus_there_are_no_places() {
        assert_eq!((places(&[]).close(3), places(&[]).spread(3)), (vec![], vec![]));
    }

    /// The number of workers on `core` if they are on `cpus`.
    fn load(cpus: &[usize], core: &[usize]) -> usize {
        cpus.iter().filter(|cpu| core.contains(cpu)).count()
    }

    prop_compose! {
        /// A machine with cores of one to four hardware threads, and a mask.
        fn some_places()(
            threads in prop::collection::vec(1..=4_usize, 1..12),
            masked in prop::collection::vec(any::<bool>(), 48),
        ) -> Places {
            let mut cpu = 0;
            let mut cores: Vec<Vec<usize>> = Vec::new();
            for count in threads {
                let core = (cpu..cpu + count).filter(|cpu| masked[*cpu]).collect::<Vec<_>>();
                cores.extend((!core.is_empty()).then_some(core));
                cpu += count;
            }
            Places { cores }
        }
    }

    proptest! {
        #[test]
        fn every_worker_has_a_cpu_of_the_mask(
            mask in prop::collection::btree_set(0..8_usize, 1..8), nthread in 0..40_usize,
        ) {
            let mask: Vec<usize> = mask.into_iter().collect();
            let places = places(&mask);
            for cpus in [places.close(nthread), places.spread(nthread)] {
                prop_assert_eq!(cpus.len(), nthread);
                prop_assert!(cpus.iter().all(|cpu| mask.contains(cpu)));
            }
        }

        #[test]
        fn no_cpu_has_two_workers_more_than_another(
            places in some_places(), nthread in 0..100_usize,
        ) {
            let all: Vec<usize> = places.cores.concat();
            for cpus in [places.close(nthread), places.spread(nthread)] {
                let loads: Vec<usize> = all.iter().map(|cpu| load(&cpus, &[*cpu])).collect();
                let (least, most) = (loads.iter().min(), loads.iter().max());
                prop_assert!(most.zip(least).is_none_or(|(most, least)| most - least <= 1));
            }
        }

        #[test]
        fn close_uses_the_fewest_cores_and_spread_the_most(
            places in some_places(), nthread in 1..50_usize,
        ) {
            let used = |cpus: &[usize]| {
                places.cores.iter().filter(|core| load(cpus, core) > 0).count()
            };
            let spread = places.spread(nthread);
            prop_assert_eq!(used(&spread), nthread.min(places.cores.len()));
            let close = places.close(nthread);
            let inner: BTreeSet<usize> = close.iter().copied().collect();
            let half_used = |core: &&Vec<usize>| {
                let here = core.iter().filter(|cpu| inner.contains(cpu)).count();
                0 < here && here < core.len()
            };
            prop_assert!(places.cores.iter().filter(half_used).count() <= 1);
        }

        #[test]
        fn no_core_has_two_spread_workers_before_every_core_has_one(
            places in some_places(), nthread in 1..50_usize,
        ) {
            let spread = places.spread(nthread);
            let loads: Vec<usize> = places.cores.iter().map(|core| load(&spread, core)).collect();
            prop_assert!(!loads.contains(&0) || loads.iter().all(|load| *load <= 1));
        }
    }
}
