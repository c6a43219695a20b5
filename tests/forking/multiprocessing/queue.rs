//! Queues: each value is received once, whichever process dies.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nthread::process::{Callable, Error, Queue, Shared};

use super::pipe::copy_of;
use super::{BOTH, Done, LONG, MOMENT, Part, fork, is_well};
use crate::suite::Test;

pub const TESTS: &[Test] = &[
    ("every value is received by one consumer", each_once),
    ("values of one producer are received in their order", in_order),
    ("a full queue blocks until a value is removed", bounded),
    ("an empty queue blocks until a value is added", empty),
    ("the smallest queue takes values of any size", any_size),
    ("a consumer that is killed loses one value at most", killed_consumers),
    ("a producer that is killed has put whole values or none", killed_producers),
];

pub const FUNCTIONS: &[&dyn Callable] = &[&PRODUCE.function, &CONSUME.function];

type Numbers = Queue<Option<u32>>;

/// Puts this many numbers, beginning with the given one.
static PRODUCE: Part<(Numbers, u32, u32), Done> = Part::new("produce", |(queue, first, many)| {
    (first..first + many).try_for_each(|number| queue.put(&Some(number)))
});

/// Gets numbers until a last `None`, and puts them as one value.
static CONSUME: Part<(Numbers, Queue<Vec<u32>>), Done> =
    Part::new("consume", |(queue, results)| {
        let mut numbers = Vec::new();
        while let Some(number) = queue.get()? {
            numbers.push(number);
        }
        results.put(&numbers)
    });

fn each_once() {
    for start in BOTH {
        let (queue, results) = (Queue::new().expect("a queue"), Queue::new().expect("a queue"));
        let consumers: Vec<_> =
            (0..4).map(|_| CONSUME.start(start, (copy_of(&queue), copy_of(&results)))).collect();
        let producers: Vec<_> =
            (0..4).map(|i| PRODUCE.start(start, (copy_of(&queue), 1000 * i, 1000))).collect();
        producers.into_iter().for_each(is_well);
        (0..4).for_each(|_| queue.put(&None).expect("there are consumers"));
        let mut numbers: Vec<u32> =
            (0..4).flat_map(|_| results.get_timeout(LONG).expect("numbers")).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..4000));
        consumers.into_iter().for_each(is_well);
    }
}

fn in_order() {
    for start in BOTH {
        let queue = Numbers::new().expect("a queue");
        let child = PRODUCE.start(start, (copy_of(&queue), 0, 2000));
        (0..2000).for_each(|i| assert_eq!(queue.get_timeout(LONG).expect("a number"), Some(i)));
        is_well(child);
    }
}

/// Puts numbers until the queue is full, and returns their number.
fn fill(queue: &Numbers) -> u32 {
    let puts = (0..).map(|i| queue.put_timeout(&Some(i), Duration::ZERO));
    let refused = puts.map_while(|put| put.is_ok().then_some(())).count();
    u32::try_from(refused).expect("a bounded queue")
}

fn bounded() {
    let (usual, small) = (Numbers::new(), Numbers::with_buffer_size(1));
    let rooms = [usual, small].map(|queue| {
        let queue = queue.expect("a queue");
        let room = fill(&queue);
        let begun = Instant::now();
        let refused = queue.put_timeout(&None, MOMENT);
        assert!(matches!(refused, Err(Error::TimedOut)) && begun.elapsed() >= MOMENT);
        assert_eq!(queue.get().expect("it is full"), Some(0));
        queue.put_timeout(&None, LONG).expect("there is room");
        let rest: Vec<_> = (0..room).map(|_| queue.get().expect("a value")).collect();
        assert!(rest.into_iter().eq((1..room).map(Some).chain([None])));
        room
    });
    assert!(rooms[0] > 100 && rooms[1] > 0 && rooms[1] < 20, "{rooms:?}");
    // A blocked put continues when another process has removed a value.
    let queue = Numbers::with_buffer_size(1).expect("a queue");
    let room = fill(&queue);
    let child = PRODUCE.start(BOTH[0], (copy_of(&queue), room, 100));
    (0..room + 100).for_each(|i| assert_eq!(queue.get().expect("a value"), Some(i)));
    is_well(child);
}

