//! A server process that owns the tasks and the results: what
//! `multiprocessing.Manager` is.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Answer, Exchange, Share};
use crate::backend::{Chunks, Schedule, StartMethod, TeamError};
use crate::process::{Child, Error, List, Manager};

/// A dying process closes its sockets a little before its parent can hear how
/// it ended.
const MOMENT: Duration = Duration::from_secs(1);

/// Proxies of two lists, and the server itself where it was started.
#[derive(Serialize, Deserialize)]
pub struct Lists {
    /// What is still to do, the first chunk last.
    tasks: List<Range<u64>>,
    /// The number of a child, and its answer.
    results: List<(usize, Answer)>,
    #[serde(skip)]
    manager: Option<Manager>,
}

impl Exchange for Lists {
    const NAME: &'static str = "process-manager";
    const ABOUT: &'static str =
        "n child processes started in each call, a server process owns tasks and results";
    const SCHEDULES: &'static [Schedule] = &[Schedule::Dynamic, Schedule::Guided];

    type Given = ();
    type Kept = ();

    fn open(_: Chunks, start: StartMethod) -> Result<Self, Error> {
        let manager = match start {
            StartMethod::Fork => Manager::fork()?,
            StartMethod::Spawn => Manager::spawn()?,
        };
        let (tasks, results) = (manager.list()?, manager.list()?);
        Ok(Lists { tasks, results, manager: Some(manager) })
    }

    /// A list gives its last item first.
    fn begin(&self, chunks: Chunks) -> Result<(), Error> {
        let dealer = chunks.dealer();
        let mut tasks: Vec<Range<u64>> = dealer.hand(0).collect();
        tasks.reverse();
        self.tasks.extend(&tasks)
    }

    fn ends(&self) -> Result<((), ()), Error> {
        Ok(((), ()))
    }

    fn work(&self, (): (), share: Share<'_>) -> Result<(), Error> {
        let answer = share.answer_asking(|| self.tasks.pop())?;
        self.results.push(&(share.worker, answer))
    }

    fn collect(
        &self,
        _: Chunks,
        _: Vec<()>,
        children: &mut [Child],
    ) -> Result<Vec<Option<Answer>>, Error> {
        for child in &mut *children {
            child.join()?;
        }
        let mut answers = vec![None; children.len()];
        for (worker, answer) in self.results.to_vec()? {
            *answers.get_mut(worker).ok_or(Error::Ended)? = Some(answer);
        }
        self.results.clear()?;
        Ok(answers)
    }

    /// Whoever asks a dead server hears no more than that it is gone.
    fn explain(&mut self, error: TeamError) -> TeamError {
        let (TeamError::Process(Error::Ended), Some(manager)) = (&error, &mut self.manager) else {
            return error;
        };
        let (pid, server) = (manager.pid(), manager.server());
        match server.join_timeout(MOMENT) {
            Ok(Some(exit)) => Error::Lost { name: server.name().to_string(), pid, exit }.into(),
            _ => error,
        }
    }

    fn pids(&self) -> Vec<i32> {
        self.manager.iter().map(Manager::pid).collect()
    }
}
