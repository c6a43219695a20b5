//! The data of the page: the view of each job, its figures, and what was found over
//! several jobs, as JSON.

use serde::Serialize;

use crate::analysis::{CaseSummary, Fit, Series, Summary, Warning};
use crate::quantity::pluralize;
use crate::report::html::facts::{self, Facts};
use crate::stats::median;
use crate::view::answer;
use crate::view::crossover::{Ladder, known, ladders, sentence as crossover_sentence};
use crate::view::ending::how_it_ended;
use crate::view::figure::axis::Axis;
use crate::view::figure::chart::Chart;
use crate::view::figure::crossings;
use crate::view::figure::heat::{Heat, of_inner, of_sizes};
use crate::view::figure::lines::{Figure, Law, Point, fit_of};
use crate::view::figure::map::Map;
use crate::view::figure::metric::Metric;
use crate::view::granularity::{METHOD, notes, rows, shown};
use crate::view::job::{INDISTINGUISHABLE, JobView, OVERSUBSCRIBED, job_views};
use crate::view::laws::{law_name, other_law, parameters, refusals};
use crate::view::nouns::{checks, draws_unit, pin, short_baseline_name};
use crate::view::number::{Unit, digits, thousands};
use crate::view::shortfall::{hidden_by_median, loss_table, shortfall};
use crate::view::table::{PAGE, Table, best_counts, speedup, time, unit_of};
use crate::view::text::usable_cpus;

/// Rounds of a case that are drawn as dots; more are thinned out, evenly over the run, and
/// the page says so.
const MAX_DOTS: usize = 40;

/// Cases that a warning names; the others are counted.
const MAX_NAMED: usize = 6;

/// Everything that the page shows.
#[derive(Serialize)]
pub(super) struct Data {
    version: &'static str,
    title: String,
    confidence: String,
    ending: String,
    dots: String,
    /// The job that is shown first.
    first: usize,
    jobs: Vec<JobData>,
    cases: Vec<CaseData>,
    warnings: Vec<[String; 4]>,
    facts: Vec<Facts>,
    ladders: Vec<LadderData>,
    grains: Option<GrainData>,
    laws: Laws,
}

