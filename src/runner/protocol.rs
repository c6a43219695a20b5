//! What a harness and a runner say to each other: the types of docs/RUNNER.md.
//!
//! One JSON object on stdin, the [`Visit`]; JSON lines on stdout, each an
//! [`Event`]. Unknown keys are ignored. Seeds and tallies are decimal strings,
//! since a JSON number is a 64-bit float in many languages.

use serde::{Deserialize, Serialize};

use super::object;
use crate::kernel::{Tally, decimal};

/// Version of the protocol.
pub const PROTOCOL: u32 = 1;

/// What a runner is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Version of the protocol, [`PROTOCOL`].
    pub protocol: u32,
    /// What to compute.
    pub kernel: String,
    /// The backend's name: the runner's own, if it has several.
    pub backend: String,
    /// Workers.
    pub nthread: u32,
    /// Threads inside each worker.
    pub inner_nthread: u32,
    /// How chunks meet workers; null leaves it to the runner.
    pub schedule: Option<String>,
    /// Blocks of a chunk; null leaves it to the runner.
    pub chunk: Option<u64>,
    /// Draws of a block.
    pub block: u64,
    /// Blocks of a call.
    pub blocks: u64,
    /// Seed of the random streams.
    #[serde(with = "decimal")]
    pub seed: u64,
    /// CPUs of each worker, or null.
    pub pin: Option<Vec<String>>,
    /// How processes are started, or null.
    pub start_method: Option<String>,
    /// Calls that are not counted.
    pub warmup: u32,
    /// Calls that are counted.
    pub iterations: u32,
}

/// What a runner says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// First line.
    Hello(#[serde(deserialize_with = "object::one")] Hello),
    /// The team exists.
    Setup(#[serde(deserialize_with = "object::one")] Timed),
    /// A call that is not counted.
    Warmup(#[serde(deserialize_with = "object::one")] Call),
    /// A call that is counted.
    Call(#[serde(deserialize_with = "object::one")] Call),
    /// The team is gone.
    Teardown(#[serde(deserialize_with = "object::one")] Timed),
    /// Last line.
    Done(#[serde(deserialize_with = "object::one")] Done),
    /// It cannot go on.
    Error(#[serde(deserialize_with = "object::one")] Failure),
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the protocol.
    pub protocol: u32,
    /// Version of the runner, in its own words.
    #[serde(default)]
    pub build: String,
    /// How its answers are to be checked.
    pub check: Check,
}

/// How a runner's answers are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Check {
    /// It uses the block streams: the tally must be identical.
    Exact,
    /// It has random numbers of its own: the estimate must be plausible.
    Z,
    /// There is no tally, because what is measured is a command or a function, and
    /// no kernel. Then nothing but calls stands between `hello` and `done`.
    None,
}

/// From its name alone: a derived reader takes `{"exact": null}` as well.
impl TryFrom<String> for Check {
    type Error = String;

    fn try_from(name: String) -> Result<Check, String> {
        match name.as_str() {
            "exact" => Ok(Check::Exact),
            "z" => Ok(Check::Z),
            "none" => Ok(Check::None),
            _ => Err(format!("check: {name:?} is neither \"exact\" nor \"z\"")),
        }
    }
}

/// A phase that is only timed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    /// Wall time.
    pub wall_ns: u64,
}

/// One call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Wall time.
    pub wall_ns: u64,
    /// User CPU time of every worker.
    pub user_ns: Option<u64>,
    /// System CPU time of every worker.
    pub system_ns: Option<u64>,
    /// Time that workers were ready to run and had no CPU, all of them together.
    #[serde(default)]
    pub run_delay_ns: Option<u64>,
    /// Voluntary context switches.
    #[serde(default)]
    pub voluntary_switches: Option<u64>,
    /// Involuntary context switches.
    #[serde(default)]
    pub involuntary_switches: Option<u64>,
    /// CPU cycles of every worker in user mode.
    #[serde(default)]
    pub cycles: Option<u64>,
    /// How often a worker was found to have been stopped (SIGSTOP).
    #[serde(default)]
    pub stops: Option<u32>,
    /// The answer; null where there is no kernel.
    #[serde(default, deserialize_with = "object::optional")]
    pub tally: Option<Tally>,
    /// What each worker did; may be empty.
    #[serde(default, deserialize_with = "object::list")]
    pub workers: Vec<Worker>,
    /// Peak memory of a command.
    #[serde(default)]
    pub max_rss_bytes: Option<u64>,
    /// How a command ended: its exit code, or minus the signal.
    #[serde(default)]
    pub exit_status: Option<i32>,
    /// What a command printed on stdout, where somebody wants to know.
    #[serde(default, deserialize_with = "object::optional")]
    pub printed: Option<Printed>,
    /// What was wrong with the call, in words.
    #[serde(default)]
    pub problem: Option<String>,
}

/// What a command printed on stdout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// How much.
    pub bytes: u64,
    /// SHA-256 of all of it, in hex.
    pub sha256: String,
    /// The text, where it was asked for; null if it was too long to be kept.
    #[serde(default)]
    pub text: Option<String>,
}

/// What a worker did in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// Wall time inside the kernel.
    pub busy_ns: Option<u64>,
    /// CPU time inside the kernel.
    pub cpu_ns: Option<u64>,
    /// Blocks that it computed.
    pub blocks: Option<u64>,
    /// Its part of the answer.
    #[serde(default, deserialize_with = "object::optional")]
    pub tally: Option<Tally>,
}

/// What only the end of a visit can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Voluntary context switches.
    pub voluntary_switches: Option<u64>,
    /// Involuntary context switches.
    pub involuntary_switches: Option<u64>,
    /// Peak memory.
    pub max_rss_bytes: Option<u64>,
    /// Instruction set of the kernel.
    #[serde(default)]
    pub isa: String,
    /// CPUs used, such as `0-3,8`.
    #[serde(default)]
    pub cpus: String,
}

/// Why a runner cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// In words.
    pub message: String,
}
