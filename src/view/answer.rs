//! The answer on a job: the case to use, and the others beside it.
//!
//! Every figure is that of the tables, with the interval of the tables. The only further figure is
//! the bound of the regret, which is named as such: "at most 3% slower than any other".

use super::job::JobView;
use super::nouns::{short_baseline_name, short_name_at_threads, short_title};
use super::number::{digits, time};
use super::shortfall::cause_against;
use crate::analysis::{
    CaseSummary, MARGIN, MIN_ROUNDS, Outputs, Recommendation, RelativeTime, compare_outputs,
};
use crate::quantity::pluralize;

/// Cases that are named; the others are counted.
const MAX_NAMED: usize = 4;

/// Largest difference between the median of paired ratios and the ratio of the printed medians
/// that is not mentioned.
const PAIRS_DIFFER: f64 = 0.05;

/// Outputs that differ, the answer, and the other cases beside it, in sentences.
pub fn sentences(view: &JobView<'_>) -> Vec<String> {
    let mut sentences = different_outputs(view);
    sentences.extend(answer(view).into_iter().chain(others(view)));
    sentences
}

/// A sentence on each command whose output depends on the number of threads, such as "Outputs
/// differ between 1 and 4 threads." It comes before any time.
fn different_outputs(view: &JobView<'_>) -> Vec<String> {
    let cases = &view.summary.cases;
    let commands = compare_outputs(&view.summary.run.plan, cases);
    let counts = |indices: &[usize]| -> String {
        let mut counts: Vec<String> =
            indices.iter().map(|index| cases[*index].case.count_text()).collect();
        counts.dedup();
        list(&counts, "or")
    };
    let mut sentences = Vec::new();
    for command in &commands {
        let (Outputs::Differ { first, others } | Outputs::Unsteady { first, others }) =
            &command.outputs
        else {
            continue;
        };
        let (few, more) = (cases[*first].case.count_text(), counts(others));
        let of = match commands.len() {
            1 => String::new(),
            _ => format!(" of {}", short_title(&cases[*first].case)),
        };
        sentences.push(match command.outputs {
            Outputs::Unsteady { .. } => format!(
                "Outputs{of} differ: always the same with {few} thread{}, but not with {more}.",
                plural(cases[*first].case.threads()),
            ),
            _ => format!("Outputs{of} differ between {few} and {more} threads."),
        });
    }
    sentences
}

/// The answer, such as "Use rayon or thread-pool with 2 threads: 32.0 ms instead of 63.6 ms,
/// 1.99 × as fast as sequential (95% CI 1.98–1.99); at most 1.3% slower than any other." `None`
/// where nothing was measured.
fn answer(view: &JobView<'_>) -> Option<String> {
    if view.job.baseline().is_none_or(|case| case.median_ns.is_none()) {
        return view.fastest().map(|_| "No baseline was measured, so no speedup.".to_string());
    }
    match view.ranking.and_then(|ranking| ranking.recommendation.as_ref()) {
        Some(recommendation) => Some(recommended(view, recommendation)),
        None => few_rounds(view),
    }
}

/// The answer from medians alone: without intervals no difference is significant.
fn few_rounds(view: &JobView<'_>) -> Option<String> {
    let best = view.fastest()?;
    let text = format!(
        "Too few rounds for an answer ({} of at least {MIN_ROUNDS}). The shortest median is that \
         of {}: {}",
        best.pairs,
        with_threads(view, &[best]),
        speedup(view, best)
    );
    Some(format!("{text}."))
}

fn recommended(view: &JobView<'_>, recommendation: &Recommendation) -> String {
    let cases = &view.summary.cases;
    let chosen = &cases[recommendation.case];
    if !recommendation.decided {
        return undecided(view, recommendation, chosen);
    }
    let mut named: Vec<&CaseSummary> =
        recommendation.candidates.iter().map(|case| &cases[*case]).collect();
    // The order of the table.
    named.sort_by_key(|case| case.index);
    let bound = match recommendation.bound {
        bound if bound <= 0.0 => "faster than any other".to_string(),
        bound => format!("at most {} slower than any other", percent(bound)),
    };
    format!("Use {}: {}; {bound}.", with_threads(view, &named), speedup(view, chosen))
}

