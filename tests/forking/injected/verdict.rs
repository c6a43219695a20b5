//! Flags in a results directory, of the visits with a fault and of those without.

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
    /// Number of visits with a fault.
    pub injected: usize,
    /// Number of those that were flagged in the right way.
    pub flagged: usize,
    /// Number of those that are in a median or in a ratio.
    pub in_headline: usize,
    /// Number of visits without a fault.
    pub clean: usize,
    /// Number of those that were flagged as disturbed or failed.
    pub false_alarms: usize,
    /// Number of those that were flagged as having waited for a CPU, which happens on a
    /// shared machine, and in calls of a few milliseconds anywhere.
    pub starved: usize,
    /// Wrong flags of the visits, with their numbers.
    pub odd: BTreeMap<String, usize>,
    /// True if the evidence was written into the rows, since the machine does not let a
    /// test cause it.
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
        for (flags, times) in other.odd {
            *self.odd.entry(flags).or_default() += times;
        }
    }
}

impl Verdict {
    fn record_wrong_flag(&mut self, flags: String) {
        *self.odd.entry(flags).or_default() += 1;
    }
}

/// Counts the flags of the sweep in a directory. With `is_crafted`, throttled time is
/// written into the rows of the visits that should have it.
pub fn of(fault: Fault, directory: &Path, is_crafted: bool) -> Verdict {
    let out = directory.join("out");
    let run = Run::read(&out).expect("run.json");
    let mut rows = read_rows(&out.join(SAMPLES_FILE)).expect("samples.csv");
    let name = fault.name();
    let case = run.plan.cases.iter().position(|case| case.backend == name).expect("planned");
    let faulty = faulty_visits(directory, &rows, &name);
    if is_crafted {
        for row in rows.iter_mut().filter(|row| faulty.contains(&row.visit)) {
            row.throttled_ns = (row.phase == Phase::Visit).then_some(1_000_000);
        }
    }
    let summary = summarise(&run, &rows);
    let visits = Visits::from_rows(&rows, &run.plan);
    let mut verdict = Verdict { is_crafted, ..Verdict::default() };
    for visit in visits.in_order() {
        if visit.case == case && faulty.contains(&visit.position.visit) {
            verdict.injected += 1;
            match is_flagged(fault, visit) && is_warned_of(fault, &summary, case) {
                true => verdict.flagged += 1,
                false => verdict.record_wrong_flag(format!("not flagged: {}", flags_of(visit))),
            }
        } else {
            verdict.clean += 1;
            verdict.starved += usize::from(visit.metrics.starved().is_some());
            match &visit.outcome {
                VisitOutcome::Clean(_) => {}
                // A machine with a quota of its own may throttle at any time.
                VisitOutcome::Disturbed(_, Disturbance::Throttled)
                    if run.machine.quota_cpus.is_some() =>
                {
                    verdict.record_wrong_flag("throttled by the machine's own quota".to_string());
                }
                _ => {
                    verdict.false_alarms += 1;
                    verdict.record_wrong_flag(format!("false alarm: {}", flags_of(visit)));
                }
            }
        }
    }
    verdict.in_headline = in_headline(&summary, &rows, case, &faulty);
    verdict
}

/// Positions of the visits with a fault. The journal has a line for each visit in
/// their order, after one for the visit that measures the warm-up of the backend.
fn faulty_visits(directory: &Path, rows: &[Row], name: &str) -> Vec<u64> {
    let text = fs::read_to_string(directory.join("journal")).expect("a journal");
    let is_visit = |row: &&Row| row.phase == Phase::Visit && row.case.backend == name;
    let visits: Vec<u64> = rows.iter().filter(is_visit).map(|row| row.visit).collect();
    let skipped = text.lines().count() - visits.len();
    assert!(skipped <= 1, "{skipped} visits without rows");
    let pairs = text.lines().skip(skipped).zip(visits);
    pairs.filter(|(line, _)| *line == "fault").map(|(_, visit)| visit).collect()
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

/// Returns whether the summary has the required warning; a failure needs none.
fn is_warned_of(fault: Fault, summary: &Summary, case: usize) -> bool {
    match fault.flag() {
        Flag::Row(_) => !summary.cases[case].problems.is_empty(),
        Flag::LeftOut(_, code) | Flag::Evidence(code) => {
            summary.warnings.iter().any(|it| it.code == code && it.cases.contains(&case))
        }
        Flag::ExitCode => false,
    }
}

fn flags_of(visit: &Visit) -> String {
    match &visit.outcome {
        VisitOutcome::Clean(_) => format!("clean, {:?}", visit.metrics),
        VisitOutcome::Disturbed(_, disturbance) => format!("{disturbance:?}"),
        VisitOutcome::Failed(problem) => problem.clone(),
    }
}

/// Number of times of faulty visits among the times of a case, and of ratios with them.
/// Both are counted from the rows, not by the rules that leave visits out.
fn in_headline(summary: &Summary, rows: &[Row], case: usize, faulty: &[u64]) -> usize {
    let name = &summary.cases[case].case.backend;
    let is_call = |row: &&Row| row.phase == Phase::Call && row.case.backend == *name;
    let is_faulty = |row: &&Row| faulty.contains(&row.visit);
    let calls: Vec<&Row> = rows.iter().filter(is_call).collect();
    let times: Vec<f64> = calls
        .iter()
        .copied()
        .filter(is_faulty)
        .filter_map(|row| row.wall_ns)
        .map(|ns| ns as f64)
        .collect();
    let in_times = summary.cases[case].round_ns.iter().filter(|ns| times.contains(ns)).count();
    let clean = calls.iter().filter(|row| !faulty.contains(&row.visit)).count();
    in_times.max(summary.cases[case].ratios.len().saturating_sub(clean))
}
