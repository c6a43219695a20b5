//! Recommendation of a job: the smallest number of threads that is within a margin of the best.
//!
//! A case is judged by the bounds of its regret ([`crate::stats`]): it is *adequate* if the upper
//! bound is within the margin, and *excluded* if the lower bound exceeds it. The recommendation
//! is decided if there is an adequate case and all cases with fewer threads are excluded.
//! Statistical indistinguishability is never a reason to recommend a case.

use serde::Serialize;

use super::ranking::{LogSpeedups, common_rounds, differences};
use super::{CONFIDENCE, CaseSummary};
use crate::record::Case;
use crate::stats::{PairedComparison, Regret, median, median_interval};

/// Share by which a recommended case may be slower than the best.
pub const MARGIN: f64 = 0.05;

/// Largest number of rounds that is proposed.
const MOST_ROUNDS: f64 = 10_000.0;

/// Probability with which a bound fails.
const ERROR_RATE: f64 = 0.05;

/// The recommendation of a job. Cases are given as indices into the summary's cases.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recommendation {
    /// True if the data decide; else the case with the smallest bound is named.
    pub decided: bool,
    /// Index of the recommended case.
    pub case: usize,
    /// Number of threads of the case.
    pub nthread: u32,
    /// Backend of the case, or the label of its command.
    pub backend: String,
    /// All settings of the case.
    pub settings: Case,
    /// Speedup of the case over the baseline.
    pub speedup: Option<f64>,
    /// Lower end of the interval of the speedup.
    pub low: Option<f64>,
    /// Upper end of that interval.
    pub high: Option<f64>,
    /// Share by which the case, and each of the candidates, is slower than the best case of the
    /// job, at most.
    pub bound: f64,
    /// The recommended case and those with as many threads that are adequate as well; for an
    /// undecided recommendation all cases that are not excluded.
    pub candidates: Vec<usize>,
    /// Reason for which it is not decided; null if it is.
    pub reason: Option<String>,
    /// Number of rounds after which the bound would be within the margin if the noise stays as it
    /// is; null if that is not to be expected.
    pub rounds_needed: Option<u32>,
    /// Times of the other cases, relative to that of the recommended case.
    #[serde(skip)]
    pub others: Vec<RelativeTime>,
}

/// Time of a case divided by that of the recommended case.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RelativeTime {
    /// Index of the case.
    pub case: usize,
    /// Median of the paired ratios.
    pub ratio: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

/// The recommendation among the cases of a job. `None` without enough common rounds, or for
/// less than two cases.
pub fn recommend(cases: &[&CaseSummary], values: &[LogSpeedups]) -> Option<Recommendation> {
    let (mut compared, rows) = common_rounds(cases, values);
    if compared.len() < 2 {
        return None;
    }
    // Log times up to the same constant in each round.
    let log_times: Vec<Vec<f64>> =
        rows.iter().map(|row| row.iter().map(|log| -log).collect()).collect();
    let slices: Vec<&[f64]> = log_times.iter().map(Vec::as_slice).collect();
    let rounds = slices.first()?.len();
    let regrets = PairedComparison::of(&slices)?.regrets(ERROR_RATE);
    let mut judged: Vec<(&CaseSummary, Regret)> = compared.drain(..).zip(regrets).collect();
    widen(&mut judged, values);
    judged.sort_by(|(one, regret), (other, other_regret)| {
        let order = one.case.threads().cmp(&other.case.threads());
        order.then(regret.high.total_cmp(&other_regret.high))
    });
    let mut recommendation = choose(&judged, rounds);
    let others = cases.iter().filter(|case| case.index != recommendation.case);
    recommendation.others =
        others.filter_map(|case| relative_time(case.index, recommendation.case, values)).collect();
    Some(recommendation)
}

/// Widens the bounds of the cases that are not excluded to the intervals of the paired medians,
/// which the outputs show: no bound may claim more than they do.
fn widen(judged: &mut [(&CaseSummary, Regret)], values: &[LogSpeedups]) {
    let all: Vec<usize> = judged.iter().map(|(case, _)| case.index).collect();
    for (case, regret) in judged.iter_mut().filter(|(_, regret)| regret.low <= MARGIN) {
        for other in all.iter().filter(|other| **other != case.index) {
            let logs = differences(&values[*other], &values[case.index]);
            if let Some(interval) = median_interval(&logs, CONFIDENCE) {
                regret.high = regret.high.max(interval.high.exp_m1());
            }
        }
    }
}

