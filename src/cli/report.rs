//! `harness report`: tables and plots of a results directory, again.

use super::options::ReportOptions;
use super::values::UsageError;
use super::{print_result, style};
use crate::report;

/// Makes every derived file again and prints the table.
pub fn report(options: &ReportOptions) -> anyhow::Result<u8> {
    let style = style("--color", options.color.as_deref())?;
    let [dir] = &options.dirs[..] else {
        return Err(UsageError("several directories: not built yet".to_string()).into());
    };
    let summary = report::read(dir).map_err(|error| UsageError(format!("{error:#}")))?;
    report::write_all(&summary, dir)?;
    let warnings = report::warnings(&summary, usize::MAX);
    print_result(&(report::table(&summary, style) + &warnings))
}
