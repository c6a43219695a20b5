//! Protocol state of one visit: order, completeness and tallies of the runner's events.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::output_check;
use super::tally_check::{Reference, TallyCheck};
use super::visit_spec::CommandWorkload;
use crate::machine::{cpu_list, parse_cpu_list};
use crate::record::{ExpectedOutput, OutputCheck};
use crate::runner::protocol::{Call, CapturedOutput, CheckMode, Event, PROTOCOL, VisitRequest};

/// Longest excerpt of a line in a message.
const MAX_EXCERPT_BYTES: usize = 80;

/// State machine over the events of a runner.
pub struct ProtocolState<'a> {
    request: &'a VisitRequest,
    /// Check of the tallies; `None` where there is no kernel.
    tallies: Option<TallyCheck>,
    /// Command that is visited; `None` where there is none.
    command: Option<CommandWorkload<'a>>,
    /// Output of the command's first run in this visit, where all must be the same.
    first_output: Option<ExpectedOutput>,
    check_mode: CheckMode,
    expected: Expected,
    /// Workers, from 0, that have computed blocks.
    active_workers: BTreeSet<usize>,
}

/// Event that is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Hello,
    Setup,
    /// A warm-up or counted call, after this number of them.
    Call(u32),
    Teardown,
    Done,
    End,
}

impl<'a> ProtocolState<'a> {
    /// Starts before the first event. Without a `reference`, calls have no tally.
    pub fn new(
        request: &'a VisitRequest,
        reference: Option<Reference>,
        command: Option<CommandWorkload<'a>>,
    ) -> Self {
        ProtocolState {
            request,
            tallies: reference.map(TallyCheck::new),
            command,
            first_output: None,
            // Replaced by that of "hello", which comes before any call.
            check_mode: CheckMode::Exact,
            expected: Expected::Hello,
            active_workers: BTreeSet::new(),
        }
    }

    /// Output of the command's first run, where all must be the same.
    pub fn first_output(&self) -> Option<ExpectedOutput> {
        self.first_output.clone()
    }

    /// Tells whether the first event has come.
    pub fn is_started(&self) -> bool {
        self.expected != Expected::Hello
    }

    /// Check of the tallies that the runner asked for.
    pub fn check_mode(&self) -> CheckMode {
        self.check_mode
    }

    /// Accepts an event, if it is expected and its tally is right.
    ///
    /// # Errors
    /// If it makes the visit invalid.
    pub fn accept(&mut self, event: &Event) -> Result<(), String> {
        let warmup = self.request.warmup;
        self.expected = match (self.expected, event) {
            (_, Event::Error(failure)) => return Err(failure.message.clone()),
            (Expected::Hello, Event::Hello(hello)) => {
                if hello.protocol != PROTOCOL {
                    return Err(format!(
                        "the runner speaks protocol {}, this harness speaks {PROTOCOL}",
                        hello.protocol
                    ));
                }
                if (hello.check == CheckMode::None) != self.tallies.is_none() {
                    return Err("the runner must say \"check\": \"exact\" or \"z\"".to_string());
                }
                self.check_mode = hello.check;
                if self.tallies.is_some() { Expected::Setup } else { self.after_calls(0) }
            }
            (Expected::Setup, Event::Setup(_)) => self.after_calls(0),
            (Expected::Call(calls), Event::Warmup(call)) if calls < warmup => {
                self.check_call(call)?;
                self.after_calls(calls + 1)
            }
            (Expected::Call(calls), Event::Call(call)) if calls >= warmup => {
                self.check_call(call)?;
                self.after_calls(calls + 1)
            }
            (Expected::Teardown, Event::Teardown(_)) => Expected::Done,
            (Expected::Done, Event::Done(done)) => {
                check_cpus(self.request, &done.cpus, &self.active_workers)?;
                Expected::End
            }
            (_, event) => {
                let (expected, got) = (self.expected_name(), event_name(event));
                return Err(format!("protocol error: expected {expected}, got {got}"));
            }
        };
        Ok(())
    }

    /// Event that is expected after this number of calls.
    fn after_calls(&self, calls: u32) -> Expected {
        match calls < self.request.warmup + self.request.iterations {
            true => Expected::Call(calls),
            false if self.tallies.is_some() => Expected::Teardown,
            // Visits to commands and functions have no teardown.
            false => Expected::Done,
        }
    }

    fn check_call(&mut self, call: &Call) -> Result<(), String> {
        let active = call.workers.iter().enumerate().filter(|(_, it)| it.blocks > Some(0));
        self.active_workers.extend(active.map(|(index, _)| index));
        if let Some(problem) = &call.problem {
            return Err(problem.clone());
        }
        match &mut self.tallies {
            Some(tallies) => tallies.check(self.request, self.check_mode, call),
            None if call.wall_ns == 0 => Err("the runner reports a call of 0 ns".to_string()),
            None => self.check_output(call.printed.as_ref()),
        }
    }

