//! Words for the settings of a case: where workers run, and whether the work
//! grows with them.

use std::fmt;
use std::str::FromStr;

/// Where workers run; OpenMP's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// Where the system puts them.
    None,
    /// Close together: core by core.
    Close,
    /// As far apart as possible: on cores of their own while there are any.
    Spread,
}

impl Pin {
    /// All of them.
    pub const ALL: [Pin; 3] = [Pin::None, Pin::Close, Pin::Spread];

    /// The name on the command line and in the files.
    pub fn name(self) -> &'static str {
        match self {
            Pin::None => "none",
            Pin::Close => "close",
            Pin::Spread => "spread",
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Pin {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Pin::ALL.into_iter().find(|pin| pin.name() == name).ok_or(())
    }
}

/// Whether the work grows with the workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scaling {
    /// All counts share the same work.
    #[default]
    Strong,
    /// Each worker has the same work.
    Weak,
}

impl Scaling {
    /// The name in the files.
    pub fn name(self) -> &'static str {
        match self {
            Scaling::Strong => "strong",
            Scaling::Weak => "weak",
        }
    }
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scaling {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Scaling::Strong, Scaling::Weak].into_iter().find(|it| it.name() == name).ok_or(())
    }
}
