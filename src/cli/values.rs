//! One value from three places: flag, variable, default.

use std::fmt;

/// Looks variables up; the process's own, or a test's.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(&'static str),
    /// The environment.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => f.write_str(name),
            Origin::Variable(name) => f.write_str(name),
        }
    }
}

/// A value that somebody gave, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Who.
    pub origin: Origin,
    /// What.
    pub text: String,
}

/// Bad usage: which flag or variable, what is wrong with it, what to try.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

impl Given {
    /// An error that names the flag or variable.
    pub fn error(&self, problem: impl fmt::Display) -> UsageError {
        UsageError(format!("{}: {problem}", self.origin))
    }
}

/// The variable of a flag: `HARNESS_TIME_BUDGET` of `--time-budget`.
pub fn variable_of(flag: &str) -> String {
    format!("HARNESS_{}", flag.trim_start_matches("--").replace('-', "_").to_uppercase())
}

/// What was given for `flag`: the command line beats the variable, and an
/// empty variable is none.
pub fn given(flag: &'static str, typed: Option<&str>, lookup: Lookup<'_>) -> Option<Given> {
    if let Some(text) = typed {
        return Some(Given { origin: Origin::Flag(flag), text: text.to_string() });
    }
    let variable = variable_of(flag);
    let text = lookup(&variable).filter(|text| !text.is_empty())?;
    Some(Given { origin: Origin::Variable(variable), text })
}

/// What was given for a `flag` that may stand several times: the command line beats
/// the variable, which has one value a line.
pub fn several(flag: &'static str, typed: &[String], lookup: Lookup<'_>) -> Vec<Given> {
    if !typed.is_empty() {
        let flag = |text: &String| Given { origin: Origin::Flag(flag), text: text.clone() };
        return typed.iter().map(flag).collect();
    }
    let Some(Given { origin, text }) = given(flag, None, lookup) else { return Vec::new() };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| Given { origin: origin.clone(), text: line.to_string() }).collect()
}

/// Whether a switch is on.
///
/// # Errors
/// If its variable says neither yes nor no.
pub fn switch(flag: &'static str, typed: bool, lookup: Lookup<'_>) -> Result<bool, UsageError> {
    if typed {
        return Ok(true);
    }
    let Some(given) = given(flag, None, lookup) else { return Ok(false) };
    match given.text.to_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        other => Err(given.error(format!("{other:?} is neither 1 nor 0"))),
    }
}

/// The nearest names, for a name that does not exist.
pub fn nearest(name: &str, names: &[&str]) -> String {
    let mut near: Vec<&str> = names.to_vec();
    let distance = |other: &&str| strsim::damerau_levenshtein(name, other);
    near.sort_by_key(distance);
    near.retain(|other| strsim::jaro_winkler(name, other) > 0.7 || other.contains(name));
    match &near[..] {
        [] => format!("known: {}", names.join(", ")),
        near => format!("did you mean {}?", near[..near.len().min(3)].join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds_is_seven(name: &str) -> Option<String> {
        (name == "HARNESS_ROUNDS").then(|| "7".to_string())
    }

    #[test]
    fn a_flag_beats_its_variable() {
        let found = given("--rounds", Some("3"), &rounds_is_seven).expect("given");
        assert_eq!((found.origin.to_string().as_str(), found.text.as_str()), ("--rounds", "3"));
    }

    #[test]
    fn a_variable_stands_in_for_a_flag() {
        let found = given("--rounds", None, &rounds_is_seven).expect("given");
        assert_eq!(found.error("is odd").to_string(), "HARNESS_ROUNDS: is odd");
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        assert_eq!(given("--rounds", None, &|_| Some(String::new())), None);
        assert!(!switch("--quick", false, &|_| Some(String::new())).expect("a switch"));
    }

    #[test]
    fn a_switch_variable_says_yes_or_no() {
        assert!(switch("--quick", false, &|_| Some("1".into())).expect("a switch"));
        assert!(!switch("--quick", false, &|_| Some("off".into())).expect("a switch"));
        let error = switch("--quick", false, &|_| Some("maybe".into())).expect_err("neither");
        assert_eq!(error.to_string(), "HARNESS_QUICK: \"maybe\" is neither 1 nor 0");
    }

    #[test]
    fn a_misspelt_name_gets_its_neighbours() {
        let names = ["sequential", "std-thread", "thread-pool", "rayon"];
        assert_eq!(nearest("ryon", &names), "did you mean rayon?");
        assert!(nearest("thread", &names).contains("thread-pool"));
        assert!(nearest("zzz", &names).starts_with("known: sequential"));
    }
}
