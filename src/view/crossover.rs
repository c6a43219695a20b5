//! Crossovers: from which work on parallel begins to pay, in words.

use super::number::{thousands, time};
use crate::analysis::{Crossover, Summary, ThresholdVerdict, Winner};
use crate::record::Case;

/// A ladder of jobs that differ in their draws only, with its winners and crossovers.
pub struct Ladder<'a> {
    /// The smallest of the jobs.
    pub job: &'a Case,
    /// Winners, by job and then by thread count.
    pub winners: Vec<&'a Winner>,
    /// Crossovers, by series and thread count.
    pub crossovers: Vec<&'a Crossover>,
}

/// The ladders of a run.
pub fn ladders(summary: &Summary) -> Vec<Ladder<'_>> {
    let mut ladders: Vec<Ladder> = Vec::new();
    // The cases of a ladder differ in their draws alone; kernel, pin and the like tell ladders
    // apart.
    for winner in &summary.winners {
        let job = &summary.cases[winner.baseline].case;
        match ladders.iter_mut().find(|ladder| differ_in_draws_only(ladder.job, job)) {
            Some(ladder) => ladder.winners.push(winner),
            None => ladders.push(Ladder { job, winners: vec![winner], crossovers: Vec::new() }),
        }
    }
    for ladder in &mut ladders {
        let all = summary.crossovers.iter();
        ladder.crossovers = all.filter(|it| differ_in_draws_only(ladder.job, &it.case)).collect();
    }
    ladders
}

fn differ_in_draws_only(one: &Case, other: &Case) -> bool {
    let draws = other.draws;
    Case { draws, nthread: other.nthread, ..one.clone() }.is_comparable(other)
}

/// A crossover in words, without its name.
pub fn known(it: &Crossover) -> String {
    let (least, most) = (time(it.smallest_work_ns), time(it.largest_work_ns));
    match it.verdict {
        ThresholdVerdict::Always => format!("pays from the smallest job on: ≤ {least} of work"),
        ThresholdVerdict::Never => format!("does not pay: > {most} of work"),
        ThresholdVerdict::Unresolved | ThresholdVerdict::Implausible => {
            let from = it.work_low_ns.map_or(format!("≤ {least}"), time);
            format!("not decided: from {from} at the earliest, perhaps never")
        }
        ThresholdVerdict::From => {
            let from = it.work_ns.map_or(format!("≤ {least}"), time);
            let draws = it.draws.map_or(String::new(), |n| format!(", {} draws", thousands(n)));
            let ends = match it.work_high_ns {
                Some(high) => {
                    let low = it.work_low_ns.map_or(format!("≤ {least}"), time);
                    format!("({low} – {})", time(high))
                }
                None => "(too few rounds for an interval)".to_string(),
            };
            format!("pays from {from} {ends}{draws}")
        }
    }
}

/// A sentence on the work from which on each backend pays, the earliest first.
pub fn sentence(ladder: &Ladder<'_>) -> Option<String> {
    let earliest = earliest(ladder);
    let largest = time(earliest.first()?.largest_work_ns);
    let (mut paying, mut open, mut never): (Vec<String>, Vec<String>, Vec<String>) =
        Default::default();
    for it in earliest {
        let name = it.case.title();
        match it.verdict {
            ThresholdVerdict::From | ThresholdVerdict::Always => {
                // The first names the verb and the noun, the others only their figure.
                let verb = if paying.is_empty() { " pays" } else { "" };
                let from =
                    it.work_ns.map_or(format!("{} or less", time(it.smallest_work_ns)), time);
                let of_work = if paying.is_empty() { " of work" } else { "" };
                paying.push(format!("{name}{verb} from {from}{of_work}"));
            }
            ThresholdVerdict::Never => never.push(name),
            ThresholdVerdict::Unresolved | ThresholdVerdict::Implausible => open.push(name),
        }
    }
    let mut parts = Vec::new();
    if !paying.is_empty() {
        parts.push(paying.join(", "));
    }
    if !never.is_empty() {
        parts.push(format!("no gain up to {largest} of work: {}", never.join(", ")));
    }
    if !open.is_empty() {
        parts.push(format!("not decided: {}", open.join(", ")));
    }
    Some(parts.join("; ") + ".")
}

/// The crossovers of a ladder in order: of each backend the thread count that pays from the
/// smallest job.
pub fn earliest<'a>(ladder: &Ladder<'a>) -> Vec<&'a Crossover> {
    let mut earliest: Vec<&Crossover> = ladder.crossovers.to_vec();
    earliest.retain(|it| it.earliest);
    earliest.sort_by(|one, other| one.sort_key().total_cmp(&other.sort_key()));
    earliest
}
