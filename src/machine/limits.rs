//! The system's limits on threads and open files: raised where that is ours to do, and compared
//! with what a run asks for before anything starts.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

use super::{cgroup, read_text};

/// More descriptors than any run needs. Programs that close every descriptor they could have
/// would take minutes under the million or more that some systems allow.
const MOST_DESCRIPTORS: u64 = 65_536;

/// Threads and processes beside the workers: supervisor, shim, runner, a manager and its helpers.
const OTHER_THREADS: u64 = 8;

/// Both ends of a pipe are open while its worker is started.
const DESCRIPTORS_OF_WORKER: u64 = 2;

/// Standard streams, result files, queues and whatever the caller left open.
const OTHER_DESCRIPTORS: u64 = 32;

const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_RESOURCE: u32 = 24;

/// A limit of the system's on how many workers there can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemLimit {
    /// Threads of one user, `ulimit -u`.
    UserThreads,
    /// Threads of the whole system.
    SystemThreads,
    /// Threads of a control group, by the group's directory.
    GroupThreads(PathBuf),
    /// Open files of one process, `ulimit -n`.
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

/// A thread count that the system would refuse in the middle of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{nthread} threads do not fit: {limit} leaves room for {room}; {}, or ask for fewer", limit.advice())]
pub struct TooManyThreads {
    /// The threads asked for.
    pub nthread: u32,
    /// The limit that refuses them.
    pub limit: SystemLimit,
    /// How many it would allow.
    pub room: u64,
}

/// Raises the soft limit on open files as far as is allowed and sensible; returns what it is now.
/// It is never lowered.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = hard.min(MOST_DESCRIPTORS);
    if soft >= wanted {
        return Ok(soft);
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    Ok(wanted)
}

/// How many more threads the system lets this process start, as far as that can be known.
pub fn thread_limit(root: &Path) -> Option<u64> {
    let tightest = thread_rooms(root, user_thread_limit()).min_by_key(|(_, room)| *room);
    tightest.map(|(_, room)| room)
}

/// Whether a run with `nthread` workers, threads or processes, stays within the limits. Call
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
    let workers_by_threads = thread_rooms(root, user_threads)
        .map(|(limit, room)| (limit, room.saturating_sub(OTHER_THREADS)));
    let workers_by_descriptors = descriptors.map(|descriptors| {
        let room = descriptors.saturating_sub(OTHER_DESCRIPTORS) / DESCRIPTORS_OF_WORKER;
        (SystemLimit::Descriptors, room)
    });
    let tightest = workers_by_threads.chain(workers_by_descriptors).min_by_key(|(_, room)| *room);
    match tightest {
        Some((limit, room)) if room < u64::from(nthread) => {
            Err(TooManyThreads { nthread, limit, room })
        }
        _ => Ok(()),
    }
}

/// Each limit on threads, and how many more threads it allows.
fn thread_rooms(
    root: &Path,
    user_threads: Option<u64>,
) -> impl Iterator<Item = (SystemLimit, u64)> {
    let user = user_threads
        .filter(|_| is_limited_user(root))
        .map(|limit| limit.saturating_sub(threads_of_user(root)))
        .map(|room| (SystemLimit::UserThreads, room));
    let system = number(root, "/proc/sys/kernel/threads-max")
        .map(|limit| limit.saturating_sub(threads_of_system(root)))
        .map(|room| (SystemLimit::SystemThreads, room));
    let groups = cgroup::group_directories(root, "pids").into_iter().filter_map(|directory| {
        // `max`, for no limit, is not a number.
        let limit = number(&directory, "pids.max")?;
        let current = number(&directory, "pids.current").unwrap_or(0);
        let room = limit.saturating_sub(current);
        Some((SystemLimit::GroupThreads(directory), room))
    });
    user.into_iter().chain(system).chain(groups)
}

fn number(root: &Path, path: &str) -> Option<u64> {
    read_text(root, path)?.parse().ok()
}

/// The soft limit on the threads of this user, unless there is none.
fn user_thread_limit() -> Option<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
    (soft != RLIM_INFINITY).then_some(soft)
}

/// The kernel exempts root, and whoever holds one of two capabilities, from the limit per user.
/// Root of a container with a user name space of its own is neither, whatever its files say.
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

/// How many threads this user has already, as far as `/proc` shows them.
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

