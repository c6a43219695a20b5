//! System limits on threads and open files: raised if possible, and checked before a run.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

use super::{cgroup, read_text};

/// Upper bound of the limit on descriptors, more than any run needs. Some systems allow a million,
/// and programs that close every possible descriptor would then take minutes.
const MAX_DESCRIPTORS: u64 = 65_536;

/// Number of threads and processes besides the workers: supervisor, shim, runner, a manager and its
/// helpers.
const OTHER_THREADS: u64 = 8;

/// Descriptors of a worker: both ends of its pipe while it is started.
const DESCRIPTORS_PER_WORKER: u64 = 2;

/// Descriptors of standard streams, result files, queues, and those that the caller left open.
const OTHER_DESCRIPTORS: u64 = 32;

const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_RESOURCE: u32 = 24;

/// A system limit on the number of workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemLimit {
    /// The limit on the threads of a user, `ulimit -u`.
    UserThreads,
    /// The limit on the threads of the whole system.
    SystemThreads,
    /// The limit on the threads of a control group, with its directory.
    GroupThreads(PathBuf),
    /// The limit on the open files of a process, `ulimit -n`.
    Descriptors,
}

impl SystemLimit {
    fn advice(&self) -> String {
        match self {
            SystemLimit::UserThreads => "raise it with `ulimit -u`".to_owned(),
            SystemLimit::SystemThreads => {
                "raise it as root with `sysctl kernel.threads-max=…`".to_owned()
            }
            SystemLimit::GroupThreads(directory) => format!(
                "raise {}/pids.max, or TasksMax or --pids-limit of the service or container",
                directory.display()
            ),
            SystemLimit::Descriptors => "raise the hard limit with `ulimit -Hn`".to_owned(),
        }
    }
}

impl fmt::Display for SystemLimit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            SystemLimit::UserThreads => "the limit on a user's threads (ulimit -u)",
            SystemLimit::SystemThreads => "the limit on all threads (kernel.threads-max)",
            SystemLimit::GroupThreads(_) => "the control group's limit on threads (pids.max)",
            SystemLimit::Descriptors => "the limit on open files (ulimit -n)",
        })
    }
}

/// An error: a thread count that exceeds a system limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{nthread} threads are too many: {limit} allows {remaining}; {}, or use fewer threads", limit.advice())]
pub struct TooManyThreads {
    /// The thread count of the run.
    pub nthread: u32,
    /// The limit.
    pub limit: SystemLimit,
    /// The thread count that it allows.
    pub remaining: u64,
}

/// Raises the soft limit on open files to the hard limit, at most to `MAX_DESCRIPTORS`, and never
/// lowers it. Returns the new limit.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let target = hard.min(MAX_DESCRIPTORS);
    if soft >= target {
        return Ok(soft);
    }
    setrlimit(Resource::RLIMIT_NOFILE, target, hard)?;
    Ok(target)
}

/// The number of threads that this process may still start, if a limit is known.
pub fn thread_limit(root: &Path) -> Option<u64> {
    remaining_threads(root, user_thread_limit()).map(|(_, remaining)| remaining).min()
}

/// Checks that a run with `nthread` workers, threads or processes, stays within the limits. Call
/// [`raise_descriptor_limit`] before.
pub fn check_fits(nthread: u32) -> Result<(), TooManyThreads> {
    let descriptors = getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft);
    check_fits_in(Path::new("/"), nthread, user_thread_limit(), descriptors)
}

fn check_fits_in(
    root: &Path,
    nthread: u32,
    user_threads: Option<u64>,
    descriptors: Option<u64>,
) -> Result<(), TooManyThreads> {
    let workers_by_threads = remaining_threads(root, user_threads)
        .map(|(limit, remaining)| (limit, remaining.saturating_sub(OTHER_THREADS)));
    let workers_by_descriptors = descriptors.map(|descriptors| {
        let remaining = descriptors.saturating_sub(OTHER_DESCRIPTORS) / DESCRIPTORS_PER_WORKER;
        (SystemLimit::Descriptors, remaining)
    });
    let lowest = workers_by_threads.chain(workers_by_descriptors).min_by_key(|(_, count)| *count);
    match lowest {
        Some((limit, remaining)) if remaining < u64::from(nthread) => {
            Err(TooManyThreads { nthread, limit, remaining })
        }
        _ => Ok(()),
    }
}

