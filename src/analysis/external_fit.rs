//! Scaling laws fitted to throughputs from a CSV file, measured by any program.

mod summary_table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::description::{LargestResidual, threads};
use super::fits::{Candidate, MIN_COUNTS, Model, predicts_largest};
use super::fitted_law::FittedLaw;
use crate::quantity::pluralize;
use crate::record::{Table, TableError, TableRow};
use crate::stats::scaling::{Loss, Points};
use crate::visits::CONFIDENCE;
use summary_table::{Exclusion, ExclusionCounts, SummaryTable};

/// Largest accepted number of threads: beyond it rounding errors would matter.
const MAX_THREADS: f64 = 1e9;

/// Efficiency from which a point is called faster than linear.
const FASTER_THAN_LINEAR: f64 = 1.05;

/// Ratio of the throughputs of one count from which they disagree.
const DISAGREEING: f64 = 2.0;

/// Throughputs of a table, in groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThroughputTable {
    /// Groups in the order in which the table first names them; a single one without names
    /// if the table has no groups.
    pub groups: Vec<ThroughputGroup>,
    /// True if the table has groups: its own, or those of a column.
    pub has_groups: bool,
    /// Notes on rows that were left out.
    pub notes: Vec<String>,
}

/// Throughputs of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThroughputGroup {
    /// Name of the group; `None` if there are no groups.
    pub name: Option<String>,
    /// Numbers of threads with their throughputs.
    pub points: Vec<(f64, f64)>,
}

/// The Universal Scalability Law fitted to one group, or the reason for its absence.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExternalFit {
    /// Name of the group.
    pub group: Option<String>,
    /// Number of fitted throughputs.
    pub points: usize,
    /// The law.
    #[serde(flatten)]
    pub law: FittedLaw,
    /// Remarks on the data: a missing single thread, repeats that disagree, points that are
    /// faster than linear.
    pub remarks: Vec<String>,
    /// Speedup and efficiency of each count relative to the smallest.
    #[serde(skip)]
    pub speedups: Vec<Speedup>,
    /// Amdahl's law fitted to the same data, for a comparison by `aicc`.
    pub amdahl: Option<Candidate>,
    /// Reason why nothing was fitted.
    pub refusal: Option<String>,
}

impl ThroughputTable {
    /// Reads the columns `nthread` and `throughput` of a table, grouped by the column `group`.
    /// The rows of a `summary.csv` are grouped by their settings without the thread count; its
    /// baselines and oversubscribed cases are left out.
    ///
    /// # Errors
    /// If a column is missing, or a field is not a positive number.
    pub fn of(table: &Table, group: Option<&str>) -> Result<ThroughputTable, TableError> {
        let columns = Columns::of(table, group)?;
        let summary = SummaryTable::of(table);
        let names = match (columns.group, &summary) {
            (Some(group), _) => {
                table.rows.iter().map(|row| Some(row.fields[group].clone())).collect()
            }
            (None, Some(summary)) => summary.names()?,
            (None, None) => vec![None; table.rows.len()],
        };
        let has_groups = group.is_some() || summary.is_some();
        let mut throughputs = ThroughputTable { has_groups, ..ThroughputTable::default() };
        let mut places: HashMap<&Option<String>, usize> = HashMap::new();
        let mut exclusions = ExclusionCounts::default();
        for (row, name) in table.rows.iter().zip(&names) {
            let exclusion = summary.as_ref().and_then(|summary| summary.exclusion(row));
            exclusions.count(exclusion);
            // A baseline has no group of its own.
            if exclusion == Some(Exclusion::Baseline) {
                continue;
            }
            let place = *places.entry(name).or_insert_with(|| {
                throughputs.groups.push(ThroughputGroup { name: name.clone(), points: Vec::new() });
                throughputs.groups.len() - 1
            });
            if exclusion.is_none() {
                throughputs.groups[place].points.push(columns.point(table, row)?);
            }
        }
        if !has_groups && throughputs.groups.is_empty() {
            throughputs.groups.push(ThroughputGroup::default());
        }
        throughputs.notes = exclusions.notes();
        Ok(throughputs)
    }

    /// The Universal Scalability Law of each group.
    pub fn fits(&self) -> Vec<ExternalFit> {
        self.groups.iter().map(ThroughputGroup::fit).collect()
    }
}

impl ThroughputGroup {
    /// Fits the Universal Scalability Law by least squares of throughput, like R's package
    /// `usl`, with Student's t intervals.
    pub fn fit(&self) -> ExternalFit {
        let mut fit = ExternalFit {
            group: self.name.clone(),
            points: self.points.len(),
            remarks: self.remarks(),
            speedups: self.speedups(),
            ..ExternalFit::default()
        };
        let points = Points::new(Loss::Absolute, &self.points);
        let distinct = points.as_ref().map_or(0, Points::distinct);
        let Some(points) = points.filter(|_| distinct >= MIN_COUNTS) else {
            fit.refusal = Some(format!(
                "not identifiable: {}, at least {MIN_COUNTS} are needed",
                pluralize(distinct, "thread count")
            ));
            return fit;
        };
        let Some(solution) = points.fit(Model::Usl) else {
            fit.refusal = Some("the fit is outside the range of numbers".to_string());
            return fit;
        };
        fit.law = FittedLaw::of(&Candidate::new(&points, &solution), points.largest());
        fit.law.set_intervals(points.uncertainty(&solution, CONFIDENCE).intervals);
        fit.amdahl = Candidate::of(&points, Model::Amdahl);
        let residual = LargestResidual::of_table(&solution.curve, &self.points);
        fit.refusal = fit.law.check(residual);
        if !predicts_largest(Model::Usl, &self.points) {
            fit.law.withdraw_extrapolation(points.largest());
        }
        fit
    }
}

