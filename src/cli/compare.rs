//! `harness compare`: which cases of two runs became faster or slower.

use super::options::CompareOptions;
use super::values::UsageError;

/// Does what its options say.
pub fn compare(_options: &CompareOptions) -> anyhow::Result<u8> {
    Err(UsageError("compare: not built yet".to_string()).into())
}
