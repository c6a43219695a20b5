//! Worker processes over shared memory and atomics: the counterpart of
//! `multiprocessing.Process` with a `Value` and an `Array`.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{ChildTask, Transport, WorkerFailure, WorkerResult};
use crate::backend::{Chunks, Schedule, StartMethod};
use crate::process::{Child, Error, Shared, load_bytes, store_bytes};

/// Size of a slot in words: the length of the packed result in bytes, and its bytes.
const SLOT_WORDS: usize = 1 + RESULT_WORDS;

/// Largest packed result, in words. A report takes at most 120 bytes.
const RESULT_WORDS: usize = 65;

/// Largest error message, in bytes. A character that is cut becomes up to two bytes
/// longer, and the variants and the length of the text take four.
const MESSAGE_BYTES: usize = 8 * RESULT_WORDS - 8;

/// Length in a slot without a result; no packed result is as short.
const EMPTY: u64 = 0;

/// Transport over shared memory: the next block that no child has claimed, and a
/// slot for the result of each child.
#[derive(Serialize, Deserialize)]
pub struct SharedMemoryTransport {
    next_block: Shared<AtomicU64>,
    slots: Shared<AtomicU64>,
}

impl Transport for SharedMemoryTransport {
    const NAME: &'static str = "process-shm";
    const ABOUT: &'static str =
        "n child processes started in each call over shared memory, atomics";
    const SCHEDULES: &'static [Schedule] = &[Schedule::Static, Schedule::Dynamic, Schedule::Guided];

    type ChildEnd = ();
    type ParentEnd = ();

    fn create(chunks: Chunks, _: StartMethod) -> Result<Self, Error> {
        let slots = Shared::zeroed(chunks.nthread * SLOT_WORDS)?;
        Ok(SharedMemoryTransport { next_block: Shared::zeroed(1)?, slots })
    }

    fn prepare(&self, chunks: Chunks) -> Result<(), Error> {
        self.next_block[0].store(0, Ordering::Relaxed);
        (0..chunks.nthread).for_each(|worker| self.slot(worker)[0].store(EMPTY, Ordering::Relaxed));
        Ok(())
    }

    fn ends(&self) -> Result<((), ()), Error> {
        Ok(((), ()))
    }

    fn run_child(&self, (): (), task: ChildTask<'_>) -> Result<(), Error> {
        let result = task.run(task.chunks.claim_for(task.worker, &self.next_block[0]));
        write(self.slot(task.worker), result)
    }

    fn collect(
        &self,
        _: Chunks,
        _: Vec<()>,
        children: &mut [Child],
    ) -> Result<Vec<Option<WorkerResult>>, Error> {
        let mut results = Vec::with_capacity(children.len());
        for (worker, child) in children.iter_mut().enumerate() {
            child.join()?;
            results.push(read(self.slot(worker)));
        }
        Ok(results)
    }
}

impl SharedMemoryTransport {
    fn slot(&self, worker: usize) -> &[AtomicU64] {
        &self.slots[worker * SLOT_WORDS..(worker + 1) * SLOT_WORDS]
    }
}

/// Writes a result into a slot. The length is written last and publishes the bytes.
fn write(slot: &[AtomicU64], mut result: WorkerResult) -> Result<(), Error> {
    if let Err(WorkerFailure::Panicked(text) | WorkerFailure::NotPinned(text)) = &mut result {
        let kept = &text.as_bytes()[..text.len().min(MESSAGE_BYTES)];
        *text = String::from_utf8_lossy(kept).into_owned();
    }
    // On the stack: in a child that was just forked, each page of the allocator that is
    // written to must be copied first.
    let mut packed = [0; 8 * RESULT_WORDS];
    let packed = postcard::to_slice(&result, &mut packed)
        .map_err(|error| Error::CannotPack { reason: error.to_string() })?;
    store_bytes(&slot[1..], packed);
    slot[0].store(packed.len() as u64, Ordering::Release);
    Ok(())
}

/// Reads the result in a slot; `None` if none was written.
fn read(slot: &[AtomicU64]) -> Option<WorkerResult> {
    let length = slot[0].load(Ordering::Acquire);
    let packed: Vec<u8> = load_bytes(&slot[1..], length as usize).collect();
    postcard::from_bytes(&packed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{InnerTimes, Report};
    use crate::kernel::Tally;
    use proptest::prelude::*;

    #[test]
    fn a_slot_returns_the_result_that_was_written() {
        let slot: Vec<AtomicU64> = (0..SLOT_WORDS).map(|_| AtomicU64::new(0)).collect();
        assert_eq!(read(&slot), None);
        let report = Report { busy_ns: 3, ..Report::default() };
        let panics = ["why", ""].map(|text| WorkerFailure::Panicked(text.to_string()));
        let not_pinned = WorkerFailure::NotPinned("why".to_string());
        for result in panics.into_iter().chain([not_pinned]).map(Err).chain([Ok(report)]) {
            write(&slot, result.clone()).expect("room");
            assert_eq!(read(&slot), Some(result));
        }
        write(&slot, Err(WorkerFailure::Panicked("é".repeat(1000)))).expect("room");
        let Some(Err(WorkerFailure::Panicked(cut))) = read(&slot) else { panic!("a message") };
        assert!(cut.starts_with("éé") && cut.len() <= MESSAGE_BYTES + 2, "{cut}");
    }

    proptest! {
        #[test]
        fn every_report_fits_a_slot(
            small: [u64; 3], sums: [i128; 2], known: [Option<u64>; 5],
        ) {
            let [draws, busy_ns, blocks] = small;
            let tally = Tally { draws, sum: sums[0], sum_sq: sums[1] };
            let [cpu_ns, run_delay_ns, last_cpu, inner_cpu_ns, inner_delay_ns] = known;
            let inner = InnerTimes { cpu_ns: inner_cpu_ns, run_delay_ns: inner_delay_ns };
            let report = Report { tally, busy_ns, cpu_ns, run_delay_ns, blocks, last_cpu, inner };
            let slot: Vec<AtomicU64> = (0..SLOT_WORDS).map(|_| AtomicU64::new(0)).collect();
            write(&slot, Ok(report)).expect("room");
            prop_assert_eq!(read(&slot), Some(Ok(report)));
        }
    }
}
