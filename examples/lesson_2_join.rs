//! Lesson 2: ten workers that sleep and print, and what `join` changes.
//!
//! The first line of each worker is written in parts, as by Python's unbuffered
//! `print`, so lines of other workers may come in between. The test therefore
//! compares letters, not lines. `println!` writes the second line in one piece.
//!
//! ```text torn
//! $ cargo run --example lesson_2_join
//! worker 0 sleeps
//! worker 1 sleeps
//! worker 2 sleeps
//! worker 3 sleeps
//! worker 4 sleeps
//! worker 5 sleeps
//! worker 6 sleeps
//! worker 7 sleeps
//! worker 8 sleeps
//! worker 9 sleeps
//! main: all done
//! worker 0 is awake
//! worker 1 is awake
//! worker 2 is awake
//! worker 3 is awake
//! worker 4 is awake
//! worker 5 is awake
//! worker 6 is awake
//! worker 7 is awake
//! worker 8 is awake
//! worker 9 is awake
//! ```
//!
//! With `join` the last line is true, and the last:
//!
//! ```text torn
//! $ cargo run --example lesson_2_join -- join
//! worker 0 sleeps
//! worker 1 sleeps
//! worker 2 sleeps
//! worker 3 sleeps
//! worker 4 sleeps
//! worker 5 sleeps
//! worker 6 sleeps
//! worker 7 sleeps
//! worker 8 sleeps
//! worker 9 sleeps
//! worker 0 is awake
//! worker 1 is awake
//! worker 2 is awake
//! worker 3 is awake
//! worker 4 is awake
//! worker 5 is awake
//! worker 6 is awake
//! worker 7 is awake
//! worker 8 is awake
//! worker 9 is awake
//! main: all done
//! ```

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::thread::sleep;
use std::time::Duration;

use nthread::process::Process;

fn worker(number: u32) -> io::Result<()> {
    // Without the buffer of `println!`, each part of a line is a separate write.
    let mut unbuffered = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    writeln!(unbuffered, "worker {number} sleeps")?;
    sleep(Duration::from_millis(200));
    println!("worker {number} is awake");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut workers = Vec::new();
    for number in 0..10 {
        workers.push(Process::new(move || worker(number)).start()?);
    }
    if std::env::args().any(|argument| argument == "join") {
        for worker in &mut workers {
            worker.join()?;
        }
    }
    println!("main: all done");
    // `workers` is dropped here, which waits for every child that was not joined.
    Ok(())
}
