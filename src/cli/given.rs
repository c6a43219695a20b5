//! Values of options from the command line or the environment.
//!
//! clap parses both: [`with_variables`] makes the variable of each option the default of that
//! option. So a flag beats its variable, and a variable never conflicts with a flag.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;

use clap::builder::{StringValueParser, TypedValueParser, ValueParserFactory};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command};

/// A function that looks up an environment variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The source of a value, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag on the command line.
    Flag(String),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(name) | Source::Variable(name) => f.write_str(name),
        }
    }
}

/// The value of an option as text, with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The flag or variable.
    pub source: Source,
    /// The text.
    pub text: String,
}

/// A switch: on, off, or off by default.
#[derive(Clone, Debug, Default)]
pub struct Switch(pub Option<Given>);

/// Bad usage: the flag or variable, the problem, and a remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

impl Given {
    /// The value of the variable of `flag`, if it is set.
    pub fn from_variable(flag: &str, lookup: Lookup<'_>) -> Option<Given> {
        let name = variable_of(flag);
        let text = lookup(&name).filter(|text| !text.is_empty())?;
        Some(Given { source: Source::Variable(name), text })
    }

    /// Returns `true` if the value comes from the command line.
    pub fn is_flag(&self) -> bool {
        self.flag().is_some()
    }

    /// The flag, if the value comes from the command line.
    pub fn flag(&self) -> Option<&str> {
        match &self.source {
            Source::Flag(name) => Some(name),
            Source::Variable(_) => None,
        }
    }

    /// An error that names the flag or variable.
    pub fn error(&self, problem: impl fmt::Display) -> UsageError {
        UsageError(format!("{}: {problem}", self.source))
    }

    /// The value that `parse` reads from the text.
    ///
    /// # Errors
    /// The error of `parse`, with the flag or variable.
    pub fn parse<T, E: fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, UsageError> {
        parse(&self.text).map_err(|error| self.error(error))
    }
}

impl Switch {
    /// Returns `true` if the switch is on.
    ///
    /// # Errors
    /// If the text of its variable is neither 1 nor 0.
    pub fn is_on(&self) -> Result<bool, UsageError> {
        let Some(given) = &self.0 else { return Ok(false) };
        match given.text.to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            other => Err(given.error(format!("{other:?} is neither 1 nor 0"))),
        }
    }

    /// The flag, if the switch is on the command line.
    pub fn flag(&self) -> Option<&str> {
        self.0.as_ref()?.flag()
    }
}

/// A parser of text that records its source. It parses switches too: clap gives it `true` for a
/// flag, and `false` by default.
#[derive(Clone)]
pub struct SourceParser<T>(PhantomData<T>);

impl<T: From<Given> + Clone + Send + Sync + 'static> TypedValueParser for SourceParser<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<T, clap::Error> {
        self.parse_ref_(command, arg, value, ValueSource::CommandLine)
    }

    // clap's `map` would lose the source.
    fn parse_ref_(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
        source: ValueSource,
    ) -> Result<T, clap::Error> {
        let text = StringValueParser::new().parse_ref(command, arg, value)?;
        let flag = format!("--{}", arg.and_then(Arg::get_long).unwrap_or_default());
        let source = match source {
            ValueSource::CommandLine => Source::Flag(flag),
            _ => Source::Variable(variable_of(&flag)),
        };
        Ok(T::from(Given { source, text }))
    }
}

impl From<Given> for Switch {
    fn from(given: Given) -> Switch {
        Switch(Some(given))
    }
}

impl ValueParserFactory for Given {
    type Parser = SourceParser<Given>;

    fn value_parser() -> SourceParser<Given> {
        SourceParser(PhantomData)
    }
}

impl ValueParserFactory for Switch {
    type Parser = SourceParser<Switch>;

    fn value_parser() -> SourceParser<Switch> {
        SourceParser(PhantomData)
    }
}

/// The command with the variable of each [`Given`] and [`Switch`] as the default of that option.
/// An empty variable counts as unset. A list option takes one value a line.
pub fn with_variables(command: Command, lookup: Lookup<'_>) -> Command {
    command
        .mut_args(|arg| with_variable(arg, lookup))
        .mut_subcommands(|subcommand| with_variables(subcommand, lookup))
}

fn with_variable(arg: Arg, lookup: Lookup<'_>) -> Arg {
    let value_type = arg.get_value_parser().type_id();
    let has_variable = value_type == TypeId::of::<Given>() || value_type == TypeId::of::<Switch>();
    let Some(flag) = arg.get_long().filter(|_| has_variable) else { return arg };
    let Some(given) = Given::from_variable(flag, lookup) else { return arg };
    match arg.get_action() {
        ArgAction::SetTrue => arg.default_value(given.text),
        ArgAction::Append => {
            let lines = given.text.lines().filter(|line| !line.trim().is_empty());
            arg.default_values(lines.map(str::to_string)).hide_default_value(true)
        }
        _ => arg.default_value(given.text).hide_default_value(true),
    }
}

