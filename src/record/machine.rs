//! Machine that a run took place on.

use serde::{Deserialize, Serialize};

/// Machine that a run took place on. Unknown facts are empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Host name.
    pub hostname: Option<String>,
    /// Name of the processor, or the closest substitute if it has none.
    pub cpu_model: Option<String>,
    /// Processor packages among the CPUs online.
    pub sockets: Option<u32>,
    /// Physical cores among the CPUs online, whatever the affinity mask.
    pub cores: Option<u32>,
    /// Hardware threads of a core; more than 1 means that simultaneous multithreading is on.
    pub threads_per_core: Option<u32>,
    /// Caches of the CPUs online, one entry for each physical cache.
    pub caches: Vec<Cache>,
    /// NUMA nodes.
    pub numa_nodes: Option<u32>,
    /// Frequency governor; several, separated by commas, where CPUs differ.
    pub governor: Option<String>,
    /// True if the processor may exceed its nominal frequency.
    pub turbo: Option<bool>,
    /// Hypervisor: `unknown` if it has no name, empty if there is none.
    pub hypervisor: Option<String>,
    /// Memory of the whole machine.
    pub memory_bytes: Option<u64>,
    /// Release of the operating system's kernel.
    pub kernel: Option<String>,
    /// Quota of the control groups, in CPUs; empty if there is none.
    pub quota_cpus: Option<f64>,
    /// Affinity mask, such as `0-3,8`.
    pub affinity: Option<String>,
    /// CPUs online.
    pub online_cpus: Option<u32>,
    /// CPUs that this process can use.
    pub usable_cpus: Option<u32>,
    /// Physical cores among the usable CPUs.
    pub usable_cores: Option<u32>,
    /// CPUs of each type of core in the affinity mask, such as `0-15` and `16-23`, if there
    /// are several types.
    pub core_types: Vec<String>,
    /// True if the machine runs on its battery.
    pub on_battery: Option<bool>,
    /// Load average of the last minute, at the time of the inspection.
    pub load_average_1min: Option<f64>,
}

/// Physical cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Cache {
    /// Level; 1 is closest to the core.
    pub level: u32,
    /// Kind: `Data`, `Instruction` or `Unified`.
    pub kind: String,
    /// Capacity in bytes.
    pub size_bytes: Option<u64>,
    /// CPUs that share it, such as `0-3,8`.
    pub shared_cpus: String,
}
