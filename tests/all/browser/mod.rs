//! `report.html` in a real browser: what a reader does with it works, nothing is
//! cut off, and nothing is asked of a network.
//!
//! Pictures of the page are left in `target/tmp/browser`, to be looked at.

mod chromium;
mod page;
mod synthetic;

use std::path::Path;
use std::process::Command;

use nthread::analysis::{Candidate, Fit, FittedLaw, Model};
use nthread::record::Case;
use nthread::stats::scaling::Curve;
use page::Page;
use synthetic::Synthetic;

/// The browser; where there is none, says so.
fn browser() -> Option<&'static str> {
    chromium::installed().inspect_err(|why| eprintln!("skipped, there is no browser: {why}")).ok()
}

/// Makes the report of a results directory.
fn report(dir: &Path) {
    let program = env!("CARGO_BIN_EXE_harness");
    let output = Command::new(program).arg("report").arg(dir).output().expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes the page of a results directory only: pictures of many cases take their time.
fn report_page(dir: &Path) {
    let summary = nthread::report::read(dir).expect("a results directory");
    nthread::report::write_html(&summary, dir).expect("a disk that takes it");
}

/// The committed sweep of a real machine, reported again.
fn real(dir: &Path) {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/epyc-2cpu");
    for name in ["run.json", "samples.csv"] {
        std::fs::copy(results.join(name), dir.join(name)).expect("a copy");
    }
    report(dir);
}

/// Both themes and the width of a telephone, each looked over. Pictures of two: they
/// are what takes the time.
fn looks_right(page: &mut Page) {
    for (theme, width) in [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)] {
        page.system_theme(theme);
        page.size(width, 900);
        let when = format!("{theme}-{width}");
        page.has_whole_text(&when);
        if matches!((theme, width), ("light", 1280) | ("dark", 360)) {
            page.picture(&when);
        }
    }
    page.system_theme("light");
    page.size(1280, 900);
}

#[test]
fn text_that_cannot_be_read_is_found() {
    let Some(program) = browser() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let html = "<p style='width:50px;overflow:hidden;white-space:nowrap'>cut off on its right</p>\
                <svg width=50 height=20><text x=0 y=10>far too long for it</text></svg>\
                <svg width=99 height=20><text y=10>one</text><text y=10>two</text></svg>\
                <h1 style='width:3000px'>wide</h1><script>console.log('a word')</script>";
    std::fs::write(dir.path().join("report.html"), html).expect("a file");
    let mut page = Page::open(program, dir.path(), "clipped");
    let found = page.unreadable().join("\n");
    for what in ["cut off: P", "outside of its drawing: text", "on \"one\": text", "the page is 3"]
    {
        assert!(found.contains(what), "{what}: {found}");
    }
    assert_eq!(page.complaints().len(), 1, "a word on the console");
}

#[test]
fn the_report_of_a_real_run_can_be_read_and_worked_with() {
    let Some(program) = browser() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    real(dir.path());
    let mut page = Page::open(program, dir.path(), "real");
    looks_right(&mut page);

    let lead = page.text("document.querySelector('#lead').textContent");
    assert!(lead.contains(" × as fast as sequential"), "{lead}");
    a_mark_says_its_value_and_interval(&mut page);
    a_backend_can_be_switched_off(&mut page);
    the_axis_can_be_logarithmic(&mut page);
    the_table_can_be_sorted(&mut page);
    the_theme_can_be_turned(&mut page);
    page.system_theme("dark");
    page.picture("dark-1280");
    page.on_paper();
    let pdf = page.pdf();
    assert!(pdf.starts_with(b"%PDF") && pdf.len() > 50_000, "{} bytes", pdf.len());
    page.was_quiet();
}

fn a_mark_says_its_value_and_interval(page: &mut Page) {
    let mark = "#figure-speedup .point[aria-label^='rayon, n = 2:']";
    let label =
        page.text(&format!("document.querySelector(\"{mark}\").getAttribute('aria-label')"));
    assert!(label.contains("1.99 (1.99–1.99) ×"), "{label}");
    // Only rayon: marks of others lie on its own.
    page.click("#controls .chips button.quiet");
    page.click("#controls .chip:nth-of-type(4)");
    page.point_at(mark);
    let tip = page.text("document.querySelector('#figure-speedup .tip.shown').innerText");
    assert!(tip.contains("rayon, n = 2") && tip.contains("1.99 (1.99–1.99) ×"), "{tip}");
    page.has_whole_text("with a value shown");
    // The same by keyboard: the next count, and its value is read out.
    page.value(&format!("document.querySelector(\"{mark}\").focus()"));
    page.key("ArrowRight");
    let focused = page.text("document.activeElement.getAttribute('aria-label')");
    assert!(focused.starts_with("rayon, n = 3: "), "{focused}");
    let tip = page.text("document.querySelector('#figure-speedup .tip.shown').innerText");
    assert!(tip.contains("rayon, n = 3"), "{tip}");
    page.click("#controls .chips button.quiet");
}