/// All threads there are: the number after the slash in `0.20 0.18 0.12 1/80 11206`.
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

    /// An ordinary user's machine: 80 of 1000 threads taken, 3 of them the user's own.
    fn ordinary() -> FakeRoot {
        FakeRoot::new(&[
            ("/proc/self/status", USER_STATUS),
            ("/proc/42/status", USER_STATUS),
            ("/proc/sys/kernel/threads-max", "1000"),
            ("/proc/loadavg", "0.50 0.18 0.12 1/80 11206"),
        ])
    }

    fn room(fake: &FakeRoot, user_threads: Option<u64>) -> Option<(SystemLimit, u64)> {
        thread_rooms(fake.path(), user_threads).min_by_key(|(_, room)| *room)
    }

    #[test]
    fn threads_of_the_system_count_against_its_limit() {
        assert_eq!(room(&ordinary(), None), Some((SystemLimit::SystemThreads, 920)));
    }

    #[test]
    fn threads_of_the_user_count_against_the_users_limit() {
        assert_eq!(room(&ordinary(), Some(100)), Some((SystemLimit::UserThreads, 97)));
        assert_eq!(room(&ordinary(), Some(2)), Some((SystemLimit::UserThreads, 0)));
    }

    #[test]
    fn the_users_limit_does_not_hold_root_or_the_capable() {
        for (field, exempt) in [
            ("Uid:\t1000", "Uid:\t0"),
            ("0000000000000000", "0000000001000000"),
            ("0000000000000000", "0000000000200000"),
        ] {
            let fake = ordinary();
            fake.write("/proc/self/status", &USER_STATUS.replace(field, exempt));
            assert_eq!(room(&fake, Some(1)), Some((SystemLimit::SystemThreads, 920)));
        }
    }

    #[test]
    fn root_of_a_user_name_space_is_an_ordinary_user() {
        let fake = ordinary();
        let status = USER_STATUS.replace("Uid:\t1000", "Uid:\t0");
        fake.write("/proc/self/status", &status);
        fake.write("/proc/self/uid_map", "         0       1000          1");
        assert_eq!(room(&fake, Some(10)), Some((SystemLimit::UserThreads, 7)));
    }

    #[test]
    fn the_tightest_control_group_on_the_way_up_counts() {
        let fake = ordinary();
        fake.write("/proc/self/cgroup", "0::/a/b");
        let mount = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        fake.write("/proc/self/mountinfo", mount);
        fake.write("/sys/fs/cgroup/a/b/pids.max", "max");
        fake.write("/sys/fs/cgroup/a/pids.max", "50");
        fake.write("/sys/fs/cgroup/a/pids.current", "20");
        let group = SystemLimit::GroupThreads(fake.path().join("sys/fs/cgroup/a"));
        assert_eq!(room(&fake, None), Some((group, 30)));
        assert_eq!(thread_limit(fake.path()), Some(30));
    }

    #[test]
    fn version_one_has_a_hierarchy_for_the_threads() {
        let fake = ordinary();
        fake.write("/proc/self/cgroup", "8:pids:/a\n1:cpu:/b");
        let mount = "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids";
        fake.write("/proc/self/mountinfo", mount);
        fake.write("/sys/fs/cgroup/pids/a/pids.max", "40");
        assert_eq!(thread_limit(fake.path()), Some(40));
    }

    #[test]
    fn without_files_no_limit_on_the_system_is_known() {
        assert_eq!(thread_rooms(FakeRoot::new(&[]).path(), None).count(), 0);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_limit_and_advice() {
        let fake = ordinary();
        assert_eq!(check_fits_in(fake.path(), 89, Some(100), Some(65_536)), Ok(()));
        let error = check_fits_in(fake.path(), 90, Some(100), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "90 threads do not fit: the limit on a user's threads (ulimit -u) leaves room for 89; \
             raise it with `ulimit -u`, or ask for fewer"
        );
    }

    #[test]
    fn descriptors_are_a_limit_too() {
        let fake = FakeRoot::new(&[]);
        assert_eq!(check_fits_in(fake.path(), 496, None, Some(1024)), Ok(()));
        let error = check_fits_in(fake.path(), 497, None, Some(1024)).unwrap_err();
        assert_eq!((error.limit, error.room), (SystemLimit::Descriptors, 496));
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
