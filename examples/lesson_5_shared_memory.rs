//! Lesson 5: the squares of lesson 4 in shared memory, and a counter that four
//! processes increment.
//!
//! ```text
//! $ cargo run --example lesson_5_shared_memory
//! [4, 9, 16, 25, 36, 49]
//! 4 × 200,000, read and then written: …
//! 4 × 200,000, added in one step: 800000
//! 4 × 200,000, under a lock: 800000
//! ```

use std::sync::atomic::{AtomicI32, Ordering};

use nthread::process::{Error, Locked, Process, Shared};

fn square(numbers: &[i32], result: &[AtomicI32]) {
    for (number, place) in numbers.iter().zip(result) {
        place.store(number * number, Ordering::Relaxed);
    }
}

/// Lets four processes add one, 200,000 times each.
fn four(add_one: impl Fn() -> Result<(), Error>) -> anyhow::Result<()> {
    let mut children = Vec::new();
    for _ in 0..4 {
        let count = || (0..200_000).try_for_each(|_| add_one());
        children.push(Process::new(count).start()?);
    }
    for child in &mut children {
        child.join()?;
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let numbers = [2, 3, 4, 5, 6, 7];
    let result = Shared::<AtomicI32>::zeroed(numbers.len())?;
    Process::new(|| square(&numbers, &result)).start()?.join()?;
    println!("{:?}", &result[..]);

    let total = &Shared::<AtomicI32>::zeroed(1)?[0];
    four(|| {
        // Another process may write between these two lines.
        let before = total.load(Ordering::Relaxed);
        total.store(before + 1, Ordering::Relaxed);
        Ok(())
    })?;
    println!("4 × 200,000, read and then written: {}", total.swap(0, Ordering::Relaxed));

    four(|| {
        total.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })?;
    println!("4 × 200,000, added in one step: {}", total.load(Ordering::Relaxed));

    let total = Locked::new(0)?;
    four(|| {
        *total.lock()? += 1;
        Ok(())
    })?;
    println!("4 × 200,000, under a lock: {}", *total.lock()?);
    Ok(())
}
