//! What exists: kernels, backends, and runners in other programs.
//!
//! A value, not a global: command line, tests and docs iterate over it, and a
//! crate with a kernel or a backend of its own adds it here and has the whole
//! program.

pub mod originals;

use std::ffi::OsStr;

use crate::backend::{BACKENDS, Backend};
use crate::kernel::{KERNELS, Kernel};
use crate::machine::loaded;
use crate::record::BASELINE;

/// Kernels, backends and foreign runners, each under a name of its own.
#[derive(Clone)]
pub struct Registry {
    /// What can be computed.
    pub kernels: Vec<&'static dyn Kernel>,
    /// Who can compute it, in this program.
    pub backends: Vec<&'static dyn Backend>,
    /// Who can compute it, in other programs.
    pub runners: Vec<ForeignRunner>,
}

/// A program that speaks the runner protocol: one more backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignRunner {
    /// Its name as a backend.
    pub name: String,
    /// Program and arguments; no shell comes between.
    pub command: Vec<String>,
}

impl Default for Registry {
    /// What this crate brings.
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

    /// Names of all backends, the baseline first, foreign runners last.
    pub fn backend_names(&self) -> Vec<&str> {
        let own = self.backends.iter().map(|backend| backend.name());
        let mut names: Vec<&str> =
            own.chain(self.runners.iter().map(|runner| runner.name.as_str())).collect();
        names.sort_by_key(|name| *name != BASELINE);
        names
    }

    /// A name that two kernels or two backends have, if there is one.
    pub fn ambiguous_name(&self) -> Option<&str> {
        let twice = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
        };
        let kernels = self.kernels.iter().map(|kernel| kernel.name()).collect();
        let backends = self.backends.iter().map(|backend| backend.name()).collect();
        twice(kernels).or_else(|| twice(backends))
    }

    /// Why the backend of that name cannot run here, if it cannot.
    pub fn obstacle(&self, name: &str) -> Option<String> {
        match (self.backend(name), self.runner(name)) {
            (Some(backend), _) => backend.unavailable_reason(),
            (None, Some(runner)) => runner.obstacle(),
            (None, None) => Some("there is no such backend".to_string()),
        }
    }

    /// Names of all kernels.
    pub fn kernel_names(&self) -> Vec<&str> {
        self.kernels.iter().map(|kernel| kernel.name()).collect()
    }
}

impl ForeignRunner {
    /// Why its program cannot be started, if it cannot.
    pub fn obstacle(&self) -> Option<String> {
        let Some(program) = self.command.first() else {
            return Some("its command is empty".to_string());
        };
        match loaded::find(OsStr::new(program)) {
            Some(_) => None,
            None if program.contains('/') => Some(format!("{program} is not an executable file")),
            None => Some(format!("there is no {program} in PATH")),
        }
    }
}