/// Each limit on threads, with the number of threads that it still allows.
fn remaining_threads(
    root: &Path,
    user_threads: Option<u64>,
) -> impl Iterator<Item = (SystemLimit, u64)> {
    let user = user_threads
        .filter(|_| is_limited_user(root))
        .map(|limit| limit.saturating_sub(threads_of_user(root)))
        .map(|remaining| (SystemLimit::UserThreads, remaining));
    let system = number(root, "/proc/sys/kernel/threads-max")
        .map(|limit| limit.saturating_sub(threads_of_system(root)))
        .map(|remaining| (SystemLimit::SystemThreads, remaining));
    let groups = cgroup::group_directories(root, "pids").into_iter().filter_map(|directory| {
        // The text `max`, for no limit, is not a number.
        let limit = number(&directory, "pids.max")?;
        let current = number(&directory, "pids.current").unwrap_or(0);
        Some((SystemLimit::GroupThreads(directory), limit.saturating_sub(current)))
    });
    user.into_iter().chain(system).chain(groups)
}

fn number(root: &Path, path: &str) -> Option<u64> {
    read_text(root, path)?.parse().ok()
}

/// The soft limit on the threads of this user, if there is one.
fn user_thread_limit() -> Option<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
    (soft != RLIM_INFINITY).then_some(soft)
}

/// Returns `true` if the limit per user applies. The kernel exempts root and the holders of two
/// capabilities, but not root of a container with its own user namespace, whose files look like
/// those of root.
fn is_limited_user(root: &Path) -> bool {
    let map = read_text(root, "/proc/self/uid_map").unwrap_or_else(|| "0 0".to_owned());
    if !map.split_whitespace().take(2).eq(["0", "0"]) {
        return true;
    }
    let exempting = 1 << CAP_SYS_ADMIN | 1 << CAP_SYS_RESOURCE;
    let status = read_text(root, "/proc/self/status").unwrap_or_default();
    let capabilities = status_field(&status, "CapEff")
        .and_then(|mask| u64::from_str_radix(mask, 16).ok())
        .unwrap_or(0);
    status_field(&status, "Uid") != Some("0") && capabilities & exempting == 0
}

/// The first word after `name:` in a `status` file.
fn status_field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let fields = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.into_iter().find(|(key, _)| *key == name)?;
    value.split_whitespace().next()
}

/// The number of threads of this user, as far as `/proc` shows them.
fn threads_of_user(root: &Path) -> u64 {
    let proc = root.join("proc");
    let Ok(user) = fs::metadata(proc.join("self")).map(|own| own.uid()) else {
        return 0;
    };
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let processes = entries.filter(|entry| {
        let name = entry.file_name();
        let is_process = name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        is_process && entry.metadata().is_ok_and(|process| process.uid() == user)
    });
    processes
        .filter_map(|entry| {
            let status = read_text(&entry.path(), "status")?;
            status_field(&status, "Threads")?.parse::<u64>().ok()
        })
        .sum()
}

