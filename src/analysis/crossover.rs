//! Crossovers: the smallest job from which a backend is faster than sequential, and faster
//! at all larger jobs.

use serde::Serialize;

use super::CaseSummary;
use super::threshold::{Rounds, ThresholdVerdict, ValuesByRound};
use crate::record::Case;
use crate::stats::{Crossing, crossing};
use crate::visits::{VisitSelection, Visits};

/// The smallest job from which a backend is faster than sequential at a thread count.
///
/// Between two measured jobs the log speedup is interpolated linearly in the logarithm of
/// the draws; the interval is a bootstrap interval over whole rounds. The work of a job is
/// the median time of sequential.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Crossover {
    /// Common settings of its cases; draws, and mostly chunk, are null.
    #[serde(flatten)]
    pub case: Case,
    /// Indices of the cases, from the smallest job to the largest.
    pub cases: Vec<usize>,
    /// Position of the crossover: `from` these draws, `always` or `never` among the measured
    /// jobs, or `unresolved`.
    pub verdict: ThresholdVerdict,
    /// True if no other thread count of this backend has a crossover at a smaller job.
    pub earliest: bool,
    /// Draws of the job, rounded; null outside the measured range.
    pub draws: Option<u64>,
    /// Lower end of its interval; null outside the measured range, or with too few rounds.
    pub draws_low: Option<u64>,
    /// Upper end of its interval.
    pub draws_high: Option<u64>,
    /// Sequential work of the job, in nanoseconds.
    pub work_ns: Option<f64>,
    /// Lower end of its interval.
    pub work_low_ns: Option<f64>,
    /// Upper end of its interval.
    pub work_high_ns: Option<f64>,
    /// Sequential work of the smallest measured job.
    pub smallest_work_ns: f64,
    /// Sequential work of the largest measured job.
    pub largest_work_ns: f64,
}

impl Crossover {
    /// Sequential work at the crossover in nanoseconds, as a sort key: inconclusive ones
    /// come last but one, those without a crossover last.
    pub fn sort_key(&self) -> f64 {
        match self.verdict {
            ThresholdVerdict::Always => 0.0,
            ThresholdVerdict::From => self.work_ns.unwrap_or(self.smallest_work_ns),
            ThresholdVerdict::Unresolved | ThresholdVerdict::Implausible => f64::MAX,
            ThresholdVerdict::Never => f64::INFINITY,
        }
    }
}

/// The crossovers of all backends and thread counts that were measured at several jobs.
/// Weak scaling has none: the work of each worker stays the same.
pub fn of(visits: &Visits, cases: &[CaseSummary]) -> Vec<Crossover> {
    let mut groups: Vec<(Case, Vec<usize>)> = Vec::new();
    for (index, summary) in cases.iter().enumerate() {
        let case = &summary.case;
        if case.is_baseline() || case.is_weak() || case.draws.is_none() {
            continue;
        }
        let key = Case { draws: None, chunk: explicit_chunk(case, cases), ..case.clone() };
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, group)) => group.push(index),
            None => groups.push((key, vec![index])),
        }
    }
    let mut crossovers = Vec::new();
    for (case, mut group) in groups {
        group.sort_by_key(|index| cases[*index].case.draws);
        crossovers.extend(of_group(visits, cases, case, group));
    }
    mark_earliest(&mut crossovers);
    crossovers
}

/// The chunk of a case if it is an explicit setting: then some other case of the same job
/// differs in the chunk only. A default chunk follows from the job.
fn explicit_chunk(case: &Case, cases: &[CaseSummary]) -> Option<u64> {
    let is_explicit = cases.iter().map(|other| &other.case).any(|other| {
        other.chunk != case.chunk && Case { chunk: case.chunk, ..other.clone() } == *case
    });
    case.chunk.filter(|_| is_explicit)
}

/// One job of a group, with the logarithms of its size.
struct Job {
    ln_draws: f64,
    ln_work: f64,
    log_ratios: ValuesByRound,
}

