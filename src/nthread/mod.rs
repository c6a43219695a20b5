//! Thread counts: what `--nthread` means, and which counts a run gets when nobody names any.

mod list;
mod variables;

use std::fmt;

pub use list::{ListCause, ListError, Words, parse_list};
pub use variables::{Level, ThreadVariable, VARIABLES, assignments};

/// The most threads that a run may ask for.
pub const MAX_NTHREAD: u32 = 1024;

/// Counts of a longer list are abbreviated in [`Counts::origin`].
const LONGEST_SHOWN: usize = 16;

/// Where thread counts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `--nthread` on the command line.
    Flag,
    /// An environment variable, by name.
    Variable(&'static str),
    /// Nobody said anything: the CPUs that can be used.
    UsableCpus,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Source::Flag => "--nthread",
            Source::Variable(name) => name,
            Source::UsableCpus => "the usable CPUs",
        })
    }
}

/// The counts of a run where nobody names any: powers of two and what lies halfway between them,
/// up to `top`, and `top` itself.
pub fn default_list(top: u32) -> Vec<u32> {
    let top = top.max(1);
    let powers = std::iter::successors(Some(1_u32), |power| power.checked_mul(2));
    let mut counts: Vec<u32> = powers
        .flat_map(|power| [power, power.saturating_add(power / 2)])
        .take_while(|count| *count < top)
        .collect();
    counts.push(top);
    counts.dedup();
    counts
}

/// The thread counts of a run, and where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// The counts, sorted and without duplicates.
    pub counts: Vec<u32>,
    /// Who decided them.
    pub source: Source,
    /// The text of the flag or variable that decided them.
    pub value: Option<String>,
    /// The CPUs that can be used.
    pub usable: u32,
    /// What was set and not followed, each in one sentence for the user.
    pub notes: Vec<String>,
}

impl Counts {
    /// What the user should know of them: the origin first.
    pub fn remarks(&self) -> Vec<String> {
        std::iter::once(self.origin()).chain(self.notes.iter().cloned()).collect()
    }

    /// One sentence that says what the counts are, who decided them and how to override that.
    pub fn origin(&self) -> String {
        let value = self.value.as_deref().unwrap_or_default();
        let from = match &self.source {
            Source::Flag => {
                return format!("thread counts {} from --nthread {value}", self.shown());
            }
            Source::Variable(name) => format!("{name}={value}"),
            Source::UsableCpus => format!("the usable CPUs ({})", self.usable),
        };
        // 1..1 would be an odd thing to advise on a machine with one CPU.
        let end = self.usable.clamp(2, MAX_NTHREAD);
        let shown = self.shown();
        format!("thread counts {shown} from {from}; override with --nthread 1..{end}")
    }

    fn shown(&self) -> String {
        let list = |counts: &[u32]| {
            let texts: Vec<String> = counts.iter().map(u32::to_string).collect();
            texts.join(", ")
        };
        match self.counts.split_last() {
            Some((last, rest)) if rest.len() >= LONGEST_SHOWN => {
                let total = self.counts.len();
                format!("{} … {last} ({total} counts)", list(&rest[..4]))
            }
            _ => list(&self.counts),
        }
    }
}

/// Decides the thread counts of a run.
///
/// `given` is the text of `--nthread` or `HARNESS_NTHREAD`; without it the environment, which
/// `lookup` reads, or else the `usable` CPUs set the top of the default list.
pub fn resolve(
    given: Option<(Source, &str)>,
    lookup: &dyn Fn(&str) -> Option<String>,
    usable: u32,
    cores: u32,
) -> Result<Counts, ListError> {
    let words = Words { cpus: usable, cores };
    let Some((source, text)) = given else {
        return Ok(default_counts(lookup, usable));
    };
    match parse_list(text, words) {
        Ok(counts) => {
            Ok(Counts { counts, source, value: Some(text.to_owned()), usable, notes: Vec::new() })
        }
        Err(error) => Err(ListError { given_by: Some(source), ..error }),
    }
}

fn default_counts(lookup: &dyn Fn(&str) -> Option<String>, usable: u32) -> Counts {
    let mut notes = Vec::new();
    for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"] {
        let Some(value) = lookup(name) else { continue };
        if let Some(top) = top_from_variable(name, &value) {
            return Counts {
                counts: default_list(top),
                source: Source::Variable(name),
                value: Some(value),
                usable,
                notes,
            };
        }
        notes.push(format!(
            "{name}={value:?} is ignored: it is not a number of threads from 1 to {MAX_NTHREAD}"
        ));
    }
    if usable > MAX_NTHREAD {
        notes.push(format!(
            "{usable} CPUs are usable; the counts stop at {MAX_NTHREAD}, the most that a run may have"
        ));
    }
    Counts {
        counts: default_list(usable.min(MAX_NTHREAD)),
        source: Source::UsableCpus,
        value: None,
        usable,
        notes,
    }
}

