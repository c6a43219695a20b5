//! Facts of [`Machine`](super::Machine), one function each.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{cpu_list, cpus, parse_cpu_list, read_text, under};
use crate::record::Cache;

/// Firmware names of virtual machines, for processors without a hypervisor flag.
const VIRTUAL_NAMES: [&str; 8] = [
    "qemu",
    "kvm",
    "vmware",
    "virtualbox",
    "xen",
    "virtual machine",
    "google compute engine",
    "bochs",
];

pub fn cpu_model(root: &Path) -> String {
    let text = read_text(root, "/proc/cpuinfo").unwrap_or_default();
    // x86, MIPS and POWER name the model; other architectures do not.
    for key in ["model name", "cpu model", "cpu"] {
        if let Some(name) = values(&text, key).find(|name| !name.is_empty()) {
            return name.to_owned();
        }
    }
    // ARM reports numbers, which may differ between cores.
    let implementers = values(&text, "CPU implementer");
    let parts: BTreeSet<String> = implementers
        .zip(values(&text, "CPU part"))
        .map(|(implementer, part)| format!("implementer {implementer} part {part}"))
        .collect();
    if parts.is_empty() {
        return std::env::consts::ARCH.to_owned();
    }
    parts.into_iter().collect::<Vec<String>>().join(" + ")
}

/// The CPUs of each core type in a mask, if there are several types: by the name of the type
/// (Intel), else by the capacity of the CPUs (ARM).
pub fn core_types(root: &Path, allowed: &[usize]) -> Vec<String> {
    let named = ["cpu_core", "cpu_atom", "cpu_lowpower"]
        .iter()
        .filter_map(|name| parse_cpu_list(&read_text(root, &format!("/sys/devices/{name}/cpus"))?))
        .map(|cpus| cpus.into_iter().filter(|cpu| allowed.contains(cpu)).collect::<Vec<_>>())
        .filter(|cpus| !cpus.is_empty());
    let mut types: Vec<Vec<usize>> = named.collect();
    if types.is_empty() {
        let mut capacities: Vec<(u64, usize)> = allowed
            .iter()
            .filter_map(|cpu| {
                let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpu_capacity");
                Some((read_text(root, &path)?.parse().ok()?, *cpu))
            })
            .collect();
        capacities.sort_by_key(|(capacity, _)| Reverse(*capacity));
        let equal = capacities.chunk_by(|one, other| one.0 == other.0);
        types = equal.map(|cpus| cpus.iter().map(|(_, cpu)| *cpu).collect()).collect();
    }
    if types.len() > 1 { types.iter().map(|cpus| cpu_list(cpus)).collect() } else { Vec::new() }
}

/// Returns `Some(true)` if a battery is discharging, and `None` if there is no battery.
pub fn on_battery(root: &Path) -> Option<bool> {
    let supplies = "/sys/class/power_supply";
    let entries = fs::read_dir(under(root, Path::new(supplies))).ok()?;
    let read = |name: &str, file: &str| read_text(root, &format!("{supplies}/{name}/{file}"));
    let batteries: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| read(name, "type").as_deref() == Some("Battery"))
        // Batteries of peripherals, such as a mouse, do not count.
        .filter(|name| read(name, "scope").as_deref() != Some("Device"))
        .collect();
    (!batteries.is_empty()).then(|| {
        batteries.iter().any(|name| read(name, "status").as_deref() == Some("Discharging"))
    })
}

