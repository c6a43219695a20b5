//! Scaling laws in words.

use super::nouns::nouns;
use super::number::{Unit, digits};
use crate::analysis::{Candidate, Fit, Model};
use crate::record::Target;

/// The name of a law.
pub fn law_name(model: Model) -> &'static str {
    match model {
        Model::Amdahl => "Amdahl's law",
        Model::Gustafson => "Gustafson's law",
        Model::Usl => "Universal Scalability Law",
    }
}

/// A law that was fitted but not chosen: name, parameters, and how much less it explains.
pub fn other_law(fit: &Fit, candidate: &Candidate) -> String {
    let curve = &candidate.curve;
    let kappa = match curve.model {
        Model::Usl => format!(", κ = {}%", digits(100.0 * curve.kappa)),
        Model::Amdahl | Model::Gustafson => String::new(),
    };
    let above = candidate.aicc.zip(fit.law.aicc);
    let above = above.map_or(String::new(), |(own, least)| {
        let above = own - least;
        format!("; AICc {}{}", if above < 0.0 { "−" } else { "+" }, digits(above.abs()))
    });
    format!("{}: σ = {}%{kappa}{above}", law_name(curve.model), digits(100.0 * curve.sigma))
}

/// The reasons why series have no law, each once, with the names of all series that it is
/// about; with `every` in their place, if it is about all that there are.
pub fn refusals(fits: &[(String, &Fit)], every: &str) -> Vec<String> {
    let mut refusals: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, fit) in fits {
        let Some(reason) = fit.refusal.as_deref() else { continue };
        match refusals.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, names)) => names.push(name),
            None => refusals.push((reason, vec![name])),
        }
    }
    let sentences = refusals.into_iter().map(|(reason, names)| {
        let is_of_all = names.len() == fits.len();
        let names = if is_of_all { every.to_string() } else { names.join("; ") };
        format!("{names}: {reason}")
    });
    sentences.collect()
}

/// The parameters of the chosen law and what follows from them, with their intervals.
pub fn parameters(target: Target, fit: &Fit) -> Vec<String> {
    let scaled = |[value, low, high]: [Option<f64>; 3], factor: f64, unit: &str| {
        let ends = low.zip(high).map_or(String::new(), |(low, high)| {
            format!(" ({}–{})", digits(low * factor), digits(high * factor))
        });
        value.map(|value| format!("{}{ends}{unit}", digits(value * factor)))
    };
    let is_usl = fit.law.model == Some(Model::Usl);
    let share = if is_usl { "contention σ" } else { "serial share σ" };
    let coherence =
        [fit.law.kappa, fit.law.kappa_low, fit.law.kappa_high].map(|it| it.filter(|_| is_usl));
    let Unit { name: unit, size } = nouns(target).rate;
    let (rate, by) = (format!(" {unit}"), 1.0 / size);
    let (one, counts) = match fit.case.inner_nthread {
        0 | 1 => ("one thread γ", " threads"),
        _ => ("one worker γ", " workers"),
    };
    let lines = [
        (share, scaled([fit.law.sigma, fit.law.sigma_low, fit.law.sigma_high], 100.0, "%")),
        ("coherence κ", scaled(coherence, 100.0, "%")),
        (one, scaled([fit.law.gamma, fit.law.gamma_low, fit.law.gamma_high], by, &rate)),
        ("peak", scaled([fit.law.peak_nthread, fit.law.peak_low, fit.law.peak_high], 1.0, counts)),
        ("limit", scaled([fit.law.limit, None, None], by, &rate)),
    ];
    lines.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::FittedLaw;

    #[test]
    fn parameters_have_their_intervals() {
        let fit = Fit {
            law: FittedLaw {
                model: Some(Model::Amdahl),
                sigma: Some(0.1),
                sigma_low: Some(0.09),
                sigma_high: Some(0.11),
                ..FittedLaw::default()
            },
            ..Fit::default()
        };
        assert_eq!(parameters(Target::Kernel, &fit), ["serial share σ 10.0 (9.00–11.0)%"]);
    }
}
