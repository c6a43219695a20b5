//! Control groups made by tests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nthread::machine::cgroup::group_directories;

/// A control group below that of this process, removed on drop.
pub struct Group(pub PathBuf);

impl Group {
    /// Makes a control group whose quota can be set.
    ///
    /// # Errors
    /// Where none can be made, as in most containers.
    pub fn new() -> io::Result<Group> {
        let mut refused = io::Error::other("no control group for CPUs is mounted");
        for parent in group_directories(Path::new("/"), "cpu") {
            let path = parent.join(format!("nthread-test-{}", std::process::id()));
            let made = fs::create_dir(&path).map(|()| Group(path));
            match made.and_then(|group| lift(&group.0).map(|()| group)) {
                Ok(group) => return Ok(group),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that has ended may be in it for a moment more.
        for _ in 0..500 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        eprintln!("the control group {} is left", self.0.display());
    }
}

/// From now on the group may use a fifth of a CPU: 2 ms in 10.
///
/// # Errors
/// Where the system refuses.
pub fn limit(group: &Path) -> io::Result<()> {
    if !is_first_version(group) {
        return fs::write(group.join("cpu.max"), "2000 10000");
    }
    fs::write(group.join("cpu.cfs_period_us"), "10000")?;
    fs::write(group.join("cpu.cfs_quota_us"), "2000")
}

/// From now on it may use all there is.
///
/// # Errors
/// Where the system refuses.
pub fn lift(group: &Path) -> io::Result<()> {
    match is_first_version(group) {
        true => fs::write(group.join("cpu.cfs_quota_us"), "-1"),
        false => fs::write(group.join("cpu.max"), "max 10000"),
    }
}

fn is_first_version(group: &Path) -> bool {
    group.join("cpu.cfs_quota_us").exists()
}
