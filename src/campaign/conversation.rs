//! Listens to a runner: every line must make sense, come in its place, and
//! carry the right answer.

use std::collections::BTreeSet;

use crate::kernel::{Kernel, Tally};
use crate::runner::protocol::{Call, Check, Event, PROTOCOL, Visit, Worker};

/// Standard errors by which an estimate may miss the exact answer: chance alone
/// does so once in 1.7 million calls.
const Z_LIMIT: f64 = 5.0;

/// A standard error may differ from the reference's by this factor: that of an
/// honest runner differs by far less from some thousand draws on.
const SPREAD: f64 = 1.5;

/// Below this chance, workers with equal tallies did not meet by chance.
const CHANCE_LIMIT: f64 = 1e-5;

/// What a runner's answers are held to.
#[derive(Clone, Copy)]
pub struct Truth {
    /// The kernel, for its scale and its exact answer.
    pub kernel: &'static dyn Kernel,
    /// The tally that runners with the block streams must return; `None` while
    /// the reference visit itself is finding it out.
    pub tally: Option<Tally>,
}

/// One visit's lines so far.
pub struct Conversation<'a> {
    visit: &'a Visit,
    truth: Truth,
    check: Option<Check>,
    stage: Stage,
    /// Calls that were heard, and the pairs of workers with equal tallies in
    /// each of them.
    equal_in_all_calls: Option<(u32, BTreeSet<(usize, usize)>)>,
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
    /// Before the first line.
    pub fn new(visit: &'a Visit, truth: Truth) -> Self {
        let stage = Stage::Hello;
        Conversation { visit, truth, check: None, stage, equal_in_all_calls: None }
    }

    /// Whether an event may come now, and carries the right answer.
    ///
    /// # Errors
    /// What is wrong with it: the visit does not count.
    pub fn judge(&mut self, event: &Event) -> Result<(), String> {
        let calls = self.visit.warmup + self.visit.iterations;
        let after_call = |heard: u32| {
            if heard == calls { Stage::Teardown } else { Stage::Calls(heard) }
        };
        self.stage = match (self.stage, event) {
            (_, Event::Error(failure)) => return Err(failure.message.clone()),
            (Stage::Hello, Event::Hello(hello)) => {
                if hello.protocol != PROTOCOL {
                    return Err(format!(
                        "the runner speaks protocol {}, this harness speaks {PROTOCOL}",
                        hello.protocol
                    ));
                }
                self.check = Some(hello.check);
                Stage::Setup
            }
            (Stage::Setup, Event::Setup(_)) => after_call(0),
            (Stage::Calls(heard), Event::Warmup(call)) if heard < self.visit.warmup => {
                self.check_call(call)?;
                after_call(heard + 1)
            }
            (Stage::Calls(heard), Event::Call(call)) if heard >= self.visit.warmup => {
                self.check_call(call)?;
                after_call(heard + 1)
            }
            (Stage::Teardown, Event::Teardown(_)) => Stage::Done,
            (Stage::Done, Event::Done(_)) => Stage::End,
            (stage, event) => {
                let (said, due) = (name(event), self.due(stage));
                return Err(format!("the runner said {said} where {due} was due"));
            }
        };
        Ok(())
    }

    /// After the last line.
    ///
    /// # Errors
    /// If something is missing.
    pub fn finish(&self) -> Result<(), String> {
        match self.stage {
            Stage::End => self.check_twins(),
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

    /// The answer of a call, and of each of its workers.
    fn check_call(&mut self, call: &Call) -> Result<(), String> {
        if call.wall_ns == 0 {
            return Err("the runner reports a call of 0 ns".to_string());
        }
        let draws = self.visit.blocks * self.visit.block;
        if call.tally.draws != draws {
            return Err(format!("wrong tally: {} draws instead of {draws}", call.tally.draws));
        }
        self.check_parts(call)?;
        match (self.check, self.truth.tally) {
            (Some(Check::Exact), Some(expected)) if call.tally != expected => Err(format!(
                "wrong tally: sum {} and sum of squares {} instead of {} and {}",
                call.tally.sum, call.tally.sum_sq, expected.sum, expected.sum_sq
            )),
            (Some(Check::Z), _) => self.check_z(call),
            _ => Ok(()),
        }
    }

    /// The workers' parts must add up to the whole.
    fn check_parts(&self, call: &Call) -> Result<(), String> {
        if call.workers.len() > self.visit.nthread as usize {
            return Err(format!(
                "{} workers answered where {} were asked for",
                call.workers.len(),
                self.visit.nthread
            ));
        }
        let blocks: Option<Vec<u64>> = call.workers.iter().map(|worker| worker.blocks).collect();
        let blocks = blocks.filter(|blocks| !blocks.is_empty());
        let sum = blocks.map(|blocks| blocks.into_iter().fold(0, u64::wrapping_add));
        if let Some(sum) = sum.filter(|sum| *sum != self.visit.blocks) {
            return Err(format!("the workers computed {sum} of {} blocks", self.visit.blocks));
        }
        let tallies: Option<Vec<Tally>> = call.workers.iter().map(|worker| worker.tally).collect();
        match tallies {
            Some(tallies) if !tallies.is_empty() => {
                let sum = tallies.into_iter().fold(Tally::default(), |sum, tally| sum + tally);
                if sum == call.tally {
                    Ok(())
                } else {
                    Err("wrong tally: the workers' tallies do not add up to it".to_string())
                }
            }
            _ => Ok(()),
        }
    }

    /// A runner with random numbers of its own: the estimate must be plausible,
    /// and its workers must not have thrown the same darts.
    fn check_z(&mut self, call: &Call) -> Result<(), String> {
        self.check_coincidences(call)?;
        let Some(reference) = self.truth.tally else { return Ok(()) };
        let scale = self.truth.kernel.scale();
        let said = (call.tally.estimate(scale), call.tally.std_error(scale));
        let expected = (reference.estimate(scale), reference.std_error(scale));
        let ((Some(estimate), Some(error)), (Some(centre), Some(sigma))) = (said, expected) else {
            return Err("wrong tally: too few draws to be judged".to_string());
        };
        // The yardstick is the reference's, of as many draws: a runner whose
        // sum of squares is wrong must not be judged by its own.
        if !(error / sigma > 1.0 / SPREAD && error / sigma < SPREAD) {
            return Err(format!(
                "wrong tally: its standard error is {error:e}, the reference's is {sigma:e}; \
                 is sum_sq the sum of the squares?"
            ));
        }
        let (centre, sigma) = match self.truth.kernel.exact() {
            Some(exact) => (exact, sigma),
            None => (centre, sigma * std::f64::consts::SQRT_2),
        };
        let z = (estimate - centre) / sigma;
        if z.abs() <= Z_LIMIT {
            return Ok(());
        }
        Err(format!(
            "wrong tally: the estimate {estimate} lies {z:.1} standard errors from {centre}"
        ))
    }

    /// Two workers with equal tallies may have met by chance; not in every call
    /// of a visit, and not many workers at once.
    fn check_coincidences(&mut self, call: &Call) -> Result<(), String> {
        let random = |worker: &Worker| worker.tally.filter(|tally| tally.draws > 1);
        let tallies: Vec<Option<Tally>> = call.workers.iter().map(random).collect();
        let mut equal = BTreeSet::new();
        for (one, tally) in tallies.iter().enumerate().filter(|(_, tally)| tally.is_some()) {
            let others = tallies.iter().enumerate().skip(one + 1);
            equal
                .extend(others.filter(|(_, other)| *other == tally).map(|(other, _)| (one, other)));
        }
        if let Some((one, _)) = equal.first() {
            let alike = tallies.iter().filter(|tally| **tally == tallies[*one]).count();
            let chance = chance_of_equality(call, tallies[*one]);
            if alike > 2 && chance.powi(alike as i32 - 1) < CHANCE_LIMIT {
                return Err(format!(
                    "wrong tally: {alike} workers have the same sum: do they use the same random numbers?"
                ));
            }
        }
        self.equal_in_all_calls = match self.equal_in_all_calls.take() {
            None => Some((1, equal)),
            Some((calls, before)) => {
                Some((calls + 1, before.intersection(&equal).copied().collect()))
            }
        };
        Ok(())
    }

    /// Workers that gave the same tally in every call of the visit.
    fn check_twins(&self) -> Result<(), String> {
        let Some((calls, pairs)) = &self.equal_in_all_calls else { return Ok(()) };
        match pairs.first() {
            Some((one, other)) if *calls > 1 => Err(format!(
                "wrong tally: workers {} and {} have equal tallies in all {calls} calls: do they \
                 use the same random numbers?",
                one + 1,
                other + 1
            )),
            _ => Ok(()),
        }
    }
}

/// The chance that two workers with independent numbers have the same sum:
/// 1 / (2 √π σ), for sums that are nearly normal with standard deviation σ.
fn chance_of_equality(call: &Call, tally: Option<Tally>) -> f64 {
    let workers = call.workers.len().max(1) as f64;
    let draws = tally.map_or(call.tally.draws as f64 / workers, |tally| tally.draws as f64);
    let (sum, sum_sq) = (call.tally.sum as f64, call.tally.sum_sq as f64);
    let all = call.tally.draws as f64;
    let variance = (sum_sq / all - (sum / all).powi(2)).max(f64::MIN_POSITIVE) * draws;
    1.0 / (2.0 * std::f64::consts::PI.sqrt() * variance.sqrt()).max(1.0)
}

/// Understands a line.
///
/// # Errors
/// If it is no event.
pub fn parse(line: &[u8]) -> Result<Event, String> {
    serde_json::from_slice(line)
        .map_err(|error| format!("the runner said {}, which is no event: {error}", excerpt(line)))
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
mod tests {
    use super::*;
    use crate::kernel::Pi;

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
            user_ns: None,
            system_ns: None,
            tally: Tally::of_hits(256, hits[0] + hits[1]),
            workers: hits.map(worker).to_vec(),
        }
    }

    /// What is wrong with a whole visit whose only counted call is `call`.
    fn judged(check: &str, call: Call) -> Result<(), String> {
        let visit = visit();
        let mut conversation = Conversation::new(&visit, TRUTH);
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
        let truth = Truth { kernel: &Pi, tally };
        let mut conversation = Conversation::new(&visit, truth);
        let share = Worker { tally: Some(Tally::of_hits(25_000, 19_529)), ..worker(0) };
        let share = Worker { blocks: None, ..share };
        let tally = Tally::of_hits(100_000, 78_116);
        let call = Call { tally, workers: vec![share; 4], ..call([1, 1]) };
        let hello = parse(br#"{"hello":{"protocol":1,"check":"z"}}"#).expect("hello");
        conversation.judge(&hello).expect("hello is due");
        conversation.judge(&parse(br#"{"setup":{"wall_ns":1}}"#).expect("setup")).expect("due");
        let problem = conversation.judge(&Event::Call(call)).expect_err("the same darts");
        assert!(problem.contains("4 workers have the same sum"), "{problem}");
    }

    #[test]
    fn two_workers_may_meet_by_chance() {
        let visit = visit();
        let mut conversation = Conversation::new(&visit, TRUTH);
        conversation.check = Some(Check::Z);
        assert_eq!(conversation.check_call(&call([100, 100])), Ok(()));
        assert_eq!(conversation.check_call(&call([98, 103])), Ok(()));
        assert_eq!(conversation.check_twins(), Ok(()));
    }

    #[test]
    fn an_answer_without_spread_is_not_random() {
        let problem = judged("z", call([128, 128])).expect_err("all inside");
        assert!(problem.contains("its standard error is 0"), "{problem}");
    }

    #[test]
    fn a_wrong_sum_of_squares_does_not_excuse_a_wrong_estimate() {
        let mut wrong = call([64, 64]);
        wrong.tally.sum_sq = 128 * 128;
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
        let mut conversation = Conversation::new(&visit, TRUTH);
        let problem = conversation.judge(&Event::Call(call([99, 101])));
        assert_eq!(problem, Err("the runner said \"call\" where \"hello\" was due".to_string()));
        assert_eq!(
            conversation.finish(),
            Err("the runner ended where \"hello\" was due".to_string())
        );
    }

    #[test]
    fn what_is_no_event_is_quoted() {
        let problem = parse(b"Traceback (most recent call last):").expect_err("no event");
        assert!(problem.contains("Traceback"), "{problem}");
    }
}
