//! Tests of each warning on a modified record of a quiet run, and of the quiet run, which
//! has none.

use super::*;
use crate::analysis::summarise;
use crate::record::{Case, Clock, Phase, Row, Session, StopReason, WarmUp};

const MS: u64 = 1_000_000;

/// Rounds of the quiet run.
const ROUNDS: u32 = 12;

fn case(backend: &str, nthread: u32) -> Case {
    Case {
        kernel: "pi".into(),
        backend: backend.into(),
        nthread,
        block: 64,
        draws: Some(1 << 20),
        pin: "none".into(),
        scaling: "strong".into(),
        ..Case::default()
    }
}

/// A run over a baseline and two thread counts, on two quiet cores.
fn quiet_run() -> Run {
    let mut run = Run::default();
    run.plan.cases = vec![case("sequential", 1), case("a", 1), case("a", 2)];
    run.plan.warmup = 1;
    run.plan.stopping.rounds = ROUNDS;
    run.machine.usable_cpus = Some(2);
    run.machine.usable_cores = Some(2);
    run.machine.threads_per_core = Some(1);
    run.machine.governor = Some("performance".into());
    run.machine.on_battery = Some(false);
    run.build.opt_level = "3".into();
    run.clock = Clock { source: "tsc".into(), resolution_ns: 1, reading_ns: 30.0 };
    run.sessions = vec![Session {
        build: run.build.clone(),
        stop_reason: Some(StopReason::Rounds),
        other_load_cpus: Some(0.02),
        warm_ups: vec![WarmUp { case: 2, calls: 1, of: 30 }],
        ..Session::default()
    }];
    run
}

/// Rows of the quiet run: one group a round, calls that differ by a few thousandths.
fn quiet_rows(run: &Run) -> Vec<Row> {
    let mut rows = Vec::new();
    for round in 0..ROUNDS {
        for (index, case) in run.plan.cases.iter().enumerate() {
            let visit = u64::from(round) * 3 + index as u64;
            // Noise without autocorrelation or trend: multiples of 7 modulo 11.
            let noise = 20_000 * (visit * visit * 7 % 11);
            let n = u64::from(case.nthread);
            let wall_ns = 100 * MS / n + noise;
            let blank = Row {
                cpus: if n == 1 { "0".into() } else { "0-1".into() },
                round,
                visit,
                started_ns: visit * 200 * MS,
                case: case.clone(),
                ..Row::default()
            };
            rows.push(Row {
                phase: Phase::Call,
                wall_ns: Some(wall_ns),
                busy_max_ns: Some(wall_ns),
                busy_sum_ns: Some(n * wall_ns),
                worker_cpu_sum_ns: Some(n * wall_ns),
                run_delay_ns: Some(n * wall_ns / 1000),
                cycles: Some(3 * n * wall_ns),
                ..blank.clone()
            });
            let (throttled_ns, steal_ns) = (Some(0), Some(0));
            let wall_ns = Some(120 * MS);
            let boot_ns = wall_ns;
            rows.push(Row { wall_ns, boot_ns, throttled_ns, steal_ns, stops: Some(0), ..blank });
        }
    }
    rows
}

/// The warnings of a modified quiet run.
fn warnings(change: impl FnOnce(&mut Run, &mut Vec<Row>)) -> Vec<Warning> {
    let mut run = quiet_run();
    let mut rows = quiet_rows(&run);
    change(&mut run, &mut rows);
    summarise(&run, &rows).warnings
}

/// Modifies every row of a thread count and phase.
fn each(rows: &mut [Row], nthread: u32, phase: Phase, change: impl Fn(&mut Row)) {
    let is_it = |row: &&mut Row| row.case.nthread == nthread && row.phase == phase;
    rows.iter_mut().filter(is_it).for_each(change);
}

/// Asserts that the only warning has this code and these cases.
#[track_caller]
fn only(code: Code, cases: &[usize], change: impl FnOnce(&mut Run, &mut Vec<Row>)) -> Warning {
    let found = warnings(change);
    let codes: Vec<Code> = found.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [code], "{found:#?}");
    assert_eq!(found[0].cases, cases, "{found:#?}");
    assert!(!found[0].message.is_empty() && !found[0].advice.is_empty());
    found[0].clone()
}

