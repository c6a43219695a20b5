//! Rows, in the order of a file, into visits.
//!
//! The rows of a visit stand together, because they are written at once. So one
//! visit is in memory as rows, and of those before it what they say. Where the
//! rows of a visit are scattered over the file all the same, it is made in a
//! second pass ([`Scattered`]).
//!
//! What is left of a damaged visit is no visit: a median of the calls that
//! happened to survive would be a wrong number that nobody notices. A line that
//! cannot be understood spoils the visit that it names. Where it names none, or
//! stands among rows of another, it also spoils the visit before it, unless that
//! had ended, and the one after it: lines that are lost together lie between the
//! rows of two visits, and a visit of which only a part is lost is one of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Visits;
use super::agreement::agree;
use super::remarks::{Oddity, Remark, Remarks};
use crate::record::{Case, Phase, Position, Row, SAMPLES_FILE, Wrong, WrongKind};

/// What is found of a case that the plan does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// Its visits are left out.
    AreLeftOut,
    /// It is added: there is no plan.
    AreAdded,
}

/// Makes visits of rows.
pub struct Gathering {
    visits: Visits,
    strangers: Strangers,
    /// The rows of the visit that is being read, with their lines; those beyond
    /// `used` are free.
    rows: Vec<Row>,
    lines: Vec<u64>,
    used: usize,
    /// Of every run of rows that stand together.
    places: Vec<Position>,
    /// Without a last row, and followed by a row of the same session.
    unended: Vec<(Position, u64)>,
    /// The latest session that made each group.
    latest: HashMap<(u32, u32), u32>,
    spoilt: HashMap<Position, String>,
    /// A line spoils the visit after it, unless it names that.
    spoils_next: Option<(Option<Position>, String)>,
    /// A line of which nobody knows where it belongs.
    stray: Option<String>,
    remarks: Remarks,
}

impl Gathering {
    /// Before the first row.
    pub fn new(visits: Visits, strangers: Strangers) -> Gathering {
        Gathering {
            visits,
            strangers,
            rows: vec![Row::default()],
            lines: Vec::new(),
            used: 0,
            places: Vec::new(),
            unended: Vec::new(),
            latest: HashMap::new(),
            spoilt: HashMap::new(),
            spoils_next: None,
            stray: None,
            remarks: Remarks::default(),
        }
    }

    /// Where the next row is to be read into.
    pub fn slot(&mut self) -> &mut Row {
        &mut self.rows[self.used]
    }

    /// What was odd.
    pub fn remarks(&mut self) -> &mut Remarks {
        &mut self.remarks
    }

    /// The slot holds a row, which begins at that line.
    pub fn take(&mut self, line: u64) {
        let place = self.slot().position();
        if let Some((named, reason)) = self.spoils_next.take()
            && named != Some(place)
        {
            self.spoilt.entry(place).or_insert(reason);
        }
        if let Some(open) = self.open().filter(|open| *open != place) {
            self.leave(open, place, line);
            let taken = self.used;
            self.end_visit();
            self.rows.swap(0, taken);
        }
        self.lines.push(line);
        self.used += 1;
        if self.used == self.rows.len() {
            self.rows.push(Row::default());
        }
    }

    /// A line is no row. If it names a visit, that is in the slot.
    pub fn take_wrong(&mut self, wrong: &Wrong) {
        let reason = at(wrong.line, wrong.column, &wrong.message);
        let oddity = match wrong.kind {
            WrongKind::HasPlace | WrongKind::NoPlace => Oddity::Line,
            WrongKind::OtherSchema => Oddity::Schema,
            WrongKind::Torn => Oddity::Torn,
        };
        self.remarks.note(oddity, || reason.clone());
        let named = (wrong.kind == WrongKind::HasPlace).then(|| self.slot().position());
        match named {
            Some(place) => {
                self.note_session(place);
                self.spoilt.entry(place).or_insert_with(|| reason.clone());
            }
            // A row that was being written belongs to a visit without a last row.
            None if wrong.kind == WrongKind::Torn => return,
            None => drop(self.stray.get_or_insert_with(|| reason.clone())),
        }
        let open = self.open();
        if named.is_none() || named != open {
            if let Some(open) = open.filter(|_| !self.has_ended()) {
                self.spoilt.entry(open).or_insert_with(|| reason.clone());
            }
            self.spoils_next = Some((named, reason));
        }
    }

    /// The visit whose rows are being read.
    fn open(&self) -> Option<Position> {
        self.rows[..self.used].first().map(Row::position)
    }

    /// Whether its last row is there.
    fn has_ended(&self) -> bool {
        self.rows[..self.used].iter().any(|row| row.phase == Phase::Visit)
    }

    /// The visit that is open is followed by a row of another one.
    fn leave(&mut self, open: Position, next: Position, line: u64) {
        if next.session < open.session {
            let what = format!("session {} after session {}", next.session, open.session);
            self.remarks.note(Oddity::Order, || at(line, Some("session"), &what));
        }
        if (next.session, next.visit) == (open.session, open.visit) {
            let what = "a visit has one round and one group";
            let reason = at(line, Some("round"), what);
            self.remarks.note(Oddity::Contradiction, || reason.clone());
            self.spoilt.entry(open).or_insert_with(|| reason.clone());
            self.spoilt.entry(next).or_insert(reason);
        } else if next.session == open.session && !self.has_ended() {
            self.unended.push((open, self.lines[0]));
        }
    }

    fn note_session(&mut self, place: Position) {
        let latest = self.latest.entry((place.round, place.group)).or_default();
        *latest = place.session.max(*latest);
    }

