//! Synthetic results directories of any size, the same each time.
use std::path::Path;

use nthread::record::{
    Case, ExpectedTally, Phase, Row, Run, SAMPLES_FILE, SCHEMA, Session, StopReason, Writer,
};

/// Number of cases that share a visit to the baseline.
const GROUP: usize = 8;

/// Number of backends of the cases.
const BACKENDS: [&str; 10] = [
    "std-thread",
    "thread-pool",
    "crossbeam",
    "rayon",
    "process-pipe",
    "process-queue",
    "process-shm",
    "process-manager",
    "process-pool",
    "mine",
];

const DRAWS: u64 = 1 << 20;
const HITS: u64 = 823_549;

/// A run with this many cases, the baseline included, and counted calls of a visit.
pub fn run(cases: usize, iterations: u32) -> Run {
    let backends = (cases / 16).clamp(2, BACKENDS.len());
    let others =
        (0..cases - 1).map(|index| case(BACKENDS[index % backends], 1 + (index / backends) as u32));
    let mut run = Run::default();
    run.plan.cases = std::iter::once(case("sequential", 1)).chain(others).collect();
    run.plan.warmup = 1;
    run.plan.iterations = iterations;
    run.plan.expected = vec![ExpectedTally {
        kernel: "pi".into(),
        seed: 7,
        block: 1 << 14,
        draws: DRAWS,
        sum: HITS.into(),
        sum_sq: HITS.into(),
    }];
    run.machine.cpu_model = Some("A CPU that does not exist".into());
    run.machine.usable_cpus = Some(64);
    run.build.opt_level = "3".into();
    run.sessions = vec![Session { stop_reason: Some(StopReason::Rounds), ..Session::default() }];
    run
}

fn case(backend: &str, nthread: u32) -> Case {
    Case {
        kernel: "pi".into(),
        backend: backend.into(),
        nthread,
        schedule: "static".into(),
        chunk: Some(4),
        block: 1 << 14,
        pin: "none".into(),
        inner_nthread: 1,
        scaling: "strong".into(),
        draws: Some(DRAWS),
        seed: 7,
        ..Case::default()
    }
}

/// The rows of a round, of which the first visit has the number `visit` in the run.
pub fn round(run: &Run, round: u32, mut visit: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (group, cases) in (0..).zip(run.plan.cases[1..].chunks(GROUP)) {
        let baseline_at = (visit as usize) % (cases.len() + 1);
        let mut order: Vec<&Case> = cases.iter().collect();
        order.insert(baseline_at, &run.plan.cases[0]);
        for case in order {
            let blank = Row { round, group, visit, ..blank(case, visit) };
            rows.extend(rows_of_visit(&blank, run.plan.iterations));
            visit += 1;
        }
    }
    rows
}

/// Common fields of the rows of a visit.
fn blank(case: &Case, visit: u64) -> Row {
    let started_ns = visit * 20_000_000;
    let (version, case) = ("0.1.0".to_string(), case.clone());
    Row { schema: SCHEMA, version, started_ns, case, isa: "avx2".into(), ..Row::default() }
}

fn rows_of_visit(blank: &Row, iterations: u32) -> Vec<Row> {
    let n = u64::from(blank.case.nthread);
    let phase = |phase, wall_ns| Row { phase, wall_ns: Some(wall_ns), ..blank.clone() };
    let call = |of: Phase, iteration: u32| {
        // Noise without memory or trend: a few thousandths.
        let noise = (blank.visit * 2_654_435_761 + u64::from(iteration) * 40_503) % 9973;
        let wall_ns = 4_000_000 / n.min(32) + noise;
        Row {
            iteration: Some(iteration),
            user_ns: Some(wall_ns * n),
            system_ns: Some(0),
            busy_min_ns: Some(wall_ns - 900),
            busy_max_ns: Some(wall_ns - 500),
            busy_sum_ns: Some((wall_ns - 700) * n),
            worker_cpu_sum_ns: Some((wall_ns - 700) * n),
            tally_draws: Some(DRAWS),
            tally_sum: Some(i128::from(HITS)),
            tally_sum_sq: Some(i128::from(HITS)),
            estimate: Some(3.141_590_118),
            std_error: Some(0.001_603_7),
            ..phase(of, wall_ns)
        }
    };
    let visit = Row {
        voluntary_switches: Some(12),
        max_rss_bytes: Some(9_437_184),
        throttled_ns: Some(0),
        steal_ns: Some(0),
        cpus: "0,2-3".into(),
        exit_status: Some(0),
        stops: Some(0),
        boot_ns: Some(9_000_000),
        ..phase(Phase::Visit, 9_000_000)
    };
    let mut rows = vec![phase(Phase::Setup, 30_000), call(Phase::Warmup, 0)];
    rows.extend((0..iterations).map(|iteration| call(Phase::Call, iteration)));
    rows.extend([phase(Phase::Teardown, 20_000), visit]);
    rows
}

/// Writes a results directory with at least this many rows, in whole rounds; returns
/// their number.
pub fn write(dir: &Path, run: &Run, least_rows: usize) -> usize {
    std::fs::create_dir_all(dir).expect("a directory");
    run.write(dir).expect("run.json");
    let mut writer = Writer::create(&dir.join(SAMPLES_FILE)).expect("samples.csv");
    let (mut count, mut visits) = (0, 0);
    for number in 0.. {
        let rows = round(run, number, visits);
        writer.append(&rows).expect("written");
        count += rows.len();
        visits = rows.last().map_or(0, |row| row.visit + 1);
        if count >= least_rows {
            break;
        }
    }
    count
}
