//! Thread counts: the grammar of `--nthread`, and the default counts of a machine and environment.

mod list;
mod variables;

use std::fmt;

pub use list::{ListCause, ListError, MachineCounts, parse_list};
pub use variables::{Level, THREAD_VARIABLES, ThreadVariable, assignments};

/// The largest thread count of a run.
pub const MAX_NTHREAD: u32 = 1024;

/// Number of counts from which [`ThreadCounts::origin`] abbreviates a list.
const ABBREVIATED_FROM: usize = 17;

/// The source of thread counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CountSource {
    /// `--nthread` on the command line.
    Flag,
    /// An environment variable, by name.
    Variable(&'static str),
    /// The default: the usable CPUs.
    UsableCpus,
}

impl fmt::Display for CountSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            CountSource::Flag => "--nthread",
            CountSource::Variable(name) => name,
            CountSource::UsableCpus => "the usable CPUs",
        })
    }
}

/// The default counts up to `top`: powers of two, the midpoints between them, and `top` itself.
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
pub struct ThreadCounts {
    /// The counts, sorted and without duplicates.
    pub counts: Vec<u32>,
    /// The source that decided them.
    pub source: CountSource,
    /// The text of the flag or variable that decided them.
    pub value: Option<String>,
    /// The number of usable CPUs.
    pub usable: u32,
    /// One sentence for each setting that was ignored.
    pub notes: Vec<String>,
}

impl ThreadCounts {
    /// One sentence: the counts, their source, and how to override it.
    pub fn origin(&self) -> String {
        let shown = self.shown();
        let value = self.value.as_deref().unwrap_or_default();
        let source = match &self.source {
            CountSource::Flag => return format!("thread counts {shown} from --nthread {value}"),
            CountSource::Variable(name) => format!("{name}={value}"),
            CountSource::UsableCpus => format!("the usable CPUs ({})", self.usable),
        };
        // On a machine with one CPU the advice would be 1..1, which changes nothing.
        let end = self.usable.clamp(2, MAX_NTHREAD);
        format!("thread counts {shown} from {source}; override with --nthread 1..{end}")
    }

    fn shown(&self) -> String {
        let total = self.counts.len();
        let first = if total < ABBREVIATED_FROM { total } else { 4 };
        let texts: Vec<String> = self.counts[..first].iter().map(u32::to_string).collect();
        match self.counts.last() {
            Some(last) if first < total => {
                format!("{} … {last} ({total} counts)", texts.join(", "))
            }
            _ => texts.join(", "),
        }
    }
}

/// Decides the thread counts of a run.
///
/// `given` is the text of `--nthread` or `HARNESS_NTHREAD`. Without it, the environment, which
/// `lookup` reads, or else the `usable` CPUs set the top of the default list.
pub fn resolve(
    given: Option<(CountSource, &str)>,
    lookup: &dyn Fn(&str) -> Option<String>,
    usable: u32,
    cores: u32,
) -> Result<ThreadCounts, ListError> {
    let Some((source, text)) = given else {
        return Ok(default_counts(lookup, usable));
    };
    match parse_list(text, MachineCounts { cpus: usable, cores }) {
        Ok(counts) => {
            let value = Some(text.to_owned());
            Ok(ThreadCounts { counts, source, value, usable, notes: Vec::new() })
        }
        Err(error) => Err(ListError { origin: Some(source), ..error }),
    }
}

fn default_counts(lookup: &dyn Fn(&str) -> Option<String>, usable: u32) -> ThreadCounts {
    let mut notes = Vec::new();
    for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"] {
        let Some(value) = lookup(name) else { continue };
        if let Some(top) = top_from_variable(name, &value) {
            return ThreadCounts {
                counts: default_list(top),
                source: CountSource::Variable(name),
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
            "{usable} CPUs are usable; the counts stop at {MAX_NTHREAD}, the maximum of a run"
        ));
    }
    ThreadCounts {
        counts: default_list(usable.min(MAX_NTHREAD)),
        source: CountSource::UsableCpus,
        value: None,
        usable,
        notes,
    }
}

fn top_from_variable(name: &str, value: &str) -> Option<u32> {
    // OpenMP takes one number for each level of nesting; the outermost comes first.
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
            let (_, value) = pairs.iter().find(|(key, _)| *key == name)?;
            Some((*value).to_owned())
        }
    }

    #[test]
    fn an_error_names_the_source_the_part_and_an_example() {
        let error = resolve(Some((CountSource::Flag, "1,5..3")), &|_| None, 8, 4).unwrap_err();
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
    fn a_given_list_beats_the_environment() {
        let lookup = environment(&[("RAYON_NUM_THREADS", "2")]);
        let given = Some((CountSource::Variable("HARNESS_NTHREAD"), "1..cores"));
        let counts = resolve(given, &lookup, 8, 4).unwrap();
        assert_eq!(counts.counts, [1, 2, 3, 4]);
        assert_eq!(
            counts.origin(),
            "thread counts 1, 2, 3, 4 from HARNESS_NTHREAD=1..cores; override with --nthread 1..8"
        );
    }

    #[test]
    fn the_variable_of_rayon_comes_before_that_of_openmp() {
        let lookup = environment(&[("RAYON_NUM_THREADS", "3"), ("OMP_NUM_THREADS", "4")]);
        let counts = resolve(None, &lookup, 8, 4).unwrap();
        assert_eq!(counts.counts, [1, 2, 3]);
        assert_eq!(counts.source, CountSource::Variable("RAYON_NUM_THREADS"));
    }

    #[test]
    fn the_first_number_of_openmp_is_the_top() {
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
            assert_eq!(counts.source, CountSource::UsableCpus);
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
    fn the_default_is_the_usable_cpus_without_a_note() {
        let counts = resolve(None, &|_| None, 4, 2).unwrap();
        assert!(counts.notes.is_empty());
        assert_eq!(
            counts.origin(),
            "thread counts 1, 2, 3, 4 from the usable CPUs (4); override with --nthread 1..4"
        );
    }

    #[test]
    fn counts_stop_at_the_maximum_with_a_note() {
        let counts = resolve(None, &|_| None, 4096, 2048).unwrap();
        assert_eq!(counts.counts.last(), Some(&MAX_NTHREAD));
        assert_eq!(counts.notes.len(), 1);
    }

    #[test]
    fn a_long_list_is_abbreviated_in_the_origin() {
        let counts = resolve(Some((CountSource::Flag, "1..100")), &|_| None, 8, 4).unwrap();
        assert_eq!(
            counts.origin(),
            "thread counts 1, 2, 3, 4 … 100 (100 counts) from --nthread 1..100"
        );
    }
}
