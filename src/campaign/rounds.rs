//! Round after round: who is next, and what becomes of each visit.

use std::io;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::errand::{Errand, Form, Program, Task};
use super::listen::CutShort;
use super::standing::Standing;
use super::visit::{self, Clerk, Visited};
use super::{Campaign, Interrupted};
use crate::plan::round_order;
use crate::record::{ExpectedOutput, Output, Position, Retired, Row, StopReason, Target, Writer};

/// What commands print is kept in files of this directory, in that of the results.
const OUTPUT_DIR: &str = "output";

/// Why a session ended, and the signal that ended it, if one did.
type End = (StopReason, Option<Signal>);

impl Campaign<'_> {
    /// The rounds that are left, until enough is known, or the rounds, the time
    /// or somebody's patience end.
    pub(super) fn rounds(
        &mut self,
        writer: &mut Writer,
        standing: &mut Standing,
    ) -> io::Result<End> {
        let mut position = Position { session: self.session, ..Position::default() };
        if let Some(reason) = standing.ended {
            return Ok((reason, None));
        }
        if standing.next == (0, 0)
            && let Err(Interrupted(signal)) = self.try_warm_up()
        {
            return Ok((StopReason::Interrupted, Some(signal)));
        }
        if self.run.plan.commands.as_ref().is_some_and(|it| it.output == Output::Keep) {
            std::fs::create_dir_all(self.dir.join(OUTPUT_DIR))?;
        }
        for round in 0..self.run.plan.stopping.rounds {
            position.round = round;
            for (group, cases) in (0..).zip(round_order(&self.run.plan, round)) {
                position.group = group;
                if (round, group) < standing.next {
                    // Made by an earlier session.
                    position.visit += cases.len() as u64;
                } else if let Some(end) = self.group(&cases, &mut position, writer, standing)? {
                    return Ok(end);
                }
            }
            if round < standing.next.0 {
                continue;
            }
            self.first_round_ended(standing)?;
            self.round_ended(round, standing);
            if let Some(reason) = standing.round_ended(round + 1) {
                return Ok((reason, None));
            }
        }
        Ok((StopReason::Rounds, None))
    }

    /// The visits of a group.
    fn group(
        &mut self,
        cases: &[usize],
        position: &mut Position,
        writer: &mut Writer,
        standing: &mut Standing,
    ) -> io::Result<Option<End>> {
        for &case in cases {
            if let Some(signal) = self.supervisor.interrupted() {
                return Ok(Some((StopReason::Interrupted, Some(signal))));
            }
            if self.time_left() == Some(Duration::ZERO) {
                return Ok(Some((StopReason::Budget, None)));
            }
            if !standing.is_retired(case) {
                self.progress.visiting(position.round, &self.run.plan.cases[case]);
                let visited = match self.visit(case, *position)? {
                    Ok(visited) => visited,
                    Err(Interrupted(signal)) => {
                        return Ok(Some((StopReason::Interrupted, Some(signal))));
                    }
                };
                writer.append(&visited.rows)?;
                let rows: Vec<&Row> = visited.rows.iter().collect();
                if let Some(problem) = standing.visited(case, &rows) {
                    self.failed(case, position.round, problem, standing);
                }
            }
            self.progress.visited();
            position.visit += 1;
        }
        Ok(None)
    }

    /// What the time budget leaves; `None` where there is none.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let budget = Duration::from_nanos(self.run.plan.stopping.time_budget_ns?);
        let used = self.spent + self.session_start.elapsed().saturating_sub(self.suspended);
        Some(budget.saturating_sub(used))
    }

    /// One visit. Its rows are written when it is over: nothing touches the
    /// disk while a call is timed.
    fn visit(
        &mut self,
        index: usize,
        position: Position,
    ) -> io::Result<Result<Visited, Interrupted>> {
        let plan = &self.run.plan;
        let case = plan.cases[index].clone();
        let commands = plan.commands.clone();
        let baseline = plan.baseline.and_then(|baseline| plan.cases.get(baseline)).cloned();
        let expected = plan.expected_outputs.iter().find(|it| it.label == case.label).cloned();
        let kept = self.dir.join(OUTPUT_DIR).join(format!("visit-{}", position.visit));
        let task = match (plan.target, &commands, self.truth_of(&case), &baseline) {
            (Target::Kernel, _, Some(truth), _) => Task::Job(truth),
            (Target::Command, Some(commands), ..) => {
                Task::Command(Program { commands, expected: expected.as_ref(), kept: &kept })
            }
            (Target::Function, .., Some(baseline)) => Task::Function(baseline),
            _ => return Err(io::Error::other("the plan has a case without a job")),
        };
        let errand = Errand {
            case: &case,
            task,
            warmup: plan.warmup,
            iterations: plan.iterations,
            timeout: self.forecast.timeout(plan, &case),
            form: Form::Fastest,
        };
        let mut visited = match self.send(&errand, position) {
            Ok(visited) => visited,
            Err(interrupted) => return Ok(Err(interrupted)),
        };
        if let Some(first) = &visited.first_printed {
            // From here on it is held to that, after a resume as well.
            let first = ExpectedOutput { label: case.label.clone(), ..first.clone() };
            self.run.plan.expected_outputs.push(first);
            self.run.write(&self.dir)?;
        }
        if visited.problem.is_none()
            && let Err(problem) = self.spread.visited(index, visited.check, &visited.rows)
        {
            visited.fail(problem);
        }
        Ok(Ok(visited))
    }

    /// Says and remembers that a visit failed, and whether its case is retired.
    fn failed(&mut self, index: usize, round: u32, error: String, standing: &Standing) {
        self.failures += 1;
        let is_retired = standing.is_retired(index);
        let case = &self.run.plan.cases[index];
        let then =
            if is_retired { "; it failed twice in a row and is not visited again" } else { "" };
        let who = case.title_and_count();
        self.progress.problem(&format!("round {}: {who}: {error}{then}", round + 1));
        if is_retired && let Some(session) = self.run.sessions.last_mut() {
            session.retired.push(Retired { case: index, round, error });
        }
    }

    /// Sends a runner on an errand; again, if the run was stopped meanwhile.
    pub(super) fn send(
        &mut self,
        errand: &Errand<'_>,
        position: Position,
    ) -> Result<Visited, Interrupted> {
        loop {
            let clerk = Clerk {
                session_start: self.session_start,
                position,
                progress: self.progress,
                meter: &self.meter,
            };
            match visit::visit(&mut self.supervisor, self.registry, &self.places, errand, clerk) {
                Ok(visited) => return Ok(visited),
                Err(CutShort::Interrupted(signal)) => return Err(Interrupted(signal)),
                Err(CutShort::Suspended(time)) => {
                    self.suspended += time;
                    let (who, n) = (&errand.case.backend, errand.case.nthread);
                    self.progress.problem(&format!(
                        "stopped for {:.1} s during {who}, n = {n}: that visit is made again",
                        time.as_secs_f64()
                    ));
                }
            }
        }
    }
}