/// A job.
#[derive(Serialize)]
struct JobData {
    name: String,
    title: String,
    subtitle: String,
    one: &'static str,
    many: String,
    verdict: String,
    /// Key figures: name, value and remark.
    key: Vec<[String; 3]>,
    notes: Vec<String>,
    counts: Vec<[String; 4]>,
    shortfalls: Vec<String>,
    /// Split of the loss: a heading, and a row a case.
    loss: Vec<Vec<String>>,
    table: Table,
    /// The cases that the short table has, and the one in bold.
    best: Vec<usize>,
    winner: Option<usize>,
    /// Marks of the table with their meaning.
    marks: [(&'static str, String); 2],
    problems: Vec<String>,
    series: Vec<String>,
    baseline: String,
    ideal: &'static str,
    figures: Vec<FigureData>,
    strips: Strips,
    heat: Option<Heat>,
}

/// A case: what a mark says of it.
#[derive(Serialize)]
struct CaseData {
    rounds: String,
    /// More threads than CPUs, in words; empty otherwise.
    oversubscribed: String,
}

/// A figure over the thread count. Of each axis there is the one of the plots, and the one
/// on the other scale.
#[derive(Serialize)]
struct FigureData {
    id: &'static str,
    title: String,
    definition: &'static str,
    notes: Vec<String>,
    unit: Unit,
    x: [Axis; 2],
    y: (Axis, Option<Axis>),
    series: Vec<SeriesData>,
    /// The figure from whose dots those of this one follow.
    dots_of: Option<&'static str>,
    reference: Option<f64>,
    /// Perfect scaling: its value at no thread, and what each thread adds.
    ideal: Option<[f64; 2]>,
    oversubscribed_from: Option<u32>,
}

#[derive(Serialize)]
struct SeriesData {
    points: Vec<PointData>,
    laws: Vec<LawData>,
}

/// Case, thread count, value, ends of its interval, whether it is joined, and dots.
type PointData = (usize, u32, f64, Option<f64>, Option<f64>, bool, Vec<f64>);

/// Name, curve, and the values at the points.
type LawData = (&'static str, Vec<(f64, f64)>, Vec<Option<f64>>);

/// The distributions of the rounds.
#[derive(Serialize)]
struct Strips {
    title: &'static str,
    one: &'static str,
    figure: &'static str,
    /// The least value, lower hinge, median, upper hinge and largest value of each case.
    boxes: Vec<(usize, [f64; 5])>,
}

/// Jobs of several sizes.
#[derive(Serialize)]
struct LadderData {
    name: String,
    sentence: Option<String>,
    chart: Chart,
    map: Map,
    crossovers: Vec<[String; 3]>,
}

/// The smallest useful tasks.
#[derive(Serialize)]
struct GrainData {
    method: &'static str,
    nthread: u32,
    chart: Option<Chart>,
    rows: Vec<[String; 3]>,
    notes: Vec<String>,
}

/// Scaling laws: a table, and the reasons why there are no others.
#[derive(Serialize)]
struct Laws {
    caption: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    refusals: Vec<String>,
}

/// The data of the page on `summary`.
pub(super) fn of(summary: &Summary) -> Data {
    let views = job_views(summary);
    let most = summary.cases.iter().map(|case| case.round_ns.len().max(ratios(case).len())).max();
    let mut names: Vec<String> = views.iter().map(short_name).collect();
    names.dedup();
    let ladders = ladders(summary);
    let grains = grains(summary);
    // Of jobs or tasks of several sizes the largest: the smallest gain nothing.
    let is_sized = !ladders.is_empty() || grains.is_some();
    let largest =
        (0..views.len()).rev().max_by_key(|view| views[*view].job.settings().baseline_draws());
    let largest = largest.filter(|_| is_sized);
    Data {
        version: env!("CARGO_PKG_VERSION"),
        title: format!("nthread: {} on {}", names.join(", "), cpu(summary)),
        confidence: format!("{}%", digits(100.0 * summary.confidence).trim_end_matches(".0")),
        ending: how_it_ended(summary).trim_end().to_string(),
        dots: match most.unwrap_or(0) > MAX_DOTS {
            true => format!(
                "Rounds are thinned to {MAX_DOTS} dots a case, evenly over the run; medians, boxes \
                 and intervals are of all of them."
            ),
            false => "Every round that counts is a dot.".to_string(),
        },
        first: largest.unwrap_or(0),
        jobs: views.iter().map(|view| job_data(view, &views)).collect(),
        cases: summary.cases.iter().map(|case| case_data(summary, case)).collect(),
        warnings: summary.warnings.iter().map(|it| warning(summary, it)).collect(),
        facts: facts::of(summary),
        ladders: ladders.iter().map(|ladder| ladder_data(summary, ladder)).collect(),
        grains,
        laws: laws(&views),
    }
}

fn cpu(summary: &Summary) -> &str {
    if summary.cpu_model().is_empty() { "an unknown CPU" } else { summary.cpu_model() }
}

/// The kernel, or the title of a job of commands or functions.
fn short_name(view: &JobView<'_>) -> String {
    match view.nouns.has_workers {
        true => view.job.settings().kernel.clone(),
        false => view.title(),
    }
}

fn job_data(view: &JobView<'_>, all: &[JobView<'_>]) -> JobData {
    let (summary, job, settings) = (view.summary, &view.job, view.job.settings());
    let series = job.series();
    let set = view.fastest_set();
    let set = set.map(|set| format!("set of the fastest, with 95% confidence: {set}"));
    let figures: Vec<Figure> = Metric::ALL
        .into_iter()
        .filter(|metric| view.nouns.has_workers || *metric != Metric::Throughput)
        .map(|metric| Figure::new(view, metric, MAX_DOTS))
        .filter(|figure| figure.points().next().is_some())
        .collect();
    let has_speedup = figures.iter().any(|figure| figure.metric == Metric::Speedup);
    let work =
        settings.baseline_draws().map(|n| format!("{} {}", thousands(n), draws_unit(settings)));
    let pin = pin(settings);
    let count = pluralize(series.len(), view.nouns.one);
    let subtitle = [
        work.unwrap_or_default(),
        pin.trim_start_matches(", ").to_string(),
        usable_cpus(summary),
        if view.nouns.has_workers { count } else { String::new() },
    ];
    let hidden = job.cases.iter().filter_map(|case| hidden_by_median(case, view.nouns.calls()));
    JobData {
        name: view.title(),
        title: format!("{} on {}", short_name(view), cpu(summary)),
        subtitle: subtitle.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" · "),
        one: view.nouns.one,
        many: capitalized(view.nouns.many),
        verdict: verdict(view),
        key: key_figures(view),
        notes: set
            .into_iter()
            .chain(view.power_notes())
            .chain(hidden)
            .map(|it| capitalized(&it) + ".")
            .collect(),
        counts: best_counts(view),
        loss: loss_table(&job.cases, view.nouns.one),
        shortfalls: job.cases.iter().filter_map(|it| Some(shortfall(it)? + ".")).collect(),
        table: table(view, &series),
        best: series.iter().filter_map(|it| Some(it.best()?.index)).collect(),
        winner: view.fastest().map(|case| case.index),
        marks: [
            (OVERSUBSCRIBED, view.oversubscribed_note()),
            (
                INDISTINGUISHABLE,
                format!("{INDISTINGUISHABLE} statistically indistinguishable from the fastest"),
            ),
        ],
        problems: job.cases.iter().filter_map(|case| problem(case)).collect(),
        baseline: job.baseline().map_or("baseline".to_string(), short_baseline_name),
        ideal: figures.first().map_or("ideal", Figure::ideal_name),
        strips: strips(view, if has_speedup { Metric::Speedup } else { Metric::Time }),
        figures: figures.iter().map(figure_data).collect(),
        heat: of_inner(view).or_else(|| of_sizes(view, all)),
        series: series.iter().map(Series::full_name).collect(),
    }
}

/// The table of all cases, the baseline first.
fn table(view: &JobView<'_>, series: &[Series<'_>]) -> Table {
    let mut cases: Vec<&CaseSummary> = view.job.baseline().into_iter().collect();
    for case in series.iter().flat_map(|series| &series.cases) {
        if cases.first().is_none_or(|first| first.index != case.index) {
            cases.push(case);
        }
    }
    Table::new(view, &cases, &PAGE, unit_of(&cases)).without_empty()
}

