//! The `pi` job, per backend and thread count.
//!
//! Thread counts come from `HARNESS_NTHREAD` or `RAYON_NUM_THREADS`. Backends are measured
//! one after the other in one process; `harness` compares them reliably, in interleaved
//! rounds.

#[path = "common/counts.rs"]
mod counts;
#[path = "common/criterion.rs"]
mod shared;
#[path = "common/team.rs"]
mod team;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use nthread::kernel::{DEFAULT_BLOCK, Job, Pi};

/// Draws that take tens of milliseconds on one core.
const JOB: Job = Job { seed: 1, block: DEFAULT_BLOCK, blocks: 1 << 10 };

fn backends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("backends");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(JOB.draws()));
    shared::every_backend(&mut group, &Pi, |_| JOB);
    group.finish();
}

criterion_group! { name = benches; config = shared::short(); targets = backends }
criterion_main!(benches);
