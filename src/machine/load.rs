//! Load of the machine: busy CPUs by the ticks of `/proc/stat`, and CPU pressure.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{affinity, read_text};

/// The number of CPUs that other processes use, of those in the affinity mask: their busy time
/// while this process sleeps for `duration`. Time waiting for a disk and stolen time are not busy.
/// `None` if the kernel does not report it.
pub fn busy_cpus(duration: Duration) -> Option<f64> {
    let (root, allowed) = (Path::new("/"), affinity::own());
    let start = Instant::now();
    let before = busy_ticks(root, &allowed)?;
    thread::sleep(duration);
    let ticks = busy_ticks(root, &allowed)?.saturating_sub(before);
    let elapsed_ns = start.elapsed().as_nanos() as f64;
    // The tick during which the sleep began may count although it began before; hence the minimum.
    Some((ticks as f64 * tick_ns() as f64 / elapsed_ns).min(allowed.len() as f64))
}

/// The share of the last ten seconds in which some task waited for a CPU, in percent. `None` if the
/// kernel does not report it.
pub fn cpu_pressure_percent(root: &Path) -> Option<f64> {
    let text = read_text(root, "/proc/pressure/cpu")?;
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = some.split(' ').find_map(|field| field.strip_prefix("avg10="))?;
    average.parse().ok().filter(|percent: &f64| percent.is_finite())
}

/// The times of each CPU online, in ticks: user, nice, system, idle, iowait, irq, softirq, steal,
/// and more on newer kernels.
pub(super) fn cpu_ticks(root: &Path) -> Vec<(usize, Vec<u64>)> {
    let text = read_text(root, "/proc/stat").unwrap_or_default();
    let parse = |line: &str| {
        // The first line, `cpu`, is the sum and has no number, so it does not parse.
        let (cpu, ticks) = line.strip_prefix("cpu")?.split_once(' ')?;
        Some((cpu.parse().ok()?, ticks.split(' ').map_while(|ticks| ticks.parse().ok()).collect()))
    };
    text.lines().take_while(|line| line.starts_with("cpu")).filter_map(parse).collect()
}

/// The duration of a tick, usually 10 ms.
pub(super) fn tick_ns() -> u64 {
    // SAFETY: the call takes a number and returns one, or -1.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(per_second)
        .ok()
        .filter(|ticks| *ticks > 0)
        .map_or(10_000_000, |ticks| 1_000_000_000 / ticks)
}

/// The busy time of some CPUs in ticks. `None` if the kernel reports none of them.
fn busy_ticks(root: &Path, cpus: &[usize]) -> Option<u64> {
    let all = cpu_ticks(root);
    let ours = all.iter().filter(|(cpu, _)| cpus.contains(cpu));
    ours.map(|(_, ticks)| busy(ticks)).reduce(|sum, ticks| sum + ticks)
}

/// The busy time of a CPU: all columns except idle, iowait and steal, and except guest times,
/// which user and nice include.
pub(super) fn busy(ticks: &[u64]) -> u64 {
    const BUSY: [usize; 5] = [0, 1, 2, 5, 6];
    BUSY.iter().filter_map(|field| ticks.get(*field)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::fake::FakeRoot;

    const STAT: &str = "cpu  11 22 33 44 55 66 77 88 99 9\ncpu0 1 2 3 4 5 6 7 8 9 9\n\
                        cpu10 10 20 30 40 50 60 70 80 90 0\nintr 1 2 3\ncpufreq 1";

    #[test]
    fn idle_iowait_and_steal_are_not_busy() {
        let fake = FakeRoot::new(&[("/proc/stat", STAT)]);
        assert_eq!(busy_ticks(fake.path(), &[0]), Some(1 + 2 + 3 + 6 + 7));
        assert_eq!(busy_ticks(fake.path(), &[0, 10, 11]), Some(19 + 190));
        assert_eq!(busy_ticks(fake.path(), &[11]), None);
        assert_eq!(busy_ticks(FakeRoot::new(&[]).path(), &[0]), None);
    }

    #[test]
    fn an_old_kernel_has_fewer_columns() {
        let fake = FakeRoot::new(&[("/proc/stat", "cpu  1 2 3 4\ncpu0 1 2 3 4")]);
        assert_eq!(busy_ticks(fake.path(), &[0]), Some(6));
    }

    #[test]
    fn pressure_is_the_average_of_ten_seconds() {
        let text = "some avg10=12.50 avg60=2.00 avg300=1.00 total=5\nfull avg10=3.00 avg60=0.00";
        let fake = FakeRoot::new(&[("/proc/pressure/cpu", text)]);
        assert_eq!(cpu_pressure_percent(fake.path()), Some(12.5));
        for invalid in ["", "some", "some avg10=x", "full avg10=1.00", "some avg10=NaN"] {
            fake.write("/proc/pressure/cpu", invalid);
            assert_eq!(cpu_pressure_percent(fake.path()), None, "{invalid:?}");
        }
        assert_eq!(cpu_pressure_percent(FakeRoot::new(&[]).path()), None);
    }

    #[test]
    fn at_most_all_cpus_are_busy() {
        let busy = busy_cpus(Duration::from_millis(20)).expect("/proc/stat");
        assert!((0.0..=affinity::own().len() as f64).contains(&busy), "{busy}");
    }
}