fn a_backend_can_be_switched_off(page: &mut Page) {
    let series = "document.querySelectorAll('#figure-time .series').length";
    let before = page.number(series);
    page.click("#controls .chip:first-of-type");
    assert_eq!(page.number(series), before - 1.0);
    page.click("#controls .chip:first-of-type");
    assert_eq!(page.number(series), before);
}

fn the_axis_can_be_logarithmic(page: &mut Page) {
    let place =
        "document.querySelector(\"#figure-time .point[aria-label^='rayon, n = 4:']\").getBBox().x";
    let before = page.number(place);
    page.click("#x-log");
    assert!(page.number(place) > before + 20.0, "4 is halfway from 1 to 16");
    page.click("#y-log");
    assert!(
        page.text("document.querySelector('#figure-time figcaption').innerText").contains("log")
    );
    page.has_whole_text("with logarithmic axes");
    page.picture("logarithmic");
    page.click("#y-log");
    page.click("#x-log");
}

fn the_table_can_be_sorted(page: &mut Page) {
    page.click("#table .choice button:last-child");
    assert_eq!(page.number("document.querySelectorAll('#table tbody tr').length"), 145.0);
    page.click("#table [data-column^=speedup]");
    page.click("#table [data-column^=speedup]");
    let first = "document.querySelector('#table tbody tr').innerText";
    assert!(page.text(first).starts_with("rayon"), "{}", page.text(first));
    let sort = "document.querySelector('#table th[aria-sort]').getAttribute('aria-sort')";
    assert_eq!(page.text(sort), "descending");
    page.has_whole_text("with all cases in the table");
}

fn the_theme_can_be_turned(page: &mut Page) {
    let paper = "getComputedStyle(document.body).backgroundColor";
    page.system_theme("light");
    let light = page.text(paper);
    page.click("#theme");
    assert_eq!(page.text(paper), light, "light was chosen");
    page.click("#theme");
    assert_ne!(page.text(paper), light);
    page.click("#theme");
}

#[test]
fn ten_backends_at_sixty_four_counts_still_fit() {
    let Some(program) = browser() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let backends = (0..10).map(|number| format!("backend-{number}")).collect();
    let rounds = 42;
    Synthetic { backends, counts: (1..=64).collect(), rounds, ..Synthetic::default() }
        .write(dir.path());
    report_page(dir.path());
    let size = dir.path().join("report.html").metadata().expect("a file").len();
    assert!(size < 1_500_000, "{size} bytes");
    let mut page = Page::open(program, dir.path(), "synthetic");
    assert!(page.text("document.querySelector('#thinned').textContent").contains("40 dots a case"));
    looks_right(&mut page);
    a_backend_can_be_switched_off(&mut page);
    page.click("#x-log");
    page.has_whole_text("with the other axis");
    page.was_quiet();
}

#[test]
fn commands_are_called_commands_and_their_labels_are_text() {
    let Some(program) = browser() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let hostile = "<script>alert(1)</script> | `x` =cmd()";
    let long = format!("simulate {} --threads={{nthread}}", "--option=value ".repeat(12));
    let commands = vec!["prog --threads {nthread}".to_string(), hostile.to_string(), long];
    Synthetic { commands, counts: vec![2, 4, 8, 12, 16, 24, 32, 64], ..Synthetic::default() }
        .write(dir.path());
    report_page(dir.path());
    let mut page = Page::open(program, dir.path(), "commands");
    looks_right(&mut page);
    let text = |page: &mut Page, of: &str| {
        page.text(&format!("document.querySelector({of:?}).textContent"))
    };
    assert_eq!(text(&mut page, "h1"), "3 commands on A model of a machine");
    assert!(text(&mut page, "#key").contains("Baseline"), "{}", text(&mut page, "#key"));
    assert!(text(&mut page, "#key").contains("every run ended as it should"));
    let speedup = text(&mut page, "#figure-speedup h3");
    assert_eq!(speedup, "Speedup over prog --threads {nthread} at 2 threads");
    assert!(text(&mut page, "#table").contains(hostile));
    assert!(text(&mut page, "#table").contains("peak MiB"));
    assert!(text(&mut page, "#fact-list").contains("OMP_NUM_THREADS"));
    // Eight times the threads of the baseline are eight times as fast at best.
    let ideal = page.text("document.querySelector('#figure-speedup .ideal').getAttribute('d')");
    let reach = page.text("document.querySelector('#figure-time').innerText");
    assert!(!ideal.is_empty() && reach.contains("Time of a run"), "{reach}");
    for word in ["sequential", "backend", "draws/s", "its own", "identical", "Cost of a call"] {
        let answer = page.text("document.querySelector('#answer').innerText")
            + &page.text("document.querySelector('#plots').innerText");
        assert!(!answer.contains(word), "{word}: {answer}");
    }
    let lead = text(&mut page, "#lead");
    assert!(lead.starts_with("Use ") || lead.starts_with("Undecided; "), "{lead}");
    page.was_quiet();
}

