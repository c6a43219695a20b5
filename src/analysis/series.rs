//! Cases that belong together: the job that they share, and the series of one
//! backend over its thread counts.

use std::collections::{HashMap, HashSet};

use super::{CaseSummary, Summary};
use crate::record::Case;

/// The cases that are compared with the same baseline, and so with each other.
pub struct Job<'a> {
    /// In the order of the plan; at least one.
    pub cases: Vec<&'a CaseSummary>,
}

impl<'a> Job<'a> {
    /// A case of it, for what all have in common: kernel, draws (of one worker,
    /// where the work grows with the workers), block, seed, pin.
    pub fn settings(&self) -> &'a Case {
        &self.cases[0].case
    }

    /// The baseline.
    pub fn baseline(&self) -> Option<&'a CaseSummary> {
        self.cases.iter().copied().find(|case| case.is_baseline())
    }

    /// Whether a case is a baseline that has no series: it is the only one of its
    /// name, and others have several counts. A command at its smallest count is the
    /// first point of its own series; where all have one count, each is a series.
    pub(super) fn is_apart(&self, case: &CaseSummary) -> bool {
        let of_title =
            |title: &str| self.cases.iter().filter(|other| other.case.title() == title).count();
        let is_alone = of_title(&case.case.title()) == 1;
        let have_several = || self.cases.iter().any(|other| of_title(&other.case.title()) > 1);
        case.case.is_baseline() || (case.is_common_baseline && is_alone && have_several())
    }

    /// The others, one series a line.
    pub fn series(&self) -> Vec<Series<'a>> {
        let lines: Vec<_> =
            self.cases.iter().copied().filter(|case| !self.is_apart(case)).collect();
        series(&lines)
    }
}

/// The jobs of a run, in the order in which the plan first names them.
pub fn jobs(summary: &Summary) -> Vec<Job<'_>> {
    jobs_of(&summary.cases)
}

/// The same of cases alone.
pub(super) fn jobs_of(cases: &[CaseSummary]) -> Vec<Job<'_>> {
    let mut jobs: Vec<Job> = Vec::new();
    for case in cases {
        match jobs.iter_mut().find(|job| job.settings().is_comparable(&case.case)) {
            Some(job) => job.cases.push(case),
            None => jobs.push(Job { cases: vec![case] }),
        }
    }
    jobs
}

/// The cases that differ in their thread count only (and in a chunk that
/// follows from it).
pub struct Series<'a> {
    /// The backend, or the label of the command.
    pub name: String,
    /// The settings in which it differs from others of its name.
    pub detail: String,
    /// In the order of the plan; at least one.
    pub cases: Vec<&'a CaseSummary>,
}

impl<'a> Series<'a> {
    /// The case with the best thread count of the series.
    pub fn best(&self) -> Option<&'a CaseSummary> {
        best(&self.cases)
    }

    /// Whether the case of that index is one of the series.
    pub(super) fn contains(&self, index: usize) -> bool {
        self.cases.iter().any(|case| case.index == index)
    }
}

/// The case with the highest speedup (without a baseline: the shortest time). One
/// with more threads than CPUs must be better beyond its interval to be preferred to
/// one without.
pub(super) fn best<'a>(cases: &[&'a CaseSummary]) -> Option<&'a CaseSummary> {
    let measured = || cases.iter().copied().filter(|case| case.median_ns.is_some());
    let better = |a: &&CaseSummary, b: &&CaseSummary| a.score().total_cmp(&b.score());
    let best = measured().max_by(better)?;
    // Among statistically indistinguishable cases, one that is not oversubscribed is preferred.
    let other = measured().filter(|case| !case.oversubscribed).max_by(better);
    Some(other.filter(|other| best.oversubscribed && overlap(other, best)).unwrap_or(best))
}

/// Whether the intervals of two speedups share a point; those without an interval
/// cannot be told apart.
fn overlap(lower: &CaseSummary, higher: &CaseSummary) -> bool {
    lower.speedup_high.zip(higher.speedup_low).is_none_or(|(high, low)| high >= low)
}

/// One series a line, in the order in which the cases first name it.
pub fn series<'a>(cases: &[&'a CaseSummary]) -> Vec<Series<'a>> {
    let with_chunks = keys_with_chunks(cases);
    let mut lines: Vec<(Key, Vec<&CaseSummary>)> = Vec::new();
    let mut places: HashMap<Key, usize> = HashMap::new();
    for case in cases {
        let mut key = Key::new(&case.case, None);
        if with_chunks.contains(&key) {
            key = Key::new(&case.case, case.case.chunk);
        }
        match places.get(&key) {
            Some(place) => lines[*place].1.push(case),
            None => {
                places.insert(key.clone(), lines.len());
                lines.push((key, vec![case]));
            }
        }
    }
    let keys: Vec<Key> = lines.iter().map(|(key, _)| key.clone()).collect();
    let series = |(key, cases): (Key, Vec<&'a CaseSummary>)| {
        let detail = key.detail(&keys);
        Series { detail, name: key.name, cases }
    };
    lines.into_iter().map(series).collect()
}

/// What the cases of a series have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    /// Every setting in words, empty where there is nothing to say.
    settings: [String; 7],
}

impl Key {
    fn new(case: &Case, chunk: Option<u64>) -> Key {
        // A command has no other name than its label.
        let (name, label) = match case.is_command() {
            true => (case.title(), String::new()),
            false => (case.backend.clone(), case.label.clone()),
        };
        Key {
            name,
            settings: [
                label,
                case.schedule.clone(),
                chunk.map_or(String::new(), |blocks| format!("chunk {blocks}")),
                format!("pin {}", case.pin),
                case.start_method.clone(),
                format!("{} inner", case.inner_nthread),
                case.scaling.clone(),
            ],
        }
    }

    /// The settings in which namesakes differ.
    fn detail(&self, keys: &[Key]) -> String {
        let namesakes = || keys.iter().filter(|other| other.name == self.name);
        let differs = |(index, setting): &(usize, &String)| {
            !setting.is_empty() && namesakes().any(|other| other.settings[*index] != **setting)
        };
        let told: Vec<&str> = self
            .settings
            .iter()
            .enumerate()
            .filter(differs)
            .map(|(_, setting)| setting.as_str())
            .collect();
        told.join(", ")
    }
}

/// The keys of cases that their chunk tells apart: only where a backend has several
/// chunks at the same thread count; else it may be a default that depends on the
/// count.
fn keys_with_chunks(cases: &[&CaseSummary]) -> HashSet<Key> {
    let mut chunks: HashMap<(Key, u32), Option<u64>> = HashMap::new();
    let mut found = HashSet::new();
    for case in cases.iter().map(|case| &case.case) {
        let key = Key::new(case, None);
        if *chunks.entry((key.clone(), case.nthread)).or_insert(case.chunk) != case.chunk {
            found.insert(key);
        }
    }
    found
}
