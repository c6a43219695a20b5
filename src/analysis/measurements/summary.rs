//! A `summary.csv` of ours: its settings say which cases belong together, and
//! which have no place in a scaling law.

use std::collections::{HashMap, HashSet};

use super::positive;
use crate::quantity::pluralize;
use crate::record::{BASELINE, CASE_COLUMNS, COMMAND, Table, TableError, TableRow};

/// Why a case is not fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is what speedups are relative to, and no point of a series.
    Baseline,
    /// It has more threads than usable CPUs: those follow other laws.
    Oversubscribed,
    /// None of its visits counts.
    NotMeasured,
}

/// How many cases were left out for each reason.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeftOut {
    baselines: usize,
    oversubscribed: usize,
    not_measured: usize,
}

impl LeftOut {
    pub fn count(&mut self, reason: Option<Reason>) {
        match reason {
            None => {}
            Some(Reason::Baseline) => self.baselines += 1,
            Some(Reason::Oversubscribed) => self.oversubscribed += 1,
            Some(Reason::NotMeasured) => self.not_measured += 1,
        }
    }

    /// In words, one sentence a reason.
    pub fn notes(&self) -> Vec<String> {
        let words = [
            (self.baselines, "of the baseline"),
            (self.oversubscribed, "with more threads than usable CPUs"),
            (self.not_measured, "without a throughput"),
        ];
        let some = words.into_iter().filter(|(count, _)| *count > 0);
        some.map(|(count, what)| format!("left out: {} {what}", pluralize(count, "row"))).collect()
    }
}

/// A table with all columns that a case has, and where they stand.
pub struct Summary<'a> {
    table: &'a Table,
    /// Every setting but the thread count, and what may follow from that.
    settings: Vec<usize>,
    backend: usize,
    nthread: usize,
    chunk: usize,
    draws: usize,
    scaling: usize,
    throughput: usize,
    oversubscribed: Option<usize>,
    label: usize,
    /// Lines of the rows that all others are compared with, but for those that
    /// are the first points of a series of their own.
    apart: HashSet<u64>,
}

