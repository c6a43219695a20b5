//! Runs that are cut short and gone on with: they end with exactly the visits
//! of a run that nothing disturbed.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use common::{Row, Sweep, Swept, harness, rows_of};
use nix::sys::resource::Resource;
use nix::sys::signal::{Signal, killpg};
use serde_json::Value;

/// A visit as it is counted: round, backend, threads.
type Visit = (String, String, String);

fn sweep() -> Sweep {
    sweep_of("4")
}

fn sweep_of(rounds: &str) -> Sweep {
    let options = ["-n", "1,2", "-b", "std-thread,rayon", "--draws", "2^14", "--order-seed", "7"];
    Sweep::new().args(options).args(["--rounds", rounds])
}

/// The visits that count: the latest session of each group, and each visit once.
#[track_caller]
fn counted(samples: &Path) -> BTreeSet<(Visit, String)> {
    let rows = rows_of(samples);
    let visits: Vec<&Row> = rows.iter().filter(|row| row["phase"] == "visit").collect();
    let session = |row: &Row| row["session"].parse::<u32>().expect("a number");
    let group = |row: &Row| (row["round"].clone(), row["group"].clone());
    let is_latest = |row: &&&Row| {
        let begun = rows.iter().filter(|other| group(other) == group(row)).map(session);
        begun.max() == Some(session(row))
    };
    let mut counted = BTreeSet::new();
    for row in visits.iter().filter(is_latest) {
        let visit = (row["round"].clone(), row["backend"].clone(), row["nthread"].clone());
        // The baseline has several in a round, each at a place of its own.
        assert!(counted.insert((visit, row["visit"].clone())), "twice: {row:?}");
    }
    counted
}

fn whole() -> BTreeSet<(Visit, String)> {
    let swept = sweep().run().exits(0);
    counted(&swept.out.join("samples.csv"))
}

fn resume(dir: &Path, more: &[&str]) -> Swept {
    let dir = dir.to_string_lossy().into_owned();
    harness(["resume", &dir].iter().chain(more))
}

fn run_json(dir: &Path) -> Value {
    let text = fs::read_to_string(dir.join("run.json")).expect("run.json");
    serde_json::from_str(&text).expect("JSON")
}

/// Makes a run that ended in its last session one that was killed in it.
fn forget_the_end(dir: &Path) {
    let mut run = run_json(dir);
    let last = run["sessions"].as_array_mut().and_then(|all| all.last_mut()).expect("a session");
    (last["end"], last["stop_reason"]) = (Value::Null, Value::Null);
    fs::write(dir.join("run.json"), run.to_string()).expect("written");
}

/// Kills runs at moments that are spread over their rounds, and goes on with them.
fn kill_and_resume(moments: std::ops::Range<u32>) {
    let whole = whole();
    let mut cut_short = 0;
    for moment in moments.clone() {
        let running = sweep().start();
        common::wait_until("it has begun", || {
            running.samples().with_file_name("run.json").exists()
        });
        let begun = Instant::now();
        let share = f64::from(moment * 61 % 100) / 100.0;
        // How long the rounds last shows while they do: so many of its visits.
        let visits = (share * whole.len() as f64) as usize;
        running.wait_for_visits(visits);
        thread::sleep(begun.elapsed().mul_f64(share) / (visits as u32 + 1));
        let _ = killpg(running.pid(), Signal::SIGKILL);
        let killed = running.finish();
        let samples = killed.out.join("samples.csv");
        cut_short += u32::from(counted_if_there(&samples) < whole.len());
        resume(&killed.out, &[]).exits(0);
        assert_eq!(counted(&samples), whole, "killed at moment {moment}");
        let sessions = run_json(&killed.out)["sessions"].as_array().expect("a list").clone();
        assert_eq!(sessions.last().expect("one")["stop_reason"], "rounds");
    }
    assert!(cut_short >= 25, "only {cut_short} of {moments:?} were cut short");
}

/// Visits that count, of a file that may not be there yet.
fn counted_if_there(samples: &Path) -> usize {
    if samples.metadata().is_ok_and(|file| file.len() > 1000) { counted(samples).len() } else { 0 }
}

#[test]
fn a_run_that_was_killed_at_any_moment_ends_with_the_visits_of_a_whole_one() {
    kill_and_resume(0..28);
}

