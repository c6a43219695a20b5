//! Who this process is, which children it has, and which ends it may use.
//!
//! A child begins with a copy of all of this, and nearly all of it is its
//! parent's business: it gets a name of its own, has no children, and loses
//! the ends that it was not given. [`become_child`] does these three things.

use std::mem;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::Pid;

struct Family {
    /// `None` in the first process.
    name: Option<String>,
    /// Children that were started so far, named or not: the last one's number.
    started: u32,
    children: Vec<(Pid, String)>,
    /// Descriptors of all ends of pipes that are open here.
    ends: Vec<RawFd>,
}

/// All that a child changes, in one place: each page that it writes to must be
/// copied for it first.
static HERE: Here = Here {
    family: Mutex::new(Family { name: None, started: 0, children: Vec::new(), ends: Vec::new() }),
    generation: AtomicU32::new(0),
};

struct Here {
    family: Mutex<Family>,
    /// Forks between this process and the first one.
    generation: AtomicU32,
}

/// Nothing panics while it is held; and no other thread holds it at a fork,
/// since there is none.
fn family() -> MutexGuard<'static, Family> {
    HERE.family.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of this process: `MainProcess` in the first, else what it was given
/// or `Process-3`, if it was the third child that its parent started.
pub fn current_name() -> String {
    family().name.clone().unwrap_or_else(|| "MainProcess".to_string())
}

/// Children that were started here and not waited for yet: pids and names.
/// Those that have ended are waited for by their handles, not by this call.
pub fn active_children() -> Vec<(i32, String)> {
    family().children.iter().map(|(pid, name)| (pid.as_raw(), name.clone())).collect()
}

/// CPUs that this process may use, quota included; at least 1.
pub fn cpu_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Forks between this process and the first one: what was made under another
/// number belongs to another process.
pub fn generation() -> u32 {
    HERE.generation.load(Ordering::Relaxed)
}

/// The name of the next child: the one that it was given, or its number. A
/// child's own children carry its name in front, as in `Process-1:2` (and in
/// `service:2`, where Python has numbers only).
pub fn next_name(given: Option<String>) -> String {
    let mut family = family();
    family.started += 1;
    given.unwrap_or_else(|| match &family.name {
        None => format!("Process-{}", family.started),
        Some(name) => format!("{name}:{}", family.started),
    })
}

/// A child was started.
pub fn add_child(pid: Pid, name: &str) {
    family().children.push((pid, name.to_string()));
}

/// A child was waited for.
pub fn remove_child(pid: Pid) {
    family().children.retain(|(other, _)| *other != pid);
}

/// An end was made here, or brought by a message.
pub fn add_end(end: RawFd) {
    family().ends.push(end);
}

/// An end was closed here.
pub fn remove_end(end: RawFd) {
    family().ends.retain(|other| *other != end);
}

/// What a forked child does first: it takes its name, forgets its siblings, and
/// closes all ends but those it was `given`. An end that stays open in a
/// sibling would keep its peer waiting for ever.
pub fn become_child(name: String, given: Vec<RawFd>) {
    HERE.generation.fetch_add(1, Ordering::Relaxed);
    let mut family = family();
    family.name = Some(name);
    family.started = 0;
    // Forgotten rather than freed, for the same reason.
    mem::forget(mem::take(&mut family.children));
    let all = mem::replace(&mut family.ends, given);
    for end in &all {
        if !family.ends.contains(end) {
            // Its owner is a copy of the parent's variable, which this process
            // never drops, and whose generation forbids its use.
            let _ = nix::unistd::close(*end);
        }
    }
    mem::forget(all);
}

/// What a spawned child does: its memory is fresh, it needs the name alone.
pub fn take_name(name: &str) {
    family().name = Some(name.to_string());
}
