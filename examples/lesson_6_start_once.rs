//! Lesson 6: why a process cannot be started twice, and what to do instead.
//!
//! Python raises an AssertionError at the second `start`. Here the first `start`
//! consumes the process, so a program with a second one does not compile.
//!
//! ```text
//! $ cargo run --example lesson_6_start_once
//! hello from Process-1
//! Process-1 exited with status 0
//! joined again: it exited with status 0
//! hello from Process-2
//! Process-2 exited with status 0
//! ```

use nthread::process::{Process, current_name};

/// Returns a new process that says hello.
fn hello() -> Process<'static> {
    Process::new(|| println!("hello from {}", current_name()))
}

fn main() -> anyhow::Result<()> {
    let process = hello();
    let mut child = process.start()?;
    let exit = child.join()?;
    println!("{} {exit}", child.name());
    println!("joined again: it {}", child.join()?);
    // let again = process.start()?; // error[E0382]: use of moved value: `process`

    let mut again = hello().start()?;
    let exit = again.join()?;
    println!("{} {exit}", again.name());
    Ok(())
}
