//! Scaling models as text: of a run, and of a table that somebody gave.

use std::fmt::Write as _;

use super::prose::wrapped;
use crate::analysis::{ExternalFit, Fit, MIN_COUNTS, Speedup, Summary, ThroughputTable};
use crate::view::laws::{law_name, other_law, parameters, refusals};
use crate::view::number::digits;
use crate::view::text::clean;

/// The models of each series of a run, at most 80 columns wide; nothing where there
/// are none.
pub fn models(summary: &Summary) -> String {
    if summary.fits.is_empty() {
        return String::new();
    }
    let mut text = String::from("scaling models, least squares of ln time, 95% intervals\n");
    let fits: Vec<(String, &Fit)> = summary.fits.iter().map(|fit| (name(fit), fit)).collect();
    for (name, fit) in fits.iter().filter(|(_, fit)| fit.refusal.is_none()) {
        let (law, counts) = (fit.law.model.map_or("", law_name), fit.cases.len());
        text.push_str(&wrapped(&format!("{name}: {law}, {counts} thread counts")));
        let others = fit.candidates.iter().skip(1);
        let others = others.map(|other| format!("explains less: {}", other_law(fit, other)));
        let lines = parameters(summary.target(), fit).into_iter().chain(fit.law.caveat.clone());
        lines.chain(others).for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    for refusal in refusals(&fits, "every series") {
        text.push_str(&wrapped(&refusal));
    }
    text
}

/// The series by all that may tell it from others.
fn name(fit: &Fit) -> String {
    let case = &fit.case;
    let mut name = case.title();
    let chunk = case.chunk.map(|blocks| format!("chunk {blocks}")).unwrap_or_default();
    let pin = if case.pin == "none" { "" } else { &case.pin };
    let weak = if case.is_weak() { "weak" } else { "" };
    let inner = match case.inner_nthread {
        0 | 1 => String::new(),
        inner => format!("{inner} inner"),
    };
    for word in [&case.schedule, &chunk, pin, weak, &inner] {
        if !word.is_empty() {
            let _ = write!(name, " {word}");
        }
    }
    match case.baseline_draws() {
        Some(draws) => format!("{} {name}, {draws} draws", case.kernel),
        None => name,
    }
}

/// Gunther's law of each group of a table, and what was left out.
pub fn measured(measurements: &ThroughputTable, fits: &[ExternalFit]) -> String {
    let mut text = String::new();
    for fit in fits {
        text.push_str(&of_group(fit));
    }
    for note in &measurements.notes {
        let _ = writeln!(text, "{note}");
    }
    if fits.is_empty() {
        let _ = writeln!(text, "nothing to fit: at least {MIN_COUNTS} thread counts are needed");
    }
    text
}

fn of_group(fit: &ExternalFit) -> String {
    let name = fit.group.as_deref().map(clean);
    let group = name.map_or(String::new(), |name| format!("{name}: "));
    if let Some(refusal) = &fit.refusal {
        let refusal = wrapped(&format!("{group}{refusal}"));
        return refusal + &remarks(fit) + &speedups(&fit.speedups);
    }
    let points = fit.points;
    let mut text = wrapped(&format!(
        "{group}Universal Scalability Law, {points} points, least squares of throughput"
    ));
    let lines = [
        ("gamma", fit.law.gamma, fit.law.gamma_low, fit.law.gamma_high, "throughput of one thread"),
        ("sigma", fit.law.sigma, fit.law.sigma_low, fit.law.sigma_high, "contention"),
        ("kappa", fit.law.kappa, fit.law.kappa_low, fit.law.kappa_high, "coherence"),
    ];
    for (name, value, low, high, what) in lines {
        let ends = match (low, high) {
            (Some(low), Some(high)) => format!("({}–{})", number(low), number(high)),
            _ if value == Some(0.0) || value == Some(1.0) => "(on its bound)".to_string(),
            _ => String::new(),
        };
        let value = value.map_or(String::new(), number);
        let _ = writeln!(text, "  {name}  {value:<12} {ends:<26} {what}");
    }
    if let Some(peak) = fit.law.peak_nthread {
        let ends = fit.law.peak_low.zip(fit.law.peak_high);
        let ends = ends.map(|(low, high)| format!(" ({}–{})", number(low), number(high)));
        let ends = ends.unwrap_or_default();
        let _ = writeln!(text, "  peak   at {} threads{ends}", number(peak));
    }
    if let Some(limit) = fit.law.limit {
        let _ = writeln!(text, "  limit  {}", number(limit));
    }
    if let Some(caveat) = &fit.law.caveat {
        let _ = writeln!(text, "  note   {caveat}");
    }
    if let Some((ratio, count)) = fit.law.largest_residual.zip(fit.law.largest_residual_nthread) {
        let percent = number(100.0 * (ratio - 1.0));
        let _ = writeln!(text, "  largest residual {percent}% at {} threads", number(count));
    }
    if let Some(sse) = fit.law.sse {
        let _ = writeln!(text, "  sse    {}", number(sse));
    }
    text + &beside_amdahl(fit) + &remarks(fit)
}

/// The remarks on the data of a group.
fn remarks(fit: &ExternalFit) -> String {
    fit.remarks.iter().map(|remark| wrapped(remark)).collect()
}

/// The speedups of a group of which no law is stated, relative to its smallest count.
fn speedups(speedups: &[Speedup]) -> String {
    let mut text = String::new();
    if speedups.len() > 1 {
        let _ = writeln!(text, "  threads  throughput    speedup  efficiency  serial (Karp–Flatt)");
    }
    for it in speedups.iter().filter(|_| speedups.len() > 1) {
        let (threads, throughput) = (number(it.nthread), number(it.throughput));
        let serial = it.karp_flatt.map_or("–".to_string(), digits);
        let (speedup, efficiency) = (digits(it.speedup), 100.0 * it.efficiency);
        let _ = writeln!(
            text,
            "  {threads:<7}  {throughput:<12}  {speedup:<7}  {efficiency:>6.0}%     {serial}"
        );
    }
    text
}

/// The fit of Amdahl's law, which has one parameter less, to the same data.
fn beside_amdahl(fit: &ExternalFit) -> String {
    let both = fit.law.aicc.zip(fit.amdahl.as_ref());
    let line = both.and_then(|(usl, amdahl)| {
        let (other, sigma) = (amdahl.aicc?, number(amdahl.curve.sigma));
        Some(format!(
            "  AICc   {usl:.1}; of Amdahl's law with sigma {sigma}, {other:.1} (smaller is better)\n"
        ))
    });
    line.unwrap_or_default()
}

/// Five figures that count, in whatever unit: with an exponent where zeros would
/// hide them.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_string(),
        size if (1e-3..1e6).contains(&size) => {
            let decimals = (4 - size.log10().floor() as i32).clamp(0, 7) as usize;
            let text = format!("{value:.decimals$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_string()
            } else {
                text
            }
        }
        _ => format!("{value:.4e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Candidate, FittedLaw, Model};
    use crate::record::{Case, Table};
    use crate::stats::scaling::Curve;

    fn fit(backend: &str) -> Fit {
        let (backend, kernel) = (backend.to_string(), "pi".to_string());
        let schedule = "static".to_string();
        let case = Case { kernel, backend, schedule, draws: Some(1 << 27), ..Case::default() };
        Fit { case, ..Fit::default() }
    }

    fn candidate(model: Model, aicc: f64) -> Candidate {
        let curve = Curve { model, gamma: 2e9, sigma: 0.05, kappa: 0.0 };
        Candidate { curve, sse: Some(0.1), aicc: Some(aicc) }
    }

    #[test]
    fn a_model_is_shown_with_its_intervals_and_what_it_was_chosen_over() {
        let chosen = Fit {
            cases: vec![0; 8],
            law: FittedLaw {
                model: Some(Model::Amdahl),
                gamma: Some(2e9),
                gamma_low: Some(1.9e9),
                gamma_high: Some(2.1e9),
                sigma: Some(0.05),
                sigma_low: Some(0.04),
                sigma_high: Some(0.0612),
                limit: Some(4e10),
                caveat: Some("limit extrapolated from at most 16 threads".to_string()),
                aicc: Some(-20.0),
                ..FittedLaw::default()
            },
            candidates: vec![candidate(Model::Amdahl, -20.0), candidate(Model::Usl, -16.5)],
            ..fit("rayon")
        };
        let text = models(&Summary { fits: vec![chosen], ..Summary::default() });
        let expected = "\
scaling models, least squares of ln time, 95% intervals
pi rayon static, 134217728 draws: Amdahl's law, 8 thread counts
  serial share σ 5.00 (4.00–6.12)%
  one thread γ 2.00 (1.90–2.10) G draws/s
  limit 40.0 G draws/s
  limit extrapolated from at most 16 threads
  explains less: Universal Scalability Law: σ = 5.00%, κ = 0.00%; AICc +3.50
";
        assert_eq!(text, expected);
        assert_eq!(models(&Summary::default()), "");
    }

    #[test]
    fn one_refusal_of_all_is_said_once() {
        let refused = |backend: &str, why: &str| Fit { refusal: Some(why.into()), ..fit(backend) };
        let text = |fits: Vec<Fit>| models(&Summary { fits, ..Summary::default() });
        let same = text(vec![refused("a", "too few"), refused("b", "too few")]);
        assert!(same.ends_with("\nevery series: too few\n"), "{same}");
        let many = (0..9).map(|i| refused(&format!("backend-{i}"), "too few")).collect::<Vec<_>>();
        let two = text([many, vec![refused("c", "none")]].concat());
        assert!(two.contains("none\n") && two.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn numbers_have_five_figures() {
        for (value, text) in [
            (0.0, "0"),
            (89.995_233, "89.995"),
            (0.027_728_475, "0.027728"),
            (1.043_654e-4, "1.0437e-4"),
            (1e300, "1.0000e300"),
            (27_453.72, "27454"),
            (100.0, "100"),
            (4.0, "4"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_table_is_shown_with_every_group_and_what_was_left_out() {
        // The law with σ = 0.02 and κ = 0.0005, and noise of about a percent.
        let law = |n: f64| 100.0 * n / (1.0 + (n - 1.0) * (0.02 + 0.0005 * n));
        let noise = [1.01, 0.99, 1.005, 0.995, 1.01, 0.99, 1.0];
        let rows = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
            .iter()
            .zip(noise)
            .map(|(n, noise)| format!("{n},{:.1}\n", noise * law(*n)));
        let text = format!("nthread,throughput\n{}", rows.collect::<String>());
        let table = Table::read(text.as_bytes()).expect("a table");
        let mut measurements = ThroughputTable::of(&table, None).expect("two columns");
        measurements.notes.push("left out: 1 row".to_string());
        let text = measured(&measurements, &measurements.fits());
        assert!(text.starts_with("Universal Scalability Law, 7 points"), "{text}");
        for line in ["  sigma  0.0", "  peak   at 4", "  largest residual "] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(text.ends_with("1 row\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let fit = ExternalFit { group: Some("\x1b[2Jred".into()), ..ExternalFit::default() };
        assert!(of_group(&fit).starts_with("[2Jred: "));
    }
}
