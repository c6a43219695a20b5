//! Names of processes and functions.

use std::fs;
use std::process::{Command, Stdio};

use nthread::process::{
    Callable, Error, Function, Pool, Process, Sender, Task, active_children, current_name, enter,
    one_way, panic_message,
};

use super::life::NOTHING;
use super::{BOTH, Done, Part, Start, fork, is_well, sleep};
use crate::suite::Test;

pub const TESTS: &[Test] = &[
    ("two functions with the same name are refused", two_of_one_name),
    ("a child is named by its number, and its children by its name and number", names),
    ("a given name is kept, and ps shows its first 15 bytes", given_names),
    ("children are active until they are waited for", active),
    ("a function that is not registered is refused with the way to register it", not_entered),
    ("the verb of a child on the command line is an error", by_hand),
];

pub const FUNCTIONS: &[&dyn Callable] = &[&NAMES.function];

/// Sends its name, that in /proc, those of two children, and the number of children
/// that it had at first.
static NAMES: Part<Sender<[String; 4]>, Done> = Part::new("send names", |say| {
    let at_first = active_children().len().to_string();
    let comm = fs::read_to_string("/proc/self/comm").expect("/proc");
    let children = BOTH.map(|start| NOTHING.start(start, ()).name().to_string());
    say.send(&[current_name(), comm.trim_end().to_string(), children.join(" "), at_first])
});

fn names() {
    for start in BOTH {
        let (hear, say) = one_way().expect("a pipe");
        let child = NAMES.give(start, say);
        let name = child.name().to_string();
        assert!(name.starts_with("Process-"), "{name}");
        let children = format!("{name}:1 {name}:2");
        assert_eq!(hear.recv().expect("names"), [name.clone(), name, children, "0".to_string()]);
        is_well(child);
    }
    let number = |start| {
        let name = NOTHING.start(start, ()).name().to_string();
        name.strip_prefix("Process-").expect("no name was given").parse::<u32>().expect("a number")
    };
    assert_eq!(number(Start::Spawn) + 1, number(Start::Fork));
    assert_eq!(current_name(), "MainProcess");
}

fn given_names() {
    for start in BOTH {
        let (hear, say) = one_way().expect("a pipe");
        let process = match start {
            Start::Fork => Process::with(say, NAMES.body),
            Start::Spawn => Process::of(&NAMES.function, say).expect("it is listed"),
        };
        let child = process.name("the seventeenth poet").start().expect("a process");
        assert_eq!(child.name(), "the seventeenth poet");
        let [name, shown, children, _] = hear.recv().expect("names");
        assert_eq!(name, "the seventeenth poet");
        assert_eq!(shown, "the seventeenth");
        assert_eq!(children, "the seventeenth poet:1 the seventeenth poet:2");
        is_well(child);
    }
}

fn active() {
    let first = fork(sleep);
    let mut second = fork(|| ());
    let both = [&first, &second].map(|child| (child.pid(), child.name().to_string()));
    assert_eq!(active_children(), both);
    second.join().expect("an end");
    assert_eq!(active_children(), both[..1]);
    drop(first);
    assert_eq!(active_children(), []);
}

fn not_entered() {
    static UNLISTED: Function<(), ()> = Function::new("nobody knows me", |()| ());
    static UNLISTED_TASK: Task<u8, u8> = Task::new("nor me", |it| it);
    let process = Process::of(&UNLISTED, ()).map(drop).expect_err("it was not listed");
    let pool = Pool::spawn(2, &UNLISTED_TASK).map(drop).expect_err("it was not listed");
    for (refused, name) in [(process, "nobody knows me"), (pool, "nor me")] {
        assert!(
            matches!(refused, Error::NotRegistered { function } if function == name),
            "{refused}"
        );
        let message = refused.to_string();
        assert!(
            message.contains(name) && message.contains("nthread::process::enter(&["),
            "{message}"
        );
    }
}

fn by_hand() {
    let ours = std::env::current_exe().expect("/proc");
    let harness = env!("CARGO_BIN_EXE_harness");
    let known = [(ours.as_path(), "send names"), (ours.as_path(), "nthread manager")];
    let backend = [(harness.as_ref(), "process-pipe"), (harness.as_ref(), "nobody knows me")];
    for (program, function) in known.into_iter().chain(backend) {
        let mut command = Command::new(program);
        let command = command.args(["__process", function]).stdin(Stdio::null());
        let done = command.output().expect("it starts");
        let message = String::from_utf8(done.stderr).expect("UTF-8");
        assert!(done.status.code().is_some_and(|code| code != 0), "{}: {message}", done.status);
        assert!(message.contains(function) || message.contains("__process"), "{message}");
        assert!(!message.contains("panicked"), "{message}");
    }
}

fn two_of_one_name() {
    let entered = std::panic::catch_unwind(|| enter(&[&NAMES.function, &NAMES.function]));
    let message = panic_message(&*entered.expect_err("it is there twice"));
    assert!(message.contains("two functions are called"), "{message}");
}