/// The values of all lines `key : value` of a text.
fn values<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(move |(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

pub fn sockets(root: &Path, online: &[usize]) -> Option<u32> {
    let read = |cpu: &usize| {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id");
        read_text(root, &path)
    };
    let packages: BTreeSet<String> = online.iter().map(read).collect::<Option<_>>()?;
    // Some virtual machines report -1 for unknown.
    let is_known = !packages.is_empty() && !packages.contains("-1");
    is_known.then_some(packages.len() as u32)
}

pub fn threads_per_core(root: &Path, online: &[usize]) -> Option<u32> {
    let siblings = |cpu: &usize| cpus::core_siblings(root, *cpu);
    let widest = online.iter().filter_map(siblings).map(|list| list.len());
    widest.max().and_then(|count| u32::try_from(count).ok())
}

pub fn caches(root: &Path, online: &[usize]) -> Vec<Cache> {
    let mut caches: Vec<(Vec<usize>, Cache)> = Vec::new();
    for cpu in online {
        let indices = (0..).map_while(|index| {
            let directory = format!("/sys/devices/system/cpu/cpu{cpu}/cache/index{index}");
            cache(root, &directory)
        });
        caches.extend(indices);
    }
    // The CPUs are sorted as numbers, since as text 10 comes before 2.
    caches.sort_by(|(cpus, cache), (other_cpus, other)| {
        let key = (cache.level, &cache.kind, cpus);
        key.cmp(&(other.level, &other.kind, other_cpus))
    });
    // Every CPU lists the caches that it shares with others.
    caches.dedup();
    caches.into_iter().map(|(_, cache)| cache).collect()
}

fn cache(root: &Path, directory: &str) -> Option<(Vec<usize>, Cache)> {
    let read = |name: &str| read_text(root, &format!("{directory}/{name}"));
    let shared_cpus = read("shared_cpu_list").unwrap_or_default();
    let cache = Cache {
        level: read("level")?.parse().ok()?,
        kind: read("type")?,
        size_bytes: read("size").and_then(|size| bytes_of(&size)),
        shared_cpus: shared_cpus.clone(),
    };
    Some((parse_cpu_list(&shared_cpus).unwrap_or_default(), cache))
}

/// Parses `512K`, `32M`, or a plain number of bytes.
fn bytes_of(size: &str) -> Option<u64> {
    let (number, unit) = match size.split_at_checked(size.len().checked_sub(1)?)? {
        (number, "K") => (number, 1 << 10),
        (number, "M") => (number, 1 << 20),
        (number, "G") => (number, 1 << 30),
        _ => (size, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

pub fn numa_nodes(root: &Path) -> Option<u32> {
    let nodes = parse_cpu_list(&read_text(root, "/sys/devices/system/node/online")?)?;
    u32::try_from(nodes.len()).ok().filter(|count| *count > 0)
}

pub fn governor(root: &Path, online: &[usize]) -> Option<String> {
    let read = |cpu: &usize| {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        read_text(root, &path)
    };
    let governors: BTreeSet<String> = online.iter().filter_map(read).collect();
    let governors: Vec<String> = governors.into_iter().collect();
    (!governors.is_empty()).then(|| governors.join(","))
}

pub fn turbo(root: &Path) -> Option<bool> {
    let cpu = "/sys/devices/system/cpu";
    if let Some(off) = read_text(root, &format!("{cpu}/intel_pstate/no_turbo")) {
        return Some(off == "0");
    }
    read_text(root, &format!("{cpu}/cpufreq/boost")).map(|on| on == "1")
}

pub fn hypervisor(root: &Path) -> Option<String> {
    let cpuinfo = read_text(root, "/proc/cpuinfo").unwrap_or_default();
    let flags = values(&cpuinfo, "flags").next();
    let named = read_text(root, "/sys/hypervisor/type");
    let firmware = firmware_name(root);
    match flags {
        Some(flags) if flags.split(' ').any(|flag| flag == "hypervisor") => {
            let name = named.or(firmware);
            Some(name.unwrap_or_else(|| "unknown".to_owned()))
        }
        Some(_) => named,
        // Without CPU flags the firmware name decides, if it is that of a known hypervisor:
        // physical machines have firmware names, too.
        None => named.or_else(|| firmware.filter(|name| is_virtual(name))),
    }
}

fn firmware_name(root: &Path) -> Option<String> {
    let names = ["sys_vendor", "product_name"]
        .iter()
        .filter_map(|name| read_text(root, &format!("/sys/class/dmi/id/{name}")));
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| names.join(" "))
}

fn is_virtual(name: &str) -> bool {
    let name = name.to_lowercase();
    VIRTUAL_NAMES.iter().any(|known| name.contains(known))
}

pub fn memory_bytes(root: &Path) -> Option<u64> {
    let text = read_text(root, "/proc/meminfo")?;
    let total = values(&text, "MemTotal").next()?;
    let kibibytes: u64 = total.strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

pub fn load_average_1min(root: &Path) -> Option<f64> {
    let text = read_text(root, "/proc/loadavg")?;
    let load: f64 = text.split(' ').next()?.parse().ok()?;
    load.is_finite().then_some(load)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::FakeRoot;

    fn with_cpuinfo(text: &str) -> FakeRoot {
        FakeRoot::new(&[("/proc/cpuinfo", text)])
    }

    #[test]
    fn core_types_are_known_by_name_or_by_capacity() {
        let intel = FakeRoot::new(&[
            ("/sys/devices/cpu_core/cpus", "0-15"),
            ("/sys/devices/cpu_atom/cpus", "16-23"),
        ]);
        assert_eq!(core_types(intel.path(), &[0, 1, 16]), ["0-1", "16"]);
        assert!(core_types(intel.path(), &[0, 1]).is_empty(), "taskset on one type");
        let arm = FakeRoot::new(&[]);
        for (cpu, capacity) in [(0, "446"), (1, "446"), (2, "1024")] {
            arm.write(&format!("/sys/devices/system/cpu/cpu{cpu}/cpu_capacity"), capacity);
        }
        assert_eq!(core_types(arm.path(), &[0, 1, 2]), ["2", "0-1"]);
        assert!(core_types(arm.path(), &[0, 1]).is_empty());
    }

    #[test]
    fn only_a_battery_of_the_machine_counts() {
        let fake = FakeRoot::new(&[]);
        assert_eq!(on_battery(fake.path()), None);
        fake.write("/sys/class/power_supply/mouse/type", "Battery");
        fake.write("/sys/class/power_supply/mouse/scope", "Device");
        assert_eq!(on_battery(fake.path()), None);
        fake.write("/sys/class/power_supply/BAT0/type", "Battery");
        fake.write("/sys/class/power_supply/BAT0/status", "Charging");
        assert_eq!(on_battery(fake.path()), Some(false));
        fake.write("/sys/class/power_supply/BAT0/status", "Discharging");
        assert_eq!(on_battery(fake.path()), Some(true));
    }

    #[test]
    fn a_processor_without_a_name_is_known_by_its_numbers() {
        let core = |part: &str| format!("CPU implementer\t: 0x41\nCPU part\t: {part}\n\n");
        let same = core("0xd0c") + &core("0xd0c");
        let name = "implementer 0x41 part 0xd0c";
        assert_eq!(cpu_model(with_cpuinfo(&same).path()), name);
        let mixed = core("0xd05") + &core("0xd0b");
        let name = "implementer 0x41 part 0xd05 + implementer 0x41 part 0xd0b";
        assert_eq!(cpu_model(with_cpuinfo(&mixed).path()), name);
    }

    #[test]
    fn a_cpu_flag_reveals_a_hypervisor_and_files_name_it() {
        let fake = with_cpuinfo("flags\t: fpu hypervisor lahf_lm");
        assert_eq!(hypervisor(fake.path()).as_deref(), Some("unknown"));
        fake.write("/sys/class/dmi/id/sys_vendor", "Amazon EC2");
        fake.write("/sys/class/dmi/id/product_name", "c5.large");
        assert_eq!(hypervisor(fake.path()).as_deref(), Some("Amazon EC2 c5.large"));
        fake.write("/sys/hypervisor/type", "xen");
        assert_eq!(hypervisor(fake.path()).as_deref(), Some("xen"));
    }

    #[test]
    fn with_cpu_flags_the_firmware_name_is_not_enough() {
        let fake = with_cpuinfo("flags\t: fpu");
        fake.write("/sys/class/dmi/id/sys_vendor", "QEMU");
        assert_eq!(hypervisor(fake.path()), None);
    }

    #[test]
    fn without_cpu_flags_the_firmware_name_decides() {
        let fake = with_cpuinfo("CPU part\t: 0xd0c");
        fake.write("/sys/class/dmi/id/sys_vendor", "Dell Inc.");
        assert_eq!(hypervisor(fake.path()), None);
        fake.write("/sys/class/dmi/id/sys_vendor", "QEMU");
        assert_eq!(hypervisor(fake.path()).as_deref(), Some("QEMU"));
    }

    #[test]
    fn turbo_is_read_from_either_driver() {
        let fake = FakeRoot::new(&[("/sys/devices/system/cpu/cpufreq/boost", "1")]);
        assert_eq!(turbo(fake.path()), Some(true));
        fake.write("/sys/devices/system/cpu/intel_pstate/no_turbo", "1");
        assert_eq!(turbo(fake.path()), Some(false));
    }

    #[test]
    fn all_governors_are_listed() {
        let fake = FakeRoot::new(&[
            ("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave"),
            ("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance"),
        ]);
        let both = governor(fake.path(), &[0, 1, 2]);
        assert_eq!(both.as_deref(), Some("performance,powersave"));
    }

    #[test]
    fn a_cache_size_has_a_unit_or_none() {
        assert_eq!(bytes_of("32K"), Some(32 << 10));
        assert_eq!(bytes_of("8M"), Some(8 << 20));
        assert_eq!(bytes_of("1G"), Some(1 << 30));
        assert_eq!(bytes_of("512"), Some(512));
        for invalid in ["", "K", "x", "é", "99999999999999999999K", "18446744073709551615K"] {
            assert_eq!(bytes_of(invalid), None, "{invalid:?}");
        }
    }
}