fn top_from_variable(name: &str, value: &str) -> Option<u32> {
    // OpenMP has one number for each level of nesting; the outermost is the first.
    let number = match name {
        "OMP_NUM_THREADS" => value.split(',').next().unwrap_or_default(),
        _ => value,
    };
    let top = number.trim().parse().ok()?;
    (1..=MAX_NTHREAD).contains(&top).then_some(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            let found = pairs.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        }
    }

    #[test]
    fn an_error_message_has_the_source_the_part_and_an_example() {
        let error = resolve(Some((Source::Flag, "1,5..3")), &|_| None, 8, 4).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--nthread: \"5..3\" at column 3: the range ends before it begins; \
             a correct list is 1..16"
        );
    }

    #[test]
    fn the_default_list_goes_up_to_the_top_and_has_it() {
        assert_eq!(default_list(0), [1]);
        assert_eq!(default_list(1), [1]);
        assert_eq!(default_list(2), [1, 2]);
        assert_eq!(default_list(3), [1, 2, 3]);
        assert_eq!(default_list(4), [1, 2, 3, 4]);
        assert_eq!(default_list(7), [1, 2, 3, 4, 6, 7]);
        assert_eq!(default_list(64), [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]);
        assert_eq!(default_list(u32::MAX).last(), Some(&u32::MAX));
    }

    #[test]
    fn a_given_list_wins_over_the_environment() {
        let lookup = environment(&[("RAYON_NUM_THREADS", "2")]);
        let given = Some((Source::Variable("HARNESS_NTHREAD"), "1..cores"));
        let counts = resolve(given, &lookup, 8, 4).unwrap();
        assert_eq!(counts.counts, [1, 2, 3, 4]);
        assert_eq!(
            counts.origin(),
            "thread counts 1, 2, 3, 4 from HARNESS_NTHREAD=1..cores; override with --nthread 1..8"
        );
    }

    #[test]
    fn rayons_variable_comes_before_openmps() {
        let lookup = environment(&[("RAYON_NUM_THREADS", "3"), ("OMP_NUM_THREADS", "4")]);
        let counts = resolve(None, &lookup, 8, 4).unwrap();
        assert_eq!(counts.counts, [1, 2, 3]);
        assert_eq!(counts.source, Source::Variable("RAYON_NUM_THREADS"));
    }

    #[test]
    fn the_first_of_openmps_numbers_is_the_top() {
        let lookup = environment(&[("OMP_NUM_THREADS", " 4 ,2")]);
        let counts = resolve(None, &lookup, 8, 4).unwrap();
        assert_eq!(counts.counts, [1, 2, 3, 4]);
        assert!(counts.notes.is_empty());
    }

    #[test]
    fn an_unusable_variable_is_ignored_with_a_note() {
        for value in ["0", "", "junk", "1025", "-1", "99999999999"] {
            let lookup = |name: &str| (name == "RAYON_NUM_THREADS").then(|| value.to_owned());
            let counts = resolve(None, &lookup, 2, 2).unwrap();
            assert_eq!(counts.source, Source::UsableCpus);
            assert_eq!(counts.counts, [1, 2]);
            assert_eq!(counts.notes.len(), 1);
            assert!(counts.notes[0].contains(&format!("RAYON_NUM_THREADS={value:?}")));
        }
    }

    #[test]
    fn after_an_unusable_variable_the_next_one_decides() {
        let lookup = environment(&[("RAYON_NUM_THREADS", "0"), ("OMP_NUM_THREADS", "1")]);
        let counts = resolve(None, &lookup, 8, 4).unwrap();
        assert_eq!(counts.counts, [1]);
        assert_eq!(counts.notes.len(), 1);
    }

    #[test]
    fn without_any_word_the_usable_cpus_decide_silently() {
        let counts = resolve(None, &|_| None, 4, 2).unwrap();
        assert!(counts.notes.is_empty());
        assert_eq!(
            counts.origin(),
            "thread counts 1, 2, 3, 4 from the usable CPUs (4); override with --nthread 1..4"
        );
    }

    #[test]
    fn a_machine_with_too_many_cpus_is_cut_with_a_note() {
        let counts = resolve(None, &|_| None, 4096, 2048).unwrap();
        assert_eq!(counts.counts.last(), Some(&MAX_NTHREAD));
        assert_eq!(counts.notes.len(), 1);
    }

    #[test]
    fn a_long_list_is_abbreviated_in_the_origin() {
        let counts = resolve(Some((Source::Flag, "1..100")), &|_| None, 8, 4).unwrap();
        assert_eq!(
            counts.origin(),
            "thread counts 1, 2, 3, 4 … 100 (100 counts) from --nthread 1..100"
        );
    }
}
