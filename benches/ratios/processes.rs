//! Worker processes, relative to Python, to hand-written code and to threads.

use nthread::Registry;

use crate::Effort;
use crate::dispatch::{self, Pace, Pause, backend_call_ns};
use crate::figure::{Target, heading, print, time};
use crate::messages;
use crate::peer::Peer;
use crate::race::{Race, Times};
use crate::throughput;

/// Operation of this crate, its counterpart in Python, and the target of the ratio of
/// speeds: an empty call of two workers, a message, a value.
const COUNTERPARTS: &[(&str, &str, Target)] = &[
    ("process-pool", "pool-map", Target::AtLeast(15.0)),
    ("process-pool", "concurrent", Target::Open),
    ("process-pool", "loky", Target::AtLeast(200.0)),
    ("process-shm", "process", Target::AtLeast(10.0)),
    ("process-pipe", "process", Target::AtLeast(10.0)),
    ("process-queue", "process", Target::Open),
    ("process-manager", "process", Target::Open),
    ("Queue::get", "queue", Target::Open),
    ("Connection::recv", "pipe", Target::Open),
    ("Value::get", "manager", Target::Open),
];

/// Ways of passing messages, and the number of messages of a sample.
type Messages = fn(u32) -> anyhow::Result<f64>;
const MESSAGES: &[(&str, Messages, u32)] = &[
    ("Queue::get", messages::through_queue_ns, 10_000),
    ("Connection::recv", messages::through_pipe_ns, 10_000),
    ("Value::get", messages::manager_value_ns, 1_000),
];

/// Target of the messages per second through a queue.
const MESSAGES_PER_SECOND: f64 = 200_000.0;

/// Operations of a peer, their number in a sample of some milliseconds, and their unit.
const REQUESTS: &[(&str, u32, &str)] = &[
    ("pool-map", 50, "Pool.map over two items"),
    ("process", 3, "two Processes, started and joined"),
    ("loky", 5, "two tasks of joblib's loky"),
    ("concurrent", 25, "ProcessPoolExecutor.map over two items"),
    ("manager", 100, "a value of a Manager"),
    ("queue", 500, "a message through a Queue"),
    ("pipe", 500, "a message through a Pipe"),
];

/// Returns whether the backend of this name has worker processes.
pub fn is_process(name: &str) -> bool {
    name.starts_with("process-")
}

/// Prints the ratios of times and of throughputs.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    beside_python(effort)?;
    dispatch::by_hand(effort, "processes", is_process)?;
    throughput::measure_processes(effort)
}

fn beside_python(effort: Effort) -> anyhow::Result<()> {
    heading("processes: an empty call of 2 workers, back to back, how many times as fast as");
    let registry = Registry::default();
    let names = COUNTERPARTS.iter().map(|(name, ..)| *name);
    let mut backends: Vec<&str> = names.filter(|name| is_process(name)).collect();
    backends.dedup();
    let mut race = Race::default();
    for name in backends {
        match registry.obstacle(name) {
            Some(why) => println!("  without {name}: {why}"),
            None => {
                race.add(name, move || backend_call_ns(name, 0, Pace::new(effort, Pause::None)))
            }
        }
    }
    for &(name, pass, count) in MESSAGES {
        race.add(name, move || pass(effort.or_test(count, 10)));
    }
    for &(name, count, what) in REQUESTS {
        match ready(name) {
            Ok(mut peer) => race.add(name, move || peer.ns_of(name, effort.or_test(count, 1))),
            Err(why) => println!("  without {what}: {why:#}"),
        }
    }
    let times = race.run(effort.or_test(25, 1))?;
    for &(backend, peer, target) in COUNTERPARTS {
        print_counterpart(effort, &times, [backend, peer], target);
    }
    print_messages(effort, &times)
}

/// Prints messages per second, and the time of a large one.
fn print_messages(effort: Effort, times: &Times) -> anyhow::Result<()> {
    heading("processes: messages");
    for (name, ..) in MESSAGES {
        let per_second: Vec<f64> = times.samples(name).iter().map(|ns| 1e9 / ns).collect();
        let is_queue = *name == "Queue::get";
        let target = if is_queue { Target::AtLeast(MESSAGES_PER_SECOND) } else { Target::Open };
        print(effort, &format!("{name}, in a second"), &per_second, target, "");
    }
    for (name, pass) in [
        ("100 MB through a Queue, in ms", messages::large_through_queue_ns as fn() -> _),
        ("100 MB through a pipe, in ms", messages::large_through_pipe_ns),
    ] {
        let times: anyhow::Result<Vec<f64>> = (0..effort.or_test(5, 1)).map(|_| pass()).collect();
        let ms: Vec<f64> = times?.iter().map(|ns| ns / 1e6).collect();
        print(effort, name, &ms, Target::Open, "every byte compared");
    }
    Ok(())
}

/// Starts a peer for each operation, and waits for its first answer. Peers are not shared,
/// since a fork would copy the memory that another operation has used.
fn ready(name: &str) -> anyhow::Result<Peer> {
    let mut peer = Peer::python("processes.py")?;
    peer.ns_of(name, 1)?;
    Ok(peer)
}

/// Prints nothing if either is missing.
fn print_counterpart(effort: Effort, times: &Times, [backend, peer]: [&str; 2], target: Target) {
    let [own, other] = [backend, peer].map(|name| time(times.median_ns(name)));
    let what = REQUESTS.iter().find(|(name, ..)| *name == peer).map_or(peer, |found| found.2);
    let remark = format!("{own} / {other}: {what}");
    print(effort, &format!("{backend} × {peer}"), &times.ratios(peer, backend), target, &remark);
}
