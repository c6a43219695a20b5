use super::super::{Calibration, check, least_draws, round_order};
use super::*;

fn request() -> Request {
    Request {
        kernels: vec!["pi".to_string()],
        backends: vec!["std-thread".to_string(), "rayon".to_string()],
        nthread: vec![1, 2, 3],
        draws: Draws::Given(vec![1_000_000]),
        block: 1 << 14,
        seed: 1,
        ..Request::default()
    }
}

fn plan(request: &Request) -> Plan {
    let rules = Rules { order_seed: 7, rounds: 12, warmup: 1, iterations: 1, ..Rules::default() };
    draft(request, &rules, &Registry::default())
}

#[test]
fn the_baseline_is_one_case_for_any_list() {
    for backends in [&["sequential"][..], &["rayon"], &["rayon", "sequential"]] {
        let backends = backends.iter().map(ToString::to_string).collect();
        let plan = plan(&Request { backends, ..request() });
        let baselines = plan.cases.iter().filter(|case| case.is_baseline());
        assert_eq!(baselines.map(|case| case.nthread).collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn draws_are_rounded_up_to_whole_blocks() {
    let plan = plan(&request());
    assert!(plan.cases.iter().all(|case| case.draws == Some(62 << 14)));
}

#[test]
fn every_round_visits_each_case_once_and_its_baseline_in_each_group() {
    let request = Request { nthread: (1..=16).collect(), ..request() };
    let plan = plan(&request);
    for round in 0..20 {
        let order = round_order(&plan, round);
        assert!(order.iter().all(|group| group.iter().filter(|case| **case == 0).count() == 1));
        assert!(order.iter().all(|group| (5..=9).contains(&group.len())));
        let mut others: Vec<usize> =
            order.into_iter().flatten().filter(|case| *case != 0).collect();
        others.sort_unstable();
        assert_eq!(others, (1..plan.cases.len()).collect::<Vec<_>>());
    }
}

#[test]
fn each_round_has_its_own_order_that_follows_from_the_seed() {
    let plan = plan(&request());
    assert_eq!(round_order(&plan, 3), round_order(&plan, 3));
    assert_ne!(round_order(&plan, 3), round_order(&plan, 4));
    let other = Plan { order_seed: 8, ..plan.clone() };
    assert_ne!(round_order(&plan, 3), round_order(&other, 3));
}

/// Each case of each group must have the baseline that it is compared with
/// beside it, once.
fn check_groups(plan: &Plan) {
    for group in round_order(plan, 0) {
        for &case in &group {
            let is_beside = |other: &&usize| plan.cases[**other].is_baseline_of(&plan.cases[case]);
            assert_eq!(group.iter().filter(is_beside).count(), 1);
        }
    }
}

#[test]
fn each_job_has_its_own_baseline() {
    let draws = Draws::Given(vec![1 << 20, 1 << 21]);
    check_groups(&plan(&Request { draws, ..request() }));
}

#[test]
fn each_pin_has_a_baseline_with_the_same_pin() {
    let plan = plan(&Request { pins: Pin::ALL.to_vec(), ..request() });
    let baselines = plan.cases.iter().filter(|case| case.is_baseline());
    let pins: Vec<&str> = baselines.map(|case| case.pin.as_str()).collect();
    assert_eq!(pins, ["none", "close", "spread"]);
    assert_eq!(plan.cases.len(), 3 * 7);
    check_groups(&plan);
    assert_eq!(check(&plan, &Registry::default()), Ok(()));
}

#[test]
fn in_weak_scaling_each_worker_has_whole_blocks() {
    let plan = plan(&Request { scaling: Scaling::Weak, ..request() });
    for case in &plan.cases {
        assert_eq!(case.draws, Some(u64::from(case.nthread) * (62 << 14)), "{case:?}");
        assert!(plan.cases[0].is_baseline_of(case), "{case:?}");
    }
    check_groups(&plan);
    assert_eq!(check(&plan, &Registry::default()), Ok(()));
}

#[test]
fn in_weak_scaling_calibrated_draws_are_those_of_one_worker() {
    let draws = Draws::Calibrated(Calibration::FULL);
    let mut plan = plan(&Request { draws, scaling: Scaling::Weak, ..request() });
    settle(&mut plan, "pi", 1 << 24);
    let is_right = |case: &Case| case.draws == Some(u64::from(case.nthread) << 24);
    assert!(plan.cases.iter().all(is_right));
}

#[test]
fn draws_schedules_chunks_and_pins_multiply() {
    let request = Request {
        backends: vec!["std-thread".to_string()],
        draws: Draws::Given(vec![1 << 20, 1 << 21]),
        schedules: vec![Schedule::Static, Schedule::Dynamic],
        chunks: vec![1, 4],
        pins: vec![Pin::Close, Pin::Spread],
        ..request()
    };
    let plan = plan(&request);
    let cases: std::collections::BTreeSet<&Case> = plan.cases.iter().collect();
    // A baseline for each number of draws and each pin; and each of those with
    // two schedules, two chunks and three counts.
    assert_eq!((cases.len(), plan.cases.len()), (4 + 4 * 12, 4 + 4 * 12));
}

#[test]
fn draws_that_round_up_to_the_same_blocks_are_one_case() {
    let draws = Draws::Given(vec![1_000, 10_000, 20_000]);
    let plan = plan(&Request { draws, ..request() });
    let baselines = plan.cases.iter().filter(|case| case.is_baseline());
    assert_eq!(
        baselines.map(|case| case.draws).collect::<Vec<_>>(),
        [Some(1 << 14), Some(1 << 15)]
    );
}

#[test]
fn a_plan_from_a_file_is_checked_case_by_case() {
    let registry = Registry::default();
    let good = plan(&request());
    assert_eq!(check(&good, &registry), Ok(()));
    let broken: [fn(&mut Plan); 19] = [
        |plan| plan.iterations = 0,
        |plan| plan.warmup = u32::MAX,
        |plan| plan.stopping.rounds = 0,
        |plan| plan.stopping.precision = Some(-1.0),
        |plan| plan.cases[1].kernel = "e".into(),
        |plan| plan.cases[1].backend = "fibers".into(),
        |plan| plan.cases[1].block = 100,
        |plan| plan.cases[1].draws = Some(0),
        |plan| plan.cases[1].draws = Some(1),
        |plan| plan.cases[1].nthread = 0,
        |plan| plan.cases[1].inner_nthread = 0,
        |plan| plan.cases[1].inner_nthread = 2_000,
        |plan| plan.cases[1].schedule = "fair".into(),
        |plan| plan.cases[1].pin = "near".into(),
        |plan| plan.cases[1].pin = "close".into(),
        |plan| plan.cases[1].scaling = "odd".into(),
        |plan| plan.cases[2] = plan.cases[1].clone(),
        |plan| drop(plan.cases.remove(0)),
        |plan| plan.cases.clear(),
    ];
    for (index, breaks) in broken.into_iter().enumerate() {
        let mut plan = good.clone();
        breaks(&mut plan);
        assert!(check(&plan, &registry).is_err(), "break {index}");
    }
}

#[test]
fn workers_and_the_threads_inside_them_multiply_and_the_baseline_stays_one_case() {
    let plan = plan(&Request { inner_nthread: vec![1, 2], ..request() });
    assert_eq!(plan.inner_nthread, [1, 2]);
    let counts = |name: &str| -> Vec<(u32, u32)> {
        let own = plan.cases.iter().filter(|case| case.backend == name);
        own.map(|case| (case.nthread, case.inner_nthread)).collect()
    };
    assert_eq!(counts("sequential"), [(1, 1)]);
    assert_eq!(counts("rayon"), [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2)]);
    assert_eq!(plan.cases.iter().map(Case::threads).max(), Some(6));
    check_groups(&plan);
    assert_eq!(check(&plan, &Registry::default()), Ok(()));
}

#[test]
fn a_baseline_alone_is_still_visited() {
    let plan = plan(&Request { backends: Vec::new(), ..request() });
    assert_eq!(round_order(&plan, 0), [[0]]);
}

#[test]
fn chunks_follow_from_the_draws_once_these_are_known() {
    let draws = Draws::Calibrated(Calibration::FULL);
    let mut plan = plan(&Request { draws, ..request() });
    assert!(plan.cases.iter().all(|case| case.chunk.is_none() && case.draws.is_none()));
    settle(&mut plan, "pi", 1 << 24);
    let chunk = |backend: &str, nthread| {
        let is_it = |case: &&Case| case.backend == backend && case.nthread == nthread;
        plan.cases.iter().find(is_it).and_then(|case| case.chunk)
    };
    assert_eq!(chunk("sequential", 1), Some(1024));
    assert_eq!(chunk("std-thread", 3), Some(342));
    assert_eq!(chunk("rayon", 2), Some(16));
}

#[test]
fn a_chunk_has_a_block_for_each_thread_inside_a_worker() {
    let (inner_nthread, nthread) = (vec![1, 2, 4], vec![1, 2, 8]);
    // 16 blocks, of which 32 chunks a worker cannot be made.
    let draws = Draws::Given(vec![16 << 14]);
    let backends = vec!["rayon".to_string()];
    let plan = plan(&Request { backends, inner_nthread, nthread, draws, ..request() });
    let chunks = |nthread| {
        let own = plan.cases.iter().filter(|it| it.backend == "rayon" && it.nthread == nthread);
        own.map(|it| it.chunk.expect("a chunk")).collect::<Vec<_>>()
    };
    assert_eq!(chunks(1), [4, 4, 4]);
    assert_eq!(chunks(2), [4, 4, 4]);
    assert_eq!(chunks(8), [2, 2, 2], "no more than a worker's share");
}

#[test]
fn an_unsupported_schedule_is_left_out_with_the_reason() {
    let backends = vec!["rayon".to_string(), "process-pipe".to_string()];
    let plan = plan(&Request { backends, schedules: vec![Schedule::Dynamic], ..request() });
    assert!(plan.cases.iter().all(|case| case.backend != "process-pipe"));
    assert_eq!(plan.skipped.len(), 1);
    assert_eq!(plan.skipped[0].reason, "process-pipe supports static");
}

#[test]
fn every_thread_gets_thirty_two_blocks() {
    assert_eq!(least_draws(&[1, 3], 1 << 14), 1 << 21);
    assert_eq!(least_draws(&[1], 64), 1 << 11);
    assert_eq!(least_draws(&[1, 2, 3, 6], 64), 1 << 14);
}