#[test]
fn a_quiet_run_has_no_warning() {
    assert_eq!(warnings(|_, _| ()), []);
}

#[test]
fn a_build_without_optimisation() {
    only(Code::Unoptimised, &[], |run, _| run.sessions[0].build.opt_level = "0".into());
}

#[test]
fn more_threads_than_cpus() {
    only(Code::Oversubscribed, &[2], |run, _| run.machine.usable_cpus = Some(1));
}

#[test]
fn more_threads_than_the_quota() {
    let found = only(Code::OverQuota, &[2], |run, _| run.machine.quota_cpus = Some(1.5));
    assert!(found.message.contains("1.5 CPUs"), "{found:?}");
}

#[test]
fn more_threads_than_cores() {
    only(Code::Smt, &[2], |run, _| {
        run.machine.usable_cores = Some(1);
        run.machine.threads_per_core = Some(2);
    });
}

#[test]
fn chunks_with_fewer_blocks_than_inner_threads() {
    let with = |chunk: u64| {
        move |run: &mut Run, rows: &mut Vec<Row>| {
            run.machine.usable_cpus = Some(8);
            let widen = |case: &mut Case| {
                if case.nthread == 2 {
                    (case.inner_nthread, case.chunk) = (3, Some(chunk));
                }
            };
            run.plan.cases.iter_mut().for_each(widen);
            run.plan.inner_nthread = vec![3];
            rows.iter_mut().for_each(|row| widen(&mut row.case));
        }
    };
    let warning = only(Code::SmallChunks, &[2], with(2));
    assert!(
        warning
            .message
            .starts_with("chunks of 2 blocks for 3 threads inside a worker (a, n = 2 × 3)"),
        "{}",
        warning.message
    );
    assert!(warnings(with(3)).iter().all(|it| it.code != Code::SmallChunks));
}

#[test]
fn cores_of_two_types() {
    only(Code::CoreTypes, &[], |run, _| {
        run.machine.core_types = vec!["0-7".into(), "8-15".into()];
    });
}

#[test]
fn a_battery_or_a_power_saving_governor() {
    only(Code::Power, &[], |run, _| run.machine.on_battery = Some(true));
    only(Code::Power, &[], |run, _| run.machine.governor = Some("powersave".into()));
}

#[test]
fn a_busy_machine_before_the_run() {
    let found = only(Code::BusyAtStart, &[], |run, _| run.sessions[0].other_load_cpus = Some(0.9));
    assert!(found.message.contains("0.9 CPUs"), "{found:?}");
}

#[test]
fn clocks_that_disagree() {
    only(Code::Clock, &[2], |_, rows| rows[5].boot_ns = Some(60 * MS));
}

#[test]
fn a_suspended_machine() {
    only(Code::Suspended, &[2], |_, rows| rows[5].boot_ns = Some(5000 * MS));
}

#[test]
fn a_stopped_process() {
    let found = only(Code::Stopped, &[2], |_, rows| rows[5].stops = Some(1));
    assert!(found.message.contains("1 visit, whose pairs are left out"), "{found:?}");
    only(Code::Stopped, &[2], |_, rows| rows[4].busy_sum_ns = Some(400 * MS));
}

#[test]
fn a_quota_that_throttled_visits() {
    only(Code::Throttled, &[1, 2], |_, rows| {
        rows[3].throttled_ns = Some(5 * MS);
        rows[5].throttled_ns = Some(5 * MS);
    });
}

#[test]
fn the_pair_of_a_throttled_visit_is_left_out_and_a_second_speedup_includes_it() {
    let mut run = quiet_run();
    let mut rows = quiet_rows(&run);
    run.plan.expected.clear();
    rows[4].wall_ns = Some(500 * MS);
    rows[5].throttled_ns = Some(400 * MS);
    let case = &summarise(&run, &rows).cases[2];
    assert_eq!((case.pairs, case.pairs_all, case.rounds), (11, 12, 11));
    assert!(case.round_ns.iter().all(|ns| *ns < 60e6));
    assert!(case.speedup_all < case.speedup);
}

