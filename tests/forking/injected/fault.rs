//! The kinds of faults: whom they befall, and how each must be flagged.

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

/// What must be said of a visit that a fault befell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// An error row that has these words.
    Row(&'static [&'static str]),
    /// It is left out for this reason, and the case has a warning of this code.
    LeftOut(Disturbance, Code),
    /// Its evidence shows it, and the case has a warning of this code.
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

    /// What happens, in words.
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

    /// The backend that it befalls.
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

    /// How it must be flagged.
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

    /// Whether a process is stopped that somebody must wake.
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

    /// The backend's name while it suffers from this.
    pub fn name(self) -> String {
        format!("{}+{self:?}", self.backend())
    }

    /// The fault of that name.
    pub fn find(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }
}