/// A text with a capital.
fn capitalized(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}", first.to_uppercase())
}

/// The answer, and the other cases beside it.
fn verdict(view: &JobView<'_>) -> String {
    match answer::sentences(view) {
        sentences if sentences.is_empty() => "Nothing was measured.".to_string(),
        sentences => sentences.join(" "),
    }
}

/// The few figures that say the most.
fn key_figures(view: &JobView<'_>) -> Vec<[String; 3]> {
    let mut key = Vec::new();
    let mut add = |name: &str, value: String, remark: String| {
        // The interval stands below its value.
        let split = value.split_once(" (").and_then(|(value, rest)| {
            let (interval, unit) = rest.split_once(')')?;
            Some((format!("{value}{unit}"), format!("{remark}; {interval}")))
        });
        let (value, remark) = split.unwrap_or((value, remark));
        key.push([name.to_string(), value, remark]);
    };
    let baseline = view.job.baseline();
    if let Some(fastest) = view.fastest().filter(|case| case.speedup.is_some()) {
        add("Highest speedup", speedup(fastest) + " ×", fastest.case.title_with_count());
    }
    if let Some(baseline) = baseline.filter(|case| case.median_ns.is_some()) {
        let time = time(baseline);
        match view.nouns.has_workers {
            true => add("Sequential", time, "a call".to_string()),
            false => add("Baseline", time, short_baseline_name(baseline)),
        }
    }
    let cases = &view.summary.cases;
    let rounds = view.summary.max_rounds();
    let checks = checks(view.summary);
    let failed = match checks.failed {
        0 => String::new(),
        failed => format!("; {}", pluralize(failed, "failed visit")),
    };
    let of = format!("of {}{failed}", pluralize(cases.len(), "case"));
    key.push(["Rounds".to_string(), rounds.to_string(), of]);
    key.push(match checks.passed {
        Some(passed) => ["Checked".to_string(), checks.count, passed.to_string()],
        None => {
            let is_identical = view.summary.tally_check.identical();
            let remark = if is_identical { "every one identical" } else { "each checked" };
            ["Answers checked".to_string(), checks.count, remark.to_string()]
        }
    });
    key
}

