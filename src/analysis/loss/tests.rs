//! Tests of the split of the loss.

use proptest::prelude::*;

use super::super::summarise;
use super::*;
use crate::record::{BASELINE, Case, Phase, Row};

/// Figures of a call besides its time.
type Figures = [Option<u64>; 7];

fn call(case: &Case, wall_ns: u64, figures: Figures) -> Row {
    let [busy_max_ns, busy_sum_ns, worker_cpu_sum_ns, run_delay_ns, user_ns, system_ns, cycles] =
        figures;
    Row {
        phase: Phase::Call,
        case: case.clone(),
        wall_ns: Some(wall_ns),
        busy_max_ns,
        busy_sum_ns,
        worker_cpu_sum_ns,
        run_delay_ns,
        user_ns,
        system_ns,
        cycles,
        ..Row::default()
    }
}

fn case(backend: &str, nthread: u32) -> Case {
    Case { kernel: "pi".into(), backend: backend.into(), nthread, ..Case::default() }
}

/// The loss of the second of two cases on two CPUs, visited once with these calls, while other
/// programs used this number of CPUs.
fn loss_beside(cases: [Case; 2], mut calls: [Row; 2], others_cpus: Option<f64>) -> Option<Loss> {
    let mut run = Run::default();
    run.machine.usable_cpus = Some(2);
    run.plan.cases = cases.to_vec();
    let mut rows = Vec::new();
    for (call, visit) in calls.iter_mut().zip(0..) {
        call.visit = visit;
        rows.push(call.clone());
        let others_cpu_ns = others_cpus.map(|cpus| (cpus * 1e9) as i64);
        let (case, wall_ns) = (call.case.clone(), Some(1_000_000_000));
        rows.push(Row {
            phase: Phase::Visit,
            visit,
            case,
            wall_ns,
            others_cpu_ns,
            ..Row::default()
        });
    }
    summarise(&run, &rows).cases[1].loss.clone()
}

/// The loss of two threads with these figures over a sequential call of 100.
fn loss(wall_ns: u64, figures: Figures, others_cpus: Option<f64>) -> Loss {
    let cases = [case(BASELINE, 1), case("a", 2)];
    let whole = Some(100);
    let baseline = [whole, whole, whole, Some(0), whole, Some(0), Some(300)];
    let calls = [call(&cases[0], 100, baseline), call(&cases[1], wall_ns, figures)];
    loss_beside(cases, calls, others_cpus).expect("a loss")
}

fn share(loss: &Loss, cause: Cause) -> Option<f64> {
    let part = loss.parts.iter().find(|part| part.cause == cause)?;
    Some((part.share * 1e9).round() / 1e9)
}

#[test]
fn dispatch_imbalance_waiting_and_slower_computation_are_told_apart() {
    // Capacity 200: 40 outside the kernel, 20 after the end of the first worker, 140 inside,
    // of which 20 without a CPU and without wanting one.
    let figures = [Some(80), Some(140), Some(120), Some(0), None, None, None];
    let loss = loss(100, figures, Some(0.0));
    assert_eq!(loss.useful, 0.5);
    let shares = [Cause::Dispatch, Cause::Imbalance, Cause::Waiting, Cause::SlowerComputation];
    assert_eq!(shares.map(|cause| share(&loss, cause)), [0.2, 0.1, 0.1, 0.1].map(Some));
    assert_eq!(share(&loss, Cause::Unknown), Some(0.0));
}

#[test]
fn a_lower_clock_frequency_is_part_of_slower_computation() {
    // Of 160 of CPU time at 2.4 cycles instead of 3, a fifth is due to the frequency.
    let figures = [Some(80), Some(160), Some(160), Some(0), None, None, Some(384)];
    let loss = loss(80, figures, None);
    assert_eq!(share(&loss, Cause::Frequency), Some(0.2));
    assert_eq!(share(&loss, Cause::SlowerComputation), Some(0.175));
}

#[test]
fn waiting_for_a_cpu_is_due_to_others_up_to_their_time() {
    let figures = [Some(100), Some(200), Some(100), Some(100), None, None, None];
    let beside = |others| {
        let loss = loss(100, figures, others);
        [Cause::Others, Cause::Placement, Cause::NoCpu].map(|cause| share(&loss, cause))
    };
    assert_eq!(beside(Some(1.0)), [Some(0.5), Some(0.0), None], "a CPU was taken");
    assert_eq!(beside(Some(0.0)), [Some(0.0), Some(0.5), None], "a CPU was idle");
    assert_eq!(beside(None), [None, None, Some(0.5)], "the time of others is unknown");
}

