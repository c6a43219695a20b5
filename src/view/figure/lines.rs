//! A figure of a metric over the thread count: one series a backend, and the lines to
//! compare with.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::distinct;
use super::metric::{Metric, Values};
use crate::analysis::{self, CaseSummary, Fit, Summary};
use crate::quantity::pluralize;
use crate::view::job::JobView;
use crate::view::laws::law_name;
use crate::view::nouns::{Nouns, pin, short_baseline_name, short_title};
use crate::view::number::{Unit, thousands};
use crate::view::text::usable_cpus;

/// Everything that one figure shows, before it has a place.
pub struct Figure {
    pub metric: Metric,
    /// The nouns of the cases.
    pub nouns: Nouns,
    /// The title without the CPU: metric, kernel (of commands the only one, or how many
    /// there are), draws and pin.
    pub title: String,
    /// The short name of the baseline.
    pub baseline: String,
    /// The threads of the baseline.
    pub baseline_threads: u32,
    /// The model of the CPU.
    pub cpu_model: String,
    /// The meaning of marks, bars and dots.
    pub subtitle: String,
    /// The dots of a case at most.
    pub max_dots: usize,
    pub counts: Vec<u32>,
    pub x: Axis,
    pub y: Axis,
    /// The unit of the values.
    pub unit: Unit,
    /// The series, in the order of their colours and marks.
    pub series: Vec<Series>,
    /// The horizontal line of the baseline.
    pub reference: Option<Reference>,
    /// The first thread count at which every series has more threads than CPUs.
    pub oversubscribed_from: Option<u32>,
    /// The names of that region, the longest first.
    pub oversubscribed_names: Vec<String>,
}

/// A line of the figure.
pub struct Series {
    /// The name of the backend, command or function.
    pub name: String,
    /// The settings that distinguish it from others of the same name; may be empty.
    pub detail: String,
    /// Threads inside each worker.
    pub inner_nthread: u32,
    /// Points in ascending order of thread count.
    pub points: Vec<Point>,
    /// Thread counts whose case has no data.
    pub missing: Vec<u32>,
    /// The scaling laws that were fitted, the chosen one first.
    pub laws: Vec<Law>,
}

/// A case of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The index of the case.
    pub case: usize,
    pub nthread: u32,
    pub value: f64,
    pub interval: Option<(f64, f64)>,
    /// The rounds, thinned.
    pub dots: Vec<f64>,
    /// True if `dots` leaves rounds out.
    pub is_thinned: bool,
    /// True if a line joins it with the point before: not where oversubscription begins or
    /// a case between them has no data.
    pub is_joined: bool,
}

/// The horizontal line of the baseline.
pub struct Reference {
    /// The name of the baseline.
    pub name: String,
    /// The value of the baseline; `None` if it has no data.
    pub value: Option<f64>,
}

/// A scaling law as a curve.
pub struct Law {
    /// The name of the law.
    pub name: &'static str,
    /// Thread counts and values.
    pub points: Vec<(f64, f64)>,
    /// The value at each point of the series.
    pub at_points: Vec<Option<f64>>,
}

/// Steps of a curve: the eye sees no corners.
const CURVE_STEPS: u32 = 48;

impl Figure {
    /// The figure of a metric of a job, with at most `max_dots` dots a case.
    pub fn new(view: &JobView<'_>, metric: Metric, max_dots: usize) -> Figure {
        let (summary, job) = (view.summary, &view.job);
        let all = job.series();
        let cases: Vec<&CaseSummary> = all.iter().flat_map(|it| it.cases.clone()).collect();
        let baseline = job.baseline();
        let baseline_threads = baseline.map_or(1, |case| case.case.threads());
        // Of a run of the baseline alone the axis has its counts.
        let shown = if cases.is_empty() { &job.cases } else { &cases };
        let counts = distinct(shown.iter().map(|case| case.case.nthread));
        let series: Vec<Series> =
            all.into_iter().map(|group| series(summary, group, metric, max_dots)).collect();
        let noun = match series.iter().any(|series| series.inner_nthread > 1) {
            true => "Workers",
            false => "Threads or processes",
        };
        let least_inner = series.iter().map(|it| it.inner_nthread).min().unwrap_or(1);
        let mut figure = Figure {
            metric,
            nouns: view.nouns,
            title: title(view, metric),
            baseline: baseline.map_or("the baseline".to_string(), short_baseline_name),
            baseline_threads,
            cpu_model: summary.cpu_model().to_string(),
            subtitle: String::new(),
            max_dots,
            x: Axis::of_counts(&counts, noun, None),
            // Replaced below, where all is there that they depend on.
            y: Axis::of_counts(&counts, noun, None),
            unit: metric.unit_of(1.0),
            oversubscribed_from: counts
                .iter()
                .copied()
                .find(|n| summary.is_oversubscribed(n.saturating_mul(least_inner))),
            oversubscribed_names: oversubscribed_names(summary),
            counts,
            series,
            reference: reference(view, metric),
        };
        figure.subtitle = subtitle(summary, &cases, &figure);
        if let Some((y, unit)) = Axis::of_values(&figure, None) {
            (figure.y, figure.unit) = (y, unit);
        }
        figure
    }

