//! Settings of a case: affinity of the workers (pin), and strong or weak scaling.

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

named_variants!(Pin { None = "none", Close = "close", Spread = "spread" });

/// Strong or weak scaling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scaling {
    /// The total work is the same at all thread counts.
    #[default]
    Strong,
    /// The work of each worker is the same at all thread counts.
    Weak,
}

named_variants!(Scaling { Strong = "strong", Weak = "weak" });
