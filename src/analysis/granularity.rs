//! The smallest useful task: METG, the minimum effective task granularity of
//! Slaughter et al., *Task Bench* (SC20).
//!
//! METG(50%) is the smallest task (a chunk of blocks) at which a backend is still
//! 50% efficient, by g = wall × n / tasks. Efficiency is the time that the
//! sequential loop takes for the same blocks, in the same group of visits, by
//! n × wall. The loop walks the very same small blocks, so what a block costs by
//! itself (to seed its stream) is part of the useful work, and not of the backend.

use serde::Serialize;

use super::CaseSummary;
use super::rounds::{ByRound, Crossed, Onset, Rounds};
use crate::record::{Case, Preset};
use crate::stats::{Crossing, crossing};
use crate::visits::{VisitSelection, Visits};

/// More than this share of n CPUs cannot be the pure time of the kernel.
const IMPLAUSIBLE: f64 = 1.5;

/// Schedules that hand out every chunk by itself.
const HANDS_OUT: [&str; 2] = ["dynamic", "stealing"];

/// The smallest task at which a backend is still efficient, at a thread count.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Granularity {
    /// The settings that all its cases share; chunk, and mostly draws, are null.
    #[serde(flatten)]
    pub case: Case,
    /// Its cases, from the smallest chunk to the largest.
    pub points: Vec<Grain>,
    /// METG(50%).
    pub metg_50: Metg,
    /// METG(95%).
    pub metg_95: Metg,
}

/// Tasks of one size.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Grain {
    /// Index of the case.
    pub index: usize,
    /// Blocks of a task.
    pub chunk: u64,
    /// Tasks of a call.
    pub tasks: u64,
    /// Task duration g = wall × n / tasks, at the median, in nanoseconds.
    pub task_ns: f64,
    /// Efficiency at the median.
    pub efficiency: f64,
    /// Lower end of its interval.
    pub efficiency_low: Option<f64>,
    /// Upper end of its interval.
    pub efficiency_high: Option<f64>,
}

/// A task duration from which on a backend is efficient enough.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Metg {
    /// What is known: `from` this task on, `always` or `never` among the tasks that
    /// were measured, `unresolved`, or `implausible`: an efficiency above 150%.
    pub verdict: Onset,
    /// The task, in nanoseconds; null where it lies outside of what was measured.
    pub task_ns: Option<f64>,
    /// Lower end of its interval; null where that lies outside, or of too few rounds.
    pub task_low_ns: Option<f64>,
    /// Upper end of its interval.
    pub task_high_ns: Option<f64>,
}

/// Of every backend and thread count that was measured over several chunks, each
/// handed out by itself. In a run of `harness metg` the draws follow from the chunk.
pub fn of(visits: &Visits, cases: &[CaseSummary], preset: Preset) -> Vec<Granularity> {
    let mut series: Vec<(Case, Vec<usize>)> = Vec::new();
    for (index, summary) in cases.iter().enumerate() {
        let case = &summary.case;
        if case.is_baseline() || !HANDS_OUT.contains(&case.schedule.as_str()) {
            continue;
        }
        let draws = case.draws.filter(|_| preset != Preset::Metg);
        let key = Case { chunk: None, draws, ..case.clone() };
        match series.iter_mut().find(|(other, _)| *other == key) {
            Some((_, indices)) => indices.push(index),
            None => series.push((key, vec![index])),
        }
    }
    let found = series.into_iter().filter_map(|(key, mut indices)| {
        indices.sort_by_key(|case| cases[*case].case.chunk);
        of_series(visits, cases, key, &indices)
    });
    found.collect()
}

/// Tasks of one size, round by round.
struct Size {
    index: usize,
    chunk: u64,
    tasks: u64,
    nthread: f64,
    log_ratios: ByRound,
    wall_ns: ByRound,
}

impl Size {
    /// Task duration in nanoseconds, and efficiency, over these rounds.
    fn point(&self, rounds: &[usize]) -> Option<(f64, f64)> {
        let task_ns = self.wall_ns.median(rounds)? * self.nthread / self.tasks as f64;
        Some((task_ns, self.log_ratios.median(rounds)?.exp() / self.nthread))
    }
}

