mod damaged;

use super::*;
use crate::kernel::{Pi, Tally};
use crate::runner::protocol::Worker;

fn request() -> VisitRequest {
    VisitRequest {
        protocol: PROTOCOL,
        kernel: "pi".into(),
        backend: "mine".into(),
        nthread: 2,
        inner_nthread: 1,
        schedule: None,
        chunk: None,
        block: 64,
        blocks: 4,
        seed: 1,
        pin: None,
        start_method: None,
        warmup: 1,
        iterations: 1,
    }
}

const REFERENCE: Reference =
    Reference { kernel: &Pi, tally: Some(Tally { draws: 256, sum: 200, sum_sq: 200 }) };

fn worker(hits: u64) -> Worker {
    Worker {
        name: format!("w{hits}"),
        busy_ns: None,
        cpu_ns: None,
        blocks: Some(2),
        tally: Some(Tally::from_hits(128, hits)),
    }
}

fn call(hits: [u64; 2]) -> Call {
    Call {
        wall_ns: 1000,
        tally: Some(Tally::from_hits(256, hits[0] + hits[1])),
        workers: hits.map(worker).to_vec(),
        ..Call::default()
    }
}

/// Result of a whole visit whose only counted call is `call`.
fn check_visit(check: &str, call: Call) -> Result<(), String> {
    let request = request();
    let mut state = ProtocolState::new(&request, Some(REFERENCE), None);
    let hello = format!(r#"{{"hello":{{"protocol":1,"check":"{check}"}}}}"#);
    state.accept(&parse(hello.as_bytes())?)?;
    state.accept(&parse(br#"{"setup":{"wall_ns":1,"later":true}}"#)?)?;
    state.accept(&Event::Warmup(call.clone()))?;
    state.accept(&Event::Call(call))?;
    state.accept(&parse(br#"{"teardown":{"wall_ns":1}}"#)?)?;
    state.accept(&parse(br#"{"done":{}}"#)?)?;
    state.finish()
}

#[test]
fn the_right_tally_passes() {
    assert_eq!(check_visit("exact", call([99, 101])), Ok(()));
}

#[test]
fn one_hit_too_many_is_a_wrong_tally() {
    let problem = check_visit("exact", call([99, 102])).expect_err("wrong");
    assert!(problem.contains("sum 201 and sum of squares 201 instead of 200"), "{problem}");
}

#[test]
fn workers_that_do_not_add_up_are_a_wrong_tally() {
    let mut wrong = call([99, 101]);
    wrong.workers[0].tally = Some(Tally::from_hits(128, 98));
    assert!(check_visit("exact", wrong).expect_err("wrong").contains("do not add up"));
}

#[test]
fn a_missing_block_is_detected() {
    let mut wrong = call([99, 101]);
    wrong.workers[0].blocks = Some(1);
    assert_eq!(check_visit("exact", wrong), Err("the workers computed 3 of 4 blocks".to_string()));
}

#[test]
fn sums_that_overflow_do_not_add_up_by_going_round() {
    let mut wrong = call([99, 101]);
    wrong.workers[0].blocks = Some(u64::MAX);
    wrong.workers[1].blocks = Some(5);
    assert!(check_visit("exact", wrong).expect_err("wrong").contains("of 4 blocks"));
    let mut wrong = call([99, 101]);
    let draws = u64::MAX - 127;
    wrong.workers[0].tally = Some(Tally { draws, ..Tally::from_hits(0, 99) });
    wrong.workers[1].tally = Some(Tally { draws: 384, ..Tally::from_hits(0, 101) });
    assert!(check_visit("exact", wrong).expect_err("wrong").contains("do not add up"));
}

#[test]
fn the_estimate_of_other_random_numbers_must_be_close_to_the_exact_value() {
    assert_eq!(check_visit("z", call([98, 103])), Ok(()));
    let problem = check_visit("z", call([60, 68])).expect_err("implausible");
    assert!(problem.contains("standard errors from 3.14159"), "{problem}");
}

#[test]
fn workers_with_equal_tallies_in_every_call_are_detected() {
    let problem = check_visit("z", call([100, 100])).expect_err("equal tallies");
    assert!(problem.contains("workers 1 and 2 have equal tallies in all 2 calls"), "{problem}");
}

#[test]
fn four_workers_with_equal_tallies_are_detected_in_a_single_call() {
    // 4 × 19,529 of 4 × 25,000, which the notebook printed as 3.12464.
    let request = VisitRequest { nthread: 4, block: 1 << 5, blocks: 3125, warmup: 0, ..request() };
    let tally = Some(Tally::from_hits(100_000, 78_500));
    let reference = Some(Reference { kernel: &Pi, tally });
    let mut state = ProtocolState::new(&request, reference, None);
    let share = Worker { tally: Some(Tally::from_hits(25_000, 19_529)), ..worker(0) };
    let share = Worker { blocks: None, ..share };
    let tally = Tally::from_hits(100_000, 78_116);
    let call = Call { tally: Some(tally), workers: vec![share; 4], ..call([1, 1]) };
    let hello = parse(br#"{"hello":{"protocol":1,"check":"z"}}"#).expect("hello");
    state.accept(&hello).expect("hello is expected");
    state.accept(&parse(br#"{"setup":{"wall_ns":1}}"#).expect("setup")).expect("setup is expected");
    let problem = state.accept(&Event::Call(call)).expect_err("equal tallies");
    assert!(problem.contains("4 workers have the same sum"), "{problem}");
}

#[test]
fn two_workers_may_have_equal_tallies_by_chance() {
    let request = request();
    let mut tallies = TallyCheck::new(REFERENCE);
    assert_eq!(tallies.check(&request, CheckMode::Z, &call([100, 100])), Ok(()));
    assert_eq!(tallies.check(&request, CheckMode::Z, &call([98, 103])), Ok(()));
    assert_eq!(tallies.finish(), Ok(()));
}

#[test]
fn a_tally_without_variance_is_not_random() {
    let problem = check_visit("z", call([128, 128])).expect_err("all inside");
    assert!(problem.contains("its standard error is 0"), "{problem}");
}

#[test]
fn a_wrong_sum_of_squares_does_not_excuse_a_wrong_estimate() {
    let mut wrong = call([64, 64]);
    wrong.tally = Some(Tally { sum_sq: 128 * 128, ..wrong.tally.expect("a tally") });
    wrong.workers.clear();
    let problem = check_visit("z", wrong).expect_err("an impossible variance");
    assert!(problem.contains("is sum_sq the sum of the squares?"), "{problem}");
}

#[test]
fn a_call_that_took_no_time_is_refused() {
    let problem = check_visit("exact", Call { wall_ns: 0, ..call([99, 101]) });
    assert_eq!(problem, Err("the runner reports a call of 0 ns".to_string()));
}

#[test]
fn an_unexpected_event_is_an_error_that_names_the_expected_one() {
    let request = request();
    let mut state = ProtocolState::new(&request, Some(REFERENCE), None);
    let problem = state.accept(&Event::Call(call([99, 101])));
    assert_eq!(problem, Err("protocol error: expected \"hello\", got \"call\"".to_string()));
    assert_eq!(
        state.finish(),
        Err("protocol error: expected \"hello\", but the runner ended".to_string())
    );
}

#[test]
fn pinned_workers_must_have_run_where_they_were_pinned_to() {
    let pinned = VisitRequest { pin: Some(vec!["0".into(), "2".into()]), ..request() };
    let check_cpus = |visit: &VisitRequest, used| check_cpus(visit, used, &BTreeSet::from([1]));
    assert_eq!(check_cpus(&pinned, "0,2"), Ok(()));
    assert_eq!(check_cpus(&pinned, "2"), Ok(()));
    let moved = check_cpus(&pinned, "0").expect_err("the second worker was moved");
    assert_eq!(moved, "worker 2 is pinned to CPUs 2, but all workers ran on 0");
    let outside = check_cpus(&pinned, "0-2").expect_err("CPU 1 is not theirs");
    assert_eq!(outside, "the workers are pinned to CPUs 0,2, but ran on 0-2");
    assert!(check_cpus(&pinned, "").expect_err("no CPUs").contains("does not say"));
    assert!(check_cpus(&pinned, "all").expect_err("no list").contains("\"all\""));
    for used in ["", "0-99", "all"] {
        assert_eq!(check_cpus(&request(), used), Ok(()), "not pinned");
    }
}

#[test]
fn invalid_utf_8_is_not_an_event_even_in_a_skipped_value() {
    let problem = parse(b"{\"setup\":{\"wall_ns\":1,\"mood\":\"na\xefve\"}}");
    assert!(problem.expect_err("Latin-1").contains("not an event: invalid utf-8"));
}

#[test]
fn an_array_is_not_accepted_in_place_of_an_object() {
    let tally = r#"{"draws":"256","sum":"200","sum_sq":"200"}"#;
    let call = |tally: &str, workers: &str| {
        format!(r#"{{"call":{{"wall_ns":1,"tally":{tally},"workers":{workers}}}}}"#)
    };
    parse(call(tally, &format!(r#"[{{"tally":{tally}}}]"#)).as_bytes()).expect("objects");
    for line in [
        r#"{"hello":[1,"mine","exact"]}"#,
        r#"{"hello":{"protocol":1,"check":{"exact":null}}}"#,
        r#"{"setup":[5]}"#,
        r#"{"error":["it fell"]}"#,
        r#"{"done":[1,1,1,"avx2","0"]}"#,
        r#"{"call":{"wall_ns":1,"printed":[1,"ab",null]}}"#,
        &call(r#"["256","200","200"]"#, "[]"),
        &call(tally, r#"[["w",1,1,4,null]]"#),
        &call(tally, r#"[{"tally":["256","200","200"]}]"#),
    ] {
        let problem = parse(line.as_bytes()).expect_err(line);
        assert!(problem.contains("is not an event"), "{problem}");
    }
}

#[test]
fn a_number_is_an_integer_within_its_range_and_appears_once() {
    for line in [
        r#"{"setup":{"wall_ns":1.0}}"#,
        r#"{"setup":{"wall_ns":1e3}}"#,
        r#"{"setup":{"wall_ns":-1}}"#,
        r#"{"setup":{"wall_ns":true}}"#,
        r#"{"setup":{"wall_ns":"1"}}"#,
        r#"{"setup":{"wall_ns":18446744073709551616}}"#,
        r#"{"setup":{"wall_ns":1,"wall_ns":1}}"#,
        r#"{"setup":{"wall_ns":1},"setup":{"wall_ns":1}}"#,
        r#"{"hello":{"protocol":4294967297,"check":"exact"}}"#,
        r#"{"call":{"wall_ns":1,"tally":{"draws":1,"sum":"1","sum_sq":"1"}}}"#,
        r#"{"call":{"wall_ns":1,"tally":{"draws":"+1","sum":"1","sum_sq":"1"}}}"#,
        r#"{"later":{}}"#,
        r#""setup""#,
    ] {
        parse(line.as_bytes()).expect_err(line);
    }
}

#[test]
fn a_line_that_is_not_an_event_is_quoted() {
    let problem = parse(b"Traceback (most recent call last):").expect_err("not an event");
    assert!(problem.contains("Traceback"), "{problem}");
}
