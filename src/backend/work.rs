//! The opaque unit that backends move: a kernel with its job.

use std::ops::{AddAssign, Range};
use std::time::Instant;

use nix::sched::sched_getcpu;
use serde::{Deserialize, Serialize};

use super::{InnerTimes, cpu_clock, inner, run_delay};
use crate::kernel::{Isa, Job, Kernel, Tally};

/// A job that can be run block by block, by anybody, in any order.
#[derive(Clone, Copy)]
pub struct Work {
    kernel: &'static dyn Kernel,
    job: Job,
    isa: Isa,
    inner_nthread: u32,
}

impl Work {
    /// A job of `kernel`, in the form for `isa`; one thread in each worker.
    pub fn new(kernel: &'static dyn Kernel, job: Job, isa: Isa) -> Work {
        Work { kernel, job, isa, inner_nthread: 1 }
    }

    /// The same in so many threads (at least one) inside each worker: whoever
    /// [`run`](Work::run)s some blocks splits them over as many.
    pub fn with_inner(self, inner_nthread: u32) -> Work {
        Work { inner_nthread: inner_nthread.max(1), ..self }
    }

    /// Number of blocks: a team must run each of `0..blocks` exactly once.
    pub fn blocks(&self) -> u64 {
        self.job.blocks
    }

    /// What another process of the same program needs to make the same work.
    pub fn described(&self) -> Described {
        let (job, isa, inner_nthread) = (self.job, self.isa, self.inner_nthread);
        Described { kernel: self.kernel.name().to_string(), job, isa, inner_nthread }
    }

    /// The form of the kernel.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Threads inside each worker.
    pub fn inner_nthread(&self) -> u32 {
        self.inner_nthread
    }

    /// Computes some blocks and says what came out and how long it took.
    ///
    /// # Panics
    /// As the kernel does; and if the system refuses a thread inside the worker.
    pub fn run(&self, blocks: Range<u64>) -> Report {
        let start = Instant::now();
        if self.inner_nthread > 1 {
            let tally = |part| self.job.tally(self.kernel, part, self.isa);
            let report = inner::run(blocks, self.inner_nthread, tally);
            return Report { busy_ns: start.elapsed().as_nanos() as u64, ..report };
        }
        let count = blocks.end - blocks.start;
        let tally = self.job.tally(self.kernel, blocks, self.isa);
        let busy_ns = start.elapsed().as_nanos() as u64;
        // Answered without a system call, in some nanoseconds.
        let last_cpu = sched_getcpu().ok().map(|cpu| cpu as u64);
        Report { tally, busy_ns, blocks: count, last_cpu, ..Report::default() }
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
    inner_nthread: u32,
}

impl Described {
    /// The work, if one of the `kernels` has that name.
    pub fn work(&self, kernels: &[&'static dyn Kernel]) -> Option<Work> {
        let kernel = kernels.iter().find(|kernel| kernel.name() == self.kernel)?;
        Some(Work::new(*kernel, self.job, self.isa).with_inner(self.inner_nthread))
    }
}

/// What a worker returns: mergeable, like the tally in it. To another process
/// it travels as words, see [`Report::to_words`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "[u64; Report::WORDS]", from = "[u64; Report::WORDS]")]
pub struct Report {
    /// The answer.
    pub tally: Tally,
    /// Wall time inside the kernel, that of starting threads inside the worker and
    /// of waiting for them included.
    pub busy_ns: u64,
    /// CPU time of the worker in this call, if it lived for this call only and
    /// knows; see [`Team::cpu_clocks_ns`](super::Team::cpu_clocks_ns).
    pub cpu_ns: Option<u64>,
    /// Time in this call that the worker was ready to run and had no CPU, if it
    /// lived for this call only and knows.
    pub run_delay_ns: Option<u64>,
    /// Blocks that were computed.
    pub blocks: u64,
    /// The CPU on which the last of them was finished.
    pub last_cpu: Option<u64>,
    /// What threads inside the worker used, which no clock of the worker's own
    /// thread counts.
    pub inner: InnerTimes,
}

impl Report {
    /// A worker that lives for one call and was busy for less does not ask for
    /// its run delay. To ask takes 20 to 35 µs in a thread or process that is new,
    /// which shall be about a thousandth of the call.
    pub const WORTH_ASKING_NS: u64 = 30_000_000;

    /// Words of a report on its way to another process.
    pub const WORDS: usize = 12;

    /// The last thing that a worker does which lives for one call only: all
    /// that its thread has computed and waited belongs to the call. It asks for
    /// its run delay if it was busy for [`Report::WORTH_ASKING_NS`]. Threads inside
    /// the worker are added; where one of them does not know, nobody does.
    pub fn with_times_of_this_thread(self) -> Report {
        let InnerTimes { cpu_ns, run_delay_ns } = self.inner;
        let cpu_ns = cpu_ns.and_then(|inner_ns| Some(inner_ns + cpu_clock::own_ns()?));
        let is_worth_asking = self.busy_ns >= Report::WORTH_ASKING_NS;
        let run_delay_ns = run_delay_ns
            .filter(|_| is_worth_asking)
            .and_then(|inner_ns| Some(inner_ns + run_delay::own_ns()?));
        Report { cpu_ns, run_delay_ns, ..self }
    }

