//! What the page is told: the summary, its rounds thinned, and its words.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::crossings::{self, Grains, LadderData};
use super::facts::{self, Facts};
use super::laws::Law;
use crate::analysis::{CaseSummary, Fit, Job, Series, Summary, TallyCheck, Warning};
use crate::record::Case;
use crate::stats::median;
use crate::view::ending::how_it_ended;
use crate::view::job::{JobView, job_views};
use crate::view::nouns::{Nouns, baseline_name, checks, job_title, nouns, short_baseline_name};
use crate::view::number::thousands;
use crate::view::table::best_counts;
use crate::view::verdict::{shortfall, verdict};

/// Rounds of a case that are drawn as dots; more are thinned out, evenly over the
/// run, and the page says so.
pub(super) const MAX_DOTS: usize = 40;

/// Everything that the page shows.
#[derive(Debug, Serialize)]
pub(super) struct Data<'a> {
    version: &'static str,
    confidence: f64,
    cpu_model: &'a str,
    usable_cpus: Option<u32>,
    ending: String,
    /// What was checked of how many calls.
    checked: [String; 3],
    max_dots: usize,
    thinned: bool,
    jobs: Vec<JobData>,
    cases: Table,
    warnings: &'a [Warning],
    facts: Vec<Facts>,
    ladders: Vec<LadderData>,
    grains: Option<Grains>,
}

/// The cases of one job, by index.
#[derive(Debug, Serialize)]
struct JobData {
    name: String,
    /// What its cases are called, and what they are compared with.
    words: WordsData,
    kernel: String,
    work: String,
    pin: String,
    draws: Option<u64>,
    is_weak: bool,
    answer: Option<String>,
    found: Findings,
    baseline: Option<usize>,
    series: Vec<SeriesData>,
}

/// The findings of a job beside its verdict.
#[derive(Debug, Serialize)]
struct Findings {
    /// Index of the fastest case.
    winner: Option<usize>,
    /// Ends of the interval of its speedup, which holds although it was picked for it.
    speedup_low: Option<f64>,
    speedup_high: Option<f64>,
    /// Sentences.
    notes: Vec<String>,
    /// Of each series: name, best count, counts that are indistinguishable from it, and
    /// whether it differs from its neighbours.
    counts: Vec<[String; 4]>,
    /// The reasons of low efficiencies.
    shortfalls: Vec<String>,
}

impl Findings {
    fn of(view: &JobView<'_>) -> Findings {
        let set = view.fastest_set();
        let set = set.map(|set| format!("set of the fastest, with 95% confidence: {set}"));
        Findings {
            winner: view.ranking.and_then(|it| it.winner),
            speedup_low: view.ranking.and_then(|it| it.speedup_low),
            speedup_high: view.ranking.and_then(|it| it.speedup_high),
            notes: set.into_iter().chain(view.power_notes()).map(|it| sentence(&it)).collect(),
            counts: best_counts(view),
            shortfalls: view.job.cases.iter().filter_map(|it| Some(shortfall(it)? + ".")).collect(),
        }
    }
}

/// A note with a capital and a full stop.
fn sentence(note: &str) -> String {
    let (first, rest) = note.split_at(note.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}.", first.to_uppercase())
}

/// Words for the page.
#[derive(Debug, Serialize)]
struct WordsData {
    /// One that is compared, and several.
    one: &'static str,
    many: &'static str,
    /// What is timed.
    call: &'static str,
    /// What the baseline is called, whole and cut.
    baseline: String,
    baseline_short: String,
    /// Threads of the baseline.
    baseline_nthread: u32,
}

/// One line of the plots.
#[derive(Debug, Serialize)]
struct SeriesData {
    name: String,
    cases: Vec<usize>,
    /// The one that stands in the short table.
    best: Option<usize>,
    law: Option<Law>,
}

/// Objects with the same keys, which are named once.
#[derive(Debug, Default, Serialize)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// What a page shows of `summary`.
pub(super) fn of(summary: &Summary) -> Data<'_> {
    let most = summary.cases.iter().map(|case| case.round_ns.len().max(ratios(case).len())).max();
    Data {
        version: env!("CARGO_PKG_VERSION"),
        confidence: summary.confidence,
        cpu_model: summary.cpu_model(),
        usable_cpus: summary.usable_cpus(),
        ending: how_it_ended(summary).trim_end().to_string(),
        checked: checked(summary),
        max_dots: MAX_DOTS,
        thinned: most.unwrap_or(0) > MAX_DOTS,
        jobs: job_views(summary).iter().map(job_data).collect(),
        cases: Table::of(summary.cases.iter().map(|case| case_data(summary, case)).collect()),
        warnings: &summary.warnings,
        facts: facts::of(summary),
        ladders: crossings::ladders_of(summary),
        grains: crossings::grains(summary),
    }
}

/// A name, a number, and what it means.
fn checked(summary: &Summary) -> [String; 3] {
    let checks = checks(summary);
    if let Some(passed) = checks.passed {
        return ["Checked".to_string(), checks.count, passed.to_string()];
    }
    let TallyCheck { calls, .. } = summary.tally_check;
    let aside = if summary.tally_check.identical() {
        "every one identical"
    } else {
        "each held to its check"
    };
    ["Answers checked".to_string(), thousands(calls as u64), aside.to_string()]
}

