//! The answer of a job: which case is fastest, which cannot be told from it, and
//! how many threads each backend wants.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{CONFIDENCE, CaseSummary, Job};
use crate::stats::{
    Interval, best, median, median_interval, rank_sets, rounds_to_rank, smallest_effect,
};

/// Seed of the resampling: the same rows give the same answer.
const SEED: u64 = 0x616e_7377_6572;

/// Fewer rounds in common tell nothing apart.
const LEAST_ROUNDS: usize = 6;

/// The answer of a job. Numbers of cases are indices into the summary's cases.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Answer {
    /// All cases of the job.
    pub cases: Vec<usize>,
    /// The fastest case, the baseline included; null with fewer than 6 rounds in
    /// common.
    pub winner: Option<usize>,
    /// Lower end of the 95% interval of the winner's speedup, which holds although
    /// the winner was picked for it.
    pub speedup_low: Option<f64>,
    /// Upper end of it.
    pub speedup_high: Option<f64>,
    /// The cases that cannot be excluded from being the fastest; with 95%
    /// confidence, the fastest is one of them.
    pub fastest: Vec<usize>,
    /// Rounds in which all cases were measured that were compared; 0 where fewer
    /// than 6 are.
    pub rounds: usize,
    /// The best case of every other backend, against the winner.
    pub rivals: Vec<Rival>,
    /// The smallest difference to the winner, as a share, that this run would have
    /// found in four of five times, against whichever rival: 0.02 is 2%.
    pub smallest_effect: Option<f64>,
    /// The thread count at which backends were ranked: the largest that is not
    /// oversubscribed.
    pub ranked_nthread: Option<u32>,
    /// Threads inside each worker there: of cases with as many workers those with the
    /// most threads in all were ranked.
    pub ranked_inner_nthread: Option<u32>,
    /// Rounds that ranking them pair by pair takes, where there were fewer.
    pub rounds_needed: Option<usize>,
    /// How many threads each backend wants.
    pub series: Vec<BestCount>,
}

/// A case beside the winner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rival {
    /// Which.
    pub case: usize,
    /// Its speed by the winner's, in the rounds that they have in common.
    pub ratio: f64,
    /// Lower end of its interval.
    pub ratio_low: f64,
    /// Upper end of its interval.
    pub ratio_high: f64,
}

/// The best thread count of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BestCount {
    /// The case with that count.
    pub case: usize,
    /// The lowest count from which all measured ones up to the best cannot be told
    /// from it.
    pub nthread_low: u32,
    /// The highest such count.
    pub nthread_high: u32,
    /// Whether the best differs from the next measured count on either side; null
    /// where there is none, or too few rounds.
    pub told_from_neighbours: Option<bool>,
}

/// The values of a case by round: log speedups.
type ByRound = Vec<(u32, f64)>;

/// The answers of all jobs, in the order in which the plan first names them; marks
/// cases as fastest and gives them ranks.
pub fn of(cases: &mut [CaseSummary]) -> Vec<Answer> {
    let jobs = jobs(cases);
    let values: Vec<ByRound> = cases.iter().map(by_round).collect();
    jobs.into_iter().map(|job| answer(job, &values, cases)).collect()
}

fn jobs(cases: &[CaseSummary]) -> Vec<Vec<usize>> {
    let mut jobs: Vec<Vec<usize>> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let alike = |job: &&mut Vec<usize>| cases[job[0]].case.is_comparable(&case.case);
        match jobs.iter_mut().find(alike) {
            Some(job) => job.push(index),
            None => jobs.push(vec![index]),
        }
    }
    jobs
}

/// One value a round, ascending; the baseline, which is 0 beside itself, has
/// several visits in each.
fn by_round(case: &CaseSummary) -> ByRound {
    let mut values = case.log_ratios.clone();
    values.retain(|(_, log)| log.is_finite());
    values.sort_by_key(|(round, _)| *round);
    values.dedup_by_key(|(round, _)| *round);
    values
}

