//! Managers and their clients.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nthread::process::{Callable, Dict, Error, List, Manager, Queue, Sender, Value, one_way, pipe};

use super::pipe::copy_of;
use super::{BOTH, Done, Part, Start, is_well, raw};
use crate::common::wait_until;
use crate::suite::Test;

pub const TESTS: &[Test] = &[
    ("values, lists and dictionaries are read and changed", operations),
    ("several processes use a manager at once", at_once),
    ("each item is popped once", popped_once),
    ("a killed manager is an error for every client", killed),
    ("a client that sends garbage is disconnected, and others are served", garbage),
    ("a client that dies leaves no connection", dead_clients),
    ("no socket of a manager has a name", sockets_without_names),
    ("a manager keeps no descriptors", descriptors),
];

pub const FUNCTIONS: &[&dyn Callable] = &[&USE.function, &POP.function, &REQUEST.function];

fn manager(start: Start) -> Manager {
    match start {
        Start::Fork => Manager::fork(),
        Start::Spawn => Manager::spawn(),
    }
    .expect("a manager")
}

fn operations() {
    for start in BOTH {
        let mut manager = manager(start);
        assert_eq!(manager.server().name(), "SyncManager");
        let value = manager.value(&"one".to_string()).expect("a value");
        assert_eq!(value.get().expect("it lives"), "one");
        value.set(&"two".repeat(100_000)).expect("it lives");
        assert_eq!(value.clone().get().expect("it lives"), "two".repeat(100_000));

        let list = manager.list::<u32>().expect("a list");
        assert!(list.is_empty().expect("it lives"));
        assert_eq!(list.pop().expect("it lives"), None);
        list.push(&1).expect("it lives");
        list.extend(&[2, 3, 4]).expect("it lives");
        list.set(1, &20).expect("it is there");
        assert_eq!(list.get(1).expect("it is there"), 20);
        assert_eq!(list.pop().expect("it lives"), Some(4));
        assert_eq!(list.to_vec().expect("it lives"), [1, 20, 3]);
        let beyond = [list.get(3).map(drop), list.get(usize::MAX).map(drop), list.set(3, &0)];
        for refused in beyond.map(|done| done.expect_err("there is none")) {
            assert!(matches!(refused, Error::Rejected { .. }), "{refused}");
            assert!(
                refused.to_string().contains("is out of range for a list of 3 items"),
                "{refused}"
            );
        }
        list.clear().expect("it lives");
        assert_eq!(list.len().expect("it lives"), 0);
        dictionary(&manager);
    }
}

fn dictionary(manager: &Manager) {
    let dict = manager.dict::<String, Vec<u8>>().expect("a dictionary");
    let key = "key".to_string();
    assert!(dict.is_empty().expect("it lives"));
    assert_eq!(dict.insert(&key, &vec![1]).expect("it lives"), None);
    assert_eq!(dict.insert(&key, &vec![2, 2]).expect("it lives"), Some(vec![1]));
    assert_eq!(dict.get(&key).expect("it lives"), Some(vec![2, 2]));
    assert_eq!(dict.get(&"another".to_string()).expect("it lives"), None);
    assert_eq!(dict.entries().expect("it lives"), [(key.clone(), vec![2, 2])]);
    assert_eq!(dict.remove(&key).expect("it lives"), Some(vec![2, 2]));
    assert_eq!(dict.remove(&key).expect("it lives"), None);
    assert_eq!(dict.len().expect("it lives"), 0);
}

type Things = (Value<u32>, List<u32>, Dict<u32, u32>, u32);

/// Uses all three objects many times, with a number of its own.
static USE: Part<Things, Done> = Part::new("use", |(value, list, dict, number)| {
    (0..100).try_for_each(|i| {
        list.push(&number)?;
        dict.insert(&number, &i)?;
        value.set(&number)
    })
});

fn at_once() {
    for start in BOTH {
        let manager = manager(start);
        let value = manager.value(&0).expect("a value");
        let list = manager.list().expect("a list");
        let dict = manager.dict().expect("a dictionary");
        let things = |number| (value.clone(), list.clone(), dict.clone(), number);
        let starts = [Start::Spawn, Start::Fork, Start::Spawn, Start::Fork];
        let children: Vec<_> =
            (1..).zip(starts).map(|(number, start)| USE.start(start, things(number))).collect();
        (USE.body)(things(0)).expect("it lives");
        children.into_iter().for_each(is_well);
        let mut numbers = list.to_vec().expect("it lives");
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq((0..5).flat_map(|number| [number; 100])));
        let entries: BTreeSet<_> = dict.entries().expect("it lives").into_iter().collect();
        assert!(entries.into_iter().eq((0..5).map(|number| (number, 99))));
        assert!(value.get().expect("it lives") < 5);
    }
}

/// Pops items until the list is empty, and puts them into the queue as one value.
static POP: Part<(List<u32>, Queue<Vec<u32>>), Done> = Part::new("pop", |(list, results)| {
    let mut items = Vec::new();
    while let Some(item) = list.pop()? {
        items.push(item);
    }
    results.put(&items)
});

fn popped_once() {
    let manager = manager(Start::Fork);
    let (list, results) = (manager.list().expect("a list"), Queue::new().expect("a queue"));
    list.extend(&(0..400).collect::<Vec<u32>>()).expect("it lives");
    let starts = [Start::Fork, Start::Spawn, Start::Fork];
    let children = starts.map(|start| POP.start(start, (list.clone(), copy_of(&results))));
    children.into_iter().for_each(is_well);
    let mut items: Vec<u32> = (0..3).flat_map(|_| results.get().expect("items")).collect();
    items.sort_unstable();
    assert!(items.into_iter().eq(0..400));
}

