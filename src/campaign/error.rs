//! Errors of a campaign.

use std::io;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::executor::Interrupted;

/// Error that prevents or ends a run.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// This executable does not serve the verb of a runner.
    #[error(
        "this executable cannot be started again as a runner: call nthread::enter(&registry) first in main"
    )]
    NotEntered,
    /// Signals and children cannot be taken over.
    #[error("cannot take over signals and children: {0}")]
    Supervise(io::Error),
    /// The results directory cannot be created.
    #[error("cannot create the results directory {}", .0.display())]
    CreateDir(PathBuf, #[source] io::Error),
    /// A file cannot be written before the first visit.
    #[error("nothing was measured: {} cannot be written", .0.display())]
    Begin(PathBuf, #[source] io::Error),
    /// A file cannot be written during the run.
    #[error("{} cannot be written; every complete visit so far is kept", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// A results directory cannot be resumed.
    #[error("{} cannot be resumed", .0.display())]
    Resume(PathBuf, #[source] anyhow::Error),
    /// A file of an earlier session lacks the tallies of its jobs.
    #[error("run.json: plan.expected lacks the tally of a job")]
    MissingReference,
    /// The sequential reference visit failed.
    #[error("the sequential reference of kernel {0} failed: {1}")]
    Reference(String, String),
    /// A kernel of the plan is not in the registry.
    #[error("unknown kernel {0:?}")]
    UnknownKernel(String),
    /// A signal came before the first visit, or during a run by a stopwatch.
    #[error("interrupted by {0}")]
    Interrupted(Signal),
    /// A run of a command by a stopwatch failed.
    #[error("{0}: {1}")]
    Command(String, String),
}

impl From<Interrupted> for CampaignError {
    fn from(Interrupted(signal): Interrupted) -> Self {
        CampaignError::Interrupted(signal)
    }
}
