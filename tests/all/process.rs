//! Process backends in a program that has threads, such as this test.

use nthread::Registry;
use nthread::backend::{Backend, Chunks, StartMethod, Team, TeamError, Work};
use nthread::kernel::{Isa, Job, Pi};
use nthread::process::{Error, Process, active_children, thread_count};

/// A small job for two workers.
fn team(backend: &dyn Backend) -> Result<Box<dyn Team>, TeamError> {
    let job = Job { seed: 1, block: 1 << 10, blocks: 4 };
    let schedule = backend.schedules()[0];
    let chunks = Chunks { blocks: 4, chunk: 1, schedule, nthread: 2 };
    backend.team(Work::new(&Pi, job, Isa::Portable), chunks, &StartMethod::Fork.into())
}

#[test]
fn this_test_has_threads_and_counts_them() {
    assert!(thread_count().expect("/proc") > 1);
}

#[test]
fn a_fork_beside_other_threads_is_refused_with_their_number() {
    let refused = Process::new(|| ()).start().expect_err("there are other threads");
    let Error::MultipleThreads { threads } = refused else { panic!("{refused}") };
    assert!(threads > 1);
    assert!(refused.to_string().contains("refusing to fork"), "{refused}");
}

#[test]
fn a_call_beside_other_threads_is_refused_and_not_made_in_part() {
    let has_processes = |backend: &&dyn Backend| !backend.start_methods().is_empty();
    for backend in Registry::default().backends.into_iter().filter(has_processes) {
        let refused = team(backend).and_then(|mut team| team.call());
        let refused = refused.expect_err("there are other threads");
        let is_told = matches!(refused, TeamError::Process(Error::MultipleThreads { .. }));
        assert!(is_told, "{}: {refused}", backend.name());
        assert_eq!(children_of_this_thread(), "", "{}", backend.name());
    }
}

/// The pids of children that this thread forked. Other threads run tests with children of
/// their own.
fn children_of_this_thread() -> String {
    assert_eq!(active_children(), []);
    // A kernel without CONFIG_PROC_CHILDREN has no such file.
    std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default()
}
