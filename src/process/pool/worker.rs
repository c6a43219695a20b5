//! The life of a worker, and how it comes by its place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::lane::{Bell, Content, DEPTH, Habit, Lane, SLOT_BYTES};
use crate::process::connection::Connection;
use crate::process::frame::Patience;
use crate::process::function::Callable;
use crate::process::shared::Shared;
use crate::process::start::panic_message;
use crate::process::wire::{Message, pack, unpack};
use crate::process::{Error, Never};

/// The socket for messages that are too long for a slot. No type: what travels
/// there is packed already.
pub type Bulk = Connection<Never>;

/// A worker's place: which lane is its own, whose bell it rings.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seat {
    pub lanes: Shared<Lane>,
    pub bell: Shared<Bell>,
    pub index: usize,
    pub bulk: Bulk,
}

/// A function with a name, as the work of a pool that is spawned.
pub struct Task<A, R> {
    name: &'static str,
    body: fn(A) -> R,
}

impl<A, R> Task<A, R> {
    /// `body` under a name that no other function of this program has.
    pub const fn new(name: &'static str, body: fn(A) -> R) -> Task<A, R> {
        Task { name, body }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl<A: DeserializeOwned, R: Serialize> Callable for Task<A, R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn serve(&self, argument: Message) -> Result<u8, Error> {
        let ((), seat): ((), Seat) = unpack(argument)?;
        seat.serve(&self.body)
    }
}

impl Seat {
    /// The life of a spawned worker.
    ///
    /// # Errors
    /// As [`serve`].
    pub fn serve<A: DeserializeOwned, R: Serialize>(
        &self,
        body: &dyn Fn(A) -> R,
    ) -> Result<u8, Error> {
        let lane = self.lanes.get(self.index);
        let lane = lane.ok_or_else(|| Error::garbage("a seat without a lane"))?;
        serve(lane, &self.bell[0], &self.bulk, body).map(|()| 0)
    }
}

/// A worker's life: it takes one task after the other until there is to be no
/// other.
pub fn serve<A: DeserializeOwned, R: Serialize>(
    lane: &Lane,
    bell: &Bell,
    bulk: &Bulk,
    body: &dyn Fn(A) -> R,
) -> Result<(), Error> {
    let mut habit = Habit::default();
    for taken in 0_u32.. {
        while lane.posted.count() == taken {
            lane.posted.wait(taken, None, &mut habit);
        }
        let slot = taken as usize % DEPTH;
        let task = match lane.tasks[slot].read() {
            Content::Here(bytes) => bytes.into(),
            Content::Elsewhere => bulk.frames()?.receive(Patience::Endless)?,
            Content::Stop => break,
        };
        let answer = pack(&answer(task, body))?;
        lane.answers[slot].write(&put(&answer, bulk)?);
        lane.answered.fetch_add(1, Ordering::Release);
        bell.ring();
    }
    Ok(())
}

/// The answers to the items of a task, or what a panic said.
fn answer<A: DeserializeOwned, R>(task: Message, body: &dyn Fn(A) -> R) -> Result<Vec<R>, String> {
    let items: Vec<A> = unpack(task).map_err(|error| error.to_string())?;
    let run = AssertUnwindSafe(|| items.into_iter().map(body).collect());
    catch_unwind(run).map_err(|panic| panic_message(&*panic))
}

/// What to put into a slot for a message; a long one is sent by the socket
/// first.
pub fn put(message: &Message, bulk: &Bulk) -> Result<Content, Error> {
    if message.bytes.len() <= SLOT_BYTES && message.descriptors.is_empty() {
        return Ok(Content::Here(message.bytes.clone()));
    }
    bulk.frames()?.send(message, Patience::Endless)?;
    Ok(Content::Elsewhere)
}
