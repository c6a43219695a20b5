//! The smallest useful task of each backend in a terminal.

use std::fmt::Write as _;
use std::iter::once;

use super::columns::Columns;
use super::prose::wrapped;
use crate::analysis::Summary;
use crate::view::granularity::{METHOD, notes, rows, shown};
use crate::view::text::{clean, machine};

/// A table and a sentence for the smallest tasks; empty where chunks are no axis.
pub fn granularity(summary: &Summary) -> String {
    let shown = shown(summary);
    let Some(first) = shown.first() else { return String::new() };
    let mut text = format!(
        "how small may a task be: {}, blocks of {} draws, n = {}\n{}",
        clean(&first.case.kernel),
        first.case.block,
        first.case.nthread,
        wrapped(&machine(summary)),
    );
    let head = ["backend", "METG(50%) (95% interval)", "METG(95%) (95% interval)"];
    let rows = rows(&shown).into_iter().map(Vec::from);
    let rows = once(head.map(str::to_string).to_vec()).chain(rows).collect();
    for line in (Columns { rows, texts: 3 }).lines() {
        let _ = writeln!(text, "{line}");
    }
    notes(&shown).iter().for_each(|note| text.push_str(&wrapped(note)));
    text.push_str(&wrapped(METHOD));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::synthetic::{case, measured_metg};
    use crate::record::{BASELINE, Case};

    /// Tasks of 64 ns to 262 µs, 256 a call, under backends that cost so many
    /// nanoseconds a task, at two threads.
    fn run(backends: &[(&str, f64)], rounds: u32) -> Summary {
        let mut cases: Vec<Case> = Vec::new();
        for chunk in (0..14).step_by(2).map(|power| 1_u64 << power) {
            cases.push(case(BASELINE, 1, 64 * 256 * chunk, 1));
            cases.extend(backends.iter().map(|(name, _)| case(name, 2, 64 * 256 * chunk, chunk)));
        }
        measured_metg(&cases, rounds, |index, _| {
            let it = &cases[index];
            let work_ns = it.draws.unwrap_or_default() as f64;
            let cost_ns = backends.iter().find(|(name, _)| *name == it.backend);
            let cost_ns = 256.0 * cost_ns.map_or(0.0, |(_, ns)| *ns);
            if it.is_baseline() { work_ns } else { (work_ns + cost_ns) / 2.0 }
        })
    }

    #[test]
    fn the_table_has_the_smallest_first_and_refuses_in_words() {
        // Tasks of 4.096 µs and 4 µs for each are 50.6% efficient, those of 1.024 µs
        // 20.4%: on the straight line between them, 50% are reached at 8.02 µs.
        let backends = [("slow", 4e3), ("hopeless", 1e9), ("free", 0.0), ("odd", -40.0)];
        let text = granularity(&run(&backends, 9));
        let table: Vec<&str> = text.lines().skip(2).take(5).collect();
        let expected = [
            "backend   METG(50%) (95% interval)      METG(95%) (95% interval)",
            "free      ≤ 64.0 ns                     ≤ 64.0 ns",
            "slow      8.02 µs (8.02 µs – 8.02 µs)   88.2 µs (88.2 µs – 88.2 µs)",
            "hopeless  > 1.00 s                      > 1.00 s",
            "odd       refused                       refused",
        ];
        for (found, expected) in table.iter().zip(expected) {
            let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(plain(found), plain(expected), "{text}");
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "free: no METG(50%): its smallest tasks, 64.0 ns, are 100% efficient",
            "hopeless: no METG(95%): its largest tasks, 1.00 s, are only 0.0262% efficient",
            "odd: no METG: tasks of 24.0 ns are 267% efficient, so the sequential loop is not the",
            "METG(50%): the smallest task",
        ] {
            assert!(words.contains(part), "{part:?} is not in {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn without_chunks_there_is_nothing_to_say() {
        assert_eq!(granularity(&Summary::default()), "");
    }
}
