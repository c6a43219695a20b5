//! Settings of a case: affinity of the workers (pin), and strong or weak scaling.

use std::fmt;
use std::str::FromStr;

/// Affinity of the workers, named as in OpenMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// No affinity: the system places the workers.
    None,
    /// Adjacent cores.
    Close,
    /// Cores as far apart as possible, one for each worker while there are enough.
    Spread,
}

impl Pin {
    /// All values.
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

/// Strong or weak scaling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scaling {
    /// The total work is the same at all thread counts.
    #[default]
    Strong,
    /// The work of each worker is the same at all thread counts.
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
