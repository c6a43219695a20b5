//! `report.md`: the answer, the essence and everything behind it, for a pull
//! request. Its first part goes between the marks of a page, too
//! ([`splice`](mod@super::splice)).

use std::fmt::Write as _;
use std::path::Path;

use super::crossover::crossover;
use super::granularity::granularity;
use super::inner;
use super::markup::{code, table_row, target, text};
use super::plots;
use crate::analysis::{CaseSummary, Summary, jobs};
use crate::quantity::pluralize;
use crate::record::replace_file;
use crate::view::answer;
use crate::view::ending::how_it_ended;
use crate::view::job::{JobView, OVERSUBSCRIBED, job_views};
use crate::view::nouns::{Checks, checks};
use crate::view::table::{Column, MARKDOWN, Table, unit_of};
use crate::view::text::usable_cpus;

/// Writes `report.md`.
///
/// # Errors
/// Where the disk refuses; an older file is left as it was.
pub fn write(summary: &Summary, dir: &Path) -> std::io::Result<()> {
    replace_file(&dir.join("report.md"), page(summary).as_bytes())
}

/// The whole page.
pub fn page(summary: &Summary) -> String {
    let mut page = String::from("# Scaling report\n\n");
    page.push_str(&essence(summary, Path::new(""), "##"));
    page.push_str(&warnings(summary));
    page.push_str(&failures(summary));
    page.push_str(&all_cases(summary));
    page.push_str(&commands(summary));
    page.push_str("\n`harness report` on this directory makes this page again from `run.json` and `samples.csv`.\n");
    page
}

/// The answer, the table and the plot of every job, and the machine that measured
/// them. `dir` is the way from the page to the results directory, `heading` what
/// a heading of that page's level begins with.
pub fn essence(summary: &Summary, dir: &Path, heading: &str) -> String {
    let mut page = String::new();
    if plots::are_jobs_drawn(summary) {
        let suffixes = plots::suffixes(&jobs(summary));
        for (view, suffix) in job_views(summary).iter().zip(suffixes) {
            page.push_str(&essence_of_job(view, heading));
            if view.has_inner {
                page.push_str(&inner::markdown(view));
                page.push_str(&image(dir, &format!("{}{suffix}", plots::INNER.0), plots::INNER.1));
            }
            page.push_str(&image(dir, &format!("speedup{suffix}"), "Speedup against thread count"));
        }
    }
    page.push_str(&crossings(summary, dir));
    let ended = how_it_ended(summary);
    if !ended.is_empty() {
        let _ = writeln!(page, "The run: {}\n", text(ended.trim_end()));
    }
    let _ = writeln!(page, "{}\n", checked(summary));
    let _ = writeln!(page, "{}\n", machine(summary));
    page
}

/// The commands that measured the run: the first, and each that resumed it.
pub fn commands(summary: &Summary) -> String {
    let run = &summary.run;
    let resumed = run.sessions.iter().skip(1).map(|session| session.command.as_str());
    let typed = std::iter::once(run.command.as_str()).chain(resumed);
    let typed: Vec<&str> = typed.filter(|command| !command.is_empty()).collect();
    match typed.is_empty() {
        true => "The command of this run was not recorded.\n".to_string(),
        false => format!("Made with\n\n{}", code("sh", &typed.join("\n"))),
    }
}

fn essence_of_job(view: &JobView<'_>, heading: &str) -> String {
    let mut page = format!("{heading} {}\n\n", text(&view.title()));
    let mut sentences = answer::sentences(view).into_iter();
    if let Some(answer) = sentences.next() {
        let _ = writeln!(page, "**{}**\n", text(&answer));
    }
    for sentence in sentences {
        let _ = writeln!(page, "{}\n", text(&sentence));
    }
    let _ = writeln!(page, "Baseline: {}\n", text(&view.baseline()));
    let count = if view.has_inner { "best n × inner" } else { "best n" };
    page.push_str(&table(view, &view.best_rows(), count));
    page.push('\n');
    page.push_str(&note(view, &view.best()));
    if let Some(note) = view.all_pairs_note() {
        let _ = writeln!(page, "{}\n", text(&note));
    }
    page
}

/// The crossovers and the granularity, as the terminal has them, with plots.
fn crossings(summary: &Summary, dir: &Path) -> String {
    let answers = [crossover(summary), granularity(summary)];
    let answers = answers.iter().map(|text| text.trim_end()).filter(|text| !text.is_empty());
    let mut page: String = answers.map(|text| code("text", text) + "\n").collect();
    for (stem, title) in plots::crossings(summary) {
        page.push_str(&image(dir, &stem, title));
    }
    page
}

/// A plot in a paragraph of its own.
fn image(dir: &Path, stem: &str, title: &str) -> String {
    format!("![{title}]({})\n\n", target(&dir.join(format!("{stem}.png"))))
}

