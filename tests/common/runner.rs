//! Fake runners: shell scripts that print fixed lines.
//!
//! They do not read their request, so they always answer for the job of
//! [`Sweep::tiny`](super::Sweep::tiny) with one warm-up and one call.

use super::{TINY_DRAWS, TINY_HITS};

/// Start of a script that reads the request to its end, and fails in a visit without a
/// warm-up, by which the harness measures the speed of a backend.
const LISTEN: &str = "IFS= read -r asked\n\
                      case $asked in *'\"warmup\":0'*) exit 9;; esac\n\
                      cat >/dev/null\n";

/// A tally of hits.
#[derive(Clone, Copy)]
pub struct Tally {
    /// Draws.
    pub draws: u64,
    /// Draws inside the circle.
    pub hits: u64,
}

/// The correct tally.
pub const RIGHT: Tally = Tally { draws: TINY_DRAWS, hits: TINY_HITS };

impl Tally {
    /// JSON of the protocol.
    fn json(self) -> String {
        let Tally { draws, hits } = self;
        format!(r#"{{"draws":"{draws}","sum":"{hits}","sum_sq":"{hits}"}}"#)
    }
}

/// The six lines of a visit.
#[derive(Clone)]
pub struct Lines(Vec<String>);

impl Lines {
    /// A whole visit, in which every call answers `tally`.
    pub fn answering(check: &str, tally: Tally) -> Lines {
        Lines::with_workers(check, tally, &[])
    }

    /// A whole visit, in which every call has these workers.
    pub fn with_workers(check: &str, tally: Tally, workers: &[Tally]) -> Lines {
        let workers = workers.iter().enumerate().map(|(worker, tally)| {
            format!(
                r#"{{"name":"w{}","busy_ns":900,"cpu_ns":800,"tally":{}}}"#,
                worker + 1,
                tally.json()
            )
        });
        let workers = workers.collect::<Vec<_>>().join(",");
        let tally = tally.json();
        let call = format!(
            r#"{{"wall_ns":1000,"user_ns":900,"system_ns":0,"tally":{tally},"workers":[{workers}]}}"#
        );
        Lines(vec![
            format!(r#"{{"hello":{{"protocol":1,"build":"fixed 1","check":"{check}"}}}}"#),
            r#"{"setup":{"wall_ns":100}}"#.to_string(),
            format!(r#"{{"warmup":{call}}}"#),
            format!(r#"{{"call":{call}}}"#),
            r#"{"teardown":{"wall_ns":100}}"#.to_string(),
            r#"{"done":{}}"#.to_string(),
        ])
    }

    /// A valid visit.
    pub fn valid() -> Lines {
        Lines::answering("exact", RIGHT)
    }

    /// Replaces a text.
    pub fn replacing(mut self, old: &str, new: &str) -> Lines {
        self.0.iter_mut().for_each(|line| *line = line.replace(old, new));
        self
    }

    /// The lines.
    pub fn lines(self) -> Vec<String> {
        self.0
    }

    /// Only the first lines.
    pub fn first(mut self, count: usize) -> Lines {
        self.0.truncate(count);
        self
    }

    /// A script that prints the lines, and ends.
    pub fn script(&self) -> String {
        format!("{LISTEN}{}", self.commands())
    }

    /// A script that prints the lines, and continues with other commands.
    pub fn script_then(&self, more: &str) -> String {
        format!("{LISTEN}{}{more}\n", self.commands())
    }

    /// Commands that print the lines.
    fn commands(&self) -> String {
        self.0.iter().map(|line| format!("printf '%s\\n' '{line}'\n")).collect()
    }
}

/// A script that prints no lines by itself.
pub fn script(commands: &str) -> String {
    format!("{LISTEN}{commands}\n")
}

/// A script that writes its pid into a file of the directory that the sweep was
/// started in, and then runs other commands.
pub fn script_with_pid(file: &str, commands: &str) -> String {
    script(&format!("echo $$ > {file}.part; mv {file}.part {file}\n{commands}"))
}
