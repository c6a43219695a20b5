//! Whether the answers of a runner are right: one tally a call, and one a
//! worker.

use std::collections::{BTreeSet, HashMap};

use crate::kernel::{Kernel, Tally};
use crate::runner::protocol::{Call, Check, Visit, Worker};

/// Standard errors by which an estimate may miss the exact answer: chance alone
/// does so once in 1.7 million calls.
const Z_LIMIT: f64 = 5.0;

/// A standard error may differ from the reference's by this factor: that of an
/// honest runner differs by far less from some thousand draws on.
const SPREAD: f64 = 1.5;

/// Below this chance, workers with equal tallies did not meet by chance.
const CHANCE_LIMIT: f64 = 1e-5;

/// What a runner's answers are held to.
#[derive(Clone, Copy)]
pub struct Truth {
    /// The kernel, for its scale and its exact answer.
    pub kernel: &'static dyn Kernel,
    /// The tally that runners with the block streams must return; `None` while
    /// the reference visit itself is finding it out.
    pub tally: Option<Tally>,
}

/// Pairs of workers, from 0.
type Pairs = BTreeSet<(usize, usize)>;

/// Judges the answers of one visit.
pub struct Judge {
    truth: Truth,
    /// Calls that were judged, and the pairs of workers with equal tallies in
    /// each of them.
    twins: Option<(u32, Pairs)>,
}

impl Judge {
    /// Before the first call.
    pub fn new(truth: Truth) -> Judge {
        Judge { truth, twins: None }
    }

    /// The answer of a call, and of each of its workers.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn judge(&mut self, visit: &Visit, check: Check, call: &Call) -> Result<(), String> {
        if call.wall_ns == 0 {
            return Err("the runner reports a call of 0 ns".to_string());
        }
        let draws = visit.blocks * visit.block;
        let tally = call.tally.ok_or("wrong tally: the runner gives none")?;
        if tally.draws != draws {
            return Err(format!("wrong tally: {} draws instead of {draws}", tally.draws));
        }
        check_parts(visit, call, tally)?;
        match (check, self.truth.tally) {
            (Check::Exact, Some(expected)) if tally != expected => Err(format!(
                "wrong tally: sum {} and sum of squares {} instead of {} and {}",
                tally.sum, tally.sum_sq, expected.sum, expected.sum_sq
            )),
            (Check::Exact, _) => Ok(()),
            (Check::None, _) => Err("a runner of a kernel must be checked: exact or z".to_string()),
            // Random numbers of its own: no two workers may have thrown the
            // same darts, and the estimate must be plausible.
            (Check::Z, None) => self.check_coincidences(call, tally),
            (Check::Z, Some(reference)) => {
                self.check_coincidences(call, tally)?;
                check_z(self.truth.kernel, tally, reference)
            }
        }
    }

    /// After the last call.
    ///
    /// # Errors
    /// If two workers gave the same tally in every one of several calls.
    pub fn finish(&self) -> Result<(), String> {
        let Some((calls, pairs)) = &self.twins else { return Ok(()) };
        match pairs.first() {
            Some((one, other)) if *calls > 1 => Err(format!(
                "wrong tally: workers {} and {} have equal tallies in all {calls} calls: do they \
                 use the same random numbers?",
                one + 1,
                other + 1
            )),
            _ => Ok(()),
        }
    }

    /// Two workers with equal tallies may have met by chance; not in every call
    /// of a visit, and not many workers at once.
    fn check_coincidences(&mut self, call: &Call, whole: Tally) -> Result<(), String> {
        let mut pairs = Pairs::new();
        for (tally, workers) in alike(&call.workers) {
            let others = workers.len() as i32 - 1;
            if others > 1 && chance_of_equality(whole, tally).powi(others) < CHANCE_LIMIT {
                return Err(format!(
                    "wrong tally: {} workers have the same sum: do they use the same random numbers?",
                    workers.len()
                ));
            }
            let later = |(at, one): (usize, &usize)| {
                workers[at + 1..].iter().map(|other| (*one, *other)).collect::<Vec<_>>()
            };
            pairs.extend(workers.iter().enumerate().flat_map(later));
        }
        self.twins = Some(match self.twins.take() {
            None => (1, pairs),
            Some((calls, before)) => (calls + 1, before.intersection(&pairs).copied().collect()),
        });
        Ok(())
    }
}

