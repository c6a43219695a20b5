//! What a results directory says of the visits that came to harm, and of those
//! that did not.

use std::collections::BTreeMap;
use std::fs;
use std::ops::AddAssign;
use std::path::Path;

use nthread::analysis::{Summary, summarise};
use nthread::record::{Phase, Row, Run, SAMPLES_FILE, read_rows};
use nthread::visits::{Disturbance, Visit, VisitOutcome, Visits};

use super::fault::{Fault, Flag};

/// Counts of one kind of fault.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Visits that came to harm.
    pub injected: usize,
    /// How many of them were flagged in the right way.
    pub flagged: usize,
    /// How many of them are in a median or in a ratio.
    pub in_headline: usize,
    /// Visits to which nothing happened.
    pub clean: usize,
    /// How many of them were called disturbed, or failed.
    pub false_alarms: usize,
    /// How many of them were found to have waited for a CPU: true on a machine
    /// that others use too, and of calls of a few milliseconds anywhere.
    pub starved: usize,
    /// What was said of the visits, and how often, where it was not the right
    /// thing.
    pub odd: BTreeMap<String, usize>,
    /// Whether the evidence was written into the rows, since the machine does
    /// not let a test bring it about.
    pub is_crafted: bool,
}

impl AddAssign for Verdict {
    fn add_assign(&mut self, other: Verdict) {
        self.injected += other.injected;
        self.flagged += other.flagged;
        self.in_headline += other.in_headline;
        self.clean += other.clean;
        self.false_alarms += other.false_alarms;
        self.starved += other.starved;
        self.is_crafted |= other.is_crafted;
        for (said, times) in other.odd {
            *self.odd.entry(said).or_default() += times;
        }
    }
}

impl Verdict {
    fn note_odd(&mut self, said: String) {
        *self.odd.entry(said).or_default() += 1;
    }
}

/// Of the sweep in that directory. Where `is_crafted`, throttled time is put
/// into the rows of the visits that should have had it.
pub fn of(fault: Fault, directory: &Path, is_crafted: bool) -> Verdict {
    let out = directory.join("out");
    let run = Run::read(&out).expect("run.json");
    let mut rows = read_rows(&out.join(SAMPLES_FILE)).expect("samples.csv");
    let name = fault.name();
    let case = run.plan.cases.iter().position(|case| case.backend == name).expect("planned");
    let harmed = harmed_visits(directory, &rows, &name);
    if is_crafted {
        for row in rows.iter_mut().filter(|row| harmed.contains(&row.visit)) {
            row.throttled_ns = (row.phase == Phase::Visit).then_some(1_000_000);
        }
    }
    let summary = summarise(&run, &rows);
    let visits = Visits::from_rows(&rows, &run.plan);
    let mut verdict = Verdict { is_crafted, ..Verdict::default() };
    for visit in visits.in_order() {
        if visit.case == case && harmed.contains(&visit.position.visit) {
            verdict.injected += 1;
            match is_flagged(fault, visit) && is_warned_of(fault, &summary, case) {
                true => verdict.flagged += 1,
                false => verdict.note_odd(format!("not flagged: {}", said_of(visit))),
            }
        } else {
            verdict.clean += 1;
            verdict.starved += usize::from(visit.metrics.starved().is_some());
            match &visit.outcome {
                VisitOutcome::Clean(_) => {}
                // A machine with a quota of its own cuts in when it likes.
                VisitOutcome::Disturbed(_, Disturbance::Throttled)
                    if run.machine.quota_cpus.is_some() =>
                {
                    verdict.note_odd("throttled by the machine's own quota".to_string());
                }
                _ => {
                    verdict.false_alarms += 1;
                    verdict.note_odd(format!("false alarm: {}", said_of(visit)));
                }
            }
        }
    }
    verdict.in_headline = in_headline(&summary, &rows, case, &harmed);
    verdict
}

/// Positions of the visits that came to harm. The journal has a line for each
/// visit in their order, and before them one of the visit that tried how long
/// the backend takes to warm up.
fn harmed_visits(directory: &Path, rows: &[Row], name: &str) -> Vec<u64> {
    let text = fs::read_to_string(directory.join("journal")).expect("a journal");
    let is_visit = |row: &&Row| row.phase == Phase::Visit && row.case.backend == name;
    let visits: Vec<u64> = rows.iter().filter(is_visit).map(|row| row.visit).collect();
    let skipped = text.lines().count() - visits.len();
    assert!(skipped <= 1, "{skipped} visits without rows");
    let pairs = text.lines().skip(skipped).zip(visits);
    pairs.filter(|(line, _)| *line == "harm").map(|(_, visit)| visit).collect()
}

fn is_flagged(fault: Fault, visit: &Visit) -> bool {
    match (fault.flag(), &visit.outcome) {
        (Flag::Row(words), VisitOutcome::Failed(problem)) => {
            words.iter().all(|word| problem.contains(word))
        }
        (Flag::LeftOut(reason, _), VisitOutcome::Disturbed(_, disturbance)) => {
            reason == *disturbance
        }
        (Flag::Evidence(_), VisitOutcome::Clean(_)) => visit.metrics.starved().is_some(),
        _ => false,
    }
}

/// Whether there is the warning that there must be, and none is needed for a
/// failure.
fn is_warned_of(fault: Fault, summary: &Summary, case: usize) -> bool {
    match fault.flag() {
        Flag::Row(_) => !summary.cases[case].problems.is_empty(),
        Flag::LeftOut(_, code) | Flag::Evidence(code) => {
            summary.warnings.iter().any(|it| it.code == code && it.cases.contains(&case))
        }
        Flag::ExitCode => false,
    }
}

fn said_of(visit: &Visit) -> String {
    match &visit.outcome {
        VisitOutcome::Clean(_) => format!("clean, {:?}", visit.metrics),
        VisitOutcome::Disturbed(_, disturbance) => format!("{disturbance:?}"),
        VisitOutcome::Failed(problem) => problem.clone(),
    }
}

/// How many times of harmed visits are among the case's times of a call, and how
/// many ratios there are too many. Told from the rows, and not by the rules that
/// left them out.
fn in_headline(summary: &Summary, rows: &[Row], case: usize, harmed: &[u64]) -> usize {
    let name = &summary.cases[case].case.backend;
    let is_call = |row: &&Row| row.phase == Phase::Call && row.case.backend == *name;
    let is_harmed = |row: &&Row| harmed.contains(&row.visit);
    let calls: Vec<&Row> = rows.iter().filter(is_call).collect();
    let times: Vec<f64> = calls
        .iter()
        .copied()
        .filter(is_harmed)
        .filter_map(|row| row.wall_ns)
        .map(|ns| ns as f64)
        .collect();
    let in_times = summary.cases[case].round_ns.iter().filter(|ns| times.contains(ns)).count();
    let clean = calls.iter().filter(|row| !harmed.contains(&row.visit)).count();
    in_times.max(summary.cases[case].ratios.len().saturating_sub(clean))
}
