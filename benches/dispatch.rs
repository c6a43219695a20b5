//! Cost of a call of each backend and thread count: for an empty job, and for one of two
//! tasks of 20 µs, since one worker often takes all tasks of an empty job.
//!
//! Thread counts come from `HARNESS_NTHREAD` or `RAYON_NUM_THREADS`.

#[path = "common/chain.rs"]
mod chain;
#[path = "common/counts.rs"]
mod counts;
#[path = "common/criterion.rs"]
mod shared;
#[path = "common/team.rs"]
mod team;

use std::time::Duration;

use chain::Chain;
use criterion::{Criterion, criterion_group, criterion_main};
use nthread::kernel::Job;

fn empty(criterion: &mut Criterion) {
    dispatch(criterion, "dispatch-empty", |nthread| Job { seed: 1, block: 0, blocks: nthread });
}

fn two_tasks(criterion: &mut Criterion) {
    let task = chain::steps_of(Duration::from_micros(20));
    dispatch(criterion, "dispatch-2x20us", |_| Job { seed: 1, block: task, blocks: 2 });
}

fn dispatch(criterion: &mut Criterion, name: &str, job: impl Fn(u64) -> Job) {
    let mut group = criterion.benchmark_group(name);
    shared::every_backend(&mut group, &Chain, job);
    group.finish();
}

criterion_group! { name = benches; config = shared::short(); targets = empty, two_tasks }
criterion_main!(benches);
