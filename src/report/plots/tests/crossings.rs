//! The figures of what crosses something.

use super::super::write;
use super::svg_text;
use crate::analysis::Summary;
use crate::analysis::synthetic::{self, Noise, case, measured_run};
use crate::record::{BASELINE, Case, Preset};
use crate::view::crossover::ladders;
use crate::view::figure::crossings;

fn names(written: &[std::path::PathBuf]) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    written.iter().map(name).collect()
}

/// Five jobs, or five chunks of them, under two backends at two counts.
fn run(preset: Preset) -> Summary {
    let mut cases: Vec<Case> = Vec::new();
    for step in (0..10).step_by(2).map(|power| 1_u64 << power) {
        let chunk = if preset.is_metg() { step } else { 1 };
        cases.push(case(BASELINE, 1, 64 * 64 * step, 1));
        for (name, n) in [("a <b>", 2), ("a <b>", 4), ("c", 2), ("c", 4)] {
            cases.push(case(name, n, 64 * 64 * step, chunk));
        }
    }
    let mut noise = Noise::new(1);
    let mut run = synthetic::run(&cases);
    run.plan.preset = preset;
    measured_run(&run, 9, |index, _| {
        let n = f64::from(cases[index].nthread);
        let cost_ns = if n == 1.0 { 0.0 } else { 2e4 };
        (cost_ns + cases[index].draws.unwrap() as f64 / n) * noise.factor(0.02)
    })
}

#[test]
fn a_crossover_run_has_a_chart_and_a_map_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let written = write(&run(Preset::Crossover), dir.path()).unwrap();
    let expected = ["crossover.svg", "crossover.png", "winners.svg", "winners.png"];
    assert_eq!(names(&written), expected);
}

#[test]
fn several_draws_by_hand_have_both_beside_the_figures_of_their_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let names = names(&write(&run(Preset::Sweep), dir.path()).unwrap());
    assert_eq!(names.len(), 4 + 5 * 8, "{names:?}");
}

#[test]
fn a_metg_run_has_a_chart_with_both_levels() {
    let dir = tempfile::tempdir().unwrap();
    let summary = run(Preset::Metg);
    let written = write(&summary, dir.path()).unwrap();
    assert_eq!(names(&written), ["granularity.svg", "granularity.png"]);
    let chart = crossings::granularity(&summary).unwrap();
    let svg = svg_text(&chart).unwrap();
    for words in [">\n50%\n<", ">\n95%\n<", "Task duration g", "a &lt;b&gt;", "n = 4"] {
        assert!(svg.contains(words), "{words:?} is not in the figure");
    }
    assert!(!svg.contains("NaN") && !svg.contains("a <b>"));
}

#[test]
fn what_it_shows_is_told_to_those_who_cannot_see_it() {
    let summary = run(Preset::Crossover);
    let ladder = &ladders(&summary)[0];
    let map = svg_text(&crossings::winners(&summary, ladder)).unwrap();
    assert!(map.contains("<desc>Winners at 2, 4 threads, by work. 4.1"), "{map:.600}");
    let chart = svg_text(&crossings::speedup(&summary, ladder)).unwrap();
    assert!(chart.contains("pays from"), "{chart:.600}");
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let svg = || svg_text(&crossings::granularity(&run(Preset::Metg)).unwrap()).unwrap();
    assert_eq!(svg(), svg());
}

#[test]
fn runs_without_data_can_be_drawn() {
    let mut summary = run(Preset::Crossover);
    for case in &mut summary.cases {
        (case.median_ns, case.speedup) = (None, Some(f64::NAN));
    }
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(write(&summary, dir.path()).unwrap().len(), 4);
}