/// The crossover of cases that differ in the draws only, sorted by the draws.
fn of_group(
    visits: &Visits,
    cases: &[CaseSummary],
    case: Case,
    group: Vec<usize>,
) -> Option<Crossover> {
    let measured: Vec<Vec<(u32, f64)>> =
        group.iter().map(|case| visits.log_ratios_by_round(*case, VisitSelection::Clean)).collect();
    let rounds = Rounds::of(&measured);
    let mut jobs = Vec::new();
    for (index, measured) in group.iter().zip(&measured) {
        let baseline = cases[*index].baseline.map(|baseline| &cases[baseline]);
        let work_ns = baseline.and_then(|baseline| baseline.median_ns);
        let Some((draws, work_ns)) = cases[*index].case.draws.zip(work_ns) else { continue };
        // A job without pairs would be a gap in the curve.
        if !measured.is_empty() {
            let (ln_draws, ln_work) = ((draws as f64).ln(), work_ns.ln());
            jobs.push(Job { ln_draws, ln_work, log_ratios: rounds.group(measured) });
        }
    }
    let [first, .., last] = &jobs[..] else { return None };
    let threshold = rounds.threshold(|rounds| crossing_of(&jobs, rounds))?;
    let places = threshold.places();
    let [draws, draws_low, draws_high] = places.map(|it| it.map(|ln| ln.exp().round() as u64));
    let [work_ns, work_low_ns, work_high_ns] = places.map(|it| it.map(|ln| work_at(&jobs, ln)));
    Some(Crossover {
        case,
        verdict: threshold.verdict,
        earliest: false,
        draws,
        draws_low,
        draws_high,
        work_ns,
        work_low_ns,
        work_high_ns,
        smallest_work_ns: first.ln_work.exp(),
        largest_work_ns: last.ln_work.exp(),
        cases: group,
    })
}

/// Logarithm of the draws from which the median speedup over these rounds exceeds 1.
fn crossing_of(jobs: &[Job], rounds: &[usize]) -> Option<Crossing> {
    let points = jobs.iter().filter_map(|job| Some((job.ln_draws, job.log_ratios.median(rounds)?)));
    crossing(&points.collect::<Vec<_>>(), 0.0)
}

/// Sequential work of a job with these draws in nanoseconds, interpolated between the
/// neighbouring jobs.
fn work_at(jobs: &[Job], ln_draws: f64) -> f64 {
    let above = jobs.iter().position(|job| job.ln_draws >= ln_draws).unwrap_or(jobs.len() - 1);
    let (low, high) = (&jobs[above.max(1) - 1], &jobs[above.max(1)]);
    // Linear in the logarithms of both draws and work.
    let share = (ln_draws - low.ln_draws) / (high.ln_draws - low.ln_draws);
    (low.ln_work + share * (high.ln_work - low.ln_work)).exp()
}

