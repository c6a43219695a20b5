//! METG, the minimum effective task granularity (Slaughter et al., *Task Bench*, SC20).
//!
//! METG(50%) is the smallest task duration g = wall × n / tasks at which a backend has an
//! efficiency of 50%; a task is a chunk of blocks. Efficiency is the time of the sequential
//! loop for the same blocks, in the same group of visits, divided by n × wall. The
//! sequential loop computes the same small blocks, so the fixed cost of a block (to seed
//! its stream) counts as useful work, not as overhead of the backend.

use serde::Serialize;

use super::CaseSummary;
use super::threshold::{Rounds, Threshold, ThresholdVerdict, ValuesByRound};
use crate::record::{Case, DYNAMIC_SCHEDULES, Preset};
use crate::stats::{Crossing, crossing};
use crate::visits::{VisitSelection, Visits};

/// Highest plausible efficiency: more than this cannot be the time of the kernel alone.
const MAX_EFFICIENCY: f64 = 1.5;

/// METG of a backend at a thread count.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Granularity {
    /// Common settings of its cases; chunk, and mostly draws, are null.
    #[serde(flatten)]
    pub case: Case,
    /// Measured task sizes, from the smallest chunk to the largest.
    pub points: Vec<TaskSize>,
    /// METG at an efficiency of 50%.
    pub metg_50: Metg,
    /// METG at an efficiency of 95%.
    pub metg_95: Metg,
}

/// Duration and efficiency of tasks of one size.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TaskSize {
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

/// The smallest task duration at which a backend reaches an efficiency.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Metg {
    /// Position of the duration: `from` this task, `always` or `never` among the measured
    /// tasks, `unresolved`, or `implausible`: an efficiency above 150%.
    pub verdict: ThresholdVerdict,
    /// Task duration, in nanoseconds; null outside the measured range.
    pub task_ns: Option<f64>,
    /// Lower end of its interval; null outside the measured range, or with too few rounds.
    pub task_low_ns: Option<f64>,
    /// Upper end of its interval.
    pub task_high_ns: Option<f64>,
}

/// METG of all backends and thread counts that were measured at several chunks, each handed
/// out separately. In a run of `harness metg` the draws follow from the chunk.
pub fn of(visits: &Visits, cases: &[CaseSummary], preset: Preset) -> Vec<Granularity> {
    let mut groups: Vec<(Case, Vec<usize>)> = Vec::new();
    for (index, summary) in cases.iter().enumerate() {
        let case = &summary.case;
        if case.is_baseline() || !DYNAMIC_SCHEDULES.contains(&case.schedule.as_str()) {
            continue;
        }
        // Otherwise draws are a setting that distinguishes groups.
        let draws = case.draws.filter(|_| !preset.is_metg());
        let key = Case { chunk: None, draws, ..case.clone() };
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, indices)) => indices.push(index),
            None => groups.push((key, vec![index])),
        }
    }
    let mut granularities = Vec::new();
    for (case, mut indices) in groups {
        indices.sort_by_key(|index| cases[*index].case.chunk);
        granularities.extend(of_group(visits, cases, case, &indices));
    }
    granularities
}

/// Values of one task size, by round.
struct TaskValues {
    index: usize,
    chunk: u64,
    tasks: u64,
    nthread: f64,
    log_ratios: ValuesByRound,
    wall_ns: ValuesByRound,
}

impl TaskValues {
    /// Median task duration in nanoseconds, and median efficiency, over these rounds.
    fn point(&self, rounds: &[usize]) -> Option<(f64, f64)> {
        let task_ns = self.wall_ns.median(rounds)? * self.nthread / self.tasks as f64;
        Some((task_ns, self.log_ratios.median(rounds)?.exp() / self.nthread))
    }

    fn size(&self, rounds: &Rounds, summary: &CaseSummary) -> Option<TaskSize> {
        let (task_ns, efficiency) = self.point(&rounds.all())?;
        Some(TaskSize {
            index: self.index,
            chunk: self.chunk,
            tasks: self.tasks,
            task_ns,
            efficiency,
            efficiency_low: summary.efficiency_low,
            efficiency_high: summary.efficiency_high,
        })
    }
}

