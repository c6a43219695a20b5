//! How far a run has come, and what follows from it: who is retired, whether
//! enough is known, which group is next.
//!
//! A run keeps it up visit by visit; a resume makes it again from the rows on
//! the disk, by the same steps. So a run that was cut short goes on as if
//! nothing had been.

use std::collections::HashMap;
use std::time::Duration;

use super::stopping::Stopping;
use crate::plan::round_order;
use crate::record::{Phase, Plan, Row, StopReason};
use crate::stats::widest;
use crate::visits::{Timing, VisitOutcome, Visits, rows_by_visit};

/// Failures in a row after which a case is not visited again.
const FAILURES_TO_RETIRE: u32 = 2;

/// A group of a round: (round, group), both from 0.
pub type Group = (u32, u32);

/// How far a run has come.
pub struct Standing {
    /// What the visits so far say.
    pub visits: Visits<Timing>,
    /// The group that is made next: all before it are whole.
    pub next: Group,
    /// Why the run is over, if it is.
    pub ended: Option<StopReason>,
    /// How long the visits of the first round took.
    pub first_round: Duration,
    failures: u64,
    failures_in_a_row: Vec<u32>,
    stopping: Stopping,
}

impl Standing {
    /// Before the first visit.
    pub fn at_start(plan: &Plan) -> Standing {
        Standing {
            visits: Visits::empty(plan).into_timings(),
            next: (0, 0),
            ended: None,
            first_round: Duration::ZERO,
            failures: 0,
            failures_in_a_row: vec![0; plan.cases.len()],
            stopping: Stopping::new(plan.stopping.rounds, plan.stopping.precision),
        }
    }

    /// After these rows. A group of which a visit is missing or torn counts as
    /// not begun.
    pub fn after(rows: &[Row], plan: &Plan) -> Standing {
        let mut groups: HashMap<Group, Vec<Vec<&Row>>> = HashMap::new();
        for (place, rows) in rows_by_visit(rows) {
            groups.entry((place.round, place.group)).or_default().push(rows);
        }
        let mut standing = Standing::at_start(plan);
        for round in 0..plan.stopping.rounds {
            for (group, cases) in (0..).zip(round_order(plan, round)) {
                standing.next = (round, group);
                let made = groups.remove(&(round, group)).unwrap_or_default();
                if !standing.take(&cases, &made, plan) {
                    return standing;
                }
            }
            standing.next = (round + 1, 0);
            if standing.round_ended(round + 1).is_some() {
                return standing;
            }
        }
        standing
    }

    /// Takes a group that is whole; leaves everything as it was if it is not.
    fn take(&mut self, cases: &[usize], made: &[Vec<&Row>], plan: &Plan) -> bool {
        let visit_to = |case: usize| {
            made.iter().find(|rows| {
                rows.last()
                    .is_some_and(|row| row.phase == Phase::Visit && row.case == plan.cases[case])
            })
        };
        let due = cases.iter().copied().filter(|case| !self.is_retired(*case));
        let Some(visits) =
            due.map(|case| Some((case, visit_to(case)?))).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        for (case, rows) in visits {
            self.visited(case, rows);
        }
        true
    }

    /// A visit to that case has these rows, the last of which is its own.
    /// Returns what went wrong, if anything did.
    pub fn visited(&mut self, case: usize, rows: &[&Row]) -> Option<String> {
        let outcome = self.visits.add(rows);
        if let Some(row) = rows.last().filter(|row| row.round == 0) {
            let time = Duration::from_nanos(row.wall_ns.unwrap_or(0));
            self.first_round = self.first_round.saturating_add(time);
        }
        match outcome {
            Some(VisitOutcome::Failed(problem)) => {
                self.failures += 1;
                self.failures_in_a_row[case] += 1;
                Some(problem)
            }
            _ => {
                self.failures_in_a_row[case] = 0;
                None
            }
        }
    }

    /// Visits so far that failed.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Whether a case failed so often in a row that it is not visited again.
    pub fn is_retired(&self, case: usize) -> bool {
        self.failures_in_a_row[case] >= FAILURES_TO_RETIRE
    }

