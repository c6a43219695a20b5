//! Channel between a pool and one of its workers, in shared memory.
//!
//! A channel has slots for [`DEPTH`] tasks and as many results. Each side counts
//! the messages that it has written. It increments the count only when the
//! message is complete, so a process that dies while it writes has sent nothing.
//! A reader polls the count for a moment and then sleeps on it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::process::shared::{load_bytes, store_bytes};
use crate::process::system::{futex_wait, futex_wake, shareable};
use crate::process::wire::Bytes;

/// Number of tasks that a worker may have at a time: the one that it runs, and
/// one more, so that it need not wait between them.
pub const DEPTH: usize = 2;

/// Largest message that fits into a slot, in bytes. A longer one is sent over
/// the worker's socket.
pub const SLOT_BYTES: usize = 8 * SLOT_WORDS;

const SLOT_WORDS: usize = 30;

/// Length of a slot whose message is sent over the socket.
const VIA_SOCKET: u32 = u32::MAX;

/// Length of a slot that ends the worker.
const STOP: u32 = u32::MAX - 1;

/// Content of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A message.
    Inline(Bytes),
    /// A reference to a message that is sent over the socket.
    ViaSocket,
    /// A request to end.
    Stop,
}

shareable! {
    /// Memory for one message.
    pub struct Slot {
        length: AtomicU32,
        words: [AtomicU64; SLOT_WORDS],
    }
}

impl Slot {
    /// Writes the content. Relaxed stores suffice, here and in [`Slot::read`]:
    /// the count that is incremented afterwards publishes them.
    pub fn write(&self, content: &Content) {
        let length = match content {
            Content::Inline(bytes) => {
                store_bytes(&self.words, bytes);
                bytes.len() as u32
            }
            Content::ViaSocket => VIA_SOCKET,
            Content::Stop => STOP,
        };
        self.length.store(length, Ordering::Relaxed);
    }

    /// Reads the content. A length beyond the slot, which only a faulty writer
    /// can store, is truncated.
    pub fn read(&self) -> Content {
        match self.length.load(Ordering::Relaxed) {
            VIA_SOCKET => Content::ViaSocket,
            STOP => Content::Stop,
            length => Content::Inline(load_bytes(&self.words, length as usize).collect()),
        }
    }
}

shareable! {
    /// Counter of events. One or several processes increment it, and one process
    /// waits for it to change.
    pub struct EventCount {
        count: AtomicU32,
        has_waiter: AtomicU32,
    }
}

impl EventCount {
    /// Number of events so far.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    /// Counts an event, publishes all earlier stores, and wakes the waiter.
    pub fn notify(&self) {
        // Sequentially consistent here and in `wait`: this side increments the
        // count and then reads whether there is a waiter; the other sets
        // `has_waiter` and then reads the count. At least one of them sees the
        // other's store, so no wake-up is lost.
        self.count.fetch_add(1, Ordering::SeqCst);
        // Only the waiter resets `has_waiter`. This side might be late and reset
        // the flag of the next wait, and the event after that would wake nobody.
        if self.has_waiter.load(Ordering::SeqCst) != 0 {
            futex_wake(&self.count);
        }
    }

    /// Waits until the count differs from `seen`, at most for `timeout`. The
    /// strategy belongs to the waiter, and is adapted to the length of the wait.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>, strategy: &mut WaitStrategy) {
        let start = Instant::now();
        if !self.has_changed_soon(seen, *strategy) {
            self.has_waiter.store(1, Ordering::SeqCst);
            if self.count.load(Ordering::SeqCst) == seen {
                futex_wait(&self.count, seen, timeout);
            }
            self.has_waiter.store(0, Ordering::SeqCst);
        }
        *strategy = if start.elapsed() < SHORT_WAIT {
            WaitStrategy::YieldFirst
        } else {
            WaitStrategy::Sleep
        };
    }

    /// Polls the count for a moment, which saves two system calls and a wake-up
    /// if the event is imminent.
    fn has_changed_soon(&self, seen: u32, strategy: WaitStrategy) -> bool {
        strategy == WaitStrategy::YieldFirst
            && (0..YIELDS).any(|_| {
                std::thread::yield_now();
                self.count() != seen
            })
    }

    /// Resets it to its initial state. No process may be using it.
    pub fn reset(&self) {
        self.count.store(0, Ordering::SeqCst);
        self.has_waiter.store(0, Ordering::SeqCst);
    }
}

/// Strategy of a waiter.
///
/// Yielding and polling is the fastest where events come at once. Where they do
/// not, it takes CPU time from the processes that are to produce them: measured
/// with two workers on two CPUs, calls of 50 ms took 5% longer. So it is used
/// only after a short wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitStrategy {
    /// Yields a few times before it sleeps.
    #[default]
    YieldFirst,
    /// Sleeps at once.
    Sleep,
}

/// Duration below which a wait counts as short.
const SHORT_WAIT: Duration = Duration::from_micros(20);

/// Number of yields before a waiter sleeps.
const YIELDS: u32 = 10;

shareable! {
    /// Memory that one worker and the pool share.
    #[repr(align(128))]
    pub struct Channel {
        /// Counts the tasks that the pool has written; the worker waits for it.
        pub posted: EventCount,
        /// Counts the results that the worker has written.
        pub completed: AtomicU32,
        /// Tasks; task number i is in slot i mod [`DEPTH`].
        pub tasks: [Slot; DEPTH],
        /// Results, in the slots of their tasks.
        pub results: [Slot; DEPTH],
    }
}

impl Channel {
    /// Resets it to its initial state, for the replacement of a dead worker.
    pub fn reset(&self) {
        self.posted.reset();
        self.completed.store(0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Shared;

    #[test]
    fn a_slot_returns_the_content_that_was_written() {
        let slots = Shared::<Slot>::zeroed(1).expect("memory");
        let long: Vec<u8> = (0..SLOT_BYTES).map(|i| i as u8).collect();
        for length in [0, 1, 7, 8, 9, SLOT_BYTES - 1, SLOT_BYTES] {
            let content = Content::Inline(long[..length].into());
            slots[0].write(&content);
            assert_eq!(slots[0].read(), content);
        }
        for content in [Content::ViaSocket, Content::Stop] {
            slots[0].write(&content);
            assert_eq!(slots[0].read(), content);
        }
    }

    #[test]
    fn notify_leaves_the_flag_of_the_waiter_set() {
        let events = Shared::<EventCount>::zeroed(1).expect("memory");
        events[0].has_waiter.store(1, Ordering::SeqCst);
        events[0].notify();
        assert_eq!(events[0].has_waiter.load(Ordering::SeqCst), 1, "it may go to sleep only now");
    }

    #[test]
    fn wait_returns_at_once_after_an_event_and_else_after_the_timeout() {
        let events = Shared::<EventCount>::zeroed(1).expect("memory");
        events[0].notify();
        events[0].wait(0, None, &mut WaitStrategy::default());
        assert_eq!(events[0].count(), 1);
        events[0].wait(1, Some(Duration::from_millis(1)), &mut WaitStrategy::default());
        assert_eq!(events[0].count(), 1, "timed out");
    }
}
