//! Listens to a runner: every line must make sense, come in its place, and
//! carry the right answer.

use std::collections::BTreeSet;

use super::answer::{Judge, Truth};
use super::errand::Program;
use super::printed;
use crate::machine::{cpu_list, parse_cpu_list};
use crate::record::{Expect, ExpectedOutput};
use crate::runner::protocol::{Call, Check, Event, PROTOCOL, Printed, Visit};

/// One visit's lines so far.
pub struct Conversation<'a> {
    visit: &'a Visit,
    /// `None` where there is no kernel, and so no tally.
    judge: Option<Judge>,
    /// `None` where there is no command.
    program: Option<Program<'a>>,
    /// What a command printed first in this visit.
    first_printed: Option<ExpectedOutput>,
    check: Check,
    stage: Stage,
    /// Workers, from 0, that computed something so far.
    worked: BTreeSet<usize>,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Hello,
    Setup,
    /// Calls that were heard so far, warm-ups included.
    Calls(u32),
    Teardown,
    Done,
    End,
}

impl<'a> Conversation<'a> {
    /// Before the first line. Where there is no `truth`, calls have no tally.
    pub fn new(visit: &'a Visit, truth: Option<Truth>) -> Self {
        // Replaced by the first line, before any call.
        let check = Check::Exact;
        let judge = truth.map(Judge::new);
        Conversation {
            visit,
            judge,
            program: None,
            first_printed: None,
            check,
            stage: Stage::Hello,
            worked: BTreeSet::new(),
        }
    }

    /// The same, about a command that may be expected to print something.
    pub fn about(self, program: Option<Program<'a>>) -> Self {
        Conversation { program, ..self }
    }

    /// What the command printed first, where it must always print the same.
    pub fn first_printed(&self) -> Option<ExpectedOutput> {
        self.first_printed.clone()
    }

    /// Whether the first line has been heard.
    pub fn has_begun(&self) -> bool {
        self.stage != Stage::Hello
    }

    /// Whether an event may come now, and carries the right answer.
    ///
    /// # Errors
    /// What is wrong with it: the visit does not count.
    pub fn judge(&mut self, event: &Event) -> Result<(), String> {
        let calls = self.visit.warmup + self.visit.iterations;
        let last = if self.judge.is_some() { Stage::Teardown } else { Stage::Done };
        let after_call = |heard: u32| if heard == calls { last } else { Stage::Calls(heard) };
        self.stage = match (self.stage, event) {
            (_, Event::Error(failure)) => return Err(failure.message.clone()),
            (Stage::Hello, Event::Hello(hello)) => {
                if hello.protocol != PROTOCOL {
                    return Err(format!(
                        "the runner speaks protocol {}, this harness speaks {PROTOCOL}",
                        hello.protocol
                    ));
                }
                if (hello.check == Check::None) != self.judge.is_none() {
                    return Err("the runner must say \"check\": \"exact\" or \"z\"".to_string());
                }
                self.check = hello.check;
                if self.judge.is_some() { Stage::Setup } else { after_call(0) }
            }
            (Stage::Setup, Event::Setup(_)) => after_call(0),
            (Stage::Calls(heard), Event::Warmup(call)) if heard < self.visit.warmup => {
                self.hear(call)?;
                after_call(heard + 1)
            }
            (Stage::Calls(heard), Event::Call(call)) if heard >= self.visit.warmup => {
                self.hear(call)?;
                after_call(heard + 1)
            }
            (Stage::Teardown, Event::Teardown(_)) => Stage::Done,
            (Stage::Done, Event::Done(done)) => {
                check_cpus(self.visit, &done.cpus, &self.worked)?;
                Stage::End
            }
            (stage, event) => {
                let (said, due) = (name(event), self.due(stage));
                return Err(format!("the runner said {said} where {due} was due"));
            }
        };
        Ok(())
    }

    fn hear(&mut self, call: &Call) -> Result<(), String> {
        let numbered = call.workers.iter().enumerate();
        let worked = numbered.filter(|(_, worker)| worker.blocks > Some(0));
        self.worked.extend(worked.map(|(worker, _)| worker));
        if let Some(problem) = &call.problem {
            return Err(problem.clone());
        }
        match &mut self.judge {
            Some(judge) => judge.judge(self.visit, self.check, call),
            None if call.wall_ns == 0 => Err("a call of 0 ns was reported".to_string()),
            None => self.hear_printed(call.printed.as_ref()),
        }
    }

