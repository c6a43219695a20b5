//! The variables that programs read for their number of threads.

/// Whose number a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Workers: what a program starts by itself.
    Outer,
    /// Threads inside each worker: what a library starts in whoever calls it.
    Inner,
}

/// A variable that sets a number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadVariable {
    /// Its name.
    pub name: &'static str,
    /// Who reads it.
    pub read_by: &'static str,
    /// Whose number it is.
    pub level: Level,
}

/// Every variable that is set for a visit: to the workers, or to the threads inside
/// each.
pub const VARIABLES: [ThreadVariable; 14] = [
    outer("RAYON_NUM_THREADS", "rayon (Rust)"),
    outer("GOMAXPROCS", "the Go runtime"),
    outer("JULIA_NUM_THREADS", "Julia"),
    outer("TOKIO_WORKER_THREADS", "tokio (Rust)"),
    outer("HARNESS_NTHREAD", "harness, and programs that follow it"),
    inner("OMP_NUM_THREADS", "OpenMP: GCC, Clang, Intel; many libraries as a fallback"),
    inner("OPENBLAS_NUM_THREADS", "OpenBLAS (NumPy, SciPy, R)"),
    inner("GOTO_NUM_THREADS", "OpenBLAS, where OPENBLAS_NUM_THREADS is not set"),
    inner("MKL_NUM_THREADS", "Intel MKL"),
    inner("BLIS_NUM_THREADS", "BLIS"),
    inner("NUMEXPR_NUM_THREADS", "NumExpr (pandas)"),
    inner("VECLIB_MAXIMUM_THREADS", "Accelerate (macOS)"),
    inner("NUMBA_NUM_THREADS", "Numba"),
    inner("POLARS_MAX_THREADS", "Polars"),
];

const fn outer(name: &'static str, read_by: &'static str) -> ThreadVariable {
    ThreadVariable { name, read_by, level: Level::Outer }
}

const fn inner(name: &'static str, read_by: &'static str) -> ThreadVariable {
    ThreadVariable { name, read_by, level: Level::Inner }
}

/// What each variable is set to for `nthread` workers with `inner` threads each.
pub fn assignments(nthread: u32, inner: u32) -> impl Iterator<Item = (&'static str, String)> {
    VARIABLES.iter().map(move |variable| {
        let count = match variable.level {
            Level::Outer => nthread,
            Level::Inner => inner,
        };
        (variable.name, count.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_inside_a_worker_get_the_inner_count() {
        let found: Vec<(&str, String)> = assignments(4, 2).collect();
        let of = |name: &str| found.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
        assert_eq!(of("RAYON_NUM_THREADS"), Some("4"));
        assert_eq!(of("OPENBLAS_NUM_THREADS"), Some("2"));
        assert_eq!(found.len(), VARIABLES.len());
    }
}
