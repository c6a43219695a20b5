//! Messages between harness and runner: the types of docs/RUNNER.md.
//!
//! A runner reads one JSON object from stdin, the [`VisitRequest`], and writes JSON lines
//! to stdout, each an [`Event`]. Unknown keys are ignored. Seeds and tallies are decimal
//! strings, since a JSON number is a 64-bit float in many languages.

use std::io;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::strict_object;
use crate::kernel::{Tally, decimal};

/// Version of the protocol.
pub const PROTOCOL: u32 = 1;

/// Request for one visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitRequest {
    /// Version of the protocol, [`PROTOCOL`].
    pub protocol: u32,
    /// Name of the kernel.
    pub kernel: String,
    /// Name of the backend: the runner's own, if it has several.
    pub backend: String,
    /// Number of workers.
    pub nthread: u32,
    /// Threads inside each worker.
    pub inner_nthread: u32,
    /// Schedule; null leaves it to the runner.
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
    /// Start method of processes, or null.
    pub start_method: Option<String>,
    /// Number of calls that are not counted.
    pub warmup: u32,
    /// Number of calls that are counted.
    pub iterations: u32,
}

/// Message of a runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The first line.
    Hello(#[serde(deserialize_with = "strict_object::required")] Hello),
    /// The team exists.
    Setup(#[serde(deserialize_with = "strict_object::required")] Timed),
    /// A call that is not counted.
    Warmup(#[serde(deserialize_with = "strict_object::required")] Call),
    /// A call that is counted.
    Call(#[serde(deserialize_with = "strict_object::required")] Call),
    /// The team is gone.
    Teardown(#[serde(deserialize_with = "strict_object::required")] Timed),
    /// The last line.
    Done(#[serde(deserialize_with = "strict_object::required")] Done),
    /// The runner cannot continue.
    Error(#[serde(deserialize_with = "strict_object::required")] Failure),
}

impl Event {
    /// The first line of a runner of this program.
    pub fn hello(check: CheckMode) -> Event {
        let build = concat!("nthread ", env!("CARGO_PKG_VERSION")).to_string();
        Event::Hello(Hello { protocol: PROTOCOL, build, check })
    }

    /// The last line of a visit that failed.
    pub fn error(error: &anyhow::Error) -> Event {
        Event::Error(Failure { message: format!("{error:#}") })
    }

    /// Writes the event as one line, at once.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub fn write_line(&self, output: &mut impl io::Write) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        output.write_all(&line).context("cannot write to stdout")
    }
}

/// Reads the request of this process from its stdin.
///
/// # Errors
/// If stdin cannot be read, or holds no such request.
pub fn read_request<T: DeserializeOwned>(stdin: impl io::Read) -> anyhow::Result<T> {
    let text = io::read_to_string(stdin).context("cannot read the request from stdin")?;
    serde_json::from_str(&text).context("stdin holds no request")
}

/// Introduction of a runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the protocol.
    pub protocol: u32,
    /// Version of the runner, as free text.
    #[serde(default)]
    pub build: String,
    /// Check that its tallies are meant to pass.
    pub check: CheckMode,
}

/// Check of a runner's tallies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum CheckMode {
    /// The runner uses the block streams: its tally must be identical.
    Exact,
    /// The runner has random numbers of its own: its estimate must be plausible.
    Z,
    /// No check: a command or a function is measured and has no tally. Only calls stand
    /// between `hello` and `done`.
    None,
}

/// Reads the name alone. A derived deserializer accepts `{"exact": null}` as well.
impl TryFrom<String> for CheckMode {
    type Error = String;

    fn try_from(name: String) -> Result<CheckMode, String> {
        match name.as_str() {
            "exact" => Ok(CheckMode::Exact),
            "z" => Ok(CheckMode::Z),
            "none" => Ok(CheckMode::None),
            _ => Err(format!("check: {name:?} is neither \"exact\" nor \"z\"")),
        }
    }
}

/// Time of a phase without further data.
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
    /// Time for which workers were ready to run and had no CPU, summed over the workers.
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
    /// Number of times that a worker was stopped (SIGSTOP).
    #[serde(default)]
    pub stops: Option<u32>,
    /// Tally of the call; null where there is no kernel.
    #[serde(default, deserialize_with = "strict_object::optional")]
    pub tally: Option<Tally>,
    /// Work of each worker; may be empty.
    #[serde(default, deserialize_with = "strict_object::list")]
    pub workers: Vec<Worker>,
    /// Peak memory of a command.
    #[serde(default)]
    pub max_rss_bytes: Option<u64>,
    /// Exit code of a command, or minus the signal that killed it.
    #[serde(default)]
    pub exit_status: Option<i32>,
    /// Output of a command on stdout, where it is checked.
    #[serde(default, deserialize_with = "strict_object::optional")]
    pub printed: Option<CapturedOutput>,
    /// Reason for which the call does not count.
    #[serde(default)]
    pub problem: Option<String>,
}

/// Output of a command on stdout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedOutput {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of all of it, in hex.
    pub sha256: String,
    /// The text, where it was requested; null if it was too long to be kept.
    #[serde(default)]
    pub text: Option<String>,
}

/// Work of one worker in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Name of the worker.
    #[serde(default)]
    pub name: String,
    /// Wall time inside the kernel.
    pub busy_ns: Option<u64>,
    /// CPU time inside the kernel.
    pub cpu_ns: Option<u64>,
    /// Number of blocks that it computed.
    pub blocks: Option<u64>,
    /// Part of the tally that it computed.
    #[serde(default, deserialize_with = "strict_object::optional")]
    pub tally: Option<Tally>,
}

/// Usage of the whole visit, known only at its end.
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

/// Reason for which a runner cannot continue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Text for people.
    pub message: String,
}
