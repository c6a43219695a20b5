//! Output of results to stdout.

use std::io::{self, IsTerminal as _, Write as _};

use super::given::{Given, UsageError, variable};
use crate::report::Style;

/// Writes a result to stdout, and returns the exit code 0. A closed pipe is no error.
///
/// # Errors
/// If stdout cannot be written, for example because a disk is full.
pub fn print_result(text: &str) -> anyhow::Result<u8> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to stdout"))
        }
        _ => Ok(0),
    }
}

/// The style of the table by `--color`, by default that of the terminal.
///
/// # Errors
/// If the value is unknown.
pub fn style(color: Option<&Given>) -> Result<Style, UsageError> {
    let is_colored = match color.map(|given| (given, given.text.as_str())) {
        Some((_, "always")) => true,
        Some((_, "never")) => false,
        None | Some((_, "auto")) => io::stdout().is_terminal() && variable("NO_COLOR").is_none(),
        Some((given, other)) => {
            return Err(given.error(format!("{other:?} is not auto, always or never")));
        }
    };
    Ok(if is_colored { Style::Bold } else { Style::Plain })
}