fn answer(job: Vec<usize>, values: &[ByRound], cases: &mut [CaseSummary]) -> Answer {
    let mut answer = Answer::default();
    let (compared, rows) = in_common(&job, values);
    answer.rounds = rows.first().map_or(0, Vec::len);
    let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
    // A baseline alone has beaten nobody.
    let has_rivals = compared.iter().any(|case| !cases[*case].is_baseline());
    if let Some(found) = best(&slices, CONFIDENCE, SEED).filter(|_| has_rivals) {
        answer.fastest = found.set.iter().map(|place| compared[*place]).collect();
        // Where the data do not tell, one without too many threads is named.
        let place = found.set.iter().position(|place| *place == found.winner);
        let modest = modest(&answer.fastest, cases).or(place);
        let interval = modest.and_then(|place| found.intervals.get(place));
        answer.winner = modest.map(|place| answer.fastest[place]);
        // The speedup is of all pairs, the interval of the rounds in common.
        let speedup = answer.winner.and_then(|case| cases[case].speedup);
        let with =
            |end: f64, widest: fn(f64, f64) -> f64| speedup.map_or(end, |it| widest(end, it));
        answer.speedup_low = interval.map(|interval| with(interval.low.exp(), f64::min));
        answer.speedup_high = interval.map(|interval| with(interval.high.exp(), f64::max));
        for case in &compared {
            cases[*case].fastest = Some(answer.fastest.contains(case));
        }
    }
    let lines = lines(&job, cases);
    rank(&lines.concat(), values, cases, &mut answer);
    answer.series = lines.iter().filter_map(|line| best_count(line, values, cases)).collect();
    let holds_winner = |line: &Vec<usize>| answer.winner.is_some_and(|it| line.contains(&it));
    let own = lines.iter().find(|line| holds_winner(line)).cloned().unwrap_or_default();
    compare_rivals(&own, values, &mut answer);
    answer.cases = job;
    answer
}

/// The place of the best of the fastest cases that has no more threads than CPUs.
fn modest(fastest: &[usize], cases: &[CaseSummary]) -> Option<usize> {
    let speedup = |place: &usize| cases[fastest[*place]].speedup.unwrap_or(0.0);
    let modest = (0..fastest.len()).rev().filter(|place| !cases[fastest[*place]].oversubscribed);
    modest.max_by(|one, other| speedup(one).total_cmp(&speedup(other)))
}

/// Ranks the backends at the largest usable count of all lines, one family fixed
/// beforehand.
fn rank(lines: &[usize], values: &[ByRound], cases: &mut [CaseSummary], answer: &mut Answer) {
    let may_rank = |case: &&usize| !cases[**case].oversubscribed;
    let counts = |case: &usize| {
        let case = &cases[*case].case;
        (case.threads(), case.nthread)
    };
    let count = lines.iter().filter(may_rank).map(counts).max();
    let family: Vec<usize> =
        lines.iter().filter(may_rank).filter(|case| Some(counts(case)) == count).copied().collect();
    let (ranked, rows) = in_common(&family, values);
    answer.ranked_nthread = count.map(|(_, nthread)| nthread);
    answer.ranked_inner_nthread = count.map(|(threads, nthread)| threads / nthread.max(1));
    let rounds = rows.first().map_or(0, Vec::len);
    let needed = rounds_to_rank(family.len(), CONFIDENCE);
    answer.rounds_needed = (rounds < needed).then_some(needed);
    if rounds < LEAST_ROUNDS {
        return;
    }
    let slices: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
    for (case, (low, high)) in ranked.iter().zip(rank_sets(&slices, CONFIDENCE)) {
        (cases[*case].rank_low, cases[*case].rank_high) = (Some(low), Some(high));
    }
}

/// The series of a job, as indices.
fn lines(job: &[usize], cases: &[CaseSummary]) -> Vec<Vec<usize>> {
    let job = Job { cases: job.iter().map(|case| &cases[*case]).collect() };
    let index = |case: &&CaseSummary| cases.iter().position(|it| std::ptr::eq(it, *case));
    job.series().iter().map(|line| line.cases.iter().filter_map(index).collect()).collect()
}

