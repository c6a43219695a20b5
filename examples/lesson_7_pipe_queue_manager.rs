//! Lesson 7: a pipe, a queue and a manager between two processes.
//!
//! ```text
//! $ cargo run --example lesson_7_pipe_queue_manager
//! pipe: [4, 9, 16, 25, 36, 49]
//! and then: the other end is closed
//! queue: [4, 9, 16, 25, 36, 49]
//! manager: [4, 9, 16, 25, 36, 49], plain [], kept ["kept"]
//! ```

use nthread::process::{Error, Manager, Process, Queue, pipe};

const NUMBERS: [u32; 6] = [2, 3, 4, 5, 6, 7];

fn by_pipe() -> anyhow::Result<()> {
    let (here, there) = pipe::<[u32; 6], Vec<u32>>()?;
    let answer = Process::with(there, |there| {
        let numbers = there.recv()?;
        there.send(&numbers.map(|number| number * number).to_vec())
    });
    let mut child = answer.start()?;
    here.send(&NUMBERS)?;
    println!("pipe: {:?}", here.recv()?);
    child.join()?;
    // Only the child had the other end.
    println!("and then: {}", here.recv().expect_err("it has ended"));
    Ok(())
}

fn by_queue() -> anyhow::Result<()> {
    let (tasks, results) = (Queue::new()?, Queue::new()?);
    let answer = Process::new(|| {
        while let Some(number) = tasks.get()? {
            results.put(&(number * number))?;
        }
        Ok::<(), Error>(())
    });
    let mut child = answer.start()?;
    for task in NUMBERS.map(Some) {
        tasks.put(&task)?;
    }
    tasks.put(&None)?; // no more work
    let squares: Result<Vec<u32>, Error> = NUMBERS.iter().map(|_| results.get()).collect();
    println!("queue: {:?}", squares?);
    child.join()?; // after the last `get`, never before
    Ok(())
}

fn by_manager() -> anyhow::Result<()> {
    let manager = Manager::fork()?;
    let squares = manager.list::<u32>()?;
    let notes = manager.dict::<String, Vec<String>>()?;
    let [plain, kept] = ["plain", "kept"].map(String::from);
    let answer = Process::new(|| {
        for number in NUMBERS {
            squares.push(&(number * number))?;
        }
        notes.insert(&plain, &Vec::new())?;
        let mut copy = notes.get(&plain)?.unwrap_or_default();
        copy.push("lost".to_string());
        notes.insert(&kept, &vec!["kept".to_string()]).map(drop)
    });
    answer.start()?.join()?;
    let [plain, kept] = [notes.get(&plain)?, notes.get(&kept)?].map(Option::unwrap_or_default);
    println!("manager: {:?}, plain {plain:?}, kept {kept:?}", squares.to_vec()?);
    Ok(())
}

fn main() -> anyhow::Result<()> {
    by_pipe()?;
    by_queue()?;
    by_manager()
}
