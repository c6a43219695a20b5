//! A comparison in a terminal of 80 columns.

use std::fmt::Write as _;

use super::words::{
    RATIO, VERDICTS, baseline, change, figures, headline, job, name, only, remarks, time_unit,
};
use super::{Names, when};
use crate::analysis::{Change, Comparison, Conclusion, Summary};
use crate::record::Target;
use crate::report::Style;
use crate::report::columns::Columns;
use crate::report::prose::{WIDTH, wrapped};
use crate::stats::Verdict;
use crate::view::number::Unit;
use crate::view::text::clean;

/// The indentation of the lines of a table below their verdict.
const INDENT: &str = "  ";

/// The comparison, its conclusion last.
pub fn text(
    comparison: &Comparison,
    [before, after]: [&Summary; 2],
    names: Names<'_>,
    style: Style,
) -> String {
    let mut text = format!("before: {} ({})\n", clean(names.before), when(before));
    let _ = writeln!(text, "after:  {} ({})", clean(names.after), when(after));
    let mut jobs: Vec<usize> = comparison.cases.iter().map(|change| change.job).collect();
    jobs.dedup();
    for number in jobs {
        let cases: Vec<&Change> =
            comparison.cases.iter().filter(|change| change.job == number).collect();
        text.push_str(&of_job(after.target(), comparison, &cases, style));
    }
    text.extend(only("before", &comparison.only_before).map(|line| wrapped(&line)));
    text.extend(only("after", &comparison.only_after).map(|line| wrapped(&line)));
    text.push('\n');
    for remark in remarks(comparison) {
        text.push_str(&wrapped(&remark));
    }
    let colour = match comparison.conclusion {
        Conclusion::Regression => colour_of(Verdict::Slower),
        Conclusion::Undecided => colour_of(Verdict::Unresolved),
        Conclusion::Passed => colour_of(Verdict::Faster),
    };
    text.push_str(&painted(&wrapped(&headline(comparison)), colour, style));
    text
}

/// The cases of a job, those that changed first.
fn of_job(target: Target, comparison: &Comparison, cases: &[&Change], style: Style) -> String {
    let mut text = format!("\n{}\n", clean(&job(target, cases[0])));
    for change in cases.iter().filter(|change| change.is_baseline) {
        text.push_str(&wrapped(&baseline(change, comparison.judged)));
    }
    let judged: Vec<&Change> =
        cases.iter().copied().filter(|change| change.verdict.is_some()).collect();
    if judged.is_empty() {
        return text;
    }
    let (unit, time) = time_unit(&judged);
    let head = ["case", "n", "speedup", "change (95%), + is faster", &format!("time, {time}")];
    let mut rows = vec![head.map(str::to_string).to_vec()];
    let mut verdicts = vec![None];
    for verdict in VERDICTS {
        for case in judged.iter().filter(|change| change.verdict == Some(verdict)) {
            rows.push(row(comparison, case, unit));
            verdicts.push(Some(verdict));
        }
    }
    let lines = Columns { rows, texts: 1 }.fitting_lines(WIDTH - INDENT.len(), &[]);
    let mut last = None;
    for (line, verdict) in lines.iter().zip(verdicts) {
        if let Some(verdict) = verdict.filter(|_| verdict != last) {
            text.push_str(&painted(&format!("{}:\n", verdict.word()), colour_of(verdict), style));
        }
        last = verdict;
        let _ = writeln!(text, "{INDENT}{line}");
    }
    text
}

/// The cells of a case: name, count, speedups, change and times.
fn row(comparison: &Comparison, case: &Change, unit: Unit) -> Vec<String> {
    vec![
        clean(&name(case)),
        case.case.count_text(),
        if case.is_baseline { "baseline".to_string() } else { figures(&case.speedup, RATIO) },
        change(case.judged(comparison.judged)),
        figures(&case.time_ns, unit),
    ]
}

fn colour_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Slower => "1;31",
        Verdict::Faster => "1;32",
        Verdict::Unresolved => "33",
        Verdict::Equivalent => "2",
    }
}

/// Text in a colour, line by line, so that a pager may cut anywhere.
fn painted(text: &str, colour: &str, style: Style) -> String {
    match style {
        Style::Plain => text.to_string(),
        Style::Bold => text.lines().map(|line| format!("\x1b[{colour}m{line}\x1b[0m\n")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_way_where_the_line_is_full() {
        let row = ["x".repeat(90), "16".into(), "1".repeat(11), "2".repeat(24), "3".repeat(11)];
        let columns = Columns { rows: vec![row.to_vec()], texts: 1 };
        let line = &columns.fitting_lines(WIDTH - INDENT.len(), &[])[0];
        assert!(line.chars().count() + INDENT.len() <= WIDTH, "{line}");
        assert!(line.contains("x…") && line.ends_with('3'), "{line}");
    }
}
