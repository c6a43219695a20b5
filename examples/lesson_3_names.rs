//! Lesson 3: named processes, a service and two workers, one of which gets a
//! name by default.
//!
//! ```text in any order
//! $ cargo run --example lesson_3_names
//! my service: starts
//! worker 1: starts
//! Process-3: starts
//! worker 1: exits
//! Process-3: exits
//! my service: exits
//! ["my service", "worker 1", "Process-3"]
//! ```

use std::thread::sleep;
use std::time::Duration;

use nthread::process::{Process, current_name};

fn worker() {
    println!("{}: starts", current_name());
    sleep(Duration::from_millis(100));
    println!("{}: exits", current_name());
}

fn my_service() {
    println!("{}: starts", current_name());
    sleep(Duration::from_millis(300));
    println!("{}: exits", current_name());
}

fn main() -> anyhow::Result<()> {
    let mut children = [
        Process::new(my_service).name("my service").start()?,
        Process::new(worker).name("worker 1").start()?,
        Process::new(worker).start()?,
    ];
    for child in &mut children {
        child.join()?;
    }
    println!("{:?}", children.map(|child| child.name().to_string()));
    Ok(())
}
