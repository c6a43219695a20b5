//! `harness advise`: the number of threads for a command.

use super::options::AdviseOptions;
use super::values::{Lookup, UsageError};
use crate::registry::Registry;

/// Searches, and prints one integer.
pub fn advise(
    options: &AdviseOptions,
    _lookup: Lookup<'_>,
    _registry: &Registry,
) -> anyhow::Result<u8> {
    let _ = (&options.nthread, &options.within, &options.efficiency, &options.program);
    let _ = (&options.timeout, options.quiet);
    Err(UsageError("advise: not there yet".to_string()).into())
}
