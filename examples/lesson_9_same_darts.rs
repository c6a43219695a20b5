//! Lesson 9: four workers that throw the same darts, and the remedy.
//!
//! A generator that exists before `fork` is copied with its state. This includes
//! the one of `rand::rng()`, once the parent has used it. Since that one is
//! reseeded after each 64 KiB, only the first 4,096 darts of the workers are the
//! same. A stream for each block of darts, seeded from the number of the block,
//! does not depend on the process that computes the block.
//!
//! ```text
//! $ cargo run --example lesson_9_same_darts
//! copied : [19529, 19529, 19529, 19529], pi = 3.12464
//! rand   : […, …, …, …], pi = …
//! streams: [19713, 19579, 19689, 19527], pi = 3.14032
//! hits of the four: 78508
//! hits of the same blocks in one loop: 78508
//! ```

use std::ops::Range;

use nthread::kernel::stream::stream_seed;
use nthread::process::{Error, Process, Queue};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

const WORKERS: u64 = 4;

/// Darts of one worker.
const DARTS: u64 = 25_000;

/// Darts of a block.
const BLOCK: u64 = 1_000;

/// Blocks of one worker.
const BLOCKS: u64 = DARTS / BLOCK;

/// The smallest seed with which 25,000 darts of this generator have 19,529 hits.
const SEED: u64 = 449;

/// Counts the hits among `darts` darts.
fn hits(rng: &mut impl Rng, darts: u64) -> u64 {
    let is_inside = |_: &u64| {
        let (x, y): (f64, f64) = rng.random();
        x * x + y * y <= 1.0
    };
    (0..darts).filter(is_inside).count() as u64
}

/// Counts the hits of blocks, each of which has its own stream.
fn hits_of_blocks(blocks: Range<u64>) -> u64 {
    let stream = |block| Xoshiro256PlusPlus::seed_from_u64(stream_seed(SEED, block));
    blocks.map(|block| hits(&mut stream(block), BLOCK)).sum()
}

/// Returns the counts of four forked workers, in the order of their numbers.
fn four(mut count: impl FnMut(u64) -> u64) -> anyhow::Result<Vec<u64>> {
    let results = Queue::new()?;
    let mut children = Vec::new();
    for worker in 0..WORKERS {
        let work = || results.put(&(worker, count(worker)));
        children.push(Process::new(work).start()?);
    }
    let counts: Result<Vec<(u64, u64)>, Error> = children.iter().map(|_| results.get()).collect();
    let mut counts = counts?;
    counts.sort();
    Ok(counts.into_iter().map(|(_, count)| count).collect())
}

fn show(title: &str, counts: &[u64], darts: u64) {
    let pi = 4.0 * counts.iter().sum::<u64>() as f64 / (WORKERS * darts) as f64;
    println!("{title}: {counts:?}, pi = {pi:.5}");
}

fn main() -> anyhow::Result<()> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED); // in the parent, before fork
    show("copied ", &four(|_| hits(&mut rng, DARTS))?, DARTS);

    let _: u64 = rand::rng().random(); // the first use creates the generator
    show("rand   ", &four(|_| hits(&mut rand::rng(), 4_000))?, 4_000);

    let own = four(|worker| hits_of_blocks(worker * BLOCKS..(worker + 1) * BLOCKS))?;
    show("streams", &own, DARTS);
    println!("hits of the four: {}", own.iter().sum::<u64>());
    println!("hits of the same blocks in one loop: {}", hits_of_blocks(0..WORKERS * BLOCKS));
    Ok(())
}
