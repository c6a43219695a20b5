//! References: the tallies that the jobs of a plan must return.

use super::calibration::{reference_visit, sequential};
use super::error::CampaignError;
use super::executor::Executor;
use super::forecast::Forecast;
use super::tally_check::Reference;
use super::visit_spec::IsaChoice;
use crate::kernel::Tally;
use crate::record::{Case, ExpectedTally, Plan};
use crate::registry::Registry;

/// Largest factor by which the portable form of a kernel is slower than the fastest form.
const PORTABLE_FACTOR: u32 = 16;

impl From<&ExpectedTally> for Tally {
    fn from(expected: &ExpectedTally) -> Tally {
        Tally { draws: expected.draws, sum: expected.sum, sum_sq: expected.sum_sq }
    }
}

/// Reference of a case's job; `None` if its tally or its kernel is unknown.
pub fn reference_of(plan: &Plan, registry: &Registry, case: &Case) -> Option<Reference> {
    let expected = plan.expected.iter().find(|expected| expected.is_of(case))?;
    Some(Reference { kernel: registry.kernel(&case.kernel)?, tally: Some(expected.into()) })
}

/// Determines the expected tally of every job: one visit each, sequential, in the portable
/// form, not pinned, not recorded.
pub fn compute_references(
    executor: &mut Executor<'_>,
    plan: &mut Plan,
    forecast: &Forecast,
) -> Result<(), CampaignError> {
    for index in 0..plan.cases.len() {
        let case = &plan.cases[index];
        if plan.cases[..index].iter().any(|other| other.same_job(case)) {
            continue;
        }
        let case = sequential(case);
        let timeout = forecast.timeout_with_calls(&case, 1) * PORTABLE_FACTOR;
        let visit = reference_visit(executor, &case, 0, 1, IsaChoice::Portable, timeout)?;
        let row = visit.rows.iter().find(|row| row.tally_draws.is_some());
        plan.expected.push(ExpectedTally {
            kernel: case.kernel,
            seed: case.seed,
            block: case.block,
            draws: row.and_then(|row| row.tally_draws).unwrap_or_default(),
            sum: row.and_then(|row| row.tally_sum).unwrap_or_default(),
            sum_sq: row.and_then(|row| row.tally_sum_sq).unwrap_or_default(),
        });
    }
    Ok(())
}
