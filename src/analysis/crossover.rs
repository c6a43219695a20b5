//! Where parallel begins to pay: the smallest job from which a backend beats
//! sequential, and keeps beating it at all larger ones.

use serde::Serialize;

use super::CaseSummary;
use super::rounds::{ByRound, Onset, Rounds};
use crate::record::Case;
use crate::stats::{Crossing, crossing};
use crate::visits::{VisitSelection, Visits};

/// The smallest job from which a backend beats sequential at a thread count.
///
/// Between two jobs that were measured, log speedup is taken as linear in log
/// draws; the interval comes from a bootstrap of whole rounds. Work is the median
/// time that sequential takes for that many draws.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Crossover {
    /// The settings that all its cases share; draws, and mostly chunk, are null.
    #[serde(flatten)]
    pub case: Case,
    /// Indices of the cases, from the smallest job to the largest.
    pub cases: Vec<usize>,
    /// What is known: `from` these draws, `always` or `never` among the jobs that
    /// were measured, or `unresolved`.
    pub verdict: Onset,
    /// Whether no other thread count of this backend pays from a smaller job.
    pub earliest: bool,
    /// Draws of the job, rounded; null where it lies outside of what was measured.
    pub draws: Option<u64>,
    /// Lower end of its interval; null where that lies outside, or of too few rounds.
    pub draws_low: Option<u64>,
    /// Upper end of its interval.
    pub draws_high: Option<u64>,
    /// Sequential work of the job, in nanoseconds.
    pub work_ns: Option<f64>,
    /// Lower end of its interval.
    pub work_low_ns: Option<f64>,
    /// Upper end of its interval.
    pub work_high_ns: Option<f64>,
    /// Sequential work of the smallest job that was measured.
    pub smallest_work_ns: f64,
    /// And of the largest.
    pub largest_work_ns: f64,
}

impl Crossover {
    /// The sequential work from which it pays, in nanoseconds, for comparisons;
    /// those of which it is not known to pay come last.
    pub fn order(&self) -> f64 {
        match self.verdict {
            Onset::Always => 0.0,
            Onset::From => self.work_ns.unwrap_or(self.smallest_work_ns),
            Onset::Unresolved | Onset::Implausible => f64::MAX,
            Onset::Never => f64::INFINITY,
        }
    }
}

/// Of every backend and thread count that was measured over several jobs. Where
/// the work grows with the workers nothing is said: a larger share crosses nothing.
pub fn of(visits: &Visits, cases: &[CaseSummary]) -> Vec<Crossover> {
    let mut ladders: Vec<(Case, Vec<usize>)> = Vec::new();
    for (index, summary) in cases.iter().enumerate() {
        let case = &summary.case;
        if case.is_baseline() || case.is_weak() || case.draws.is_none() {
            continue;
        }
        let key = Case { draws: None, chunk: chunk_that_matters(case, cases), ..case.clone() };
        match ladders.iter_mut().find(|(other, _)| *other == key) {
            Some((_, ladder)) => ladder.push(index),
            None => ladders.push((key, vec![index])),
        }
    }
    let found = ladders.into_iter().filter_map(|(key, mut ladder)| {
        ladder.sort_by_key(|case| cases[*case].case.draws);
        of_ladder(visits, cases, key, ladder)
    });
    let mut crossovers: Vec<Crossover> = found.collect();
    mark_earliest(&mut crossovers);
    crossovers
}

/// A chunk that was asked for: only then does the same job have cases that differ
/// in nothing else.
fn chunk_that_matters(case: &Case, cases: &[CaseSummary]) -> Option<u64> {
    let is_twin = |other: &Case| {
        other.chunk != case.chunk && Case { chunk: case.chunk, ..other.clone() } == *case
    };
    case.chunk.filter(|_| cases.iter().any(|other| is_twin(&other.case)))
}

/// One job of a ladder, with places as logarithms.
struct Rung {
    ln_draws: f64,
    ln_work: f64,
    log_ratios: ByRound,
}

fn of_ladder(
    visits: &Visits,
    cases: &[CaseSummary],
    case: Case,
    ladder: Vec<usize>,
) -> Option<Crossover> {
    let measured: Vec<Vec<(u32, f64)>> = ladder
        .iter()
        .map(|case| visits.log_ratios_by_round(*case, VisitSelection::Clean))
        .collect();
    let rounds = Rounds::of(&measured);
    let rung = |(index, measured): (&usize, &Vec<(u32, f64)>)| {
        let work_ns = cases[cases[*index].baseline?].median_ns?;
        Some(Rung {
            ln_draws: (cases[*index].case.draws? as f64).ln(),
            ln_work: work_ns.ln(),
            log_ratios: (!measured.is_empty()).then(|| rounds.arrange(measured))?,
        })
    };
    let rungs: Vec<Rung> = ladder.iter().zip(&measured).filter_map(rung).collect();
    let [first, .., last] = &rungs[..] else { return None };
    let crossed = rounds.crossed(|rounds| crossing_of(&rungs, rounds))?;
    let places = crossed.places();
    let [draws, draws_low, draws_high] = places.map(|it| it.map(|ln| ln.exp().round() as u64));
    let [work_ns, work_low_ns, work_high_ns] = places.map(|it| it.map(|ln| work_at(&rungs, ln)));
    Some(Crossover {
        case,
        verdict: crossed.verdict,
        earliest: false,
        draws,
        draws_low,
        draws_high,
        work_ns,
        work_low_ns,
        work_high_ns,
        smallest_work_ns: first.ln_work.exp(),
        largest_work_ns: last.ln_work.exp(),
        cases: ladder,
    })
}

