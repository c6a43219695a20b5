//! Where a pool and one of its workers meet: a few words of shared memory.
//!
//! A lane holds up to [`DEPTH`] tasks on their way and as many answers. Each
//! side counts what it has put there; a count is raised only when the message
//! is complete, so one who dies in the middle of it has sent nothing. Whoever
//! waits looks at the count for a moment and then sleeps on it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::process::shared::{load_bytes, store_bytes};
use crate::process::system::{futex_wait, futex_wake, shareable};
use crate::process::wire::Bytes;

/// Tasks that a worker may have at a time: the one that it does, and one more,
/// so that it need not wait between them.
pub const DEPTH: usize = 2;

/// Bytes of a message that a slot has room for. A longer one takes the way
/// over the worker's socket, and its slot says so.
pub const SLOT_BYTES: usize = 8 * SLOT_WORDS;

const SLOT_WORDS: usize = 30;

/// A length that says: the message comes by the socket.
const ELSEWHERE: u32 = u32::MAX;

/// A length that says: there will be no other task.
const STOP: u32 = u32::MAX - 1;

/// What lies in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A message.
    Here(Bytes),
    /// Nothing: the message comes by the socket.
    Elsewhere,
    /// The end.
    Stop,
}

shareable! {
    /// Room for one message.
    pub struct Slot {
        length: AtomicU32,
        words: [AtomicU64; SLOT_WORDS],
    }
}

impl Slot {
    /// Relaxed, here and below: the count that is raised afterwards publishes
    /// all that was written before.
    pub fn write(&self, content: &Content) {
        let length = match content {
            Content::Here(bytes) => {
                store_bytes(&self.words, bytes);
                bytes.len() as u32
            }
            Content::Elsewhere => ELSEWHERE,
            Content::Stop => STOP,
        };
        self.length.store(length, Ordering::Relaxed);
    }

    /// A length beyond the slot can only come from a writer that is out of its
    /// mind, and is cut.
    pub fn read(&self) -> Content {
        match self.length.load(Ordering::Relaxed) {
            ELSEWHERE => Content::Elsewhere,
            STOP => Content::Stop,
            length => Content::Here(load_bytes(&self.words, length as usize).collect()),
        }
    }
}

shareable! {
    /// A count that one process raises, or several, and one sleeps on.
    pub struct Bell {
        count: AtomicU32,
        is_awaited: AtomicU32,
    }
}

impl Bell {
    /// How often it was rung.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    /// Publishes what was written, and wakes whoever waits.
    ///
    /// Sequentially consistent here and in [`Bell::wait`]: one side raises the
    /// count and then looks whether anybody waits, the other says that it waits
    /// and then looks at the count. At least one must see the other. Only who
    /// waits takes its word back: who rings might be late, and take back what
    /// was said for the next wait, whose ring would then wake nobody.
    pub fn ring(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if self.is_awaited.load(Ordering::SeqCst) != 0 {
            futex_wake(&self.count);
        }
    }

    /// Waits until it has been rung more often than `seen`, at most so long.
    /// The habit is the waiter's own.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>, habit: &mut Habit) {
        let start = Instant::now();
        if !self.look(seen, *habit) {
            self.is_awaited.store(1, Ordering::SeqCst);
            if self.count.load(Ordering::SeqCst) == seen {
                futex_wait(&self.count, seen, timeout);
            }
            self.is_awaited.store(0, Ordering::SeqCst);
        }
        *habit = if start.elapsed() < SHORT { Habit::Eager } else { Habit::Patient };
    }

    /// Looks for a moment, which saves two system calls and a wake-up where an
    /// answer is near.
    fn look(&self, seen: u32, habit: Habit) -> bool {
        let give_way = |_| {
            std::thread::yield_now();
            self.count() != seen
        };
        habit == Habit::Eager && (0..YIELDS).any(give_way)
    }

    /// As it was made. Nobody may be using it.
    pub fn reset(&self) {
        self.count.store(0, Ordering::SeqCst);
        self.is_awaited.store(0, Ordering::SeqCst);
    }
}

/// How a waiter waits.
///
/// To give way to others and look again is the fastest where answers come at
/// once. Where they do not, it takes a CPU from those who are to answer:
/// measured with two workers on two CPUs, calls of 50 ms took 5% longer. So it
/// is for those whose last wait was short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Habit {
    /// Gives way a few times before it sleeps.
    #[default]
    Eager,
    /// Sleeps at once.
    Patient,
}

/// After a shorter wait it was worth it.
const SHORT: Duration = Duration::from_micros(20);

/// Looks of an eager waiter before it sleeps.
const YIELDS: u32 = 10;

shareable! {
    /// What one worker and the pool share.
    #[repr(align(128))]
    pub struct Lane {
        /// Counts the tasks that were put here; the worker waits at it.
        pub posted: Bell,
        /// Counts the answers.
        pub answered: AtomicU32,
        /// The task of number i lies in slot i mod [`DEPTH`].
        pub tasks: [Slot; DEPTH],
        /// So do the answers.
        pub answers: [Slot; DEPTH],
    }
}

impl Lane {
    /// As it was made, for a new worker in the place of a dead one.
    pub fn reset(&self) {
        self.posted.reset();
        self.answered.store(0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Shared;

    #[test]
    fn a_slot_gives_back_what_was_put_there() {
        let slots = Shared::<Slot>::zeroed(1).expect("memory");
        let long: Vec<u8> = (0..SLOT_BYTES).map(|i| i as u8).collect();
        for length in [0, 1, 7, 8, 9, SLOT_BYTES - 1, SLOT_BYTES] {
            let content = Content::Here(long[..length].into());
            slots[0].write(&content);
            assert_eq!(slots[0].read(), content);
        }
        for content in [Content::Elsewhere, Content::Stop] {
            slots[0].write(&content);
            assert_eq!(slots[0].read(), content);
        }
    }

    #[test]
    fn who_waits_is_woken_by_each_ring_until_it_says_that_it_is_awake() {
        let bells = Shared::<Bell>::zeroed(1).expect("memory");
        bells[0].is_awaited.store(1, Ordering::SeqCst);
        bells[0].ring();
        assert_eq!(bells[0].is_awaited.load(Ordering::SeqCst), 1, "it may sleep only now");
    }

    #[test]
    fn a_bell_that_was_rung_keeps_nobody_waiting() {
        let bells = Shared::<Bell>::zeroed(1).expect("memory");
        bells[0].ring();
        bells[0].wait(0, None, &mut Habit::default());
        assert_eq!(bells[0].count(), 1);
        bells[0].wait(1, Some(Duration::from_millis(1)), &mut Habit::default());
        assert_eq!(bells[0].count(), 1, "timed out");
    }
}