/// The meaning of the mark in a table, where it is in it.
fn note(view: &JobView<'_>, cases: &[&CaseSummary]) -> String {
    match cases.iter().any(|case| case.oversubscribed) {
        true => format!("{}.\n\n", view.oversubscribed_note().replace(OVERSUBSCRIBED, "\\*")),
        false => String::new(),
    }
}

/// Cases as a table, one a row.
fn table(view: &JobView<'_>, cases: &[&CaseSummary], count: &str) -> String {
    let table = Table::new(view, cases, &MARKDOWN, unit_of(cases));
    let head: Vec<String> = table
        .head
        .iter()
        .map(|head| match head.column {
            Column::Count => count.to_string(),
            Column::Efficiency => "efficiency".to_string(),
            _ => head.name.clone(),
        })
        .collect();
    let marks = table.head.iter().map(|head| if head.is_text { "---|" } else { "--:|" });
    let mut page = table_row(&head);
    let _ = writeln!(page, "|{}", marks.collect::<String>());
    for row in &table.rows {
        let cells: Vec<String> = row.cells.iter().map(|cell| text(&cell.0)).collect();
        page.push_str(&table_row(&cells));
    }
    page
}

/// The result of the checks.
fn checked(summary: &Summary) -> String {
    let Checks { passed, count, failed } = checks(summary);
    let calls = &count;
    if let Some(what) = passed {
        return match failed {
            0 => format!("Checked: {what}: {count}."),
            failed => {
                format!(
                    "**{}**, which do not count; no error in {count}.",
                    pluralize(failed, "failed visit")
                )
            }
        };
    }
    match (failed, summary.tally_check.identical()) {
        (0, true) => format!("Every answer was identical: {calls} calls checked."),
        (0, false) => format!("Every answer was checked: {calls} calls."),
        (failed, _) => {
            format!("**{failed} failed visits**, which do not count; {calls} answers checked.")
        }
    }
}

/// The machine, the build and the time of the run.
fn machine(summary: &Summary) -> String {
    let (machine, build) = (&summary.run.machine, &summary.run.build);
    let mut parts = vec![
        machine.cpu_model.clone().unwrap_or_else(|| "unknown CPU".to_string()),
        usable_cpus(summary),
    ];
    parts.extend(machine.kernel.as_ref().map(|kernel| format!("Linux {kernel}")));
    let hypervisor = machine.hypervisor.as_ref().filter(|name| !name.is_empty());
    parts.extend(hypervisor.map(|name| format!("hypervisor {name}")));
    let dirty = if build.git_dirty { ", with changes" } else { "" };
    let commit = match build.git_commit.as_str() {
        "" => String::new(),
        commit => format!(" ({commit}{dirty})"),
    };
    let by = [format!("nthread {}{commit}", build.version), build.rustc.clone()];
    let by: Vec<&str> = by.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let began = summary.run.sessions.first().map_or("", |session| &session.start);
    let when = if began.is_empty() { String::new() } else { format!(" {began}") };
    text(&format!("Measured{when} on {}, by {}.", parts.join(", "), by.join(", ")))
}

fn warnings(summary: &Summary) -> String {
    if summary.warnings.is_empty() {
        return String::new();
    }
    let mut page = String::from("## Warnings\n\n");
    for warning in &summary.warnings {
        let (message, advice) = (text(&warning.message), text(&warning.advice));
        let _ = writeln!(page, "- **{message}** – try: {advice}");
    }
    page + "\n"
}

fn failures(summary: &Summary) -> String {
    let mut failed = summary.cases.iter().filter(|case| !case.problems.is_empty()).peekable();
    if failed.peek().is_none() {
        return String::new();
    }
    let mut page = String::from("## Failed visits\n\n");
    for case in failed {
        let (name, count) = (case.case.title_with_count(), case.problems.len());
        let _ =
            writeln!(page, "- {}: {count}, the first: {}", text(&name), text(&case.problems[0]));
    }
    page + "\n"
}

/// The table of all cases, folded away, with the other plots.
fn all_cases(summary: &Summary) -> String {
    let is_drawn = plots::are_jobs_drawn(summary);
    let plots_too = if is_drawn { ", and more plots" } else { "" };
    let mut page = format!(
        "<details>\n<summary>All {}{plots_too}</summary>\n\n",
        pluralize(summary.cases.len(), "case")
    );
    let suffixes = plots::suffixes(&jobs(summary));
    for (view, suffix) in job_views(summary).iter().zip(suffixes) {
        let _ = writeln!(page, "### {}\n", text(&view.title()));
        page.push_str(&table(view, &view.job.cases, "n"));
        let _ = write!(page, "\n{}", note(view, &view.job.cases));
        let more = plots::names(summary.target(), &view.job);
        for (stem, title) in more.filter(|(stem, _)| is_drawn && *stem != "speedup") {
            page.push_str(&image(Path::new(""), &format!("{stem}{suffix}"), title));
        }
    }
    page + "</details>\n\n"
}

#[cfg(test)]
mod tests;
