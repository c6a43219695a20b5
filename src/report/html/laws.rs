//! Scaling laws as curves that a page can draw.

use serde::Serialize;

use crate::analysis::{Candidate, Fit, Model};
use crate::record::Target;
use crate::report::models::rate_of;
use crate::view::number::{Unit, digits};

/// Points of a curve: the eye sees no corners.
const POINTS: u32 = 96;

/// The laws of one series.
#[derive(Debug, Serialize)]
pub(super) struct Law {
    /// The name of the chosen law in words.
    name: &'static str,
    /// Parameters and what follows from them, with their intervals.
    parameters: Vec<(&'static str, String)>,
    /// What a reader must know of the peak or the limit.
    caveat: Option<String>,
    /// Why nothing was fitted.
    refusal: Option<String>,
    /// Every law that was fitted, the chosen one first.
    curves: Vec<LawCurve>,
}

/// One law as a line.
#[derive(Debug, Serialize)]
struct LawCurve {
    name: &'static str,
    /// Parameters of this law, in words.
    text: String,
    /// How much less it explains than the chosen one, by Akaike's criterion.
    aicc_above: Option<f64>,
    /// Thread counts and throughputs (per second: draws, or calls of what has none).
    points: Vec<(f64, f64)>,
}

impl Law {
    /// Of a fit, from one thread to `most`, or as far as the fit may be shown.
    pub(super) fn of(target: Target, fit: &Fit, most: u32) -> Law {
        Law {
            name: fit.model.map_or("none", name),
            parameters: parameters(target, fit),
            caveat: fit.caveat.clone(),
            refusal: fit.refusal.clone(),
            curves: fit.candidates.iter().map(|it| curve(fit, it, most)).collect(),
        }
    }
}

fn curve(fit: &Fit, candidate: &Candidate, most: u32) -> LawCurve {
    let most = f64::from(most.max(2));
    let step = |point: u32| 1.0 + (most - 1.0) * f64::from(point) / f64::from(POINTS);
    let at = |n: f64| {
        let throughput = fit.throughput_by(&candidate.curve, n)?;
        (throughput.is_finite() && throughput > 0.0).then_some((n, throughput))
    };
    let curve = &candidate.curve;
    let kappa = match curve.model {
        Model::Usl => format!(", κ = {}%", digits(100.0 * curve.kappa)),
        Model::Amdahl | Model::Gustafson => String::new(),
    };
    LawCurve {
        name: name(curve.model),
        text: format!("σ = {}%{kappa}", digits(100.0 * curve.sigma)),
        aicc_above: candidate.aicc.zip(fit.aicc).map(|(own, least)| own - least),
        points: (0..=POINTS).map(step).filter_map(at).collect(),
    }
}

fn name(model: Model) -> &'static str {
    match model {
        Model::Amdahl => "Amdahl's law",
        Model::Gustafson => "Gustafson's law",
        Model::Usl => "Universal Scalability Law",
    }
}

/// What the chosen law says.
fn parameters(target: Target, fit: &Fit) -> Vec<(&'static str, String)> {
    let scaled = |[value, low, high]: [Option<f64>; 3], factor: f64, unit: &str| {
        let ends = low.zip(high).map_or(String::new(), |(low, high)| {
            format!(" ({}–{})", digits(low * factor), digits(high * factor))
        });
        value.map(|value| format!("{}{ends}{unit}", digits(value * factor)))
    };
    let is_usl = fit.model == Some(Model::Usl);
    let share = if is_usl { "contention σ" } else { "serial share σ" };
    let coherence = [fit.kappa, fit.kappa_low, fit.kappa_high].map(|it| it.filter(|_| is_usl));
    let Unit { name: unit, size } = rate_of(target);
    let (rate, by) = (format!(" {unit}"), 1.0 / size);
    let (one, counts) = match fit.case.inner_nthread {
        0 | 1 => ("one thread γ", " threads"),
        _ => ("one worker γ", " workers"),
    };
    let lines = [
        (share, scaled([fit.sigma, fit.sigma_low, fit.sigma_high], 100.0, "%")),
        ("coherence κ", scaled(coherence, 100.0, "%")),
        (one, scaled([fit.gamma, fit.gamma_low, fit.gamma_high], by, &rate)),
        ("peak", scaled([fit.peak_nthread, None, None], 1.0, counts)),
        ("limit", scaled([fit.limit, None, None], by, &rate)),
    ];
    lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Case;
    use crate::stats::scaling::Curve;

    fn candidate(model: Model, kappa: f64) -> Candidate {
        let curve = Curve { model, gamma: 1e9, sigma: 0.1, kappa };
        Candidate { curve, sse: Some(0.0), aicc: Some(kappa) }
    }

    #[test]
    fn every_law_that_was_fitted_is_a_curve_as_far_as_it_may_be_shown() {
        let fit = Fit {
            case: Case { nthread: 10, ..Case::default() },
            model: Some(Model::Amdahl),
            sigma: Some(0.1),
            sigma_low: Some(0.09),
            sigma_high: Some(0.11),
            aicc: Some(0.0),
            candidates: vec![candidate(Model::Amdahl, 0.0), candidate(Model::Usl, 0.5)],
            ..Fit::default()
        };
        let law = Law::of(Target::Kernel, &fit, 10);
        let (n, last) = law.curves[0].points[POINTS as usize];
        assert!((n - 10.0).abs() < 1e-12 && (last / 1e9 - 10.0 / 1.9).abs() < 1e-12, "{law:?}");
        assert_eq!((law.curves.len(), law.curves[1].aicc_above), (2, Some(0.5)));
        assert_eq!(law.parameters, [("serial share σ", "10.0 (9.00–11.0)%".to_string())]);
        // Nothing is said of more than twice the threads that were measured.
        let far = Law::of(Target::Kernel, &fit, 64);
        assert!(far.curves[0].points.iter().all(|(n, _)| *n <= 20.0));
    }

    #[test]
    fn a_refusal_has_its_reason_and_no_curve() {
        let fit = Fit { refusal: Some("two counts".to_string()), ..Fit::default() };
        let law = Law::of(Target::Kernel, &fit, 4);
        assert!(law.curves.is_empty() && law.refusal.as_deref() == Some("two counts"));
    }
}
