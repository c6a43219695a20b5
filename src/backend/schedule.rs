//! Schedules: the assignment of chunks to workers.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Assignment of chunks to workers, named as in OpenMP; stealing is rayon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schedule {
    /// Fixed before the call: worker w of n takes chunks w, w + n, w + 2n …
    Static,
    /// Assigned on demand: each worker takes the next chunk when it is free.
    Dynamic,
    /// Assigned on demand, in chunks that shrink: half of an even share of the
    /// remaining blocks, and never less than the chunk.
    Guided,
    /// Assigned by work stealing: the chunks are halved among threads, and halved again where
    /// a thread steals. A piece has at least one chunk, and often many.
    Stealing,
}

named_variants!(Schedule {
    Static = "static",
    Dynamic = "dynamic",
    Guided = "guided",
    Stealing = "stealing"
});

impl Schedule {
    /// Default size of a chunk, in blocks.
    ///
    /// Static: an even share. Guided: one block, the minimum of its chunks. The
    /// others: 32 chunks a worker, few enough that the cost of claiming them is
    /// not measurable; with a dynamic schedule the last chunk delays the end of
    /// the call by one or two percent.
    pub fn default_chunk(self, blocks: u64, nthread: u32) -> u64 {
        let workers = u64::from(nthread.max(1));
        match self {
            Schedule::Static => blocks.div_ceil(workers).max(1),
            Schedule::Guided => 1,
            Schedule::Dynamic | Schedule::Stealing => (blocks / (32 * workers)).max(1),
        }
    }
}

/// Division of the blocks of a job into chunks for a number of workers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Chunks {
    /// Number of blocks of the job.
    pub blocks: u64,
    /// Number of blocks of a chunk, at least 1.
    pub chunk: u64,
    /// Assignment of chunks to workers.
    pub schedule: Schedule,
    /// Number of workers.
    pub nthread: usize,
}

impl Chunks {
    /// Number of chunks.
    pub fn len(&self) -> u64 {
        self.blocks.div_ceil(self.chunk)
    }

    /// Returns whether the job has no blocks.
    pub fn is_empty(&self) -> bool {
        self.blocks == 0
    }

    /// Blocks of the chunk with this index.
    pub fn range(&self, index: u64) -> Range<u64> {
        let start = index * self.chunk;
        start..(start + self.chunk).min(self.blocks)
    }

    /// Claims the chunks of a worker (from 0), each when the iterator is asked for
    /// it. All workers of a call share `next_block`, the first block that is not
    /// claimed yet. It begins at 0, and may be in memory of several processes; a
    /// static schedule does not use it.
    pub fn claim_for(
        self,
        worker: usize,
        next_block: &AtomicU64,
    ) -> impl Iterator<Item = Range<u64>> {
        let mut own = (worker as u64..self.len()).step_by(self.nthread);
        std::iter::from_fn(move || match self.schedule {
            Schedule::Static => own.next().map(|index| self.range(index)),
            _ => self.claim(next_block),
        })
    }

    /// Claims the next chunk.
    fn claim(&self, next_block: &AtomicU64) -> Option<Range<u64>> {
        // Relaxed suffices: the only requirement is that no two workers get the
        // same blocks. Joining the workers publishes their tallies.
        let start = next_block
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |start| {
                (start < self.blocks).then(|| self.end_after(start))
            })
            .ok()?;
        Some(start..self.end_after(start))
    }

    /// End of the chunk that begins at block `start`.
    fn end_after(&self, start: u64) -> u64 {
        let size = match self.schedule {
            Schedule::Guided => self.chunk.max((self.blocks - start) / (2 * self.nthread as u64)),
            _ => self.chunk,
        };
        (start + size).min(self.blocks)
    }

    /// Makes a dispatcher of the chunks of one call.
    pub fn dispatcher(self) -> ChunkDispatcher {
        ChunkDispatcher { chunks: self, next_block: AtomicU64::new(0) }
    }
}

/// Dispatcher of the chunks of one call, each exactly once, to workers of the same
/// process.
#[derive(Debug)]
pub struct ChunkDispatcher {
    chunks: Chunks,
    next_block: AtomicU64,
}

impl ChunkDispatcher {
    /// Claims the chunks of a worker (from 0), each when the iterator is asked for
    /// it.
    pub fn claim_for(&self, worker: usize) -> impl Iterator<Item = Range<u64>> + '_ {
        self.chunks.claim_for(worker, &self.next_block)
    }

    /// Resets it for the next call. No worker may be claiming chunks.
    pub fn reset(&self) {
        self.next_block.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_block_is_claimed_exactly_once(
            blocks in 0u64..500, chunk in 1u64..40, nthread in 1usize..9, schedule in 0usize..4,
        ) {
            let chunks = Chunks { blocks, chunk, schedule: Schedule::ALL[schedule], nthread };
            let dispatcher = chunks.dispatcher();
            let mut claimed: Vec<u64> =
                (0..nthread).flat_map(|w| dispatcher.claim_for(w).flatten()).collect();
            claimed.sort_unstable();
            prop_assert_eq!(claimed, (0..blocks).collect::<Vec<_>>());
        }
    }

    #[test]
    fn static_chunks_are_assigned_round_robin() {
        let chunks = Chunks { blocks: 10, chunk: 2, schedule: Schedule::Static, nthread: 3 };
        let dispatcher = chunks.dispatcher();
        assert_eq!(dispatcher.claim_for(1).collect::<Vec<_>>(), [2..4, 8..10]);
    }

    #[test]
    fn guided_chunks_shrink_to_the_minimum() {
        let chunks = Chunks { blocks: 100, chunk: 3, schedule: Schedule::Guided, nthread: 2 };
        let sizes: Vec<u64> = chunks.dispatcher().claim_for(0).map(|c| c.end - c.start).collect();
        assert_eq!(sizes[..4], [25, 18, 14, 10]);
        assert!(sizes.is_sorted_by(|a, b| a >= b));
        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size >= 3));
    }
}