/// The number of threads of the system: the number after the slash in `0.20 0.18 0.12 1/80 11206`.
fn threads_of_system(root: &Path) -> u64 {
    let text = read_text(root, "/proc/loadavg").unwrap_or_default();
    let total = text.split(' ').nth(3).and_then(|field| field.split('/').nth(1));
    total.and_then(|total| total.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::FakeRoot;

    const USER_STATUS: &str = "Name:\tx\nUid:\t1000\t1000\t1000\t1000\nThreads:\t3\n\
                               CapEff:\t0000000000000000";

    /// The machine of an unprivileged user: 80 of 1000 threads exist, 3 of them belong to the user.
    fn unprivileged() -> FakeRoot {
        FakeRoot::new(&[
            ("/proc/self/status", USER_STATUS),
            ("/proc/42/status", USER_STATUS),
            ("/proc/sys/kernel/threads-max", "1000"),
            ("/proc/loadavg", "0.50 0.18 0.12 1/80 11206"),
        ])
    }

    fn lowest(fake: &FakeRoot, user_threads: Option<u64>) -> Option<(SystemLimit, u64)> {
        remaining_threads(fake.path(), user_threads).min_by_key(|(_, count)| *count)
    }

    #[test]
    fn threads_of_the_system_count_against_its_limit() {
        assert_eq!(lowest(&unprivileged(), None), Some((SystemLimit::SystemThreads, 920)));
    }

    #[test]
    fn threads_of_the_user_count_against_the_users_limit() {
        assert_eq!(lowest(&unprivileged(), Some(100)), Some((SystemLimit::UserThreads, 97)));
        assert_eq!(lowest(&unprivileged(), Some(2)), Some((SystemLimit::UserThreads, 0)));
    }

    #[test]
    fn root_and_capable_users_are_exempt_from_the_limit_per_user() {
        for (field, exempt) in [
            ("Uid:\t1000", "Uid:\t0"),
            ("0000000000000000", "0000000001000000"),
            ("0000000000000000", "0000000000200000"),
        ] {
            let fake = unprivileged();
            fake.write("/proc/self/status", &USER_STATUS.replace(field, exempt));
            assert_eq!(lowest(&fake, Some(1)), Some((SystemLimit::SystemThreads, 920)));
        }
    }

    #[test]
    fn root_of_a_user_namespace_is_limited() {
        let fake = unprivileged();
        let status = USER_STATUS.replace("Uid:\t1000", "Uid:\t0");
        fake.write("/proc/self/status", &status);
        fake.write("/proc/self/uid_map", "         0       1000          1");
        assert_eq!(lowest(&fake, Some(10)), Some((SystemLimit::UserThreads, 7)));
    }

    #[test]
    fn the_lowest_limit_of_the_control_groups_counts() {
        let fake = unprivileged();
        fake.write("/proc/self/cgroup", "0::/a/b");
        let mount = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        fake.write("/proc/self/mountinfo", mount);
        fake.write("/sys/fs/cgroup/a/b/pids.max", "max");
        fake.write("/sys/fs/cgroup/a/pids.max", "50");
        fake.write("/sys/fs/cgroup/a/pids.current", "20");
        let group = SystemLimit::GroupThreads(fake.path().join("sys/fs/cgroup/a"));
        assert_eq!(lowest(&fake, None), Some((group, 30)));
        assert_eq!(thread_limit(fake.path()), Some(30));
    }

    #[test]
    fn version_one_has_a_hierarchy_for_pids() {
        let fake = unprivileged();
        fake.write("/proc/self/cgroup", "8:pids:/a\n1:cpu:/b");
        let mount = "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids";
        fake.write("/proc/self/mountinfo", mount);
        fake.write("/sys/fs/cgroup/pids/a/pids.max", "40");
        assert_eq!(thread_limit(fake.path()), Some(40));
    }

    #[test]
    fn without_files_no_limit_on_the_system_is_known() {
        assert_eq!(remaining_threads(FakeRoot::new(&[]).path(), None).count(), 0);
    }

    #[test]
    fn too_many_threads_are_refused_with_the_limit_and_advice() {
        let fake = unprivileged();
        assert_eq!(check_fits_in(fake.path(), 89, Some(100), Some(65_536)), Ok(()));
        let error = check_fits_in(fake.path(), 90, Some(100), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "90 threads are too many: the limit on a user's threads (ulimit -u) allows 89; raise it \
             with `ulimit -u`, or use fewer threads"
        );
    }

    #[test]
    fn descriptors_are_a_limit_too() {
        let fake = FakeRoot::new(&[]);
        assert_eq!(check_fits_in(fake.path(), 496, None, Some(1024)), Ok(()));
        let error = check_fits_in(fake.path(), 497, None, Some(1024)).unwrap_err();
        assert_eq!((error.limit, error.remaining), (SystemLimit::Descriptors, 496));
    }

    #[test]
    fn the_descriptor_limit_only_goes_up() {
        let (before, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let after = raise_descriptor_limit().unwrap();
        assert!(after >= before && after <= hard);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (after, hard));
        assert_eq!(raise_descriptor_limit().unwrap(), after);
    }

    #[test]
    fn one_thread_fits_on_this_machine() {
        raise_descriptor_limit().unwrap();
        assert_eq!(check_fits(1), Ok(()));
    }
}