/// The case with the smallest bound, and those that may do as well with fewer threads.
fn undecided(view: &JobView<'_>, recommendation: &Recommendation, chosen: &CaseSummary) -> String {
    let cases = &view.summary.cases;
    let fewer: Vec<&CaseSummary> = recommendation
        .candidates
        .iter()
        .map(|case| &cases[*case])
        .filter(|case| case.case.threads() < chosen.case.threads())
        .collect();
    let counts = recommendation.candidates.iter().map(|case| cases[*case].case.count_text());
    let has_one_count = counts.clone().all(|count| count == chosen.case.count_text());
    let name = with_threads(view, &[chosen]);
    let start = match (recommendation.bound <= MARGIN, has_one_count) {
        (true, _) => format!("Use {name}"),
        // Cases with another number of threads are excluded.
        (false, true) => {
            let threads = pluralize(chosen.case.threads(), "thread");
            let (one, title) = (view.nouns.one, short_title(&chosen.case));
            format!("Use {threads}; which {one} is undecided, the safest choice is {title}")
        }
        (false, false) => format!("Undecided; the safest choice is {name}"),
    };
    let bound = percent(recommendation.bound);
    let mut text =
        format!("{start}: {}; at most {bound} slower than any other", speedup(view, chosen));
    if !fewer.is_empty() {
        let mut counts: Vec<(u32, String)> =
            fewer.iter().map(|it| (it.case.threads(), it.case.count_text())).collect();
        counts.sort_unstable();
        counts.dedup();
        let counts: Vec<String> = counts.into_iter().map(|(_, text)| text).collect();
        let threads = if counts == ["1"] { "thread" } else { "threads" };
        text += &format!("; {} {threads} may do as well", list(&counts, "or"));
    }
    if let Some(rounds) = recommendation.rounds_needed {
        text += &format!("; about {rounds} rounds would bound it by {}", percent(MARGIN));
    }
    format!("{text}.")
}

/// The time of a case and its speedup over the baseline, with the interval of the table.
fn speedup(view: &JobView<'_>, case: &CaseSummary) -> String {
    let own = case.median_ns.map_or("–".to_string(), time);
    let Some(baseline) = view.job.baseline().filter(|baseline| baseline.index != case.index) else {
        return own;
    };
    let ends = match case.speedup_low.zip(case.speedup_high) {
        Some((low, high)) => format!(" (95% CI {}–{})", digits(low), digits(high)),
        None => String::new(),
    };
    let ratio = case.speedup.map_or("–".to_string(), digits);
    let name = reference(view, case, baseline);
    if case.case.is_weak() {
        return format!("{own}, {ratio} × the throughput of {name}{ends}");
    }
    let base = baseline.median_ns.map_or("–".to_string(), time);
    let medians = ratio_of_medians(case, baseline);
    format!("{own} instead of {base}, {ratio} × as fast as {name}{ends}{medians}")
}

/// The ratio of the two times in words, where it is not about that of the pairs: with few pairs or
/// a drift the median of ratios differs from the ratio of medians.
fn ratio_of_medians(case: &CaseSummary, baseline: &CaseSummary) -> String {
    let medians = baseline.median_ns.zip(case.median_ns).map(|(baseline, ns)| baseline / ns);
    match medians.zip(case.speedup) {
        Some((medians, speedup)) if (medians / speedup).ln().abs() > PAIRS_DIFFER.ln_1p() => {
            format!(
                " as the median of {}, although the two times give {} ×",
                pluralize(case.pairs, "pair"),
                digits(medians)
            )
        }
        _ => String::new(),
    }
}

