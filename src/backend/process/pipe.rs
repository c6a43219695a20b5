//! One pipe for each child: what `multiprocessing.Process` with a `Pipe` is.

use serde::{Deserialize, Serialize};

use super::{Answer, Exchange, Share};
use crate::backend::{Chunks, Schedule, StartMethod};
use crate::process::{Child, Error, Receiver, Sender, one_way};

/// Nothing but the pipes, which are new in each call.
#[derive(Serialize, Deserialize)]
pub struct Pipes;

impl Exchange for Pipes {
    const NAME: &'static str = "process-pipe";
    const ABOUT: &'static str = "n child processes started in each call, one pipe each";
    /// A pipe leads one way, from child to parent: a child cannot ask for its
    /// next chunk.
    const SCHEDULES: &'static [Schedule] = &[Schedule::Static];

    type Given = Sender<Answer>;
    type Kept = Receiver<Answer>;

    fn open(_: Chunks, _: StartMethod) -> Result<Self, Error> {
        Ok(Pipes)
    }

    fn ends(&self) -> Result<(Receiver<Answer>, Sender<Answer>), Error> {
        one_way()
    }

    fn work(&self, pipe: Sender<Answer>, share: Share<'_>) -> Result<(), Error> {
        pipe.send(&share.answer(share.chunks.dealer().hand(share.worker)))
    }

    /// Waits for a child first, and then reads its answer, which needs no reader
    /// to be sent: so this process is woken once for each child, not twice. A
    /// pipe ends with its child, since nobody else has that end.
    fn collect(
        &self,
        _: Chunks,
        pipes: Vec<Receiver<Answer>>,
        children: &mut [Child],
    ) -> Result<Vec<Option<Answer>>, Error> {
        let receive = |(pipe, child): (Receiver<Answer>, &mut Child)| {
            child.join()?;
            match pipe.recv() {
                Ok(answer) => Ok(Some(answer)),
                Err(Error::Ended) => Ok(None),
                Err(error) => Err(error),
            }
        };
        pipes.into_iter().zip(children).map(receive).collect()
    }
}
