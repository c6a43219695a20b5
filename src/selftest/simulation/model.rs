//! How the times of a simulated machine vary.

use rand::{Rng, RngExt as _};

/// What a machine does to times.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// What it is called in the tables.
    pub name: &'static str,
    /// Noise of each visit, independent of all others.
    pub scatter: Scatter,
    /// Noise of the speed that all cases share.
    pub shared: Memory,
    /// Noise of one case alone, and so of its ratio.
    pub own: Memory,
}

/// Noise of a visit, independent of all others. Shares are of the time: 0.01 is
/// 1%.
#[derive(Clone, Copy, Debug)]
pub enum Scatter {
    /// Normal times with this standard deviation.
    Normal(f64),
    /// Times whose logs are normal, with this standard deviation.
    Lognormal(f64),
    /// Normal times, of which a tenth is a quarter slower.
    Bimodal(f64),
    /// Logs by Student's t with 2 degrees of freedom, times this: no variance
    /// exists.
    HeavyTail(f64),
}

/// Noise that remembers.
#[derive(Clone, Copy, Debug)]
pub enum Memory {
    /// There is none.
    None,
    /// Logs that keep half of their deviation from one round to the next, an
    /// AR(1) of φ = 0.5, with this standard deviation.
    Autoregressive(f64),
    /// Logs that take a step of this standard deviation from round to round and
    /// never come back: a random walk.
    Walk(f64),
}

/// What an AR(1) keeps of its deviation in a round.
const PHI: f64 = 0.5;

/// Share of the visits that are slow where times are bimodal.
const SLOW_SHARE: f64 = 0.10;

/// And how much slower.
const SLOWER_BY: f64 = 0.25;

/// Noise of a visit where the model is about something else.
const LITTLE: Scatter = Scatter::Normal(0.01);

const fn scattered(name: &'static str, scatter: Scatter) -> Model {
    Model { name, scatter, shared: Memory::None, own: Memory::None }
}

const fn shared(name: &'static str, shared: Memory) -> Model {
    Model { name, scatter: LITTLE, shared, own: Memory::None }
}

const fn own(name: &'static str, own: Memory) -> Model {
    Model { name, scatter: Scatter::Normal(0.0), shared: Memory::None, own }
}

/// Machines on which ratios must be right.
pub const MODELS: [Model; 7] = [
    scattered("normal 1%", Scatter::Normal(0.01)),
    scattered("lognormal 5%", Scatter::Lognormal(0.05)),
    scattered("lognormal 30%", Scatter::Lognormal(0.30)),
    scattered("bimodal, 10% at +25%", Scatter::Bimodal(0.01)),
    shared("shared AR(1), φ = 0.5, 5%", Memory::Autoregressive(0.05)),
    shared("shared drift, 1% a round", Memory::Walk(0.01)),
    scattered("heavy tail, t₂", Scatter::HeavyTail(0.01)),
];

/// Normal noise for which the number of rounds depends most on luck, since the
/// interval is about as wide as it may be at one look after the other: the
/// worst case of the looks.
pub const WORST_FOR_LOOKS: Model = scattered("normal 1.3%", Scatter::Normal(0.013));

/// Machines on which no plain interval can be right, since the noise of one
/// case's own ratio remembers the rounds before: there the warning counts.
pub const HARD_MODELS: [Model; 3] = [
    own("own AR(1), φ = 0.5, 1%", Memory::Autoregressive(0.01)),
    own("own AR(1), φ = 0.5, 5%", Memory::Autoregressive(0.05)),
    own("own drift, 1% a round", Memory::Walk(0.01)),
];

impl Scatter {
    /// ln of a visit's time by the time without noise.
    pub fn draw(self, rng: &mut impl Rng) -> f64 {
        match self {
            Scatter::Normal(share) => (share * normal(rng)).ln_1p(),
            Scatter::Lognormal(share) => share * normal(rng),
            Scatter::Bimodal(share) => {
                let slow = if rng.random_bool(SLOW_SHARE) { SLOWER_BY.ln_1p() } else { 0.0 };
                slow + (share * normal(rng)).ln_1p()
            }
            // The square of a t's denominator with 2 degrees of freedom is
            // exponential with mean 1.
            Scatter::HeavyTail(share) => share * normal(rng) / exponential(rng).sqrt(),
        }
    }

