//! The opaque unit that backends move: a kernel with its job.

use std::ops::{AddAssign, Range};
use std::time::Instant;

use serde::{Deserialize, Serialize};

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

    /// Computes some blocks and says what came out and what it took.
    pub fn run(&self, blocks: Range<u64>) -> Report {
        let cpu = thread_cpu_ns();
        let start = Instant::now();
        let count = blocks.end - blocks.start;
        let tally = self.job.tally(self.kernel, blocks, self.isa);
        Report {
            tally,
            busy_ns: start.elapsed().as_nanos() as u64,
            cpu_ns: thread_cpu_ns().saturating_sub(cpu),
            blocks: count,
        }
    }

    /// Computes several ranges of blocks, one after the other.
    pub fn run_all(&self, ranges: impl Iterator<Item = Range<u64>>) -> Report {
        let mut report = Report::default();
        ranges.for_each(|blocks| report += self.run(blocks));
        report
    }
}

/// What a worker returns: mergeable, like the tally in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The answer.
    pub tally: Tally,
    /// Wall time inside the kernel.
    pub busy_ns: u64,
    /// CPU time inside the kernel, by the worker's own clock.
    pub cpu_ns: u64,
    /// Blocks that were computed.
    pub blocks: u64,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Report) {
        self.tally = self.tally + other.tally;
        self.busy_ns += other.busy_ns;
        self.cpu_ns += other.cpu_ns;
        self.blocks += other.blocks;
    }
}

/// CPU time of the calling thread; 0 where the clock cannot be read.
fn thread_cpu_ns() -> u64 {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock)
        .map_or(0, |time| std::time::Duration::from(time).as_nanos() as u64)
}
