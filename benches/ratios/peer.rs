//! Peers in other languages: child processes that measure on request, so that
//! they take their turns like everybody else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail};

/// A peer that is ready. It is killed and reaped when it is dropped.
pub struct Peer {
    child: Child,
    requests: ChildStdin,
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

    /// The NumPy program, in the Python that `NUMPY_PYTHON` names.
    pub fn numpy() -> anyhow::Result<Peer> {
        let python = std::env::var_os("NUMPY_PYTHON").unwrap_or_else(|| "python3".into());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/pi_numpy.py");
        Peer::start(Command::new(python).arg(script).stderr(Stdio::null()))
            .context("NUMPY_PYTHON names no Python that has NumPy")
    }

    fn start(command: &mut Command) -> anyhow::Result<Peer> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take().context("a peer has a stdin")?;
        let answers = BufReader::new(child.stdout.take().context("a peer has a stdout")?);
        let mut peer = Peer { child, requests, answers };
        match peer.answer()?.as_str() {
            "ready" => Ok(peer),
            other => bail!("it is not ready but says {other:?}"),
        }
    }

    /// What a draw takes it, in nanoseconds.
    pub fn ns_per_draw(&mut self, draws: u64) -> anyhow::Result<f64> {
        writeln!(self.requests, "{draws}")?;
        let answer = self.answer()?;
        let (ns, hits) = answer.split_once(' ').context("an answer is a time and hits")?;
        let pi = 4.0 * hits.parse::<f64>()? / draws as f64;
        if (pi - std::f64::consts::PI).abs() > 0.05 {
            bail!("a peer computed π = {pi}");
        }
        Ok(ns.parse()?)
    }

    fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().to_string())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
