//! Draws per second of one block: every kernel for every instruction set of this CPU, and
//! the same darts over the generators of `rand`.
//!
//! Kernels are measured one after the other; `cargo bench --bench ratios -- kernel`
//! compares them reliably, in interleaved repetitions.

#[path = "common/darts.rs"]
mod darts;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nthread::kernel::{DEFAULT_BLOCK, Isa, KERNELS};
use rand::rngs::{SmallRng, StdRng};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const SEED: u64 = 1;

fn kernel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    group.throughput(Throughput::Elements(DEFAULT_BLOCK));
    for kernel in KERNELS {
        for isa in Isa::available() {
            group.bench_function(format!("{}/{isa}", kernel.name()), |bencher| {
                bencher.iter(|| kernel.tally(SEED, black_box(0), DEFAULT_BLOCK, isa));
            });
        }
    }
    group.finish();
}

fn rand(criterion: &mut Criterion) {
    generator::<SmallRng>(criterion, "SmallRng");
    generator::<StdRng>(criterion, "StdRng");
    generator::<Xoshiro256PlusPlus>(criterion, "Xoshiro256PlusPlus");
}

fn generator<R: Rng + SeedableRng>(criterion: &mut Criterion, name: &str) {
    let mut group = criterion.benchmark_group("rand");
    group.throughput(Throughput::Elements(DEFAULT_BLOCK));
    let mut rng = R::seed_from_u64(SEED);
    group.bench_function(name, |bencher| {
        bencher.iter(|| darts::hits(&mut rng, black_box(DEFAULT_BLOCK)));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .without_plots();
    targets = kernel, rand
}
criterion_main!(benches);