#[test]
fn the_background_of_an_idle_system_is_no_cause() {
    let delayed = |delay, others| {
        let figures = [Some(100), Some(200), Some(200 - delay), Some(delay), None, None, None];
        let loss = loss(100, figures, Some(others));
        [Cause::Others, Cause::Placement, Cause::NoCpu].map(|cause| share(&loss, cause))
    };
    assert_eq!(delayed(40, 0.05), [Some(0.0), Some(0.2), None]);
    assert_eq!(delayed(10, 0.06), [Some(0.0), None, Some(0.05)], "it may have been them");
}

#[test]
fn workers_that_wait_for_a_cpu_outside_the_kernel_are_no_loss_of_dispatch() {
    let figures = [Some(50), Some(100), Some(100), Some(90), None, None, None];
    let loss = loss(100, figures, Some(1.0));
    let shares = [Cause::Others, Cause::Dispatch].map(|cause| share(&loss, cause));
    assert_eq!(shares, [Some(0.45), Some(0.05)]);
}

#[test]
fn a_run_delay_that_is_unknown_is_the_time_without_a_cpu_if_that_is_long() {
    let beside = |busy_ns, others| {
        let figures = [Some(busy_ns / 2), Some(busy_ns), Some(100), None, None, None, None];
        let loss = loss(100, figures, Some(others));
        [Cause::Others, Cause::Placement, Cause::NoCpu].map(|cause| share(&loss, cause))
    };
    assert_eq!(beside(200, 1.0), [Some(0.5), Some(0.0), None]);
    assert_eq!(beside(200, 0.0), [Some(0.0), Some(0.5), None]);
    assert_eq!(beside(110, 0.0), [None, None, Some(0.05)]);
}

#[test]
fn without_the_cpu_time_of_workers_the_rest_is_unknown_and_not_none() {
    let loss = loss(100, [Some(80), Some(140), None, None, None, None, None], None);
    assert_eq!(share(&loss, Cause::SlowerComputation), None);
    assert_eq!(share(&loss, Cause::Unknown), Some(0.2));
}

#[test]
fn the_loss_of_a_command_is_cpu_time_that_it_did_not_use_or_used_more_of() {
    let command = |nthread| Case {
        backend: "command".into(),
        label: "sort".into(),
        nthread,
        ..Case::default()
    };
    let cases = [command(1), command(2)];
    let with_cpu = |cpu| [None, None, None, None, Some(cpu), Some(0), None];
    let calls = [call(&cases[0], 100, with_cpu(100)), call(&cases[1], 80, with_cpu(120))];
    let mut run = Run::default();
    run.machine.usable_cpus = Some(2);
    run.plan.cases = cases.to_vec();
    run.plan.baseline = Some(0);
    let rows: Vec<Row> = (0..)
        .zip(calls)
        .flat_map(|(visit, call)| {
            let case = call.case.clone();
            [Row { visit, ..call }, Row { phase: Phase::Visit, visit, case, ..Row::default() }]
        })
        .collect();
    let loss = summarise(&run, &rows).cases[1].loss.clone().expect("a loss");
    assert_eq!(share(&loss, Cause::SlowerComputation), Some(0.125));
    assert_eq!(share(&loss, Cause::Waiting), Some(0.25));
    assert_eq!(loss.useful, 0.625);
}

fn figures() -> impl Strategy<Value = Figures> {
    let any_ns = || {
        prop::option::of(prop_oneof![0..1000_u64, Just(0), Just(u64::MAX), 0..1_000_000_000_u64])
    };
    prop::array::uniform7(any_ns())
}

proptest! {
    #[test]
    fn parts_and_useful_work_add_up_to_one_for_any_rows(
        one in figures(),
        other in figures(),
        wall_ns in (1..1_000_000_u64, 1..1_000_000_u64),
        nthread in 1..9_u32,
        others in prop::option::of(-1.0..9.0_f64),
    ) {
        let cases = [case(BASELINE, 1), case("a", nthread)];
        let calls = [call(&cases[0], wall_ns.0, one), call(&cases[1], wall_ns.1, other)];
        let Some(loss) = loss_beside(cases, calls, others) else { return Ok(()) };
        let all = || loss.parts.iter().map(|part| part.share).chain([loss.useful]);
        prop_assert!(all().all(f64::is_finite), "{loss:?}");
        let scale = all().map(f64::abs).fold(1.0, f64::max);
        prop_assert!((all().sum::<f64>() - 1.0).abs() < 1e-9 * scale, "{loss:?}");
    }
}