#[test]
fn and_at_as_many_others() {
    kill_and_resume(28..56);
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_all_the_same() {
    let running = sweep().start();
    running.wait_for_visits(2);
    let _ = killpg(running.pid(), Signal::SIGKILL);
    let killed = running.finish();
    let dir = killed.out.to_string_lossy().into_owned();
    for _ in 0..4 {
        let visits = rows_of(&killed.out.join("samples.csv")).len();
        let again = Sweep::bare().args(["resume", &dir]).start();
        common::wait_until("a few more visits, or the end", || {
            let text = fs::read_to_string(killed.out.join("samples.csv")).unwrap_or_default();
            let is_over = run_json(&killed.out)["sessions"]
                .as_array()
                .and_then(|all| all.last().map(|last| last["stop_reason"].is_string()));
            text.lines().count() > visits + 12 || is_over == Some(true)
        });
        let _ = killpg(again.pid(), Signal::SIGKILL);
        again.finish();
    }
    resume(&killed.out, &[]).exits(0);
    assert_eq!(counted(&killed.out.join("samples.csv")), whole());
}

#[test]
fn a_run_that_a_full_disk_ended_goes_on() {
    let whole = whole();
    for limit in [2_000, 5_000, 9_001] {
        let stopped = sweep().limit(Resource::RLIMIT_FSIZE, limit).run();
        if !stopped.out.join("run.json").exists() {
            continue;
        }
        assert_eq!(stopped.code(), 1, "{}", stopped.stderr);
        resume(&stopped.out, &[]).exits(0);
        assert_eq!(counted(&stopped.out.join("samples.csv")), whole, "limit {limit}");
    }
}

#[test]
fn a_torn_row_is_cut_off_and_its_group_made_again() {
    let whole_run = sweep().run().exits(0);
    let samples = whole_run.out.join("samples.csv");
    let expected = counted(&samples);
    let text = fs::read_to_string(&samples).expect("text");
    for share in [3, 50, 97] {
        fs::write(&samples, &text[..text.len() * share / 100]).expect("written");
        forget_the_end(&whole_run.out);
        resume(&whole_run.out, &[]).exits(0);
        assert_eq!(counted(&samples), expected, "{share}% were left");
    }
}

#[test]
fn a_run_that_had_not_begun_its_rows_begins_them() {
    let whole_run = sweep().run().exits(0);
    let samples = whole_run.out.join("samples.csv");
    let expected = counted(&samples);
    forget_the_end(&whole_run.out);
    fs::remove_file(&samples).expect("removed");
    resume(&whole_run.out, &[]).exits(0);
    assert_eq!(counted(&samples), expected);
}

#[test]
fn a_failure_before_it_was_cut_short_is_not_forgotten() {
    let whole_run = sweep().run().exits(0);
    let samples = whole_run.out.join("samples.csv");
    let text = fs::read_to_string(&samples).expect("text");
    // The last round is taken off, and the last visit before it failed.
    let is_kept = |line: &&str| line.split(',').nth(3).is_none_or(|round| round != "3");
    let mut lines: Vec<String> = text.lines().filter(is_kept).map(str::to_string).collect();
    let visit = lines.iter().rposition(|line| line.contains(",visit,")).expect("a visit");
    let mut fields: Vec<&str> = lines[visit].split(',').collect();
    fields[43] = "it fell";
    lines[visit] = fields.join(",");
    fs::write(&samples, lines.join("\n") + "\n").expect("written");
    forget_the_end(&whole_run.out);
    let again = resume(&whole_run.out, &[]).exits(1);
    assert!(again.stdout.contains("1 FAILED VISIT"), "{}{}", again.stdout, again.stderr);
}

#[test]
fn a_finished_run_says_so() {
    let swept = sweep().run().exits(0);
    let before = fs::read(swept.out.join("samples.csv")).expect("bytes");
    let again = resume(&swept.out, &[]).exits(0);
    assert!(again.stdout.contains("finished already (all rounds were done)"), "{}", again.stdout);
    assert_eq!(fs::read(swept.out.join("samples.csv")).expect("bytes"), before);
}

/// A run that a signal ended after some visits.
fn interrupted(sweep: Sweep) -> Swept {
    let running = sweep.start();
    running.wait_for_visits(4);
    running.signal(Signal::SIGINT);
    running.finish().exits(130)
}

#[test]
fn another_executable_is_refused_unless_forced_and_that_is_recorded() {
    let stopped = interrupted(sweep_of("1000"));
    // The executable is the same; so the difference is made in the record.
    let mut run = run_json(&stopped.out);
    run["sessions"][0]["build"]["executable_sha256"] = "0123456789abcdef".into();
    run["machine"]["cpu_model"] = "Some other CPU".into();
    run["plan"]["stopping"]["rounds"] = 2.into();
    fs::write(stopped.out.join("run.json"), run.to_string()).expect("written");
    let refused = resume(&stopped.out, &[]).exits(2);
    for word in
        ["no longer fits", "the executable was", "0123456789ab", "Some other CPU", "--force"]
    {
        assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
    }
    resume(&stopped.out, &["--force"]).exits(0);
    let forced = &run_json(&stopped.out)["sessions"][1]["forced"];
    assert_eq!(forced.as_array().map(Vec::len), Some(2), "{forced}");
}

#[test]
fn the_time_budget_counts_all_sessions() {
    let options = ["--time-budget", "3s", "-n", "1", "-b", "std-thread", "--draws", "2^14"];
    let stopped = interrupted(Sweep::new().args(options).args(["--rounds", "1000000"]));
    resume(&stopped.out, &[]).exits(0);
    let run = run_json(&stopped.out);
    assert_eq!(run["sessions"][1]["stop_reason"], "budget");
    let rows = rows_of(&stopped.out.join("samples.csv"));
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let last = |session: &str| {
        let is_it = |row: &&Row| row["session"] == session && row["phase"] == "visit";
        rows.iter().rfind(is_it).expect("a visit")
    };
    let first_ns = number(&last("0")["started_ns"]) + number(&last("0")["wall_ns"]);
    assert!(first_ns + number(&last("1")["started_ns"]) < 3_000_000_000);
}

#[test]
fn who_measures_is_not_disturbed() {
    let options =
        ["-n", "1", "-b", "waits", "--draws", "2^14", "--rounds", "2", "--timeout", "10min"];
    let running = Sweep::new().args(options).runner("waits", "sleep 600\n").start();
    common::wait_until("it measures", || running.samples().exists());
    let dir = running.samples().parent().expect("a directory").to_path_buf();
    let refused = resume(&dir, &[]);
    assert_eq!(refused.code(), 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("another harness measures into it"), "{}", refused.stderr);
    running.signal(Signal::SIGINT);
    running.finish().exits(130);
}

#[test]
fn what_is_no_results_directory_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    for (name, text) in [("nothing", None), ("garbage", Some("{")), ("other", Some("{}"))] {
        let dir = home.path().join(name);
        fs::create_dir(&dir).expect("created");
        if let Some(text) = text {
            fs::write(dir.join("run.json"), text).expect("written");
        }
        let refused = resume(&dir, &[]).exits(2);
        assert!(refused.stderr.contains(name), "{}", refused.stderr);
    }
}
