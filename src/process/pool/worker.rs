//! Worker process of a pool: receives tasks and returns results.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::channel::{Channel, Content, DEPTH, EventCount, SLOT_BYTES, WaitStrategy};
use crate::process::connection::Connection;
use crate::process::function::Callable;
use crate::process::shared::Shared;
use crate::process::socket::Timeout;
use crate::process::start::panic_message;
use crate::process::wire::{Message, pack, unpack};
use crate::process::{Error, Never};

/// Connection for messages that are too long for a slot. It has no value type:
/// its messages are packed already.
pub type BulkConnection = Connection<Never>;

/// Connection of a spawned worker to its pool: the channels of all workers, the
/// index of its own, and the counter of results.
#[derive(Debug, Serialize, Deserialize)]
pub struct WorkerEndpoint {
    pub channels: Shared<Channel>,
    pub result_events: Shared<EventCount>,
    pub index: usize,
    pub bulk: BulkConnection,
}

/// A named function that the workers of a spawned pool run.
pub struct Task<A, R> {
    name: &'static str,
    body: fn(A) -> R,
}

impl<A, R> Task<A, R> {
    /// Names `body`. No other function of this program may have the same name.
    pub const fn new(name: &'static str, body: fn(A) -> R) -> Task<A, R> {
        Task { name, body }
    }

    /// Name of the function.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl<A: DeserializeOwned, R: Serialize> Callable for Task<A, R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, argument: Message) -> Result<u8, Error> {
        let ((), endpoint): ((), WorkerEndpoint) = unpack(argument)?;
        endpoint.serve(&self.body)
    }
}

impl WorkerEndpoint {
    /// Runs a spawned worker until it is stopped.
    ///
    /// # Errors
    /// As [`serve`].
    pub fn serve<A: DeserializeOwned, R: Serialize>(
        &self,
        body: &dyn Fn(A) -> R,
    ) -> Result<u8, Error> {
        let channel = self.channels.get(self.index);
        let channel = channel.ok_or_else(|| Error::invalid("a worker without a channel"))?;
        serve(channel, &self.result_events[0], &self.bulk, body).map(|()| 0)
    }
}

/// Runs a worker: one task after the other until it is stopped.
///
/// # Errors
/// Where a message cannot be received or sent.
pub fn serve<A: DeserializeOwned, R: Serialize>(
    channel: &Channel,
    result_events: &EventCount,
    bulk: &BulkConnection,
    body: &dyn Fn(A) -> R,
) -> Result<(), Error> {
    let mut strategy = WaitStrategy::default();
    for received in 0_u32.. {
        while channel.posted.count() == received {
            channel.posted.wait(received, None, &mut strategy);
        }
        let slot = received as usize % DEPTH;
        let task = match channel.tasks[slot].read() {
            Content::Inline(bytes) => bytes.into(),
            Content::ViaSocket => bulk.socket()?.receive(Timeout::Never)?,
            Content::Stop => break,
        };
        let result = pack(&run_task(task, body))?;
        channel.results[slot].write(&send(&result, bulk)?);
        channel.completed.fetch_add(1, Ordering::Release);
        result_events.notify();
    }
    Ok(())
}

/// Runs `body` on each item of a task. The error is the message of a panic.
fn run_task<A: DeserializeOwned, R>(
    task: Message,
    body: &dyn Fn(A) -> R,
) -> Result<Vec<R>, String> {
    let items: Vec<A> = unpack(task).map_err(|error| error.to_string())?;
    let run = AssertUnwindSafe(|| items.into_iter().map(body).collect());
    catch_unwind(run).map_err(|panic| panic_message(&*panic))
}

/// Sends a message over the socket if it is too long for a slot. Returns the
/// content of its slot.
pub fn send(message: &Message, bulk: &BulkConnection) -> Result<Content, Error> {
    if message.bytes.len() <= SLOT_BYTES && message.descriptors.is_empty() {
        return Ok(Content::Inline(message.bytes.clone()));
    }
    bulk.socket()?.send(message, Timeout::Never)?;
    Ok(Content::ViaSocket)
}
