//! The crossovers of a run in a terminal: a map of the winners, a list and a sentence.

use std::fmt::Write as _;

use super::columns::Columns;
use super::prose::{WIDTH, wrapped};
use crate::analysis::Summary;
use crate::view::crossover::{Ladder, earliest, known, ladders, sentence};
use crate::view::figure::crossings::winners;
use crate::view::figure::map::{Cell, Map};
use crate::view::job::INDISTINGUISHABLE;
use crate::view::nouns::pin;
use crate::view::number::thousands;
use crate::view::text::{clean, length, machine};

/// Map, list and sentence of each ladder of jobs; empty where there is none.
pub fn crossover(summary: &Summary) -> String {
    let mut text = String::new();
    for ladder in ladders(summary) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&heading(summary, &ladder));
        text.push_str(&table(&winners(summary, &ladder)));
        text.push_str(&list(&ladder));
        if let Some(sentence) = sentence(&ladder) {
            text.push_str(&wrapped(&sentence));
        }
    }
    text
}

fn heading(summary: &Summary, ladder: &Ladder<'_>) -> String {
    let mut draws = ladder.winners.iter().map(|it| summary.cases[it.baseline].case.draws);
    let (first, last) = (draws.clone().next().flatten(), draws.next_back().flatten());
    let pin = clean(&pin(ladder.job));
    format!(
        "where parallel begins to pay: {}, {} to {} draws a call{pin}\n{}",
        clean(&ladder.job.kernel),
        thousands(first.unwrap_or_default()),
        thousands(last.unwrap_or_default()),
        wrapped(&machine(summary)),
    )
}

/// The winner of each job (a line) at each thread count (a column): by its name, or by a
/// letter where names have no room.
fn table(map: &Map) -> String {
    let longest = map.winners.iter().map(|(name, _)| length(name)).max().unwrap_or(0);
    // Two letters more for the mark of a tie, or for the largest count in place of a name.
    let fitting = |width: usize| ((WIDTH - 9) / (width + 2)).max(1);
    let (name_width, letter_width) = (longest + 2, "1024".len());
    let are_letters = map.counts.len() > fitting(name_width);
    let (width, columns, head, n) = match are_letters {
        true => (letter_width, fitting(letter_width), "work, n =", ""),
        false => (name_width, map.counts.len().max(1), "work", "n = "),
    };
    let mut text = String::new();
    // Counts that have no room beside each other follow below, with the same rows.
    for first in (0..map.counts.len()).step_by(columns) {
        let shown = first..map.counts.len().min(first + columns);
        let counts = map.counts[shown.clone()].iter().map(|count| format!("{n}{count}"));
        text.push_str(&line(head, counts, width));
        for row in &map.rows {
            let cells = row.cells[shown.clone()].iter().map(|cell| match cell {
                None => String::new(),
                Some(Cell { winner, ties, .. }) => {
                    let name = match are_letters {
                        true => letter(*winner),
                        false => clean(&map.winners[*winner].0),
                    };
                    if ties.is_empty() { name } else { format!("{name} {INDISTINGUISHABLE}") }
                }
            });
            text.push_str(&line(&row.work, cells, width));
        }
    }
    if are_letters {
        let winners = map.winners.iter().enumerate();
        let named = winners.map(|(place, (name, _))| format!("{} {name}", letter(place)));
        text.push_str(&wrapped(&named.collect::<Vec<_>>().join(", ")));
    }
    if map.rows.iter().flat_map(|row| &row.cells).flatten().any(|cell| !cell.ties.is_empty()) {
        let _ = writeln!(
            text,
            "{INDISTINGUISHABLE} statistically indistinguishable from at least one other"
        );
    }
    text
}

fn line(first: &str, cells: impl Iterator<Item = String>, width: usize) -> String {
    let cells = cells.map(|cell| format!("  {cell:<width$}"));
    let text = format!("{first:>9}{}", cells.collect::<String>());
    format!("{}\n", text.trim_end())
}

