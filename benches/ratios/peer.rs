//! Peers in other languages: child processes that measure on request, so that their samples
//! are interleaved with those of this program.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};

/// Time that a peer gets to end its own children.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// A peer that is ready. Dropping it ends and reaps it.
pub struct Peer {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// The C program, compiled for this machine.
    pub fn c(dir: &Path) -> anyhow::Result<Peer> {
        let program = dir.join("pi_simd");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/pi_simd.c");
        let built = Command::new("gcc")
            .args(["-O3", "-march=native", "-fopenmp", source, "-o"])
            .arg(&program)
            .status()
            .context("gcc")?;
        if !built.success() {
            bail!("gcc: {built}");
        }
        Peer::start(&mut Command::new(program))
    }

    /// The NumPy program.
    pub fn numpy() -> anyhow::Result<Peer> {
        Peer::python("pi_numpy.py").context("is there NumPy? See scripts/python-env")
    }

    /// A program in Python, by the interpreter that `PEER_PYTHON` names, or its
    /// older name `NUMPY_PYTHON`.
    pub fn python(script: &str) -> anyhow::Result<Peer> {
        let named = ["PEER_PYTHON", "NUMPY_PYTHON"].into_iter().find_map(std::env::var_os);
        let python = named.unwrap_or_else(|| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(script);
        Peer::start(Command::new(&python).arg(script).stderr(Stdio::null()))
            .with_context(|| format!("no peer in {}", python.display()))
    }

    fn start(command: &mut Command) -> anyhow::Result<Peer> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("a peer has a stdout")?);
        let mut peer = Peer { child, requests, answers };
        match peer.answer()?.as_str() {
            "ready" => Ok(peer),
            other => bail!("it is not ready but says {other:?}"),
        }
    }

    /// Time of a draw in nanoseconds.
    pub fn ns_per_draw(&mut self, draws: u64) -> anyhow::Result<f64> {
        let answer = self.ask(&draws.to_string())?;
        let (ns, hits) = answer.split_once(' ').context("an answer is a time and hits")?;
        let pi = 4.0 * hits.parse::<f64>()? / draws as f64;
        if (pi - std::f64::consts::PI).abs() > 0.05 {
            bail!("a peer computed π = {pi}");
        }
        Ok(ns.parse()?)
    }

    /// Time of one of `count` operations of this name, in nanoseconds.
    pub fn ns_of(&mut self, name: &str, count: u32) -> anyhow::Result<f64> {
        let answer = self.ask(&format!("{name} {count}"))?;
        answer.parse().map_err(|_| anyhow!("{answer}"))
    }

    fn ask(&mut self, request: &str) -> anyhow::Result<String> {
        writeln!(self.requests.as_ref().context("a peer has a stdin")?, "{request}")?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("it has ended");
        }
        Ok(line.trim_end().to_string())
    }
}

impl Drop for Peer {
    /// Closes its stdin, at which it ends with its children; if it were killed, they
    /// would stay.
    fn drop(&mut self) {
        drop(self.requests.take());
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < EXIT_TIMEOUT {
            thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
