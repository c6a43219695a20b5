//! Models of noise: the variation of times on a simulated machine.

use rand::{Rng, RngExt as _};

/// The noise of a simulated machine.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Name in the tables.
    pub name: &'static str,
    /// Independent noise of each visit.
    pub scatter: Scatter,
    /// Noise of the speed that all cases share.
    pub shared: SerialNoise,
    /// Noise of one case alone, and so of its ratio.
    pub own: SerialNoise,
}

/// Independent noise of a visit, as a share of its time: 0.01 is 1%.
#[derive(Clone, Copy, Debug)]
pub enum Scatter {
    /// Normal times with this standard deviation.
    Normal(f64),
    /// Times whose logarithms are normal, with this standard deviation.
    Lognormal(f64),
    /// Normal times with this standard deviation; one time in ten is 25% longer.
    Bimodal(f64),
    /// Times whose logarithms are Student's t with 2 degrees of freedom, multiplied by
    /// this value: their variance is infinite.
    HeavyTail(f64),
}

/// Noise that is correlated from round to round.
#[derive(Clone, Copy, Debug)]
pub enum SerialNoise {
    /// No such noise.
    None,
    /// An AR(1) process of the logarithms with φ = 0.5 and this standard deviation.
    Autoregressive(f64),
    /// A random walk of the logarithms, with steps of this standard deviation.
    Walk(f64),
}

/// Coefficient of the AR(1) process from round to round.
const PHI: f64 = 0.5;

/// Share of slow visits in bimodal noise.
const SLOW_SHARE: f64 = 0.10;

/// Relative slowdown of a slow visit.
const SLOWER_BY: f64 = 0.25;

/// Independent noise in models with shared noise.
const SMALL: Scatter = Scatter::Normal(0.01);

const fn scattered(name: &'static str, scatter: Scatter) -> Model {
    Model { name, scatter, shared: SerialNoise::None, own: SerialNoise::None }
}

const fn shared(name: &'static str, shared: SerialNoise) -> Model {
    Model { name, scatter: SMALL, shared, own: SerialNoise::None }
}

const fn own(name: &'static str, own: SerialNoise) -> Model {
    Model { name, scatter: Scatter::Normal(0.0), shared: SerialNoise::None, own }
}

/// Machines on which intervals of ratios must have their nominal coverage.
pub const MODELS: [Model; 7] = [
    scattered("normal 1%", Scatter::Normal(0.01)),
    scattered("lognormal 5%", Scatter::Lognormal(0.05)),
    scattered("lognormal 30%", Scatter::Lognormal(0.30)),
    scattered("bimodal, 10% at +25%", Scatter::Bimodal(0.01)),
    shared("shared AR(1), φ = 0.5, 5%", SerialNoise::Autoregressive(0.05)),
    shared("shared drift, 1% a round", SerialNoise::Walk(0.01)),
    scattered("heavy tail, t₂", Scatter::HeavyTail(0.01)),
];

/// The worst case for the looks: normal noise for which chance has the largest influence
/// on the number of rounds, since the width of the interval is close to the limit at
/// several looks.
pub const WORST_FOR_LOOKS: Model = scattered("normal 1.3%", Scatter::Normal(0.013));

/// Machines on which no plain interval has its nominal coverage, since the ratio of one
/// case is autocorrelated or drifts: a warning should appear.
pub const HARD_MODELS: [Model; 3] = [
    own("own AR(1), φ = 0.5, 1%", SerialNoise::Autoregressive(0.01)),
    own("own AR(1), φ = 0.5, 5%", SerialNoise::Autoregressive(0.05)),
    own("own drift, 1% a round", SerialNoise::Walk(0.01)),
];

impl Scatter {
    /// Draws the logarithm of a visit's time divided by its time without noise.
    pub fn draw(self, rng: &mut impl Rng) -> f64 {
        match self {
            Scatter::Normal(share) => (share * normal(rng)).ln_1p(),
            Scatter::Lognormal(share) => share * normal(rng),
            Scatter::Bimodal(share) => {
                let slow = if rng.random_bool(SLOW_SHARE) { SLOWER_BY.ln_1p() } else { 0.0 };
                slow + (share * normal(rng)).ln_1p()
            }
            // The squared denominator of Student's t with 2 degrees of freedom is
            // exponential with mean 1.
            Scatter::HeavyTail(share) => share * normal(rng) / exponential(rng).sqrt(),
        }
    }

    /// Median of the noise.
    pub fn median(self) -> f64 {
        match self {
            // The two modes do not overlap, so the median is the quantile 0.5 / 0.9 of
            // the fast one: 0.13971 standard deviations.
            Scatter::Bimodal(share) => (share * 0.139_710_3).ln_1p(),
            _ => 0.0,
        }
    }
}

impl SerialNoise {
    /// State before the first visit.
    pub fn start(self, rng: &mut impl Rng) -> f64 {
        match self {
            SerialNoise::Autoregressive(share) => share * normal(rng),
            SerialNoise::None | SerialNoise::Walk(_) => 0.0,
        }
    }

    /// State after this number of rounds, which may be a fraction.
    pub fn after(self, rounds: f64, state: f64, rng: &mut impl Rng) -> f64 {
        match self {
            SerialNoise::None => 0.0,
            SerialNoise::Autoregressive(share) => {
                let kept = PHI.powf(rounds);
                kept * state + share * (1.0 - kept * kept).sqrt() * normal(rng)
            }
            SerialNoise::Walk(share) => state + share * rounds.sqrt() * normal(rng),
        }
    }
}

/// Draws a standard normal value (Box and Muller, 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    (2.0 * exponential(rng)).sqrt() * angle.cos()
}

/// Draws an exponential value with mean 1.
fn exponential(rng: &mut impl Rng) -> f64 {
    -(-rng.random::<f64>()).ln_1p()
}
