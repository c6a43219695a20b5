//! Work of a team, a kernel with its job, and the reports of its workers.

use std::ops::{AddAssign, Range};
use std::time::Instant;

use nix::sched::sched_getcpu;
use serde::{Deserialize, Serialize};

use super::{InnerTimes, cpu_clock, inner, run_delay};
use crate::kernel::{Isa, Job, Kernel, Tally};

/// A kernel and its job, which any worker can run block by block in any order.
#[derive(Clone, Copy)]
pub struct Work {
    kernel: &'static dyn Kernel,
    job: Job,
    isa: Isa,
    inner_nthread: u32,
}

impl Work {
    /// Makes the work of `job` with `kernel`, compiled for `isa`, with one thread in
    /// each worker.
    pub fn new(kernel: &'static dyn Kernel, job: Job, isa: Isa) -> Work {
        Work { kernel, job, isa, inner_nthread: 1 }
    }

    /// Sets the number of inner threads of each worker, at least one:
    /// [`run`](Work::run) divides its blocks among them.
    pub fn with_inner(self, inner_nthread: u32) -> Work {
        Work { inner_nthread: inner_nthread.max(1), ..self }
    }

    /// Number of blocks: a team must run each of `0..blocks` exactly once.
    pub fn blocks(&self) -> u64 {
        self.job.blocks
    }

    /// The work in a form that can be sent to another process of this program.
    pub fn spec(&self) -> WorkSpec {
        let (job, isa, inner_nthread) = (self.job, self.isa, self.inner_nthread);
        WorkSpec { kernel: self.kernel.name().to_string(), job, isa, inner_nthread }
    }

    /// Instruction set of the kernel.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Number of inner threads of each worker.
    pub fn inner_nthread(&self) -> u32 {
        self.inner_nthread
    }

    /// Computes some blocks, and reports their tally and the time taken.
    ///
    /// # Panics
    /// As the kernel does; and if the system cannot start an inner thread.
    pub fn run(&self, blocks: Range<u64>) -> Report {
        let start = Instant::now();
        if self.inner_nthread > 1 {
            let report = inner::run(blocks, self.inner_nthread, |part| {
                self.job.tally(self.kernel, part, self.isa)
            });
            return Report { busy_ns: start.elapsed().as_nanos() as u64, ..report };
        }
        let count = blocks.end - blocks.start;
        let tally = self.job.tally(self.kernel, blocks, self.isa);
        let busy_ns = start.elapsed().as_nanos() as u64;
        // The vDSO returns this without a system call, in some nanoseconds.
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

/// A serializable [`Work`], with the name of its kernel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkSpec {
    kernel: String,
    job: Job,
    isa: Isa,
    inner_nthread: u32,
}

impl WorkSpec {
    /// Makes the work, if one of the `kernels` has this name.
    pub fn resolve(&self, kernels: &[&'static dyn Kernel]) -> Option<Work> {
        let kernel = kernels.iter().find(|kernel| kernel.name() == self.kernel)?;
        Some(Work::new(*kernel, self.job, self.isa).with_inner(self.inner_nthread))
    }
}

/// Result of a worker. Reports are merged by addition, like the tallies in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Tally of the blocks.
    pub tally: Tally,
    /// Wall time inside the kernel, including the start of inner threads and the
    /// wait for them.
    pub busy_ns: u64,
    /// CPU time of the worker in this call, where it lived for this call only and
    /// could read its clock; see [`Team::cpu_clocks_ns`](super::Team::cpu_clocks_ns).
    pub cpu_ns: Option<u64>,
    /// Run delay of the worker in this call (the time that it was ready to run and
    /// had no CPU), where it lived for this call only and has read it.
    pub run_delay_ns: Option<u64>,
    /// Number of blocks that were computed.
    pub blocks: u64,
    /// CPU on which the last of them was finished.
    pub last_cpu: Option<u64>,
    /// Times of the inner threads, which the clocks of the worker's own thread do
    /// not include.
    pub inner: InnerTimes,
}

impl Report {
    /// Busy time from which a worker that lives for one call reads its run delay.
    /// The reading takes 20 to 35 µs in a new thread or process, which should be
    /// about a thousandth of the call.
    pub const RUN_DELAY_MIN_BUSY_NS: u64 = 30_000_000;

    /// Adds CPU time and run delay of this thread. It is the last step of a worker
    /// that lives for one call only, so that the whole life of its thread belongs
    /// to the call. The run delay is read from
    /// [`Report::RUN_DELAY_MIN_BUSY_NS`] on. Times of inner threads are included;
    /// where one of them is unknown, the sum is unknown.
    pub fn with_times_of_this_thread(self) -> Report {
        let InnerTimes { cpu_ns, run_delay_ns } = self.inner;
        let cpu_ns = cpu_ns.and_then(|inner_ns| Some(inner_ns + cpu_clock::current_thread_ns()?));
        let run_delay_ns = run_delay_ns
            .filter(|_| self.busy_ns >= Report::RUN_DELAY_MIN_BUSY_NS)
            .and_then(|inner_ns| Some(inner_ns + run_delay::current_thread_ns()?));
        Report { cpu_ns, run_delay_ns, ..self }
    }
}

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

/// Sum of the known values; `None` if both are unknown.
fn sum_of_known(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    [one, other].into_iter().flatten().reduce(|one, other| one + other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_reports_keep_the_last_known_cpu() {
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
    fn times_of_inner_threads_are_added_to_the_workers_own() {
        let inner = InnerTimes { cpu_ns: Some(1 << 40), run_delay_ns: Some(1 << 40) };
        let busy_ns = Report::RUN_DELAY_MIN_BUSY_NS;
        let after =
            |inner| Report { busy_ns, inner, ..Report::default() }.with_times_of_this_thread();
        assert!(after(inner).cpu_ns > Some(1 << 40));
        assert_eq!(after(inner).run_delay_ns.is_some(), run_delay::current_thread_ns().is_some());
        let unknown = after(InnerTimes { cpu_ns: None, run_delay_ns: None });
        assert_eq!((unknown.cpu_ns, unknown.run_delay_ns), (None, None));
    }

    #[test]
    fn only_a_worker_with_a_long_busy_time_reads_its_run_delay() {
        let after = |busy_ns| Report { busy_ns, ..Report::default() }.with_times_of_this_thread();
        assert_eq!(after(Report::RUN_DELAY_MIN_BUSY_NS - 1).run_delay_ns, None);
        assert_eq!(
            after(Report::RUN_DELAY_MIN_BUSY_NS).run_delay_ns.is_some(),
            run_delay::current_thread_ns().is_some()
        );
    }
}