    /// As words, for a process on the same machine.
    pub fn to_words(self) -> [u64; Report::WORDS] {
        let Tally { draws, sum, sum_sq } = self.tally;
        let [low, high] = [|value: i128| value as u64, |value: i128| (value >> 64) as u64];
        let [cpu_ns, run_delay_ns, last_cpu, inner_cpu_ns, inner_delay_ns] = [
            self.cpu_ns,
            self.run_delay_ns,
            self.last_cpu,
            self.inner.cpu_ns,
            self.inner.run_delay_ns,
        ]
        .map(|it| it.unwrap_or(UNKNOWN));
        let inner = [inner_cpu_ns, inner_delay_ns];
        let sums = [low(sum), high(sum), low(sum_sq), high(sum_sq)];
        let ([a, b, c, d], [e, f]) = (sums, inner);
        [draws, self.busy_ns, cpu_ns, run_delay_ns, self.blocks, last_cpu, a, b, c, d, e, f]
    }

    /// The report that [`Report::to_words`] made these of.
    pub fn from_words(words: [u64; Report::WORDS]) -> Report {
        let [draws, busy_ns, cpu_ns, run_delay_ns, blocks, last_cpu, a, b, c, d, inner @ ..] =
            words;
        let known = |word: u64| Some(word).filter(|word| *word != UNKNOWN);
        let whole = |low: u64, high: u64| (i128::from(high as i64) << 64) | i128::from(low);
        let (sum, sum_sq) = (whole(a, b), whole(c, d));
        let [inner_cpu_ns, inner_delay_ns] = inner.map(known);
        Report {
            tally: Tally { draws, sum, sum_sq },
            busy_ns,
            cpu_ns: known(cpu_ns),
            run_delay_ns: known(run_delay_ns),
            blocks,
            last_cpu: known(last_cpu),
            inner: InnerTimes { cpu_ns: inner_cpu_ns, run_delay_ns: inner_delay_ns },
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

/// Stands for what is unknown in the words of a report.
const UNKNOWN: u64 = u64::MAX;

impl AddAssign for Report {
    fn add_assign(&mut self, other: Report) {
        self.tally = self.tally + other.tally;
        self.busy_ns += other.busy_ns;
        self.cpu_ns = sum_of_known(self.cpu_ns, other.cpu_ns);
        self.run_delay_ns = sum_of_known(self.run_delay_ns, other.run_delay_ns);
        self.blocks += other.blocks;
        self.last_cpu = other.last_cpu.or(self.last_cpu);
        self.inner += other.inner;
    }
}

fn sum_of_known(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    [one, other].into_iter().flatten().reduce(|one, other| one + other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_report_arrives_as_it_was_sent(
            small: [u64; 3], sums: [i128; 2],
            known in [(); 5].map(|()| proptest::option::of(0..UNKNOWN)),
        ) {
            let [draws, busy_ns, blocks] = small;
            let tally = Tally { draws, sum: sums[0], sum_sq: sums[1] };
            let [cpu_ns, run_delay_ns, last_cpu, inner_cpu_ns, inner_delay_ns] = known;
            let inner = InnerTimes { cpu_ns: inner_cpu_ns, run_delay_ns: inner_delay_ns };
            let report = Report { tally, busy_ns, cpu_ns, run_delay_ns, blocks, last_cpu, inner };
            prop_assert_eq!(Report::from_words(report.to_words()), report);
        }
    }
    #[test]
    fn merged_reports_know_the_last_cpu() {
        let on = |last_cpu| Report { last_cpu, ..Report::default() };
        for (earlier, later, expected) in
            [(Some(1), Some(3), Some(3)), (Some(1), None, Some(1)), (None, Some(3), Some(3))]
        {
            let mut report = on(earlier);
            report += on(later);
            assert_eq!(report.last_cpu, expected);
        }
    }

    #[test]
    fn what_threads_inside_used_is_added_to_the_workers_own() {
        let inner = InnerTimes { cpu_ns: Some(1 << 40), run_delay_ns: Some(1 << 40) };
        let busy_ns = Report::WORTH_ASKING_NS;
        let after =
            |inner| Report { busy_ns, inner, ..Report::default() }.with_times_of_this_thread();
        assert!(after(inner).cpu_ns > Some(1 << 40));
        assert_eq!(after(inner).run_delay_ns.is_some(), run_delay::own_ns().is_some());
        let unknown = after(InnerTimes { cpu_ns: None, run_delay_ns: None });
        assert_eq!((unknown.cpu_ns, unknown.run_delay_ns), (None, None));
    }

    #[test]
    fn only_a_worker_that_was_busy_for_long_asks_for_its_run_delay() {
        let after = |busy_ns| Report { busy_ns, ..Report::default() }.with_times_of_this_thread();
        assert_eq!(after(Report::WORTH_ASKING_NS - 1).run_delay_ns, None);
        assert_eq!(
            after(Report::WORTH_ASKING_NS).run_delay_ns.is_some(),
            run_delay::own_ns().is_some()
        );
    }
}
