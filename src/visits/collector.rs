//! Collector of visits from rows, in the order of a file.
//!
//! The rows of a visit are contiguous, because they are written at once. So only one
//! visit is in memory as rows; of the earlier ones, their results are.
//!
//! A damaged visit is not counted at all: the median of the calls that happened to
//! survive would be a wrong number that nobody notices. A damaged line invalidates the
//! visit that it names. If it names none, or another visit than the rows around it, it may
//! belong to the visit before it or to the one after it. Then it also invalidates the visit
//! after it, and the visit before it unless that has its last row.

use std::collections::{HashMap, HashSet};

use super::Visits;
use super::issues::{DataIssue, DataIssues, IssueKind};
use super::visit_rows::deduplicate;
use crate::record::{Case, DamageKind, DamagedLine, Phase, Position, Row, SAMPLES_FILE};

/// Treatment of cases that are not in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownCases {
    /// Leaves their visits out.
    Skip,
    /// Adds them, because there is no plan.
    Add,
}

/// Collector that groups rows by visit.
pub struct VisitCollector {
    visits: Visits,
    unknown_cases: UnknownCases,
    /// Rows of the current visit, and their lines. The rows from `used` on are free;
    /// they are kept for their memory.
    rows: Vec<Row>,
    lines: Vec<u64>,
    used: usize,
    /// Positions of all visits whose rows were followed by others.
    closed: HashSet<Position>,
    /// Visits without a last row that were followed by a row of the same session, with
    /// their first line.
    unfinished: Vec<(Position, u64)>,
    /// Latest session that measured each group, by round and group.
    latest_session: HashMap<(u32, u32), u32>,
    /// Reasons for which visits do not count.
    invalid: HashMap<Position, String>,
    /// Reason of a damaged line that invalidates the next visit too. (A next visit that the
    /// line names is invalid already.)
    invalidates_next: Option<(Option<Position>, String)>,
    issues: DataIssues,
}

impl VisitCollector {
    /// Creates a collector that adds to `visits`.
    pub fn new(visits: Visits, unknown_cases: UnknownCases) -> VisitCollector {
        VisitCollector {
            visits,
            unknown_cases,
            rows: vec![Row::default()],
            lines: Vec::new(),
            used: 0,
            closed: HashSet::new(),
            unfinished: Vec::new(),
            latest_session: HashMap::new(),
            invalid: HashMap::new(),
            invalidates_next: None,
            issues: DataIssues::default(),
        }
    }

    /// Row that the next record is to be read into.
    pub fn free_row(&mut self) -> &mut Row {
        &mut self.rows[self.used]
    }

    /// Issues found so far.
    pub fn issues(&mut self) -> &mut DataIssues {
        &mut self.issues
    }

    /// Adds the row in [`free_row`](Self::free_row), which was read from that line.
    pub fn add_row(&mut self, line: u64) {
        let position = self.free_row().position();
        if let Some((named, reason)) = self.invalidates_next.take()
            && named != Some(position)
        {
            self.invalidate(position, &reason);
        }
        if let Some(current) = self.current().filter(|current| *current != position) {
            self.check_order(current, position, line);
            let new = self.used;
            self.close_visit();
            self.rows.swap(0, new);
        }
        self.lines.push(line);
        self.used += 1;
        if self.used == self.rows.len() {
            self.rows.push(Row::default());
        }
    }

    /// Adds a damaged line. The position that it names, if any, is that of
    /// [`free_row`](Self::free_row).
    pub fn add_damaged_line(&mut self, damaged: &DamagedLine) {
        let reason = located(damaged.line, damaged.column, &damaged.message);
        let issue = match damaged.kind {
            DamageKind::KnownVisit | DamageKind::UnknownVisit => IssueKind::DamagedLine,
            DamageKind::OtherSchema => IssueKind::OtherSchema,
            DamageKind::Torn => IssueKind::Torn,
        };
        self.issues.add(issue, || reason.clone());
        let named = (damaged.kind == DamageKind::KnownVisit).then(|| self.free_row().position());
        if let Some(position) = named {
            self.note_session(position);
            self.invalidate(position, &reason);
        } else if damaged.kind == DamageKind::Torn {
            // The visit of a row that was being written has no last row anyway.
            return;
        }
        let current = self.current();
        if named.is_none() || named != current {
            if let Some(current) = current.filter(|_| !self.has_last_row()) {
                self.invalidate(current, &reason);
            }
            self.invalidates_next = Some((named, reason));
        }
    }

    /// Position of the visit whose rows are being read.
    fn current(&self) -> Option<Position> {
        self.rows[..self.used].first().map(Row::position)
    }

    fn has_last_row(&self) -> bool {
        self.rows[..self.used].iter().any(|row| row.phase == Phase::Visit)
    }

    /// Keeps the first reason for which a visit does not count.
    fn invalidate(&mut self, position: Position, reason: &str) {
        self.invalid.entry(position).or_insert_with(|| reason.to_string());
    }

