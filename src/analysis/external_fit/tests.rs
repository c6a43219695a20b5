use proptest::prelude::*;

use super::*;
use crate::record::CASE_COLUMNS;

const PUBLISHED: &str = "nthread,throughput\n1,64.9\n18,995.9\n36,1652.4\n72,1853.2\n108,1828.9\n\
                         144,1775.0\n216,1702.2\n";

fn read(text: &str, group: Option<&str>) -> Result<ThroughputTable, TableError> {
    ThroughputTable::of(&Table::read(text.as_bytes())?, group)
}

fn problem(text: &str) -> String {
    read(text, None).expect_err("refused").to_string()
}

fn is_close(found: Option<f64>, wanted: f64) -> bool {
    found.is_some_and(|found| (found / wanted - 1.0).abs() < 1e-6)
}

#[test]
fn the_fit_has_the_published_coefficients_of_specsdm91() {
    let fit = read(PUBLISHED, None).expect("a table").fits().remove(0);
    assert!(is_close(fit.law.sigma, 0.027_728_475_62) && is_close(fit.law.kappa, 1.043_654_838e-4));
    assert!(is_close(fit.law.gamma, 89.995_233_1) && is_close(fit.law.sse, 27_453.719_6));
    assert!(is_close(fit.law.peak_nthread, 96.519_561) && fit.law.limit.is_none());
    assert!(fit.law.sigma_low < fit.law.sigma && fit.law.sigma < fit.law.sigma_high);
    assert_eq!((fit.points, fit.law.model, fit.group), (7, Some(Model::Usl), None));
    // The coefficients are those of the paper, but its law misses the point at one thread.
    assert_eq!(fit.law.describes, Some(false));
    assert!(fit.refusal.is_some_and(|refusal| refusal.contains("at 1 thread")));
}

/// The example of usl4j, with its coefficients.
#[test]
fn a_law_that_describes_its_points_is_stated_with_an_interval_of_its_peak() {
    let throughputs = [
        955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61,
        8278.71, 8646.7, 9047.84, 9426.55, 9645.37, 9897.24, 10097.6, 10240.5, 10532.39, 10798.52,
        11151.43, 11518.63, 11806.0, 12089.37, 12075.41, 12177.29, 12211.41, 12158.93, 12155.27,
        12118.04, 12140.4, 12074.39,
    ];
    let lines: String =
        (1..).zip(throughputs).map(|(n, throughput)| format!("{n},{throughput}\n")).collect();
    let text = format!("nthread,throughput\n{lines}");
    let fit = read(&text, None).expect("a table").fits().remove(0);
    assert!((fit.law.sigma.expect("σ") - 0.026_715_91).abs() < 1e-7, "{fit:?}");
    assert!((fit.law.kappa.expect("κ") - 7.690_945e-4).abs() < 1e-9, "{fit:?}");
    assert!((fit.law.gamma.expect("λ") - 995.648_6).abs() < 1e-3, "{fit:?}");
    assert_eq!((fit.refusal, fit.law.describes), (None, Some(true)));
    let (low, high) = (fit.law.peak_low.expect("an end"), fit.law.peak_high.expect("an end"));
    let peak = fit.law.peak_nthread.expect("a peak");
    assert!((peak - 35.57).abs() < 0.01 && low < peak && peak < high, "{low} {peak} {high}");
    assert!(high < 41.0 && low > 31.0, "{low} {high}");
}

#[test]
fn points_that_are_faster_than_linear_have_no_law_and_a_remark() {
    let text = "nthread,throughput\n1,4.88\n2,20.88\n3,30.6\n4,40.8\n61,596.18\n62,605\n";
    let fit = read(text, None).expect("a table").fits().remove(0);
    assert!(fit.refusal.is_some_and(|refusal| refusal.contains("no law describes")));
    assert!(fit.remarks[0].starts_with("faster than linear at 2 threads: 2.14 times"));
}

#[test]
fn a_throughput_of_one_thread_that_was_not_measured_is_called_extrapolated() {
    let text = "nthread,throughput\n4,.02575\n8,.04968\n8,.04945\n12,.07482\n16,.09524\n\
                16,.09524\n20,.10065\n24,.12048\n24,.12095\n28,.15423\n32,.17575\n32,.17538\n";
    let fit = read(text, None).expect("a table").fits().remove(0);
    let remark = "nothing was measured at 1 thread: its throughput is extrapolated from 4 threads";
    assert_eq!(fit.remarks[0], remark);
}

#[test]
fn repeats_that_disagree_have_the_hint_to_name_groups() {
    let text = "nthread,throughput\n1,10\n1,25\n2,20\n2,50\n4,40\n4,100\n";
    let fit = read(text, None).expect("a table").fits().remove(0);
    assert!(
        fit.remarks.iter().any(|it| it.contains("differ by 2.5 times") && it.contains("--group"))
    );
}

