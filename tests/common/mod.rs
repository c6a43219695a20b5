//! Builder of runs of the whole program, for tests.
//!
//! ```text
//! let swept = Sweep::tiny().args(["-n", "1,2"]).runner("mine", &script).run();
//! assert_eq!(swept.code(), 0);
//! assert_eq!(swept.calls_of("rayon")[0]["tally_sum"], "51515");
//! ```
//!
//! Every sweep has a temporary directory of its own, an environment without
//! variables that steer it, and a mark in that environment by which processes
//! that outlive it are found.
#![allow(dead_code, reason = "each test program uses a part of the language")]

pub mod group;
pub mod runner;
pub mod synthetic;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, kill, killpg, signal};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// Time after which a sweep counts as hanging.
const HANG_TIMEOUT: Duration = Duration::from_secs(120);

/// Variable in the environment of every process that a sweep starts.
const MARK: &str = "NTHREAD_TEST_MARK";

/// The job of [`Sweep::tiny`]: kernel `pi`, the default seed and block.
pub const TINY_DRAWS: u64 = 1 << 16;

/// Hits of the job of [`Sweep::tiny`].
pub const TINY_HITS: u64 = 51_515;

/// One row of a CSV file, by the names of its columns.
pub type Row = BTreeMap<String, String>;

/// Program, arguments and environment of a run.
pub struct Sweep {
    command: Command,
    home: TempDir,
    mark: String,
    out: PathBuf,
}

/// A running program.
pub struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    home: TempDir,
    mark: String,
    /// The results directory.
    pub out: PathBuf,
}

/// A program that has ended.
pub struct Swept {
    status: ExitStatus,
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
    /// The results directory, if it made one.
    pub out: PathBuf,
    mark: String,
    home: TempDir,
}

/// A program that runs in `home`. It has a group of its own, so that a test's signals
/// reach nothing else; and no signal is ignored because the tests themselves run in a
/// background.
fn in_own_group(program: &OsStr, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(home).stdin(Stdio::null()).process_group(0);
    // SAFETY: between fork and exec the step makes system calls only.
    unsafe { command.pre_exec(|| dispose_of(SigHandler::SigDfl)) };
    command
}

impl Sweep {
    /// The program without arguments, in an empty directory.
    pub fn bare() -> Sweep {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let home = tempfile::tempdir().expect("a temporary directory");
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut command = in_own_group(OsStr::new(env!("CARGO_BIN_EXE_harness")), home.path());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("HARNESS_") || name.ends_with("_THREADS") || name == "NO_COLOR" {
                command.env_remove(name);
            }
        }
        command.env(MARK, &mark);
        let out = home.path().join("out");
        Sweep { command, home, mark, out }
    }

    /// A sweep into [`Swept::out`] with options of its own only.
    pub fn new() -> Sweep {
        let sweep = Sweep::bare();
        let out = sweep.out.clone();
        sweep.args([OsStr::new("--out"), out.as_os_str()])
    }

    /// One round of few draws: the draws are [`TINY_DRAWS`], the hits [`TINY_HITS`].
    pub fn tiny() -> Sweep {
        Sweep::new().args(["--draws", "2^16", "--rounds", "1"])
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Sweep {
        self.command.args(args);
        self
    }

    /// Adds an option whose value is a path.
    pub fn arg_path(self, flag: &str, path: &Path) -> Sweep {
        self.args([OsStr::new(flag), path.as_os_str()])
    }

    /// Adds a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Sweep {
        self.command.env(name, value);
        self
    }

    /// Adds a backend: a shell script that speaks the runner protocol, or violates it.
    pub fn runner(self, name: &str, script: &str) -> Sweep {
        let path = self.home.path().join(format!("{name}.sh"));
        fs::write(&path, script).expect("a script");
        let command = format!("{name}=sh '{}'", path.display());
        self.args(["--runner", &command])
    }

    /// Runs another copy of the program, at a path relative to the directory of the sweep.
    /// Must precede any limit or step.
    pub fn program(mut self, path: &str) -> Sweep {
        let mut command = in_own_group(self.home.path().join(path).as_os_str(), self.home.path());
        command.args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.command = command;
        self
    }

    /// Sets its stdin.
    pub fn input(mut self, text: &str) -> Sweep {
        let path = self.home.path().join("stdin");
        fs::write(&path, text).expect("a file");
        self.command.stdin(File::open(path).expect("a file"));
        self
    }

    /// Sets a resource limit of all its processes.
    pub fn limit(mut self, resource: Resource, most: u64) -> Sweep {
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { self.command.pre_exec(move || Ok(setrlimit(resource, most, most)?)) };
        self
    }

    /// Runs it in a control group, given by its directory.
    pub fn in_group(mut self, group: &Path) -> Sweep {
        let procs = group.join("cgroup.procs");
        let mut procs = File::options().write(true).open(procs).expect("a control group");
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { self.command.pre_exec(move || procs.write_all(b"0")) };
        self
    }

    /// Runs it as another user, which only root can do.
    pub fn user(mut self, id: u32) -> Sweep {
        self.command.uid(id).gid(id);
        self
    }

    /// Adds a step between fork and exec, which may make system calls only.
    pub fn before_exec(mut self, step: fn() -> std::io::Result<()>) -> Sweep {
        // SAFETY: every caller's step makes system calls only.
        unsafe { self.command.pre_exec(step) };
        self
    }

    /// Directory that it is started in.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts it.
    pub fn start(self) -> Running {
        self.try_start().expect("the program starts")
    }

    /// Starts it, if the system allows its limits and steps.
    pub fn try_start(mut self) -> std::io::Result<Running> {
        let mut child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdout = drain(child.stdout.take().expect("a pipe"));
        let stderr = drain(child.stderr.take().expect("a pipe"));
        let Sweep { home, mark, out, .. } = self;
        Ok(Running { child, stdout, stderr, home, mark, out })
    }

    /// Runs it to its end.
    pub fn run(self) -> Swept {
        self.start().finish()
    }
}

