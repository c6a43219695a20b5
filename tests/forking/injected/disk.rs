//! Full disks: the program runs again and again, each time with a little more room for
//! its files.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use nix::sys::resource::{Resource, setrlimit};
use nthread::record::{Phase, Row, Run, SAMPLES_FILE, read_rows};
use nthread::visits::{VisitOutcome, Visits};

use super::verdict::Verdict;

/// Variable that makes a process of this program act as the program `harness`.
pub const PROGRAM: &str = "INJECTED_PROGRAM";

/// Runs the program with a limit on the size of each file.
fn run(out: &Path, most_bytes: Option<u64>) -> Output {
    let mut command = Command::new("/proc/self/exe");
    command.env(PROGRAM, "1").arg("--out").arg(out);
    command.args(["--kernel=faulty", "--block=64", "--draws=1024", "--rounds=5"]);
    command.args(["-n2", "-b", "std-thread"]);
    if let Some(most) = most_bytes {
        let limit = move || Ok(setrlimit(Resource::RLIMIT_FSIZE, most, most)?);
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(limit) };
    }
    command.output().expect("this program starts")
}

/// Injects this many full disks.
pub fn inject(times: u32, directory: &Path) -> Verdict {
    let whole = directory.join("whole");
    let output = run(&whole, None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = |name: &str| fs::metadata(whole.join(name)).expect("a file").len();
    // run.json must fit: it is written before anything is measured.
    let (least, most) = (bytes("run.json") + 1000, bytes(SAMPLES_FILE) - 2000);
    assert!(least < most, "{least} {most}");
    let mut verdict = Verdict::default();
    for step in 0..u64::from(times) {
        let limit = least + (most - least) * step / u64::from(times);
        let out = directory.join(format!("out-{step}"));
        let output = run(&out, Some(limit));
        verdict += judge(&output, &out, limit);
    }
    verdict
}

/// Checks that every visit that fitted is complete in the file, and no other counts.
fn judge(output: &Output, out: &Path, limit: u64) -> Verdict {
    let run = Run::read(out).expect("run.json");
    let samples = out.join(SAMPLES_FILE);
    let text = fs::read_to_string(&samples).expect("samples.csv");
    let rows = read_rows(&samples).expect("whole rows");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = "every complete visit so far is kept";
    let is_told = output.status.code() == Some(1) && stderr.contains(said);
    let visits = Visits::from_rows(&rows, &run.plan);
    let (ended, begun) = (ended(&rows), begun(&rows));
    let room = limit.saturating_sub(text.len() as u64);
    let is_kept = text.ends_with('\n') && room < longest_visit_bytes(&text);
    let mut verdict = Verdict {
        injected: 1,
        flagged: usize::from(is_told && is_kept),
        // A visit without its last row is incomplete: it must be in no figure.
        in_headline: visits.in_order().len().saturating_sub(ended) + (begun - ended),
        clean: ended,
        ..Verdict::default()
    };
    for visit in visits.in_order() {
        if let VisitOutcome::Disturbed(..) | VisitOutcome::Failed(_) = visit.outcome {
            verdict.false_alarms += 1;
            *verdict.odd.entry(format!("false alarm: {:?}", visit.outcome)).or_default() += 1;
        }
    }
    if verdict.flagged == 0 {
        verdict.odd.insert(format!("not flagged: {:?}, {stderr}, room {room}", output.status), 1);
    }
    verdict
}

/// Number of visits with a last row.
fn ended(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.phase == Phase::Visit).count()
}

/// Number of visits with any row.
fn begun(rows: &[Row]) -> usize {
    let mut visits: Vec<u64> = rows.iter().map(|row| row.visit).collect();
    visits.dedup();
    visits.len()
}

/// Largest number of bytes of a visit in the file, and a tenth more, since times have
/// more or fewer digits.
fn longest_visit_bytes(text: &str) -> u64 {
    let mut longest = 0;
    let mut visit = 0;
    for line in text.lines().skip(1) {
        visit += line.len() as u64 + 1;
        if line.contains(",visit,,") {
            longest = longest.max(visit);
            visit = 0;
        }
    }
    longest * 11 / 10
}
