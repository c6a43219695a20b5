//! Contenders whose samples are interleaved.

use nthread::stats::median;
use rand::seq::SliceRandom as _;

/// Takes one sample in nanoseconds.
type Sample<'a> = Box<dyn FnMut() -> anyhow::Result<f64> + 'a>;

/// Contenders by name.
#[derive(Default)]
pub struct Race<'a> {
    contenders: Vec<(String, Sample<'a>)>,
}

impl<'a> Race<'a> {
    /// Adds a contender.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        sample: impl FnMut() -> anyhow::Result<f64> + 'a,
    ) {
        self.contenders.push((name.into(), Box::new(sample)));
    }

    /// Takes a sample of each contender in each repetition, in a fresh random
    /// order. An unmeasured repetition comes first.
    pub fn run(mut self, repetitions: usize) -> anyhow::Result<Times> {
        let mut order: Vec<usize> = (0..self.contenders.len()).collect();
        let mut ns = vec![Vec::with_capacity(repetitions); order.len()];
        for repetition in 0..=repetitions {
            order.shuffle(&mut rand::rng());
            for &index in &order {
                let sample = self.contenders[index].1()?;
                if repetition > 0 {
                    ns[index].push(sample);
                }
            }
        }
        let names = self.contenders.into_iter().map(|(name, _)| name);
        Ok(Times { of: names.zip(ns).collect() })
    }
}

/// Samples of each contender, in the order of the repetitions.
pub struct Times {
    of: Vec<(String, Vec<f64>)>,
}

impl Times {
    /// Times of `above` divided by those of `below`, of the same repetition.
    pub fn ratios(&self, above: &str, below: &str) -> Vec<f64> {
        let pairs = self.samples(above).iter().zip(self.samples(below));
        pairs.map(|(above, below)| above / below).collect()
    }

    /// The median of a contender.
    pub fn median_ns(&self, name: &str) -> f64 {
        median(self.samples(name)).unwrap_or(f64::NAN)
    }

    /// All names, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.of.iter().map(|(name, _)| name.as_str())
    }

    /// The samples of a contender, none if there is no such.
    pub fn samples(&self, name: &str) -> &[f64] {
        let found = self.of.iter().find(|(known, _)| known == name);
        found.map_or(&[], |(_, samples)| samples)
    }
}
