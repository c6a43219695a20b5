//! Worker processes over shared memory and atomics: the counterpart of
//! `multiprocessing.Process` with a `Value` and an `Array`.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{ChildTask, Transport, WorkerFailure, WorkerResult};
use crate::backend::{Chunks, Report, Schedule, StartMethod};
use crate::process::{Child, Error, Shared, load_bytes, store_bytes};

/// Largest error message, in words.
const MESSAGE_WORDS: usize = 64;

/// Size of a slot in words: the state, the length of the message in bytes, the
/// report, and the message.
const SLOT_WORDS: usize = 2 + Report::WORDS + MESSAGE_WORDS;

/// State of a slot without a result.
const EMPTY: u64 = 0;
/// State of a slot with a report.
const REPORT: u64 = 1;
/// State of a slot with the message of a panic.
const PANICKED: u64 = 2;
/// State of a slot with the error of setting the CPU mask.
const NOT_PINNED: u64 = 3;

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
        write(self.slot(task.worker), &result);
        Ok(())
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

/// Writes a result into a slot. The state is written last and publishes the
/// other words.
fn write(slot: &[AtomicU64], result: &WorkerResult) {
    let [state, length, words @ ..] = slot else { return };
    let (report, message) = words.split_at(Report::WORDS);
    let new_state = match result {
        Ok(value) => {
            for (target, word) in report.iter().zip(<[u64; Report::WORDS]>::from(*value)) {
                target.store(word, Ordering::Relaxed);
            }
            REPORT
        }
        Err(WorkerFailure::Panicked(text) | WorkerFailure::NotPinned(text)) => {
            store_bytes(message, text.as_bytes());
            let length_bytes = text.len().min(8 * MESSAGE_WORDS);
            length.store(length_bytes as u64, Ordering::Relaxed);
            if matches!(result, Err(WorkerFailure::NotPinned(_))) { NOT_PINNED } else { PANICKED }
        }
    };
    state.store(new_state, Ordering::Release);
}

/// Reads the result in a slot; `None` if none was written.
fn read(slot: &[AtomicU64]) -> Option<WorkerResult> {
    let [state, length, words @ ..] = slot else { return None };
    let (report, message) = words.split_at(Report::WORDS);
    let text = || {
        let length_bytes = length.load(Ordering::Relaxed) as usize;
        let bytes: Vec<u8> = load_bytes(message, length_bytes).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    match state.load(Ordering::Acquire) {
        REPORT => {
            let words: [u64; Report::WORDS] =
                std::array::from_fn(|i| report[i].load(Ordering::Relaxed));
            Some(Ok(words.into()))
        }
        PANICKED => Some(Err(WorkerFailure::Panicked(text()))),
        NOT_PINNED => Some(Err(WorkerFailure::NotPinned(text()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_returns_the_result_that_was_written() {
        let slot: Vec<AtomicU64> = (0..SLOT_WORDS).map(|_| AtomicU64::new(0)).collect();
        assert_eq!(read(&slot), None);
        let report = Report { busy_ns: 3, ..Report::default() };
        let panics = ["why", ""].map(|text| WorkerFailure::Panicked(text.to_string()));
        let not_pinned = WorkerFailure::NotPinned("why".to_string());
        for result in panics.into_iter().chain([not_pinned]).map(Err).chain([Ok(report)]) {
            write(&slot, &result);
            assert_eq!(read(&slot), Some(result));
        }
        write(&slot, &Err(WorkerFailure::Panicked("é".repeat(1000))));
        let Some(Err(WorkerFailure::Panicked(cut))) = read(&slot) else { panic!("a message") };
        assert!(cut.starts_with("éé") && cut.len() <= 8 * MESSAGE_WORDS + 2, "{cut}");
    }
}