/// From how many draws (their logarithm) on the speedup is above 1.
fn crossing_of(rungs: &[Rung], rounds: &[usize]) -> Option<Crossing> {
    let point = |rung: &Rung| Some((rung.ln_draws, rung.log_ratios.median(rounds)?));
    let points: Vec<(f64, f64)> = rungs.iter().filter_map(point).collect();
    crossing(&points, 0.0)
}

/// Sequential work of so many draws, in nanoseconds, between the neighbouring jobs.
fn work_at(rungs: &[Rung], ln_draws: f64) -> f64 {
    let above = rungs.iter().position(|rung| rung.ln_draws >= ln_draws).unwrap_or(rungs.len() - 1);
    let (low, high) = (&rungs[above.max(1) - 1], &rungs[above.max(1)]);
    let share = (ln_draws - low.ln_draws) / (high.ln_draws - low.ln_draws);
    (low.ln_work + share * (high.ln_work - low.ln_work)).exp()
}

/// Marks, of each backend, the thread count that pays from the smallest job.
fn mark_earliest(crossovers: &mut [Crossover]) {
    let key = |it: &Crossover| Case { nthread: 0, ..it.case.clone() };
    for index in 0..crossovers.len() {
        let own = key(&crossovers[index]);
        let rivals = crossovers.iter().enumerate().filter(|(_, rival)| key(rival) == own);
        let first = rivals.min_by(|(_, one), (_, other)| one.order().total_cmp(&other.order()));
        crossovers[index].earliest = first.is_some_and(|(first, _)| first == index);
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Noise, case, measured};
    use super::*;
    use crate::analysis::Summary;
    use crate::record::{BASELINE, Preset};

    /// Jobs of 64 · 4⁰, 4¹ … blocks under sequential and under one backend at two
    /// threads, whose speedup at the job number `i` is that.
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
        measured(Preset::Crossover, &cases, rounds, |index, _| {
            let work_ns = 10.0 * cases[index].draws.unwrap_or_default() as f64;
            let truth = if index % 2 == 0 { 1.0 } else { speedup(index as u32 / 2) };
            work_ns / truth * noise.factor(deviation)
        })
    }

    #[test]
    fn a_known_crossover_is_recovered_and_its_interval_covers_it() {
        // Log speedup is linear in log draws and 0 halfway between the jobs 2 and 3.
        let speedup = |job: u32| 2_f64.powf(f64::from(job) - 2.5);
        let truth = 64.0 * 64.0 * 4_f64.powf(2.5);
        let campaigns = 40;
        let covering = (0..campaigns).filter(|seed| {
            let summary = found(5, 12, speedup, 0.1, *seed);
            let it = &summary.crossovers[0];
            assert_eq!((it.verdict, it.earliest), (Onset::From, true), "{it:?}");
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
    fn where_nothing_is_crossed_the_end_is_named() {
        let verdict = |speedup: fn(u32) -> f64, deviation| {
            found(3, 9, speedup, deviation, 1).crossovers[0].clone()
        };
        let always = verdict(|_| 1.8, 0.01);
        assert_eq!((always.verdict, always.draws, always.work_ns), (Onset::Always, None, None));
        assert_eq!(verdict(|_| 0.5, 0.01).verdict, Onset::Never);
        assert_eq!(verdict(|_| 1.0, 0.05).verdict, Onset::Unresolved);
        let near = |ns: f64, expected: f64| (ns / expected - 1.0).abs() < 0.05;
        assert!(near(always.smallest_work_ns, 40_960.0), "{always:?}");
        assert!(near(always.largest_work_ns, 655_360.0), "{always:?}");
    }

    #[test]
    fn a_job_at_which_it_pays_no_longer_undoes_those_before() {
        let speedup = |job: u32| if job == 1 || job == 4 { 1.5 } else { 0.7 };
        let it = found(5, 9, speedup, 0.01, 1).crossovers[0].clone();
        assert_eq!((it.verdict, it.cases.len()), (Onset::From, 5));
        assert!(it.draws > Some(64 * 64 * 64), "{it:?}");
    }

    #[test]
    fn too_few_rounds_have_a_value_and_no_interval() {
        let it = found(4, 3, |job| 2_f64.powf(f64::from(job) - 1.5), 0.0, 1).crossovers[0].clone();
        assert_eq!((it.verdict, it.draws), (Onset::From, Some(64 * 64 * 8)));
        assert_eq!((it.draws_low, it.work_high_ns), (None, None));
    }

    #[test]
    fn one_size_of_job_crosses_nothing_and_a_default_chunk_tells_no_ladders_apart() {
        assert!(found(1, 9, |_| 2.0, 0.01, 1).crossovers.is_empty());
        let summary = found(3, 9, |_| 2.0, 0.01, 1);
        assert_eq!(summary.crossovers.len(), 1);
        assert_eq!(summary.winners.len(), 3);
    }

    #[test]
    fn of_several_counts_the_one_that_pays_first_is_marked() {
        let draws = [1_u64 << 12, 1 << 14, 1 << 16];
        let cases: Vec<Case> = draws
            .into_iter()
            .flat_map(|draws| {
                [(BASELINE, 1), ("a", 2), ("a", 4)].map(|(b, n)| case(b, n, draws, 1))
            })
            .collect();
        let summary = measured(Preset::Sweep, &cases, 9, |index, _| {
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
        // The larger count wins where the job is large enough.
        let winners: Vec<Option<usize>> = summary.winners.iter().map(|it| it.case).collect();
        assert_eq!(winners, [None, None, None, None, Some(7), Some(8)]);
    }
}
