//! One campaign on a simulated machine.

use rand::Rng;
use rand::seq::SliceRandom as _;

use super::model::Model;
use nthread::analysis::CONFIDENCE;
use nthread::campaign::stopping::{LOOKS, Stopping};
use nthread::record::StopReason;
use nthread::stats::diagnostics::{self, Residual};
use nthread::stats::{half_widths, median_interval, widest};

/// Default precision of a run: ±1%.
const PRECISION: f64 = 0.01;

/// Index of the case that has the noise of one case alone, if the model has any.
const NOISY: usize = 1;

/// The times of a campaign. Case 0 is the baseline.
pub struct Measured {
    /// Logarithm of each case's time in each round.
    pub log_times: Vec<Vec<f64>>,
    /// Start of each of these visits, in rounds.
    starts: Vec<Vec<f64>>,
    /// Reason for the end of the campaign.
    pub stop_reason: StopReason,
}

/// Simulates a campaign of a baseline and one case for each of the log ratios. It stops
/// by the rules of a real run.
pub fn measure(model: &Model, log_ratios: &[f64], rng: &mut impl Rng) -> Measured {
    let cases = log_ratios.len() + 1;
    let rounds = LOOKS[LOOKS.len() - 1];
    let mut stopping = Stopping::new(rounds, Some(PRECISION));
    let mut measured = Measured {
        log_times: vec![Vec::new(); cases],
        starts: vec![Vec::new(); cases],
        stop_reason: StopReason::Looks,
    };
    let mut order: Vec<usize> = (0..cases).collect();
    let (mut shared, mut own) = (model.shared.start(rng), model.own.start(rng));
    for round in 1..=rounds {
        order.shuffle(rng);
        own = model.own.after(1.0, own, rng);
        for (place, &case) in order.iter().enumerate() {
            shared = model.shared.after(1.0 / cases as f64, shared, rng);
            let ratio = if case == 0 { 0.0 } else { log_ratios[case - 1] };
            let own = if case == NOISY { own } else { 0.0 };
            let noise = shared + own + model.scatter.draw(rng);
            measured.log_times[case].push(noise - ratio);
            measured.starts[case].push(f64::from(round) + place as f64 / cases as f64);
        }
        let worst = if stopping.looks_after(round) { measured.worst_half_width() } else { None };
        if let Some(reason) = stopping.after(round, worst) {
            measured.stop_reason = reason;
            break;
        }
    }
    measured
}

impl Measured {
    /// Number of rounds.
    pub fn rounds(&self) -> usize {
        self.log_times[0].len()
    }

    /// Logarithm of the ratio of two cases in each round.
    pub fn log_ratios(&self, of: usize, to: usize) -> Vec<f64> {
        self.log_times[of].iter().zip(&self.log_times[to]).map(|(of, to)| of - to).collect()
    }

    /// The largest relative half-width of a case's ratio to the baseline.
    fn worst_half_width(&self) -> Option<f64> {
        let logs: Vec<Vec<f64>> =
            (1..self.log_times.len()).map(|case| self.log_ratios(0, case)).collect();
        widest(&half_widths(&logs, CONFIDENCE))?.1
    }

    /// Residuals of the visits of all cases, for the diagnostics.
    pub fn visits(&self) -> Vec<Residual> {
        let timed = |(starts, logs): (&Vec<f64>, &Vec<f64>)| {
            starts.iter().zip(logs).map(|(start, log)| (*start, log.exp())).collect()
        };
        diagnostics::residuals(
            &self.starts.iter().zip(&self.log_times).map(timed).collect::<Vec<_>>(),
        )
    }
}

/// True if the interval of the median of these values misses the true value; `None`
/// without an interval.
pub fn misses(values: &[f64], truth: f64) -> Option<bool> {
    let interval = median_interval(values, CONFIDENCE)?;
    Some(!(interval.low..=interval.high).contains(&truth))
}
