//! A comparison as Markdown for a pull request: the conclusion first, then what
//! changed, the rest folded away.

use std::fmt::Write as _;

use super::words::{
    RATIO, VERDICTS, baseline, change, figures, headline, job, name, only, remarks, time_unit,
};
use super::{Names, when};
use crate::analysis::{Change, Comparison, Summary};
use crate::record::Target;
use crate::report::markup;
use crate::stats::Verdict;

/// The comparison.
pub fn markdown(
    comparison: &Comparison,
    [before, after]: [&Summary; 2],
    names: Names<'_>,
) -> String {
    let mut text = format!("**{}**\n\n", markup::text(&headline(comparison)));
    let (one, other) = (markup::text(names.before), markup::text(names.after));
    let _ = writeln!(text, "before: {one} ({})<br>", markup::text(&when(before)));
    let _ = writeln!(text, "after: {other} ({})\n", markup::text(&when(after)));
    let judged: Vec<&Change> =
        comparison.cases.iter().filter(|change| change.verdict.is_some()).collect();
    let (equivalent, others): (Vec<&Change>, Vec<&Change>) =
        judged.into_iter().partition(|case| case.verdict == Some(Verdict::Equivalent));
    text.push_str(&table(after.target(), comparison, &others));
    for change in comparison.cases.iter().filter(|change| change.is_baseline) {
        let _ = writeln!(text, "- {}", markup::text(&baseline(change, comparison.judged)));
    }
    for remark in remarks(comparison) {
        let _ = writeln!(text, "- {}", markup::text(&remark));
    }
    let lists = [("before", &comparison.only_before), ("after", &comparison.only_after)];
    for line in lists.into_iter().filter_map(|(run, cases)| only(run, cases)) {
        let _ = writeln!(text, "- {}", markup::text(&line));
    }
    if !equivalent.is_empty() {
        let count = equivalent.len();
        let table = table(after.target(), comparison, &equivalent);
        let _ = write!(
            text,
            "\n<details><summary>equivalent: {count}</summary>\n\n{table}</details>\n"
        );
    }
    text
}

/// A table with a row for each case, the worst verdict first; empty without cases.
fn table(target: Target, comparison: &Comparison, cases: &[&Change]) -> String {
    if cases.is_empty() {
        return String::new();
    }
    let has_jobs = comparison.cases.iter().any(|it| it.job != comparison.cases[0].job);
    let (unit, time) = time_unit(cases);
    let mut text = format!(
        "| verdict | case | n | speedup | change (95%), + is faster | time, {time} |\n\
         |---|---|--:|--:|--:|--:|\n"
    );
    for verdict in VERDICTS {
        for case in cases.iter().filter(|case| case.verdict == Some(verdict)) {
            let job = if has_jobs { format!("; {}", job(target, case)) } else { String::new() };
            let speedup = match case.is_baseline {
                true => "baseline".to_string(),
                false => figures(&case.speedup, RATIO),
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {speedup} | {} | {} |",
                verdict.word(),
                markup::text(&(name(case) + &job)),
                case.case.count_text(),
                change(case.judged(comparison.judged)),
                figures(&case.time_ns, unit),
            );
        }
    }
    text + "\n"
}
