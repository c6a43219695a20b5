//! Dispatch of the hidden verbs with which this executable starts itself again.
//!
//! | verb | process |
//! |---|---|
//! | [`crate::runner::VERB`] | one visit to a kernel under a backend |
//! | [`crate::command::VERB`] | the shim of one visit to a command |
//! | those of [`process`] | a worker that a process backend has spawned |
//!
//! The verb of a visit to a function ([`crate::function::VERB`]) is served by
//! [`Sweep::run`](crate::Sweep::run), since only there do the functions exist.

#[cfg(feature = "program")]
mod visit;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::backend::Backend;
use crate::process::{self, Callable, Message};
use crate::registry::Registry;

/// True once this executable is known to serve the hidden verbs. One that does not
/// must not be started again: it would do whatever its `main` does.
static SERVES_VERBS: AtomicBool = AtomicBool::new(false);

/// Runs a visit and ends the process, if it was started for one; else returns.
///
/// Every executable that measures must call this first: the program itself does, and
/// so must a bench, a test or a user's own program. A campaign in an executable that
/// did not call it fails with an error that says so.
///
/// It also serves the processes that a process backend spawns, as [`process::enter`]
/// does for functions. Without the feature `program`, which sweeps kernels and commands,
/// it serves these alone.
pub fn enter(registry: &Registry) {
    declare_verbs_served();
    let workers: Vec<SpawnedWorker<'_>> = registry
        .backends
        .iter()
        .filter(|backend| !backend.start_methods().is_empty())
        .map(|&backend| SpawnedWorker { backend, registry })
        .collect();
    let workers: Vec<&dyn Callable> =
        workers.iter().map(|worker| worker as &dyn Callable).collect();
    process::enter(&workers);
    #[cfg(feature = "program")]
    visit::serve(registry);
}

/// Records that this executable may be started again, because it calls [`enter`] or
/// serves its visits itself, as a [`Sweep`](crate::Sweep) does.
pub(crate) fn declare_verbs_served() {
    SERVES_VERBS.store(true, Ordering::Relaxed);
}

/// Tells whether this executable may be started again for a visit.
pub(crate) fn serves_verbs() -> bool {
    SERVES_VERBS.load(Ordering::Relaxed)
}

/// The worker loop of a process backend, callable in a spawned process.
struct SpawnedWorker<'a> {
    backend: &'static dyn Backend,
    registry: &'a Registry,
}

impl Callable for SpawnedWorker<'_> {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn run(&self, argument: Message) -> Result<u8, process::Error> {
        self.backend.run_worker(argument, &self.registry.kernels)
    }
}