fn killed() {
    for start in BOTH {
        let manager = manager(start);
        let value = manager.value(&1).expect("a value");
        // A proxy with a connection, one without, and a new object.
        let unconnected = copy_of(&value);
        kill(Pid::from_raw(manager.pid()), Signal::SIGKILL).expect("it runs");
        let done = [value.get().map(drop), unconnected.set(&2), manager.list::<u8>().map(drop)];
        for refused in done.map(|done| done.expect_err("it is dead")) {
            assert!(matches!(refused, Error::Disconnected), "{refused}");
        }
    }
    // In the middle of requests, from a child that waits for an answer.
    for start in BOTH {
        let mut manager = manager(Start::Fork);
        let list = manager.list().expect("a list");
        let mut child = REQUEST.start(start, list.clone());
        wait_until("it sends requests", || list.len().expect("it lives") > 10);
        manager.server().kill().expect("it runs");
        assert_eq!(child.join().expect("an end").code(), 5, "it got the error");
    }
}

/// Sends requests for ever; returns 5 if the manager has ended.
static REQUEST: Part<List<u32>, u8> = Part::new("ask", |list| {
    loop {
        match list.push(&1) {
            Ok(()) => {}
            Err(Error::Disconnected) => return 5,
            Err(_) => return 6,
        }
    }
});

/// The listener of the manager of a proxy, taken from a message as proxies are sent.
fn listener_of(list: &List<u32>) -> OwnedFd {
    let (here, there) = pipe::<List<u32>, ()>().expect("a pipe");
    here.send(list).expect("there is room");
    raw::receive(there.descriptor().expect("ours")).1.remove(0)
}

/// A connection to a manager as proxies make it.
fn connect(listener: BorrowedFd<'_>) -> OwnedFd {
    let (own, theirs) = raw::sockets();
    raw::send(listener, &[0, 0], &[theirs.as_raw_fd()]);
    own
}

fn garbage() {
    for start in BOTH {
        let manager = manager(start);
        let list = manager.list().expect("a list");
        list.push(&3).expect("it lives");
        let listener = listener_of(&list);
        let garbage: [&[u8]; 6] =
            [&[7, 7, 7], &[0], &[0, 200], &[0, 1], &[0; 5000], &raw::in_memfd(1 << 60)];
        for bytes in garbage {
            let client = connect(listener.as_fd());
            raw::send(client.as_fd(), bytes, &[]);
            assert_eq!(raw::receive(client.as_fd()).0, [0_u8; 0], "it is disconnected");
            raw::send(listener.as_fd(), bytes, &[]);
            // A connection request without a socket, and one with another file.
            raw::send(listener.as_fd(), &[0, 0], &[]);
            let null = fs::File::open("/dev/null").expect("a file");
            raw::send(listener.as_fd(), &[0, 0], &[null.as_raw_fd()]);
            assert_eq!(list.to_vec().expect("it goes on"), [3]);
        }
        // A client that never reads is disconnected when a reply finds no room.
        let never_reading = connect(listener.as_fd());
        while raw::try_send(never_reading.as_fd(), LENGTH_OF_THE_FIRST, &[]).is_ok() {}
        assert_eq!(list.to_vec().expect("it goes on"), [3]);
    }
}

/// A request as proxies pack it.
const LENGTH_OF_THE_FIRST: &[u8] = &[0, 6, 1];

fn dead_clients() {
    let manager = manager(Start::Fork);
    let list = manager.list().expect("a list");
    let open = || fs::read_dir(format!("/proc/{}/fd", manager.pid())).expect("/proc").count();
    list.push(&0).expect("it lives");
    let before = open();
    for start in [Start::Fork, Start::Spawn, Start::Fork, Start::Fork] {
        let requests_before = list.len().expect("it lives");
        let mut child = REQUEST.start(start, list.clone());
        wait_until("it sends requests", || list.len().expect("it lives") > requests_before);
        child.kill().expect("it runs");
    }
    list.push(&0).expect("it goes on");
    wait_until("the connections of dead clients are closed", || {
        list.len().expect("it goes on");
        open() == before
    });
}

/// Inodes of the sockets of a process.
fn sockets_of(pid: i32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("/proc");
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let names = links.map(|link| link.to_string_lossy().into_owned());
    let inode = |name: String| Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_string());
    names.filter_map(inode).collect()
}

fn sockets_without_names() {
    for start in BOTH {
        let manager = manager(start);
        let list = manager.list::<u32>().expect("a list");
        list.push(&1).expect("it lives");
        let inodes = sockets_of(manager.pid());
        assert!(inodes.len() >= 2, "a listener and a client: {inodes:?}");
        let all = fs::read_to_string("/proc/net/unix").expect("/proc");
        for inode in inodes {
            let is_it = |line: &&str| line.split_whitespace().nth(6) == Some(&inode);
            // A socket of another family, such as stdout, has no line.
            let Some(line) = all.lines().find(is_it) else { continue };
            let fields: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(fields[3], "00000000", "it does not listen: {line}");
            assert_eq!(fields.len(), 7, "it has no name: {line}");
        }
    }
}

fn descriptors() {
    let manager = manager(Start::Fork);
    let (_, say) = one_way::<u8>().expect("a pipe");
    let refused = manager.value(&say).map(drop).expect_err("bytes only");
    assert!(matches!(refused, Error::CannotPack { .. }), "{refused}");
    let list = manager.list::<Sender<u8>>().expect("a list");
    assert!(matches!(list.push(&say), Err(Error::CannotPack { .. })));
    let value = manager.value(&1_u32).expect("a value");
    assert!(matches!(manager.list().and_then(|it| it.push(&value)), Err(Error::CannotPack { .. })));
}