#[test]
fn where_workers_have_threads_inside_them_the_axis_counts_workers() {
    let Some(program) = browser() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let (counts, inner) = (vec![1, 2, 4, 6, 8, 12, 16], vec![2, 4]);
    Synthetic { counts, inner, ..Synthetic::default() }.write(dir.path());
    report_page(dir.path());
    let mut page = Page::open(program, dir.path(), "inner");
    looks_right(&mut page);
    let axis = "[...document.querySelectorAll('#figure-speedup .axis text')].at(-1).textContent";
    assert_eq!(page.text(axis), "Workers (count), log scale");
    assert!(
        page.text("document.querySelector('#legend').textContent").contains("ideal of 1 inner")
    );
    let key = page.text("document.querySelector('#key').innerText");
    assert!(key.contains("rayon, n = 16 × 4"), "{key}");
    // A law says of a mark what the mark says, nearly.
    let of_marks = "[...document.querySelectorAll('#figure-efficiency .point')]";
    let labels = page.text(&format!("{of_marks}.map((it) => it.ariaLabel).join('|')"));
    let told: Vec<&str> = labels.split('|').filter(|label| label.contains("law: ")).collect();
    assert!(!told.is_empty(), "{labels}");
    for label in told {
        let percents: Vec<f64> = label
            .split('%')
            .filter_map(|part| part.rsplit([' ', '(', '–']).find_map(|word| word.parse().ok()))
            .collect();
        let (first, last) = (percents[0], percents[percents.len() - 1]);
        assert!((first / last - 1.0).abs() < 0.1, "{label}");
    }
    page.was_quiet();
}

#[test]
fn several_jobs_have_a_selector_and_a_map() {
    let Some(program) = browser() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let draws = (14..=24).step_by(2).map(|power| 1u64 << power).collect();
    let backends = ["rayon", "std-thread", "process-pool"].map(str::to_string).to_vec();
    Synthetic { backends, draws, counts: vec![1, 2, 4, 8, 16, 32, 64], ..Synthetic::default() }
        .write(dir.path());
    report_page(dir.path());
    let mut page = Page::open(program, dir.path(), "jobs");
    looks_right(&mut page);
    let before = page.text("document.querySelector('#lead').textContent");
    page.value("(() => { const job = document.querySelector('#job'); job.value = '0'; job.dispatchEvent(new Event('change')); })()");
    assert_ne!(page.text("document.querySelector('#lead').textContent"), before);
    the_sizes_are_shown(&mut page);
    page.point_at("#figure-heat .cell");
    let tip = page.text("document.querySelector('#figure-heat .tip.shown').innerText");
    assert!(tip.contains("draws, n = "), "{tip}");
    page.was_quiet();
}

/// Who wins at each size, and from which work on parallel pays.
fn the_sizes_are_shown(page: &mut Page) {
    let lead = page.text("document.querySelector('#sizes-lead').innerText");
    assert!(lead.contains(" pays from "), "{lead}");
    assert_eq!(page.number("document.querySelectorAll('#figure-winners-0 .cell').length"), 42.0);
    page.point_at("#figure-winners-0 .cell:last-of-type");
    let tip = page.text("document.querySelector('#figure-winners-0 .tip.shown').innerText");
    assert!(tip.contains(" wins: ") && tip.contains(" of work, n = "), "{tip}");
    let points = "document.querySelectorAll('#figure-crossover-0 .point').length";
    assert_eq!(page.number(points), 18.0, "three backends at six sizes");
    let told = page.text("document.querySelector('#sizes').innerText");
    assert!(told.contains(" of work, ") || told.contains("pays from "), "{told}");
}

/// Everything that a summary may have.
fn full(dir: &Path) {
    let backends = ["rayon", "std-thread", "process-pool"].map(str::to_string).to_vec();
    let counts = vec![1, 2, 4, 8, 16, 32, 64];
    Synthetic { backends, counts, draws: vec![1 << 24], ..Synthetic::default() }.write(dir);
    let mut summary = nthread::report::read(dir).expect("a results directory");
    let models = [Model::Usl, Model::Amdahl, Model::Usl];
    summary.fits =
        models.into_iter().enumerate().map(|(number, model)| fit(number, model)).collect();
    for (index, case) in summary.cases.iter_mut().enumerate() {
        let threads = f64::from(case.case.nthread);
        case.fastest = Some(index == 6 || index == 7);
        (case.rank_low, case.rank_high) = (Some(1 + index / 8), Some(2 + index / 8));
        case.setup_ns = Some(20_000.0 * threads);
        case.overhead_ns = Some(1e6 * (threads - 3.0));
        case.load_balance = Some(1.0 - 0.003 * threads);
        case.communication = Some(1.0 - 0.002 * threads);
        case.computation_scaling = Some(1.0 - 0.004 * threads);
    }
    nthread::report::write_html(&summary, dir).expect("a disk that takes it");
}

