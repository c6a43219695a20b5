//! Lesson 8: the number of threads: its source, its variables, and the effect of
//! nesting.
//!
//! ```text
//! $ cargo run --example lesson_8_number_of_threads -- --nthread=2
//! nthread = 2, from --nthread
//! variables of a child program:
//! BLIS_NUM_THREADS=2
//! MKL_NUM_THREADS=2
//! OMP_NUM_THREADS=2
//! OPENBLAS_NUM_THREADS=2
//! VECLIB_MAXIMUM_THREADS=2
//! workers × threads of each, on … CPUs:
//! 1 × 1 = 1, counted [1]: … s
//! 1 × 2 = 2, counted [2]: … s
//! 2 × 1 = 2, counted [1, 1]: … s
//! 2 × 2 = 4, counted [2, 2]: … s
//! ```
//!
//! Without `--nthread`, a variable or else the number of CPUs sets the count:
//!
//! ```text
//! $ OMP_NUM_THREADS=1 cargo run --example lesson_8_number_of_threads
//! nthread = 1, from OMP_NUM_THREADS
//! variables of a child program:
//! BLIS_NUM_THREADS=1
//! MKL_NUM_THREADS=1
//! OMP_NUM_THREADS=1
//! OPENBLAS_NUM_THREADS=1
//! VECLIB_MAXIMUM_THREADS=1
//! workers × threads of each, on … CPUs:
//! 1 × 1 = 1, counted [1]: … s
//! ```

use std::process::Command;
use std::time::Instant;

use nthread::counts::{CountSource, resolve};
use nthread::kernel::{Isa, Job, Pi};
use nthread::process::{Pool, cpu_count, thread_count};
use rayon::prelude::*;

/// Each library has its own variable for its number of threads.
const VARIABLES: [&str; 5] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
];

const JOB: Job = Job { seed: 1, block: 1 << 14, blocks: 64 };

/// Counts the hits of blocks with `threads` threads. Also returns the number of
/// threads of this process.
fn hits(blocks: Vec<u64>, threads: usize) -> (i128, u64) {
    // This thread is one of them, so that no thread only waits for the others.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build();
    let pool = pool.expect("threads");
    let of_block = |block| JOB.tally(&Pi, block..block + 1, Isa::best()).sum;
    let hits = pool.install(|| blocks.into_par_iter().map(of_block).sum());
    (hits, thread_count().expect("/proc"))
}

/// Counts the hits of the whole job, by worker processes with threads inside them.
fn nested(workers: usize, threads: usize) -> anyhow::Result<i128> {
    let start = Instant::now();
    let blocks: Vec<u64> = (0..JOB.blocks).collect();
    let shares: Vec<Vec<u64>> =
        blocks.chunks(blocks.len().div_ceil(workers)).map(<[u64]>::to_vec).collect();
    let mut pool = Pool::fork(workers, move |blocks| hits(blocks, threads))?;
    let (hits, counted): (Vec<i128>, Vec<u64>) = pool.map_chunks(&shares, 1)?.into_iter().unzip();
    pool.close()?;
    let time = start.elapsed().as_secs_f64();
    println!("{workers} × {threads} = {}, counted {counted:?}: {time:.3} s", workers * threads);
    Ok(hits.iter().sum())
}

fn main() -> anyhow::Result<()> {
    let given = std::env::args().find_map(|it| Some(it.strip_prefix("--nthread=")?.to_string()));
    let given = given.as_deref().map(|number| (CountSource::Flag, number));
    let cpus = cpu_count() as u32;
    let counts = resolve(given, &|name| std::env::var(name).ok(), cpus, cpus)?;
    let nthread = counts.counts.last().copied().unwrap_or(1) as usize;
    println!("nthread = {nthread}, from {}", counts.source);

    println!("variables of a child program:");
    // All other variables are cleared, so that `env` shows only these five.
    let variables = VARIABLES.map(|name| (name, nthread.to_string()));
    Command::new("/usr/bin/env").env_clear().envs(variables).status()?;

    println!("workers × threads of each, on {cpus} CPUs:");
    let mut cases = vec![(1, 1), (1, nthread), (nthread, 1), (nthread, nthread)];
    cases.dedup();
    let expected = JOB.tally(&Pi, 0..JOB.blocks, Isa::best()).sum;
    for (workers, threads) in cases {
        assert_eq!(nested(workers, threads)?, expected, "the count does not depend on the workers");
    }
    Ok(())
}