impl<'a> Summary<'a> {
    /// None of a table that is not ours.
    pub fn of(table: &'a Table) -> Option<Summary<'a>> {
        let places: Vec<usize> =
            CASE_COLUMNS.iter().map(|name| table.find(name)).collect::<Option<_>>()?;
        let [backend, nthread, chunk, draws, scaling, throughput, label] =
            ["backend", "nthread", "chunk", "draws", "scaling", "throughput", "label"]
                .map(|name| table.find(name));
        let (backend, label) = (backend?, label?);
        let (nthread, chunk, draws) = (nthread?, chunk?, draws?);
        let not_settings = [nthread, chunk, draws];
        Some(Summary {
            table,
            settings: places.into_iter().filter(|place| !not_settings.contains(place)).collect(),
            backend,
            label,
            apart: apart(table, [backend, label]),
            nthread,
            chunk,
            draws,
            scaling: scaling?,
            throughput: throughput?,
            oversubscribed: table.find("oversubscribed"),
        })
    }

    fn is_apart(&self, row: &TableRow) -> bool {
        row.fields[self.backend] == BASELINE || self.apart.contains(&row.line)
    }

    /// Why a case is not fitted; `None`: it is.
    pub fn reason_to_leave_out(&self, row: &TableRow) -> Option<Reason> {
        if self.is_apart(row) {
            Some(Reason::Baseline)
        } else if self.oversubscribed.is_some_and(|place| row.fields[place] == "true") {
            Some(Reason::Oversubscribed)
        } else {
            row.fields[self.throughput].is_empty().then_some(Reason::NotMeasured)
        }
    }

    /// For each row the name of its group: the backend, and the settings in which
    /// the groups differ.
    ///
    /// # Errors
    /// Where draws that grow with the workers cannot be divided by them.
    pub fn names(&self) -> Result<Vec<Option<String>>, TableError> {
        let keys = self.keys()?;
        let is_other = |row: &TableRow| !self.is_apart(row);
        let others = || self.table.rows.iter().zip(&keys).filter(|(row, _)| is_other(row));
        let width = self.settings.len() + 2;
        let differs: Vec<bool> = (0..width)
            .map(|place| {
                others().any(|(_, key)| {
                    Some(&key[place]) != others().next().map(|(_, key)| &key[place])
                })
            })
            .collect();
        let settings = self.settings.iter().copied().chain([self.draws, self.chunk]);
        let columns: Vec<usize> = settings.collect();
        let name = |(row, key): (&TableRow, &Vec<String>)| {
            // A command has no other name than its label.
            let is_command = row.fields[self.backend] == COMMAND;
            let named_by = if is_command { self.label } else { self.backend };
            let mut words = vec![row.fields[named_by].clone()];
            for (place, column) in columns.iter().enumerate() {
                let is_named = [named_by, self.backend].contains(column);
                if differs[place] && !is_named && !key[place].is_empty() {
                    words.push(format!("{}={}", self.table.header[*column], key[place]));
                }
            }
            Some(words.join(" "))
        };
        Ok(self.table.rows.iter().zip(&keys).map(name).collect())
    }

    /// For each row what the cases of its group have in common: the settings, the
    /// draws (of one worker, where the work grows with the workers), and the chunk,
    /// if it tells groups apart.
    fn keys(&self) -> Result<Vec<Vec<String>>, TableError> {
        let base = |row: &TableRow| {
            let mut key: Vec<String> =
                self.settings.iter().map(|place| row.fields[*place].clone()).collect();
            key.push(self.share(row)?);
            Ok(key)
        };
        let rows = &self.table.rows;
        let mut keys: Vec<Vec<String>> =
            rows.iter().map(base).collect::<Result<_, TableError>>()?;
        let matters = self.where_chunks_matter(&keys);
        for (row, key) in rows.iter().zip(&mut keys) {
            let chunk = if matters.contains(key) { row.fields[self.chunk].as_str() } else { "" };
            key.push(chunk.to_string());
        }
        Ok(keys)
    }

    /// The keys under which one thread count has several chunks. Elsewhere the chunk
    /// may be a default that depends on the count.
    fn where_chunks_matter(&self, keys: &[Vec<String>]) -> HashSet<Vec<String>> {
        let mut first: HashMap<(&Vec<String>, &str), &str> = HashMap::new();
        let mut matters = HashSet::new();
        for (row, key) in self.table.rows.iter().zip(keys) {
            let (count, chunk) =
                (row.fields[self.nthread].as_str(), row.fields[self.chunk].as_str());
            if *first.entry((key, count)).or_insert(chunk) != chunk {
                matters.insert(key.clone());
            }
        }
        matters
    }

    /// Draws of one worker where the work grows with the workers, else of a call.
    fn share(&self, row: &TableRow) -> Result<String, TableError> {
        let draws = &row.fields[self.draws];
        if row.fields[self.scaling] != "weak" || draws.is_empty() {
            return Ok(draws.clone());
        }
        let workers = positive(self.table, row, self.nthread)?;
        Ok((positive(self.table, row, self.draws)? / workers).to_string())
    }
}

/// The lines of the baselines that have a name, backend and label, which no other
/// row has.
fn apart(table: &Table, name: [usize; 2]) -> HashSet<u64> {
    let Some(baseline) = table.find("baseline") else { return HashSet::new() };
    let name = |row: &TableRow| name.map(|place| row.fields[place].clone());
    let number = |row: &TableRow| row.fields[baseline].parse::<usize>().ok();
    let numbers: HashSet<usize> = table.rows.iter().filter_map(number).collect();
    let baselines = numbers.into_iter().filter_map(|number| table.rows.get(number));
    let is_alone =
        |row: &&TableRow| table.rows.iter().filter(|other| name(other) == name(row)).count() == 1;
    baselines.filter(is_alone).map(|row| row.line).collect()
}
