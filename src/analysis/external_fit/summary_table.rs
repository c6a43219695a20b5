//! A `summary.csv` as a table of throughputs: its settings define the groups, and the cases
//! that are not fitted.

use std::collections::{HashMap, HashSet};

use super::positive;
use crate::quantity::pluralize;
use crate::record::{BASELINE, CASE_COLUMNS, COMMAND, Table, TableError, TableRow};

/// Reason why a case is not fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// The case is a baseline, and not a point of a series.
    Baseline,
    /// The case has more threads than usable CPUs, where the laws do not apply.
    Oversubscribed,
    /// The case has no visit that counts.
    NotMeasured,
}

/// Number of excluded cases for each reason.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExclusionCounts {
    baselines: usize,
    oversubscribed: usize,
    not_measured: usize,
}

impl ExclusionCounts {
    pub fn count(&mut self, exclusion: Option<Exclusion>) {
        match exclusion {
            None => {}
            Some(Exclusion::Baseline) => self.baselines += 1,
            Some(Exclusion::Oversubscribed) => self.oversubscribed += 1,
            Some(Exclusion::NotMeasured) => self.not_measured += 1,
        }
    }

    /// Notes, one for each reason.
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

/// A table with all columns of a case, and their positions.
pub struct SummaryTable<'a> {
    table: &'a Table,
    /// Columns of the settings without thread count, chunk and draws.
    settings: Vec<usize>,
    backend: usize,
    nthread: usize,
    chunk: usize,
    draws: usize,
    scaling: usize,
    throughput: usize,
    oversubscribed: Option<usize>,
    label: usize,
    /// Lines of the baselines that are not points of a series.
    separate_baselines: HashSet<u64>,
}

impl<'a> SummaryTable<'a> {
    /// `None` for a table with other columns.
    pub fn of(table: &'a Table) -> Option<SummaryTable<'a>> {
        let mut settings: Vec<usize> =
            CASE_COLUMNS.iter().map(|name| table.find(name)).collect::<Option<_>>()?;
        let (backend, label) = (table.find("backend")?, table.find("label")?);
        let (nthread, chunk, draws) =
            (table.find("nthread")?, table.find("chunk")?, table.find("draws")?);
        settings.retain(|column| ![nthread, chunk, draws].contains(column));
        Some(SummaryTable {
            table,
            settings,
            backend,
            label,
            separate_baselines: separate_baselines(table, [backend, label]),
            nthread,
            chunk,
            draws,
            scaling: table.find("scaling")?,
            throughput: table.find("throughput")?,
            oversubscribed: table.find("oversubscribed"),
        })
    }

    fn is_separate_baseline(&self, row: &TableRow) -> bool {
        row.fields[self.backend] == BASELINE || self.separate_baselines.contains(&row.line)
    }

    /// Reason why a case is not fitted; `None` if it is.
    pub fn exclusion(&self, row: &TableRow) -> Option<Exclusion> {
        if self.is_separate_baseline(row) {
            Some(Exclusion::Baseline)
        } else if self.oversubscribed.is_some_and(|column| row.fields[column] == "true") {
            Some(Exclusion::Oversubscribed)
        } else {
            row.fields[self.throughput].is_empty().then_some(Exclusion::NotMeasured)
        }
    }

    /// The name of the group of each row: the backend, and the settings in which the groups
    /// differ.
    ///
    /// # Errors
    /// If the draws of weak scaling cannot be divided by the workers.
    pub fn names(&self) -> Result<Vec<Option<String>>, TableError> {
        let keys = self.keys()?;
        let columns = [&self.settings[..], &[self.draws, self.chunk]].concat();
        // Settings that differ between the rows that are in some group.
        let mut differs = vec![false; columns.len()];
        let mut first: Option<&Vec<String>> = None;
        for (row, key) in self.table.rows.iter().zip(&keys) {
            if !self.is_separate_baseline(row) {
                let first = *first.get_or_insert(key);
                for (place, differs) in differs.iter_mut().enumerate() {
                    *differs |= first[place] != key[place];
                }
            }
        }
        let mut names = Vec::with_capacity(keys.len());
        for (row, key) in self.table.rows.iter().zip(&keys) {
            // The name of a command is its label.
            let is_command = row.fields[self.backend] == COMMAND;
            let name = if is_command { self.label } else { self.backend };
            let mut words = vec![row.fields[name].clone()];
            for (place, column) in columns.iter().enumerate() {
                let is_named = [name, self.backend].contains(column);
                if differs[place] && !is_named && !key[place].is_empty() {
                    words.push(format!("{}={}", self.table.header[*column], key[place]));
                }
            }
            names.push(Some(words.join(" ")));
        }
        Ok(names)
    }

    /// The key of the group of each row: the settings, the draws (of one worker, for weak
    /// scaling), and the chunk, if it distinguishes groups.
    fn keys(&self) -> Result<Vec<Vec<String>>, TableError> {
        let mut keys = Vec::with_capacity(self.table.rows.len());
        for row in &self.table.rows {
            let mut key: Vec<String> =
                self.settings.iter().map(|column| row.fields[*column].clone()).collect();
            key.push(self.share(row)?);
            keys.push(key);
        }
        let with_chunks = self.keys_with_chunks(&keys);
        for (row, key) in self.table.rows.iter().zip(&mut keys) {
            let chunk = &row.fields[self.chunk];
            key.push(if with_chunks.contains(key) { chunk.clone() } else { String::new() });
        }
        Ok(keys)
    }

    /// The keys with several chunks at one thread count. Otherwise the chunk may be a default
    /// that depends on the count.
    fn keys_with_chunks(&self, keys: &[Vec<String>]) -> HashSet<Vec<String>> {
        let mut first: HashMap<(&Vec<String>, &str), &str> = HashMap::new();
        let mut with_chunks = HashSet::new();
        for (row, key) in self.table.rows.iter().zip(keys) {
            let (count, chunk) =
                (row.fields[self.nthread].as_str(), row.fields[self.chunk].as_str());
            if *first.entry((key, count)).or_insert(chunk) != chunk {
                with_chunks.insert(key.clone());
            }
        }
        with_chunks
    }

    /// Draws of one worker for weak scaling, else of a call.
    fn share(&self, row: &TableRow) -> Result<String, TableError> {
        let draws = &row.fields[self.draws];
        if row.fields[self.scaling] != "weak" || draws.is_empty() {
            return Ok(draws.clone());
        }
        let workers = positive(self.table, row, self.nthread)?;
        Ok((positive(self.table, row, self.draws)? / workers).to_string())
    }
}

/// Lines of the baselines whose name, backend and label, no other row has.
fn separate_baselines(table: &Table, name: [usize; 2]) -> HashSet<u64> {
    let Some(baseline) = table.find("baseline") else { return HashSet::new() };
    let mut rows_of_name: HashMap<[&str; 2], usize> = HashMap::new();
    for row in &table.rows {
        *rows_of_name.entry(name.map(|column| row.fields[column].as_str())).or_default() += 1;
    }
    let indices = table.rows.iter().filter_map(|row| row.fields[baseline].parse::<usize>().ok());
    let baselines = indices.filter_map(|index| table.rows.get(index));
    baselines
        .filter(|row| rows_of_name[&name.map(|column| row.fields[column].as_str())] == 1)
        .map(|row| row.line)
        .collect()
}