/// The best count of a series, and how far around it the data cannot tell.
fn best_count(line: &[usize], values: &[ByRound], cases: &[CaseSummary]) -> Option<BestCount> {
    let summaries: Vec<&CaseSummary> = line.iter().map(|case| &cases[*case]).collect();
    let best = super::series::best(&summaries)?;
    let mut counts: Vec<usize> =
        line.iter().filter(|case| !values[**case].is_empty()).copied().collect();
    counts.sort_by_key(|case| cases[*case].case.nthread);
    let case = *line.iter().find(|case| std::ptr::eq(&cases[**case], best))?;
    let nthread = best.case.nthread;
    let mut found =
        BestCount { case, nthread_low: nthread, nthread_high: nthread, told_from_neighbours: None };
    let Some(place) = counts.iter().position(|other| *other == case) else { return Some(found) };
    let is_told = |other: &usize| told_apart(&values[case], &values[*other]);
    let untold = |others: &mut dyn Iterator<Item = &usize>| {
        let near = others.take_while(|other| is_told(other) == Some(false)).last();
        near.map_or(nthread, |other| cases[*other].case.nthread)
    };
    found.nthread_low = untold(&mut counts[..place].iter().rev());
    found.nthread_high = untold(&mut counts[place + 1..].iter());
    let neighbours = place.checked_sub(1).into_iter().chain([place + 1]);
    let told: Option<Vec<bool>> =
        neighbours.filter_map(|place| counts.get(place)).map(is_told).collect();
    found.told_from_neighbours =
        told.filter(|told| !told.is_empty()).map(|told| told.iter().all(|it| *it));
    Some(found)
}

/// Whether the interval of the differences excludes none; `None` where there is no
/// interval.
fn told_apart(one: &ByRound, other: &ByRound) -> Option<bool> {
    let interval = median_interval(&differences(one, other), CONFIDENCE)?;
    Some(interval.low > 0.0 || interval.high < 0.0)
}

/// The best of each other series than the winner's `own` against the winner.
fn compare_rivals(own: &[usize], values: &[ByRound], answer: &mut Answer) {
    let Some(winner) = answer.winner else { return };
    let best = answer.series.iter().map(|series| series.case);
    let rivals: Vec<usize> = best.filter(|case| !own.contains(case)).collect();
    let against = |case: usize| differences(&values[case], &values[winner]);
    for case in rivals {
        let logs = against(case);
        let Some(Interval { low, high, .. }) = median_interval(&logs, CONFIDENCE) else { continue };
        let Some(middle) = median(&logs) else { continue };
        let (ratio, ratio_low, ratio_high) = (middle.exp(), low.exp(), high.exp());
        answer.rivals.push(Rival { case, ratio, ratio_low, ratio_high });
        let effect = smallest_effect(&logs, CONFIDENCE).map(f64::exp_m1);
        answer.smallest_effect =
            effect.into_iter().chain(answer.smallest_effect).max_by(f64::total_cmp);
    }
}

/// The first less the second, in the rounds that both have.
fn differences(one: &ByRound, other: &ByRound) -> Vec<f64> {
    let mut others = other.iter().peekable();
    let difference = |(round, log): &(u32, f64)| {
        while others.next_if(|(other, _)| other < round).is_some() {}
        others.peek().filter(|(other, _)| other == round).map(|(_, other)| log - other)
    };
    one.iter().filter_map(difference).collect()
}

/// The cases that have enough rounds in common to be compared, and their values in
/// these rounds. A case with less than half of the rounds of the one that has most
/// would cost all others their rounds, and is left out.
fn in_common(cases: &[usize], values: &[ByRound]) -> (Vec<usize>, Vec<Vec<f64>>) {
    let most = cases.iter().map(|case| values[*case].len()).max().unwrap_or(0);
    let least = LEAST_ROUNDS.max(most.div_ceil(2));
    let kept: Vec<usize> =
        cases.iter().copied().filter(|case| values[*case].len() >= least).collect();
    let rounds = |case: usize| -> BTreeSet<u32> { values[case].iter().map(|it| it.0).collect() };
    let mut common = kept.first().map(|case| rounds(*case)).unwrap_or_default();
    for &case in &kept[kept.len().min(1)..] {
        if values[case].len() != common.len()
            || values[case].iter().any(|it| !common.contains(&it.0))
        {
            common = common.intersection(&rounds(case)).copied().collect();
        }
    }
    let is_common = |(round, log): &(u32, f64)| common.contains(round).then_some(*log);
    let row = |case: &usize| values[*case].iter().filter_map(is_common).collect();
    let rows = kept.iter().map(row).collect();
    (kept, rows)
}

#[cfg(test)]
mod tests {
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

