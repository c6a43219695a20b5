//! State of a run: its visits so far, the next group, the retired cases, and whether it
//! stops.
//!
//! A run updates it visit by visit; a resume rebuilds it from the rows on the disk by the
//! same steps. So a run that was interrupted continues as if it had not been.

use std::collections::HashMap;
use std::time::Duration;

use super::stopping::Stopping;
use crate::plan::round_order;
use crate::record::{Phase, Plan, Row, StopReason};
use crate::stats::widest;
use crate::visits::{Timing, VisitOutcome, Visits, rows_by_visit};

/// Consecutive failures after which a case is not visited again.
const FAILURES_TO_RETIRE: u32 = 2;

/// Group of a round: (round, group), both from 0.
pub type Group = (u32, u32);

/// State of a run between two visits.
pub struct RunState {
    /// Times of the visits so far.
    pub visits: Visits<Timing>,
    /// Next group: all before it are complete.
    pub next: Group,
    /// Reason for which the run has stopped, if it has.
    pub stop_reason: Option<StopReason>,
    /// Total time of the visits of the first round.
    pub first_round: Duration,
    failures: u64,
    consecutive_failures: Vec<u32>,
    stopping: Stopping,
}

impl RunState {
    /// Starts before the first visit.
    pub fn new(plan: &Plan) -> RunState {
        RunState {
            visits: Visits::empty(plan).into_timings(),
            next: (0, 0),
            stop_reason: None,
            first_round: Duration::ZERO,
            failures: 0,
            consecutive_failures: vec![0; plan.cases.len()],
            stopping: Stopping::new(plan.stopping.rounds, plan.stopping.precision),
        }
    }

    /// Rebuilds the state after these rows. A group with a missing or incomplete visit
    /// counts as not begun.
    pub fn after(rows: &[Row], plan: &Plan) -> RunState {
        let mut groups: HashMap<Group, Vec<Vec<&Row>>> = HashMap::new();
        for (position, rows) in rows_by_visit(rows) {
            groups.entry((position.round, position.group)).or_default().push(rows);
        }
        let mut state = RunState::new(plan);
        for round in 0..plan.stopping.rounds {
            for (group, cases) in (0..).zip(round_order(plan, round)) {
                state.next = (round, group);
                let visits = groups.remove(&(round, group)).unwrap_or_default();
                if !state.add_group(&cases, &visits, plan) {
                    return state;
                }
            }
            state.next = (round + 1, 0);
            if state.end_round(round + 1).is_some() {
                return state;
            }
        }
        state
    }

    /// Adds the visits of a group, if it is complete; returns whether it is.
    fn add_group(&mut self, cases: &[usize], visits: &[Vec<&Row>], plan: &Plan) -> bool {
        let mut complete = Vec::new();
        for &case in cases.iter().filter(|case| !self.is_retired(**case)) {
            let visit = visits.iter().find(|rows| {
                rows.last()
                    .is_some_and(|row| row.phase == Phase::Visit && row.case == plan.cases[case])
            });
            let Some(rows) = visit else { return false };
            complete.push((case, rows));
        }
        for (case, rows) in complete {
            self.add_visit(case, rows);
        }
        true
    }

    /// Adds the rows of a visit to a case, the last of which is that of the whole visit.
    /// Returns the reason for which the visit failed, if it did.
    pub fn add_visit(&mut self, case: usize, rows: &[&Row]) -> Option<String> {
        let outcome = self.visits.add(rows);
        if let Some(row) = rows.last().filter(|row| row.round == 0) {
            let time = Duration::from_nanos(row.wall_ns.unwrap_or(0));
            self.first_round = self.first_round.saturating_add(time);
        }
        match outcome {
            Some(VisitOutcome::Failed(problem)) => {
                self.failures += 1;
                self.consecutive_failures[case] += 1;
                Some(problem)
            }
            _ => {
                self.consecutive_failures[case] = 0;
                None
            }
        }
    }

    /// Number of visits so far that failed.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Tells whether a case has failed too often to be visited again.
    pub fn is_retired(&self, case: usize) -> bool {
        self.consecutive_failures[case] >= FAILURES_TO_RETIRE
    }

    /// Ends a round, after which `rounds` rounds are complete. Returns the reason for which
    /// the run stops, if it does.
    pub fn end_round(&mut self, rounds: u32) -> Option<StopReason> {
        let worst = match self.stopping.looks_after(rounds) {
            // A run of baselines alone has no speedup to wait for.
            true if self.visits.compared_cases().is_empty() => Some(0.0),
            true => self.widest_interval().and_then(|(_, width)| width),
            false => None,
        };
        self.stop_reason = self.stopping.after(rounds, worst);
        self.stop_reason
    }