/// The variable of a flag: `HARNESS_TIME_BUDGET` of `--time-budget`.
pub fn variable_of(flag: &str) -> String {
    format!("HARNESS_{}", flag.trim_start_matches("--").replace('-', "_").to_uppercase())
}

/// An environment variable of this process, if it is set and not empty. Bytes that are not UTF-8
/// are replaced, so that the value is refused like any other wrong one, and not ignored.
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

/// A hint with the names that are similar to an unknown one, or all known names.
pub fn nearest(name: &str, names: &[&str]) -> String {
    let mut similar: Vec<&str> = names.to_vec();
    similar.sort_by_key(|other| strsim::damerau_levenshtein(name, other));
    similar.retain(|other| strsim::jaro_winkler(name, other) > 0.7 || other.contains(name));
    match &similar[..] {
        [] => format!("known: {}", names.join(", ")),
        similar => format!("did you mean {}?", similar[..similar.len().min(3)].join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Options {
        #[arg(long, conflicts_with = "precision")]
        rounds: Option<Given>,
        #[arg(long)]
        precision: Option<Given>,
        #[arg(long)]
        env: Vec<Given>,
        #[arg(long, action = ArgAction::SetTrue)]
        quick: Switch,
    }

    fn parsed(words: &[&str], variables: &[(&str, &str)]) -> Options {
        use clap::{CommandFactory as _, FromArgMatches as _};
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, text)| text.to_string())
        };
        let command = with_variables(Options::command(), &lookup);
        let matches = command.try_get_matches_from(std::iter::once(&"x").chain(words));
        Options::from_arg_matches(&matches.expect("valid")).expect("valid")
    }

    #[test]
    fn a_flag_beats_its_variable() {
        let options = parsed(&["--rounds", "3"], &[("HARNESS_ROUNDS", "7")]);
        let rounds = options.rounds.expect("given");
        assert_eq!((rounds.flag(), rounds.text.as_str()), (Some("--rounds"), "3"));
    }

    #[test]
    fn a_variable_stands_in_for_a_flag() {
        let rounds = parsed(&[], &[("HARNESS_ROUNDS", "7")]).rounds.expect("given");
        assert_eq!(rounds.error("is odd").to_string(), "HARNESS_ROUNDS: is odd");
        assert_eq!(rounds.text, "7");
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let options = parsed(&[], &[("HARNESS_ROUNDS", ""), ("HARNESS_QUICK", "")]);
        assert_eq!(options.rounds, None);
        assert!(!options.quick.is_on().expect("a switch"));
    }

    #[test]
    fn a_variable_never_conflicts() {
        let variables = [("HARNESS_ROUNDS", "7"), ("HARNESS_PRECISION", "1%")];
        assert!(parsed(&[], &variables).precision.is_some());
        let options = parsed(&["--rounds", "3"], &variables);
        assert!(options.rounds.expect("given").is_flag());
    }

    #[test]
    fn a_list_variable_has_one_value_a_line() {
        let options = parsed(&[], &[("HARNESS_ENV", "A=1\n \nB=2 3\n")]);
        let texts: Vec<&str> = options.env.iter().map(|given| given.text.as_str()).collect();
        assert_eq!(texts, ["A=1", "B=2 3"]);
        let options = parsed(&["--env", "C=4"], &[("HARNESS_ENV", "A=1")]);
        assert_eq!((options.env.len(), options.env[0].flag()), (1, Some("--env")));
    }

    #[test]
    fn a_switch_variable_is_1_or_0() {
        let quick = |text| parsed(&[], &[("HARNESS_QUICK", text)]).quick;
        assert!(quick("1").is_on().expect("a switch"));
        assert!(!quick("off").is_on().expect("a switch"));
        let error = quick("maybe").is_on().expect_err("neither");
        assert_eq!(error.to_string(), "HARNESS_QUICK: \"maybe\" is neither 1 nor 0");
        assert!(parsed(&["--quick"], &[("HARNESS_QUICK", "0")]).quick.is_on().expect("a switch"));
        assert_eq!(parsed(&[], &[]).quick.flag(), None);
    }

    #[test]
    fn an_unknown_name_gets_similar_ones() {
        let names = ["sequential", "std-thread", "thread-pool", "rayon"];
        assert_eq!(nearest("ryon", &names), "did you mean rayon?");
        assert!(nearest("thread", &names).contains("thread-pool"));
        assert!(nearest("zzz", &names).starts_with("known: sequential"));
    }
}