/// The time of a case relative to the recommended one. `None` with too few common rounds.
fn relative_time(case: usize, recommended: usize, values: &[LogSpeedups]) -> Option<RelativeTime> {
    let logs = differences(&values[recommended], &values[case]);
    let interval = median_interval(&logs, CONFIDENCE)?;
    let [ratio, low, high] = [median(&logs)?, interval.low, interval.high].map(f64::exp);
    Some(RelativeTime { case, ratio, low, high })
}

/// Chooses among cases in ascending order of their threads and bounds.
fn choose(judged: &[(&CaseSummary, Regret)], rounds: usize) -> Recommendation {
    let is_adequate = |regret: &Regret| regret.high <= MARGIN;
    let is_open = |regret: &Regret| regret.low <= MARGIN;
    let first_open = judged.iter().find(|(_, regret)| is_open(regret)).or(judged.first());
    let fewest = first_open.map_or(0, |(case, _)| case.case.threads());
    let adequate: Vec<&(&CaseSummary, Regret)> = judged
        .iter()
        .filter(|(case, regret)| case.case.threads() == fewest && is_adequate(regret))
        .collect();
    let decided = !adequate.is_empty();
    let named: Vec<&(&CaseSummary, Regret)> = match decided {
        true => adequate,
        false => judged.iter().filter(|(_, regret)| is_open(regret)).collect(),
    };
    // Of equal bounds the first, with the fewest threads.
    let chosen = named.iter().rev().min_by(|one, other| one.1.high.total_cmp(&other.1.high));
    let Some((case, regret)) = chosen else { return Recommendation::default() };
    let bounds = named.iter().map(|(_, regret)| regret.high);
    Recommendation {
        decided,
        case: case.index,
        nthread: case.case.nthread,
        backend: case.case.title(),
        settings: case.case.clone(),
        speedup: case.speedup,
        low: case.speedup_low,
        high: case.speedup_high,
        bound: if decided { bounds.fold(0.0, f64::max) } else { regret.high },
        candidates: named.iter().map(|(case, _)| case.index).collect(),
        reason: (!decided).then(|| undecided(regret)),
        rounds_needed: if decided { None } else { rounds_needed(regret, rounds) },
        others: Vec::new(),
    }
}

/// The number of rounds that brings the upper bound within the margin: its distance from the
/// estimate falls with the square root of the rounds.
fn rounds_needed(regret: &Regret, rounds: usize) -> Option<u32> {
    let [estimate, high, margin] = [regret.estimate, regret.high, MARGIN].map(f64::ln_1p);
    // An estimate near the margin would take forever.
    let allowed = (margin - estimate).max(0.0);
    let needed = rounds as f64 * ((high - estimate) / allowed).powi(2);
    (high > margin && needed <= MOST_ROUNDS).then_some(needed.ceil() as u32)
}

