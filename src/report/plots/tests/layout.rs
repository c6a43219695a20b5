//! What a figure shows, and where.

use super::super::layout::Layout;
use super::super::{MAX_DOTS, job, style};
use super::{fail, plot, run, svg_text};
use crate::analysis::jobs;
use crate::view::figure::lines::{Point, thin};
use crate::view::figure::metric::Metric;
use crate::view::figure::scale::Scale;

#[test]
fn a_case_has_at_most_two_hundred_dots_and_the_figure_says_so() {
    let many = plot(&run(1, &[1, 2], 1000), Metric::Time);
    assert!(many.points().all(|point| point.dots.len() == MAX_DOTS));
    assert!(svg_text(&many).unwrap().contains("dots thinned to 200 a case"));
    let few = plot(&run(1, &[1, 2], 200), Metric::Time);
    assert!(few.points().all(|point| point.dots.len() == 200));
    assert!(!svg_text(&few).unwrap().contains("thinned"));
}

#[test]
fn thinning_keeps_values_from_the_whole_run() {
    let values: Vec<f64> = (0..1000).map(f64::from).collect();
    let kept = thin(&values, 4);
    assert_eq!(kept, [0.0, 250.0, 500.0, 750.0]);
}

#[test]
fn a_line_is_broken_where_oversubscription_begins() {
    let plot = plot(&run(1, &[1, 2, 3, 4], 6), Metric::Speedup);
    let counts = |piece: &[Point]| piece.iter().map(|point| point.nthread).collect::<Vec<_>>();
    let pieces: Vec<Vec<u32>> = plot.series[0].pieces().map(counts).collect();
    assert_eq!(pieces, [[1, 2], [3, 4]]);
    let svg = svg_text(&plot).unwrap();
    assert!(svg.contains("more threads than the 2 usable CPUs"));
}

#[test]
fn a_line_is_broken_where_a_case_has_no_data_and_the_legend_says_where() {
    let mut summary = run(1, &[1, 2, 3, 4, 5], 6);
    fail(&mut summary.cases[4]);
    let plot = plot(&summary, Metric::Time);
    assert_eq!(plot.series[0].pieces().count(), 3);
    assert!(svg_text(&plot).unwrap().contains("no data at 4"));
}

#[test]
fn the_ideal_does_not_flatten_the_data() {
    let counts: Vec<u32> = (1..=16).collect();
    let clipped = plot(&run(1, &counts, 6), Metric::Speedup);
    let layout = Layout::new(&clipped);
    let middle = (layout.plane.area.top + layout.plane.area.bottom) / 2.0;
    assert!(layout.y(2.0) < middle && !clipped.y.spans(16.0));
    assert!(svg_text(&clipped).unwrap().contains("leaves the figure at its top"));
    let whole = plot(&run(1, &[1, 2], 6), Metric::Speedup);
    assert!(whole.y.spans(2.0));
    assert!(!svg_text(&whole).unwrap().contains("leaves the figure"));
}

#[test]
fn a_doubling_sweep_gets_a_log_axis_and_a_full_one_does_not() {
    let scale = |counts: &[u32]| plot(&run(1, counts, 6), Metric::Time).x.scale;
    assert_eq!(scale(&[1, 2, 4, 8, 16, 32, 64]), Scale::Log);
    assert_eq!(scale(&(1..=16).collect::<Vec<_>>()), Scale::Linear);
    assert_eq!(scale(&[1, 2, 4]), Scale::Linear);
}

#[test]
fn labels_of_a_long_axis_keep_their_distance() {
    let counts: Vec<u32> = (1..=64).collect();
    let figure = plot(&run(1, &counts, 6), Metric::Time);
    let layout = Layout::new(&figure);
    let mut kept = layout.labelled();
    kept.sort_unstable();
    assert_eq!((kept.first(), kept.last()), (Some(&1), Some(&64)));
    let at = |n: u32| layout.x(f64::from(n));
    assert!(kept.windows(2).all(|pair| at(pair[1]) - at(pair[0]) > 14.0));
    assert!(kept.len() > 8);
}

#[test]
fn series_beside_each_other_do_not_overlap_the_next_count() {
    let counts: Vec<u32> = (1..=16).collect();
    let plot = plot(&run(8, &counts, 6), Metric::Time);
    let layout = Layout::new(&plot);
    assert!(layout.dodged(7, 3) < layout.dodged(0, 4));
    assert!(layout.dodged(0, 3) < layout.dodged(1, 3));
}

#[test]
fn the_first_ten_series_look_different() {
    let looks: Vec<style::Look> = (0..10).map(style::look).collect();
    for (i, a) in looks.iter().enumerate() {
        for b in &looks[..i] {
            let ways =
                [a.colour != b.colour, a.shape != b.shape, a.hollow != b.hollow, a.dash != b.dash];
            assert!(ways.into_iter().filter(|differs| *differs).count() >= 2);
        }
    }
}

#[test]
fn a_backend_with_two_schedules_is_two_lines_that_say_so() {
    let mut summary = run(2, &[1, 2], 6);
    let mut dynamic = summary.cases[1..3].to_vec();
    for case in &mut dynamic {
        case.case.schedule = "dynamic".to_owned();
        case.case.chunk = Some(1);
    }
    summary.cases.extend(dynamic);
    crate::analysis::synthetic::number(&mut summary.cases);
    let plot = plot(&summary, Metric::Time);
    let lines: Vec<(&str, &str)> =
        plot.series.iter().map(|series| (series.name.as_str(), series.detail.as_str())).collect();
    assert_eq!(lines, [("a", "static"), ("b", ""), ("a", "dynamic")]);
}

#[test]
fn what_has_no_draws_has_no_throughput() {
    let mut summary = run(1, &[1], 6);
    for case in &mut summary.cases {
        case.case.draws = None;
        case.throughput = None;
    }
    let metrics: Vec<Metric> = job::metrics(&jobs(&summary)[0]).collect();
    assert_eq!(metrics, [Metric::Time, Metric::Speedup, Metric::Efficiency]);
}
