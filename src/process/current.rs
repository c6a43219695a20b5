//! State of the current process: its name, its children and its ends of pipes.
//!
//! A forked child begins with a copy of its parent's state. [`become_child`]
//! gives it a name of its own, an empty list of children, and only those ends
//! of pipes that it was given.

use std::mem;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::Pid;

struct State {
    /// `None` in the first process.
    name: Option<String>,
    /// Number of children that were started so far, named or not.
    started: u32,
    children: Vec<(Pid, String)>,
    /// Descriptors of all ends of pipes that are open here.
    ends: Vec<RawFd>,
}

/// All global variables that a forked child changes, side by side: each page
/// that it writes to must be copied for it first.
struct Global {
    state: Mutex<State>,
    /// Number of forks between this process and the first one.
    generation: AtomicU32,
}

static GLOBAL: Global = Global {
    state: Mutex::new(State { name: None, started: 0, children: Vec::new(), ends: Vec::new() }),
    generation: AtomicU32::new(0),
};

/// Locks the state. No code panics while it holds the lock, and no other thread
/// holds it at a fork, since there is none.
fn state() -> MutexGuard<'static, State> {
    GLOBAL.state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Name of this process: `MainProcess` in the first one; else the name that it
/// was given, or `Process-3` for the third child that its parent started.
pub fn current_name() -> String {
    state().name.clone().unwrap_or_else(|| "MainProcess".to_string())
}

/// Pids and names of the children that were started here and not waited for
/// yet. Children that have ended are waited for by their handles, not by this
/// call.
pub fn active_children() -> Vec<(i32, String)> {
    state().children.iter().map(|(pid, name)| (pid.as_raw(), name.clone())).collect()
}

/// Number of CPUs that this process may use, quota included; at least 1.
pub fn cpu_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Number of forks between this process and the first one. An object that was
/// made in another generation belongs to another process.
pub fn generation() -> u32 {
    GLOBAL.generation.load(Ordering::Relaxed)
}

/// Name of the next child: `given`, or else its number. The name of a child
/// precedes those of its own children, as in `Process-1:2` (and in `service:2`,
/// where Python has numbers only).
pub fn next_name(given: Option<String>) -> String {
    let mut state = state();
    state.started += 1;
    given.unwrap_or_else(|| match &state.name {
        None => format!("Process-{}", state.started),
        Some(name) => format!("{name}:{}", state.started),
    })
}

/// Registers a child that was started.
pub fn add_child(pid: Pid, name: &str) {
    state().children.push((pid, name.to_string()));
}

/// Removes a child that was waited for.
pub fn remove_child(pid: Pid) {
    state().children.retain(|(other, _)| *other != pid);
}

/// Registers an end of a pipe that was made here or received in a message.
pub fn add_end(end: RawFd) {
    state().ends.push(end);
}

/// Removes an end of a pipe that was closed here.
pub fn remove_end(end: RawFd) {
    state().ends.retain(|other| *other != end);
}

/// First step of a forked child: takes its name, forgets its siblings, and
/// closes all ends of pipes except those in `given`. An end that stays open in a
/// sibling would keep its peer waiting for ever.
pub fn become_child(name: String, given: Vec<RawFd>) {
    GLOBAL.generation.fetch_add(1, Ordering::Relaxed);
    let mut state = state();
    state.name = Some(name);
    state.started = 0;
    // Leaked rather than freed: freeing would write to pages of the allocator,
    // each of which must be copied first.
    mem::forget(mem::take(&mut state.children));
    let all = mem::replace(&mut state.ends, given);
    for end in &all {
        if !state.ends.contains(end) {
            // The owner is a copy of the parent's variable. This process never
            // drops it, and the generation of the variable forbids its use.
            let _ = nix::unistd::close(*end);
        }
    }
    mem::forget(all);
}

/// Sets the name of a spawned child, which needs nothing else: its memory is
/// new.
pub fn set_name(name: &str) {
    state().name = Some(name.to_string());
}