#[test]
fn few_counts_have_speedups_and_efficiencies_without_a_law() {
    let text = "nthread,throughput\n32,.008532\n64,.015525\n128,.015974\n256,.016236\n";
    let fit = read(text, None).expect("a table").fits().remove(0);
    assert!(fit.refusal.is_some() && fit.speedups.len() == 4);
    let last = fit.speedups[3];
    assert!((last.speedup - 1.903).abs() < 1e-3 && (last.efficiency - 0.2379).abs() < 1e-3);
    assert!((last.karp_flatt.expect("above the smallest") - 0.4577).abs() < 1e-3, "{last:?}");
}

#[test]
fn a_law_without_coherence_has_a_limit_and_no_peak() {
    // Amdahl's law with a serial share of 5%.
    let amdahl = |n: f64| 100.0 * n / (1.0 + 0.05 * (n - 1.0));
    let rows = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0].map(|n| format!("{n},{}\n", amdahl(n)));
    let text = format!("nthread,throughput\n{}", rows.concat());
    let fit = read(&text, None).expect("a table").fits().remove(0);
    assert!(fit.law.kappa.is_some_and(|kappa| kappa < 1e-9), "{fit:?}");
    assert!(fit.law.limit.is_none_or(|limit| (limit / 2000.0 - 1.0).abs() < 1e-3), "{fit:?}");
    assert!(fit.law.peak_nthread.is_none() && fit.law.describes == Some(true), "{fit:?}");
}

#[test]
fn nothing_is_stated_beyond_counts_of_which_the_largest_is_not_predicted() {
    let text = "nthread,throughput\n1,100\n2,185\n4,340\n8,560\n16,900\n32,1210\n64,1650\n";
    let fit = read(text, None).expect("a table").fits().remove(0);
    assert_eq!((fit.law.kappa, fit.law.kappa_low, fit.law.kappa_high), (Some(0.0), None, None));
    assert_eq!((fit.law.limit, fit.law.peak_nthread), (None, None));
    let caveat = fit.law.caveat.expect("a caveat");
    assert!(caveat.starts_with("nothing is stated beyond 64 threads"), "{caveat}");
    assert!(fit.law.sigma_low.is_some());
}

#[test]
fn fewer_than_six_thread_counts_are_refused() {
    let text = "nthread,throughput\n1,1\n2,2\n2,2.1\n3,3\n3,3.1\n4,4\n5,5\n";
    let fit = read(text, None).expect("a table").fits().remove(0);
    let words = "not identifiable: 5 thread counts, at least 6 are needed";
    assert_eq!(fit.refusal.as_deref(), Some(words));
    assert_eq!((fit.points, fit.law.sigma), (7, None));
    let nothing = read("nthread,throughput\n", None).expect("a table").fits().remove(0);
    assert!(nothing.refusal.is_some_and(|refusal| refusal.contains("0 thread counts")));
}

#[test]
fn each_value_of_a_column_is_fitted_separately_in_the_order_of_the_file() {
    let text = "machine,nthread,throughput\nb,1,1\na,1,2\nb,2,2\na,2,3\n";
    let found = read(text, Some("machine")).expect("a table");
    let names: Vec<Option<&str>> = found.groups.iter().map(|it| it.name.as_deref()).collect();
    assert_eq!(names, [Some("b"), Some("a")]);
    assert_eq!(found.groups[1].points, [(1.0, 2.0), (2.0, 3.0)]);
    let missing = read(text, Some("host")).expect_err("no such column").to_string();
    assert_eq!(missing, "line 1: no column \"host\"; there is: \"machine, nthread, throughput\"");
}

#[test]
fn a_field_that_is_not_a_positive_number_is_reported_with_line_and_column() {
    let bad = |n: &str, x: &str| problem(&format!("nthread,throughput\n1,1\n{n},{x}\n"));
    assert_eq!(bad("2", "NaN"), "line 3, column throughput: \"NaN\" is not a number");
    assert_eq!(bad("2", "0"), "line 3, column throughput: \"0\" is zero, or too small");
    assert_eq!(bad("2", "-1"), "line 3, column throughput: \"-1\" is negative");
    assert_eq!(bad("2", "-inf"), "line 3, column throughput: \"-inf\" is negative");
    assert_eq!(bad("2", "inf"), "line 3, column throughput: \"inf\" is infinite, or too large");
    assert_eq!(bad("2", "1e999"), "line 3, column throughput: \"1e999\" is infinite, or too large");
    assert_eq!(bad("2", "1e-999"), "line 3, column throughput: \"1e-999\" is zero, or too small");
    assert_eq!(bad("2", ""), "line 3, column throughput: the field is empty");
    assert!(bad("2", "fast").starts_with("line 3, column throughput: \"fast\" is not a number;"));
    assert!(bad("0", "1").starts_with("line 3, column nthread: \"0\" is zero"));
    assert!(bad("1.5", "1").ends_with("\"1.5\" is not a whole number of threads"));
    assert!(bad("2e9", "1").ends_with("are too many threads"));
    assert!(problem("nthread,x\n1,2\n").contains("no column \"throughput\""));
}

