//! The command line of this process for run.json, so that a run can be repeated.

use std::path::Path;

use super::args::sweep::sweep_flags;
use super::given::{Lookup, variable_of};
use crate::runner::ISA_VARIABLE;

/// Variables of other libraries that affect a sweep.
const THREAD_LIMITS: [&str; 2] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"];

/// The command line of this process for a POSIX shell: the variables that affect a
/// sweep, the name of the program without its directory, and the arguments.
pub fn of_process(lookup: Lookup<'_>) -> String {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    for_shell(words, lookup)
}

fn for_shell(mut arguments: impl Iterator<Item = String>, lookup: Lookup<'_>) -> String {
    let mut words: Vec<String> = Vec::new();
    let options = sweep_flags().into_iter().map(|flag| variable_of(&flag));
    for name in options.chain(THREAD_LIMITS.into_iter().chain([ISA_VARIABLE]).map(String::from)) {
        if let Some(value) = lookup(&name).filter(|value| !value.is_empty()) {
            words.push(format!("{name}={}", quoted(&value)));
        }
    }
    let program = arguments.next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    match bench_of(&name) {
        Some(bench) => {
            let mut arguments = arguments.filter(|word| word != "--bench").peekable();
            words.push(format!("cargo bench --bench {}", quoted(bench)));
            words.extend(arguments.peek().map(|_| "--".to_string()));
            words.extend(arguments.map(|word| quoted(&word)));
        }
        None => {
            let name = name.into_owned();
            words.extend(std::iter::once(name).chain(arguments).map(|word| quoted(&word)));
        }
    }
    words.join(" ")
}

/// The name of the bench of an executable that cargo built: the file name ends in a hash of 16
/// digits.
fn bench_of(program: &str) -> Option<&str> {
    let (name, hash) = program.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(name)
}

/// A word quoted for a POSIX shell, if that is necessary. Neither arguments nor variables contain
/// NUL, the only character that cannot be quoted.
pub fn quoted(word: &str) -> String {
    // shlex would quote 2^16 and {nthread}, too, which no shell needs.
    let rest = word.replace("{nthread}", "").replace("{inner}", "");
    let is_plain =
        rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./,:=%+@^".contains(&byte));
    if !word.is_empty() && !word.starts_with('=') && is_plain {
        return word.to_string();
    }
    shlex::try_quote(word).map_or_else(|_| "?".to_string(), |word| word.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str], lookup: Lookup<'_>) -> String {
        for_shell(words.iter().map(|word| word.to_string()), lookup)
    }

    #[test]
    fn a_shell_splits_the_command_line_into_the_same_words() {
        let words = ["/a dir/harness", "-n", "1,2^3", "--runner", "m='a b' $x", "", "-b", "a`b"];
        let text = of(&words, &|_| None);
        assert!(text.starts_with("harness -n 1,2^3 --runner "), "{text}");
        let read = shlex::split(&text).expect("a command line");
        assert_eq!(read[1..], words[1..]);
    }

    #[test]
    fn placeholders_are_not_quoted_and_other_braces_are() {
        let words = ["./prog", "-t{nthread}", "{nthread}x{inner}", "{a,{nthread}}", "sh -c 'a  b'"];
        let text = words.map(quoted).join(" ");
        assert!(text.starts_with("./prog -t{nthread} {nthread}x{inner} '{a,"), "{text}");
        assert_eq!(shlex::split(&text).expect("a command line"), words);
    }

    #[test]
    fn a_bench_is_run_by_cargo() {
        let words = ["/t/release/deps/my_sum-8e5414d9bdad49c1", "-n", "1,2", "--bench"];
        assert_eq!(of(&words, &|_| None), "cargo bench --bench my_sum -- -n 1,2");
        let words = ["/t/release/deps/my_sum-8e5414d9bdad49c1", "--bench"];
        assert_eq!(of(&words, &|_| None), "cargo bench --bench my_sum");
        assert_eq!(of(&["my-sum"], &|_| None), "my-sum");
    }

    #[test]
    fn variables_come_before_the_program() {
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