    /// Its median.
    pub fn median(self) -> f64 {
        match self {
            // The two modes are too far apart to overlap, so that it is the
            // quantile 0.5 / 0.9 of the fast one: 0.13971 standard deviations.
            Scatter::Bimodal(share) => (share * 0.139_710_3).ln_1p(),
            _ => 0.0,
        }
    }
}

impl Memory {
    /// Where it stands before the first visit.
    pub fn start(self, rng: &mut impl Rng) -> f64 {
        match self {
            Memory::Autoregressive(share) => share * normal(rng),
            Memory::None | Memory::Walk(_) => 0.0,
        }
    }

    /// Where it stands after so many rounds more, or so large a part of one.
    pub fn after(self, rounds: f64, state: f64, rng: &mut impl Rng) -> f64 {
        match self {
            Memory::None => 0.0,
            Memory::Autoregressive(share) => {
                let kept = PHI.powf(rounds);
                kept * state + share * (1.0 - kept * kept).sqrt() * normal(rng)
            }
            Memory::Walk(share) => state + share * rounds.sqrt() * normal(rng),
        }
    }
}

/// Standard normal, by Box and Muller (1958).
fn normal(rng: &mut impl Rng) -> f64 {
    let angle = std::f64::consts::TAU * rng.random::<f64>();
    (2.0 * exponential(rng)).sqrt() * angle.cos()
}

/// Exponential with mean 1.
fn exponential(rng: &mut impl Rng) -> f64 {
    -(-rng.random::<f64>()).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::median;
    use rand::SeedableRng as _;
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Share of draws at or below a limit.
    fn share_below(scatter: Scatter, limit: f64) -> f64 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        let count = 100_000;
        let below = (0..count).filter(|_| scatter.draw(&mut rng) <= limit).count();
        below as f64 / f64::from(count)
    }

    #[test]
    fn noise_has_the_distribution_of_its_name() {
        // P(Z ≤ 1) = .84134, P(t₂ ≤ 1) = ½ + 1 / (2 √3) = .78868.
        for (scatter, limit, expected) in [
            (Scatter::Normal(0.01), 0.01_f64.ln_1p(), 0.84134),
            (Scatter::Lognormal(0.3), 0.3, 0.84134),
            (Scatter::HeavyTail(0.01), 0.01, 0.78868),
            (Scatter::Bimodal(0.01), 0.1, 0.9),
        ] {
            let found = share_below(scatter, limit);
            assert!((found - expected).abs() < 0.005, "{scatter:?}: {found}");
            let half = share_below(scatter, scatter.median());
            assert!((half - 0.5).abs() < 0.006, "{scatter:?}: half is {half}");
        }
    }

    #[test]
    fn what_remembers_has_its_spread_and_its_correlation() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
        let memory = Memory::Autoregressive(0.05);
        let mut state = memory.start(&mut rng);
        let mut step = || {
            state = memory.after(0.5, state, &mut rng);
            state
        };
        let states: Vec<f64> = (0..100_000).map(|_| step()).collect();
        let mean_square = |lag: usize| {
            let products = states.iter().zip(&states[lag..]).map(|(a, b)| a * b);
            products.sum::<f64>() / (states.len() - lag) as f64
        };
        assert!((mean_square(0).sqrt() - 0.05).abs() < 0.001);
        assert!((mean_square(2) / mean_square(0) - 0.5).abs() < 0.02);
    }

    #[test]
    fn a_walk_spreads_with_the_root_of_the_rounds() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(13);
        let mut far = |_| {
            let memory = Memory::Walk(0.01);
            (0..50)
                .fold(memory.start(&mut rng), |state, _| memory.after(0.5, state, &mut rng))
                .abs()
        };
        // The median of |Z| is .6745.
        let middle = median(&(0..4000).map(&mut far).collect::<Vec<_>>()).expect("values");
        assert!((middle - 0.6745 * 0.05).abs() < 0.002, "{middle}");
    }
}
