//! Control groups of this process: their directories and CPU quotas.
//!
//! A limit of any group above ours applies to us too, so all groups from our own up to the mount
//! point are read. In a container the mount shows only a part of the hierarchy: the fourth field of
//! `mountinfo` names the group at the mount point, and the path in `/proc/self/cgroup` begins above
//! it. Versions 1 and 2 may be mounted side by side.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use super::{read_text, under};

/// The smallest CPU quota, in CPUs, of our control group and the groups above it.
pub fn quota_cpus(root: &Path) -> Option<f64> {
    group_directories(root, "cpu")
        .iter()
        .filter_map(|directory| quota_of(directory))
        .min_by(f64::total_cmp)
}

/// The directories of our control group and of the groups above it, for one controller, in both
/// versions and at all mounts. Some may not exist.
pub fn group_directories(root: &Path, controller: &str) -> Vec<PathBuf> {
    let memberships = read_memberships(root);
    let mut directories = Vec::new();
    for mount in read_mounts(root) {
        if !mount.has(controller) {
            continue;
        }
        for membership in &memberships {
            if !membership.belongs_to(&mount, controller) {
                continue;
            }
            let top = under(root, &mount.point);
            if let Some(inside) = path_inside(&membership.path, &mount.root) {
                let path = top.join(inside);
                let depth = path.components().count() - top.components().count();
                let levels = path.ancestors().take(depth + 1).map(Path::to_owned);
                directories.extend(levels);
            }
        }
    }
    directories
}

