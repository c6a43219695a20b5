//! The opaque unit that backends move: a kernel with its job.

use std::ops::{AddAssign, Range};
use std::time::Instant;

use serde::{Deserialize, Serialize};

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

    /// What another process of the same program needs to make the same work.
    pub fn described(&self) -> Described {
        Described { kernel: self.kernel.name().to_string(), job: self.job, isa: self.isa }
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

/// A [`Work`] in words: the kernel is known by its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Described {
    kernel: String,
    job: Job,
    isa: Isa,
}

impl Described {
    /// The work, if one of the `kernels` has that name.
    pub fn work(&self, kernels: &[&'static dyn Kernel]) -> Option<Work> {
        let kernel = kernels.iter().find(|kernel| kernel.name() == self.kernel)?;
        Some(Work::new(*kernel, self.job, self.isa))
    }
}

/// What a worker returns: mergeable, like the tally in it. To another process
/// it travels as words, see [`Report::to_words`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "[u64; Report::WORDS]", from = "[u64; Report::WORDS]")]
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
    /// Words of a report on its way to another process.
    pub const WORDS: usize = 8;

    /// The last thing that a worker does which lives for one call only: all of
    /// its thread's CPU time belongs to the call.
    pub fn with_cpu_of_this_thread(self) -> Report {
        Report { cpu_ns: cpu_clock::own_ns(), ..self }
    }

    /// As words, for a process on the same machine.
    pub fn to_words(self) -> [u64; Report::WORDS] {
        let Tally { draws, sum, sum_sq } = self.tally;
        let [low, high] = [|value: i128| value as u64, |value: i128| (value >> 64) as u64];
        let cpu_ns = self.cpu_ns.unwrap_or(UNKNOWN);
        let sums = [low(sum), high(sum), low(sum_sq), high(sum_sq)];
        [draws, self.busy_ns, cpu_ns, self.blocks, sums[0], sums[1], sums[2], sums[3]]
    }

    /// The report that [`Report::to_words`] made these of.
    pub fn from_words(words: [u64; Report::WORDS]) -> Report {
        let [draws, busy_ns, cpu_ns, blocks, sums @ ..] = words;
        let whole = |low: u64, high: u64| (i128::from(high as i64) << 64) | i128::from(low);
        let (sum, sum_sq) = (whole(sums[0], sums[1]), whole(sums[2], sums[3]));
        Report {
            tally: Tally { draws, sum, sum_sq },
            busy_ns,
            cpu_ns: Some(cpu_ns).filter(|cpu_ns| *cpu_ns != UNKNOWN),
            blocks,
        }
    }
}

impl From<Report> for [u64; Report::WORDS] {
    fn from(report: Report) -> Self {
        report.to_words()
    }
}

impl From<[u64; Report::WORDS]> for Report {
    fn from(words: [u64; Report::WORDS]) -> Self {
        Report::from_words(words)
    }
}

/// Stands for an unknown time in the words of a report.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_report_arrives_as_it_was_sent(
            small: [u64; 3], sums: [i128; 2], cpu_ns in proptest::option::of(0..UNKNOWN),
        ) {
            let [draws, busy_ns, blocks] = small;
            let tally = Tally { draws, sum: sums[0], sum_sq: sums[1] };
            let report = Report { tally, busy_ns, cpu_ns, blocks };
            prop_assert_eq!(Report::from_words(report.to_words()), report);
        }
    }
}
