//! What was found of a job beside its answer in one sentence.

use serde::Serialize;

use crate::analysis::{BestCount, CaseSummary, Job, Ranking, Summary};
use crate::view::nouns::{Nouns, nouns};
use crate::view::number::digits;
use crate::view::verdict::shortfall;

/// What an answer rests on.
#[derive(Debug, Default, Serialize)]
pub(super) struct Found {
    /// Index of the fastest case.
    winner: Option<usize>,
    /// Ends of the interval of its speedup, which holds although it was picked for it.
    speedup_low: Option<f64>,
    speedup_high: Option<f64>,
    /// Sentences.
    notes: Vec<String>,
    /// Of each series: name, best count, counts that cannot be told from it, and whether
    /// it differs from its neighbours.
    counts: Vec<[String; 4]>,
    /// Why cases fall short.
    shortfalls: Vec<String>,
}

/// All that was found of a job.
pub(super) fn of(summary: &Summary, job: &Job<'_>) -> Found {
    let shortfalls = job.cases.iter().filter_map(|case| shortfall(case)).map(sentence).collect();
    let Some(answer) = summary.ranking_of(job) else {
        return Found { shortfalls, ..Found::default() };
    };
    let count = |best: &BestCount| Some(row(summary.cases.get(best.case)?, best));
    Found {
        winner: answer.winner,
        speedup_low: answer.speedup_low,
        speedup_high: answer.speedup_high,
        notes: notes(summary, answer, nouns(summary.target())),
        counts: answer.series.iter().filter_map(count).collect(),
        shortfalls,
    }
}

/// What was compared, and what could have been found.
fn notes(summary: &Summary, answer: &Ranking, words: Nouns) -> Vec<String> {
    let mut notes = Vec::new();
    let fastest: Vec<&CaseSummary> =
        answer.fastest.iter().filter_map(|case| summary.cases.get(*case)).collect();
    if !fastest.is_empty() {
        notes.push(format!(
            "The set of the fastest, with 95% confidence: {}.",
            by_backend(&fastest)
        ));
    }
    if let Some(effect) = answer.smallest_effect {
        notes.push(format!(
            "A difference of {}% to the fastest would have been found in four of five such runs, \
             whichever {} had it ({} rounds in common).",
            digits(100.0 * effect),
            words.one,
            answer.rounds
        ));
    }
    if let (Some(count), Some(needed)) = (answer.ranked_nthread, answer.rounds_needed) {
        let inner = answer.ranked_inner_nthread.filter(|inner| *inner > 1);
        let count = inner.map_or(count.to_string(), |inner| format!("{count} × {inner}"));
        notes.push(format!(
            "To rank all {} at n = {count} pair by pair needs {needed} rounds.",
            words.many
        ));
    }
    notes
}

/// Each backend once, with its thread counts: "a at 1, 2; b at 2".
fn by_backend(cases: &[&CaseSummary]) -> String {
    let mut names: Vec<(String, Vec<String>)> = Vec::new();
    for case in cases {
        let (name, count) = (case.case.title(), case.case.count());
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, counts)) => counts.push(count),
            None => names.push((name, vec![count])),
        }
    }
    let text = names.iter().map(|(name, counts)| format!("{name} at {}", counts.join(", ")));
    text.collect::<Vec<_>>().join("; ")
}

fn row(case: &CaseSummary, best: &BestCount) -> [String; 4] {
    let (low, high) = (best.nthread_low, best.nthread_high);
    let ties = if low == high { "none other".to_string() } else { format!("{low} to {high}") };
    let differs = match best.differs_from_neighbours {
        Some(true) => "differs from both neighbours",
        Some(false) => "cannot be told from a neighbour",
        None => "nothing to compare, or too few rounds",
    };
    [case.case.title(), case.case.count(), ties, differs.to_string()]
}

fn sentence(text: String) -> String {
    format!("{text}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::jobs;
    use crate::analysis::synthetic::{Noise, case, measured};
    use crate::record::{BASELINE, Preset};

    #[test]
    fn the_set_of_the_fastest_and_the_best_counts_are_told() {
        let cases = [case(BASELINE, 1, 64, 1), case("a", 2, 64, 1), case("b", 2, 64, 1)];
        let mut noise = Noise::new(3);
        let summary = measured(Preset::Sweep, &cases, 20, |index, _| {
            1e6 / [1.0, 1.5, 1.9][index] * noise.factor(0.01)
        });
        let found = of(&summary, &jobs(&summary)[0]);
        assert_eq!(found.winner, Some(2));
        assert!(found.notes[0].ends_with("confidence: b at 2."), "{found:?}");
        assert!(found.notes[1].starts_with("A difference of "), "{found:?}");
        assert_eq!((found.counts.len(), &*found.counts[0][1]), (2, "2"));
    }
}
