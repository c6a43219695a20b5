//! Sweep of a user's functions in `cargo bench`: which way of computing a sum in parallel is
//! fastest, and with how many threads. docs/FUNCTIONS.md explains it.
//!
//! `cargo bench --bench own_function`, or `-- --nthread 1..8 --rounds 20`.

use std::process::ExitCode;
use std::thread;

use rayon::prelude::*;

fn main() -> ExitCode {
    // Integers: a sum of floating-point numbers depends on the order of its terms.
    let data: Vec<u64> = (0..4_000_000).collect();
    nthread::Sweep::new("sum")
        .case("sequential", |_| data.iter().sum::<u64>())
        // In a visit at n threads, rayon's own pool has n threads.
        .case("rayon", |_| data.par_iter().sum())
        .case("std-thread", |n| in_threads(&data, n))
        .run()
}

/// Sums one part in each thread; all parts are nearly equal.
fn in_threads(data: &[u64], nthread: usize) -> u64 {
    thread::scope(|scope| {
        let parts = data.chunks(data.len().div_ceil(nthread));
        let sums: Vec<_> = parts.map(|part| scope.spawn(|| part.iter().sum::<u64>())).collect();
        sums.into_iter().map(|sum| sum.join().expect("a sum does not panic")).sum()
    })
}