/// A dot for sequential, letters for the others.
fn letter(place: usize) -> String {
    match place {
        0 => "·".to_string(),
        place => char::from(b'A' + ((place - 1) % 26) as u8).to_string(),
    }
}

/// The crossover of each backend, the earliest first: at the count that pays first.
fn list(ladder: &Ladder<'_>) -> String {
    let rows = earliest(ladder)
        .into_iter()
        .map(|it| vec![it.case.title(), format!("n = {}", it.case.count_text()), known(it)])
        .collect();
    Columns { rows, texts: 3 }.lines().into_iter().map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::synthetic::{case, measured_crossover};
    use crate::record::BASELINE;

    /// Jobs of 1 µs to 4 ms of work under backends that cost so many nanoseconds a
    /// call and speed up like ideal ones, at these counts.
    fn run(backends: &[(&str, f64)], counts: &[u32], rounds: u32) -> Summary {
        let mut cases = Vec::new();
        for draws in (10..23).step_by(2).map(|power| 1_u64 << power) {
            cases.push(case(BASELINE, 1, draws, 1));
            for (name, _) in backends {
                cases.extend(counts.iter().map(|n| case(name, *n, draws, 1)));
            }
        }
        measured_crossover(&cases, rounds, |index, _| {
            let it = &cases[index];
            let cost_ns = backends.iter().find(|(name, _)| *name == it.backend);
            let work_ns = it.draws.unwrap_or_default() as f64;
            cost_ns.map_or(0.0, |(_, ns)| *ns) + work_ns / f64::from(it.nthread)
        })
    }

    #[test]
    fn the_map_the_list_and_the_sentence_fit_a_terminal() {
        // Cost and half the work are the work at 2 ms; on the straight line between the
        // jobs of 1.05 and 4.19 ms, whose speedups are 0.688 and 1.354, at 2.25 ms.
        let backends = [("slow", 1e6), ("fast", 8e3), ("free", 0.0), ("hopeless", 1e9)];
        let text = crossover(&run(&backends, &[2], 9));
        let expected = "\
where parallel begins to pay: pi, 1,024 to 4,194,304 draws a call
4 usable CPUs
     work  n = 2
  1.02 µs  free
  4.10 µs  free
  16.4 µs  free
  65.5 µs  free
   262 µs  free
  1.05 ms  free
  4.19 ms  free
free      n = 2  pays from the smallest job on: ≤ 1.02 µs of work
fast      n = 2  pays from 16.1 µs (16.1 µs – 16.1 µs), 16,092 draws
slow      n = 2  pays from 2.25 ms (2.25 ms – 2.25 ms), 2,254,851 draws
hopeless  n = 2  does not pay: > 4.19 ms of work
free pays from 1.02 µs or less of work, fast from 16.1 µs, slow from 2.25 ms; no
  gain up to 4.19 ms of work: hopeless.
";
        assert_eq!(text, expected);
    }

    #[test]
    fn where_names_have_no_room_winners_have_letters() {
        let counts: Vec<u32> = (1..=16).collect();
        let text = crossover(&run(&[("process-manager", 8e3), ("std-thread", 4e3)], &counts, 9));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("· sequential, A std-thread\n"), "{text}");
        assert!(text.contains("  1.02 µs  ·") && text.contains("A"), "{text}");
        // Sixteen counts are two blocks of lines.
        assert_eq!(text.matches("work, n =  ").count(), 2, "{text}");
    }

    #[test]
    fn of_few_rounds_the_text_says_that_there_is_no_interval() {
        let text = crossover(&run(&[("fast", 8e3)], &[2], 3));
        assert!(text.contains("pays from 16.1 µs (too few rounds for an interval)"), "{text}");
        // Nothing is shown to beat sequential, and nothing to be beaten by it.
        assert!(text.contains("  4.19 ms  sequential ≈"), "{text}");
        assert!(
            text.contains("≈ statistically indistinguishable from at least one other"),
            "{text}"
        );
    }

    #[test]
    fn a_run_with_one_size_of_job_says_nothing() {
        assert_eq!(crossover(&Summary::default()), "");
    }
}