impl Running {
    /// Sends a signal to its process alone.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("it runs");
    }

    /// Process id.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// A file in its directory, which its runners may make.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Path of its samples.
    pub fn samples(&self) -> PathBuf {
        self.out.join("samples.csv")
    }

    /// Waits until it has written this many visits.
    pub fn wait_for_visits(&self, visits: usize) {
        let path = self.samples();
        wait_until("so many visits are on the disk", || {
            let text = fs::read_to_string(&path).unwrap_or_default();
            text.lines().filter(|line| line.contains(",visit,,")).count() >= visits
        });
    }

    /// Processes that have its mark, itself included.
    pub fn processes(&self) -> Vec<Pid> {
        marked(&self.mark)
    }

    /// Waits for its end. One that hangs is killed, and the test fails.
    pub fn finish(self) -> Swept {
        self.finish_beside(|_| ())
    }

    /// Waits for its end, and meanwhile repeats an action on the processes that have its
    /// mark.
    pub fn finish_while(self, mut meanwhile: impl FnMut(&[Pid])) -> Swept {
        self.finish_beside(|running| meanwhile(&running.processes()))
    }

    /// Searching for processes takes more time than most runs, so it is not done here.
    fn finish_beside(mut self, mut meanwhile: impl FnMut(&Running)) -> Swept {
        let deadline = Instant::now() + HANG_TIMEOUT;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = killpg(self.pid(), Signal::SIGKILL);
                kill_all(&self.mark);
                drop(self.child.wait());
                let stderr = self.stderr.join().unwrap_or_default();
                panic!("it hangs; stderr so far: {}", String::from_utf8_lossy(&stderr));
            }
            meanwhile(&self);
            thread::sleep(Duration::from_millis(5));
        };
        let text = |bytes: JoinHandle<Vec<u8>>| {
            String::from_utf8(bytes.join().expect("no panic")).expect("UTF-8")
        };
        let Running { stdout, stderr, home, mark, out, .. } = self;
        Swept { status, stdout: text(stdout), stderr: text(stderr), out, mark, home }
    }
}

