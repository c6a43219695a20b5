//! What is known of the machine that a run took place on.

use serde::{Deserialize, Serialize};

/// The machine that a run took place on. What is unknown is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The machine's name in its network.
    pub hostname: Option<String>,
    /// The processor's name, or what comes closest where it has none.
    pub cpu_model: Option<String>,
    /// Processor packages among the CPUs online.
    pub sockets: Option<u32>,
    /// Physical cores among the CPUs online, whatever the affinity mask.
    pub cores: Option<u32>,
    /// Hardware threads of a core; more than 1 means that simultaneous multithreading is on.
    pub threads_per_core: Option<u32>,
    /// The caches of the CPUs online, one entry for each physical cache.
    pub caches: Vec<Cache>,
    /// Memory nodes.
    pub numa_nodes: Option<u32>,
    /// The frequency governor; several, separated by commas, where CPUs differ.
    pub governor: Option<String>,
    /// Whether the processor may exceed its nominal frequency.
    pub turbo: Option<bool>,
    /// The hypervisor, `unknown` where there is one without a name, empty where there is none.
    pub hypervisor: Option<String>,
    /// Memory of the whole machine.
    pub memory_bytes: Option<u64>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// What the control groups allow, in CPUs; empty where they limit nothing.
    pub quota_cpus: Option<f64>,
    /// The affinity mask, such as `0-3,8`.
    pub affinity: Option<String>,
    /// CPUs online.
    pub online_cpus: Option<u32>,
    /// CPUs that this process can use.
    pub usable_cpus: Option<u32>,
    /// Physical cores among the usable CPUs.
    pub usable_cores: Option<u32>,
    /// Of the CPUs in the affinity mask those of each type, such as `0-15` and `16-23`, where there
    /// are several types of core.
    pub core_types: Vec<String>,
    /// Whether the machine runs on its battery.
    pub on_battery: Option<bool>,
    /// The load average of the last minute when the machine was inspected.
    pub load_average_1min: Option<f64>,
}

/// One physical cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Cache {
    /// 1 is closest to the core.
    pub level: u32,
    /// `Data`, `Instruction` or `Unified`.
    pub kind: String,
    /// How much it holds.
    pub size_bytes: Option<u64>,
    /// The CPUs that share it, such as `0-3,8`.
    pub shared_cpus: String,
}