    /// Holds what a command printed to what it must print.
    fn hear_printed(&mut self, printed: Option<&Printed>) -> Result<(), String> {
        let Some(program) = self.program else { return Ok(()) };
        let Some(expect) = &program.commands.expect else { return Ok(()) };
        let first = program.expected.or(self.first_printed.as_ref());
        printed::judge(expect, first, printed)?;
        if *expect == Expect::Same && first.is_none() {
            self.first_printed = printed.map(|printed| ExpectedOutput {
                label: String::new(),
                sha256: printed.sha256.clone(),
                bytes: printed.bytes,
            });
        }
        Ok(())
    }

    /// How the runner wants its answers to be checked.
    pub fn check(&self) -> Check {
        self.check
    }

    /// After the last line.
    ///
    /// # Errors
    /// If something is missing.
    pub fn finish(&self) -> Result<(), String> {
        match self.stage {
            Stage::End => self.judge.as_ref().map_or(Ok(()), Judge::finish),
            stage => Err(format!("the runner ended where {} was due", self.due(stage))),
        }
    }

    /// What may come at that stage, in words.
    fn due(&self, stage: Stage) -> &'static str {
        match stage {
            Stage::Hello => "\"hello\"",
            Stage::Setup => "\"setup\"",
            Stage::Calls(heard) if heard < self.visit.warmup => "\"warmup\"",
            Stage::Calls(_) => "\"call\"",
            Stage::Teardown => "\"teardown\"",
            Stage::Done => "\"done\"",
            Stage::End => "the end",
        }
    }
}

/// Workers that were to be pinned must say where they ran, and it must be there:
/// all of it, and for each that `worked` (from 0) some of it. Somebody may have
/// changed a mask after it was set.
fn check_cpus(visit: &Visit, used: &str, worked: &BTreeSet<usize>) -> Result<(), String> {
    let Some(pin) = &visit.pin else { return Ok(()) };
    let allowed: Vec<usize> =
        pin.iter().filter_map(|list| parse_cpu_list(list)).flatten().collect();
    let allowed_list = cpu_list(&allowed);
    match parse_cpu_list(used) {
        Some(used) if used.is_empty() => Err(format!(
            "the workers were to be pinned to CPUs {allowed_list}, and the runner does not say in \
             \"done\" which CPUs they used"
        )),
        Some(used) if used.iter().all(|cpu| allowed.contains(cpu)) => {
            let was_seen = |worker: &usize| {
                let own = pin.get(*worker).and_then(|list| parse_cpu_list(list));
                own.is_none_or(|own| own.iter().any(|cpu| used.contains(cpu)))
            };
            worked.iter().find(|worker| !was_seen(worker)).map_or(Ok(()), |worker| {
                let (used, own) = (cpu_list(&used), &pin[*worker]);
                let worker = worker + 1;
                Err(format!("worker {worker} was pinned to CPUs {own}, and all ran on {used}"))
            })
        }
        Some(used) => Err(format!(
            "the workers were to be pinned to CPUs {allowed_list} and ran on {}",
            cpu_list(&used)
        )),
        None => Err(format!("cpus: {used:?} is no list of CPUs; for example 0-3,8")),
    }
}

/// Understands a line.
///
/// # Errors
/// If it is no event.
pub fn parse(line: &[u8]) -> Result<Event, String> {
    let wrong = |error: &dyn std::fmt::Display| {
        format!("the runner said {}, which is no event: {error}", excerpt(line))
    };
    // What is skipped as unknown, serde_json would take without a look.
    let text = std::str::from_utf8(line).map_err(|error| wrong(&error))?;
    serde_json::from_str(text).map_err(|error| wrong(&error))
}

/// The key of an event.
fn name(event: &Event) -> &'static str {
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

/// The beginning of a line, fit to be shown.
fn excerpt(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(80)]);
    if line.len() > 80 { format!("{text:?} …") } else { format!("{text:?}") }
}

