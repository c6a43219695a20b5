//! A browser without a window, driven over two pipes.
//!
//! Chromium speaks its DevTools protocol over the descriptors 3 and 4, too: one
//! JSON object a message, each ended by a zero byte. That needs no port, no
//! WebSocket and no crate.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::unistd::pipe;
use serde_json::{Value, json};
use tempfile::TempDir;

/// An answer that takes longer never comes: no test is decided by less.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the browser may be called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A browser with one page. It ends with this value.
pub struct Chromium {
    child: Child,
    commands: std::fs::File,
    messages: Receiver<Value>,
    /// What happened meanwhile, and nobody has looked at yet.
    events: VecDeque<Value>,
    session: Option<String>,
    last_id: u64,
    _profile: TempDir,
}

/// The first browser that there is, or why there is none.
pub fn installed() -> Result<&'static str, String> {
    let answers = |name: &&str| {
        let version = Command::new(name).arg("--version").stderr(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    };
    let found = NAMES.into_iter().find(answers);
    found.ok_or(format!("none of {} is installed", NAMES.join(", ")))
}

impl Chromium {
    /// Starts it with an empty page.
    pub fn start(program: &str) -> Chromium {
        let profile = tempfile::tempdir().expect("a directory");
        let (their_input, commands) = pipe().expect("a pipe");
        let (messages, their_output) = pipe().expect("a pipe");
        let mut command = Command::new(program);
        command
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let ends = [their_input.as_raw_fd(), their_output.as_raw_fd()];
        // SAFETY: the closure makes system calls only, on descriptors that are open.
        unsafe { command.pre_exec(move || as_three_and_four(ends)) };
        let child = command.spawn().expect("a browser that starts");
        let mut chromium = Chromium {
            child,
            commands: commands.into(),
            messages: listen(messages),
            events: VecDeque::new(),
            session: None,
            last_id: 0,
            _profile: profile,
        };
        chromium.open_page();
        chromium
    }

    fn open_page(&mut self) {
        let target = self.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.ask("Target.attachToTarget", attach);
        self.session = attached["sessionId"].as_str().map(str::to_string);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.ask(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Sends a command and waits for its result.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.clone().into();
        }
        let mut bytes = serde_json::to_vec(&message).expect("JSON");
        bytes.push(0);
        self.commands.write_all(&bytes).expect("a browser that listens");
        loop {
            let said = self.next(method);
            if said["id"] != self.last_id {
                self.events.push_back(said);
                continue;
            }
            assert!(said["error"].is_null(), "{method}: {}", said["error"]);
            return said["result"].clone();
        }
    }

    /// Waits until something happened.
    pub fn wait_for(&mut self, event: &str) {
        loop {
            let said = self.next(event);
            let is_it = said["method"] == event;
            self.events.push_back(said);
            if is_it {
                return;
            }
        }
    }

    fn next(&mut self, waited_for: &str) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => panic!("{waited_for}: nothing for {PATIENCE:?}"),
            RecvTimeoutError::Disconnected => panic!("{waited_for}: the browser is gone"),
        })
    }

    /// What happened since the last time.
    pub fn events(&mut self) -> Vec<Value> {
        // Whatever is on its way arrives before an answer does.
        self.ask("Runtime.evaluate", json!({ "expression": "0" }));
        self.events.drain(..).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Its group: it has many processes, which may outlive the first.
        let group = nix::unistd::Pid::from_raw(self.child.id() as i32);
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        drop(self.child.wait());
        // They die at their own pace, and write to the profile until then.
        let until = Instant::now() + Duration::from_secs(10);
        while nix::sys::signal::killpg(group, None).is_ok() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Puts two descriptors where the browser looks for them.
fn as_three_and_four([input, output]: [i32; 2]) -> std::io::Result<()> {
    // Out of the way first: either may be 3 or 4 already.
    for (from, to) in [(input, 103), (output, 104), (103, 3), (104, 4)] {
        // SAFETY: a system call on a descriptor that is open.
        if unsafe { libc::dup2(from, to) } < 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    for extra in [103, 104] {
        // SAFETY: as above.
        unsafe { libc::close(extra) };
    }
    Ok(())
}

/// Everything that it says, as it comes.
fn listen(pipe: OwnedFd) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(std::fs::File::from(pipe)).split(0) {
            let Ok(bytes) = message else { return };
            let Ok(value) = serde_json::from_slice(&bytes) else { continue };
            if sender.send(value).is_err() {
                return;
            }
        }
    });
    receiver
}
