//! Ranking of a job's cases: the fastest case, the cases statistically indistinguishable
//! from it, the ranks of the backends, and the best thread count of each series.

use std::collections::BTreeMap;

use serde::Serialize;

use super::recommendation::{Recommendation, recommend};
use super::series::{Job, Series, jobs_of};
use super::{CONFIDENCE, CaseSummary, MIN_ROUNDS};
use crate::stats::{
    Interval, best, median, median_interval, rank_sets, rounds_to_rank, smallest_effect,
};

/// Seed of the resampling: the same rows give the same ranking.
const SEED: u64 = 0x616e_7377_6572;

/// The ranking of a job. Cases are given as indices into the summary's cases.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ranking {
    /// All cases of the job.
    pub cases: Vec<usize>,
    /// The fastest case, the baseline included; null with fewer than 6 common rounds.
    pub winner: Option<usize>,
    /// Lower end of the 95% interval of the winner's speedup, corrected for the
    /// selection of the winner.
    pub speedup_low: Option<f64>,
    /// Upper end of that interval.
    pub speedup_high: Option<f64>,
    /// The cases that cannot be excluded from being the fastest: with 95% confidence
    /// the fastest is one of them.
    pub fastest: Vec<usize>,
    /// Rounds in which all compared cases were measured; 0 if fewer than 6.
    pub rounds: usize,
    /// The best case of every other series, compared with the winner.
    #[serde(rename = "rivals")]
    pub competitors: Vec<Competitor>,
    /// The smallest difference from the winner, as a share, that this run would have
    /// detected with a power of 80%, whichever the competitor: 0.02 is 2%.
    pub smallest_effect: Option<f64>,
    /// The thread count at which backends are ranked: the largest that is not
    /// oversubscribed.
    pub ranked_nthread: Option<u32>,
    /// Threads inside each worker at that count: of cases with as many workers, those
    /// with the most threads in all are ranked.
    pub ranked_inner_nthread: Option<u32>,
    /// Rounds that a pairwise ranking takes, if there are fewer.
    pub rounds_needed: Option<usize>,
    /// The best thread count of each series.
    pub series: Vec<BestCount>,
    /// The recommended case; null without enough rounds.
    pub recommendation: Option<Recommendation>,
    /// The cases among which the fastest was selected.
    #[serde(skip)]
    compared: Vec<usize>,
    /// Index, best and worst possible rank of each ranked case.
    #[serde(skip)]
    ranks: Vec<(usize, usize, usize)>,
}

/// A case compared with the winner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Competitor {
    /// Index of the case.
    pub case: usize,
    /// Speed divided by that of the winner, in their common rounds.
    pub ratio: f64,
    /// Lower end of the interval of the ratio.
    pub ratio_low: f64,
    /// Upper end of the interval of the ratio.
    pub ratio_high: f64,
}

/// The best thread count of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BestCount {
    /// Index of the case with that count.
    pub case: usize,
    /// The lowest count from which all measured counts up to the best are statistically
    /// indistinguishable from it.
    pub nthread_low: u32,
    /// The highest such count.
    pub nthread_high: u32,
    /// True if the best differs significantly from the next measured count on either side;
    /// null without such a count, or with too few rounds.
    #[serde(rename = "told_from_neighbours")]
    pub differs_from_neighbours: Option<bool>,
}

/// Log speedups of a case, each with its round, in ascending order of the rounds.
pub type LogSpeedups = Vec<(u32, f64)>;

/// The rankings of all jobs, in the order in which the plan first names the jobs. Fills
/// in which cases are fastest, and their ranks.
pub fn of(cases: &mut [CaseSummary]) -> Vec<Ranking> {
    let values: Vec<LogSpeedups> = cases.iter().map(log_speedups).collect();
    let rankings: Vec<Ranking> =
        jobs_of(cases).iter().map(|job| Ranking::of(job, &values)).collect();
    for ranking in &rankings {
        for &index in &ranking.compared {
            cases[index].fastest = Some(ranking.fastest.contains(&index));
        }
        for &(index, low, high) in &ranking.ranks {
            (cases[index].rank_low, cases[index].rank_high) = (Some(low), Some(high));
        }
    }
    rankings
}

/// One finite value a round. A baseline has several visits in each round, all with the
/// value 0.
fn log_speedups(case: &CaseSummary) -> LogSpeedups {
    let mut values = case.log_ratios.clone();
    values.retain(|(_, log)| log.is_finite());
    values.sort_by_key(|(round, _)| *round);
    values.dedup_by_key(|(round, _)| *round);
    values
}