/// METG of cases that differ in the chunk only, sorted by the chunk.
fn of_group(
    visits: &Visits,
    cases: &[CaseSummary],
    case: Case,
    indices: &[usize],
) -> Option<Granularity> {
    let logs: Vec<Vec<(u32, f64)>> = indices
        .iter()
        .map(|index| visits.log_ratios_by_round(*index, VisitSelection::Clean))
        .collect();
    let walls: Vec<Vec<(u32, f64)>> =
        indices.iter().map(|index| visits.values_by_round(*index)).collect();
    let rounds = Rounds::of(logs.iter().chain(&walls));
    let mut values = Vec::new();
    for ((&index, logs), walls) in indices.iter().zip(&logs).zip(&walls) {
        let case = &cases[index].case;
        let Some((chunk, draws)) = case.chunk.zip(case.draws) else { continue };
        values.push(TaskValues {
            index,
            chunk,
            tasks: (draws / case.block).div_ceil(chunk),
            nthread: f64::from(case.nthread),
            log_ratios: rounds.group(logs),
            wall_ns: rounds.group(walls),
        });
    }
    let points: Vec<TaskSize> =
        values.iter().filter_map(|values| values.size(&rounds, &cases[values.index])).collect();
    if points.len() < 2 {
        return None;
    }
    let is_implausible = points.iter().any(|point| point.efficiency > MAX_EFFICIENCY);
    let [metg_50, metg_95] = [0.50, 0.95].map(|efficiency| {
        if is_implausible {
            return Metg { verdict: ThresholdVerdict::Implausible, ..Metg::default() };
        }
        let threshold = rounds.threshold(|rounds| crossing_of(&values, rounds, efficiency));
        threshold.map_or_else(Metg::default, Metg::of)
    });
    Some(Granularity { metg_50, metg_95, case, points })
}

/// Logarithm of the task duration from which the efficiency over these rounds exceeds the
/// given one.
fn crossing_of(values: &[TaskValues], rounds: &[usize], efficiency: f64) -> Option<Crossing> {
    let points: Vec<(f64, f64)> = values.iter().filter_map(|it| it.point(rounds)).collect();
    let points: Vec<(f64, f64)> = points.iter().map(|(ns, share)| (ns.ln(), *share)).collect();
    crossing(&points, efficiency)
}

impl Metg {
    fn of(threshold: Threshold) -> Metg {
        let [task_ns, task_low_ns, task_high_ns] =
            threshold.places().map(|place| place.map(f64::exp));
        Metg { verdict: threshold.verdict, task_ns, task_low_ns, task_high_ns }
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Noise, case, measured, measured_metg};
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
        let summary = measured_metg(&cases, rounds, |index, _| {
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
    fn a_known_metg_is_estimated_and_covered_by_its_interval() {
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
            assert_eq!((it.metg_50.verdict, it.points.len()), (ThresholdVerdict::From, 7));
            covering[0] += u64::from(covers(&it.metg_50, truth_50));
            covering[1] += u64::from(covers(&it.metg_95, truth_95));
        }
        for covering in covering {
            assert!(covering >= campaigns * 88 / 100, "{covering} of {campaigns}");
        }
    }

    #[test]
    fn a_task_duration_is_the_cpu_time_divided_by_the_tasks() {
        let it = found(3, 9, |_| 0.8, 0.0, 1);
        let points: Vec<(u64, u64, f64)> =
            it.points.iter().map(|it| (it.chunk, it.tasks, it.task_ns.round())).collect();
        assert_eq!(points, [(1, TASKS, 1e3), (4, TASKS, 4e3), (16, TASKS, 16e3)]);
        assert!(it.points.iter().all(|it| (it.efficiency - 0.8).abs() < 1e-3));
        assert!(it.points.iter().all(|it| it.efficiency_low.is_some()));
        assert_eq!((it.case.chunk, it.case.draws, it.case.nthread), (None, None, 4));
    }

    #[test]
    fn without_points_on_both_sides_there_is_no_estimate() {
        let verdicts = |efficiency: fn(u32) -> f64| {
            let it = found(4, 9, efficiency, 0.01, 1);
            assert_eq!((it.metg_50.task_ns, it.metg_95.task_ns), (None, None));
            (it.metg_50.verdict, it.metg_95.verdict)
        };
        assert_eq!(verdicts(|_| 0.7), (ThresholdVerdict::Always, ThresholdVerdict::Never));
        assert_eq!(verdicts(|_| 0.2), (ThresholdVerdict::Never, ThresholdVerdict::Never));
        assert_eq!(verdicts(|_| 0.99), (ThresholdVerdict::Always, ThresholdVerdict::Always));
        // An implausibly slow baseline: no estimate is given.
        let implausible = |size: u32| if size == 3 { 1.6 } else { 0.4 };
        assert_eq!(
            verdicts(implausible),
            (ThresholdVerdict::Implausible, ThresholdVerdict::Implausible)
        );
    }

    #[test]
    fn schedules_that_merge_chunks_have_no_metg() {
        let cases = |schedule: &str| -> Vec<Case> {
            let of =
                |(name, chunk)| Case { schedule: schedule.into(), ..case(name, 2, 1 << 16, chunk) };
            [(BASELINE, 1), ("a", 1), ("a", 8)].map(of).to_vec()
        };
        let found = |schedule: &str| {
            let of = |index: usize, _| if index == 0 { 2e6 } else { 1e6 };
            measured(&cases(schedule), 6, of).granularities.len()
        };
        assert_eq!(["dynamic", "stealing", "static", "guided"].map(found), [1, 1, 0, 0]);
    }
}
