//! The page as text; how it looks and behaves is tested in a browser.

use super::data::of;
use super::page::{escaped, page};
use crate::analysis::synthetic::number;
use crate::analysis::{CaseSummary, Fit, FittedLaw, Model, Summary};
use crate::record::Case;

fn case(backend: &str, nthread: u32, ns: f64) -> CaseSummary {
    CaseSummary {
        case: Case {
            kernel: "pi".into(),
            backend: backend.into(),
            nthread,
            draws: Some(1 << 20),
            ..Case::default()
        },
        rounds: 60,
        pairs: 60,
        pairs_all: 60,
        median_ns: Some(ns),
        throughput: Some(1e9 / ns),
        speedup: Some(1e6 / ns),
        round_ns: vec![ns; 60],
        ratios: vec![1e6 / ns; 60],
        ..CaseSummary::default()
    }
}

fn summary(label: &str) -> Summary {
    let mut cases = vec![case("sequential", 1, 1e6), case("rayon", 1, 1e6), case("rayon", 2, 5e5)];
    number(&mut cases);
    cases[2].case.label = label.to_string();
    cases[2].problems = vec![label.to_string()];
    let law = FittedLaw { model: Some(Model::Usl), sigma: Some(0.01), ..FittedLaw::default() };
    let fit = Fit { cases: vec![1, 2], law, ..Fit::default() };
    Summary { confidence: 0.95, cases, fits: vec![fit], ..Summary::default() }
}

fn text(summary: &Summary) -> String {
    page(&of(summary)).expect("a page")
}

#[test]
fn no_field_becomes_markup() {
    let hostile =
        "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> &lt; \u{2028}";
    let (plain, attacked) = (text(&summary("plain")), text(&summary(hostile)));
    for sign in ["<script", "</script", "<!--", "<img", "\u{2028}"] {
        let count = |text: &str| text.matches(sign).count();
        assert_eq!(count(&plain), count(&attacked), "{sign}");
    }
    assert!(attacked.contains("\\u003c/script\\u003e"));
}

#[test]
fn escaped_json_says_the_same() {
    let text = "a </script> & \u{2028} b";
    let json = escaped(&serde_json::to_string(text).expect("JSON"));
    assert!(json.is_ascii() && !json.contains(['<', '>', '&']), "{json}");
    assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
}

#[test]
fn a_gap_in_a_field_is_not_filled() {
    let page = text(&summary("{{STYLE}}{{SCRIPTS}}{{DATA}}"));
    assert!(page.contains("{{STYLE}}{{SCRIPTS}}{{DATA}}"));
    assert_eq!(page.matches("<style>").count(), 1);
}

#[test]
fn the_same_summary_gives_the_same_bytes() {
    assert_eq!(text(&summary("a")), text(&summary("a")));
}

#[test]
fn a_page_asks_nothing_of_a_network() {
    let page = text(&summary("a"));
    for from_outside in ["src=\"", "@import", "url(", "href=\"http", "//# sourceMappingURL"] {
        let found = page.matches(from_outside).count();
        // A clip path is a part of the page itself.
        assert_eq!(found, usize::from(from_outside == "url("), "{from_outside}");
    }
    assert!(page.contains("default-src 'none'"));
}
