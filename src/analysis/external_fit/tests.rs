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
}

#[test]
fn a_parameter_at_its_bound_has_no_interval_and_without_coherence_there_is_a_limit() {
    let text = "nthread,throughput\n1,100\n2,185\n4,340\n8,560\n16,900\n32,1210\n64,1650\n";
    let fit = read(text, None).expect("a table").fits().remove(0);
    assert_eq!((fit.law.kappa, fit.law.kappa_low, fit.law.kappa_high), (Some(0.0), None, None));
    assert!(is_close(fit.law.limit, 88.474_230_796_152_14 / 0.039_655_261_226_359_7));
    assert!(fit.law.caveat.is_some_and(|caveat| caveat.contains("64 threads")));
    assert!(fit.law.sigma_low.is_some() && fit.law.peak_nthread.is_none());
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
            prop_assert!(fit.refusal.is_some() != fit.law.sigma.is_some());
        }
    }
}
