//! Expected tally of a job: what its sequential reference visit returned.

use serde::{Deserialize, Serialize};

use super::{Case, Row};

/// Tally that every call of a job must return, bit for bit. The sums are decimal
/// strings in JSON, whose numbers are 64-bit floats in many languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedTally {
    /// Kernel of the job.
    pub kernel: String,
    /// Seed of the job.
    pub seed: u64,
    /// Draws of a block.
    pub block: u64,
    /// Draws of the job.
    pub draws: u64,
    /// Sum over the draws.
    #[serde(with = "decimal")]
    pub sum: i128,
    /// Sum of squares over the draws.
    #[serde(with = "decimal")]
    pub sum_sq: i128,
}

impl ExpectedTally {
    /// Returns whether this is the tally of the job that a case computes.
    pub fn is_of(&self, case: &Case) -> bool {
        (&self.kernel, self.seed, self.block, Some(self.draws))
            == (&case.kernel, case.seed, case.block, case.draws)
    }

    /// Returns whether a row is of this job and carries exactly this tally.
    pub fn matches(&self, row: &Row) -> bool {
        self.is_of(&row.case)
            && (row.tally_draws, row.tally_sum, row.tally_sum_sq)
                == (Some(self.draws), Some(self.sum), Some(self.sum_sq))
    }
}

/// Integers as decimal strings, for serde's `with`.
mod decimal {
    use std::borrow::Cow;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &i128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        text.parse().map_err(|error| D::Error::custom(format!("{text:?} is no integer: {error}")))
    }
}