fn problem(case: &CaseSummary) -> Option<String> {
    let (first, count) = (case.problems.first()?, case.problems.len());
    let failed = pluralize(count, "failed visit");
    Some(format!("{}: {failed}, the first: {first}", case.case.title_with_count()))
}

fn case_data(summary: &Summary, case: &CaseSummary) -> CaseData {
    let rounds = format!("{}, {}", pluralize(case.rounds, "round"), pluralize(case.pairs, "pair"));
    let oversubscribed = match case.oversubscribed {
        true => format!("more threads than the {}", usable_cpus(summary)),
        false => String::new(),
    };
    CaseData { rounds: if case.pairs > 0 { rounds } else { String::new() }, oversubscribed }
}

/// Code, message, advice, and the cases that it is about.
fn warning(summary: &Summary, warning: &Warning) -> [String; 4] {
    let code = serde_json::to_value(warning.code).unwrap_or_default();
    let cases = warning.cases.iter().filter_map(|case| summary.cases.get(*case));
    let names: Vec<String> = cases.take(MAX_NAMED).map(|it| it.case.title_with_count()).collect();
    let more = match warning.cases.len() - names.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let about = if names.is_empty() { "all cases".to_string() } else { names.join("; ") + &more };
    let code = code.as_str().unwrap_or_default().to_string();
    [code, warning.message.clone(), warning.advice.clone(), about]
}

fn figure_data(figure: &Figure) -> FigureData {
    let (x, y) = figure.other_axes();
    // Dots that follow from those of another figure are not stored twice: a page of many
    // cases is mostly dots.
    let dots_of = match figure.metric {
        Metric::Throughput => Some(Metric::Time.file_stem()),
        Metric::Efficiency => Some(Metric::Speedup.file_stem()),
        _ => None,
    };
    let series = figure.series.iter().map(|series| SeriesData {
        points: series.points.iter().map(|it| point_data(it, dots_of.is_none())).collect(),
        laws: series.laws.iter().map(law_data).collect(),
    });
    let title = match figure.metric {
        Metric::Speedup => format!("Speedup over {}", figure.baseline),
        metric => metric.title(figure.nouns).to_string(),
    };
    FigureData {
        id: figure.metric.file_stem(),
        title,
        definition: figure.metric.definition(figure.nouns),
        notes: figure.notes(None),
        unit: figure.unit,
        x: [figure.x.clone(), x],
        y: (figure.y.clone(), y),
        series: series.collect(),
        dots_of,
        reference: figure.reference.as_ref().and_then(|it| it.value),
        // The ideal is a straight line over the thread count, so two of its values tell all.
        ideal: figure
            .ideal(1.0)
            .zip(figure.ideal(2.0))
            .map(|(one, two)| [2.0 * one - two, two - one]),
        oversubscribed_from: figure.oversubscribed_from,
    }
}

fn point_data(point: &Point, has_dots: bool) -> PointData {
    let (low, high) = point.interval.unzip();
    let dots = if has_dots { point.dots.iter().copied().map(rounded).collect() } else { vec![] };
    let (value, low, high) = (rounded(point.value), low.map(rounded), high.map(rounded));
    (point.case, point.nthread, value, low, high, point.is_joined, dots)
}

fn law_data(law: &Law) -> LawData {
    let points = law.points.iter().map(|(n, value)| (rounded(*n), rounded(*value)));
    let at_points = law.at_points.iter().map(|value| value.map(rounded));
    (law.name, points.collect(), at_points.collect())
}

/// Five significant figures: a mark needs no more.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

