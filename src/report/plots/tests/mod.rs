//! Tests of the figures, and the runs that they draw.

use super::MAX_DOTS;
use super::file::{self, Picture};
use crate::analysis::{CaseSummary, Summary};
use crate::record::{BASELINE, Case};
use crate::view::figure::lines::Figure;
use crate::view::figure::metric::Metric;
use crate::view::job::job_views;

mod crossings;
mod files;
mod heat;
mod layout;

const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

fn case(backend: &str, nthread: u32, rounds: usize) -> CaseSummary {
    let case = Case {
        kernel: "pi".to_owned(),
        backend: backend.to_owned(),
        nthread,
        schedule: "static".to_owned(),
        chunk: Some(64 / u64::from(nthread)),
        block: 16_384,
        draws: Some(1 << 26),
        ..Case::default()
    };
    let speedup = f64::from(nthread.min(2));
    let efficiency = speedup / f64::from(nthread);
    let ns = 1e8 / speedup;
    let spread = |i: usize| 1.0 + (i % 7) as f64 / 100.0;
    CaseSummary {
        rounds,
        pairs: rounds,
        median_ns: Some(ns),
        median_low_ns: Some(ns * 0.99),
        median_high_ns: Some(ns * 1.01),
        throughput: Some(6.7e16 / ns),
        baseline: Some(0),
        speedup: Some(speedup),
        speedup_low: Some(speedup * 0.99),
        speedup_high: Some(speedup * 1.01),
        efficiency: Some(efficiency),
        efficiency_low: Some(efficiency * 0.99),
        efficiency_high: Some(efficiency * 1.01),
        karp_flatt: None,
        oversubscribed: nthread > 2,
        round_ns: (0..rounds).map(|i| ns * spread(i)).collect(),
        efficiencies: (0..rounds).map(|i| efficiency / spread(i)).collect(),
        ratios: (0..rounds).map(|i| speedup / spread(i)).collect(),
        case,
        ..CaseSummary::default()
    }
}

/// A run on two CPUs with its baseline.
fn run(backends: usize, counts: &[u32], rounds: usize) -> Summary {
    let mut cases = vec![case(BASELINE, 1, rounds)];
    for name in &NAMES[..backends] {
        cases.extend(counts.iter().map(|n| case(name, *n, rounds)));
    }
    crate::analysis::synthetic::number(&mut cases);
    let mut run = crate::record::Run::default();
    run.machine.cpu_model = Some("A <fast> & \"cheap\" CPU".to_owned());
    run.machine.usable_cpus = Some(2);
    Summary { confidence: 0.95, cases, run, ..Summary::default() }
}

fn plot(summary: &Summary, metric: Metric) -> Figure {
    Figure::new(&job_views(summary)[0], metric, MAX_DOTS)
}

fn fail(case: &mut CaseSummary) {
    case.median_ns = None;
    case.throughput = None;
    case.speedup = None;
    case.efficiency = None;
}

fn svg_text(picture: &impl Picture) -> anyhow::Result<String> {
    file::svg_text(picture, &file::drawn(picture))
}
