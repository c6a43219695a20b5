//! How often the sentences of an answer are wrong, in campaigns with known speedups.

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::model::{MODELS, Model};
use nthread::analysis::{CONFIDENCE, CaseSummary, MARGIN, recommend};
use nthread::record::{BASELINE, Case};
use nthread::selftest::rate::Rate;
use nthread::stats::median_interval;

/// Numbers of rounds of the campaigns.
const ROUNDS: [u32; 3] = [6, 12, 30];

/// Numbers of cases, the baseline included.
const CASES: [usize; 3] = [2, 10, 40];

/// Rates of wrong claims.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// Campaigns with a decided recommendation.
    pub decided: Rate,
    /// Campaigns with a decided recommendation of a case that is slower than the best by more
    /// than the margin.
    pub wrong: Rate,
    /// Campaigns in which the recommended case is slower than the best by more than the bound.
    pub beyond_bound: Rate,
    /// Campaigns that call a case faster than any other which is not.
    pub not_fastest: Rate,
    /// Campaigns whose recommended case has an interval above 1, and is not faster than the
    /// baseline.
    pub not_faster: Rate,
}

/// The rates of campaigns with so many rounds and cases on one model.
pub fn claims(model: &Model, rounds: u32, cases: usize, campaigns: u64, seed: u64) -> Claims {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut claims = Claims::default();
    for _ in 0..campaigns {
        let truth = speedups(cases, &mut rng);
        let values = campaign(model, &truth, rounds, &mut rng);
        claims.count(&truth, &values);
    }
    claims
}

/// Threads and true speedup of each case; the first is the baseline. Every third speedup is
/// that of the case before, and every sixth is slower than that by about the margin.
fn speedups(cases: usize, rng: &mut impl Rng) -> Vec<(u32, f64)> {
    let mut truth = vec![(1, 1.0)];
    for case in 1..cases {
        let nthread = 1 + (case as u32 - 1) % 8 + u32::from(cases == 2);
        let n = f64::from(nthread);
        let before = truth[case - 1].1;
        let serial = rng.random_range(0.0..0.5);
        let speedup = match rng.random_range(0..6) {
            0 | 1 => before,
            2 => before / rng.random_range(1.04..1.07),
            _ => n / (1.0 + serial * (n - 1.0)),
        };
        truth.push((nthread, speedup));
    }
    truth
}

/// Log speedups of each case over the baseline's visit in the same round.
fn campaign(
    model: &Model,
    truth: &[(u32, f64)],
    rounds: u32,
    rng: &mut impl Rng,
) -> Vec<Vec<(u32, f64)>> {
    let mut values = vec![Vec::new(); truth.len()];
    let (mut shared, mut own) = (model.shared.start(rng), model.own.start(rng));
    for round in 0..rounds {
        own = model.own.after(1.0, own, rng);
        let mut of_baseline = 0.0;
        for (case, (_, speedup)) in truth.iter().enumerate() {
            shared = model.shared.after(1.0 / truth.len() as f64, shared, rng);
            let own = if case == 1 { own } else { 0.0 };
            let log_time = shared + own + model.scatter.draw(rng) - speedup.ln();
            if case == 0 {
                of_baseline = log_time;
            }
            values[case].push((round, of_baseline - log_time));
        }
    }
    values
}

impl Claims {
    fn count(&mut self, truth: &[(u32, f64)], values: &[Vec<(u32, f64)>]) {
        let cases: Vec<CaseSummary> = truth
            .iter()
            .enumerate()
            .map(|(index, (nthread, _))| {
                let backend = if index == 0 { BASELINE } else { "a" }.to_string();
                let case = Case { backend, nthread: *nthread, ..Case::default() };
                CaseSummary { index, case, ..CaseSummary::default() }
            })
            .collect();
        let Some(found) = recommend(&cases.iter().collect::<Vec<_>>(), values) else { return };
        let best = truth.iter().map(|(_, speedup)| *speedup).fold(0.0, f64::max);
        let regret = best / truth[found.case].1 - 1.0;
        let logs: Vec<f64> = values[found.case].iter().map(|(_, log)| *log).collect();
        let low = median_interval(&logs, CONFIDENCE).map_or(0.0, |interval| interval.low);
        // Rounding errors of equal speedups are no regret.
        let exceeds = |limit: f64| regret > limit + 1e-9;
        self.decided.count(found.decided);
        self.wrong.count(found.decided && exceeds(MARGIN));
        self.beyond_bound.count(exceeds(found.bound));
        self.not_fastest.count(found.bound <= 0.0 && exceeds(0.0));
        self.not_faster.count(found.case != 0 && low > 0.0 && truth[found.case].1 <= 1.0);
    }
}

/// The table of all models, as Markdown.
pub fn table(campaigns: u64, seed: u64) -> String {
    let mut text = String::from(
        "| model | rounds | cases | decided | decided, and wrong | slower than the bound | not faster than any other | not faster than sequential |\n\
         |---|--:|--:|---|---|---|---|---|\n",
    );
    for model in &MODELS {
        for rounds in ROUNDS {
            for cases in CASES {
                let Claims { decided, wrong, beyond_bound, not_fastest, not_faster } =
                    claims(model, rounds, cases, campaigns, seed);
                text.push_str(&format!(
                    "| {} | {rounds} | {cases} | {decided} | {wrong} | {beyond_bound} | {not_fastest} | {not_faster} |\n",
                    model.name
                ));
            }
        }
    }
    text
}
