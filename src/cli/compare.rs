//! `harness compare`: which cases of two runs became faster or slower.

use std::path::Path;

use clap::{Args, ValueHint};

use super::values::{Lookup, UsageError, given, switch};
use super::{FAILED, print_result, style};
use crate::analysis::{self, Comparison, Conclusion, Judged, Summary};
use crate::quantity::parse_percent;
use crate::report::compare::{Names, json, markdown, text};
use crate::report::read;

const COMPARE_EXAMPLES: &str = "\
Examples:
  harness compare results/main results/branch
  harness --like results/main --out results/branch    a run that fits, first
  harness compare results/main results/branch --markdown --undecided pass >> comment.md

Each case is compared with the sequential baseline of its own run; --absolute judges
raw times. Exit codes: 0 no regression · 1 a case became slower · 2 bad usage, unreadable
input, nothing in common, another machine · 3 undecided (1 beats 3).";

/// The options of `harness compare`.
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareOptions {
    /// The earlier results directory
    #[arg(value_hint = ValueHint::DirPath)]
    pub before: std::path::PathBuf,
    /// The later one
    #[arg(value_hint = ValueHint::DirPath)]
    pub after: std::path::PathBuf,
    /// A change by less does not count (default: 5%: two sessions of one machine differ by more
    /// than their rounds show)
    #[arg(long, value_name = "P%")]
    pub margin: Option<String>,
    /// Judge raw times, not speedups over the baseline of each run
    #[arg(long)]
    pub absolute: bool,
    /// Even if the machines are not the same: said in the result
    #[arg(long)]
    pub force: bool,
    /// What an undecided comparison is: fail (exit code 3) or pass (default: fail)
    #[arg(long, value_name = "WHAT")]
    pub undecided: Option<String>,
    /// The result as JSON
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// The result as Markdown, for a pull request
    #[arg(long)]
    pub markdown: bool,
    /// Colours: auto, always or never (default: auto)
    #[arg(long, value_name = "WHEN")]
    pub color: Option<String>,
}

/// A comparison that the data do not decide.
const UNDECIDED: u8 = 3;

/// What counts as a change where nobody says: more than two sessions of the same
/// machine usually differ by.
const MARGIN: f64 = 0.05;

/// What an undecided comparison is to whoever asked.
#[derive(Clone, Copy)]
enum Undecided {
    Fail,
    Pass,
}

/// Compares, and shows what came of it.
pub fn compare(options: &CompareOptions, lookup: Lookup<'_>) -> anyhow::Result<u8> {
    let margin = margin(options, lookup)?;
    let undecided = undecided(options, lookup)?;
    let style = style("--color", options.color.as_deref())?;
    let is_absolute = switch("--absolute", options.absolute, lookup)?;
    let is_forced = switch("--force", options.force, lookup)?;
    // A form that was typed beats one of the environment.
    let as_json = options.json || !options.markdown && switch("--json", false, lookup)?;
    let as_markdown = options.markdown || !as_json && switch("--markdown", false, lookup)?;
    let (before, after) = (summary(&options.before)?, summary(&options.after)?);
    let judged = if is_absolute { Judged::Time } else { Judged::Speedup };
    let comparison = analysis::compare(&before, &after, judged, margin);
    refuse_other_machines(&comparison, is_forced)?;
    refuse_nothing(&comparison)?;
    let paths = [&options.before, &options.after].map(|dir| dir.display().to_string());
    let names = Names { before: &paths[0], after: &paths[1] };
    let both = [&before, &after];
    print_result(&match () {
        () if as_json => json(&comparison, both, names)?,
        () if as_markdown => markdown(&comparison, both, names),
        () => text(&comparison, both, names, style),
    })
    // The code of other failures says here that a case became slower.
    .map_err(|error| UsageError(format!("{error:#}")))?;
    Ok(match (comparison.conclusion, undecided) {
        (Conclusion::Regression, _) => FAILED,
        (Conclusion::Undecided, Undecided::Fail) => UNDECIDED,
        (Conclusion::Undecided, Undecided::Pass) | (Conclusion::Passed, _) => 0,
    })
}

fn summary(dir: &Path) -> Result<Summary, UsageError> {
    read(dir).map_err(|error| UsageError(format!("{error:#}")))
}

fn margin(options: &CompareOptions, lookup: Lookup<'_>) -> Result<f64, UsageError> {
    given("--margin", options.margin.as_deref(), lookup)
        .map_or(Ok(MARGIN), |given| parse_percent(&given.text).map_err(|error| given.error(error)))
}

fn undecided(options: &CompareOptions, lookup: Lookup<'_>) -> Result<Undecided, UsageError> {
    let Some(given) = given("--undecided", options.undecided.as_deref(), lookup) else {
        return Ok(Undecided::Fail);
    };
    match given.text.as_str() {
        "fail" => Ok(Undecided::Fail),
        "pass" => Ok(Undecided::Pass),
        other => Err(given.error(format!("{other:?} is neither fail nor pass"))),
    }
}

fn refuse_other_machines(comparison: &Comparison, is_forced: bool) -> Result<(), UsageError> {
    if is_forced || comparison.machines.is_empty() {
        return Ok(());
    }
    let differ = |it: &analysis::Difference| format!("{}: {} → {}", it.what, it.before, it.after);
    let differences: Vec<String> = comparison.machines.iter().map(differ).collect();
    Err(UsageError(format!(
        "the runs are of two machines, and what differs between these says nothing of the \
         program: {}; --force compares them all the same",
        differences.join("; "),
    )))
}

fn refuse_nothing(comparison: &Comparison) -> Result<(), UsageError> {
    if comparison.comparisons > 0 {
        return Ok(());
    }
    let but = match comparison.cases.is_empty() {
        true => "",
        false => " but for their baselines, which --absolute would judge",
    };
    Err(UsageError(format!(
        "the runs have no case in common{but}; `harness --like DIR` makes a run with the same cases"
    )))
}
