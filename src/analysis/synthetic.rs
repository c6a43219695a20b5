//! Synthetic runs with known true values, for tests of the estimates.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{CaseSummary, Summary, summarise};
use crate::record::{BASELINE, Case, Phase, Preset, Row, Run};

/// A case with blocks of 64 draws.
pub fn case(backend: &str, nthread: u32, draws: u64, chunk: u64) -> Case {
    Case {
        kernel: "pi".into(),
        backend: backend.into(),
        nthread: if backend == BASELINE { 1 } else { nthread },
        schedule: "dynamic".into(),
        chunk: Some(chunk),
        block: 64,
        draws: Some(draws),
        ..Case::default()
    }
}

/// Gives each of these cases its index.
pub fn number(cases: &mut [CaseSummary]) {
    for (index, case) in cases.iter_mut().enumerate() {
        case.index = index;
    }
}

/// A baseline, and backends at each number of workers with each number of inner threads.
pub fn with_inner(backends: &[&str], nthread: &[u32], inner: &[u32]) -> Vec<Case> {
    let mut cases = vec![Case { inner_nthread: 1, ..case(BASELINE, 1, 640, 1) }];
    for backend in backends {
        for &inner_nthread in inner {
            let at = |n: &u32| Case { inner_nthread, ..case(backend, *n, 640, 1) };
            cases.extend(nthread.iter().map(at));
        }
    }
    cases
}

/// Run of a sweep of these cases.
pub fn run(cases: &[Case]) -> Run {
    let mut run = Run::default();
    run.plan.cases = cases.to_vec();
    run.machine.usable_cpus = Some(4);
    run
}

/// Analysis of a sweep of these cases with the given time of a call in each round. Cases
/// with the same baseline are in the same group.
pub fn measured(cases: &[Case], rounds: u32, time_ns: impl FnMut(usize, u32) -> f64) -> Summary {
    measured_run(&run(cases), rounds, time_ns)
}

/// Analysis of a run of `harness metg`.
pub fn measured_metg(
    cases: &[Case],
    rounds: u32,
    time_ns: impl FnMut(usize, u32) -> f64,
) -> Summary {
    let mut run = run(cases);
    run.plan.preset = Preset::Metg;
    measured_run(&run, rounds, time_ns)
}

/// Analysis of a run with `--crossover`.
pub fn measured_crossover(
    cases: &[Case],
    rounds: u32,
    time_ns: impl FnMut(usize, u32) -> f64,
) -> Summary {
    let mut run = run(cases);
    run.plan.preset = Preset::Crossover;
    measured_run(&run, rounds, time_ns)
}

/// Analysis of a run with the given time of a call in each round.
pub fn measured_run(run: &Run, rounds: u32, time_ns: impl FnMut(usize, u32) -> f64) -> Summary {
    measured_with_cpus(run, rounds, time_ns, |_| 1.0)
}

/// Analysis of a run of commands that use this number of CPUs on average.
pub fn measured_with_cpus(
    run: &Run,
    rounds: u32,
    mut time_ns: impl FnMut(usize, u32) -> f64,
    cpus: impl Fn(usize) -> f64,
) -> Summary {
    let cases = &run.plan.cases;
    let group = |case: &Case| cases.iter().position(|other| other.is_baseline_of(case));
    let mut rows = Vec::new();
    for round in 0..rounds {
        for (index, case) in cases.iter().enumerate() {
            let row = Row {
                round,
                group: group(case).map_or(0, |group| group as u32),
                visit: u64::from(round) * cases.len() as u64 + index as u64,
                case: case.clone(),
                ..Row::default()
            };
            let wall_ns = Some(time_ns(index, round).round() as u64);
            let mut call = Row { phase: Phase::Call, wall_ns, ..row.clone() };
            if case.is_command() {
                let user_ns = wall_ns.map(|ns| (ns as f64 * cpus(index)) as u64);
                (call.user_ns, call.system_ns) = (user_ns, Some(1_000_000));
                (call.max_rss_bytes, call.exit_status) = (Some(3 << 20), Some(0));
            }
            rows.push(call);
            rows.push(Row { phase: Phase::Visit, ..row });
        }
    }
    summarise(run, &rows)
}

/// Generator of factors around 1 whose logarithms are nearly normal: sums of uniform values.
pub struct Noise(Xoshiro256PlusPlus);

impl Noise {
    pub fn new(seed: u64) -> Noise {
        Noise(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Draws a factor whose logarithm has this standard deviation.
    pub fn factor(&mut self, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.0.random::<f64>()).sum();
        (deviation * (sum - 6.0)).exp()
    }
}
