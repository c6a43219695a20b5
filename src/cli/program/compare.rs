//! `harness compare`: comparison of two runs, case by case.

use std::path::Path;

use clap::{ArgAction, Args, ValueHint};

use crate::analysis::{
    self, Comparison, Conclusion, Judged, Renamed, Summary, rename_by_name, rename_by_position,
};
use crate::cli::command_line::quoted;
use crate::cli::given::{Given, Switch, UsageError};
use crate::cli::measure::FAILED;
use crate::cli::output::{print_result, style};
use crate::quantity::parse_percent;
use crate::report::compare::{Names, json, markdown, text};
use crate::report::read;

const COMPARE_EXAMPLES: &str = "\
Examples:
  harness compare results/main results/branch
  harness --like results/main --out results/branch    measure the same cases again
  harness compare old new --map './old/sort {nthread}=./new/sort {nthread}'
  harness compare results/main results/branch --markdown --undecided pass >> comment.md

The speedups of the two runs are compared, each relative to the baseline of its own run;
--absolute compares times. Exit codes: 0 no regression · 1 a case became slower · 2 bad
usage, unreadable input, no case in common, different machines · 3 undecided (1 beats 3).";

/// The options of `harness compare`.
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareOptions {
    /// Results directory of the earlier run
    #[arg(value_hint = ValueHint::DirPath)]
    pub before: std::path::PathBuf,
    /// Results directory of the later run
    #[arg(value_hint = ValueHint::DirPath)]
    pub after: std::path::PathBuf,
    /// Ignore changes of less than P% (default: 5%, since sessions of the same machine differ by
    /// more than their rounds show)
    #[arg(long, value_name = "P%")]
    pub margin: Option<Given>,
    /// Compare the command, function or backend OLD of the earlier run with NEW of the later one; may
    /// be repeated (default: the same name; where no name is in both runs, the same position)
    #[arg(long, value_name = "OLD=NEW", action = ArgAction::Append)]
    pub map: Vec<Given>,
    /// Compare times instead of speedups
    #[arg(long, action = ArgAction::SetTrue)]
    pub absolute: Switch,
    /// Compare runs of different machines, too; the result lists the differences
    #[arg(long, action = ArgAction::SetTrue)]
    pub force: Switch,
    /// Result of an undecided comparison: fail (exit code 3) or pass (default: fail)
    #[arg(long, value_name = "WHAT")]
    pub undecided: Option<Given>,
    /// Print the result as JSON
    #[arg(long, conflicts_with = "markdown", action = ArgAction::SetTrue)]
    pub json: Switch,
    /// Print the result as Markdown, for a pull request
    #[arg(long, action = ArgAction::SetTrue)]
    pub markdown: Switch,
    /// Colours: auto, always or never (default: auto)
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Given>,
}

/// Exit code of an undecided comparison.
const UNDECIDED: u8 = 3;

/// Default of `--margin`: more than the usual difference between two sessions of a machine.
const MARGIN: f64 = 0.05;

/// The result of an undecided comparison.
#[derive(Clone, Copy)]
enum Undecided {
    Fail,
    Pass,
}

/// Prints the comparison of two runs.
pub fn compare(options: &CompareOptions) -> anyhow::Result<u8> {
    let margin = options.margin.as_ref();
    let margin = margin.map_or(Ok(MARGIN), |given| given.parse(parse_percent))?;
    let undecided = options.undecided.as_ref().map_or(Ok(Undecided::Fail), undecided)?;
    let style = style(options.color.as_ref())?;
    let is_absolute = options.absolute.is_on()?;
    let is_forced = options.force.is_on()?;
    // The flag of one format beats the variable of another.
    let as_json = options.markdown.flag().is_none() && options.json.is_on()?;
    let as_markdown = !as_json && options.markdown.is_on()?;
    let (mut before, after) = (summary(&options.before)?, summary(&options.after)?);
    let renamed = rename(&mut before, &after, &options.map)?;
    let judged = if is_absolute { Judged::Time } else { Judged::Speedup };
    let comparison = Comparison { renamed, ..analysis::compare(&before, &after, judged, margin) };
    check_machines(&comparison, is_forced)?;
    check_has_comparisons(&comparison)?;
    let paths = [&options.before, &options.after].map(|dir| dir.display().to_string());
    let names = Names { before: &paths[0], after: &paths[1] };
    let both = [&before, &after];
    print_result(&match () {
        () if as_json => json(&comparison, both, names)?,
        () if as_markdown => markdown(&comparison, both, names),
        () => text(&comparison, both, names, style),
    })
    // Exit code 1 would mean here that a case became slower.
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

/// Gives cases of the run before the names of the run after, by `--map` or else by position.
fn rename(
    before: &mut Summary,
    after: &Summary,
    maps: &[Given],
) -> Result<Vec<Renamed>, UsageError> {
    let Some(first) = maps.first() else { return Ok(rename_by_position(before, after)) };
    let texts: Vec<&str> = maps.iter().map(|given| given.text.as_str()).collect();
    rename_by_name(before, after, &texts).map_err(|error| first.error(error))
}

fn undecided(given: &Given) -> Result<Undecided, UsageError> {
    match given.text.as_str() {
        "fail" => Ok(Undecided::Fail),
        "pass" => Ok(Undecided::Pass),
        other => Err(given.error(format!("{other:?} is neither fail nor pass"))),
    }
}

fn check_machines(comparison: &Comparison, is_forced: bool) -> Result<(), UsageError> {
    if is_forced || comparison.machines.is_empty() {
        return Ok(());
    }
    let differences: Vec<String> = comparison
        .machines
        .iter()
        .map(|fact| format!("{}: {} → {}", fact.what, fact.before, fact.after))
        .collect();
    Err(UsageError(format!(
        "the runs are of different machines, so differences may not be due to the program: {}; \
         --force compares them anyway",
        differences.join("; "),
    )))
}

fn check_has_comparisons(comparison: &Comparison) -> Result<(), UsageError> {
    if comparison.comparisons > 0 {
        return Ok(());
    }
    let exception = match comparison.cases.is_empty() {
        true => "",
        false => " except their baselines, which --absolute compares",
    };
    let hint = match (comparison.only_before.first(), comparison.only_after.first()) {
        (Some(before), Some(after)) if before.title() != after.title() => {
            let names = quoted(&format!("{}={}", before.title(), after.title()));
            format!("--map {names} compares cases of different names")
        }
        _ => "`harness --like DIR` measures the same cases again".to_string(),
    };
    Err(UsageError(format!("the runs have no case in common{exception}; {hint}")))
}