/// Text of a summary.csv with these settings.
fn summary(rows: &[[&str; 7]]) -> String {
    let columns = CASE_COLUMNS.join(",");
    let mut text = format!("{columns},throughput,oversubscribed\n");
    for [backend, nthread, schedule, chunk, draws, throughput, oversubscribed] in rows {
        let scaling = if schedule.is_empty() { "weak" } else { "strong" };
        let field = |column: &&str| match *column {
            "backend" => backend,
            "nthread" => nthread,
            "schedule" => schedule,
            "chunk" => chunk,
            "draws" => draws,
            "scaling" => scaling,
            _ => "",
        };
        let fields: Vec<&str> = CASE_COLUMNS.iter().map(field).collect();
        text += &format!("{},{throughput},{oversubscribed}\n", fields.join(","));
    }
    text
}

#[test]
fn a_summary_is_grouped_by_its_settings() {
    let text = summary(&[
        ["sequential", "1", "static", "64", "640", "9", "false"],
        ["rayon", "1", "stealing", "64", "640", "9", "false"],
        ["rayon", "2", "stealing", "32", "640", "18", "false"],
        ["rayon", "4", "stealing", "16", "640", "", "false"],
        ["rayon", "8", "stealing", "8", "640", "19", "true"],
        ["pool", "1", "dynamic", "4", "640", "8", "false"],
        ["pool", "1", "dynamic", "8", "640", "8.5", "false"],
        ["weak", "1", "", "", "100", "8", "false"],
        ["weak", "4", "", "", "400", "30", "false"],
    ]);
    let found = read(&text, None).expect("a summary");
    let groups: Vec<(&str, usize)> = found
        .groups
        .iter()
        .map(|group| (group.name.as_deref().unwrap_or_default(), group.points.len()))
        .collect();
    let rest = "scaling=strong draws=640";
    assert_eq!(
        groups,
        [
            (&*format!("rayon schedule=stealing {rest}"), 2),
            (&*format!("pool schedule=dynamic {rest} chunk=4"), 1),
            (&*format!("pool schedule=dynamic {rest} chunk=8"), 1),
            ("weak scaling=weak draws=100", 2),
        ]
    );
    assert_eq!(
        found.notes,
        [
            "left out: 1 row of the baseline",
            "left out: 1 row with more threads than usable CPUs",
            "left out: 1 row without a throughput",
        ]
    );
    let by_backend = read(&text, Some("backend")).expect("a summary");
    assert_eq!(by_backend.groups.len(), 3);
    assert_eq!(by_backend.notes, found.notes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_input_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "(nthread|throughput|[a-z]|[0-9]|[,.\n\r\"e-]|NaN|inf|\u{feff}){0,60}",
    ) {
        for bytes in [bytes, text.into_bytes()] {
            let Ok(table) = Table::read(&bytes) else { continue };
            let _ = ThroughputTable::of(&table, None);
            let _ = ThroughputTable::of(&table, Some("a"));
        }
    }

    #[test]
    fn fits_to_any_positive_numbers_are_finite(
        rows in prop::collection::vec((1..1_000_000_u32, -300.0..300.0_f64), 0..12),
        (end, mark, spaces) in (prop_oneof!["\n", "\r\n"], prop_oneof!["", "\u{feff}"], prop_oneof!["", " "]),
    ) {
        let mut text = format!("{mark}other,throughput,nthread{end}");
        for (nthread, power) in &rows {
            text += &format!("\"=1,<b>\",{spaces}{:e},{nthread}{spaces}{end}", 10_f64.powf(*power));
        }
        let found = read(&text, None).expect("a table");
        prop_assert_eq!(found.groups[0].points.len(), rows.len());
        for fit in found.fits() {
            let figures = [fit.law.gamma, fit.law.sigma, fit.law.kappa, fit.law.sse, fit.law.aicc, fit.law.peak_nthread];
            let more = [fit.law.limit, fit.law.gamma_low, fit.law.sigma_low, fit.law.kappa_low, fit.law.sigma_high];
            prop_assert!(figures.into_iter().chain(more).flatten().all(f64::is_finite));
            prop_assert!(fit.refusal.is_some() || fit.law.sigma.is_some());
            prop_assert!(fit.refusal.is_some() || fit.law.describes == Some(true));
        }
    }
}
