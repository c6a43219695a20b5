//! Check of a runner's tallies: one for each call, and one for each worker.

use std::collections::{BTreeSet, HashMap};

use crate::kernel::{Kernel, Tally};
use crate::runner::protocol::{Call, CheckMode, VisitRequest, Worker};

/// Largest distance of an estimate from the exact value, in standard errors. Chance alone
/// exceeds it once in 1.7 million calls.
const MAX_Z: f64 = 5.0;

/// Largest factor between a standard error and that of the reference. That of a correct
/// runner differs by far less from some thousand draws on.
const MAX_STD_ERROR_RATIO: f64 = 1.5;

/// Probability below which equal tallies of workers are not due to chance.
const MIN_PROBABILITY: f64 = 1e-5;

/// Reference that the tallies of a job are checked against.
#[derive(Clone, Copy)]
pub struct Reference {
    /// Kernel of the job, for its scale and its exact value.
    pub kernel: &'static dyn Kernel,
    /// Tally that runners with the block streams must return; `None` during the reference
    /// visit itself, which determines it.
    pub tally: Option<Tally>,
}

/// Pairs of workers, from 0.
type Pairs = BTreeSet<(usize, usize)>;

/// Check of the tallies of one visit.
pub struct TallyCheck {
    reference: Reference,
    /// Number of checked calls, and the pairs of workers with equal tallies in each of
    /// them.
    equal_pairs: Option<(u32, Pairs)>,
}

impl TallyCheck {
    /// Starts before the first call.
    pub fn new(reference: Reference) -> TallyCheck {
        TallyCheck { reference, equal_pairs: None }
    }

    /// Checks the tally of a call, and those of its workers.
    ///
    /// # Errors
    /// If a tally is wrong.
    pub fn check(
        &mut self,
        request: &VisitRequest,
        mode: CheckMode,
        call: &Call,
    ) -> Result<(), String> {
        if call.wall_ns == 0 {
            return Err("the runner reports a call of 0 ns".to_string());
        }
        let draws = request.blocks * request.block;
        let tally = call.tally.ok_or("wrong tally: the runner gives none")?;
        if tally.draws != draws {
            return Err(format!("wrong tally: {} draws instead of {draws}", tally.draws));
        }
        check_workers(request, call, tally)?;
        match (mode, self.reference.tally) {
            (CheckMode::Exact, Some(expected)) if tally != expected => Err(format!(
                "wrong tally: sum {} and sum of squares {} instead of {} and {}",
                tally.sum, tally.sum_sq, expected.sum, expected.sum_sq
            )),
            (CheckMode::Exact, _) => Ok(()),
            (CheckMode::None, _) => {
                Err("a runner of a kernel must be checked: exact or z".to_string())
            }
            (CheckMode::Z, None) => self.check_coincidences(call, tally),
            (CheckMode::Z, Some(reference)) => {
                self.check_coincidences(call, tally)?;
                check_estimate(self.reference.kernel, tally, reference)
            }
        }
    }

    /// Checks all calls together.
    ///
    /// # Errors
    /// If two workers gave the same tally in every one of several calls.
    pub fn finish(&self) -> Result<(), String> {
        let Some((calls, pairs)) = &self.equal_pairs else { return Ok(()) };
        match pairs.first() {
            Some((first, second)) if *calls > 1 => Err(format!(
                "wrong tally: workers {} and {} have equal tallies in all {calls} calls: do they \
                 use the same random numbers?",
                first + 1,
                second + 1
            )),
            _ => Ok(()),
        }
    }

    /// Checks that workers with random numbers of their own do not share them. Two workers
    /// may have equal tallies by chance, but not in every call of a visit, and many
    /// workers not even in one.
    fn check_coincidences(&mut self, call: &Call, total: Tally) -> Result<(), String> {
        let mut pairs = Pairs::new();
        for (tally, workers) in workers_by_tally(&call.workers) {
            let others = workers.len() as i32 - 1;
            if others > 1 && equality_probability(total, tally).powi(others) < MIN_PROBABILITY {
                return Err(format!(
                    "wrong tally: {} workers have the same sum: do they use the same random numbers?",
                    workers.len()
                ));
            }
            for (index, &first) in workers.iter().enumerate() {
                pairs.extend(workers[index + 1..].iter().map(|&second| (first, second)));
            }
        }
        self.equal_pairs = Some(match self.equal_pairs.take() {
            None => (1, pairs),
            Some((calls, before)) => (calls + 1, before.intersection(&pairs).copied().collect()),
        });
        Ok(())
    }
}