impl Ranking {
    fn of(job: &Job<'_>, values: &[LogSpeedups]) -> Ranking {
        let series = job.series();
        let mut ranking = Ranking {
            cases: job.cases.iter().map(|case| case.index).collect(),
            series: series.iter().filter_map(|series| best_count(series, values)).collect(),
            ..Ranking::default()
        };
        ranking.recommendation = recommend(&job.cases, values);
        ranking.select_fastest(&job.cases, values);
        ranking.rank_backends(&series, values);
        ranking.compare_with_winner(&series, values);
        ranking
    }

    /// Selects the winner and the cases that cannot be excluded from being the fastest.
    fn select_fastest(&mut self, cases: &[&CaseSummary], values: &[LogSpeedups]) {
        let (compared, rows) = common_rounds(cases, values);
        self.rounds = rows.first().map_or(0, Vec::len);
        // A baseline alone is the fastest of nothing.
        if compared.iter().all(|case| case.is_baseline()) {
            return;
        }
        let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let Some(best) = best(&slices, CONFIDENCE, SEED) else { return };
        let fastest: Vec<&CaseSummary> = best.set.iter().map(|place| compared[*place]).collect();
        // Of statistically indistinguishable cases, one that is not oversubscribed is named.
        let place = best_not_oversubscribed(&fastest)
            .or_else(|| best.set.iter().position(|place| *place == best.winner));
        if let Some(place) = place {
            self.winner = Some(fastest[place].index);
            // The speedup is the median of all pairs, but the interval is of the common
            // rounds only: it is extended to contain that speedup.
            let speedup = fastest[place].speedup;
            if let Some(&Interval { low, high, .. }) = best.intervals.get(place) {
                let (low, high) = (low.exp(), high.exp());
                self.speedup_low = Some(speedup.map_or(low, |speedup| low.min(speedup)));
                self.speedup_high = Some(speedup.map_or(high, |speedup| high.max(speedup)));
            }
        }
        self.fastest = fastest.iter().map(|case| case.index).collect();
        self.compared = compared.iter().map(|case| case.index).collect();
    }

