//! Registry of kernels, backends and foreign runners.
//!
//! It is a value, not a global: the command line, tests and docs iterate over it, and another crate
//! adds its own kernels and backends to it and has the whole program.

#[cfg(feature = "program")]
pub mod originals;

use std::ffi::OsStr;

use crate::backend::{BACKENDS, Backend};
use crate::kernel::{KERNELS, Kernel};
use crate::machine::executable;
use crate::record::BASELINE;

/// Kernels, backends and foreign runners, with unique names.
#[derive(Clone)]
pub struct Registry {
    /// The kernels.
    pub kernels: Vec<&'static dyn Kernel>,
    /// The backends of this program.
    pub backends: Vec<&'static dyn Backend>,
    /// The backends in other programs.
    pub runners: Vec<ForeignRunner>,
}

/// A backend in another program, which speaks the runner protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignRunner {
    /// The name of the backend.
    pub name: String,
    /// The program and its arguments, which no shell expands.
    pub command: Vec<String>,
}

impl Default for Registry {
    /// The kernels and backends of this crate.
    fn default() -> Registry {
        Registry { kernels: KERNELS.to_vec(), backends: BACKENDS.to_vec(), runners: Vec::new() }
    }
}

impl Registry {
    /// The kernel of that name.
    pub fn kernel(&self, name: &str) -> Option<&'static dyn Kernel> {
        self.kernels.iter().copied().find(|kernel| kernel.name() == name)
    }

    /// The backend of that name, in this program.
    pub fn backend(&self, name: &str) -> Option<&'static dyn Backend> {
        self.backends.iter().copied().find(|backend| backend.name() == name)
    }

    /// The foreign runner of that name.
    pub fn runner(&self, name: &str) -> Option<&ForeignRunner> {
        self.runners.iter().find(|runner| runner.name == name)
    }

    /// The names of all backends: the baseline first, foreign runners last.
    pub fn backend_names(&self) -> Vec<&str> {
        let own = self.backends.iter().map(|backend| backend.name());
        let mut names: Vec<&str> =
            own.chain(self.runners.iter().map(|runner| runner.name.as_str())).collect();
        // The sort is stable, so the others keep their order.
        names.sort_by_key(|name| *name != BASELINE);
        names
    }

    /// A name of two kernels or two backends, if there is one.
    pub fn ambiguous_name(&self) -> Option<&str> {
        let kernels: Vec<&str> = self.kernels.iter().map(|kernel| kernel.name()).collect();
        let backends: Vec<&str> = self.backends.iter().map(|backend| backend.name()).collect();
        [kernels, backends].into_iter().find_map(|mut names| {
            names.sort_unstable();
            names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
        })
    }

    /// The reason why a backend cannot run here, if there is one.
    pub fn obstacle(&self, name: &str) -> Option<String> {
        match (self.backend(name), self.runner(name)) {
            (Some(backend), _) => backend.unavailable_reason(),
            (None, Some(runner)) => runner.obstacle(),
            (None, None) => Some("there is no such backend".to_string()),
        }
    }

    /// The names of all kernels.
    pub fn kernel_names(&self) -> Vec<&str> {
        self.kernels.iter().map(|kernel| kernel.name()).collect()
    }
}

impl ForeignRunner {
    /// The reason why its program cannot be started, if there is one.
    pub fn obstacle(&self) -> Option<String> {
        match self.command.first() {
            Some(program) => executable::find(OsStr::new(program)).err(),
            None => Some("its command is empty".to_string()),
        }
    }
}
