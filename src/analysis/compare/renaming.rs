//! Commands and functions of two runs that have different names and are the same to the user.

use serde::Serialize;

use crate::analysis::{CaseSummary, Summary};
use crate::record::Case;

/// A name of the run before that stands for another name of the run after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Title of the cases in the run before.
    pub before: String,
    /// Title of the cases in the run after.
    pub after: String,
    /// True if nobody named the two: they have the same place in plans of the same shape.
    pub by_position: bool,
}

/// Gives cases of the run before the names of the run after, as texts `OLD=NEW` say.
///
/// # Errors
/// If a text does not have a title of each run, or two titles would become one.
pub fn rename_by_name(
    before: &mut Summary,
    after: &Summary,
    texts: &[&str],
) -> Result<Vec<Renamed>, String> {
    let (old, new) = (titles(&before.cases), titles(&after.cases));
    let mut renamed = Vec::new();
    for text in texts {
        let pair = pair_of(text, &old, &new)?;
        renamed.push(Renamed { before: pair.0, after: pair.1, by_position: false });
    }
    for (place, it) in renamed.iter().enumerate() {
        let earlier = &renamed[..place];
        if earlier.iter().any(|other| other.before == it.before || other.after == it.after) {
            return Err(format!("{:?} or {:?} is named twice", it.before, it.after));
        }
        if old.contains(&it.after) && !renamed.iter().any(|other| other.before == it.after) {
            return Err(format!(
                "the run before has {:?} as well, so it cannot stand for {:?}, too",
                it.after, it.before
            ));
        }
    }
    apply(before, after, &renamed);
    Ok(renamed)
}

/// Gives the commands or functions of the run before the names of those of the run after, place
/// by place, if the runs share no name and their plans have the same shape: as many names, each
/// with the same settings in the same order.
pub fn rename_by_position(before: &mut Summary, after: &Summary) -> Vec<Renamed> {
    let (old, new) = (titles(&before.cases), titles(&after.cases));
    let are_kernels = before.target().is_kernel() || after.target().is_kernel();
    let share_a_name = old.iter().any(|title| new.contains(title));
    let have_same_shape = before.target() == after.target()
        && old.len() == new.len()
        && old
            .iter()
            .zip(&new)
            .all(|(old, new)| settings_of(&before.cases, old) == settings_of(&after.cases, new));
    if are_kernels || share_a_name || !have_same_shape {
        return Vec::new();
    }
    let pairs = old.into_iter().zip(new);
    let renamed: Vec<Renamed> =
        pairs.map(|(before, after)| Renamed { before, after, by_position: true }).collect();
    apply(before, after, &renamed);
    renamed
}

/// The two titles of a text `OLD=NEW`. A title may contain `=`, so each place is tried.
fn pair_of(text: &str, old: &[String], new: &[String]) -> Result<(String, String), String> {
    let mut places = text.match_indices('=');
    let pair = places.find_map(|(place, _)| {
        let pair = (text[..place].to_string(), text[place + 1..].to_string());
        (old.contains(&pair.0) && new.contains(&pair.1)).then_some(pair)
    });
    pair.ok_or_else(|| {
        format!(
            "{text:?} is not OLD=NEW with a name of each run; before: {}; after: {}",
            quoted(old),
            quoted(new)
        )
    })
}

fn quoted(titles: &[String]) -> String {
    titles.iter().map(|title| format!("{title:?}")).collect::<Vec<_>>().join(", ")
}

/// The titles of the cases, each once, in the order of the plan.
fn titles(cases: &[CaseSummary]) -> Vec<String> {
    let mut titles = Vec::new();
    for title in cases.iter().map(|case| case.case.title()) {
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles
}

/// The settings of the cases of a title, without their name.
fn settings_of(cases: &[CaseSummary], title: &str) -> Vec<Case> {
    let of_title = cases.iter().map(|it| &it.case).filter(|case| case.title() == title);
    of_title
        .map(|case| Case { backend: String::new(), label: String::new(), seed: 0, ..case.clone() })
        .collect()
}

/// Gives cases of the run before the names of the run after.
fn apply(before: &mut Summary, after: &Summary, renamed: &[Renamed]) {
    for case in before.cases.iter_mut().map(|it| &mut it.case) {
        let title = case.title();
        let new = renamed.iter().find(|it| it.before == title).and_then(|it| {
            after.cases.iter().map(|case| &case.case).find(|case| case.title() == it.after)
        });
        if let Some(new) = new {
            case.backend.clone_from(&new.backend);
            case.label.clone_from(&new.label);
            case.start_method.clone_from(&new.start_method);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{COMMAND, Target};

    /// A run of commands, each at the same counts.
    fn run(commands: &[&str], counts: &[u32]) -> Summary {
        let mut summary = Summary::default();
        summary.run.plan.target = Target::Command;
        for command in commands {
            summary.cases.extend(counts.iter().map(|&nthread| CaseSummary {
                case: Case {
                    backend: COMMAND.into(),
                    label: command.to_string(),
                    nthread,
                    ..Case::default()
                },
                ..CaseSummary::default()
            }));
        }
        summary
    }

    #[test]
    fn a_named_command_gets_its_new_name_although_both_contain_an_equals_sign() {
        let mut before = run(&["old/sort --parallel={nthread}", "cat"], &[1, 2]);
        let after = run(&["new/sort --parallel={nthread}", "cat"], &[1, 2]);
        let text = "old/sort --parallel={nthread}=new/sort --parallel={nthread}";
        let renamed = rename_by_name(&mut before, &after, &[text]).expect("two names");
        assert_eq!(titles(&before.cases), titles(&after.cases));
        assert!(!renamed[0].by_position);
    }

    #[test]
    fn a_name_that_no_run_has_is_refused_with_the_names_there_are() {
        let (mut before, after) = (run(&["old"], &[1]), run(&["new"], &[1]));
        let error = rename_by_name(&mut before, &after, &["odl=new"]).expect_err("a typing error");
        assert!(error.contains("before: \"old\"; after: \"new\""), "{error}");
    }

    #[test]
    fn two_commands_cannot_become_one() {
        let after = run(&["new", "other"], &[1]);
        let refused = |commands: &[&str], texts: &[&str]| {
            rename_by_name(&mut run(commands, &[1]), &after, texts).is_err()
        };
        assert!(refused(&["a", "b"], &["a=new", "b=new"]));
        assert!(refused(&["a", "new"], &["a=new"]));
        assert!(!refused(&["a", "new"], &["a=new", "new=other"]));
    }

    #[test]
    fn plans_of_the_same_shape_match_by_position_only_if_no_name_is_shared() {
        let after = run(&["new/a", "new/b"], &[1, 2]);
        let matched = |commands: &[&str], counts: &[u32]| {
            rename_by_position(&mut run(commands, counts), &after).len()
        };
        assert_eq!(matched(&["old/a", "old/b"], &[1, 2]), 2);
        assert_eq!(matched(&["old/a", "old/b"], &[1, 4]), 0);
        assert_eq!(matched(&["old/a"], &[1, 2]), 0);
        assert_eq!(matched(&["old/a", "new/b"], &[1, 2]), 0);
    }
}
