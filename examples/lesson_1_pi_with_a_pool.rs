//! Lesson 1: estimate π with a pool of four workers.
//!
//! Each task is the number of a random stream, each result a count of hits. One
//! process and the pool do the same work, and both are timed.
//!
//! ```text
//! $ cargo run --example lesson_1_pi_with_a_pool
//! hits of each worker: [392606, 392694, 392977, 392689]
//! pi = 3.14193, standard error 0.00116
//! one process … s; pool of 4 … s, of which start … s
//! ```

use std::time::Instant;

use nthread::kernel::stream::stream_seed;
use nthread::process::Pool;
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

const WORKERS: u64 = 4;

/// Darts of one worker.
const DARTS: u64 = 500_000;

const SEED: u64 = 1;

fn hits(stream: u64) -> usize {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(SEED, stream));
    let is_inside = |_: &u64| {
        let (x, y): (f64, f64) = rng.random();
        x * x + y * y <= 1.0
    };
    (0..DARTS).filter(is_inside).count()
}

fn main() -> anyhow::Result<()> {
    let streams: Vec<u64> = (0..WORKERS).collect();

    let start = Instant::now();
    let expected: Vec<usize> = streams.iter().map(|stream| hits(*stream)).collect();
    let alone = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let mut pool = Pool::fork(WORKERS as usize, hits)?;
    let setup = start.elapsed().as_secs_f64();
    let counts = pool.map_chunks(&streams, 1)?;
    pool.close()?;
    let total = start.elapsed().as_secs_f64();

    assert_eq!(counts, expected, "a stream does not depend on the process");
    let darts = (WORKERS * DARTS) as f64;
    let pi = 4.0 * counts.iter().sum::<usize>() as f64 / darts;
    println!("hits of each worker: {counts:?}");
    println!("pi = {pi:.5}, standard error {:.5}", 1.642 / darts.sqrt());
    println!(
        "one process {alone:.3} s; pool of {WORKERS} {total:.3} s, of which start {setup:.3} s"
    );
    Ok(())
}