    /// The axes on the other scales: of the counts, and of the values if all are positive.
    pub fn other_axes(&self) -> (Axis, Option<Axis>) {
        let noun = self.x.label.split(" (").next().unwrap_or_default();
        let x = Axis::of_counts(&self.counts, noun, Some(self.x.scale.other()));
        (x, Axis::of_values(self, Some(self.y.scale.other())).map(|(axis, _)| axis))
    }

    /// The cases that are shown.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.series.iter().flat_map(|series| &series.points)
    }

    /// The value of perfect scaling, unless the baseline's line says the same.
    pub fn ideal(&self, nthread: f64) -> Option<f64> {
        let only_one = self.metric == Metric::Speedup && self.counts == [self.baseline_threads];
        self.metric.ideal(nthread, self.baseline_threads).filter(|_| !only_one)
    }

    /// The name of the line of perfect scaling.
    pub fn ideal_name(&self) -> &'static str {
        match self.series.iter().any(|series| series.inner_nthread > 1) {
            true => "ideal of 1 inner",
            false => "ideal",
        }
    }

    /// Remarks on what a reader could misread: thinned dots, dots beyond the axis, a truncated axis.
    /// `hidden` is said before the last.
    pub fn notes(&self, hidden: Option<&str>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.points().any(|point| point.is_thinned) {
            notes.push(format!("dots thinned to {} a case", self.max_dots));
        }
        let dots = self.points().flat_map(|point| &point.dots);
        match dots.filter(|dot| !self.y.spans(**dot)).count() {
            0 => {}
            1 => notes.push("1 dot beyond the axis".to_owned()),
            n => notes.push(format!("{} dots beyond the axis", thousands(n as u64))),
        }
        notes.extend(hidden.map(str::to_owned));
        if self.y.is_truncated() {
            notes.push("the vertical axis does not start at zero".to_owned());
        }
        notes
    }

    /// The text of the line of the baseline.
    pub fn reference_text(&self) -> Option<(f64, String)> {
        let reference = self.reference.as_ref()?;
        let value = reference.value?;
        let text = match self.metric {
            Metric::Speedup => "1×".to_string(),
            _ => self.unit.write(value),
        };
        Some((value, format!("{}: {text}", reference.name)))
    }
}

impl Series {
    /// The pieces that are joined by a line.
    pub fn pieces(&self) -> impl Iterator<Item = &[Point]> {
        self.points.chunk_by(|_, next| next.is_joined)
    }
}

/// The title: the metric, what was measured, and how workers were pinned.
fn title(view: &JobView<'_>, metric: Metric) -> String {
    let settings = view.job.settings();
    let mut title = metric.title(view.nouns).to_owned();
    let what = match &view.job.series()[..] {
        _ if !view.summary.target().is_command() => settings.kernel.clone(),
        // The only command may have several series, by the threads inside its workers.
        [first, others @ ..] if others.iter().all(|other| other.name == first.name) => {
            short_title(&first.cases[0].case)
        }
        _ => view.title(),
    };
    if !what.is_empty() {
        title += &format!(": {what}");
    }
    if let Some(draws) = settings.baseline_draws() {
        title += &format!(", {} draws", thousands(draws));
    }
    title + &remark(view)
}

/// The end of a heading, after the draws.
pub fn remark(view: &JobView<'_>) -> String {
    let settings = view.job.settings();
    let weak = if settings.is_weak() { " a worker" } else { "" };
    format!("{weak}{}", pin(settings))
}

/// The rounds, and the meaning of marks, bars and dots.
fn subtitle(summary: &Summary, cases: &[&CaseSummary], figure: &Figure) -> String {
    let rounds = cases.iter().map(|case| case.rounds).filter(|n| *n > 0);
    let rounds = match rounds.clone().min().zip(rounds.max()) {
        None => return "no data".to_owned(),
        Some((least, most)) if least == most => pluralize(most, "round"),
        Some((least, most)) => format!("{least} to {most} rounds"),
    };
    let percent = format!("{:.3}", summary.confidence * 100.0);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    let bars = match figure.points().any(|point| point.interval.is_some()) {
        true => format!("bars: intervals of the median, at least {percent}%"),
        false => "too few rounds for intervals".to_owned(),
    };
    format!("{rounds} · marks: medians · {bars} · dots: single rounds")
}

fn oversubscribed_names(summary: &Summary) -> Vec<String> {
    let Some(usable) = summary.usable_cpus() else { return Vec::new() };
    let cpus = usable_cpus(summary);
    vec![
        format!("oversubscribed: more threads than the {cpus}"),
        format!("oversubscribed (> {cpus})"),
        "oversubscribed".to_owned(),
        format!("> {usable}"),
    ]
}

