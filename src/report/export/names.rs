//! The names of cases in the files of other tools: no two alike.

use std::collections::{HashMap, HashSet};

use crate::record::Case;

/// Names for people: backend and thread count, and of the other settings those
/// in which cases differ that would else have the same name.
pub fn short(cases: &[&Case]) -> Vec<String> {
    if cases.iter().all(|case| case.is_command()) {
        return commands(cases);
    }
    let mut of_title: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    for case in cases {
        of_title.entry(case.title_with_count()).or_default().push(settings(case));
    }
    let names = cases.iter().map(|case| {
        let title = case.title_with_count();
        let namesakes = &of_title[&title];
        let own = settings(case).into_iter().enumerate();
        let differing =
            own.filter(|(at, setting)| namesakes.iter().any(|other| other[*at] != *setting));
        let words = std::iter::once(title.clone()).chain(differing.map(|(_, setting)| setting));
        words.collect::<Vec<_>>().join(", ")
    });
    unique(names)
}

/// Commands as they ran; those of which the counts do not tell, with the counts.
fn commands(cases: &[&Case]) -> Vec<String> {
    let names: Vec<String> = cases.iter().map(|case| case.substitute(&case.label)).collect();
    unique(cases.iter().zip(&names).map(|(case, name)| {
        let namesakes = names.iter().filter(|other| *other == name).count();
        if namesakes > 1 { case.title_with_count() } else { name.clone() }
    }))
}

/// Names for a history: every setting in each, so that the name of a case does
/// not change when others come or go, and another job is not taken for the same.
pub fn whole(cases: &[&Case], most_bytes: usize) -> Vec<String> {
    unique(cases.iter().map(|case| {
        let settings: Vec<String> =
            settings(case).into_iter().filter(|setting| !setting.is_empty()).collect();
        let name = format!("{}, {}", case.title_with_count(), settings.join(", "));
        // Room for the number that tells equal names apart; no character is cut in two.
        let room = most_bytes.saturating_sub(" (1234567)".len()).min(name.len());
        let end = (0..=room).rev().find(|end| name.is_char_boundary(*end));
        name[..end.unwrap_or(0)].to_string()
    }))
}

/// The settings of a case that are not in its title, in words; as many for every case.
fn settings(case: &Case) -> Vec<String> {
    let chunk = case.chunk.map_or(String::new(), |chunk| format!(" {chunk}"));
    let pin = if case.pin == "none" { "" } else { &case.pin };
    let has_draws = case.draws.is_some() || case.block > 0;
    let scaling = if case.scaling == "strong" { "" } else { &case.scaling };
    vec![
        case.kernel.clone(),
        case.draws.map_or(String::new(), |draws| format!("{draws} draws")),
        format!("{}{chunk}", case.schedule),
        unless_empty("pinned ", pin),
        scaling.to_string(),
        format!("{} inner", case.inner_nthread),
        if has_draws { format!("block {}", case.block) } else { String::new() },
        if has_draws { format!("seed {}", case.seed) } else { String::new() },
    ]
}

fn unless_empty(before: &str, word: &str) -> String {
    if word.is_empty() { String::new() } else { format!("{before}{word}") }
}

/// Numbers those that are the same.
fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut used: HashSet<String> = HashSet::new();
    let mut unique: Vec<String> = Vec::new();
    for name in names {
        let numbered = (2..).map(|count| format!("{name} ({count})"));
        // The first of equals keeps its name, so that adding a namesake renames nobody.
        let mut free = std::iter::once(name.clone()).chain(numbered);
        let name = free.find(|name| used.insert(name.clone())).unwrap_or(name);
        unique.push(name);
    }
    unique
}