fn strips(view: &JobView<'_>, metric: Metric) -> Strips {
    let (title, one) = match metric {
        Metric::Speedup => ("Distribution of the speedups", "pair"),
        _ => ("Distribution of the times", "round"),
    };
    let boxes = view.job.cases.iter().filter_map(|case| {
        let values = if metric == Metric::Speedup { ratios(case) } else { &case.round_ns };
        Some((case.index, five_numbers(values)?))
    });
    Strips { title, one, figure: metric.file_stem(), boxes: boxes.collect() }
}

/// The ratios of a case; none of the baseline, whose are all 1.
fn ratios(case: &CaseSummary) -> &[f64] {
    if case.is_baseline() { &[] } else { &case.ratios }
}

/// Least, lower hinge, median, upper hinge, most (Tukey, 1977).
fn five_numbers(values: &[f64]) -> Option<[f64; 5]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Where their number is odd, the middle one belongs to both halves.
    let (half, count) = (sorted.len().div_ceil(2), sorted.len());
    let (low, high) = (median(&sorted[..half])?, median(&sorted[count - half..])?);
    Some([sorted[0], low, median(&sorted)?, high, sorted[count - 1]].map(rounded))
}

fn ladder_data(summary: &Summary, ladder: &Ladder<'_>) -> LadderData {
    LadderData {
        name: format!("{}{}", ladder.job.kernel, pin(ladder.job)),
        sentence: crossover_sentence(ladder).map(|sentence| capitalized(&sentence)),
        chart: crossings::speedup(summary, ladder),
        map: crossings::winners(summary, ladder),
        crossovers: ladder
            .crossovers
            .iter()
            .map(|it| [it.case.title(), it.case.count_text(), known(it)])
            .collect(),
    }
}

/// The smallest useful tasks of a run, if it looked for them.
fn grains(summary: &Summary) -> Option<GrainData> {
    let shown = shown(summary);
    Some(GrainData {
        method: METHOD,
        nthread: shown.first()?.case.nthread,
        chart: crossings::granularity(summary),
        rows: rows(&shown),
        notes: notes(&shown).iter().map(|note| format!("{note}.")).collect(),
    })
}

/// The laws of all jobs. A reason why there is none is given once, for all that it is about.
fn laws(views: &[JobView<'_>]) -> Laws {
    let (one, has_jobs) = (views.first().map_or("backend", |it| it.nouns.one), views.len() > 1);
    let mut all: Vec<(Vec<String>, &JobView<'_>, &Fit)> = Vec::new();
    for view in views {
        for series in view.job.series() {
            let job = has_jobs.then(|| view.title());
            let names = job.into_iter().chain([series.full_name()]).collect();
            all.extend(fit_of(view.summary, &series).map(|fit| (names, view, fit)));
        }
    }
    let or_dash = |text: String| if text.is_empty() { "–".to_string() } else { text };
    let mut rows = Vec::new();
    for (names, view, fit) in all.iter().filter(|(.., fit)| fit.refusal.is_none()) {
        let others = fit.candidates.iter().skip(1).map(|it| other_law(fit, it));
        let mut row = names.clone();
        row.extend([
            fit.law.model.map_or("none", law_name).to_string(),
            parameters(view.summary.target(), fit).join("; "),
            or_dash(others.collect::<Vec<_>>().join("; ")),
            or_dash(fit.law.caveat.clone().unwrap_or_default()),
        ]);
        rows.push(row);
    }
    let fits: Vec<(String, &Fit)> =
        all.iter().map(|(names, _, fit)| (names.join(", "), *fit)).collect();
    let job = has_jobs.then_some("job").into_iter();
    Laws {
        caption: format!(
            "The law that explains each {one} best for its number of parameters, with 95% intervals"
        ),
        head: job.chain([one, "law", "parameters", "explains less", "caveat"]).collect(),
        rows,
        refusals: refusals(&fits, &format!("Every {one}"))
            .iter()
            .map(|it| format!("{it}."))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hinges_of_nine_values_are_the_third_and_the_seventh() {
        let values: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(five_numbers(&values), Some([1.0, 3.0, 5.0, 7.0, 9.0]));
        assert_eq!(five_numbers(&[]), None);
    }
}
