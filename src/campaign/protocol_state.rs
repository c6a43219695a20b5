//! Protocol state of one visit: order, completeness and tallies of the runner's events.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::output_check;
use super::tally_check::{Reference, TallyCheck};
use super::visit_spec::CommandWorkload;
use crate::machine::{cpu_list, parse_cpu_list};
use crate::record::{ExpectedOutput, OutputCheck, PrintedOutput};
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
    /// Output of the command's runs in this visit, where it may be anything.
    printed: Option<PrintedOutput>,
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
            printed: None,
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

    /// Output of the command's runs, where it may be anything; without the index of its case.
    pub fn printed(&self) -> Option<PrintedOutput> {
        self.printed.clone()
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
        let Some(expect) = &command.commands.expect else {
            self.add_printed(output);
            return Ok(());
        };
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

    /// Adds the output of a run that may print anything.
    fn add_printed(&mut self, output: Option<&CapturedOutput>) {
        let Some(output) = output else { return };
        let sha256 = output.sha256.clone();
        let run = PrintedOutput { sha256, bytes: output.bytes, ..PrintedOutput::default() };
        match &mut self.printed {
            Some(printed) => {
                printed.add(&run);
            }
            None => self.printed = Some(run),
        }
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
mod tests;