/// The reason for which a recommendation with this regret is not decided.
fn undecided(regret: &Regret) -> String {
    let [bound, margin] = [regret.high, MARGIN].map(|share| 100.0 * share);
    match regret.high <= MARGIN {
        true => format!("fewer threads may be within {margin:.0}% of the best as well"),
        false => format!("it may be {bound:.1}% slower than the best, more than {margin:.0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Noise, case};
    use super::*;
    use crate::record::BASELINE;

    /// The recommendation for a baseline, and backends at thread counts with these speedups.
    fn recommended(
        backends: &[(&str, u32, f64)],
        rounds: u32,
        noise: f64,
        seed: u64,
    ) -> Option<Recommendation> {
        let mut noise_of = Noise::new(seed);
        let mut cases = Vec::new();
        let mut values = Vec::new();
        for (index, (name, nthread, speedup)) in
            [(BASELINE, 1, 1.0)].iter().chain(backends).enumerate()
        {
            let case = case(name, *nthread, 640, 1);
            cases.push(CaseSummary { index, case, ..CaseSummary::default() });
            let value = |round| (round, (speedup * noise_of.factor(noise)).ln());
            values.push((0..rounds).map(value).collect());
        }
        recommend(&cases.iter().collect::<Vec<_>>(), &values)
    }

    #[test]
    fn the_smallest_count_within_the_margin_is_recommended() {
        let cases = [("a", 2, 1.9), ("a", 3, 2.8), ("a", 4, 2.85)];
        let found = recommended(&cases, 12, 0.003, 1).expect("a recommendation");
        assert_eq!((found.decided, found.nthread, found.candidates), (true, 3, vec![2]));
        assert!(found.bound > 0.01 && found.bound < 0.05, "{}", found.bound);
    }

    #[test]
    fn equal_backends_are_recommended_together() {
        let cases = [("a", 2, 1.9), ("b", 2, 1.9), ("c", 2, 1.5)];
        let found = recommended(&cases, 12, 0.003, 1).expect("a recommendation");
        let mut candidates = found.candidates.clone();
        candidates.sort_unstable();
        assert_eq!((found.decided, candidates), (true, vec![1, 2]));
    }

    #[test]
    fn wide_intervals_never_recommend_one_thread_out_of_ignorance() {
        let cases = [("a", 2, 1.2), ("a", 4, 1.3)];
        let mut wrong = 0;
        for seed in 0..100 {
            let found = recommended(&cases, 6, 0.2, seed).expect("a recommendation");
            wrong += u32::from(found.decided && found.nthread != 4);
            if !found.decided {
                let reason = found.reason.as_deref().unwrap_or_default();
                let expected =
                    if found.bound > MARGIN { "it may be " } else { "fewer threads may" };
                assert!(reason.starts_with(expected), "{found:?}");
                assert!(found.candidates.contains(&found.case));
            }
        }
        // 5% plus three standard errors of 100 campaigns.
        assert!(wrong <= 11, "{wrong} of 100");
    }

    #[test]
    fn an_oversubscribed_count_that_wins_is_recommended() {
        let found = recommended(&[("a", 4, 1.5), ("a", 800, 2.5)], 12, 0.01, 1);
        assert_eq!(found.map(|it| (it.decided, it.nthread)), Some((true, 800)));
    }

    #[test]
    fn the_sequential_loop_is_recommended_where_nothing_is_faster() {
        let found = recommended(&[("a", 2, 0.7), ("a", 4, 0.6)], 12, 0.01, 1);
        assert_eq!(found.map(|it| (it.decided, it.backend)), Some((true, BASELINE.to_string())));
    }

    #[test]
    fn the_named_case_is_within_its_bound_in_most_campaigns() {
        let speedups = [("a", 2, 1.5), ("a", 3, 1.9), ("a", 4, 2.0), ("b", 4, 2.05)];
        let (mut wrong, mut decided_wrong) = (0, 0);
        for seed in 0..300 {
            let found = recommended(&speedups, 8, 0.04, seed).expect("a recommendation");
            let speedup = if found.case == 0 { 1.0 } else { speedups[found.case - 1].2 };
            let regret = 2.05 / speedup - 1.0;
            wrong += u32::from(regret > found.bound + 1e-9);
            decided_wrong += u32::from(found.decided && regret > MARGIN);
        }
        // 5% plus three standard errors of 300 campaigns.
        assert!(wrong <= 26 && decided_wrong <= 26, "{wrong} and {decided_wrong} of 300");
    }

    #[test]
    fn an_undecided_recommendation_says_how_many_rounds_would_do() {
        // Equal cases with noise of 10%: four times the rounds halve the bound.
        let found = recommended(&[("a", 2, 1.0)], 10, 0.1, 3).expect("a recommendation");
        let needed = found.rounds_needed.expect("some rounds");
        assert!(!found.decided && (11..=200).contains(&needed), "{found:?}");
        let regret = |estimate, high| Regret { estimate, high, low: 0.0 };
        assert_eq!(rounds_needed(&regret(0.0, 0.1025), 10), Some(40));
        assert_eq!(rounds_needed(&regret(0.06, 0.2), 10), None, "the estimate is beyond");
        assert_eq!(rounds_needed(&regret(0.0, 0.02), 10), None, "it is within");
    }

    #[test]
    fn few_rounds_have_no_recommendation() {
        assert_eq!(recommended(&[("a", 2, 1.9)], 5, 0.01, 1), None);
    }
}