#[test]
fn workers_that_waited_for_a_cpu() {
    let found = only(Code::Starved, &[2], |_, rows| {
        each(rows, 2, Phase::Call, |row| row.run_delay_ns = Some(5 * MS));
    });
    assert!(found.message.contains("4.8% of their time (a, n = 2)"), "{found:?}");
    // Without a run delay, the CPU time is used.
    only(Code::Starved, &[2], |_, rows| {
        each(rows, 2, Phase::Call, |row| {
            row.run_delay_ns = None;
            row.worker_cpu_sum_ns = Some(50 * MS);
        });
    });
}

/// The message about workers that waited for a CPU for 23% of their time, where other programs
/// had this CPU time in each visit of 120 ms, and there are so many CPUs.
fn message_of_waiting(others_cpu_ns: Option<i64>, usable_cpus: u32) -> String {
    let found = only(Code::Starved, &[2], |run, rows| {
        run.machine.usable_cpus = Some(usable_cpus);
        each(rows, 2, Phase::Call, |row| row.run_delay_ns = Some(23 * MS));
        each(rows, 2, Phase::Visit, |row| row.others_cpu_ns = others_cpu_ns);
    });
    found.message
}

#[test]
fn workers_that_waited_were_disturbed_only_if_others_had_the_time() {
    let text = message_of_waiting(Some(100 * MS as i64), 2);
    assert!(text.contains("other programs used 0.8 CPUs meanwhile"), "{text}");
    // The others were idle, and so was a CPU.
    for others in [-5, 0, 8] {
        let text = message_of_waiting(Some(others * MS as i64), 2);
        assert!(text.contains("shared a CPU while another was idle"), "{text}");
    }
    let text = message_of_waiting(None, 2);
    assert!(text.contains("the cause is unknown"), "{text}");
}

#[test]
fn the_background_of_an_idle_system_is_not_called_other_programs() {
    let found = only(Code::Starved, &[2], |_, rows| {
        // 5% of the time of two workers, and 0.08 CPUs of others.
        each(rows, 2, Phase::Call, |row| row.run_delay_ns = Some(5 * MS));
        each(rows, 2, Phase::Visit, |row| row.others_cpu_ns = Some(10 * MS as i64));
    });
    assert!(found.message.contains("the cause is unknown"), "{}", found.message);
}

#[test]
fn oversubscribed_workers_are_not_starved() {
    let found = warnings(|run, rows| {
        run.machine.usable_cpus = Some(1);
        each(rows, 2, Phase::Call, |row| row.run_delay_ns = Some(50 * MS));
    });
    assert!(found.iter().all(|warning| warning.code != Code::Starved), "{found:?}");
}

#[test]
fn a_hypervisor_that_took_cpu_time() {
    let found = only(Code::Steal, &[], |_, rows| {
        for nthread in [1, 2] {
            each(rows, nthread, Phase::Visit, |row| row.steal_ns = Some(10 * MS));
        }
    });
    assert!(found.message.contains("took 6.2% of the CPU time"), "{found:?}");
}

#[test]
fn single_ticks_of_steal_are_not_significant() {
    assert_eq!(warnings(|_, rows| rows[1].steal_ns = Some(10 * MS)), []);
}

#[test]
fn visits_with_a_wall_time_of_0_have_no_share_of_steal() {
    let codes = warnings(|_, rows| {
        for row in rows.iter_mut().filter(|row| row.phase == Phase::Visit) {
            (row.wall_ns, row.boot_ns, row.steal_ns) = (Some(0), Some(0), Some(10 * MS));
        }
    });
    assert_eq!(codes, []);
}

#[test]
fn a_frequency_that_falls() {
    let found = only(Code::Frequency, &[2], |_, rows| {
        each(rows, 2, Phase::Call, |row| row.cycles = row.worker_cpu_sum_ns.map(|ns| ns * 27 / 10));
    });
    assert!(found.message.contains("up to 10%"), "{found:?}");
}

