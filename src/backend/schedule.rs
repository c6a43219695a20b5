//! How chunks meet workers.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// OpenMP's words, and one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schedule {
    /// Decided before the call: worker w of n takes chunks w, w + n, w + 2n …
    Static,
    /// The next chunk goes to whoever asks first.
    Dynamic,
    /// As dynamic, with chunks that shrink: half of an even share of what is
    /// left, and never below the chunk.
    Guided,
    /// rayon's own: chunks are halved among threads, and halved again where
    /// somebody steals. A piece holds at least one chunk, and often many.
    Stealing,
}

impl Schedule {
    /// All of them.
    pub const ALL: [Schedule; 4] =
        [Schedule::Static, Schedule::Dynamic, Schedule::Guided, Schedule::Stealing];

    /// The name on the command line and in the files.
    pub fn name(self) -> &'static str {
        match self {
            Schedule::Static => "static",
            Schedule::Dynamic => "dynamic",
            Schedule::Guided => "guided",
            Schedule::Stealing => "stealing",
        }
    }

    /// The chunk that is used where nobody asks for one, in blocks.
    ///
    /// Static: an even share. Guided: one block, the smallest that its chunks
    /// shrink to. The others: 32 chunks a worker, few enough that handing them
    /// out costs nothing that can be measured; with a dynamic schedule the last
    /// one holds the call up by a percent or two.
    pub fn default_chunk(self, blocks: u64, nthread: u32) -> u64 {
        let workers = u64::from(nthread.max(1));
        match self {
            Schedule::Static => blocks.div_ceil(workers).max(1),
            Schedule::Guided => 1,
            Schedule::Dynamic | Schedule::Stealing => (blocks / (32 * workers)).max(1),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Schedule {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Schedule::ALL.into_iter().find(|schedule| schedule.name() == name).ok_or(())
    }
}

/// A job's blocks, cut up for a number of workers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Chunks {
    /// Blocks of the job.
    pub blocks: u64,
    /// Blocks of a chunk, at least 1.
    pub chunk: u64,
    /// How they meet workers.
    pub schedule: Schedule,
    /// Workers.
    pub nthread: usize,
}

impl Chunks {
    /// Number of chunks.
    pub fn len(&self) -> u64 {
        self.blocks.div_ceil(self.chunk)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.blocks == 0
    }

    /// The blocks of the chunk of that index.
    pub fn range(&self, index: u64) -> Range<u64> {
        let start = index * self.chunk;
        start..(start + self.chunk).min(self.blocks)
    }

    /// The chunks of that worker (from 0), as it asks for them. `dealt`, the
    /// blocks that were dealt so far, is 0 at first and the same for all workers
    /// of a call, be it in the memory of several processes; a static schedule
    /// has no use for it.
    pub fn hand(self, worker: usize, dealt: &AtomicU64) -> impl Iterator<Item = Range<u64>> {
        let mut own = (worker as u64..self.len()).step_by(self.nthread);
        std::iter::from_fn(move || match self.schedule {
            Schedule::Static => own.next().map(|index| self.range(index)),
            _ => self.deal(dealt),
        })
    }

    /// The next blocks for whoever asks.
    ///
    /// Relaxed is enough: a worker needs only that no other gets the same
    /// blocks. What the workers computed is published when they are joined.
    fn deal(&self, dealt: &AtomicU64) -> Option<Range<u64>> {
        let end_after = |start: u64| (start + self.size_at(start)).min(self.blocks);
        let start = dealt
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |start| {
                (start < self.blocks).then(|| end_after(start))
            })
            .ok()?;
        Some(start..end_after(start))
    }

    /// Blocks of the chunk that begins at `start`.
    fn size_at(&self, start: u64) -> u64 {
        let even_share = (self.blocks - start) / (2 * self.nthread as u64);
        match self.schedule {
            Schedule::Guided => self.chunk.max(even_share),
            _ => self.chunk,
        }
    }

    /// Hands out the chunks of one call.
    pub fn dealer(self) -> Dealer {
        Dealer { chunks: self, dealt: AtomicU64::new(0) }
    }
}

/// Hands out the chunks of one call, each exactly once, to workers of the same
/// process.
#[derive(Debug)]
pub struct Dealer {
    chunks: Chunks,
    dealt: AtomicU64,
}

impl Dealer {
    /// The chunks of that worker (from 0), as it asks for them.
    pub fn hand(&self, worker: usize) -> impl Iterator<Item = Range<u64>> + '_ {
        self.chunks.hand(worker, &self.dealt)
    }

    /// Begins anew. Nobody may be asking meanwhile.
    pub fn reset(&self) {
        self.dealt.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_block_is_dealt_exactly_once(
            blocks in 0u64..500, chunk in 1u64..40, nthread in 1usize..9, which in 0usize..4,
        ) {
            let chunks = Chunks { blocks, chunk, schedule: Schedule::ALL[which], nthread };
            let dealer = chunks.dealer();
            let mut dealt: Vec<u64> = (0..nthread).flat_map(|w| dealer.hand(w).flatten()).collect();
            dealt.sort_unstable();
            prop_assert_eq!(dealt, (0..blocks).collect::<Vec<_>>());
        }
    }

    #[test]
    fn static_chunks_go_round() {
        let chunks = Chunks { blocks: 10, chunk: 2, schedule: Schedule::Static, nthread: 3 };
        let dealer = chunks.dealer();
        assert_eq!(dealer.hand(1).collect::<Vec<_>>(), [2..4, 8..10]);
    }

    #[test]
    fn guided_chunks_shrink_to_the_chunk() {
        let chunks = Chunks { blocks: 100, chunk: 3, schedule: Schedule::Guided, nthread: 2 };
        let sizes: Vec<u64> = chunks.dealer().hand(0).map(|c| c.end - c.start).collect();
        assert_eq!(sizes[..4], [25, 18, 14, 10]);
        assert!(sizes.is_sorted_by(|a, b| a >= b));
        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size >= 3));
    }
}