    /// Ranks the backends at the largest thread count that is not oversubscribed: one
    /// family of comparisons, fixed before looking at the data.
    fn rank_backends(&mut self, series: &[Series<'_>], values: &[LogSpeedups]) {
        let mut family: Vec<&CaseSummary> =
            series.iter().flat_map(|series| series.cases.iter().copied()).collect();
        family.retain(|case| !case.oversubscribed);
        let Some((threads, nthread)) = family.iter().map(|case| size(case)).max() else { return };
        family.retain(|case| size(case) == (threads, nthread));
        self.ranked_nthread = Some(nthread);
        self.ranked_inner_nthread = Some(threads / nthread.max(1));
        let (ranked, rows) = common_rounds(&family, values);
        let rounds = rows.first().map_or(0, Vec::len);
        let needed = rounds_to_rank(family.len(), CONFIDENCE);
        self.rounds_needed = (rounds < needed).then_some(needed);
        if rounds < MIN_ROUNDS {
            return;
        }
        let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let ranks = ranked.iter().zip(rank_sets(&slices, CONFIDENCE));
        self.ranks = ranks.map(|(case, (low, high))| (case.index, low, high)).collect();
    }

    /// Compares the best case of each series but the winner's own with the winner.
    fn compare_with_winner(&mut self, series: &[Series<'_>], values: &[LogSpeedups]) {
        let Some(winner) = self.winner else { return };
        let others = series.iter().filter(|series| !series.contains(winner));
        for case in others.filter_map(Series::best).map(|case| case.index) {
            let logs = differences(&values[case], &values[winner]);
            let interval = median_interval(&logs, CONFIDENCE);
            let Some((Interval { low, high, .. }, middle)) = interval.zip(median(&logs)) else {
                continue;
            };
            let (ratio, ratio_low, ratio_high) = (middle.exp(), low.exp(), high.exp());
            self.competitors.push(Competitor { case, ratio, ratio_low, ratio_high });
            let effect = smallest_effect(&logs, CONFIDENCE).map(f64::exp_m1);
            self.smallest_effect =
                effect.into_iter().chain(self.smallest_effect).max_by(f64::total_cmp);
        }
    }
}

/// Total number of threads, and number of workers.
fn size(case: &CaseSummary) -> (u32, u32) {
    (case.case.threads(), case.case.nthread)
}

/// Position of the case with the highest speedup that is not oversubscribed; of equal
/// ones the first.
fn best_not_oversubscribed(fastest: &[&CaseSummary]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (place, case) in fastest.iter().enumerate().filter(|(_, case)| !case.oversubscribed) {
        let speedup = case.speedup.unwrap_or(0.0);
        if best.is_none_or(|(_, highest)| speedup > highest) {
            best = Some((place, speedup));
        }
    }
    best.map(|(place, _)| place)
}

/// The best count of a series, and the counts around it that are statistically
/// indistinguishable from it.
fn best_count(series: &Series<'_>, values: &[LogSpeedups]) -> Option<BestCount> {
    let best = series.best()?;
    let nthread = best.case.nthread;
    let mut count = BestCount {
        case: best.index,
        nthread_low: nthread,
        nthread_high: nthread,
        differs_from_neighbours: None,
    };
    let mut cases = series.cases.clone();
    cases.retain(|case| !values[case.index].is_empty());
    cases.sort_by_key(|case| case.case.nthread);
    let Some(place) = cases.iter().position(|case| case.index == best.index) else {
        return Some(count);
    };
    let (below, above) = (&cases[..place], &cases[place + 1..]);
    let differs = |other: &&CaseSummary| differ(&values[best.index], &values[other.index]);
    let is_equal = |other: &&&CaseSummary| differs(other) == Some(false);
    if let Some(lowest) = below.iter().rev().take_while(is_equal).last() {
        count.nthread_low = lowest.case.nthread;
    }
    if let Some(highest) = above.iter().take_while(is_equal).last() {
        count.nthread_high = highest.case.nthread;
    }
    let neighbours: Option<Vec<bool>> =
        below.last().into_iter().chain(above.first()).map(differs).collect();
    count.differs_from_neighbours =
        neighbours.filter(|all| !all.is_empty()).map(|all| all.iter().all(|differs| *differs));
    Some(count)
}

/// True if two cases differ significantly: the interval of their paired differences excludes
/// 0. `None` with too few rounds for an interval.
fn differ(one: &LogSpeedups, other: &LogSpeedups) -> Option<bool> {
    let interval = median_interval(&differences(one, other), CONFIDENCE)?;
    Some(interval.low > 0.0 || interval.high < 0.0)
}

/// Differences, the first less the second, in their common rounds.
pub(super) fn differences(one: &LogSpeedups, other: &LogSpeedups) -> Vec<f64> {
    let mut differences = Vec::with_capacity(one.len());
    let mut others = other.iter().peekable();
    for (round, log) in one {
        // Both are sorted by round, so that one pass suffices.
        while others.next_if(|(other, _)| other < round).is_some() {}
        if let Some((_, other)) = others.next_if(|(other, _)| other == round) {
            differences.push(log - other);
        }
    }
    differences
}

/// The cases with enough common rounds for a comparison, and the values of each in these
/// rounds. A case with less than half of the rounds of the one that has most would cost
/// all others their rounds, so it is left out.
pub(super) fn common_rounds<'a>(
    cases: &[&'a CaseSummary],
    values: &[LogSpeedups],
) -> (Vec<&'a CaseSummary>, Vec<Vec<f64>>) {
    let most = cases.iter().map(|case| values[case.index].len()).max().unwrap_or(0);
    let least = MIN_ROUNDS.max(most.div_ceil(2));
    let mut kept = cases.to_vec();
    kept.retain(|case| values[case.index].len() >= least);
    // The number of cases with each round; a case has at most one value a round.
    let mut cases_with_round: BTreeMap<u32, u64> = BTreeMap::new();
    for (round, _) in kept.iter().flat_map(|case| &values[case.index]) {
        *cases_with_round.entry(*round).or_default() += 1;
    }
    let mut rows = Vec::with_capacity(kept.len());
    for case in &kept {
        let values = values[case.index].iter();
        let common = values.filter(|(round, _)| cases_with_round[round] == kept.len() as u64);
        rows.push(common.map(|(_, log)| *log).collect());
    }
    (kept, rows)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::number;
    use super::*;
    use crate::record::Case;

    /// A case whose log speedups are around `log`, within a thousandth.
    fn case(backend: &str, nthread: u32, log: f64, rounds: u32) -> CaseSummary {
        let noise = |round: u32| f64::from((round * (5 + nthread) + backend.len() as u32) % 11);
        let value = |round| (round, log + (noise(round) - 5.0) / 5000.0);
        let (backend, kernel) = (backend.to_string(), "pi".to_string());
        let is_baseline = backend == "sequential";
        CaseSummary {
            case: Case { kernel, backend, nthread, ..Case::default() },
            log_ratios: (0..rounds)
                .map(|round| if is_baseline { (round, 0.0) } else { value(round) })
                .collect(),
            median_ns: Some(1e6 / log.exp()),
            speedup: Some(log.exp()),
            speedup_low: Some((log - 0.001).exp()),
            speedup_high: Some((log + 0.001).exp()),
            oversubscribed: nthread > 4,
            ..CaseSummary::default()
        }
    }

    fn rank(cases: &mut [CaseSummary]) -> Ranking {
        number(cases);
        of(cases).into_iter().next().expect("a job")
    }

    #[test]
    fn the_fastest_are_indistinguishable_from_the_winner() {
        let mut cases = [
            case("sequential", 1, 0.0, 12),
            case("rayon", 2, 0.6, 12),
            case("std-thread", 2, 0.6, 12),
            case("process-pipe", 2, 0.4, 12),
        ];
        let ranking = rank(&mut cases);
        assert_eq!(ranking.fastest, [1, 2]);
        assert_eq!(cases.map(|case| case.fastest.expect("12 rounds")), [false, true, true, false]);
        assert_eq!(ranking.competitors.len(), 2);
        let slower = ranking.competitors.iter().find(|it| it.case == 3).expect("a competitor");
        assert!(slower.ratio_high < 0.83 && slower.ratio_low > 0.81, "{slower:?}");
        assert!(ranking.smallest_effect.is_some_and(|effect| effect < 0.003), "{ranking:?}");
        assert!(
            ranking.speedup_low.zip(ranking.speedup_high).is_some_and(|(low, high)| low < high)
        );
    }

    #[test]
    fn backends_are_ranked_at_the_largest_count_without_oversubscription() {
        let mut cases = [
            case("sequential", 1, 0.0, 12),
            case("a", 8, 0.9, 12),
            case("a", 4, 0.8, 12),
            case("b", 4, 0.8, 12),
            case("c", 4, 0.2, 12),
            case("c", 2, 0.3, 12),
        ];
        let ranking = rank(&mut cases);
        let ranks = cases.map(|case| case.rank_low.zip(case.rank_high));
        assert_eq!(ranks, [None, None, Some((1, 2)), Some((1, 2)), Some((3, 3)), None]);
        assert_eq!((ranking.ranked_nthread, ranking.rounds_needed), (Some(4), None));
    }

    #[test]
    fn too_few_rounds_give_the_number_that_a_ranking_takes() {
        let backends = ["a", "b", "c", "d"];
        let mut cases = backends.map(|backend| case(backend, 4, backend.len() as f64, 7));
        let ranking = rank(&mut cases);
        assert_eq!(ranking.rounds_needed, Some(8));
        assert_eq!(cases[0].rank_low.zip(cases[0].rank_high), Some((1, 4)));
        let ranking = rank(&mut backends.map(|backend| case(backend, 4, 1.0, 5)));
        assert_eq!((ranking.winner, ranking.fastest.len(), ranking.rounds), (None, 0, 0));
    }

    #[test]
    fn the_range_of_the_best_count_includes_indistinguishable_counts() {
        let line = |n1, n2, n3, n4| {
            let logs = [(1, n1), (2, n2), (3, n3), (4, n4)];
            rank(&mut logs.map(|(nthread, log)| case("a", nthread, log, 12))).series[0]
        };
        let distinct = line(0.0, 0.6, 0.5, 0.4);
        assert_eq!((distinct.nthread_low, distinct.nthread_high), (2, 2));
        assert_eq!(distinct.differs_from_neighbours, Some(true));
        let equal = line(0.0, 0.6, 0.6, 0.6);
        assert_eq!((equal.nthread_low, equal.nthread_high), (2, 4));
        assert_eq!(equal.differs_from_neighbours, Some(false));
        let alone = rank(&mut [case("a", 2, 0.6, 12)]).series[0];
        assert_eq!(alone.differs_from_neighbours, None);
    }

    #[test]
    fn a_retired_case_costs_the_others_no_rounds() {
        let mut cases = [case("a", 2, 0.6, 12), case("b", 2, 0.5, 12), case("c", 2, 0.9, 2)];
        let ranking = rank(&mut cases);
        assert_eq!((ranking.rounds, ranking.winner), (12, Some(0)));
        assert_eq!(cases[2].fastest, None);
    }

    #[test]
    fn among_indistinguishable_cases_the_winner_is_not_oversubscribed() {
        let mut cases = [case("a", 8, 0.6001, 12), case("a", 4, 0.6, 12)];
        let ranking = rank(&mut cases);
        assert_eq!((ranking.fastest.len(), ranking.winner), (2, Some(1)));
        assert!(ranking.competitors.is_empty());
    }
}
