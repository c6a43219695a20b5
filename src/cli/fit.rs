//! `harness fit`: scaling laws for a CSV file.

use super::options::FitOptions;
use super::values::UsageError;

/// Does what its options say.
pub fn fit(_options: &FitOptions) -> anyhow::Result<u8> {
    Err(UsageError("fit: not built yet".to_string()).into())
}