/// The baseline beside a case: a count alone if it is the same command.
fn reference(view: &JobView<'_>, case: &CaseSummary, baseline: &CaseSummary) -> String {
    let is_same = baseline.case.title() == case.case.title();
    match is_same && !view.nouns.has_workers {
        true => pluralize(baseline.case.threads(), "thread"),
        false => short_baseline_name(baseline),
    }
}

/// Cases with the same number of threads: "rayon or std-thread with 2 threads". The only command
/// of a sweep needs no name.
fn with_threads(view: &JobView<'_>, cases: &[&CaseSummary]) -> String {
    let Some(first) = cases.first() else { return String::new() };
    let count = &first.case;
    let threads = format!("{} thread{}", count.count_text(), plural(count.threads()));
    let has_one_series = view.job.series().len() <= 1 && !view.nouns.has_workers;
    if has_one_series && view.job.baseline().is_none_or(|it| it.case.title() == count.title()) {
        return threads;
    }
    if count.is_baseline() {
        return count.title();
    }
    let mut names: Vec<String> = cases.iter().map(|case| short_title(&case.case)).collect();
    // Of workers with threads inside them, the same total may have several forms.
    if cases.iter().any(|case| case.case.count_text() != count.count_text()) {
        names = cases.iter().map(|case| short_name_at_threads(&case.case)).collect();
        return list(&names, "or");
    }
    names.dedup();
    format!("{} with {threads}", list(&names, "or"))
}

/// The best case of each other series, or the other counts of an only one, with their times
/// relative to the recommended case: "process-pipe 1.2% (0.8–1.6) slower". `None` without any.
fn others(view: &JobView<'_>) -> Option<String> {
    let recommendation = view.ranking?.recommendation.as_ref()?;
    let cases = &view.summary.cases;
    let series = view.job.series();
    let is_named = |case: &CaseSummary| recommendation.candidates.contains(&case.index);
    let mut shown: Vec<&CaseSummary> = match series.len() {
        1 => series[0].cases.clone(),
        _ => series
            .iter()
            .filter(|series| !series.cases.iter().any(|case| is_named(case)))
            .filter_map(|series| series.best())
            .collect(),
    };
    shown.retain(|case| case.index != recommendation.case && case.median_ns.is_some());
    let relative = |case: &CaseSummary| {
        recommendation.others.iter().find(|other| other.case == case.index).copied()
    };
    let mut texts = Vec::new();
    for case in shown {
        let Some(other) = relative(case) else { continue };
        let name = match series.len() {
            1 => with_threads(view, &[case]),
            _ => short_title(&case.case),
        };
        let cost = cpu_ratio(case, &cases[recommendation.case]);
        let mean = mean_and_p90(case, &cases[recommendation.case]);
        let cause = match other.low > 1.0 {
            true => cause_against(case, &cases[recommendation.case]),
            false => None,
        };
        let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
        texts.push((other.ratio, format!("{name} {}{cost}{mean}{cause}", slower(other))));
    }
    texts.sort_by(|one, other| one.0.total_cmp(&other.0));
    let more = texts.len().saturating_sub(MAX_NAMED);
    let mut texts: Vec<String> = texts.into_iter().take(MAX_NAMED).map(|(_, text)| text).collect();
    if more > 0 {
        texts.push(format!("{} slower still", pluralize(more, "other")));
    }
    (!texts.is_empty()).then(|| format!("{}.", texts.join("; ")))
}

/// A relative time in words. An interval on both sides of 1 is given by its ends alone.
fn slower(other: RelativeTime) -> String {
    let RelativeTime { ratio, low, high, .. } = other;
    if low > 2.0 {
        return format!("{} × ({}–{}) the time", digits(ratio), digits(low), digits(high));
    }
    if low <= 1.0 && high >= 1.0 {
        return format!("{} to {} in time", signed(low - 1.0), signed(high - 1.0));
    }
    let word = if ratio > 1.0 { "slower" } else { "faster" };
    let [middle, one, end] = [ratio, low, high].map(|ratio| 100.0 * (ratio - 1.0).abs());
    let (least, most) = (one.min(end), one.max(end));
    format!("{}% ({}–{}) {word}", short(middle), short(least), short(most))
}

