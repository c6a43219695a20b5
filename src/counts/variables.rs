//! The environment variables that set the thread counts of programs and libraries.

/// The level of parallelism that a variable sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The workers that a program starts itself.
    Outer,
    /// The threads that a library starts inside each worker.
    Inner,
}

/// A variable that sets a number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadVariable {
    /// The name of the variable.
    pub name: &'static str,
    /// The programs or libraries that read it.
    pub read_by: &'static str,
    /// The level that it sets.
    pub level: Level,
}

/// The variables that are set for each visit, to the number of workers or of threads inside each.
pub const THREAD_VARIABLES: [ThreadVariable; 14] = [
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

/// The value of each variable for `nthread` workers with `inner` threads each.
pub fn assignments(nthread: u32, inner: u32) -> impl Iterator<Item = (&'static str, String)> {
    THREAD_VARIABLES.iter().map(move |variable| {
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
    use std::collections::BTreeMap;

    #[test]
    fn libraries_inside_a_worker_get_the_inner_count() {
        let values: BTreeMap<&str, String> = assignments(4, 2).collect();
        assert_eq!(values["RAYON_NUM_THREADS"], "4");
        assert_eq!(values["OPENBLAS_NUM_THREADS"], "2");
        assert_eq!(values.len(), THREAD_VARIABLES.len());
    }
}