/// Speedup of one count relative to the smallest of its group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speedup {
    /// Number of threads.
    pub nthread: f64,
    /// Mean throughput.
    pub throughput: f64,
    /// Throughput divided by that of the smallest count.
    pub speedup: f64,
    /// Speedup divided by the ratio of the counts.
    pub efficiency: f64,
    /// Serial fraction by Karp and Flatt; `None` at the smallest count.
    pub karp_flatt: Option<f64>,
}

impl ThroughputGroup {
    /// Speedups of all counts, the smallest first.
    fn speedups(&self) -> Vec<Speedup> {
        let mut means: BTreeMap<u64, (f64, f64, f64)> = BTreeMap::new();
        for (count, value) in &self.points {
            // Positive numbers have the order of their bits.
            let entry = means.entry(count.to_bits()).or_insert((*count, 0.0, 0.0));
            (entry.1, entry.2) = (entry.1 + value, entry.2 + 1.0);
        }
        let means: Vec<(f64, f64)> =
            means.into_values().map(|(count, sum, number)| (count, sum / number)).collect();
        let Some(&(smallest, base)) = means.first() else { return Vec::new() };
        let speedup = |&(nthread, throughput): &(f64, f64)| {
            let (speedup, ratio) = (throughput / base, nthread / smallest);
            let serial = (1.0 / speedup - 1.0 / ratio) / (1.0 - 1.0 / ratio);
            let karp_flatt = (ratio > 1.0).then_some(serial);
            Speedup { nthread, throughput, speedup, efficiency: speedup / ratio, karp_flatt }
        };
        means.iter().map(speedup).collect()
    }

    /// Remarks on the data.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let speedups = self.speedups();
        if let Some(first) = speedups.first().filter(|first| first.nthread > 1.0) {
            remarks.push(format!(
                "nothing was measured at 1 thread: its throughput is extrapolated from {}",
                threads(first.nthread)
            ));
        }
        if let Some(faster) = speedups.iter().find(|it| it.efficiency > FASTER_THAN_LINEAR) {
            remarks.push(format!(
                "faster than linear at {}: {:.2} times the throughput of each thread of the \
                 smallest count",
                threads(faster.nthread),
                faster.efficiency
            ));
        }
        for speedup in &speedups {
            let repeats = self.points.iter().filter(|(count, _)| *count == speedup.nthread);
            let (low, high) = repeats.fold((f64::INFINITY, 0.0_f64), |(low, high), (_, value)| {
                (low.min(*value), high.max(*value))
            });
            if high >= DISAGREEING * low {
                remarks.push(format!(
                    "the throughputs of {} differ by {:.1} times: if they are of several machines \
                     or programs, name their column with --group",
                    threads(speedup.nthread),
                    high / low
                ));
                break;
            }
        }
        remarks
    }
}

/// Positions of the used columns.
struct Columns {
    nthread: usize,
    throughput: usize,
    group: Option<usize>,
}

impl Columns {
    fn of(table: &Table, group: Option<&str>) -> Result<Columns, TableError> {
        Ok(Columns {
            nthread: table.column("nthread")?,
            throughput: table.column("throughput")?,
            group: group.map(|group| table.column(group)).transpose()?,
        })
    }

    fn point(&self, table: &Table, row: &TableRow) -> Result<(f64, f64), TableError> {
        let nthread = positive(table, row, self.nthread)?;
        let problem = match nthread {
            _ if nthread.fract() != 0.0 => "is not a whole number of threads",
            _ if nthread > MAX_THREADS => "are too many threads",
            _ => return Ok((nthread, positive(table, row, self.throughput)?)),
        };
        let message = format!("{:?} {problem}", row.fields[self.nthread]);
        Err(table.error(row, self.nthread, message))
    }
}

/// Parses a field as a positive number.
fn positive(table: &Table, row: &TableRow, column: usize) -> Result<f64, TableError> {
    let text = row.fields[column].as_str();
    let problem = match text.parse::<f64>() {
        Err(_) if text.is_empty() => {
            return Err(table.error(row, column, "the field is empty".to_string()));
        }
        Err(_) => "is not a number; write for example 1234.5 or 1.2e9",
        Ok(value) if value.is_nan() => "is not a number",
        Ok(value) if value < 0.0 => "is negative",
        Ok(value) if value.is_infinite() => "is infinite, or too large",
        Ok(0.0) => "is zero, or too small",
        Ok(value) => return Ok(value),
    };
    Err(table.error(row, column, format!("{text:?} {problem}")))
}
