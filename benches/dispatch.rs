//! What a call costs each backend, per thread count: a job that has nothing to
//! do, and a job of two tasks of 20 µs, since with nothing to do one worker
//! often does everything.
//!
//! Thread counts come from `HARNESS_NTHREAD` or `RAYON_NUM_THREADS`.

#[path = "common/chain.rs"]
mod chain;
#[path = "common/counts.rs"]
mod counts;
#[path = "common/team.rs"]
mod team;

use std::time::Duration;

use chain::Chain;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nthread::backend::BACKENDS;
use nthread::kernel::Job;
use nthread::record::BASELINE;

fn empty(criterion: &mut Criterion) {
    dispatch(criterion, "dispatch-empty", |nthread| Job { seed: 1, block: 0, blocks: nthread });
}

fn two_tasks(criterion: &mut Criterion) {
    let task = chain::steps_of(Duration::from_micros(20));
    dispatch(criterion, "dispatch-2x20us", |_| Job { seed: 1, block: task, blocks: 2 });
}

/// Calls of every backend, with the job for each thread count. The baseline is
/// the same loop whatever the count.
fn dispatch(criterion: &mut Criterion, name: &str, job: impl Fn(u64) -> Job) {
    let mut group = criterion.benchmark_group(name);
    for backend in BACKENDS.iter().filter(|backend| backend.obstacle().is_none()) {
        let counts = if backend.name() == BASELINE { vec![1] } else { counts::counts() };
        for nthread in counts {
            let id = BenchmarkId::new(backend.name(), nthread);
            group.bench_function(id, |bencher| {
                let mut team = team::team(*backend, &Chain, job(nthread.into()), nthread)
                    .expect("the system should grant a team");
                bencher.iter(|| team.call().expect("a call should succeed"));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .without_plots();
    targets = empty, two_tasks
}
criterion_main!(benches);