    fn answer(cases: &mut [CaseSummary]) -> Answer {
        of(cases).into_iter().next().expect("a job")
    }

    #[test]
    fn the_fastest_are_those_that_cannot_be_told_from_the_winner() {
        let mut cases = [
            case("sequential", 1, 0.0, 12),
            case("rayon", 2, 0.6, 12),
            case("std-thread", 2, 0.6, 12),
            case("process-pipe", 2, 0.4, 12),
        ];
        let found = answer(&mut cases);
        assert_eq!(found.fastest, [1, 2]);
        assert_eq!(cases.map(|case| case.fastest.expect("12 rounds")), [false, true, true, false]);
        let rivals: Vec<usize> = found.rivals.iter().map(|rival| rival.case).collect();
        assert_eq!(rivals.len(), 2);
        let slower = found.rivals.iter().find(|rival| rival.case == 3).expect("a rival");
        assert!(slower.ratio_high < 0.83 && slower.ratio_low > 0.81, "{slower:?}");
        assert!(found.smallest_effect.is_some_and(|effect| effect < 0.003), "{found:?}");
        assert!(found.speedup_low.zip(found.speedup_high).is_some_and(|(low, high)| low < high));
    }

    #[test]
    fn backends_are_ranked_at_the_largest_count_that_has_a_cpu_for_each() {
        let mut cases = [
            case("sequential", 1, 0.0, 12),
            case("a", 8, 0.9, 12),
            case("a", 4, 0.8, 12),
            case("b", 4, 0.8, 12),
            case("c", 4, 0.2, 12),
            case("c", 2, 0.3, 12),
        ];
        let found = answer(&mut cases);
        let ranks = cases.map(|case| case.rank_low.zip(case.rank_high));
        assert_eq!(ranks, [None, None, Some((1, 2)), Some((1, 2)), Some((3, 3)), None]);
        assert_eq!((found.ranked_nthread, found.rounds_needed), (Some(4), None));
    }

    #[test]
    fn too_few_rounds_say_how_many_a_ranking_takes() {
        let backends = ["a", "b", "c", "d"];
        let mut cases = backends.map(|backend| case(backend, 4, backend.len() as f64, 7));
        let found = answer(&mut cases);
        assert_eq!(found.rounds_needed, Some(8));
        assert_eq!(cases[0].rank_low.zip(cases[0].rank_high), Some((1, 4)));
        let found = answer(&mut backends.map(|backend| case(backend, 4, 1.0, 5)));
        assert_eq!((found.winner, found.fastest.len(), found.rounds), (None, 0, 0));
    }

    #[test]
    fn the_best_count_reaches_as_far_as_the_data_cannot_tell() {
        let line = |n1, n2, n3, n4| {
            let logs = [(1, n1), (2, n2), (3, n3), (4, n4)];
            answer(&mut logs.map(|(nthread, log)| case("a", nthread, log, 12))).series[0]
        };
        let told = line(0.0, 0.6, 0.5, 0.4);
        assert_eq!((told.nthread_low, told.nthread_high), (2, 2));
        assert_eq!(told.told_from_neighbours, Some(true));
        let untold = line(0.0, 0.6, 0.6, 0.6);
        assert_eq!((untold.nthread_low, untold.nthread_high), (2, 4));
        assert_eq!(untold.told_from_neighbours, Some(false));
        let alone = answer(&mut [case("a", 2, 0.6, 12)]).series[0];
        assert_eq!(alone.told_from_neighbours, None);
    }

    #[test]
    fn a_case_that_was_retired_costs_the_others_no_rounds() {
        let mut cases = [case("a", 2, 0.6, 12), case("b", 2, 0.5, 12), case("c", 2, 0.9, 2)];
        let found = answer(&mut cases);
        assert_eq!((found.rounds, found.winner), (12, Some(0)));
        assert_eq!(cases[2].fastest, None);
    }

    #[test]
    fn where_the_data_do_not_tell_the_winner_has_a_cpu_for_each_thread() {
        let mut cases = [case("a", 8, 0.6001, 12), case("a", 4, 0.6, 12)];
        let found = answer(&mut cases);
        assert_eq!((found.fastest.len(), found.winner), (2, Some(1)));
        assert!(found.rivals.is_empty());
    }
}
