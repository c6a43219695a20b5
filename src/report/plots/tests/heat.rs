//! The heat map of workers × threads inside each.

use super::super::heat::{BEST, FULL, HATCH, HATCHES};
use super::super::{file, font, write};
use super::{case, fail, svg_text};
use crate::analysis::{CaseSummary, Summary};
use crate::record::BASELINE;
use crate::view::figure::heat::of_inner;
use crate::view::job::job_views;

/// A run on so many CPUs.
fn run(names: &[&str], nthread: &[u32], inner: &[u32], cpus: u32) -> Summary {
    let at = |name: &str, n: u32, m: u32| {
        let mut it: CaseSummary = case(name, n, 6);
        it.case.inner_nthread = m;
        it.oversubscribed = n * m > cpus;
        it.speedup = Some(f64::from((n * m).min(cpus)) * 0.97_f64.powi((n * m) as i32));
        it
    };
    let mut cases = vec![at(BASELINE, 1, 1)];
    for name in names {
        for &m in inner {
            cases.extend(nthread.iter().map(|n| at(name, *n, m)));
        }
    }
    crate::analysis::synthetic::number(&mut cases);
    let mut summary = Summary { confidence: 0.95, cases, ..Summary::default() };
    summary.run.machine.usable_cpus = Some(cpus);
    summary.run.plan.inner_nthread = inner.to_vec();
    summary
}

fn svg(summary: &Summary) -> String {
    svg_text(&of_inner(&job_views(summary)[0]).expect("an axis")).expect("a drawing")
}

/// How many shapes have that colour.
fn count(svg: &str, colour: plotters::style::RGBColor) -> usize {
    svg.matches(&format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)).count()
}

#[test]
fn a_job_with_threads_inside_its_workers_has_two_more_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let written = write(&run(&["a"], &[1, 2], &[1, 2], 2), dir.path()).expect("figures");
    assert_eq!(written.len(), 10);
    assert!(["inner.svg", "inner.png"].iter().all(|name| dir.path().join(name).is_file()));
    let plain = run(&["a"], &[1, 2], &[1], 2);
    assert!(of_inner(&job_views(&plain)[0]).is_none());
}

#[test]
fn every_oversubscribed_cell_is_hatched_and_those_of_full_use_are_outlined() {
    let summary = run(&["a", "b"], &[1, 2, 3, 4, 8], &[1, 2, 4], 4);
    let svg = svg(&summary);
    let crowded = summary.cases.iter().filter(|case| case.oversubscribed).count();
    let full = summary.cases.iter().filter(|case| case.case.threads() == 4).count();
    // And once each in the legend.
    assert_eq!(count(&svg, HATCH), HATCHES * (crowded + 1));
    assert_eq!((full, count(&svg, FULL)), (6, full + 1));
    assert_eq!(count(&svg, BEST), 2 + 1, "one a panel");
}

#[test]
fn a_cell_without_data_is_a_dash() {
    let mut summary = run(&["a"], &[1, 2], &[1, 2], 4);
    let before = svg(&summary).matches(">\n–\n<").count();
    fail(&mut summary.cases[2]);
    summary.cases.remove(4);
    assert_eq!(svg(&summary).matches(">\n–\n<").count(), before + 2);
}

#[test]
fn a_run_without_any_data_can_be_drawn() {
    let mut summary = run(&["a"], &[1, 2], &[1, 2], 4);
    summary.cases.iter_mut().for_each(fail);
    assert_eq!(svg(&summary).matches(">\n–\n<").count(), 4);
}

/// Left, right and middle of each text at `size`, as far as the file tells.
fn boxes(svg: &str) -> Vec<(f64, f64, f64, String)> {
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let rest = tag.split_once(&format!(" {name}=\""))?.1;
        Some(rest.split_once('"')?.0.to_string())
    };
    let text = |piece: &str| {
        let (tag, rest) = piece.split_once('>')?;
        let words = rest.split_once('<')?.0.trim().replace("&amp;", "&");
        let [x, y, size] = ["x", "y", "font-size"].map(|name| attribute(tag, name));
        let (x, y): (f64, f64) = (x?.parse().ok()?, y?.parse().ok()?);
        let width = font::width(&words, size?.parse().ok()?);
        let left = match attribute(tag, "text-anchor")?.as_str() {
            "start" => x,
            "middle" => x - width / 2.0,
            _ => x - width,
        };
        Some((left, left + width, y, words))
    };
    svg.split("<text ").skip(1).filter_map(|piece| text(&format!(" {piece}"))).collect()
}

#[test]
fn no_text_lies_on_another_or_leaves_the_figure() {
    let names: Vec<String> = (0..12).map(|i| format!("process-manager {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (names, nthread) in [
        (&names[..], (1..=8).collect::<Vec<u32>>()),
        (&names[..1], (1..=64).collect()),
        (&names[..2], vec![1, 1024]),
    ] {
        let svg = svg(&run(names, &nthread, &[1, 2, 4, 8], 8));
        let width: f64 = svg
            .split_once("viewBox=\"0 0 ")
            .expect("a size")
            .1
            .split_once(' ')
            .expect("a width")
            .0
            .parse()
            .expect("a number");
        let boxes = boxes(&svg);
        assert!(boxes.len() > names.len() * 8, "{}", boxes.len());
        for (index, one) in boxes.iter().enumerate() {
            assert!(one.0 >= 0.0 && one.1 <= width, "{one:?} of {width}");
            for other in &boxes[..index] {
                let is_beside = one.1 <= other.0 || other.1 <= one.0;
                assert!(is_beside || (one.2 - other.2).abs() > 12.0, "{one:?} {other:?}");
            }
        }
    }
}

#[test]
#[ignore = "writes pictures to look at"]
fn pictures_to_look_at() {
    let dir = std::path::Path::new("target/heat");
    let names = ["std-thread", "thread-pool", "rayon", "process-pool", "process-shm"];
    let mut summary = run(&names, &[1, 2, 3, 4, 8], &[1, 2, 4, 8], 8);
    summary.run.machine.cpu_model = Some("Some CPU".into());
    for (name, summary) in [
        ("five", summary),
        ("one", run(&["rayon"], &[1, 2, 4], &[1, 2], 4)),
        ("wide", run(&["rayon", "std-thread"], &(1..=32).collect::<Vec<_>>(), &[1, 2, 4], 8)),
    ] {
        std::fs::create_dir_all(dir).expect("a directory");
        let heat = of_inner(&job_views(&summary)[0]).expect("an axis");
        file::write_both(&heat, dir, name).expect("a picture");
    }
}