/// Checks that the workers' blocks and tallies add up to those of the call.
fn check_workers(request: &VisitRequest, call: &Call, total: Tally) -> Result<(), String> {
    let (count, requested) = (call.workers.len(), request.nthread);
    if count > requested as usize {
        return Err(format!("{count} workers answered where {requested} were asked for"));
    }
    if count == 0 {
        return Ok(());
    }
    let blocks: Option<Vec<u64>> = call.workers.iter().map(|worker| worker.blocks).collect();
    let blocks = blocks.map(|blocks| blocks.into_iter().fold(0, u64::saturating_add));
    if let Some(sum) = blocks.filter(|sum| *sum != request.blocks) {
        return Err(format!("the workers computed {sum} of {} blocks", request.blocks));
    }
    let tallies: Option<Vec<Tally>> = call.workers.iter().map(|worker| worker.tally).collect();
    let Some(tallies) = tallies else { return Ok(()) };
    // Checked, since a sum that wraps around could be equal to the total.
    match tallies.into_iter().try_fold(Tally::default(), Tally::checked_add) {
        Some(sum) if sum == total => Ok(()),
        _ => Err("wrong tally: the workers' tallies do not add up to it".to_string()),
    }
}

/// Checks that an estimate is plausible. Its error is measured by the standard error of
/// the reference, which has as many draws: a runner with a wrong sum of squares must not
/// be measured by its own.
fn check_estimate(kernel: &dyn Kernel, tally: Tally, reference: Tally) -> Result<(), String> {
    let scale = kernel.scale();
    let actual = tally.estimate(scale).zip(tally.std_error(scale));
    let expected = reference.estimate(scale).zip(reference.std_error(scale));
    let Some(((estimate, error), (centre, sigma))) = actual.zip(expected) else {
        return Err("wrong tally: too few draws for a check".to_string());
    };
    if !(1.0 / MAX_STD_ERROR_RATIO..MAX_STD_ERROR_RATIO).contains(&(error / sigma)) {
        return Err(format!(
            "wrong tally: its standard error is {error:e}, the reference's is {sigma:e}; is sum_sq \
             the sum of the squares?"
        ));
    }
    // The reference is an estimate too, if there is no exact value.
    let (centre, sigma) = match kernel.exact() {
        Some(exact) => (exact, sigma),
        None => (centre, sigma * std::f64::consts::SQRT_2),
    };
    let z = (estimate - centre) / sigma;
    if z.abs() <= MAX_Z {
        return Ok(());
    }
    Err(format!("wrong tally: the estimate {estimate} is {z:.1} standard errors from {centre}"))
}

/// Workers, from 0, that share a tally, by that tally. Tallies of one draw are often equal
/// and are left out.
fn workers_by_tally(workers: &[Worker]) -> Vec<(Tally, Vec<usize>)> {
    let mut groups: HashMap<Tally, Vec<usize>> = HashMap::new();
    for (index, worker) in workers.iter().enumerate() {
        if let Some(tally) = worker.tally.filter(|tally| tally.draws > 1) {
            groups.entry(tally).or_default().push(index);
        }
    }
    groups.into_iter().filter(|(_, workers)| workers.len() > 1).collect()
}

/// Probability that a worker with random numbers of its own has the same sum as another:
/// 1 / (2 √π σ), for sums that are nearly normal with standard deviation σ.
fn equality_probability(total: Tally, tally: Tally) -> f64 {
    let draws = total.draws as f64;
    let (mean, mean_sq) = (total.sum as f64 / draws, total.sum_sq as f64 / draws);
    let sigma = ((mean_sq - mean * mean).max(0.0) * tally.draws as f64).sqrt();
    1.0 / (2.0 * std::f64::consts::PI.sqrt() * sigma).max(1.0)
}
