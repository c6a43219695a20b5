//! The opaque unit that backends move: a kernel with its job.

use std::ops::{AddAssign, Range};
use std::time::Instant;

use super::cpu_clock;
use crate::kernel::{Isa, Job, Kernel, Tally};

/// A job that can be run block by block, by anybody, in any order.
#[derive(Clone, Copy)]
pub struct Work {
    kernel: &'static dyn Kernel,
    job: Job,
    isa: Isa,
}

impl Work {
    /// A job of `kernel`, in the form for `isa`.
    pub fn new(kernel: &'static dyn Kernel, job: Job, isa: Isa) -> Work {
        Work { kernel, job, isa }
    }

    /// Number of blocks: a team must run each of `0..blocks` exactly once.
    pub fn blocks(&self) -> u64 {
        self.job.blocks
    }

    /// The form of the kernel.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Computes some blocks and says what came out and how long it took.
    pub fn run(&self, blocks: Range<u64>) -> Report {
        let start = Instant::now();
        let count = blocks.end - blocks.start;
        let tally = self.job.tally(self.kernel, blocks, self.isa);
        let busy_ns = start.elapsed().as_nanos() as u64;
        Report { tally, busy_ns, cpu_ns: None, blocks: count }
    }

    /// Computes several ranges of blocks, one after the other.
    pub fn run_all(&self, ranges: impl Iterator<Item = Range<u64>>) -> Report {
        let mut report = Report::default();
        ranges.for_each(|blocks| report += self.run(blocks));
        report
    }
}

/// What a worker returns: mergeable, like the tally in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The answer.
    pub tally: Tally,
    /// Wall time inside the kernel.
    pub busy_ns: u64,
    /// CPU time of the worker in this call, if it lived for this call only and
    /// knows; see [`Team::cpu_clocks_ns`](super::Team::cpu_clocks_ns).
    pub cpu_ns: Option<u64>,
    /// Blocks that were computed.
    pub blocks: u64,
}

impl Report {
    /// Bytes of a report on its way to another process.
    pub const BYTES: usize = 64;

    /// The last thing that a worker does which lives for one call only: all of
    /// its thread's CPU time belongs to the call.
    pub fn with_cpu_of_this_thread(self) -> Report {
        Report { cpu_ns: cpu_clock::own_ns(), ..self }
    }

    /// As bytes, for a process on the same machine.
    pub fn to_bytes(self) -> [u8; Report::BYTES] {
        let Tally { draws, sum, sum_sq } = self.tally;
        let words = [draws, self.busy_ns, self.cpu_ns.unwrap_or(UNKNOWN), self.blocks];
        let mut bytes = [0; Report::BYTES];
        let (small, large) = bytes.split_at_mut(32);
        for (chunk, word) in small.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        for (chunk, word) in large.chunks_exact_mut(16).zip([sum, sum_sq]) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// The report that [`Report::to_bytes`] made these of.
    pub fn from_bytes(bytes: &[u8; Report::BYTES]) -> Report {
        let small = |i: usize| u64::from_ne_bytes(std::array::from_fn(|k| bytes[8 * i + k]));
        let large = |i: usize| i128::from_ne_bytes(std::array::from_fn(|k| bytes[32 + 16 * i + k]));
        Report {
            tally: Tally { draws: small(0), sum: large(0), sum_sq: large(1) },
            busy_ns: small(1),
            cpu_ns: Some(small(2)).filter(|cpu_ns| *cpu_ns != UNKNOWN),
            blocks: small(3),
        }
    }
}

/// Stands for an unknown time in the bytes of a report.
const UNKNOWN: u64 = u64::MAX;

impl AddAssign for Report {
    fn add_assign(&mut self, other: Report) {
        self.tally = self.tally + other.tally;
        self.busy_ns += other.busy_ns;
        self.cpu_ns = match (self.cpu_ns, other.cpu_ns) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self.blocks += other.blocks;
    }
}
