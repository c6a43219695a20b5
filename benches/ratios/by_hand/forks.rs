//! Hand-written pair of processes, forked in each call.

use std::io::{self, PipeReader, Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

use super::shared::Shared;
use super::{Call, Task};

/// Forks a child that runs `body` and ends.
fn forked(body: impl FnOnce()) -> Pid {
    // SAFETY: this process has one thread, so the child may run any code; it
    // leaves by `_exit`.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            body();
            // SAFETY: it ends the process and does nothing else.
            unsafe { libc::_exit(0) }
        }
    }
}

/// Forks a child that outlives a call, and ends if this process is killed.
pub fn lasting(body: impl FnOnce()) -> Pid {
    forked(|| {
        if prctl::set_pdeathsig(Signal::SIGKILL).is_ok() {
            body();
        }
    })
}

/// Reaps a child.
pub fn wait_for(child: Pid) {
    waitpid(child, None).expect("a child that ends");
}

/// Two children in each call, with one pipe each.
pub fn fork_pipe_wait(task: Task, size: u64) -> anyhow::Result<Call> {
    Ok(Box::new(move || {
        let children = [0, 1].map(|worker| {
            let (reader, mut writer) = io::pipe().expect("a pipe");
            // SAFETY: this process has one thread, so the child may run any
            // code; it leaves by `_exit`.
            match unsafe { fork() }.expect("a child") {
                ForkResult::Parent { child } => (child, reader),
                ForkResult::Child => {
                    drop(reader);
                    let is_written = writer.write_all(&task(worker, size).to_le_bytes()).is_ok();
                    // SAFETY: it ends the process and does nothing else.
                    unsafe { libc::_exit(i32::from(!is_written)) }
                }
            }
        });
        let answer = |(child, mut reader): (Pid, PipeReader)| {
            let mut bytes = [0; 8];
            reader.read_exact(&mut bytes).expect("an answer");
            wait_for(child);
            u64::from_le_bytes(bytes)
        };
        children.map(answer).into_iter().fold(0, u64::wrapping_add)
    }))
}

/// Two children in each call, which write their results into shared memory.
pub fn fork_wait_mapping(task: Task, size: u64) -> anyhow::Result<Call> {
    let answers = Shared::new([AtomicU64::new(0), AtomicU64::new(0)])?;
    Ok(Box::new(move || {
        let start = |worker: u64| {
            let answer = &answers[worker as usize];
            forked(|| answer.store(task(worker, size), Ordering::Relaxed))
        };
        [0, 1].map(start).into_iter().for_each(wait_for);
        answers.iter().fold(0, |sum, answer| sum.wrapping_add(answer.load(Ordering::Relaxed)))
    }))
}
