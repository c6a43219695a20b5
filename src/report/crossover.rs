//! The crossovers of a run in a terminal: a map of the winners, a list and a sentence.

use std::fmt::Write as _;

use super::columns::Columns;
use super::prose::{WIDTH, wrapped};
use crate::analysis::{Summary, Winner};
use crate::view::crossover::{Ladder, earliest, known, ladders, sentence};
use crate::view::job::INDISTINGUISHABLE;
use crate::view::nouns::pin;
use crate::view::number::{thousands, time};
use crate::view::text::{clean, machine};

/// Map, list and sentence of each ladder of jobs; empty where there is none.
pub fn crossover(summary: &Summary) -> String {
    let mut text = String::new();
    for ladder in ladders(summary) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&heading(summary, &ladder));
        text.push_str(&map(summary, &ladder));
        text.push_str(&list(&ladder));
        if let Some(sentence) = sentence(&ladder) {
            text.push_str(&wrapped(&sentence));
        }
    }
    text
}

fn heading(summary: &Summary, ladder: &Ladder<'_>) -> String {
    let draws = |winner: &&Winner| summary.cases[winner.baseline].case.draws.unwrap_or_default();
    let (Some(first), Some(last)) = (ladder.winners.first(), ladder.winners.last()) else {
        return String::new();
    };
    let pin = clean(&pin(ladder.job));
    format!(
        "where parallel begins to pay: {}, {} to {} draws a call{pin}\n{}",
        clean(&ladder.job.kernel),
        thousands(draws(first)),
        thousands(draws(last)),
        wrapped(&machine(summary)),
    )
}

/// The winner of each job (a line) at each thread count (a column).
fn map(summary: &Summary, ladder: &Ladder<'_>) -> String {
    let mut counts: Vec<u32> = ladder.winners.iter().map(|winner| winner.nthread).collect();
    counts.sort_unstable();
    counts.dedup();
    let names = Names::of(summary, ladder, counts.len());
    let work_of =
        |winner: &Winner| summary.cases[winner.baseline].median_ns.map_or("?".into(), time);
    let mut text = String::new();
    for counts in counts.chunks(names.columns) {
        let n = if names.are_letters { "" } else { "n = " };
        let header = counts.iter().map(|count| format!("{n}{count}"));
        let work = if names.are_letters { "work, n =" } else { "work" };
        text.push_str(&line(work, header, names.width));
        for row in ladder.winners.chunk_by(|one, other| one.baseline == other.baseline) {
            let cell = |count: &u32| {
                let winner = row.iter().find(|winner| winner.nthread == *count);
                winner.map_or(String::new(), |winner| names.cell(summary, winner))
            };
            text.push_str(&line(&work_of(row[0]), counts.iter().map(cell), names.width));
        }
    }
    text.push_str(&names.legend());
    if ladder.winners.iter().any(|winner| !winner.ties.is_empty()) {
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

/// The names of winners, or letters where names have no room.
struct Names {
    names: Vec<String>,
    are_letters: bool,
    /// The width of a cell.
    width: usize,
    /// Columns beside each other.
    columns: usize,
}

impl Names {
    fn of(summary: &Summary, ladder: &Ladder<'_>, columns: usize) -> Names {
        let mut names = vec!["sequential".to_string()];
        for winner in &ladder.winners {
            let name = winner.case.map(|case| summary.cases[case].case.title());
            names.extend(name.filter(|name| !names.contains(name)));
        }
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) + 2;
        let fitting = |width: usize| ((WIDTH - 9) / (width + 2)).max(1);
        if columns <= fitting(longest) {
            return Names { names, are_letters: false, width: longest, columns };
        }
        let width = "1024".len();
        Names { names, are_letters: true, width, columns: columns.min(fitting(width)) }
    }

    fn cell(&self, summary: &Summary, winner: &Winner) -> String {
        let name = winner.case.map_or("sequential".into(), |case| summary.cases[case].case.title());
        let place = self.names.iter().position(|other| *other == name).unwrap_or(0);
        let name = if self.are_letters { letter(place) } else { clean(&name) };
        if winner.ties.is_empty() { name } else { format!("{name} {INDISTINGUISHABLE}") }
    }

    fn legend(&self) -> String {
        if !self.are_letters {
            return String::new();
        }
        let named = self.names.iter().enumerate();
        let named: Vec<String> =
            named.map(|(place, name)| format!("{} {name}", letter(place))).collect();
        wrapped(&named.join(", "))
    }
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