fn of_series(
    visits: &Visits,
    cases: &[CaseSummary],
    case: Case,
    indices: &[usize],
) -> Option<Granularity> {
    let logs: Vec<Vec<(u32, f64)>> = indices
        .iter()
        .map(|case| visits.log_ratios_by_round(*case, VisitSelection::Clean))
        .collect();
    let walls: Vec<Vec<(u32, f64)>> =
        indices.iter().map(|case| visits.values_by_round(*case)).collect();
    let rounds = Rounds::of(logs.iter().chain(&walls));
    let size = |(place, index): (usize, &usize)| {
        let case = &cases[*index].case;
        let chunk = case.chunk?;
        Some(Size {
            index: *index,
            chunk,
            tasks: (case.draws? / case.block).div_ceil(chunk),
            nthread: f64::from(case.nthread),
            log_ratios: rounds.arrange(&logs[place]),
            wall_ns: rounds.arrange(&walls[place]),
        })
    };
    let sizes: Vec<Size> = indices.iter().enumerate().filter_map(size).collect();
    let points: Vec<Grain> =
        sizes.iter().filter_map(|size| grain(size, &rounds, &cases[size.index])).collect();
    if points.len() < 2 {
        return None;
    }
    let is_implausible = points.iter().any(|point| point.efficiency > IMPLAUSIBLE);
    let metg = |target: f64| match is_implausible {
        true => Metg { verdict: Onset::Implausible, ..Metg::default() },
        false => rounds
            .crossed(|rounds| crossing_of(&sizes, rounds, target))
            .map_or_else(Metg::default, metg_of),
    };
    Some(Granularity { metg_50: metg(0.50), metg_95: metg(0.95), case, points })
}

fn grain(size: &Size, rounds: &Rounds, summary: &CaseSummary) -> Option<Grain> {
    let (task_ns, efficiency) = size.point(&rounds.all())?;
    Some(Grain {
        index: size.index,
        chunk: size.chunk,
        tasks: size.tasks,
        task_ns,
        efficiency,
        efficiency_low: summary.efficiency_low,
        efficiency_high: summary.efficiency_high,
    })
}

/// From which task duration (its logarithm) on the efficiency is above the target.
fn crossing_of(sizes: &[Size], rounds: &[usize], target: f64) -> Option<Crossing> {
    let point = |size: &Size| {
        let (task_ns, efficiency) = size.point(rounds)?;
        Some((task_ns.ln(), efficiency))
    };
    let points: Vec<(f64, f64)> = sizes.iter().filter_map(point).collect();
    crossing(&points, target)
}