    /// Compares the output of a command with what it must print.
    fn check_output(&mut self, output: Option<&CapturedOutput>) -> Result<(), String> {
        let Some(command) = self.command else { return Ok(()) };
        let Some(expect) = &command.commands.expect else { return Ok(()) };
        let first = command.expected.or(self.first_output.as_ref());
        output_check::check(expect, first, output)?;
        if *expect == OutputCheck::Same && first.is_none() {
            self.first_output = output.map(|output| ExpectedOutput {
                label: String::new(),
                sha256: output.sha256.clone(),
                bytes: output.bytes,
            });
        }
        Ok(())
    }

    /// Checks that the visit is complete.
    ///
    /// # Errors
    /// If an event is missing, or the tallies of all calls together are wrong.
    pub fn finish(&self) -> Result<(), String> {
        match self.expected {
            Expected::End => self.tallies.as_ref().map_or(Ok(()), TallyCheck::finish),
            _ => Err(format!(
                "protocol error: expected {}, but the runner ended",
                self.expected_name()
            )),
        }
    }

    /// Name of the expected event.
    fn expected_name(&self) -> &'static str {
        match self.expected {
            Expected::Hello => "\"hello\"",
            Expected::Setup => "\"setup\"",
            Expected::Call(calls) if calls < self.request.warmup => "\"warmup\"",
            Expected::Call(_) => "\"call\"",
            Expected::Teardown => "\"teardown\"",
            Expected::Done => "\"done\"",
            Expected::End => "the end",
        }
    }
}

/// Checks that pinned workers ran where they were pinned: no worker on another CPU, and
/// each active worker (from 0) on one of its own. Another process may have changed a mask
/// after it was set.
fn check_cpus(
    request: &VisitRequest,
    used: &str,
    active_workers: &BTreeSet<usize>,
) -> Result<(), String> {
    let Some(pin) = &request.pin else { return Ok(()) };
    let allowed: Vec<usize> =
        pin.iter().filter_map(|list| parse_cpu_list(list)).flatten().collect();
    let allowed_list = cpu_list(&allowed);
    let Some(used) = parse_cpu_list(used) else {
        return Err(format!("cpus: {used:?} is not a list of CPUs; for example 0-3,8"));
    };
    if used.is_empty() {
        return Err(format!(
            "the workers are pinned to CPUs {allowed_list}, but \"done\" does not say which CPUs \
             they used"
        ));
    }
    let used_list = cpu_list(&used);
    if !used.iter().all(|cpu| allowed.contains(cpu)) {
        return Err(format!(
            "the workers are pinned to CPUs {allowed_list}, but ran on {used_list}"
        ));
    }
    for &worker in active_workers {
        let own = pin.get(worker).and_then(|list| parse_cpu_list(list));
        if own.is_some_and(|own| !own.iter().any(|cpu| used.contains(cpu))) {
            let (number, own) = (worker + 1, &pin[worker]);
            return Err(format!(
                "worker {number} is pinned to CPUs {own}, but all workers ran on {used_list}"
            ));
        }
    }
    Ok(())
}

/// Parses a line of a runner.
///
/// # Errors
/// If it is not an event.
pub fn parse(line: &[u8]) -> Result<Event, String> {
    // Checked here, since serde_json does not validate UTF-8 in the values that it skips.
    let text = std::str::from_utf8(line).map_err(|error| not_an_event(line, &error))?;
    serde_json::from_str(text).map_err(|error| not_an_event(line, &error))
}

/// Message about a line that is not an event, with its beginning.
fn not_an_event(line: &[u8], error: &dyn Display) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(MAX_EXCERPT_BYTES)]);
    let more = if line.len() > MAX_EXCERPT_BYTES { " …" } else { "" };
    format!("protocol error: {text:?}{more} is not an event: {error}")
}

/// Name of an event in the protocol.
fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Hello(_) => "\"hello\"",
        Event::Setup(_) => "\"setup\"",
        Event::Warmup(_) => "\"warmup\"",
        Event::Call(_) => "\"call\"",
        Event::Teardown(_) => "\"teardown\"",
        Event::Done(_) => "\"done\"",
        Event::Error(_) => "\"error\"",
    }
}

#[cfg(test)]
mod damaged;

#[cfg(test)]
mod tests {
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
        assert_eq!(
            check_visit("exact", wrong),
            Err("the workers computed 3 of 4 blocks".to_string())
        );
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
        let request =
            VisitRequest { nthread: 4, block: 1 << 5, blocks: 3125, warmup: 0, ..request() };
        let tally = Some(Tally::from_hits(100_000, 78_500));
        let reference = Some(Reference { kernel: &Pi, tally });
        let mut state = ProtocolState::new(&request, reference, None);
        let share = Worker { tally: Some(Tally::from_hits(25_000, 19_529)), ..worker(0) };
        let share = Worker { blocks: None, ..share };
        let tally = Tally::from_hits(100_000, 78_116);
        let call = Call { tally: Some(tally), workers: vec![share; 4], ..call([1, 1]) };
        let hello = parse(br#"{"hello":{"protocol":1,"check":"z"}}"#).expect("hello");
        state.accept(&hello).expect("hello is expected");
        state
            .accept(&parse(br#"{"setup":{"wall_ns":1}}"#).expect("setup"))
            .expect("setup is expected");
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
}