/// The means and 90th percentiles as ratios to those of the recommended case, where a median of
/// either hides slow calls.
fn mean_and_p90(case: &CaseSummary, recommended: &CaseSummary) -> String {
    let hides = |case: &CaseSummary| case.spread.mean_over(case.median_ns).is_some();
    if !hides(case) && !hides(recommended) {
        return String::new();
    }
    let ratio = |one: Option<f64>, other: Option<f64>| Some(one? / other?);
    let mean = ratio(case.spread.mean_ns, recommended.spread.mean_ns);
    let p90 = ratio(case.spread.p90_ns, recommended.spread.p90_ns);
    match mean.zip(p90) {
        Some((mean, p90)) => {
            format!(" (mean {}, p90 {})", relative(mean), relative(p90))
        }
        None => String::new(),
    }
}

/// A ratio of times: a change in percent, or a multiple if that is large.
fn relative(ratio: f64) -> String {
    if ratio > 2.0 { format!("{} ×", digits(ratio)) } else { signed(ratio - 1.0) }
}

/// The CPU time of a case as a multiple of the recommended one's, if it is more than a tenth more.
fn cpu_ratio(case: &CaseSummary, recommended: &CaseSummary) -> String {
    let ratio = case.cpu_ns().zip(recommended.cpu_ns()).map(|(one, other)| one / other);
    match ratio.filter(|ratio| *ratio >= 1.1 && ratio.is_finite()) {
        Some(ratio) => format!(" for {} × the CPU time", digits(ratio)),
        None => String::new(),
    }
}

fn percent(share: f64) -> String {
    format!("{}%", short(100.0 * share))
}

/// Two significant digits below ten, else whole.
fn short(percent: f64) -> String {
    let is_whole = (percent - percent.round()).abs() < 1e-9;
    if percent < 9.95 && !is_whole { format!("{percent:.1}") } else { format!("{percent:.0}") }
}

fn signed(share: f64) -> String {
    let sign = if share < 0.0 { "−" } else { "+" };
    format!("{sign}{}", percent(share.abs()))
}

