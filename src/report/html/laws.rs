//! Scaling laws as curves that a page can draw.

use serde::Serialize;

use crate::analysis::{Fit, Model};

/// Points of a curve: the eye sees no corners.
const POINTS: u32 = 96;

/// The law of one series.
#[derive(Debug, Serialize)]
pub(super) struct Law {
    /// Its name in words.
    name: &'static str,
    /// Parameters and what follows from them, in words; empty if there is none.
    text: String,
    /// Why nothing was fitted.
    refusal: Option<String>,
    /// Thread counts and throughputs (draws per second).
    curve: Vec<(f64, f64)>,
}

impl Law {
    /// Of a fit, from one thread to `most`.
    pub(super) fn of(fit: &Fit, most: u32) -> Law {
        let most = f64::from(most.max(2));
        let step = |point: u32| 1.0 + (most - 1.0) * f64::from(point) / f64::from(POINTS);
        let counts = (0..=POINTS).map(step);
        Law {
            name: fit.model.map_or("none", name),
            text: words(fit),
            refusal: fit.refusal.clone(),
            curve: counts.filter_map(|n| Some((n, throughput(fit, n)?))).collect(),
        }
    }
}

fn name(model: Model) -> &'static str {
    match model {
        Model::Amdahl => "Amdahl's law",
        Model::Gustafson => "Gustafson's law",
        Model::Usl => "Universal Scalability Law",
    }
}

/// The throughput that a model predicts, in draws per second: γ n / (1 + σ (n − 1)
/// + κ n (n − 1)), of which Amdahl's law is the case κ = 0, or γ (n − σ (n − 1)).
fn throughput(fit: &Fit, n: f64) -> Option<f64> {
    let (gamma, sigma) = (fit.gamma?, fit.sigma?);
    let value = match fit.model? {
        Model::Gustafson => gamma * (n - sigma * (n - 1.0)),
        Model::Amdahl | Model::Usl => {
            let kappa = fit.kappa.unwrap_or(0.0);
            gamma * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))
        }
    };
    (value.is_finite() && value > 0.0).then_some(value)
}

/// What the parameters are.
fn words(fit: &Fit) -> String {
    let share = |name: &str, value: Option<f64>| Some(format!("{name} = {:.3}%", 100.0 * value?));
    let peak = fit.peak_nthread.map(|n| format!("highest at n = {n:.1}"));
    let parts = [share("σ", fit.sigma), share("κ", fit.kappa.filter(|k| *k != 0.0)), peak];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amdahls_law_with_a_tenth_serial_gives_5_26_at_ten_threads() {
        let fit = Fit {
            model: Some(Model::Amdahl),
            gamma: Some(1e9),
            sigma: Some(0.1),
            ..Fit::default()
        };
        let law = Law::of(&fit, 10);
        let (n, last) = law.curve[law.curve.len() - 1];
        assert!((n - 10.0).abs() < 1e-12 && (last / 1e9 - 10.0 / 1.9).abs() < 1e-12, "{law:?}");
    }

    #[test]
    fn a_refusal_has_its_reason_and_no_curve() {
        let fit = Fit { refusal: Some("two counts".to_string()), ..Fit::default() };
        let law = Law::of(&fit, 4);
        assert!(law.curve.is_empty() && law.refusal.as_deref() == Some("two counts"));
    }
}
