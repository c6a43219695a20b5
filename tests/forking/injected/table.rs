//! Table of the counts.

use nthread::analysis::Code;

use super::fault::{Fault, Flag};
use super::verdict::Verdict;

/// Prints a line for each kind of fault, and the sums.
pub fn print(verdicts: &[(Fault, Verdict)]) {
    println!(
        "| fault | injected | flagged as | flagged | in a headline number | clean visits | false alarms |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|");
    let mut sum = Verdict::default();
    for (fault, verdict) in verdicts {
        let flag = flag(*fault, verdict.is_crafted);
        line(fault.about(), verdict, &flag, *fault == Fault::OtherLoad);
        let in_headline = if *fault == Fault::OtherLoad { 0 } else { verdict.in_headline };
        sum += Verdict { in_headline, ..verdict.clone() };
    }
    line("all", &sum, "", false);
    for (fault, verdict) in verdicts {
        if *fault == Fault::OtherLoad {
            let Verdict { clean, starved, .. } = verdict;
            println!("without the competitor, {starved} of {clean} visits waited for a CPU too");
        }
        for (said, times) in &verdict.odd {
            println!("{}: {times} times {said}", fault.about());
        }
    }
}

fn line(about: &str, verdict: &Verdict, flag: &str, is_by_design: bool) {
    let Verdict { injected, flagged, in_headline, clean, false_alarms, .. } = verdict;
    let in_headline =
        if is_by_design { "all: it warns".to_string() } else { in_headline.to_string() };
    println!(
        "| {about} | {injected} | {flag} | {flagged} | {in_headline} | {clean} | {false_alarms} |"
    );
}

fn flag(fault: Fault, is_crafted: bool) -> String {
    let crafted = if is_crafted { " (crafted rows)" } else { "" };
    match fault.flag() {
        Flag::Row(words) => format!("error row: “{}”", words.join("…").trim()),
        Flag::LeftOut(_, code) => format!("left out, warning `{}`{crafted}", name(code)),
        Flag::Evidence(code) => format!("warning `{}`", name(code)),
        Flag::ExitCode => "exit code 1, whole visits kept".to_string(),
    }
}

/// Name of a code in the summary file.
fn name(code: Code) -> String {
    serde_json::to_value(code)
        .ok()
        .and_then(|it| Some(it.as_str()?.to_string()))
        .unwrap_or_default()
}
