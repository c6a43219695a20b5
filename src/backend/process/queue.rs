//! One queue of tasks and one of results, shared by all: what
//! `multiprocessing.Process` with a `Queue` is.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Answer, Exchange, Share, TICK};
use crate::backend::{Chunks, Schedule, StartMethod};
use crate::process::{Child, Error, Exit, Queue};

/// The queues: they survive from call to call, and are empty in between.
#[derive(Serialize, Deserialize)]
pub struct Queues {
    /// Chunks, and for each child a last `None`.
    tasks: Queue<Option<Range<u64>>>,
    /// The number of a child, and its answer.
    results: Queue<(usize, Answer)>,
}

impl Exchange for Queues {
    const NAME: &'static str = "process-queue";
    const ABOUT: &'static str =
        "n child processes started in each call, one queue of tasks and one of results for all";
    const SCHEDULES: &'static [Schedule] = &[Schedule::Dynamic, Schedule::Guided];

    type Given = ();
    type Kept = ();

    fn open(_: Chunks, _: StartMethod) -> Result<Self, Error> {
        Ok(Queues { tasks: Queue::new()?, results: Queue::new()? })
    }

    fn ends(&self) -> Result<((), ()), Error> {
        Ok(((), ()))
    }

    fn work(&self, (): (), share: Share<'_>) -> Result<(), Error> {
        let answer = share.answer_asking(|| self.tasks.get())?;
        self.results.put(&(share.worker, answer))
    }

    /// Puts all tasks, then takes all answers: a child puts one at its end, so
    /// there is room for them meanwhile.
    fn collect(
        &self,
        chunks: Chunks,
        _: Vec<()>,
        children: &mut [Child],
    ) -> Result<Vec<Option<Answer>>, Error> {
        let dealer = chunks.dealer();
        let last = std::iter::repeat_n(None, children.len());
        let mut is_dealt = true;
        for task in dealer.hand(0).map(Some).chain(last) {
            is_dealt = is_dealt && self.put(&task, children)?;
        }
        let mut answers = vec![None; children.len()];
        let mut missing = children.len();
        while missing > 0 {
            // Who had ended before nothing came will bring nothing any more, nor
            // will who waits for what was not put.
            let ended = children.iter_mut().map(Child::exit).collect::<Result<Vec<_>, _>>()?;
            let is_lost =
                |(exit, it): (&Option<Exit>, &Option<Answer>)| exit.is_some() && it.is_none();
            let is_last = !is_dealt || ended.iter().zip(&answers).any(is_lost);
            let patience = if is_last { Duration::ZERO } else { TICK };
            match self.results.get_timeout(patience) {
                Ok((worker, answer)) => {
                    let place = answers.get_mut(worker).ok_or(Error::Ended)?;
                    *place = Some(answer);
                    missing -= 1;
                }
                Err(Error::TimedOut) if is_last => break,
                Err(Error::TimedOut) => {
                    // Who is waited for may be stopped, and have ended when it is
                    // asked for at last.
                    for child in &mut *children {
                        child.stops();
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(answers)
    }
}

impl Queues {
    /// Puts a task once there is room; `false` if there is none after a child has
    /// ended. One that ends well has taken its last `None`, and left room.
    fn put(&self, task: &Option<Range<u64>>, children: &mut [Child]) -> Result<bool, Error> {
        let mut patience = TICK;
        loop {
            match self.tasks.put_timeout(task, patience) {
                Ok(()) => return Ok(true),
                Err(Error::TimedOut) if patience.is_zero() => return Ok(false),
                Err(Error::TimedOut) => {}
                Err(error) => return Err(error),
            }
            for child in &mut *children {
                if child.exit()?.is_some() {
                    patience = Duration::ZERO;
                }
            }
        }
    }
}