    /// Case with the widest interval of its speedup, and the relative half-width of that
    /// (`None`: no interval yet), among those that are still visited.
    pub fn widest_interval(&self) -> Option<(usize, Option<f64>)> {
        let mut cases = self.visits.compared_cases();
        cases.retain(|&case| {
            let baseline = self.visits.baseline_of(case);
            !self.is_retired(case) && baseline.is_some_and(|baseline| !self.is_retired(baseline))
        });
        let (index, width) = widest(&self.visits.half_widths(&cases))?;
        Some((cases[index], width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Case, Stopping as Rule};

    /// Plan of three cases, with one group in each round.
    fn plan(rounds: u32, precision: Option<f64>) -> Plan {
        let case = |backend: &str| Case {
            backend: backend.to_string(),
            nthread: 1,
            draws: Some(64),
            block: 64,
            ..Case::default()
        };
        Plan {
            cases: ["sequential", "a", "b"].map(case).to_vec(),
            stopping: Rule { rounds, precision, time_budget_ns: None },
            ..Plan::default()
        }
    }

    /// Rows of a whole run, in which `fails` selects the visits that fail.
    fn rows(plan: &Plan, rounds: u32, fails: impl Fn(u32, usize) -> bool) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut state = RunState::new(plan);
        let mut visit = 0;
        for round in 0..rounds {
            for (group, cases) in (0..).zip(round_order(plan, round)) {
                for case in cases {
                    if !state.is_retired(case) {
                        let blank = Row {
                            round,
                            group,
                            visit,
                            case: plan.cases[case].clone(),
                            ..Row::default()
                        };
                        let wall_ns = Some(1000 + case as u64);
                        let call = Row { phase: Phase::Call, wall_ns, ..blank.clone() };
                        let error =
                            if fails(round, case) { "failed".to_string() } else { String::new() };
                        let last = Row { error, ..blank };
                        state.add_visit(case, &[&call, &last]);
                        rows.extend([call, last]);
                    }
                    visit += 1;
                }
            }
        }
        rows
    }

    #[test]
    fn the_next_group_follows_the_complete_ones_wherever_the_rows_are_cut() {
        let plan = plan(5, None);
        let all = rows(&plan, 5, |_, _| false);
        // Three visits of two rows in a group.
        for cut in 0..all.len() {
            let state = RunState::after(&all[..cut], &plan);
            assert_eq!(state.next, (cut as u32 / 6, 0), "cut at {cut}");
            assert_eq!(state.stop_reason, None, "cut at {cut}");
        }
        assert_eq!(RunState::after(&all, &plan).stop_reason, Some(StopReason::Rounds));
    }

    #[test]
    fn a_repeated_group_counts_as_the_later_session_measured_it() {
        let plan = plan(5, None);
        let mut all = rows(&plan, 2, |_, _| false);
        all.truncate(8);
        let again = rows(&plan, 2, |_, _| false).into_iter().filter(|row| row.round == 1);
        all.extend(again.map(|row| Row { session: 1, ..row }));
        let state = RunState::after(&all, &plan);
        assert_eq!(state.next, (2, 0));
        assert!((0..3).all(|case| state.visits.of_case(case).len() == 2));
    }

    #[test]
    fn a_retired_case_stays_retired() {
        let plan = plan(5, None);
        let all = rows(&plan, 5, |round, case| case == 2 && (1..3).contains(&round));
        assert_eq!(all.iter().filter(|row| row.case.backend == "b").count(), 6);
        let state = RunState::after(&all, &plan);
        assert!(state.is_retired(2) && !state.is_retired(1));
        assert_eq!(state.failures(), 2);
        assert_eq!(state.stop_reason, Some(StopReason::Rounds));
    }

    #[test]
    fn without_cases_to_compare_there_is_no_precision() {
        let plan = plan(50, Some(0.01));
        let state = RunState::after(&rows(&plan, 20, |_, case| case > 0), &plan);
        assert!(state.is_retired(1) && state.is_retired(2));
        assert_eq!((state.stop_reason, state.next), (None, (20, 0)));
    }

    #[test]
    fn earlier_looks_count_after_a_resume() {
        let plan = plan(50, Some(0.01));
        let state = RunState::after(&rows(&plan, 15, |_, _| false), &plan);
        assert_eq!((state.stop_reason, state.next), (Some(StopReason::Precision), (15, 0)));
        let state = RunState::after(&rows(&plan, 14, |_, _| false), &plan);
        assert_eq!((state.stop_reason, state.next), (None, (14, 0)));
    }
}
