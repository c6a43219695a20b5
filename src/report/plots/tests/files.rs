//! What is written, and that everything can be drawn.

use std::path::{Path, PathBuf};

use super::super::file::Picture as _;
use super::super::{file, job, write};
use super::{fail, plot, run, svg_text};
use crate::analysis::jobs;
use crate::view::figure::metric::Metric;

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

#[test]
fn every_size_of_sweep_can_be_drawn() {
    let sixteen: Vec<u32> = (1..=16).collect();
    for counts in [&[1][..], &[1, 2], &[4], &[1, 2, 4, 8, 16], &sixteen] {
        for backends in [0, 1, 8] {
            for rounds in [0, 1, 12] {
                let summary = run(backends, counts, rounds);
                for metric in Metric::PLOTTED {
                    svg_text(&plot(&summary, metric)).unwrap();
                }
            }
        }
    }
}

#[test]
fn one_job_gives_eight_files() {
    let dir = tempfile::tempdir().unwrap();
    let written = write(&run(1, &[1, 2], 6), dir.path()).unwrap();
    let expected = ["time", "speedup", "efficiency", "throughput"]
        .into_iter()
        .flat_map(|name| [format!("{name}.svg"), format!("{name}.png")]);
    let expected: Vec<PathBuf> = expected.map(|name| dir.path().join(name)).collect();
    assert_eq!(written, expected);
    assert_eq!(names(dir.path()).len(), 8, "nothing else is left behind");
}

#[test]
fn the_same_summary_gives_the_same_bytes() {
    let summary = run(2, &[1, 2, 3], 12);
    for metric in Metric::PLOTTED {
        let svg = || svg_text(&plot(&summary, metric)).unwrap();
        assert_eq!(svg(), svg());
    }
    let png = || {
        let plot = plot(&summary, Metric::Time);
        file::png(&plot, &file::drawn(&plot)).unwrap()
    };
    assert!(png() == png());
}

#[test]
fn files_of_several_jobs_name_their_job() {
    let mut summary = run(1, &[1], 6);
    let mut other = summary.cases.clone();
    for case in &mut other {
        case.case.draws = Some(100);
        case.case.kernel = "a/b".to_owned();
    }
    let mut seeded = summary.cases.clone();
    for case in &mut seeded {
        case.case.seed = 9;
    }
    summary.cases.extend(other.into_iter().chain(seeded));
    crate::analysis::synthetic::number(&mut summary.cases);
    let suffixes = job::suffixes(&jobs(&summary).iter().collect::<Vec<_>>());
    assert_eq!(
        suffixes,
        ["-pi-67108864-block16384-seed0", "-a_b-100", "-pi-67108864-block16384-seed9"]
    );
}

#[test]
fn a_write_that_fails_names_the_path_and_leaves_no_part_of_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("time.svg")).unwrap();
    let error = write(&run(1, &[1], 6), dir.path()).unwrap_err().to_string();
    assert!(error.contains("time.svg"), "{error}");
    // Other figures are drawn at the same time, and stay.
    let left = names(dir.path());
    assert!(left.iter().all(|name| name.ends_with(".svg") || name.ends_with(".png")), "{left:?}");
    assert!(!left.contains(&"time.png".to_string()), "{left:?}");
}

#[test]
fn a_backend_without_data_is_named_as_such() {
    let mut summary = run(2, &[1, 2], 6);
    summary.cases[1..3].iter_mut().for_each(fail);
    for metric in Metric::PLOTTED {
        let svg = svg_text(&plot(&summary, metric)).unwrap();
        assert!(svg.contains("a: no data"), "{metric:?}");
    }
}

#[test]
fn a_run_without_any_data_can_be_drawn() {
    let mut summary = run(2, &[1, 2], 0);
    summary.cases.iter_mut().for_each(fail);
    for metric in Metric::PLOTTED {
        assert!(svg_text(&plot(&summary, metric)).unwrap().contains(">\nno data\n<"));
    }
}

#[test]
fn numbers_that_cannot_be_drawn_are_left_out() {
    let mut summary = run(2, &[1, 2, 3], 6);
    for (case, bad) in summary.cases.iter_mut().zip([f64::NAN, f64::INFINITY, 0.0, -1.0]) {
        case.median_ns = Some(bad);
        case.throughput = Some(bad);
        case.speedup = Some(bad);
        case.speedup_low = Some(bad);
        case.round_ns = vec![bad, 1e8];
        case.ratios = vec![bad, 1.0];
    }
    for metric in Metric::PLOTTED {
        let plot = plot(&summary, metric);
        let sound = |value: &f64| value.is_finite() && *value > 0.0;
        assert!(plot.points().all(|p| sound(&p.value) && p.dots.iter().all(sound)));
        let svg = svg_text(&plot).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains(">inf<"));
    }
}

#[test]
fn an_svg_carries_its_font_and_refers_to_nothing_outside() {
    let svg = svg_text(&plot(&run(8, &[1, 2, 3], 12), Metric::Time)).unwrap();
    assert!(svg.contains("src:url(data:font/ttf;base64,AAEAAAA"));
    assert!(svg.contains("<text ") && svg.contains("font-family=\"Open Sans\""));
    assert_eq!(svg.matches("url(").count(), 1);
    assert!(!svg.contains("href"));
    let namespace = "http://www.w3.org/2000/svg";
    assert_eq!(svg.matches("http").count(), svg.matches(namespace).count());
    assert!(svg.contains("A &lt;fast&gt; &amp; &quot;cheap&quot; CPU"));
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
}

#[test]
fn a_png_shows_its_title_and_is_wide_enough_for_print() {
    let plot = plot(&run(1, &[1, 2], 6), Metric::Time);
    let ((width, height), pixels) = file::pixels(&plot, &file::drawn(&plot)).unwrap();
    assert!(width >= 1600 && height >= 900);
    let dark = |rows: std::ops::Range<usize>| {
        let rows = &pixels[rows.start * width * 3..rows.end * width * 3];
        rows.chunks_exact(3).filter(|pixel| pixel[0] < 0x60).count()
    };
    assert_eq!(dark(0..24), 0);
    assert!(dark(24..70) > 1000, "the title has {} dark pixels", dark(24..70));
}

#[test]
fn a_long_cpu_name_is_cut_short_and_the_job_is_kept() {
    let mut summary = run(1, &[1], 6);
    summary.run.machine.cpu_model = Some("Processor ".repeat(40));
    let title = plot(&summary, Metric::Time).title();
    assert!(title.starts_with("Time of a call: pi, 67,108,864 draws, on Processor"));
    assert!(title.ends_with('…'));
}