/// The laws that explain the synthetic backend of that number, this one best.
fn fit(number: usize, model: Model) -> Fit {
    let of = |model: Model| {
        let kappa = if model == Model::Usl { 0.00004 * number as f64 } else { 0.0 };
        let curve = Curve { model, gamma: 2e9, sigma: 0.005 + 0.01 * number as f64, kappa };
        Candidate { curve, sse: Some(1e-3), aicc: Some(-50.0) }
    };
    let other = if model == Model::Usl { Model::Amdahl } else { Model::Usl };
    let cases: Vec<usize> = (1 + 7 * number..8 + 7 * number).collect();
    if number == 2 {
        let refusal = Some("no law describes these throughputs".to_string());
        return Fit { cases, refusal, ..Fit::default() };
    }
    Fit {
        case: Case { nthread: 64, ..Case::default() },
        cases,
        law: FittedLaw {
            model: Some(model),
            sigma: Some(0.005),
            sigma_low: Some(0.004),
            sigma_high: Some(0.006),
            caveat: Some("limit extrapolated from at most 64 threads".to_string()),
            ..FittedLaw::default()
        },
        candidates: vec![of(model), of(other)],
        ..Fit::default()
    }
}

#[test]
fn laws_and_all_that_explains_a_case_are_drawn() {
    let Some(program) = browser() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    full(dir.path());
    let mut page = Page::open(program, dir.path(), "full");
    looks_right(&mut page);
    for figure in ["load_balance", "communication", "computation", "setup", "overhead"] {
        let points = format!("document.querySelectorAll('#figure-{figure} .point').length");
        assert_eq!(page.number(&points), 21.0, "{figure}");
    }
    let laws = "document.querySelectorAll('#figure-speedup .law').length";
    assert_eq!(page.number(laws), 4.0, "two laws for each of two backends");
    assert_eq!(page.number(&laws.replace(".law", ".law.other")), 2.0);
    let label = page.text("document.querySelector('#figure-speedup .point').ariaLabel");
    assert!(label.contains("Amdahl's law: ") && label.contains("Scalability Law: "), "{label}");
    let told = page.text("document.querySelector('#more').innerText");
    for part in ["contention σ 0.500 (0.400–0.600)%", "limit extrapolated", "no law describes"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    page.click("#laws");
    assert_eq!(page.number(laws), 0.0);
    page.click("#y-log");
    page.has_whole_text("with logarithmic values");
    assert!(
        page.text("document.querySelector('#figure-overhead figcaption').innerText")
            .contains("below zero")
    );
    page.click("#table .choice button:last-child");
    assert_eq!(page.text("document.querySelector('#table').innerText").matches('≈').count(), 4);
    page.was_quiet();
}

#[test]
fn hostile_fields_stay_text() {
    let Some(program) = browser() else { return };
    let hostile = [
        "<script>alert(1)</script>",
        "</script><img src=x onerror=alert(2)>",
        "=cmd|' /C calc'!A0",
        "\u{202e}right to left \u{5d0}\u{5d1}\u{5d2}",
        "\u{1f980}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} crab",
        "__proto__",
        &"a-name-without-any-gap".repeat(12),
    ];
    let dir = tempfile::tempdir().expect("a directory");
    Synthetic {
        backends: hostile.iter().map(|name| name.to_string()).collect(),
        labels: hostile.iter().map(|name| format!("{name}&amp;{{{{DATA}}}}")).collect(),
        error: "</script><script>alert(3)</script><svg onload=alert(4)>".to_string(),
        cpu_model: "<b>CPU</b> </title><script>alert(5)</script>".to_string(),
        ..Synthetic::default()
    }
    .write(dir.path());
    report(dir.path());
    let mut page = Page::open(program, dir.path(), "hostile");
    assert_eq!(page.number("document.scripts.length"), 3.0, "the data and our two scripts");
    assert_eq!(
        page.number("document.querySelectorAll('img, b:not(#method b), iframe').length"),
        0.0
    );
    let text = page.text("document.body.innerText");
    assert!(text.contains("<script>alert(1)</script>") && text.contains("<svg onload=alert(4)>"));
    looks_right(&mut page);
    page.was_quiet();
}