/// The quota of a group: `max 100000` or `150000 100000` in version 2; two files in version 1,
/// where
/// -1 means no limit.
fn quota_of(directory: &Path) -> Option<f64> {
    let (quota, period) = match read_text(directory, "cpu.max") {
        Some(text) => {
            let (quota, period) = text.split_once(' ')?;
            (quota.to_owned(), period.to_owned())
        }
        None => {
            (read_text(directory, "cpu.cfs_quota_us")?, read_text(directory, "cpu.cfs_period_us")?)
        }
    };
    let quota: f64 = quota.parse::<i64>().ok().filter(|quota| *quota > 0)? as f64;
    let period: f64 = period.parse::<i64>().ok().filter(|period| *period > 0)? as f64;
    Some(quota / period)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A line of `/proc/self/cgroup`: our group in one hierarchy.
struct Membership {
    version: Version,
    controllers: Vec<String>,
    path: PathBuf,
}

impl Membership {
    /// Parses `4:cpu,cpuacct:/docker/f00` (version 1) or `0::/user.slice` (version 2).
    fn from_line(line: &str) -> Option<Membership> {
        let mut fields = line.splitn(3, ':');
        let _hierarchy = fields.next()?;
        let controllers = fields.next()?;
        let path = fields.next()?;
        Some(Membership {
            version: match controllers {
                "" => Version::Two,
                _ => Version::One,
            },
            controllers: controllers.split(',').map(str::to_owned).collect(),
            path: PathBuf::from(path),
        })
    }

    fn belongs_to(&self, mount: &Mount, controller: &str) -> bool {
        self.version == mount.version
            && (self.version == Version::Two || self.controllers.iter().any(|c| c == controller))
    }
}

/// A mounted hierarchy of control groups.
struct Mount {
    version: Version,
    controllers: Vec<String>,
    /// The group at the mount point.
    root: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// Parses `36 25 0:28 ROOT POINT rw - cgroup cgroup rw,cpu`, with any number of fields before
    /// the hyphen.
    fn from_line(line: &str) -> Option<Mount> {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let root = unescape(before.next()?);
        let point = unescape(before.next()?);
        let mut after = after.split(' ');
        let version = match after.next()? {
            "cgroup" => Version::One,
            "cgroup2" => Version::Two,
            _ => return None,
        };
        let options = after.nth(1).unwrap_or_default();
        Some(Mount {
            version,
            controllers: options.split(',').map(str::to_owned).collect(),
            root,
            point,
        })
    }

    fn has(&self, controller: &str) -> bool {
        self.version == Version::Two || self.controllers.iter().any(|c| c == controller)
    }
}

fn read_memberships(root: &Path) -> Vec<Membership> {
    let text = read_lossy(root, "/proc/self/cgroup");
    text.lines().filter_map(Membership::from_line).collect()
}

fn read_mounts(root: &Path) -> Vec<Mount> {
    let text = read_lossy(root, "/proc/self/mountinfo");
    text.lines().filter_map(Mount::from_line).collect()
}

fn read_lossy(root: &Path, path: &str) -> String {
    let bytes = fs::read(under(root, Path::new(path))).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The path of a group relative to the group at a mount point; `None` if it is outside.
fn path_inside(path: &Path, mount_root: &Path) -> Option<PathBuf> {
    let has_parent = |path: &Path| path.components().any(|part| part == Component::ParentDir);
    match path.strip_prefix(mount_root) {
        Ok(inside) if !has_parent(inside) => Some(inside.to_owned()),
        // The mount shows a group above our namespace, so its limits apply to us; the names of the
        // groups between the two are unknown here.
        _ if is_only_parents(mount_root) && !has_parent(path) => Some(PathBuf::new()),
        _ => None,
    }
}

/// Returns `true` if a path is `/..`, `/../..` and so on.
fn is_only_parents(path: &Path) -> bool {
    let mut parts = path.components().skip(1).peekable();
    parts.peek().is_some() && parts.all(|part| part == Component::ParentDir)
}

/// Decodes the octal escapes of `mountinfo`: `\040` is a space.
fn unescape(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        match bytes.get(position..position + 4).and_then(escaped_byte) {
            Some(escaped) => {
                plain.push(escaped);
                position += 4;
            }
            None => {
                plain.push(byte);
                position += 1;
            }
        }
    }
    PathBuf::from(OsString::from_vec(plain))
}

fn escaped_byte(escape: &[u8]) -> Option<u8> {
    let digits = escape.strip_prefix(b"\\")?;
    let text = std::str::from_utf8(digits).ok()?;
    let is_octal = text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    is_octal.then(|| u8::from_str_radix(text, 8).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::FakeRoot;

    const V2_MOUNT: &str =
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
    const V1_MOUNT: &str =
        "31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct";

    fn root(memberships: &str, mounts: &str) -> FakeRoot {
        FakeRoot::new(&[("/proc/self/cgroup", memberships), ("/proc/self/mountinfo", mounts)])
    }

    #[test]
    fn without_control_groups_there_is_no_quota() {
        assert_eq!(quota_cpus(FakeRoot::new(&[]).path()), None);
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw";
        assert_eq!(quota_cpus(root("0::/", mounts).path()), None);
    }

    #[test]
    fn version_two_has_quota_and_period_in_one_file() {
        let fake = root("0::/a", V2_MOUNT);
        fake.write("/sys/fs/cgroup/a/cpu.max", "150000 100000");
        assert_eq!(quota_cpus(fake.path()), Some(1.5));
        fake.write("/sys/fs/cgroup/a/cpu.max", "max 100000");
        assert_eq!(quota_cpus(fake.path()), None);
    }

    #[test]
    fn version_one_has_a_file_for_each() {
        let fake = root("5:memory:/m\n4:cpu,cpuacct:/a\n0::/u", V1_MOUNT);
        fake.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "200000");
        fake.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "50000");
        assert_eq!(quota_cpus(fake.path()), Some(4.0));
        fake.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1");
        assert_eq!(quota_cpus(fake.path()), None);
    }

    #[test]
    fn the_smallest_quota_of_the_groups_counts() {
        let fake = root("0::/a/b/c", V2_MOUNT);
        fake.write("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000");
        fake.write("/sys/fs/cgroup/a/cpu.max", "300000 100000");
        fake.write("/sys/fs/cgroup/other/cpu.max", "100000 100000");
        assert_eq!(quota_cpus(fake.path()), Some(3.0));
    }

    #[test]
    fn in_a_hybrid_both_versions_are_read() {
        let mounts = format!(
            "{V1_MOUNT}\n32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
             33 23 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids"
        );
        let fake = root("7:pids:/p\n4:cpu,cpuacct:/a\n0::/u", &mounts);
        fake.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "400000");
        fake.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000");
        assert_eq!(quota_cpus(fake.path()), Some(4.0));
        fake.write("/sys/fs/cgroup/unified/u/cpu.max", "200000 100000");
        assert_eq!(quota_cpus(fake.path()), Some(2.0));
    }

    #[test]
    fn the_group_at_the_mount_point_is_removed_from_the_path() {
        let mounts = "31 23 0:27 /docker/f00 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu";
        let fake = root("4:cpu:/docker/f00/inner", mounts);
        fake.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000");
        fake.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
        assert_eq!(quota_cpus(fake.path()), Some(2.5));
        let directories = group_directories(fake.path(), "cpu");
        let top = fake.path().join("sys/fs/cgroup/cpu");
        assert_eq!(directories, [top.join("inner"), top]);
    }

    #[test]
    fn a_group_outside_of_the_mount_is_ignored() {
        for (membership, mount_root) in [("/docker/f00d", "/docker/f00"), ("/../x", "/")] {
            let mounts = format!("30 23 0:26 {mount_root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
            let fake = root(&format!("0::{membership}"), &mounts);
            fake.write("/sys/fs/cgroup/cpu.max", "100000 100000");
            assert_eq!(quota_cpus(fake.path()), None, "{membership} {mount_root}");
        }
    }

    #[test]
    fn a_mount_above_the_namespace_limits_us_too() {
        let fake = root("0::/", "30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        fake.write("/sys/fs/cgroup/cpu.max", "100000 100000");
        assert_eq!(quota_cpus(fake.path()), Some(1.0));
    }

    #[test]
    fn a_deleted_group_leaves_the_groups_above_it() {
        let fake = root("0::/a/b (deleted)", V2_MOUNT);
        fake.write("/sys/fs/cgroup/a/cpu.max", "100000 100000");
        assert_eq!(quota_cpus(fake.path()), Some(1.0));
    }

    #[test]
    fn escapes_in_a_mount_point_are_decoded() {
        let fake = root("0::/a", r"30 23 0:26 / /my\040groups rw - cgroup2 cgroup2 rw");
        fake.write("/my groups/a/cpu.max", "50000 100000");
        assert_eq!(quota_cpus(fake.path()), Some(0.5));
        assert_eq!(unescape(r"\134x\9\04"), PathBuf::from(r"\x\9\04"));
        assert_eq!(unescape(r"\777"), PathBuf::from(r"\777"));
    }

    #[test]
    fn malformed_files_are_ignored() {
        for text in ["", "junk", "0 100000", "100000 0", "100000", "-1 5"] {
            let fake = root("0::/a\n\nx\n:::", &format!("- -\n\n{V2_MOUNT}"));
            fake.write("/sys/fs/cgroup/a/cpu.max", text);
            assert_eq!(quota_cpus(fake.path()), None, "{text:?}");
        }
    }
}
