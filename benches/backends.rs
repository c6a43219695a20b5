//! The `pi` job, per backend and thread count.
//!
//! Thread counts come from `HARNESS_NTHREAD` or `RAYON_NUM_THREADS`. One after
//! the other in one process, so no proof: `harness` compares them in turns.

#[path = "common/counts.rs"]
mod counts;
#[path = "common/team.rs"]
mod team;

use std::time::Duration;

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use nthread::backend::BACKENDS;
use nthread::kernel::{DEFAULT_BLOCK, Job, Pi};
use nthread::record::BASELINE;

/// Some ten milliseconds of one core.
const JOB: Job = Job { seed: 1, block: DEFAULT_BLOCK, blocks: 1 << 10 };

fn backends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("backends");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(JOB.draws()));
    for backend in BACKENDS.iter().filter(|backend| backend.obstacle().is_none()) {
        let counts = if backend.name() == BASELINE { vec![1] } else { counts::counts() };
        for nthread in counts {
            group.bench_function(BenchmarkId::new(backend.name(), nthread), |bencher| {
                let mut team = team::team(*backend, &Pi, JOB, nthread)
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
        .sample_size(20)
        .without_plots();
    targets = backends
}
criterion_main!(benches);
