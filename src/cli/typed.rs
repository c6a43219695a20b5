//! The command as it was typed, for the record: whoever reads a report can
//! measure the same again.

use std::path::Path;

use super::show::option_flags;
use super::values::{Lookup, variable_of};
use crate::runner::ISA_VARIABLE;

/// Variables of others that steer a sweep.
const TOP_OF_COUNTS: [&str; 2] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"];

/// The command of this process as a POSIX shell takes it: the variables that
/// steer a sweep, as far as they are set, the name of the program without its
/// directory, and the arguments.
pub fn command(lookup: Lookup<'_>) -> String {
    let typed = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    written(typed, lookup)
}

fn written(mut typed: impl Iterator<Item = String>, lookup: Lookup<'_>) -> String {
    let options = option_flags().into_iter().map(|flag| variable_of(&flag));
    let others = TOP_OF_COUNTS.into_iter().chain([ISA_VARIABLE]).map(str::to_string);
    let assignment = |name: String| {
        let value = lookup(&name).filter(|value| !value.is_empty())?;
        Some(format!("{name}={}", quoted(&value)))
    };
    let mut words: Vec<String> = options.chain(others).filter_map(assignment).collect();
    let program = typed.next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    match bench_of(&name) {
        Some(bench) => {
            let mut typed = typed.filter(|word| word != "--bench").peekable();
            words.push(format!("cargo bench --bench {}", quoted(bench)));
            words.extend(typed.peek().map(|_| "--".to_string()));
            words.extend(typed.map(|word| quoted(&word)));
        }
        None => words.extend(std::iter::once(name.into_owned()).chain(typed).map(|it| quoted(&it))),
    }
    words.join(" ")
}

/// The name of the bench that cargo made this program of: it adds a hash of 16 digits.
fn bench_of(program: &str) -> Option<&str> {
    let (name, hash) = program.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(name)
}

/// Words for a POSIX shell, on one line.
pub fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A word for a POSIX shell, as somebody would type it. No argument and no
/// variable holds a NUL, the only thing that cannot be quoted.
fn quoted(word: &str) -> String {
    // A crate that quotes would make 2'^16' of 2^16, and '{nthread}' of {nthread}.
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./,:=%+@^".contains(&byte);
    let rest = word.replace("{nthread}", "").replace("{inner}", "");
    if !word.is_empty() && !word.starts_with('=') && rest.bytes().all(is_harmless) {
        return word.to_string();
    }
    shlex::try_quote(word).map_or_else(|_| "?".to_string(), |word| word.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str], lookup: Lookup<'_>) -> String {
        written(words.iter().map(|word| word.to_string()), lookup)
    }

    #[test]
    fn a_shell_reads_the_command_as_it_was_typed() {
        let typed = ["/a dir/harness", "-n", "1,2^3", "--runner", "m='a b' $x", "", "-b", "a`b"];
        let text = of(&typed, &|_| None);
        assert!(text.starts_with("harness -n 1,2^3 --runner "), "{text}");
        let read = shlex::split(&text).expect("a command line");
        assert_eq!(read[1..], typed[1..]);
    }

    #[test]
    fn placeholders_need_no_quotes_and_other_braces_do() {
        let words = ["./prog", "-t{nthread}", "{nthread}x{inner}", "{a,{nthread}}", "sh -c 'a  b'"];
        let text = line(words);
        assert!(text.starts_with("./prog -t{nthread} {nthread}x{inner} '{a,"), "{text}");
        assert_eq!(shlex::split(&text).expect("a command line"), words);
    }

    #[test]
    fn a_bench_is_called_as_cargo_knows_it() {
        let typed = ["/t/release/deps/my_sum-8e5414d9bdad49c1", "-n", "1,2", "--bench"];
        assert_eq!(of(&typed, &|_| None), "cargo bench --bench my_sum -- -n 1,2");
        let typed = ["/t/release/deps/my_sum-8e5414d9bdad49c1", "--bench"];
        assert_eq!(of(&typed, &|_| None), "cargo bench --bench my_sum");
        assert_eq!(of(&["my-sum"], &|_| None), "my-sum");
    }

    #[test]
    fn variables_that_steered_it_stand_before_it() {
        let lookup = |name: &str| match name {
            "HARNESS_NTHREAD" => Some("1..2, 4".to_string()),
            "OMP_NUM_THREADS" => Some("2".to_string()),
            "HARNESS_SEED" => Some(String::new()),
            _ => None,
        };
        let text = of(&["harness", "-q"], &lookup);
        assert_eq!(text, "HARNESS_NTHREAD='1..2, 4' OMP_NUM_THREADS=2 harness -q");
    }
}
