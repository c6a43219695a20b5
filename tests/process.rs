//! Process backends in a program that has threads, such as this test.

use nthread::backend::process::{Alone, Pipe, thread_count};
use nthread::backend::{Backend, Chunks, Schedule, TeamError, Work};
use nthread::kernel::{Isa, Job, Pi};

/// A small job for two workers.
fn team() -> Result<Box<dyn nthread::backend::Team>, TeamError> {
    let job = Job { seed: 1, block: 1 << 10, blocks: 4 };
    let chunks = Chunks { blocks: 4, chunk: 1, schedule: Schedule::Static, nthread: 2 };
    Pipe.team(Work::new(&Pi, job, Isa::Portable), chunks)
}

#[test]
fn this_test_has_threads_and_counts_them() {
    assert!(thread_count().expect("/proc") > 1);
}

#[test]
fn a_fork_beside_other_threads_is_refused_with_their_number() {
    let refused = Alone::check(1).expect_err("there are other threads");
    let TeamError::Threads { threads } = refused else { panic!("{refused}") };
    assert!(threads > 1);
    assert!(refused.to_string().contains("refusing to fork"), "{refused}");
}

#[test]
fn a_call_beside_other_threads_is_refused_and_not_made_in_part() {
    let refused = team().and_then(|mut team| team.call()).expect_err("there are other threads");
    assert!(matches!(refused, TeamError::Threads { .. }), "{refused}");
    let no_child = nix::sys::wait::waitpid(None, Some(nix::sys::wait::WaitPidFlag::WNOHANG));
    assert_eq!(no_child, Err(nix::errno::Errno::ECHILD));
}