impl Swept {
    /// Its exit code; a signal is a failure of the test.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("{}; {}", self.status, self.stderr))
    }

    /// The signal that killed it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Returns itself if it ended with this exit code; fails otherwise.
    #[track_caller]
    pub fn exits(self, code: i32) -> Swept {
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        let status = self.status;
        assert_eq!(status.code(), Some(code), "{status}\nstdout: {stdout}\nstderr: {stderr}");
        self
    }

    /// The directory that it was started in.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A file of the results directory.
    pub fn read(&self, name: &str) -> String {
        let path = self.out.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A JSON file of the results directory.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// `run.json`.
    pub fn run_json(&self) -> Value {
        self.json("run.json")
    }

    /// All rows of `samples.csv`.
    pub fn rows(&self) -> Vec<Row> {
        rows_of(&self.out.join("samples.csv"))
    }

    /// The rows of each visit, in the order of the file.
    pub fn visits(&self) -> Vec<Vec<Row>> {
        let mut visits: Vec<Vec<Row>> = Vec::new();
        for row in self.rows() {
            match visits.last_mut() {
                Some(visit) if visit[0]["visit"] == row["visit"] => visit.push(row),
                _ => visits.push(vec![row]),
            }
        }
        visits
    }

    /// The `visit` rows of a backend.
    pub fn visits_of(&self, backend: &str) -> Vec<Row> {
        self.of(backend, "visit")
    }

    /// The `call` rows of a backend.
    pub fn calls_of(&self, backend: &str) -> Vec<Row> {
        self.of(backend, "call")
    }

    fn of(&self, backend: &str, phase: &str) -> Vec<Row> {
        let is_it = |row: &Row| row["backend"] == backend && row["phase"] == phase;
        self.rows().into_iter().filter(is_it).collect()
    }

    /// What went wrong in each visit to a backend.
    pub fn errors_of(&self, backend: &str) -> Vec<String> {
        self.visits_of(backend).into_iter().map(|row| row["error"].clone()).collect()
    }

    /// Fails if a process of this sweep is alive a moment after its end.
    #[track_caller]
    pub fn leaves_nothing_alive(&self) {
        wait_until("no process of the sweep is left", || marked(&self.mark).is_empty());
    }

    /// Names of the files in the directory that it was started in.
    pub fn left_in_home(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home()).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> =
            names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Swept {
    fn drop(&mut self) {
        // A test that failed must not leave its hanging runners behind.
        kill_all(&self.mark);
    }
}

/// The program with these arguments, to its end.
pub fn harness(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Swept {
    Sweep::bare().args(args).run()
}

/// `harness report DIR`.
pub fn report(dir: &Path) -> Swept {
    harness([OsStr::new("report"), dir.as_os_str()])
}

/// Sets the handler of the signals of a terminal: a step between fork and exec.
pub fn dispose_of(handler: SigHandler) -> std::io::Result<()> {
    let ending = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
    for name in ending.into_iter().chain([Signal::SIGTSTP]) {
        // SAFETY: no handler of ours is installed: these are the system's two.
        unsafe { signal(name, handler) }?;
    }
    Ok(())
}

/// Rows of a CSV file, by the names in its header.
pub fn rows_of(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).expect("a CSV file");
    let names: Vec<String> =
        reader.headers().expect("a header").iter().map(str::to_string).collect();
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.expect("a whole row");
        names.iter().cloned().zip(record.iter().map(str::to_string)).collect()
    };
    reader.records().map(row).collect()
}

/// Polls until a condition is true; fails after [`HANG_TIMEOUT`]. A test waits for an
/// event, never for a fixed time.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + HANG_TIMEOUT;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A number that a runner wrote into a file, once it is there.
#[track_caller]
pub fn pid_in(path: &Path) -> Pid {
    let mut pid = None;
    wait_until("a runner has written its pid", || {
        let text = fs::read_to_string(path).unwrap_or_default();
        // A line that is not ended may lack its last digits.
        pid = text.strip_suffix('\n').and_then(|line| line.parse().ok());
        pid.is_some()
    });
    Pid::from_raw(pid.expect("just read"))
}

/// The state of a process, as /proc has it; `None` if there is none.
pub fn state_of(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Name of a process in `ps`, if it exists.
pub fn name_of(pid: Pid) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end().to_string())
}

/// Returns whether a process is alive; one that is dead and not reaped is not.
pub fn is_alive(pid: Pid) -> bool {
    state_of(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Processes whose environment has the mark.
fn marked(mark: &str) -> Vec<Pid> {
    let needle: OsString = format!("{MARK}={mark}").into();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let has_mark = |pid: &i32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|entry| entry == needle.as_encoded_bytes())
    };
    pids.filter(has_mark).map(Pid::from_raw).collect()
}

fn kill_all(mark: &str) {
    for pid in marked(mark) {
        let _ = kill(pid, Signal::SIGKILL);
    }
}

/// Reads a pipe to its end, so that no writer blocks.
fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("readable");
        bytes
    })
}
