//! The kinds of faults: the backend that each affects, and how each must be flagged.

use nthread::analysis::Code;
use nthread::visits::Disturbance;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    PoolWorkerKilled,
    IdleWorkerKilled,
    ChildKilled,
    RunnerKilled,
    RunnerStopped,
    PoolWorkerStopped,
    ChildStopped,
    ChildStoppedEarly,
    QueueChildStoppedEarly,
    StoppedForGood,
    Throttled,
    OtherLoad,
    Suspended,
    ClockStep,
    NoDescriptors,
    NoMemory,
    WrongTally,
    Panic,
    DiskFull,
}

/// Flag that a visit with a fault must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// An error row with these words.
    Row(&'static [&'static str]),
    /// The visit is left out for this reason, and the case has a warning of this code.
    LeftOut(Disturbance, Code),
    /// The evidence of the visit shows it, and the case has a warning of this code.
    Evidence(Code),
    /// The program ends with 1, and the whole visits before it are kept.
    ExitCode,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 19] = [
        Fault::PoolWorkerKilled,
        Fault::IdleWorkerKilled,
        Fault::ChildKilled,
        Fault::RunnerKilled,
        Fault::RunnerStopped,
        Fault::PoolWorkerStopped,
        Fault::ChildStopped,
        Fault::ChildStoppedEarly,
        Fault::QueueChildStoppedEarly,
        Fault::StoppedForGood,
        Fault::Throttled,
        Fault::OtherLoad,
        Fault::Suspended,
        Fault::ClockStep,
        Fault::NoDescriptors,
        Fault::NoMemory,
        Fault::WrongTally,
        Fault::Panic,
        Fault::DiskFull,
    ];

    /// Description of the fault.
    pub fn about(self) -> &'static str {
        match self {
            Fault::PoolWorkerKilled => "worker killed: a pool's process, in a block",
            Fault::IdleWorkerKilled => "worker killed: a pool's process, between calls",
            Fault::ChildKilled => "worker killed: a child of the call",
            Fault::RunnerKilled => "runner killed",
            Fault::RunnerStopped => "SIGSTOP of 200 ms: the runner of threads",
            Fault::PoolWorkerStopped => "SIGSTOP of 200 ms: a pool's process",
            Fault::ChildStopped => "SIGSTOP of 200 ms: a child, in a block",
            Fault::ChildStoppedEarly => "SIGSTOP of 200 ms: a child, before its work",
            Fault::QueueChildStoppedEarly => "SIGSTOP of 200 ms: a queue's child, likewise",
            Fault::StoppedForGood => "suspended past the timeout",
            Fault::Throttled => "quota cut in mid-run",
            Fault::OtherLoad => "competing load on one core",
            Fault::Suspended => "clock step: the boot clock runs ahead",
            Fault::ClockStep => "clock step: the boot clock falls behind",
            Fault::NoDescriptors => "descriptor exhaustion",
            Fault::NoMemory => "out of memory in a runner",
            Fault::WrongTally => "wrong tally",
            Fault::Panic => "worker panic",
            Fault::DiskFull => "disk full",
        }
    }

    /// Backend that it is injected into.
    pub fn backend(self) -> &'static str {
        match self {
            Fault::PoolWorkerKilled | Fault::IdleWorkerKilled | Fault::PoolWorkerStopped => {
                "process-pool"
            }
            Fault::ChildKilled
            | Fault::ChildStopped
            | Fault::ChildStoppedEarly
            | Fault::NoDescriptors => "process-pipe",
            Fault::QueueChildStoppedEarly => "process-queue",
            _ => "std-thread",
        }
    }

    /// Flag that a visit with this fault must have.
    pub fn flag(self) -> Flag {
        match self {
            Fault::PoolWorkerKilled | Fault::IdleWorkerKilled | Fault::ChildKilled => {
                Flag::Row(&["worker ", "(pid ", "was killed by SIGKILL"])
            }
            Fault::RunnerKilled => Flag::Row(&["the runner was killed by SIGKILL"]),
            Fault::RunnerStopped
            | Fault::PoolWorkerStopped
            | Fault::ChildStopped
            | Fault::ChildStoppedEarly
            | Fault::QueueChildStoppedEarly => Flag::LeftOut(Disturbance::Stopped, Code::Stopped),
            Fault::StoppedForGood => Flag::Row(&["timeout", "stopped"]),
            Fault::Throttled => Flag::LeftOut(Disturbance::Throttled, Code::Throttled),
            Fault::OtherLoad => Flag::Evidence(Code::Starved),
            Fault::Suspended => Flag::LeftOut(Disturbance::Suspended, Code::Suspended),
            Fault::ClockStep => Flag::LeftOut(Disturbance::Clock, Code::Clock),
            Fault::NoDescriptors => Flag::Row(&["Too many open files"]),
            Fault::NoMemory => Flag::Row(&["SIGABRT", "memory allocation of"]),
            Fault::WrongTally => Flag::Row(&["wrong tally"]),
            Fault::Panic => Flag::Row(&["worker ", "panicked"]),
            Fault::DiskFull => Flag::ExitCode,
        }
    }

    /// Returns whether it stops a process, which another one must continue.
    pub fn needs_waker(self) -> bool {
        matches!(
            self,
            Fault::RunnerStopped
                | Fault::PoolWorkerStopped
                | Fault::ChildStopped
                | Fault::ChildStoppedEarly
                | Fault::QueueChildStoppedEarly
        )
    }

    /// Name of the backend with this fault.
    pub fn name(self) -> String {
        format!("{}+{self:?}", self.backend())
    }

    /// Finds a fault by the name of its backend.
    pub fn find(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }
}
