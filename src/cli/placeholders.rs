//! `{nthread}` and `{inner}` in what is typed for commands.

use super::values::{Given, UsageError};

/// The axes of a sweep of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axes {
    /// Thread counts.
    One,
    /// And threads inside each worker.
    Inner,
}

impl Axes {
    /// Those of a sweep with such counts of inner threads, none where they are no axis.
    pub fn of(inner: &[u32]) -> Axes {
        if inner.is_empty() { Axes::One } else { Axes::Inner }
    }
}

const NTHREAD: &str = "nthread";
const INNER: &str = "inner";

/// Whether a text is the same for all counts.
pub fn is_fixed(text: &str) -> bool {
    !(text.contains("{nthread}") || text.contains("{inner}"))
}

/// Refuses a placeholder that nothing would replace, or not as it was meant. Braces
/// that hold anything else are none of our business: awk's, JSON's, find's.
///
/// # Errors
/// What was meant.
pub fn check(given: &Given, axes: Axes) -> Result<(), UsageError> {
    for (is_of_shell, word) in words_in_braces(&given.text) {
        match meant(word) {
            // ${OMP_NUM_THREADS} is a variable of the shell.
            meant if is_of_shell && meant != Some(word) => {}
            None => {}
            Some(meant) if is_of_shell => {
                return Err(given.error(format!(
                    "${{{word}}} would become $ and a count: write {{{meant}}} without the $"
                )));
            }
            Some(INNER) if axes == Axes::One => {
                return Err(given.error(format!(
                    "{{{word}}} is the number of threads inside each worker: say which with \
                     --inner-nthread, or write {{nthread}}"
                )));
            }
            Some(meant) if meant != word => {
                return Err(given.error(format!(
                    "there is no placeholder {{{word}}}; did you mean {{{meant}}}?"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Every `{word}` of a text, and whether a `$` stands before it.
fn words_in_braces(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.match_indices('{').filter_map(|(start, _)| {
        let (word, _) = text[start + 1..].split_once('}')?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_- ".contains(c);
        let is_one = !word.trim().is_empty() && word.chars().all(is_word);
        is_one.then_some((text[..start].ends_with('$'), word))
    })
}

/// The placeholder that is meant by a word, if one is.
fn meant(word: &str) -> Option<&'static str> {
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
    use super::super::values::Origin;
    use super::*;

    fn checked(text: &str, axes: Axes) -> Result<(), String> {
        let given = Given { origin: Origin::Flag("--command"), text: text.to_string() };
        check(&given, axes).map_err(|error| error.to_string())
    }

    #[test]
    fn a_misspelt_placeholder_is_refused_with_what_was_meant() {
        for word in
            ["nthreads", "threads", "n", "N", "NTHREAD", "ntread", " nthread ", "num_threads"]
        {
            let error = checked(&format!("./prog -t {{{word}}}"), Axes::One).expect_err(word);
            assert!(error.contains("did you mean {nthread}?"), "{error}");
            assert!(error.starts_with("--command: "), "{error}");
        }
        for word in ["iner", "inner_nthread", "INNER"] {
            let error = checked(&format!("./prog -t {{{word}}}"), Axes::Inner).expect_err(word);
            assert!(error.contains("did you mean {inner}?"), "{error}");
        }
    }

    #[test]
    fn other_braces_are_left_alone() {
        for text in [
            "awk '{print $1}'",
            "awk '{ n++ } END { print n }'",
            "find . -exec grep x {} ;",
            r#"curl -d '{"threads": 4}'"#,
            "./prog --size {big} {nthread}",
            "echo {a,b} {1..4} {",
            "echo ${OMP_NUM_THREADS} ${n}",
        ] {
            assert_eq!(checked(text, Axes::One), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_inner_count_needs_an_inner_axis() {
        let error = checked("./prog {nthread} {inner}", Axes::One).expect_err("no axis");
        assert!(error.contains("--inner-nthread"), "{error}");
        assert_eq!(checked("./prog {nthread} {inner}", Axes::Inner), Ok(()));
    }

    #[test]
    fn a_placeholder_is_no_variable_of_the_shell() {
        let error = checked("./prog ${nthread}", Axes::One).expect_err("a dollar");
        assert!(error.contains("without the $"), "{error}");
    }
}