fn series(
    summary: &Summary,
    group: analysis::Series<'_>,
    metric: Metric,
    max_dots: usize,
) -> Series {
    // Ordered by thread count, which the line follows.
    let mut cases: BTreeMap<u32, (&CaseSummary, Option<Values>)> = BTreeMap::new();
    for case in &group.cases {
        cases.insert(case.case.nthread, (case, metric.values(case)));
    }
    let inner_nthread = group.cases[0].case.inner_nthread.max(1);
    let (mut points, mut missing): (Vec<Point>, Vec<u32>) = (Vec::new(), Vec::new());
    for (nthread, (case, values)) in cases {
        let Some(values) = values else {
            missing.push(nthread);
            continue;
        };
        let is_joined = points.last().is_some_and(|before| {
            let is_whole = !missing.iter().any(|n| (before.nthread..nthread).contains(n));
            let [was_crowded, is_crowded] = [before.nthread, nthread]
                .map(|n| summary.is_oversubscribed(n.saturating_mul(inner_nthread)));
            is_whole && was_crowded == is_crowded
        });
        points.push(Point {
            case: case.index,
            nthread,
            value: values.median,
            interval: values.interval,
            is_thinned: values.rounds.len() > max_dots,
            dots: thin(&values.rounds, max_dots),
            is_joined,
        });
    }
    let laws = laws(summary, &group, metric, &points);
    Series { inner_nthread, name: group.name, detail: group.detail, missing, points, laws }
}

/// The scaling laws that were fitted to a series, in the terms of a metric.
fn laws(
    summary: &Summary,
    group: &analysis::Series<'_>,
    metric: Metric,
    points: &[Point],
) -> Vec<Law> {
    // A law that does not describe the points is not drawn through them.
    let stated = fit_of(summary, group).filter(|fit| fit.refusal.is_none());
    let Some((fit, (first, last))) =
        stated.zip(points.first().zip(points.last()).map(|(a, b)| (a.nthread, b.nthread)))
    else {
        return Vec::new();
    };
    let inner = f64::from(group.cases[0].case.inner_nthread.max(1));
    let first_case = group.cases[0];
    let baseline = match metric {
        Metric::Efficiency => first_case.reference,
        _ => first_case.baseline,
    };
    let baseline = baseline.and_then(|baseline| summary.cases.get(baseline));
    let Some((base, threads)) =
        baseline.and_then(|it| Some((it.throughput?, f64::from(it.case.threads()))))
    else {
        return Vec::new();
    };
    let (first, last) = (f64::from(first), f64::from(last));
    // A fit is of throughputs by worker; each worker has `inner` threads, and a speedup is
    // relative to the threads of the baseline.
    fit.candidates
        .iter()
        .map(|candidate| {
            let at = |n: f64| {
                let throughput = fit.throughput_by(&candidate.curve, n)?;
                let throughput = Some(throughput).filter(|it| it.is_finite() && *it > 0.0)?;
                metric.of_throughput(throughput, base, n * inner / threads)
            };
            let steps = (0..=CURVE_STEPS)
                .map(|step| first + (last - first) * f64::from(step) / f64::from(CURVE_STEPS));
            Law {
                name: law_name(candidate.curve.model),
                points: steps.filter_map(|n| Some((n, at(n)?))).collect(),
                at_points: points.iter().map(|point| at(f64::from(point.nthread))).collect(),
            }
        })
        .filter(|law| !law.points.is_empty())
        .collect()
}

/// The fit of a series. One that was refused has no cases: it is known by its settings.
pub fn fit_of<'a>(summary: &'a Summary, series: &analysis::Series<'_>) -> Option<&'a Fit> {
    summary.fits.iter().find(|fit| {
        series.cases.iter().any(|case| {
            let chunk = fit.case.chunk.and(case.case.chunk);
            let is_alike = fit.case == crate::record::Case { chunk, ..case.case.clone() };
            fit.cases.contains(&case.index) || is_alike
        })
    })
}

/// The line of the baseline, where it says more than the ideal does.
fn reference(view: &JobView<'_>, metric: Metric) -> Option<Reference> {
    let case = view.job.baseline()?;
    let value = match metric {
        Metric::Time | Metric::Throughput => metric.values(case).map(|values| values.median),
        Metric::Speedup => case.median_ns.map(|_| 1.0),
        _ => return None,
    };
    Some(Reference { name: short_baseline_name(case), value })
}

/// Thins values to `most`, evenly spaced in their order.
pub fn thin(values: &[f64], most: usize) -> Vec<f64> {
    if values.len() <= most {
        return values.to_vec();
    }
    (0..most).map(|i| values[i * values.len() / most]).collect()
}
