//! Groups of cases: jobs, and the series of each backend over its thread counts.

use std::collections::{HashMap, HashSet};

use super::{CONFIDENCE, CaseSummary, Summary};
use crate::record::Case;
use crate::stats::median_interval;

/// The cases that are compared with the same baseline, and so with each other.
pub struct Job<'a> {
    /// Cases in the order of the plan; at least one.
    pub cases: Vec<&'a CaseSummary>,
}

impl<'a> Job<'a> {
    /// A case of the job, for the common settings: kernel, draws (of one worker, for weak
    /// scaling), block, seed, pin.
    pub fn settings(&self) -> &'a Case {
        &self.cases[0].case
    }

    /// The baseline.
    pub fn baseline(&self) -> Option<&'a CaseSummary> {
        self.cases.iter().copied().find(|case| case.is_baseline())
    }

    /// The cases in series, one for each backend and its settings.
    pub fn series(&self) -> Vec<Series<'a>> {
        let mut cases = self.cases.clone();
        cases.retain(|case| !self.is_separate_baseline(case));
        series(&cases)
    }

    /// True for a baseline that is in no series: the only case of its name, while others have
    /// several counts. A command at its smallest count is the first point of its own series;
    /// if all have one count, each is a series.
    fn is_separate_baseline(&self, case: &CaseSummary) -> bool {
        if case.case.is_baseline() || !case.is_common_baseline {
            return case.case.is_baseline();
        }
        let mut cases_of_title: HashMap<String, usize> = HashMap::new();
        for case in &self.cases {
            *cases_of_title.entry(case.case.title()).or_default() += 1;
        }
        cases_of_title[&case.case.title()] == 1 && cases_of_title.values().any(|count| *count > 1)
    }
}

/// The jobs of a run, in the order in which the plan first names them.
pub fn jobs(summary: &Summary) -> Vec<Job<'_>> {
    jobs_of(&summary.cases)
}

/// Groups cases into jobs.
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

/// The cases that differ only in their thread count (and in a chunk that follows from it).
pub struct Series<'a> {
    /// Name of the backend, or label of the command.
    pub name: String,
    /// Settings that distinguish it from other series of the same name.
    pub detail: String,
    /// Cases in the order of the plan; at least one.
    pub cases: Vec<&'a CaseSummary>,
}

impl<'a> Series<'a> {
    /// The name, and the settings in which it differs from others of its name.
    pub fn full_name(&self) -> String {
        match self.detail.as_str() {
            "" => self.name.clone(),
            detail => format!("{} ({detail})", self.name),
        }
    }

    /// The case with the best thread count of the series.
    pub fn best(&self) -> Option<&'a CaseSummary> {
        best(&self.cases)
    }

    /// True if the case of that index is in the series.
    pub(super) fn contains(&self, index: usize) -> bool {
        self.cases.iter().any(|case| case.index == index)
    }
}

/// The case with the highest speedup (without a baseline: the shortest time). An
/// oversubscribed case gives way to the best within the CPUs unless the paired rounds show
/// that it is faster.
pub(super) fn best<'a>(cases: &[&'a CaseSummary]) -> Option<&'a CaseSummary> {
    let mut measured = cases.to_vec();
    measured.retain(|case| case.median_ns.is_some());
    measured.sort_by(|a, b| a.score().total_cmp(&b.score()));
    let best = *measured.last()?;
    let best_within_cpus = measured.iter().rev().find(|case| !case.oversubscribed);
    let alternative =
        best_within_cpus.filter(|other| best.oversubscribed && !is_faster(best, other));
    Some(alternative.copied().unwrap_or(best))
}

/// True if the interval of the paired ratios of two cases shows that the first is faster.
fn is_faster(one: &CaseSummary, other: &CaseSummary) -> bool {
    median_interval(&one.log_ratios_to(other), CONFIDENCE)
        .is_some_and(|interval| interval.low > 0.0)
}

/// Groups cases into series, in the order in which the cases first name them.
pub fn series<'a>(cases: &[&'a CaseSummary]) -> Vec<Series<'a>> {
    let with_chunks = keys_with_chunks(cases);
    let mut groups: Vec<(Key, Vec<&CaseSummary>)> = Vec::new();
    let mut places: HashMap<Key, usize> = HashMap::new();
    for case in cases {
        let mut key = Key::new(&case.case, None);
        if with_chunks.contains(&key) {
            key = Key::new(&case.case, case.case.chunk);
        }
        let place = *places.entry(key).or_insert_with_key(|key| {
            groups.push((key.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(case);
    }
    let keys: Vec<Key> = groups.iter().map(|(key, _)| key.clone()).collect();
    groups
        .into_iter()
        .map(|(key, cases)| Series { detail: key.detail(&keys), name: key.name, cases })
        .collect()
}

/// Common settings of the cases of a series.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    /// Settings as text, empty for an unused one.
    settings: [String; 7],
}

impl Key {
    fn new(case: &Case, chunk: Option<u64>) -> Key {
        // The name of a command is its label.
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

    /// The settings in which keys of the same name differ.
    fn detail(&self, keys: &[Key]) -> String {
        let mut detail: Vec<&str> = Vec::new();
        for (index, setting) in self.settings.iter().enumerate() {
            let mut others = keys.iter().filter(|other| other.name == self.name);
            if !setting.is_empty() && others.any(|other| other.settings[index] != *setting) {
                detail.push(setting);
            }
        }
        detail.join(", ")
    }
}

/// The keys of cases that the chunk distinguishes: only if a backend has several chunks at
/// the same thread count. Otherwise the chunk may be a default that depends on the count.
fn keys_with_chunks(cases: &[&CaseSummary]) -> HashSet<Key> {
    let mut chunks: HashMap<(Key, u32), Option<u64>> = HashMap::new();
    let mut keys = HashSet::new();
    for case in cases.iter().map(|case| &case.case) {
        let key = Key::new(case, None);
        if *chunks.entry((key.clone(), case.nthread)).or_insert(case.chunk) != case.chunk {
            keys.insert(key);
        }
    }
    keys
}