fn empty() {
    let queue = Numbers::new().expect("a queue");
    assert!(matches!(queue.get_timeout(Duration::ZERO), Err(Error::TimedOut)));
    let begun = Instant::now();
    assert!(matches!(queue.get_timeout(MOMENT), Err(Error::TimedOut)));
    assert!(begun.elapsed() >= MOMENT);
    queue.put(&Some(3)).expect("there is room");
    assert_eq!(queue.get_timeout(Duration::ZERO).expect("it is there"), Some(3));
    let child = PRODUCE.start(BOTH[0], (copy_of(&queue), 5, 1));
    assert_eq!(queue.get_timeout(LONG).expect("it will be there"), Some(5));
    is_well(child);
}

fn any_size() {
    let queue = Queue::<String>::with_buffer_size(1).expect("a queue");
    for bytes in [0, 1000, 1022, 1023, 5000, 1_000_000, 100_000_000] {
        let child = fork(|| queue.put(&"x".repeat(bytes)));
        let text = queue.get_timeout(LONG).expect("a value");
        assert!(text.len() == bytes && text.bytes().all(|byte| byte == b'x'), "{bytes} bytes");
        is_well(child);
    }
}

/// A text with this number; some are too long for a packet.
fn long_or_short(number: u32) -> String {
    format!("{number}:{}", "x".repeat(if number.is_multiple_of(3) { 6000 } else { 10 }))
}

/// The number in such a text, which must be whole.
#[track_caller]
fn number_in(text: &str) -> u32 {
    let number = text.split(':').next().and_then(|it| it.parse().ok()).expect("a number");
    assert_eq!(text, long_or_short(number));
    number
}

const VALUES: u32 = 60;

fn killed_consumers() {
    let queue = Queue::<String>::new().expect("a queue");
    for round in 0..50 {
        let got = Shared::<AtomicU32>::zeroed(VALUES as usize + 1).expect("memory");
        let count = &got[VALUES as usize];
        let mut consumer = fork(|| -> u8 {
            loop {
                let number = queue.get().map_or(0, |text| number_in(&text));
                got[number as usize].fetch_add(1, Ordering::SeqCst);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        (0..VALUES).for_each(|i| queue.put(&long_or_short(i)).expect("there is room"));
        while count.load(Ordering::SeqCst) < round {
            std::hint::spin_loop();
        }
        consumer.kill().expect("it runs");
        consumer.join().expect("an end");
        while let Ok(text) = queue.get_timeout(Duration::ZERO) {
            got[number_in(&text) as usize].fetch_add(1, Ordering::SeqCst);
        }
        let times: Vec<u32> = got.iter().map(|it| it.load(Ordering::SeqCst)).collect();
        let values = &times[..VALUES as usize];
        assert!(values.iter().all(|times| *times <= 1), "round {round}: {times:?}");
        let lost = values.iter().filter(|times| **times == 0).count();
        assert!(lost <= 1, "round {round}: {times:?}");
    }
}

fn killed_producers() {
    let queue = Queue::<String>::new().expect("a queue");
    for round in 0..50 {
        let mut producer = fork(|| {
            for number in 0.. {
                let _ = queue.put(&long_or_short(number));
            }
        });
        let first = (0..=round).map(|_| number_in(&queue.get().expect("a value")));
        assert!(first.eq(0..=round));
        producer.kill().expect("it runs");
        producer.join().expect("an end");
        let mut next = round + 1;
        while let Ok(text) = queue.get_timeout(Duration::ZERO) {
            assert_eq!(number_in(&text), next);
            next += 1;
        }
        queue.put(&long_or_short(0)).expect("it is empty");
        assert_eq!(number_in(&queue.get().expect("a value")), 0);
    }
}
