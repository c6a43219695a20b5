//! Shared memory and atomics: what `multiprocessing.Process` with a `Value` and
//! an `Array` is.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{Answer, Exchange, Failure, Share};
use crate::backend::{Chunks, Report, Schedule, StartMethod};
use crate::process::{Child, Error, Shared, load_bytes, store_bytes};

/// Words that a message has room for.
const MESSAGE_WORDS: usize = 64;

/// Words of a child: what came of it, the length of a message in bytes, its
/// report, and the message.
const WORDS: usize = 2 + Report::WORDS + MESSAGE_WORDS;

/// Nothing was written yet.
const NONE: u64 = 0;
/// There is a report.
const REPORT: u64 = 1;
/// There is a message, of a panic.
const PANICKED: u64 = 2;
/// There is a message, of a mask that did not take.
const NOT_PINNED: u64 = 3;

/// The memory: the blocks that were dealt so far, and a place for each child.
#[derive(Serialize, Deserialize)]
pub struct Memory {
    dealt: Shared<AtomicU64>,
    places: Shared<AtomicU64>,
}

impl Exchange for Memory {
    const NAME: &'static str = "process-shm";
    const ABOUT: &'static str =
        "n child processes started in each call over shared memory, atomics";
    const SCHEDULES: &'static [Schedule] = &[Schedule::Static, Schedule::Dynamic, Schedule::Guided];

    type Given = ();
    type Kept = ();

    fn open(chunks: Chunks, _: StartMethod) -> Result<Self, Error> {
        Ok(Memory { dealt: Shared::zeroed(1)?, places: Shared::zeroed(chunks.nthread * WORDS)? })
    }

    fn begin(&self, chunks: Chunks) -> Result<(), Error> {
        self.dealt[0].store(0, Ordering::Relaxed);
        (0..chunks.nthread).for_each(|worker| self.place(worker)[0].store(NONE, Ordering::Relaxed));
        Ok(())
    }

    fn ends(&self) -> Result<((), ()), Error> {
        Ok(((), ()))
    }

    fn work(&self, (): (), share: Share<'_>) -> Result<(), Error> {
        let answer = share.answer(share.chunks.hand(share.worker, &self.dealt[0]));
        write(self.place(share.worker), &answer);
        Ok(())
    }

    /// A child that has ended has written what it had to say.
    fn collect(
        &self,
        _: Chunks,
        _: Vec<()>,
        children: &mut [Child],
    ) -> Result<Vec<Option<Answer>>, Error> {
        children
            .iter_mut()
            .enumerate()
            .map(|(worker, child)| {
                child.join()?;
                Ok(read(self.place(worker)))
            })
            .collect()
    }
}

impl Memory {
    fn place(&self, worker: usize) -> &[AtomicU64] {
        &self.places[worker * WORDS..(worker + 1) * WORDS]
    }
}

/// The first word last: it publishes the others.
fn write(place: &[AtomicU64], answer: &Answer) {
    let [state, length, words @ ..] = place else { return };
    let (report, message) = words.split_at(Report::WORDS);
    let kind = match answer {
        Ok(answer) => {
            let words = answer.to_words();
            report.iter().zip(words).for_each(|(to, word)| to.store(word, Ordering::Relaxed));
            REPORT
        }
        Err(Failure::Panicked(text) | Failure::NotPinned(text)) => {
            store_bytes(message, text.as_bytes());
            let length_bytes = text.len().min(8 * MESSAGE_WORDS);
            length.store(length_bytes as u64, Ordering::Relaxed);
            if matches!(answer, Err(Failure::NotPinned(_))) { NOT_PINNED } else { PANICKED }
        }
    };
    state.store(kind, Ordering::Release);
}

fn read(place: &[AtomicU64]) -> Option<Answer> {
    let [state, length, words @ ..] = place else { return None };
    let (report, message) = words.split_at(Report::WORDS);
    let load = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let text = || {
        let bytes: Vec<u8> = load_bytes(message, load(length) as usize).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    match state.load(Ordering::Acquire) {
        REPORT => Some(Ok(Report::from_words(std::array::from_fn(|i| load(&report[i]))))),
        PANICKED => Some(Err(Failure::Panicked(text()))),
        NOT_PINNED => Some(Err(Failure::NotPinned(text()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_gives_back_what_was_written_there() {
        let place: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        assert_eq!(read(&place), None);
        let report = Report { busy_ns: 3, ..Report::default() };
        let failures = ["why", ""].map(|text| Failure::Panicked(text.to_string()));
        let not_pinned = Failure::NotPinned("why".to_string());
        for answer in failures.into_iter().chain([not_pinned]).map(Err).chain([Ok(report)]) {
            write(&place, &answer);
            assert_eq!(read(&place), Some(answer));
        }
        write(&place, &Err(Failure::Panicked("é".repeat(1000))));
        let Some(Err(Failure::Panicked(cut))) = read(&place) else { panic!("a message") };
        assert!(cut.starts_with("éé") && cut.len() <= 8 * MESSAGE_WORDS + 2, "{cut}");
    }
}
