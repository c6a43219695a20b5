//! Children whose parent is killed.

use nix::unistd::Pid;
use nthread::process::{Callable, Manager, Sender, one_way};

use super::pool::{Ask, workers};
use super::{BOTH, Done, Part, Start, fork, sleep};
use crate::common::{is_alive, wait_until};
use crate::suite::Test;

pub const TESTS: &[Test] = &[("with a parent that is killed all its children end", orphans)];

pub const FUNCTIONS: &[&dyn Callable] = &[&PARENT.function, &CHILD.function];

/// Starts a child, sends its pid and its own, and sleeps.
static CHILD: Part<Sender<Vec<i32>>, Done> = Part::new("child", |say| {
    let child = fork(sleep);
    say.send(&vec![std::process::id() as i32, child.pid()])?;
    sleep();
    Ok(())
});

/// Starts children of all kinds, sends their pids, and sleeps.
static PARENT: Part<Sender<Vec<i32>>, Done> = Part::new("parent", |say| {
    let (hear, of_child) = one_way()?;
    let (hear_too, of_spawned) = one_way()?;
    let children = [CHILD.give(Start::Fork, of_child), CHILD.give(Start::Spawn, of_spawned)];
    let mut pids = [hear.recv()?, hear_too.recv()?].concat();
    let managers = [Manager::fork()?, Manager::spawn()?];
    for manager in &managers {
        manager.list::<u8>()?.push(&1)?;
        pids.push(manager.pid());
    }
    let mut pools = BOTH.map(|start| workers(start, 2).expect("a pool"));
    for pool in &mut pools {
        // One worker runs a task, the other waits for one.
        pool.map(&[Ask::Text(1), Ask::Text(1)])?;
        pool.apply_async(&Ask::Sleep)?;
        pids.extend(pool.pids());
    }
    say.send(&pids)?;
    sleep();
    drop(children);
    Ok(())
});

fn orphans() {
    for start in BOTH {
        let (hear, say) = one_way().expect("a pipe");
        let mut parent = PARENT.give(start, say);
        let pids: Vec<Pid> = hear.recv().expect("pids").into_iter().map(Pid::from_raw).collect();
        assert_eq!(pids.len(), 2 + 2 + 2 + 4);
        assert!(pids.iter().all(|pid| is_alive(*pid)));
        parent.kill().expect("it runs");
        parent.join().expect("an end");
        wait_until("all are gone", || !pids.iter().any(|pid| is_alive(*pid)));
    }
}
