//! The placeholders `{nthread}` and `{inner}` in commands and their settings.

use crate::cli::given::{Given, UsageError};

/// The axes of a sweep of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axes {
    /// Thread counts.
    Nthread,
    /// Thread counts, and threads inside each worker.
    NthreadAndInner,
}

impl Axes {
    /// The axes of a sweep with these counts of inner threads.
    pub fn of(inner: &[u32]) -> Axes {
        if inner.is_empty() { Axes::Nthread } else { Axes::NthreadAndInner }
    }
}

const NTHREAD: &str = "nthread";
const INNER: &str = "inner";

/// Returns `true` if a text has no placeholder.
pub fn is_fixed(text: &str) -> bool {
    !(text.contains("{nthread}") || text.contains("{inner}"))
}

/// Refuses misspelt placeholders, and `{inner}` without an inner axis. Other braces, for example
/// those of awk, JSON or find, are literal.
///
/// # Errors
/// The placeholder that was probably meant.
pub fn check(given: &Given, axes: Axes) -> Result<(), UsageError> {
    for (has_dollar, word) in words_in_braces(&given.text) {
        match similar(word) {
            // ${OMP_NUM_THREADS} is a variable of the shell.
            similar if has_dollar && similar != Some(word) => {}
            None => {}
            Some(placeholder) if has_dollar => {
                return Err(given.error(format!(
                    "${{{word}}} would become $ and a count: write {{{placeholder}}} without the $"
                )));
            }
            Some(INNER) if axes == Axes::Nthread => {
                return Err(given.error(format!(
                    "{{{word}}} is the number of threads inside each worker: give it with \
                     --inner-nthread, or write {{nthread}}"
                )));
            }
            Some(placeholder) if placeholder != word => {
                return Err(given.error(format!(
                    "there is no placeholder {{{word}}}; did you mean {{{placeholder}}}?"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Every `{word}` of a text, with whether a `$` precedes it.
fn words_in_braces(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.match_indices('{').filter_map(|(start, _)| {
        let (word, _) = text[start + 1..].split_once('}')?;
        let is_name = !word.trim().is_empty()
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "_- ".contains(c));
        is_name.then_some((text[..start].ends_with('$'), word))
    })
}

/// The placeholder that a word equals or resembles.
fn similar(word: &str) -> Option<&'static str> {
    let plain = word.trim().to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&plain, name);
    if plain.contains(INNER) || distance(INNER) <= 1 {
        Some(INNER)
    } else if plain.contains("thread") || plain == "n" || distance(NTHREAD) <= 2 {
        Some(NTHREAD)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::given::Source;

    fn checked(text: &str, axes: Axes) -> Result<(), String> {
        let given = Given { source: Source::Flag("--command".to_string()), text: text.to_string() };
        check(&given, axes).map_err(|error| error.to_string())
    }

    #[test]
    fn a_misspelt_placeholder_is_refused_with_a_suggestion() {
        for word in
            ["nthreads", "threads", "n", "N", "NTHREAD", "ntread", " nthread ", "num_threads"]
        {
            let error = checked(&format!("./prog -t {{{word}}}"), Axes::Nthread).expect_err(word);
            assert!(error.contains("did you mean {nthread}?"), "{error}");
            assert!(error.starts_with("--command: "), "{error}");
        }
        for word in ["iner", "inner_nthread", "INNER"] {
            let error =
                checked(&format!("./prog -t {{{word}}}"), Axes::NthreadAndInner).expect_err(word);
            assert!(error.contains("did you mean {inner}?"), "{error}");
        }
    }

    #[test]
    fn other_braces_are_literal() {
        for text in [
            "awk '{print $1}'",
            "awk '{ n++ } END { print n }'",
            "find . -exec grep x {} ;",
            r#"curl -d '{"threads": 4}'"#,
            "./prog --size {big} {nthread}",
            "echo {a,b} {1..4} {",
            "echo ${OMP_NUM_THREADS} ${n}",
        ] {
            assert_eq!(checked(text, Axes::Nthread), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_inner_count_needs_an_inner_axis() {
        let error = checked("./prog {nthread} {inner}", Axes::Nthread).expect_err("no axis");
        assert!(error.contains("--inner-nthread"), "{error}");
        assert_eq!(checked("./prog {nthread} {inner}", Axes::NthreadAndInner), Ok(()));
    }

    #[test]
    fn a_placeholder_after_a_dollar_is_refused() {
        let error = checked("./prog ${nthread}", Axes::Nthread).expect_err("a dollar");
        assert!(error.contains("without the $"), "{error}");
    }
}
