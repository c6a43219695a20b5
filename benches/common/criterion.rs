//! Common code of the criterion benches: short measurements, and one benchmark for each
//! backend and thread count.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use nthread::backend::BACKENDS;
use nthread::kernel::{Job, Kernel};
use nthread::record::BASELINE;

use crate::{counts, team};

/// Measurement time of a benchmark: all together take less than three minutes.
pub fn short() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700))
        .sample_size(20)
        .without_plots()
}

/// Measures calls of every backend, with a job for each thread count. The baseline has one
/// count only.
pub fn every_backend(
    group: &mut BenchmarkGroup<'_, WallTime>,
    kernel: &'static dyn Kernel,
    job: impl Fn(u64) -> Job,
) {
    for backend in BACKENDS.iter().filter(|backend| backend.unavailable_reason().is_none()) {
        let counts = if backend.name() == BASELINE { vec![1] } else { counts::counts() };
        for nthread in counts {
            group.bench_function(BenchmarkId::new(backend.name(), nthread), |bencher| {
                let mut team = team::team(*backend, kernel, job(nthread.into()), nthread)
                    .expect("the system should grant a team");
                bencher.iter(|| team.call().expect("a call should succeed"));
            });
        }
    }
}