    /// No more rows of the visit that is open stand together.
    fn end_visit(&mut self) {
        let Some(place) = self.open() else { return };
        self.places.push(place);
        self.note_session(place);
        let rows = std::mem::take(&mut self.rows);
        let lines = std::mem::take(&mut self.lines);
        let of_visit: Vec<&Row> = rows[..self.used].iter().collect();
        self.make(&of_visit, &lines);
        (self.rows, self.lines, self.used) = (rows, lines, 0);
        self.lines.clear();
    }

    /// Makes a visit of rows that are all of it.
    fn make(&mut self, rows: &[&Row], lines: &[u64]) {
        let agreed = agree(rows);
        for index in &agreed.duplicates {
            let line = lines[*index];
            self.remarks.note(Oddity::Duplicate, || at(line, None, "it is there twice"));
        }
        if let Some((index, what)) = &agreed.contradiction {
            let reason = at(lines[*index], None, what);
            self.remarks.note(Oddity::Contradiction, || reason.clone());
            self.spoilt.entry(rows[0].position()).or_insert(reason);
        }
        let Some(last) = rows.iter().rfind(|row| row.phase == Phase::Visit) else { return };
        let Some(case) = self.case(&last.case, lines[0]) else { return };
        if self.strangers == Strangers::AreAdded {
            self.visits.expected.learn(&agreed.rows);
        }
        let visit = self.visits.visit_of(case, &agreed.rows, last);
        if self.strangers == Strangers::AreAdded && !visit.answers.identical_or_none() {
            let what = "an answer in this visit is not the first one to its job";
            self.remarks.note(Oddity::Answers, || at(lines[0], Some("tally_sum"), what));
        }
        self.visits.of_case[case].push(visit);
    }

    /// The index of a case.
    fn case(&mut self, case: &Case, line: u64) -> Option<usize> {
        let known = self.visits.index.get(case).copied();
        match (known, self.strangers) {
            (Some(index), _) => Some(index),
            (None, Strangers::AreAdded) => Some(self.visits.add_case(case)),
            (None, Strangers::AreLeftOut) => {
                let what = format!("{} is not in the plan", case.title_and_count());
                self.remarks.note(Oddity::UnknownCase, || at(line, None, &what));
                None
            }
        }
    }

    /// After the last row: the visits whose rows are scattered. They are taken back,
    /// and to be [made](Gathering::take_scattered) in a second pass.
    pub fn scattered(&mut self) -> Vec<Position> {
        self.end_visit();
        let mut places = std::mem::take(&mut self.places);
        places.sort_unstable();
        let mut scattered: Vec<Position> =
            places.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        scattered.dedup();
        if scattered.is_empty() {
            return scattered;
        }
        let again: HashSet<Position> = scattered.iter().copied().collect();
        for visits in &mut self.visits.of_case {
            visits.retain(|visit| !again.contains(&visit.position));
        }
        scattered
    }

    /// The rows of scattered visits.
    pub fn take_scattered(&mut self, scattered: Scattered) {
        for (place, rows) in scattered.rows {
            let (lines, rows): (Vec<u64>, Vec<Row>) = rows.into_iter().unzip();
            self.remarks.note(Oddity::Scattered, || {
                at(lines[0], None, "the rows of its visit are not together")
            });
            if let Some(reason) = &self.stray {
                // It may be a row of any of them.
                self.spoilt.entry(place).or_insert_with(|| reason.clone());
            }
            self.make(&rows.iter().collect::<Vec<_>>(), &lines);
        }
    }

    /// The visits that count or failed, in the order of the run, and what was odd.
    pub fn finish(mut self) -> (Visits, Vec<Remark>) {
        let is_latest =
            |place: Position| self.latest.get(&(place.round, place.group)) == Some(&place.session);
        for visits in &mut self.visits.of_case {
            visits.retain(|visit| is_latest(visit.position));
            visits.sort_by_key(|visit| visit.position);
            if !self.spoilt.is_empty() {
                for visit in visits {
                    if let Some(reason) = self.spoilt.get(&visit.position) {
                        visit.fail(reason);
                    }
                }
            }
        }
        self.remark_on_unended();
        (self.visits, self.remarks.list())
    }

    /// A run may be cut off within a visit, but no visit begins before the one
    /// before it has ended.
    fn remark_on_unended(&mut self) {
        if self.unended.is_empty() {
            return;
        }
        let visits = self.visits.of_case.iter().flatten();
        let ended: HashSet<Position> = visits.map(|visit| visit.position).collect();
        for (place, line) in &self.unended {
            if !ended.contains(place) && !self.spoilt.contains_key(place) {
                let what = "the visit that begins here has no last row";
                self.remarks.note(Oddity::NoLastRow, || at(*line, None, what));
            }
        }
    }
}

/// Collects the rows of visits that are scattered over a file.
pub struct Scattered {
    places: HashSet<Position>,
    rows: BTreeMap<Position, Vec<(u64, Row)>>,
}

impl Scattered {
    /// Of these visits.
    pub fn new(places: &[Position]) -> Scattered {
        Scattered { places: places.iter().copied().collect(), rows: BTreeMap::new() }
    }

    /// A row, and the line at which it begins.
    pub fn take(&mut self, row: &Row, line: u64) {
        let place = row.position();
        if self.places.contains(&place) {
            self.rows.entry(place).or_default().push((line, row.clone()));
        }
    }
}

/// A message about a place in the file. It does not name the directory: the same
/// files give the same report wherever they lie.
pub fn at(line: u64, column: Option<&str>, message: &str) -> String {
    let column = column.map_or(String::new(), |column| format!(", column {column}"));
    format!("{SAMPLES_FILE}, line {line}{column}: {message}")
}
