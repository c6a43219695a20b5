//! Data of a fit: throughputs at numbers of workers.

/// Loss function of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Squared residuals of throughput, as in R's package `usl`.
    Absolute,
    /// Squared residuals of the logarithm of throughput: equal relative errors have equal
    /// weights at every number of workers.
    Logarithmic,
}

/// Points, grouped by their number of workers: the sum of squares of several points of one
/// number is that of their mean, plus a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    pub(super) loss: Loss,
    /// Numbers of workers, ascending, without duplicates.
    pub(super) counts: Vec<f64>,
    /// Mean at each count: of throughput divided by `scale`, or of its logarithm.
    pub(super) means: Vec<f64>,
    /// Number of points at each count.
    pub(super) weights: Vec<f64>,
    /// Sum of squares around these means.
    pub(super) within: f64,
    /// Largest throughput, by which the data are divided: residuals are then of the order
    /// of one in any unit.
    pub(super) scale: f64,
}

impl Points {
    /// Groups pairs of a number of workers (at least 1) and a throughput (above 0). `None`
    /// without pairs, or if a pair is outside these ranges.
    pub fn new(loss: Loss, pairs: &[(f64, f64)]) -> Option<Points> {
        for (n, x) in pairs {
            if !n.is_finite() || *n < 1.0 || !x.is_finite() || *x <= 0.0 {
                return None;
            }
        }
        if pairs.is_empty() {
            return None;
        }
        let scale = pairs.iter().map(|(_, x)| *x).fold(0.0, f64::max);
        let mut values = pairs.to_vec();
        for (_, value) in &mut values {
            *value = match loss {
                Loss::Absolute => *value / scale,
                Loss::Logarithmic => value.ln() - scale.ln(),
            };
        }
        values.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (counts, means, weights) = (Vec::new(), Vec::new(), Vec::new());
        let mut points = Points { loss, counts, means, weights, within: 0.0, scale };
        for same in values.chunk_by(|one, other| one.0 == other.0) {
            points.add(same);
        }
        Some(points)
    }

    fn add(&mut self, same: &[(f64, f64)]) {
        let weight = same.len() as f64;
        let mean = same.iter().map(|(_, value)| value).sum::<f64>() / weight;
        self.within += same.iter().map(|(_, value)| (value - mean).powi(2)).sum::<f64>();
        self.counts.push(same[0].0);
        self.means.push(mean);
        self.weights.push(weight);
    }

    /// Number of distinct numbers of workers.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.weights.iter().sum::<f64>() as usize
    }

    /// Always false: there is at least one point.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Largest number of workers.
    pub fn largest(&self) -> f64 {
        self.counts.last().copied().unwrap_or(1.0)
    }

    /// Rounding error of a sum of squares, in the unit of the loss: smaller differences
    /// between models are not meaningful.
    pub(super) fn rounding(&self) -> f64 {
        let squares = self.means.iter().zip(&self.weights).map(|(mean, weight)| match self.loss {
            Loss::Absolute => weight * mean * mean,
            Loss::Logarithmic => weight * (1.0 + mean * mean),
        });
        squares.sum::<f64>() * 1e-29
    }
}