#[test]
fn calls_that_are_too_short_for_the_clock() {
    let found = only(Code::ShortCalls, &[2], |_, rows| {
        each(rows, 2, Phase::Call, |row| {
            row.wall_ns = row.wall_ns.map(|ns| ns / 20_000);
            row.run_delay_ns = Some(0);
        });
    });
    assert_eq!(found.advice, "--draws 4194304 or more");
}

#[test]
fn the_advised_draws_of_weak_scaling_are_those_of_one_worker() {
    let grow = |case: &mut Case| {
        case.scaling = "weak".into();
        case.draws = case.draws.map(|share| share * u64::from(case.nthread));
    };
    let found = only(Code::ShortCalls, &[2], |run, rows| {
        run.plan.cases.iter_mut().for_each(grow);
        rows.iter_mut().for_each(|row| grow(&mut row.case));
        each(rows, 2, Phase::Call, |row| {
            row.wall_ns = row.wall_ns.map(|ns| ns / 20_000);
            row.run_delay_ns = Some(0);
        });
    });
    assert_eq!(found.advice, "--draws 4194304 or more");
}

#[test]
fn a_coarse_clock_needs_longer_calls() {
    only(Code::ShortCalls, &[0, 1, 2], |run, _| run.clock.resolution_ns = 4 * MS);
}

#[test]
fn a_backend_with_too_few_warm_up_calls() {
    let found = only(Code::WarmUp, &[2], |run, _| run.sessions[0].warm_ups[0].calls = 4);
    assert_eq!(found.advice, "--warmup 4");
}

#[test]
fn a_machine_that_becomes_slower() {
    let found = only(Code::Drift, &[], |_, rows| {
        for row in rows.iter_mut().filter(|row| row.phase == Phase::Call) {
            let slower = |ns: u64| ns + ns / 10 * u64::from(row.round) / u64::from(ROUNDS);
            row.wall_ns = row.wall_ns.map(slower);
        }
    });
    assert!(found.message.contains("slower by"), "{found:?}");
}

#[test]
fn autocorrelated_rounds() {
    // Four slow rounds after four fast ones, of one case only.
    let found = warnings(|_, rows| {
        each(rows, 2, Phase::Call, |row| {
            row.wall_ns = row.wall_ns.map(|ns| ns + ns / 50 * u64::from(row.round / 4 % 2));
        });
    });
    let it = found.iter().find(|warning| warning.code == Code::Autocorrelated);
    assert_eq!(it.expect("a warning").cases, [2], "{found:?}");
}

#[test]
fn too_few_rounds_for_an_interval() {
    let found = only(Code::FewRounds, &[0, 1, 2], |_, rows| rows.truncate(5 * 6));
    assert!(found.advice.contains("--rounds"), "{found:?}");
}

#[test]
fn a_precision_that_was_not_reached() {
    let found = only(Code::Precision, &[1, 2], |run, _| {
        run.plan.stopping.precision = Some(0.0001);
        run.sessions[0].stop_reason = Some(StopReason::Budget);
    });
    assert!(
        found.message.starts_with("the time budget ended before the precision was reached"),
        "{found:?}"
    );
}

#[test]
fn a_case_without_a_baseline() {
    only(Code::NoBaseline, &[1, 2], |_, rows| {
        for row in rows.iter_mut().filter(|row| row.case.is_baseline()) {
            row.error = "it fell".into();
        }
    });
}

#[test]
fn unbalanced_workers() {
    let found = only(Code::Imbalance, &[2], |_, rows| {
        each(rows, 2, Phase::Call, |row| {
            row.busy_sum_ns = row.busy_max_ns.map(|ns| ns * 3 / 2);
            row.worker_cpu_sum_ns = row.busy_sum_ns;
        });
    });
    assert!(found.message.contains("idle for up to 25% of a call"), "{found:?}");
}

#[test]
fn the_most_severe_comes_first() {
    let found = warnings(|run, rows| {
        run.machine.governor = Some("powersave".into());
        run.build.opt_level = "0".into();
        rows[5].stops = Some(1);
    });
    let codes: Vec<Code> = found.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [Code::Unoptimised, Code::Stopped, Code::Power]);
}
