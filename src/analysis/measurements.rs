//! Throughputs that somebody measured, by this program or another, and Gunther's
//! law fitted to them.

mod summary;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;

use super::fits::{Candidate, MIN_COUNTS, Model};
use crate::quantity::pluralize;
use crate::record::{Table, TableError, TableRow};
use crate::stats::scaling::{Loss, Points};
use crate::visits::CONFIDENCE;
use summary::{LeftOut, Reason, Summary};

/// More threads than this are a mistake, and so far from one that rounding would
/// show.
const MOST_THREADS: f64 = 1e9;

/// What a table holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurements {
    /// In the order in which the table first names them; without groups, one.
    pub groups: Vec<Group>,
    /// Whether the table has groups: its own, or those of a column.
    pub has_groups: bool,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Throughputs that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What tells it from the others; `None` where there are no groups.
    pub name: Option<String>,
    /// Numbers of threads with a throughput.
    pub points: Vec<(f64, f64)>,
}

/// Gunther's law of one group, or why there is none.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MeasuredFit {
    /// The name of the group.
    pub group: Option<String>,
    /// Throughputs that were fitted.
    pub points: usize,
    /// The law: the Universal Scalability Law.
    pub model: Option<Model>,
    /// Throughput of one thread, in the unit of the data.
    pub gamma: Option<f64>,
    /// Lower end of its interval.
    pub gamma_low: Option<f64>,
    /// Upper end of its interval.
    pub gamma_high: Option<f64>,
    /// Share of contention.
    pub sigma: Option<f64>,
    /// Lower end of its interval.
    pub sigma_low: Option<f64>,
    /// Upper end of its interval.
    pub sigma_high: Option<f64>,
    /// Share of coherence.
    pub kappa: Option<f64>,
    /// Lower end of its interval.
    pub kappa_low: Option<f64>,
    /// Upper end of its interval.
    pub kappa_high: Option<f64>,
    /// Sum of the squared residuals of throughput.
    pub sse: Option<f64>,
    /// Akaike's criterion for small samples.
    pub aicc: Option<f64>,
    /// Number of threads beyond which throughput falls.
    pub peak_nthread: Option<f64>,
    /// The throughput that no number of threads exceeds, where there is no peak.
    pub limit: Option<f64>,
    /// What a reader must know of the peak or the limit.
    pub caveat: Option<String>,
    /// Amdahl's law of the same data, to be compared by `aicc`.
    pub amdahl: Option<Candidate>,
    /// Why nothing was fitted.
    pub refusal: Option<String>,
}

impl Measurements {
    /// The columns `nthread` and `throughput` of a table, by the values of `group`. A
    /// `summary.csv` of ours has groups of its own: the cases that differ in their
    /// thread count only. Its baseline, and its oversubscribed cases, are left out.
    ///
    /// # Errors
    /// Where a column is missing, or a field is no positive number.
    pub fn of(table: &Table, group: Option<&str>) -> Result<Measurements, TableError> {
        let columns = Columns::of(table, group)?;
        let summary = Summary::of(table);
        let names = match (columns.group, &summary) {
            (Some(group), _) => {
                table.rows.iter().map(|row| Some(row.fields[group].clone())).collect()
            }
            (None, Some(summary)) => summary.names()?,
            (None, None) => vec![None; table.rows.len()],
        };
        let has_groups = group.is_some() || summary.is_some();
        let mut found = Measurements { has_groups, ..Measurements::default() };
        let mut places: HashMap<&Option<String>, usize> = HashMap::new();
        let mut left_out = LeftOut::default();
        for (row, name) in table.rows.iter().zip(&names) {
            let reason = summary.as_ref().and_then(|summary| summary.reason_to_leave_out(row));
            left_out.count(reason);
            if reason == Some(Reason::Baseline) {
                continue;
            }
            let place = *places.entry(name).or_insert_with(|| {
                found.groups.push(Group { name: name.clone(), points: Vec::new() });
                found.groups.len() - 1
            });
            if reason.is_none() {
                found.groups[place].points.push(columns.point(table, row)?);
            }
        }
        if !has_groups && found.groups.is_empty() {
            found.groups.push(Group::default());
        }
        found.notes = left_out.notes();
        Ok(found)
    }

    /// Gunther's law of each group.
    pub fn fits(&self) -> Vec<MeasuredFit> {
        self.groups.iter().map(Group::fit).collect()
    }
}

impl Group {
    /// Gunther's law by least squares of throughput, as R's package `usl` fits it,
    /// with Student's t intervals.
    pub fn fit(&self) -> MeasuredFit {
        let mut fit = MeasuredFit {
            group: self.name.clone(),
            points: self.points.len(),
            ..MeasuredFit::default()
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
        if !fit.fill(&points) {
            fit.refusal = Some("the fit is beyond the range of numbers".to_string());
        }
        fit
    }
}

impl MeasuredFit {
    /// Whether there is a law.
    fn fill(&mut self, points: &Points) -> bool {
        let Some(solution) = points.fit(Model::Usl) else { return false };
        let curve = solution.curve;
        let [gamma, sigma, kappa] = points.uncertainty(&solution, CONFIDENCE).intervals;
        self.model = Some(Model::Usl);
        (self.gamma, self.sigma, self.kappa) =
            (Some(curve.gamma), Some(curve.sigma), Some(curve.kappa));
        (self.gamma_low, self.gamma_high) = (gamma.map(|it| it.low), gamma.map(|it| it.high));
        (self.sigma_low, self.sigma_high) = (sigma.map(|it| it.low), sigma.map(|it| it.high));
        (self.kappa_low, self.kappa_high) = (kappa.map(|it| it.low), kappa.map(|it| it.high));
        self.sse = solution.sse;
        self.aicc = points.aicc(&solution);
        (self.peak_nthread, self.limit) = (curve.peak(), curve.limit());
        self.caveat = if curve.peak().is_some_and(|peak| peak > points.largest()) {
            Some("peak beyond what was measured".to_string())
        } else {
            let most = points.largest();
            self.limit.map(|_| format!("limit extrapolated from at most {most} threads"))
        };
        self.amdahl = points.fit(Model::Amdahl).map(|solution| {
            let aicc = points.aicc(&solution);
            Candidate { curve: solution.curve, sse: solution.sse, aicc }
        });
        true
    }
}

/// Where in a table everything stands.
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
        let wrong = |what: &str| {
            let message = format!("{:?} {what}", row.fields[self.nthread]);
            Err(table.error(row, self.nthread, message))
        };
        if nthread.fract() != 0.0 {
            return wrong("is not a whole number of threads");
        }
        if nthread > MOST_THREADS {
            return wrong("are too many threads");
        }
        Ok((nthread, positive(table, row, self.throughput)?))
    }
}

/// A field as a number above 0.
fn positive(table: &Table, row: &TableRow, column: usize) -> Result<f64, TableError> {
    let text = row.fields[column].as_str();
    let wrong = |what: &str| Err(table.error(row, column, format!("{text:?} {what}")));
    match text.parse::<f64>() {
        Err(_) if text.is_empty() => {
            Err(table.error(row, column, "the field is empty".to_string()))
        }
        Err(_) => wrong("is not a number; write for example 1234.5 or 1.2e9"),
        Ok(value) if value.is_nan() => wrong("is not a number"),
        Ok(value) if value < 0.0 => wrong("is negative"),
        Ok(value) if value.is_infinite() => wrong("is infinite, or too large"),
        Ok(0.0) => wrong("is zero, or too small"),
        Ok(value) => Ok(value),
    }
}