fn plural(count: u32) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Names with commas and a last conjunction; of many names some, and the number of the others.
fn list(names: &[String], conjunction: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= MAX_NAMED => {
            format!("{} {conjunction} {last}", first.join(", "))
        }
        many => {
            let others = many.len() - MAX_NAMED + 1;
            format!("{} {conjunction} {others} others", many[..MAX_NAMED - 1].join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Summary;
    use crate::analysis::synthetic::{Noise, case, measured};
    use crate::record::BASELINE;
    use crate::view::job::job_views;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Kind of noise of a campaign.
    #[derive(Clone, Copy, Debug)]
    enum Shape {
        Even,
        Outliers,
        TwoModes,
        Ties,
    }

    /// A campaign of a baseline and three backends at 2, 4 and 8 threads on 4 CPUs, with random
    /// speedups, rounds and noise.
    fn campaign(seed: u64) -> Summary {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut cases = vec![case(BASELINE, 1, 640, 1)];
        for name in ["a", "b", "c"] {
            cases.extend([2, 4, 8].map(|nthread| case(name, nthread, 640, 1)));
        }
        let speedups: Vec<f64> = cases
            .iter()
            .map(|case| match rng.random_range(0..4) {
                0 => 1.0,
                1 => f64::from(case.nthread),
                2 => 1.9,
                _ => rng.random_range(0.5..4.0),
            })
            .collect();
        let shapes = [Shape::Even, Shape::Outliers, Shape::TwoModes, Shape::Ties];
        let shape = shapes[rng.random_range(0..shapes.len())];
        let deviation = [0.002, 0.02, 0.1, 0.3][rng.random_range(0..4)];
        let rounds = rng.random_range(6..=50);
        let mut noise = Noise::new(seed);
        measured(&cases, rounds, |index, _| {
            let speedup = if index == 0 { 1.0 } else { speedups[index] };
            let extra = match shape {
                Shape::Outliers if rng.random_range(0..10) == 0 => 3.0,
                Shape::TwoModes if rng.random_range(0..10) < 3 => 1.3,
                _ => 1.0,
            };
            let time = 1e6 / speedup * noise.factor(deviation) * extra;
            match shape {
                // A coarse clock: many times are equal.
                Shape::Ties => (time / 50_000.0).round() * 50_000.0,
                _ => time,
            }
        })
    }

    #[test]
    fn no_sentence_claims_more_than_the_intervals_of_the_tables() {
        for seed in 0..150 {
            let summary = campaign(seed);
            let view = &job_views(&summary)[0];
            let text = sentences(view).join(" ");
            let recommendation = view.ranking.and_then(|it| it.recommendation.as_ref());
            let recommendation = recommendation.expect("six rounds and more");
            let chosen = &summary.cases[recommendation.case];
            let context = format!("seed {seed}: {text}\n{recommendation:?}");
            // The figure and its interval are those of the table.
            if recommendation.case != 0 {
                let row = crate::view::table::speedup(chosen);
                let (value, ends) = row.split_once(" (").expect("an interval");
                let claim = format!("{value} × as fast as sequential (95% CI {ends}");
                assert!(text.contains(&claim), "{claim:?}: {context}");
            }
            // No other case is shown to be faster by more than the bound.
            let highest = 1.0 + recommendation.bound;
            for other in &recommendation.others {
                assert!(other.low * highest >= 1.0 - 1e-9, "{other:?}: {context}");
            }
            // The sequential loop may be as fast as the lower end of the speedup says.
            if let Some(low) = chosen.speedup_low.filter(|_| recommendation.case != 0) {
                assert!(low * highest >= 1.0 - 1e-9, "{low}: {context}");
            }
            // A decision is never out of ignorance.
            if recommendation.decided {
                assert!(recommendation.bound <= MARGIN, "{context}");
                assert!(text.starts_with("Use "), "{context}");
            }
            if recommendation.bound > MARGIN {
                let is_open = text.starts_with("Undecided; ") || text.contains(" is undecided, ");
                assert!(is_open, "{context}");
            }
        }
    }

    #[test]
    fn a_speedup_that_is_not_the_ratio_of_the_two_times_says_so() {
        let said = |own: [f64; 3]| {
            let times = [[100.0, 200.0, 300.0], own];
            let cases = [case(BASELINE, 1, 640, 1), case("a", 2, 640, 1)];
            let summary = measured(&cases, 3, |index, round| 1e6 * times[index][round as usize]);
            let text = sentences(&job_views(&summary)[0]).join(" ");
            text.contains("as the median of 3 pairs, although the two times give 2.00 ×")
        };
        assert!(!said([50.0, 100.0, 150.0]));
        assert!(said([100.0, 100.0, 290.0]));
    }

    #[test]
    fn slower_and_faster_are_said_only_of_intervals_beside_1() {
        let with = |ratio, low, high| slower(RelativeTime { case: 1, ratio, low, high });
        assert_eq!(with(1.1, 1.05, 1.2), "10% (5–20) slower");
        assert_eq!(with(0.9, 0.85, 0.95), "10% (5–15) faster");
        assert_eq!(with(1.1, 0.98, 1.2), "−2% to +20% in time");
        assert_eq!(with(4.0, 3.5, 4.5), "4.00 × (3.50–4.50) the time");
    }
}