    /// So many rounds are whole: why the run is over, if it is.
    pub fn round_ended(&mut self, rounds: u32) -> Option<StopReason> {
        let worst = match self.stopping.looks_after(rounds) {
            // A run of baselines alone has no speedup that is not known.
            true if self.visits.compared_cases().is_empty() => Some(0.0),
            true => self.least_known().and_then(|(_, width)| width),
            false => None,
        };
        self.ended = self.stopping.after(rounds, worst);
        self.ended
    }

    /// The case whose speedup is known least well, and its relative half-width
    /// (`None`: no interval yet), of those that are still visited.
    pub fn least_known(&self) -> Option<(usize, Option<f64>)> {
        let goes_on = |case: &usize| {
            let baseline = self.visits.baseline_of(*case);
            !self.is_retired(*case) && baseline.is_some_and(|baseline| !self.is_retired(baseline))
        };
        let cases: Vec<usize> = self.visits.compared_cases().into_iter().filter(goes_on).collect();
        let (index, width) = widest(&self.visits.half_widths(&cases))?;
        Some((cases[index], width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Case, Stopping as Rule};

    /// Three cases, one group a round.
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

    /// The rows of a whole run, in which `fails` says which visits fail.
    fn rows(plan: &Plan, rounds: u32, fails: impl Fn(u32, usize) -> bool) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut standing = Standing::at_start(plan);
        let mut visit = 0;
        for round in 0..rounds {
            for (group, cases) in (0..).zip(round_order(plan, round)) {
                for case in cases {
                    if !standing.is_retired(case) {
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
                            if fails(round, case) { "it fell".to_string() } else { String::new() };
                        let last = Row { error, ..blank };
                        standing.visited(case, &[&call, &last]);
                        rows.extend([call, last]);
                    }
                    visit += 1;
                }
            }
        }
        rows
    }

    #[test]
    fn a_run_stands_where_its_rows_end_wherever_they_are_cut() {
        let plan = plan(5, None);
        let whole = rows(&plan, 5, |_, _| false);
        // Three visits of two rows in a group.
        for cut in 0..whole.len() {
            let standing = Standing::after(&whole[..cut], &plan);
            assert_eq!(standing.next, (cut as u32 / 6, 0), "cut at {cut}");
            assert_eq!(standing.ended, None, "cut at {cut}");
        }
        assert_eq!(Standing::after(&whole, &plan).ended, Some(StopReason::Rounds));
    }

    #[test]
    fn a_group_that_was_begun_again_counts_as_the_later_session_made_it() {
        let plan = plan(5, None);
        let mut all = rows(&plan, 2, |_, _| false);
        all.truncate(8);
        let again = rows(&plan, 2, |_, _| false).into_iter().filter(|row| row.round == 1);
        all.extend(again.map(|row| Row { session: 1, ..row }));
        let standing = Standing::after(&all, &plan);
        assert_eq!(standing.next, (2, 0));
        assert!((0..3).all(|case| standing.visits.of_case(case).len() == 2));
    }

    #[test]
    fn who_was_retired_stays_so() {
        let plan = plan(5, None);
        let whole = rows(&plan, 5, |round, case| case == 2 && (1..3).contains(&round));
        assert_eq!(whole.iter().filter(|row| row.case.backend == "b").count(), 6);
        let standing = Standing::after(&whole, &plan);
        assert!(standing.is_retired(2) && !standing.is_retired(1));
        assert_eq!(standing.failures(), 2);
        assert_eq!(standing.ended, Some(StopReason::Rounds));
    }

    #[test]
    fn where_nobody_is_left_to_compare_nothing_is_known() {
        let plan = plan(50, Some(0.01));
        let standing = Standing::after(&rows(&plan, 20, |_, case| case > 0), &plan);
        assert!(standing.is_retired(1) && standing.is_retired(2));
        assert_eq!((standing.ended, standing.next), (None, (20, 0)));
    }

    #[test]
    fn looks_are_remembered() {
        let plan = plan(50, Some(0.01));
        let standing = Standing::after(&rows(&plan, 15, |_, _| false), &plan);
        assert_eq!((standing.ended, standing.next), (Some(StopReason::Precision), (15, 0)));
        let standing = Standing::after(&rows(&plan, 14, |_, _| false), &plan);
        assert_eq!((standing.ended, standing.next), (None, (14, 0)));
    }
}
