//! Machine and operating system: CPUs, limits, clocks, and the facts for `run.json`.
//!
//! Everything is read from files below a root directory, so that tests can describe other machines.
//! A file that is missing or malformed leaves its field empty; nothing here fails.

pub mod affinity;
#[cfg(feature = "program")]
pub mod blas;
pub mod cgroup;
pub mod clock;
mod cpu_list;
pub mod cpus;
#[cfg(feature = "program")]
mod elf;
pub mod executable;
mod facts;
#[cfg(test)]
mod fake;
pub mod interference;
pub mod limits;
#[cfg(feature = "program")]
pub mod linked_libraries;
pub mod load;
mod places;
pub mod process_table;

use std::fs;
use std::path::{Path, PathBuf};

pub use cpu_list::{cpu_list, parse_cpu_list};
pub use cpus::{Cpus, Limit};
pub use places::Places;

use crate::record::Machine;

/// The facts of this machine, as the calling thread sees it.
pub fn inspect() -> Machine {
    inspect_from(Path::new("/"), affinity::own())
}

/// The facts of the machine that the files below `root` describe, for an affinity mask.
pub fn inspect_from(root: &Path, affinity: Vec<usize>) -> Machine {
    let cpus = Cpus::read_from(root, affinity);
    let online = cpus::online_cpus(root).unwrap_or_else(|| cpus.affinity.clone());
    Machine {
        hostname: read_text(root, "/proc/sys/kernel/hostname"),
        cpu_model: Some(facts::cpu_model(root)),
        sockets: facts::sockets(root, &online),
        cores: cpus::cores(root, &online).and_then(|count| u32::try_from(count).ok()),
        threads_per_core: facts::threads_per_core(root, &online),
        caches: facts::caches(root, &online),
        numa_nodes: facts::numa_nodes(root),
        governor: facts::governor(root, &online),
        turbo: facts::turbo(root),
        hypervisor: facts::hypervisor(root),
        memory_bytes: facts::memory_bytes(root),
        kernel: read_text(root, "/proc/sys/kernel/osrelease"),
        quota_cpus: cpus.quota,
        affinity: (!cpus.affinity.is_empty()).then(|| cpu_list(&cpus.affinity)),
        online_cpus: u32::try_from(cpus.online).ok(),
        usable_cpus: Some(cpus.usable),
        usable_cores: Some(cpus.cores),
        core_types: facts::core_types(root, &cpus.affinity),
        on_battery: facts::on_battery(root),
        load_average_1min: facts::load_average_1min(root),
    }
}

/// An absolute path, moved below another root.
fn under(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The trimmed text of a small file of the kernel; `None` if it cannot be read or is empty.
fn read_text(root: &Path, path: &str) -> Option<String> {
    let bytes = fs::read(under(root, Path::new(path))).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::fake::FakeRoot;
    use super::*;
    use crate::record::Cache;

    const CPU: &str = "/sys/devices/system/cpu";

    fn two_core_laptop() -> FakeRoot {
        let fake = FakeRoot::new(&[
            ("/proc/sys/kernel/hostname", "laptop"),
            ("/proc/sys/kernel/osrelease", "6.1.0"),
            ("/proc/cpuinfo", "model name\t: Some CPU\nflags\t\t: fpu sse2"),
            ("/proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB"),
            ("/proc/loadavg", "0.50 0.18 0.12 1/80 11206"),
            ("/sys/devices/system/node/online", "0"),
            ("/sys/devices/system/cpu/intel_pstate/no_turbo", "1"),
            ("/sys/devices/system/cpu/online", "0-1"),
        ]);
        for cpu in ["cpu0", "cpu1"] {
            let core = cpu.trim_start_matches("cpu");
            for (file, text) in [
                ("topology/physical_package_id", "0"),
                ("topology/core_cpus_list", core),
                ("cpufreq/scaling_governor", "powersave"),
                ("cache/index0/level", "1"),
                ("cache/index0/type", "Data"),
                ("cache/index0/size", "32K"),
                ("cache/index0/shared_cpu_list", core),
                ("cache/index1/level", "3"),
                ("cache/index1/type", "Unified"),
                ("cache/index1/size", "8M"),
                ("cache/index1/shared_cpu_list", "0-1"),
            ] {
                fake.write(&format!("{CPU}/{cpu}/{file}"), text);
            }
        }
        fake
    }

    fn cache(level: u32, kind: &str, size_bytes: u64, shared_cpus: &str) -> Cache {
        Cache {
            level,
            kind: kind.to_owned(),
            size_bytes: Some(size_bytes),
            shared_cpus: shared_cpus.to_owned(),
        }
    }

    #[test]
    fn all_facts_of_a_machine_are_read() {
        let text = |text: &str| Some(text.to_owned());
        let machine = inspect_from(two_core_laptop().path(), vec![1]);
        let expected = Machine {
            hostname: text("laptop"),
            cpu_model: text("Some CPU"),
            sockets: Some(1),
            cores: Some(2),
            threads_per_core: Some(1),
            caches: vec![
                cache(1, "Data", 32 << 10, "0"),
                cache(1, "Data", 32 << 10, "1"),
                cache(3, "Unified", 8 << 20, "0-1"),
            ],
            numa_nodes: Some(1),
            governor: text("powersave"),
            turbo: Some(false),
            hypervisor: None,
            memory_bytes: Some(16 << 20),
            kernel: text("6.1.0"),
            quota_cpus: None,
            affinity: text("1"),
            online_cpus: Some(2),
            usable_cpus: Some(1),
            usable_cores: Some(1),
            core_types: Vec::new(),
            on_battery: None,
            load_average_1min: Some(0.5),
        };
        assert_eq!(machine, expected);
    }

    #[test]
    fn without_files_only_the_mask_is_known() {
        let machine = inspect_from(FakeRoot::new(&[]).path(), vec![0, 1]);
        let expected = Machine {
            cpu_model: Some(std::env::consts::ARCH.to_owned()),
            affinity: Some("0-1".to_owned()),
            online_cpus: Some(2),
            usable_cpus: Some(2),
            usable_cores: machine.usable_cores,
            ..Machine::default()
        };
        assert_eq!(machine, expected);
    }

    #[test]
    fn a_machine_round_trips_through_json() {
        let machine = inspect();
        let json = serde_json::to_string(&machine).unwrap();
        assert_eq!(serde_json::from_str::<Machine>(&json).unwrap(), machine);
        assert_eq!(serde_json::from_str::<Machine>("{}").unwrap(), Machine::default());
    }
}
