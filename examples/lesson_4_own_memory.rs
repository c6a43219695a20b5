//! Lesson 4: why a global list stays empty after a child has appended to it.
//!
//! A forked child has a copy of its parent's memory, a spawned child has new
//! memory, and a thread shares the memory of its process.
//!
//! ```text
//! $ cargo run --example lesson_4_own_memory
//! in the forked child: [4, 9, 16, 25, 36, 49]
//! in main after it: []
//! in the spawned child: [4, 9, 16, 25, 36, 49]
//! in main after it: []
//! in the thread: [4, 9, 16, 25, 36, 49]
//! in main after it: [4, 9, 16, 25, 36, 49]
//! ```

use std::sync::Mutex;
use std::thread;

use nthread::process::{Function, Process, enter};

/// The lock synchronises threads. It does not extend to another process.
static SQUARES: Mutex<Vec<u32>> = Mutex::new(Vec::new());

const NUMBERS: [u32; 6] = [2, 3, 4, 5, 6, 7];

/// The function of the spawned child.
static SQUARE: Function<[u32; 6], ()> =
    Function::new("square", |numbers| square("the spawned child", &numbers));

fn square(place: &str, numbers: &[u32]) {
    SQUARES.lock().unwrap().extend(numbers.iter().map(|number| number * number));
    show(&format!("in {place}"));
}

fn show(place: &str) {
    println!("{place}: {:?}", SQUARES.lock().unwrap());
}

fn main() -> anyhow::Result<()> {
    // A spawned child starts at the beginning of `main`, runs its function in
    // this line, and ends there.
    enter(&[&SQUARE]);

    Process::new(|| square("the forked child", &NUMBERS)).start()?.join()?;
    show("in main after it");

    Process::of(&SQUARE, NUMBERS)?.start()?.join()?;
    show("in main after it");

    thread::scope(|scope| {
        scope.spawn(|| square("the thread", &NUMBERS));
    });
    show("in main after it");
    Ok(())
}