/// Marks the thread count of each backend that has its crossover at the smallest job.
fn mark_earliest(crossovers: &mut [Crossover]) {
    let keys: Vec<Case> =
        crossovers.iter().map(|it| Case { nthread: 0, ..it.case.clone() }).collect();
    for index in 0..crossovers.len() {
        let same = crossovers.iter().enumerate().filter(|(other, _)| keys[*other] == keys[index]);
        let first = same.min_by(|(_, one), (_, other)| one.sort_key().total_cmp(&other.sort_key()));
        crossovers[index].earliest = first.is_some_and(|(first, _)| first == index);
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Noise, case, measured, measured_crossover};
    use super::*;
    use crate::analysis::Summary;
    use crate::record::BASELINE;

    /// Jobs of 64 · 4⁰, 4¹ … blocks with sequential and with one backend at two threads, whose
    /// speedup at job number `i` is `speedup(i)`.
    fn found(
        jobs: u32,
        rounds: u32,
        speedup: impl Fn(u32) -> f64,
        deviation: f64,
        seed: u64,
    ) -> Summary {
        let draws = |job: u32| 64 * 64 * 4_u64.pow(job);
        let cases: Vec<Case> = (0..jobs)
            .flat_map(|job| [case(BASELINE, 1, draws(job), 1), case("a", 2, draws(job), 1)])
            .collect();
        let mut noise = Noise::new(seed);
        measured_crossover(&cases, rounds, |index, _| {
            let work_ns = 10.0 * cases[index].draws.unwrap_or_default() as f64;
            let truth = if index % 2 == 0 { 1.0 } else { speedup(index as u32 / 2) };
            work_ns / truth * noise.factor(deviation)
        })
    }

    #[test]
    fn a_known_crossover_is_estimated_and_covered_by_its_interval() {
        // Log speedup is linear in log draws and 0 halfway between the jobs 2 and 3.
        let speedup = |job: u32| 2_f64.powf(f64::from(job) - 2.5);
        let truth = 64.0 * 64.0 * 4_f64.powf(2.5);
        let campaigns = 40;
        let covering = (0..campaigns).filter(|seed| {
            let summary = found(5, 12, speedup, 0.1, *seed);
            let it = &summary.crossovers[0];
            assert_eq!((it.verdict, it.earliest), (ThresholdVerdict::From, true), "{it:?}");
            let near = it.draws.expect("draws") as f64 / truth;
            assert!((0.7..1.4).contains(&near), "{near}");
            let work = it.work_ns.expect("work") / (10.0 * truth);
            assert!((0.7..1.4).contains(&work), "{work}");
            let ends = it.draws_low.zip(it.draws_high).expect("an interval");
            (ends.0 as f64..=ends.1 as f64).contains(&truth)
        });
        let covering = covering.count() as u64;
        assert!(covering >= campaigns * 88 / 100, "{covering} of {campaigns}");
    }

    #[test]
    fn without_a_crossing_the_verdict_is_always_or_never() {
        let crossover = |speedup: fn(u32) -> f64, deviation| {
            found(3, 9, speedup, deviation, 1).crossovers[0].clone()
        };
        let always = crossover(|_| 1.8, 0.01);
        assert_eq!(
            (always.verdict, always.draws, always.work_ns),
            (ThresholdVerdict::Always, None, None)
        );
        assert_eq!(crossover(|_| 0.5, 0.01).verdict, ThresholdVerdict::Never);
        assert_eq!(crossover(|_| 1.0, 0.05).verdict, ThresholdVerdict::Unresolved);
        let near = |ns: f64, expected: f64| (ns / expected - 1.0).abs() < 0.05;
        assert!(near(always.smallest_work_ns, 40_960.0), "{always:?}");
        assert!(near(always.largest_work_ns, 655_360.0), "{always:?}");
    }

    #[test]
    fn a_larger_job_without_speedup_cancels_smaller_ones() {
        let speedup = |job: u32| if job == 1 || job == 4 { 1.5 } else { 0.7 };
        let it = found(5, 9, speedup, 0.01, 1).crossovers[0].clone();
        assert_eq!((it.verdict, it.cases.len()), (ThresholdVerdict::From, 5));
        assert!(it.draws > Some(64 * 64 * 64), "{it:?}");
    }

    #[test]
    fn too_few_rounds_give_a_value_without_interval() {
        let it = found(4, 3, |job| 2_f64.powf(f64::from(job) - 1.5), 0.0, 1).crossovers[0].clone();
        assert_eq!((it.verdict, it.draws), (ThresholdVerdict::From, Some(64 * 64 * 8)));
        assert_eq!((it.draws_low, it.work_high_ns), (None, None));
    }

    #[test]
    fn one_job_size_has_no_crossover_and_a_default_chunk_makes_no_group() {
        assert!(found(1, 9, |_| 2.0, 0.01, 1).crossovers.is_empty());
        let summary = found(3, 9, |_| 2.0, 0.01, 1);
        assert_eq!(summary.crossovers.len(), 1);
        assert_eq!(summary.winners.len(), 3);
    }

    #[test]
    fn the_count_with_the_earliest_crossover_is_marked() {
        let draws = [1_u64 << 12, 1 << 14, 1 << 16];
        let cases: Vec<Case> = draws
            .into_iter()
            .flat_map(|draws| {
                [(BASELINE, 1), ("a", 2), ("a", 4)].map(|(b, n)| case(b, n, draws, 1))
            })
            .collect();
        let summary = measured(&cases, 9, |index, _| {
            let draws = cases[index].draws.unwrap_or_default() as f64;
            // Each worker costs as much as 2^12 draws.
            match f64::from(cases[index].nthread) {
                1.0 => draws,
                n => draws / n + 4096.0 * n,
            }
        });
        let marked: Vec<(u32, bool)> =
            summary.crossovers.iter().map(|it| (it.case.nthread, it.earliest)).collect();
        assert_eq!(marked, [(2, true), (4, false)]);
        // The larger count wins at the largest job.
        let winners: Vec<Option<usize>> = summary.winners.iter().map(|it| it.case).collect();
        assert_eq!(winners, [None, None, None, None, Some(7), Some(8)]);
    }
}
