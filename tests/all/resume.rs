//! Interrupted and resumed runs: they end with exactly the visits of an uninterrupted one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;
use std::time::Instant;

use crate::common::{Row, Sweep, Swept, harness, rows_of};
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
    first_of(4)
}

/// Rounds of the run that nothing disturbed.
const ROUNDS: u32 = 20;

/// The visits of its first rounds: which they are does not depend on how many follow.
fn first_of(rounds: u32) -> BTreeSet<(Visit, String)> {
    static WHOLE: LazyLock<BTreeSet<(Visit, String)>> = LazyLock::new(|| {
        let swept = sweep_of(&ROUNDS.to_string()).run().exits(0);
        counted(&swept.out.join("samples.csv"))
    });
    WHOLE.iter().filter(|visit| round_of(visit) < rounds).cloned().collect()
}

fn round_of(((round, ..), _): &(Visit, String)) -> u32 {
    round.parse().expect("a number")
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

/// Kills so many runs at moments that are spread over their first rounds, and resumes
/// each for another round or two. None of them would have ended by itself, so each is cut
/// short.
fn kill_and_resume(runs: u32) {
    let mut moments = 0..;
    let visits = whole().len();
    let (mut judged, mut too_late) = (0, 0);
    while judged < runs {
        let moment = moments.next().expect("there is no end of them");
        let killed = killed_after(f64::from(moment * 61 % 100) / 100.0, visits);
        let samples = killed.out.join("samples.csv");
        let begun = counted_if_there(&samples).iter().map(round_of).max();
        // The round that it was in, and one more.
        let rounds = begun.map_or(2, |round| round + 2);
        if rounds > ROUNDS {
            // Killed too late to know what a whole run would have: there is another moment.
            too_late += 1;
            assert!(too_late <= runs, "{judged} of {runs} were killed in time");
            continue;
        }
        let mut run = run_json(&killed.out);
        run["plan"]["stopping"]["rounds"] = rounds.into();
        fs::write(killed.out.join("run.json"), run.to_string()).expect("written");
        resume(&killed.out, &[]).exits(0);
        assert_eq!(counted(&samples), first_of(rounds), "killed at moment {moment}");
        let sessions = run_json(&killed.out)["sessions"].as_array().expect("a list").clone();
        assert_eq!(sessions.last().expect("one")["stop_reason"], "rounds");
        judged += 1;
    }
}

/// A run that was killed when so large a share of so many visits was made.
fn killed_after(share: f64, visits: usize) -> Swept {
    let running = sweep_of("1000000").start();
    crate::common::wait_until("it has begun", || {
        running.samples().with_file_name("run.json").exists()
    });
    let begun = Instant::now();
    // How long the rounds last shows while they do: so many of its visits.
    let visits = (share * visits as f64) as usize;
    running.wait_for_visits(visits);
    thread::sleep(begun.elapsed().mul_f64(share) / (visits as u32 + 1));
    let _ = killpg(running.pid(), Signal::SIGKILL);
    let killed = running.finish();
    assert!(run_json(&killed.out)["sessions"][0]["end"].is_null(), "it was cut short");
    killed
}

/// Visits that count, of a file that may not be there yet, or may have a torn last row.
fn counted_if_there(samples: &Path) -> BTreeSet<(Visit, String)> {
    let text = fs::read_to_string(samples).unwrap_or_default();
    let Some((whole, _)) = text.rsplit_once('\n') else { return BTreeSet::new() };
    let copy = samples.with_file_name("whole.csv");
    fs::write(&copy, format!("{whole}\n")).expect("written");
    let counted = counted(&copy);
    fs::remove_file(copy).expect("removed");
    counted
}

#[test]
fn a_run_that_was_killed_at_any_moment_ends_with_the_visits_of_a_whole_one() {
    kill_and_resume(8);
}

#[test]
#[ignore = "50 runs take a minute: scripts/check --all"]
fn runs_that_were_killed_at_fifty_moments_end_with_the_visits_of_a_whole_one() {
    kill_and_resume(50);
}

#[test]
fn a_run_that_is_killed_several_times_is_completed() {
    let running = sweep().start();
    running.wait_for_visits(2);
    let _ = killpg(running.pid(), Signal::SIGKILL);
    let killed = running.finish();
    let dir = killed.out.to_string_lossy().into_owned();
    for _ in 0..4 {
        let visits = rows_of(&killed.out.join("samples.csv")).len();
        let again = Sweep::bare().args(["resume", &dir]).start();
        crate::common::wait_until("a few more visits, or the end", || {
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
fn a_run_without_rows_is_resumed() {
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
    assert!(
        again.stdout.contains("is already finished (all rounds were done)"),
        "{}",
        again.stdout
    );
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
        ["cannot continue", "the executable was", "0123456789ab", "Some other CPU", "--force"]
    {
        assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
    }
    resume(&stopped.out, &["--force"]).exits(0);
    let forced = &run_json(&stopped.out)["sessions"][1]["forced"];
    assert_eq!(forced.as_array().map(Vec::len), Some(2), "{forced}");
}

#[test]
fn the_time_budget_counts_all_sessions() {
    let options = ["--time-budget", "10min", "-n", "1", "-b", "std-thread", "--draws", "2^14"];
    let stopped = interrupted(Sweep::new().args(options).args(["--rounds", "1000000"]));
    let end_ns = |row: &Row| {
        let number = |name: &str| row[name].parse::<u64>().expect("a number");
        number("started_ns") + number("wall_ns")
    };
    let first_ns = stopped.rows().iter().map(end_ns).max().expect("rows");
    let budget_ns = 3 * first_ns;
    let mut run = run_json(&stopped.out);
    run["plan"]["stopping"]["time_budget_ns"] = budget_ns.into();
    fs::write(stopped.out.join("run.json"), run.to_string()).expect("written");
    resume(&stopped.out, &[]).exits(0);
    assert_eq!(run_json(&stopped.out)["sessions"][1]["stop_reason"], "budget");
    let rows = stopped.rows();
    let is_of_second = |row: &&Row| row["session"] == "1" && row["phase"] == "visit";
    let mut ends: Vec<u64> = rows.iter().filter(is_of_second).map(end_ns).collect();
    // The last visit may end after the budget; another was begun after each other one.
    ends.pop();
    for end_ns in ends {
        assert!(first_ns + end_ns < budget_ns, "{first_ns} + {end_ns} of {budget_ns}");
    }
}

#[test]
fn a_directory_in_use_is_refused() {
    let options =
        ["-n", "1", "-b", "waits", "--draws", "2^14", "--rounds", "2", "--timeout", "10min"];
    let running = Sweep::new().args(options).runner("waits", "sleep 600\n").start();
    crate::common::wait_until("it measures", || running.samples().exists());
    let dir = running.samples().parent().expect("a directory").to_path_buf();
    let refused = resume(&dir, &[]);
    assert_eq!(refused.code(), 1, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("another harness process is writing to it"),
        "{}",
        refused.stderr
    );
    running.signal(Signal::SIGINT);
    running.finish().exits(130);
}

#[test]
fn another_directory_is_refused() {
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
