//! A `samples.csv` as visits, in one pass: what is kept of a million rows is what
//! their visits say.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::path::Path;

use super::Visits;
use super::gathering::{Gathering, Scattered, Strangers};
use super::remarks::{Oddity, Remark};
use crate::record::{
    Case, Next, Plan, Position, ReadError, Reader, Row, SAMPLES_FILE, Target, Wrong, WrongKind,
};

/// Visits whose rows are scattered over a file are made so many at a time, each
/// time in a pass of its own.
const VISITS_AT_ONCE: usize = 1 << 15;

/// What a file says.
pub struct Reading {
    /// What was planned; where no plan was given, what there is.
    pub plan: Plan,
    /// The visits.
    pub visits: Visits,
    /// What was odd, the worst first.
    pub remarks: Vec<Remark>,
}

/// Reads the `samples.csv` of a results directory. Without a plan every case that
/// the rows name counts, in the order in which they name them.
///
/// # Errors
/// Where the file cannot be read, where its columns are not ours, or where there
/// are lines and none of them is a row.
pub fn read(dir: &Path, plan: Option<&Plan>) -> Result<Reading, ReadError> {
    let path = dir.join(SAMPLES_FILE);
    read_with(&path, plan, || Reader::open(&path))
}

/// The same of what `open` opens, at each call from its start; `path` is what errors
/// call it.
///
/// # Errors
/// As [`read()`].
pub fn read_with<R: BufRead>(
    path: &Path,
    plan: Option<&Plan>,
    open: impl Fn() -> Result<Reader<R>, ReadError>,
) -> Result<Reading, ReadError> {
    let blank = Plan::default();
    let visits = Visits::none(plan.unwrap_or(&blank));
    let strangers = if plan.is_some() { Strangers::AreLeftOut } else { Strangers::AreAdded };
    let mut gathering = Gathering::new(visits, strangers);
    first_pass(path, open()?, &mut gathering)?;
    let scattered = gathering.scattered();
    for places in scattered.chunks(VISITS_AT_ONCE) {
        second_pass(path, open()?, places, &mut gathering)?;
    }
    if plan.is_none() {
        gathering.remarks().note(Oddity::NoRun, || "there is no run.json".to_string());
    }
    let (visits, remarks) = gathering.finish();
    let plan = plan.cloned().unwrap_or_else(|| rebuilt(&visits));
    // Where the plan was rebuilt, visits were gathered before anybody knew this.
    let visits = visits.compared_with(plan.baseline);
    Ok(Reading { plan, visits, remarks })
}

fn first_pass<R: BufRead>(
    path: &Path,
    mut reader: Reader<R>,
    gathering: &mut Gathering,
) -> Result<(), ReadError> {
    remark_on_columns(&reader, gathering);
    let (mut rows, mut first_wrong) = (0_u64, None::<Wrong>);
    loop {
        let next = reader.next(gathering.slot());
        match next.map_err(|source| ReadError::Io { path: path.to_path_buf(), source })? {
            Next::Row => {
                rows += 1;
                gathering.take(reader.line());
            }
            Next::Wrong(wrong) => {
                gathering.take_wrong(&wrong);
                first_wrong.get_or_insert(wrong);
            }
            Next::End => break,
        }
    }
    match first_wrong {
        Some(wrong) if rows == 0 && wrong.kind != WrongKind::Torn => {
            Err(ReadError::row(path, &wrong))
        }
        _ if rows == 0 => {
            let what = || format!("{SAMPLES_FILE}, line 1: nothing follows the header");
            gathering.remarks().note(Oddity::Empty, what);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn remark_on_columns<R: BufRead>(reader: &Reader<R>, gathering: &mut Gathering) {
    for name in reader.missing() {
        let what = || format!("{SAMPLES_FILE}, line 1: there is no column {name}");
        gathering.remarks().note(Oddity::MissingColumn, what);
    }
    for (number, name) in reader.strangers() {
        let what = || format!("{SAMPLES_FILE}, line 1, column {number}: {name:?} is not known");
        gathering.remarks().note(Oddity::StrangeColumn, what);
    }
}

fn second_pass<R: BufRead>(
    path: &Path,
    mut reader: Reader<R>,
    places: &[Position],
    gathering: &mut Gathering,
) -> Result<(), ReadError> {
    let mut scattered = Scattered::new(places);
    let mut row = Row::default();
    loop {
        let next = reader.next(&mut row);
        match next.map_err(|source| ReadError::Io { path: path.to_path_buf(), source })? {
            Next::Row => scattered.take(&row, reader.line()),
            Next::Wrong(_) => {}
            Next::End => break,
        }
    }
    gathering.take_scattered(scattered);
    Ok(())
}

/// As much of a plan as the visits tell.
fn rebuilt(visits: &Visits) -> Plan {
    let counts = |count: fn(&Case) -> u32| -> Vec<u32> {
        let all: BTreeSet<u32> = visits.cases.iter().map(count).collect();
        all.into_iter().collect()
    };
    let inner = counts(|case| case.inner_nthread.max(1));
    let are_commands = visits.cases.iter().any(Case::is_command);
    Plan {
        target: Target::of_cases(&visits.cases),
        baseline: if are_commands { baseline_of(&visits.cases) } else { None },
        cases: visits.cases.clone(),
        nthread: counts(|case| case.nthread),
        inner_nthread: if inner.iter().all(|inner| *inner == 1) { Vec::new() } else { inner },
        nthread_source: SAMPLES_FILE.to_string(),
        ..Plan::default()
    }
}

/// The case that commands are compared with, where nobody wrote it down: the first
/// command at its smallest counts.
fn baseline_of(cases: &[Case]) -> Option<usize> {
    let first = cases.first()?;
    let own = cases.iter().enumerate().filter(|(_, case)| case.label == first.label);
    own.min_by_key(|(_, case)| (case.nthread, case.inner_nthread)).map(|(index, _)| index)
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
