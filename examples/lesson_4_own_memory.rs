//! Lesson 4: why a global list stays empty after a child has appended to it.
//!
//! A forked child has a copy of its parent's memory, a spawned one a memory
//! that begins anew; neither is the parent's. A thread has no memory of its own.
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

/// The lock keeps threads apart. It does not reach into another process.
static SQUARES: Mutex<Vec<u32>> = Mutex::new(Vec::new());

const NUMBERS: [u32; 6] = [2, 3, 4, 5, 6, 7];

/// What a spawned child can do.
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
    // A spawned child runs this program from here, does what it was started
    // for, and goes no further than this line.
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