/// The workers' parts must add up to the whole.
fn check_parts(visit: &Visit, call: &Call, tally: Tally) -> Result<(), String> {
    let (answered, asked) = (call.workers.len(), visit.nthread);
    if answered > asked as usize {
        return Err(format!("{answered} workers answered where {asked} were asked for"));
    }
    if answered == 0 {
        return Ok(());
    }
    let blocks: Option<Vec<u64>> = call.workers.iter().map(|worker| worker.blocks).collect();
    let blocks = blocks.map(|blocks| blocks.into_iter().fold(0, u64::saturating_add));
    if let Some(sum) = blocks.filter(|sum| *sum != visit.blocks) {
        return Err(format!("the workers computed {sum} of {} blocks", visit.blocks));
    }
    let tallies: Option<Vec<Tally>> = call.workers.iter().map(|worker| worker.tally).collect();
    // A sum that does not fit must not go round and be right.
    let sum =
        |parts: &[Tally]| parts.iter().copied().try_fold(Tally::default(), Tally::checked_add);
    match tallies {
        Some(parts) if sum(&parts) != Some(tally) => {
            Err("wrong tally: the workers' tallies do not add up to it".to_string())
        }
        _ => Ok(()),
    }
}

/// The estimate must be plausible. The yardstick is the reference, which has as
/// many draws: a runner whose sum of squares is wrong must not be judged by it.
fn check_z(kernel: &dyn Kernel, tally: Tally, reference: Tally) -> Result<(), String> {
    let scale = kernel.scale();
    let said = tally.estimate(scale).zip(tally.std_error(scale));
    let expected = reference.estimate(scale).zip(reference.std_error(scale));
    let Some(((estimate, error), (centre, sigma))) = said.zip(expected) else {
        return Err("wrong tally: too few draws to be judged".to_string());
    };
    let spread = error / sigma;
    if !(1.0 / SPREAD..SPREAD).contains(&spread) {
        return Err(format!(
            "wrong tally: its standard error is {error:e}, the reference's is {sigma:e}; is sum_sq \
             the sum of the squares?"
        ));
    }
    let (centre, sigma) = match kernel.exact() {
        Some(exact) => (exact, sigma),
        None => (centre, sigma * std::f64::consts::SQRT_2),
    };
    let z = (estimate - centre) / sigma;
    if z.abs() <= Z_LIMIT {
        return Ok(());
    }
    Err(format!("wrong tally: the estimate {estimate} lies {z:.1} standard errors from {centre}"))
}

/// Groups of workers, from 0, with the same tally.
fn alike(workers: &[Worker]) -> Vec<(Tally, Vec<usize>)> {
    let mut groups: HashMap<Tally, Vec<usize>> = HashMap::new();
    for (index, worker) in workers.iter().enumerate() {
        if let Some(tally) = worker.tally.filter(|tally| tally.draws > 1) {
            groups.entry(tally).or_default().push(index);
        }
    }
    groups.into_iter().filter(|(_, workers)| workers.len() > 1).collect()
}

/// The chance that a worker with random numbers of its own has the same sum as
/// another: 1 / (2 √π σ), for sums that are nearly normal with standard
/// deviation σ.
fn chance_of_equality(whole: Tally, tally: Tally) -> f64 {
    let all = whole.draws as f64;
    let (mean, mean_sq) = (whole.sum as f64 / all, whole.sum_sq as f64 / all);
    let sigma = ((mean_sq - mean * mean).max(0.0) * tally.draws as f64).sqrt();
    1.0 / (2.0 * std::f64::consts::PI.sqrt() * sigma).max(1.0)
}