    /// Checks that a row at `next` may follow the rows of the current visit.
    fn check_order(&mut self, current: Position, next: Position, line: u64) {
        if next.session < current.session {
            let what = format!("session {} follows session {}", next.session, current.session);
            self.issues.add(IssueKind::SessionOrder, || located(line, Some("session"), &what));
        }
        if (next.session, next.visit) == (current.session, current.visit) {
            let what = "the row has another round or group than the rows of its visit before it";
            let reason = located(line, Some("round"), what);
            self.issues.add(IssueKind::Contradiction, || reason.clone());
            self.invalidate(current, &reason);
            self.invalidate(next, &reason);
        } else if next.session == current.session && !self.has_last_row() {
            self.unfinished.push((current, self.lines[0]));
        }
    }

    fn note_session(&mut self, position: Position) {
        let latest = self.latest_session.entry((position.round, position.group)).or_default();
        *latest = position.session.max(*latest);
    }

    /// Closes the current visit: its rows are complete, or a row of another visit
    /// follows.
    fn close_visit(&mut self) {
        let Some(position) = self.current() else { return };
        self.note_session(position);
        if self.closed.insert(position) {
            // The buffers are taken out while `self` is borrowed, and put back.
            let rows = std::mem::take(&mut self.rows);
            let lines = std::mem::take(&mut self.lines);
            self.add_visit(&rows[..self.used].iter().collect::<Vec<_>>(), &lines);
            (self.rows, self.lines) = (rows, lines);
        } else {
            let what = "the rows of this visit are not contiguous (was the file sorted?)";
            let reason = located(self.lines[0], None, what);
            self.issues.add(IssueKind::NonContiguous, || reason.clone());
            self.invalidate(position, &reason);
        }
        self.used = 0;
        self.lines.clear();
    }

    /// Adds the visit that consists of these rows, if they have a last row.
    fn add_visit(&mut self, rows: &[&Row], lines: &[u64]) {
        let distinct = deduplicate(rows);
        for index in &distinct.duplicates {
            let line = lines[*index];
            self.issues.add(IssueKind::Duplicate, || located(line, None, "duplicate row"));
        }
        if let Some((index, what)) = distinct.contradiction {
            let reason = located(lines[index], None, what);
            self.issues.add(IssueKind::Contradiction, || reason.clone());
            self.invalidate(rows[0].position(), &reason);
        }
        let Some(last) = rows.iter().rfind(|row| row.phase == Phase::Visit) else { return };
        let Some(case) = self.case_index(&last.case, lines[0]) else { return };
        let has_plan = self.unknown_cases == UnknownCases::Skip;
        if !has_plan {
            self.visits.expected.learn(&distinct.rows);
        }
        let visit = self.visits.evaluate(case, &distinct.rows, last);
        if !has_plan && visit.tally_check.calls != visit.tally_check.identical_calls {
            let what = "a tally of this visit differs from the first one of the same job";
            self.issues
                .add(IssueKind::DifferentTallies, || located(lines[0], Some("tally_sum"), what));
        }
        self.visits.by_case[case].push(visit);
    }

    fn case_index(&mut self, case: &Case, line: u64) -> Option<usize> {
        let known = self.visits.case_indices.get(case).copied();
        match (known, self.unknown_cases) {
            (Some(index), _) => Some(index),
            (None, UnknownCases::Add) => Some(self.visits.add_case(case)),
            (None, UnknownCases::Skip) => {
                let what = format!("{} is not in the plan", case.title_with_count());
                self.issues.add(IssueKind::UnknownCase, || located(line, None, &what));
                None
            }
        }
    }

    /// Returns the visits that count or failed, in the order of the run, and the
    /// issues. A group that several sessions measured counts as of the latest.
    pub fn finish(mut self) -> (Visits, Vec<DataIssue>) {
        self.close_visit();
        let VisitCollector { visits, latest_session, invalid, .. } = &mut self;
        for visits in &mut visits.by_case {
            visits.retain(|visit| {
                let Position { round, group, session, .. } = visit.position;
                latest_session.get(&(round, group)) == Some(&session)
            });
            visits.sort_by_key(|visit| visit.position);
            for visit in visits {
                if let Some(reason) = invalid.get(&visit.position) {
                    visit.invalidate(reason);
                }
            }
        }
        // A run may be cut off within a visit, but no visit starts before the one
        // before it has ended. Of invalid visits it is known already.
        for (position, line) in &self.unfinished {
            if !self.invalid.contains_key(position) {
                let what = "the visit that starts here has no last row";
                self.issues.add(IssueKind::NoLastRow, || located(*line, None, what));
            }
        }
        (self.visits, self.issues.into_list())
    }
}

/// Prefixes a message with its location in the file. The directory is not named: the
/// same files give the same report wherever they lie.
pub fn located(line: u64, column: Option<&str>, message: &str) -> String {
    let column = column.map_or(String::new(), |column| format!(", column {column}"));
    format!("{SAMPLES_FILE}, line {line}{column}: {message}")
}
