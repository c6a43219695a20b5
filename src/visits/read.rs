//! Visits of a `samples.csv`, read in one pass: a million rows need the memory of
//! their visits.

use std::io::BufRead;
use std::path::Path;

use super::Visits;
use super::collector::{UnknownCases, VisitCollector, located};
use super::issues::{DataIssue, IssueKind};
use crate::record::{
    Case, DamageKind, DamagedLine, Plan, ReadError, Reader, Record, SAMPLES_FILE, Target,
};

/// Contents of a `samples.csv`.
pub struct Samples {
    /// Plan that was given, or else a plan of the cases that the file has.
    pub plan: Plan,
    /// Visits of all cases.
    pub visits: Visits,
    /// Issues of the file, the most severe first.
    pub issues: Vec<DataIssue>,
}

/// Reads the `samples.csv` of a results directory. Without a plan, every case that the
/// rows name counts, in the order in which they name them.
///
/// # Errors
/// Where the file cannot be read, where its columns are not ours, or where there are
/// lines and none of them is a row.
pub fn read(dir: &Path, plan: Option<&Plan>) -> Result<Samples, ReadError> {
    read_from(Reader::open(&dir.join(SAMPLES_FILE))?, plan)
}

/// Reads the rows of a reader as [`read()`] does.
///
/// # Errors
/// As [`read()`].
pub fn read_from<R: BufRead>(reader: Reader<R>, plan: Option<&Plan>) -> Result<Samples, ReadError> {
    let visits = Visits::empty(plan.unwrap_or(&Plan::default()));
    let unknown_cases = if plan.is_some() { UnknownCases::Skip } else { UnknownCases::Add };
    let mut collector = VisitCollector::new(visits, unknown_cases);
    check_columns(&reader, &mut collector);
    read_all(reader, &mut collector)?;
    if plan.is_none() {
        collector.issues().add(IssueKind::NoRun, || "there is no run.json".to_string());
    }
    let (visits, issues) = collector.finish();
    let plan = plan.cloned().unwrap_or_else(|| plan_of(&visits));
    // The baseline of a plan made from the rows is known only now.
    let visits = visits.with_baseline(plan.baseline);
    Ok(Samples { plan, visits, issues })
}

fn read_all<R: BufRead>(
    mut reader: Reader<R>,
    collector: &mut VisitCollector,
) -> Result<(), ReadError> {
    let (mut has_rows, mut first_damaged) = (false, None::<DamagedLine>);
    loop {
        match reader.read(collector.free_row())? {
            Record::Row => {
                has_rows = true;
                collector.add_row(reader.line());
            }
            Record::Damaged(damaged) => {
                collector.add_damaged_line(&damaged);
                first_damaged.get_or_insert(damaged);
            }
            Record::EndOfFile => break,
        }
    }
    match first_damaged {
        _ if has_rows => {}
        Some(damaged) if damaged.kind != DamageKind::Torn => {
            return Err(ReadError::row(reader.path(), &damaged));
        }
        _ => collector
            .issues()
            .add(IssueKind::Empty, || located(1, None, "no row follows the header")),
    }
    Ok(())
}

fn check_columns<R: BufRead>(reader: &Reader<R>, collector: &mut VisitCollector) {
    for name in reader.missing_columns() {
        let what = format!("column {name} is missing");
        collector.issues().add(IssueKind::MissingColumn, || located(1, None, &what));
    }
    for (number, name) in reader.unknown_columns() {
        let what = format!("{name:?} is not a known column");
        let column = number.to_string();
        collector.issues().add(IssueKind::UnknownColumn, || located(1, Some(&column), &what));
    }
}

/// Creates a plan from the cases that were visited.
fn plan_of(visits: &Visits) -> Plan {
    let inner = distinct_counts(visits, |case| case.inner_nthread.max(1));
    let are_commands = visits.cases.iter().any(Case::is_command);
    Plan {
        target: Target::of_cases(&visits.cases),
        baseline: if are_commands { baseline_of(&visits.cases) } else { None },
        cases: visits.cases.clone(),
        nthread: distinct_counts(visits, |case| case.nthread),
        inner_nthread: if inner.iter().all(|inner| *inner == 1) { Vec::new() } else { inner },
        nthread_source: SAMPLES_FILE.to_string(),
        ..Plan::default()
    }
}

fn distinct_counts(visits: &Visits, count: fn(&Case) -> u32) -> Vec<u32> {
    let mut counts: Vec<u32> = visits.cases.iter().map(count).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// Baseline of commands without a plan: the first command at its smallest counts.
fn baseline_of(cases: &[Case]) -> Option<usize> {
    let first = cases.first()?;
    let same_command = cases.iter().enumerate().filter(|(_, case)| case.label == first.label);
    same_command.min_by_key(|(_, case)| (case.nthread, case.inner_nthread)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baseline_of_commands_is_the_first_at_its_smallest_counts() {
        let case = |label: &str, nthread| Case {
            nthread,
            inner_nthread: 1,
            label: label.to_string(),
            ..Case::default()
        };
        assert_eq!(baseline_of(&[case("b", 4), case("a", 1), case("b", 2)]), Some(2));
        assert_eq!(baseline_of(&[]), None);
    }
}