#[cfg(test)]
mod damaged;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Pi, Tally};
    use crate::runner::protocol::Worker;

    fn visit() -> Visit {
        Visit {
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

    const TRUTH: Truth =
        Truth { kernel: &Pi, tally: Some(Tally { draws: 256, sum: 200, sum_sq: 200 }) };

    fn worker(hits: u64) -> Worker {
        Worker {
            name: format!("w{hits}"),
            busy_ns: None,
            cpu_ns: None,
            blocks: Some(2),
            tally: Some(Tally::of_hits(128, hits)),
        }
    }

    fn call(hits: [u64; 2]) -> Call {
        Call {
            wall_ns: 1000,
            tally: Some(Tally::of_hits(256, hits[0] + hits[1])),
            workers: hits.map(worker).to_vec(),
            ..Call::default()
        }
    }

    /// What is wrong with a whole visit whose only counted call is `call`.
    fn judged(check: &str, call: Call) -> Result<(), String> {
        let visit = visit();
        let mut conversation = Conversation::new(&visit, Some(TRUTH));
        let hello = format!(r#"{{"hello":{{"protocol":1,"check":"{check}"}}}}"#);
        conversation.judge(&parse(hello.as_bytes())?)?;
        conversation.judge(&parse(br#"{"setup":{"wall_ns":1,"later":true}}"#)?)?;
        conversation.judge(&Event::Warmup(call.clone()))?;
        conversation.judge(&Event::Call(call))?;
        conversation.judge(&parse(br#"{"teardown":{"wall_ns":1}}"#)?)?;
        conversation.judge(&parse(br#"{"done":{}}"#)?)?;
        conversation.finish()
    }

    #[test]
    fn the_right_answer_passes() {
        assert_eq!(judged("exact", call([99, 101])), Ok(()));
    }

    #[test]
    fn one_hit_too_many_is_a_wrong_tally() {
        let problem = judged("exact", call([99, 102])).expect_err("wrong");
        assert!(problem.contains("sum 201 and sum of squares 201 instead of 200"), "{problem}");
    }

    #[test]
    fn workers_that_do_not_add_up_are_a_wrong_tally() {
        let mut wrong = call([99, 101]);
        wrong.workers[0].tally = Some(Tally::of_hits(128, 98));
        assert!(judged("exact", wrong).expect_err("wrong").contains("do not add up"));
    }

    #[test]
    fn a_block_that_nobody_computed_is_noticed() {
        let mut wrong = call([99, 101]);
        wrong.workers[0].blocks = Some(1);
        assert_eq!(judged("exact", wrong), Err("the workers computed 3 of 4 blocks".to_string()));
    }

    #[test]
    fn sums_that_overflow_do_not_add_up_by_going_round() {
        let mut wrong = call([99, 101]);
        wrong.workers[0].blocks = Some(u64::MAX);
        wrong.workers[1].blocks = Some(5);
        assert!(judged("exact", wrong).expect_err("wrong").contains("of 4 blocks"));
        let mut wrong = call([99, 101]);
        let draws = u64::MAX - 127;
        wrong.workers[0].tally = Some(Tally { draws, ..Tally::of_hits(0, 99) });
        wrong.workers[1].tally = Some(Tally { draws: 384, ..Tally::of_hits(0, 101) });
        assert!(judged("exact", wrong).expect_err("wrong").contains("do not add up"));
    }

    #[test]
    fn a_runner_with_its_own_numbers_is_held_to_the_exact_answer() {
        assert_eq!(judged("z", call([98, 103])), Ok(()));
        let problem = judged("z", call([60, 68])).expect_err("implausible");
        assert!(problem.contains("standard errors from 3.14159"), "{problem}");
    }

    #[test]
    fn workers_that_threw_the_same_darts_in_every_call_are_found_out() {
        let problem = judged("z", call([100, 100])).expect_err("the same darts");
        assert!(problem.contains("workers 1 and 2 have equal tallies in all 2 calls"), "{problem}");
    }

    #[test]
    fn the_notebooks_four_workers_are_found_out_in_a_single_call() {
        // 4 × 19,529 of 4 × 25,000, which the notebook printed as 3.12464.
        let visit = Visit { nthread: 4, block: 1 << 5, blocks: 3125, warmup: 0, ..visit() };
        let tally = Some(Tally::of_hits(100_000, 78_500));
        let truth = Some(Truth { kernel: &Pi, tally });
        let mut conversation = Conversation::new(&visit, truth);
        let share = Worker { tally: Some(Tally::of_hits(25_000, 19_529)), ..worker(0) };
        let share = Worker { blocks: None, ..share };
        let tally = Tally::of_hits(100_000, 78_116);
        let call = Call { tally: Some(tally), workers: vec![share; 4], ..call([1, 1]) };
        let hello = parse(br#"{"hello":{"protocol":1,"check":"z"}}"#).expect("hello");
        conversation.judge(&hello).expect("hello is due");
        conversation.judge(&parse(br#"{"setup":{"wall_ns":1}}"#).expect("setup")).expect("due");
        let problem = conversation.judge(&Event::Call(call)).expect_err("the same darts");
        assert!(problem.contains("4 workers have the same sum"), "{problem}");
    }

    #[test]
    fn two_workers_may_meet_by_chance() {
        let visit = visit();
        let mut judge = Judge::new(TRUTH);
        assert_eq!(judge.judge(&visit, Check::Z, &call([100, 100])), Ok(()));
        assert_eq!(judge.judge(&visit, Check::Z, &call([98, 103])), Ok(()));
        assert_eq!(judge.finish(), Ok(()));
    }

    #[test]
    fn an_answer_without_spread_is_not_random() {
        let problem = judged("z", call([128, 128])).expect_err("all inside");
        assert!(problem.contains("its standard error is 0"), "{problem}");
    }

    #[test]
    fn a_wrong_sum_of_squares_does_not_excuse_a_wrong_estimate() {
        let mut wrong = call([64, 64]);
        wrong.tally = Some(Tally { sum_sq: 128 * 128, ..wrong.tally.expect("a tally") });
        wrong.workers.clear();
        let problem = judged("z", wrong).expect_err("a spread that cannot be");
        assert!(problem.contains("is sum_sq the sum of the squares?"), "{problem}");
    }

    #[test]
    fn a_call_that_took_no_time_is_refused() {
        let problem = judged("exact", Call { wall_ns: 0, ..call([99, 101]) });
        assert_eq!(problem, Err("the runner reports a call of 0 ns".to_string()));
    }

    #[test]
    fn events_out_of_order_say_what_was_due() {
        let visit = visit();
        let mut conversation = Conversation::new(&visit, Some(TRUTH));
        let problem = conversation.judge(&Event::Call(call([99, 101])));
        assert_eq!(problem, Err("the runner said \"call\" where \"hello\" was due".to_string()));
        assert_eq!(
            conversation.finish(),
            Err("the runner ended where \"hello\" was due".to_string())
        );
    }

    #[test]
    fn pinned_workers_must_have_run_where_they_were_pinned_to() {
        let pinned = Visit { pin: Some(vec!["0".into(), "2".into()]), ..visit() };
        let check_cpus = |visit: &Visit, used| check_cpus(visit, used, &BTreeSet::from([1]));
        assert_eq!(check_cpus(&pinned, "0,2"), Ok(()));
        assert_eq!(check_cpus(&pinned, "2"), Ok(()));
        let moved = check_cpus(&pinned, "0").expect_err("the second worker was moved");
        assert_eq!(moved, "worker 2 was pinned to CPUs 2, and all ran on 0");
        let strayed = check_cpus(&pinned, "0-2").expect_err("CPU 1 is not theirs");
        assert_eq!(strayed, "the workers were to be pinned to CPUs 0,2 and ran on 0-2");
        assert!(check_cpus(&pinned, "").expect_err("silence").contains("does not say"));
        assert!(check_cpus(&pinned, "all").expect_err("no list").contains("\"all\""));
        for used in ["", "0-99", "all"] {
            assert_eq!(check_cpus(&visit(), used), Ok(()), "nobody asked");
        }
    }

    #[test]
    fn a_line_that_is_no_text_is_no_event_even_where_nobody_reads_it() {
        let problem = parse(b"{\"setup\":{\"wall_ns\":1,\"mood\":\"na\xefve\"}}");
        assert!(problem.expect_err("Latin-1").contains("no event: invalid utf-8"));
    }

    #[test]
    fn a_list_is_no_object_wherever_one_is_due() {
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
            assert!(problem.contains("which is no event"), "{problem}");
        }
    }

    #[test]
    fn a_number_is_an_integer_within_its_range_and_said_once() {
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
    fn what_is_no_event_is_quoted() {
        let problem = parse(b"Traceback (most recent call last):").expect_err("no event");
        assert!(problem.contains("Traceback"), "{problem}");
    }
}
