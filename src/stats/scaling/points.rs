//! What is fitted: throughputs at numbers of workers.

/// What a fit makes small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The squares of the differences of throughput, as R's package `usl` does.
    Absolute,
    /// The squares of the differences of ln throughput, which are those of ln time:
    /// the same relative error weighs the same at every number of workers.
    Logarithmic,
}

/// Points, gathered by their number of workers: the least squares of several
/// points of one number are those of their mean, but for a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    pub(super) loss: Loss,
    /// Ascending, without duplicates.
    pub(super) counts: Vec<f64>,
    /// The mean at each count: of throughput by `scale`, or of its logarithm.
    pub(super) means: Vec<f64>,
    /// Points at each count.
    pub(super) weights: Vec<f64>,
    /// Sum of the squares around these means.
    pub(super) within: f64,
    /// The largest throughput: what is squared is of the order of one, whatever
    /// the unit of the data.
    pub(super) scale: f64,
}

impl Points {
    /// Of pairs of a number of workers (at least 1) and a throughput (above 0).
    /// `None` of none, or where a pair is out of these ranges.
    pub fn new(loss: Loss, pairs: &[(f64, f64)]) -> Option<Points> {
        let is_good = |(n, x): &(f64, f64)| n.is_finite() && *n >= 1.0 && x.is_finite() && *x > 0.0;
        if pairs.is_empty() || !pairs.iter().all(is_good) {
            return None;
        }
        let scale = pairs.iter().map(|(_, x)| *x).fold(0.0, f64::max);
        let value = |x: f64| match loss {
            Loss::Absolute => x / scale,
            Loss::Logarithmic => x.ln() - scale.ln(),
        };
        let mut values: Vec<(f64, f64)> = pairs.iter().map(|(n, x)| (*n, value(*x))).collect();
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

    /// Numbers of workers that differ.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Points.
    pub fn len(&self) -> usize {
        self.weights.iter().sum::<f64>() as usize
    }

    /// Whether there is none; there always is one.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The largest number of workers.
    pub fn largest(&self) -> f64 {
        self.counts.last().copied().unwrap_or(1.0)
    }

    /// In the unit of the loss, what sums of squares differ by through rounding
    /// alone: no model is better than another by less.
    pub(super) fn rounding(&self) -> f64 {
        let size = |mean: &f64| match self.loss {
            Loss::Absolute => mean * mean,
            Loss::Logarithmic => 1.0 + mean * mean,
        };
        let squares = self.means.iter().zip(&self.weights).map(|(mean, w)| w * size(mean));
        squares.sum::<f64>() * 1e-29
    }
}