fn metg_of(crossed: Crossed) -> Metg {
    let [task_ns, task_low_ns, task_high_ns] = crossed.places().map(|it| it.map(f64::exp));
    Metg { verdict: crossed.verdict, task_ns, task_low_ns, task_high_ns }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Noise, case, measured};
    use super::*;
    use crate::record::BASELINE;

    const TASKS: u64 = 256;

    /// Chunks of 4⁰, 4¹ … blocks, a job of 256 tasks for each, at four threads: the
    /// efficiency of tasks of 4^i µs is `efficiency(i)`.
    fn found(
        sizes: u32,
        rounds: u32,
        efficiency: impl Fn(u32) -> f64,
        deviation: f64,
        seed: u64,
    ) -> Granularity {
        let chunk = |size: u32| 4_u64.pow(size);
        let cases: Vec<Case> = (0..sizes)
            .flat_map(|size| {
                let draws = 64 * chunk(size) * TASKS;
                [case(BASELINE, 1, draws, 1), case("a", 4, draws, chunk(size))]
            })
            .collect();
        let mut noise = Noise::new(seed);
        let summary = measured(Preset::Metg, &cases, rounds, |index, _| {
            let size = index as u32 / 2;
            let task_ns = 1e3 * chunk(size) as f64;
            let all_ns = task_ns * TASKS as f64;
            let truth = if index % 2 == 0 { all_ns * efficiency(size) } else { all_ns / 4.0 };
            truth * noise.factor(deviation)
        });
        assert!(summary.crossovers.is_empty() && summary.winners.is_empty());
        assert_eq!(summary.granularities.len(), 1);
        summary.granularities[0].clone()
    }

    #[test]
    fn a_known_metg_is_recovered_and_its_interval_covers_it() {
        // Efficiency is linear in the logarithm of the task: 20%, 35%, 50% …
        let efficiency = |size: u32| 0.2 + 0.15 * f64::from(size);
        let (truth_50, truth_95) = (16e3, 1024e3);
        let campaigns = 40;
        let covers = |metg: &Metg, truth: f64| {
            let near = metg.task_ns.expect("a task") / truth;
            assert!((0.6..1.7).contains(&near), "{near} of {truth}");
            let ends = metg.task_low_ns.zip(metg.task_high_ns).expect("an interval");
            (ends.0..=ends.1).contains(&truth)
        };
        let mut covering = [0, 0];
        for seed in 0..campaigns {
            let it = found(7, 12, efficiency, 0.05, seed);
            assert_eq!((it.metg_50.verdict, it.points.len()), (Onset::From, 7));
            covering[0] += u64::from(covers(&it.metg_50, truth_50));
            covering[1] += u64::from(covers(&it.metg_95, truth_95));
        }
        for covering in covering {
            assert!(covering >= campaigns * 88 / 100, "{covering} of {campaigns}");
        }
    }

    #[test]
    fn a_point_is_the_wall_time_of_n_cpus_by_tasks() {
        let it = found(3, 9, |_| 0.8, 0.0, 1);
        let points: Vec<(u64, u64, f64)> =
            it.points.iter().map(|it| (it.chunk, it.tasks, it.task_ns.round())).collect();
        assert_eq!(points, [(1, TASKS, 1e3), (4, TASKS, 4e3), (16, TASKS, 16e3)]);
        assert!(it.points.iter().all(|it| (it.efficiency - 0.8).abs() < 1e-3));
        assert!(it.points.iter().all(|it| it.efficiency_low.is_some()));
        assert_eq!((it.case.chunk, it.case.draws, it.case.nthread), (None, None, 4));
    }

    #[test]
    fn without_a_point_on_either_side_there_is_no_figure() {
        let verdicts = |efficiency: fn(u32) -> f64| {
            let it = found(4, 9, efficiency, 0.01, 1);
            assert_eq!((it.metg_50.task_ns, it.metg_95.task_ns), (None, None));
            (it.metg_50.verdict, it.metg_95.verdict)
        };
        assert_eq!(verdicts(|_| 0.7), (Onset::Always, Onset::Never));
        assert_eq!(verdicts(|_| 0.2), (Onset::Never, Onset::Never));
        assert_eq!(verdicts(|_| 0.99), (Onset::Always, Onset::Always));
        // The baseline is slower than it can be: nothing is said of anything.
        let odd = |size: u32| if size == 3 { 1.6 } else { 0.4 };
        assert_eq!(verdicts(odd), (Onset::Implausible, Onset::Implausible));
    }

    #[test]
    fn a_schedule_that_hands_no_chunk_out_by_itself_has_no_smallest_one() {
        let cases = |schedule: &str| -> Vec<Case> {
            let of =
                |(name, chunk)| Case { schedule: schedule.into(), ..case(name, 2, 1 << 16, chunk) };
            [(BASELINE, 1), ("a", 1), ("a", 8)].map(of).to_vec()
        };
        let found = |schedule: &str| {
            let of = |index: usize, _| if index == 0 { 2e6 } else { 1e6 };
            measured(Preset::Sweep, &cases(schedule), 6, of).granularities.len()
        };
        assert_eq!(["dynamic", "stealing", "static", "guided"].map(found), [1, 1, 0, 0]);
    }
}