fn job_data(view: &JobView<'_>) -> JobData {
    let (summary, job) = (view.summary, &view.job);
    let settings = job.settings();
    JobData {
        name: job_title(summary.target(), job),
        words: words_data(summary, job),
        kernel: settings.kernel.clone(),
        work: work(settings),
        pin: settings.pin.clone(),
        draws: settings.share(),
        is_weak: settings.is_weak(),
        answer: verdict(view),
        found: Findings::of(view),
        baseline: job.baseline().map(|case| case.index),
        series: job.series().iter().map(|series| series_data(summary, series)).collect(),
    }
}

fn words_data(summary: &Summary, job: &Job<'_>) -> WordsData {
    let Nouns { one, many, call, .. } = nouns(summary.target());
    let name = |of: fn(&CaseSummary) -> String| job.baseline().map_or("baseline".to_string(), of);
    WordsData {
        one,
        many,
        call,
        baseline: name(baseline_name),
        baseline_short: name(short_baseline_name),
        baseline_nthread: job.baseline().map_or(1, |case| case.case.threads()),
    }
}

fn work(case: &Case) -> String {
    let whose = if case.is_weak() { "worker" } else { "call" };
    case.share().map_or(String::new(), |n| format!("{} draws a {whose}", thousands(n)))
}

fn series_data(summary: &Summary, series: &Series<'_>) -> SeriesData {
    let cases: Vec<usize> = series.cases.iter().map(|case| case.index).collect();
    let most = series.cases.iter().map(|case| case.case.nthread).max().unwrap_or(1);
    let fit = summary.fits.iter().find(|fit| is_of_series(fit, series, &cases));
    let name = match series.detail.as_str() {
        "" => series.name.clone(),
        detail => format!("{} ({detail})", series.name),
    };
    let best = series.best().map(|case| case.index);
    SeriesData { name, cases, best, law: fit.map(|fit| Law::of(summary.target(), fit, most)) }
}

/// A fit that was refused has no cases: it is known by its settings.
fn is_of_series(fit: &Fit, series: &Series<'_>, cases: &[usize]) -> bool {
    let is_own = |case: &&CaseSummary| {
        let chunk = fit.case.chunk.and(case.case.chunk);
        Case { chunk, ..case.case.clone() } == fit.case
    };
    fit.cases.iter().any(|case| cases.contains(case)) || series.cases.iter().any(is_own)
}

/// A case with what `summary.json` does not have: its rounds.
fn case_data(summary: &Summary, case: &CaseSummary) -> Map<String, Value> {
    let Ok(Value::Object(mut object)) = serde_json::to_value(case) else { return Map::new() };
    let mut add = |name: &str, value: Value| object.insert(name.to_string(), value);
    add("title", case.case.title().into());
    add("round_ns", thinned(&case.round_ns));
    add("ratios", thinned(ratios(case)));
    add("ratio_box", five_numbers(ratios(case)));
    add("round_box", five_numbers(&case.round_ns));
    add("problems", case.problems.len().into());
    add("problem", case.problems.first().cloned().into());
    if !summary.target().is_kernel() {
        add("cpu_ns", case.cpu_ns().into());
        add("peak_bytes", case.peak_bytes().into());
    }
    object
}

/// The ratios of a case; none of the baseline, whose are all 1.
fn ratios(case: &CaseSummary) -> &[f64] {
    if case.is_baseline() { &[] } else { &case.ratios }
}

/// At most [`MAX_DOTS`] of the values, evenly over their order. A dot needs no
/// more than six figures.
fn thinned(values: &[f64]) -> Value {
    let count = values.len().min(MAX_DOTS);
    let kept = (0..count).map(|dot| values[dot * values.len() / count]);
    kept.map(six_figures).collect::<Vec<f64>>().into()
}

fn six_figures(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// Least, lower hinge, median, upper hinge, most: of all values (Tukey, 1977).
fn five_numbers(values: &[f64]) -> Value {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Where their number is odd, the middle one belongs to both halves.
    let (half, count) = (sorted.len().div_ceil(2), sorted.len());
    let hinges = median(&sorted[..half]).zip(median(&sorted[count - half..]));
    let Some(((low, high), middle)) = hinges.zip(median(&sorted)) else { return Value::Null };
    vec![sorted[0], low, middle, high, sorted[count - 1]].into()
}

impl Table {
    /// Without the columns in which nothing stands.
    fn of(objects: Vec<Map<String, Value>>) -> Table {
        let told = objects.iter().flatten().filter(|(_, value)| !value.is_null());
        let columns: BTreeSet<String> = told.map(|(name, _)| name.clone()).collect();
        let row = |mut object: Map<String, Value>| {
            columns.iter().map(|name| object.remove(name).unwrap_or_default()).collect()
        };
        Table {
            rows: objects.into_iter().map(row).collect(),
            columns: columns.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hinges_of_nine_values_are_the_third_and_the_seventh() {
        let values: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(five_numbers(&values), Value::from(vec![1.0, 3.0, 5.0, 7.0, 9.0]));
        assert_eq!(five_numbers(&[]), Value::Null);
    }

    #[test]
    fn dots_are_thinned_evenly_to_a_fixed_number() {
        let values: Vec<f64> = (0..4000).map(f64::from).collect();
        let dots = thinned(&values);
        let dots = dots.as_array().expect("a list");
        assert_eq!((dots.len(), &dots[1]), (MAX_DOTS, &Value::from(100.0)));
    }
}
