//! Sweeps of commands: measurements, checks, and the end of every process that a command
//! starts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::common::{Row, Sweep, Swept, harness, is_alive, pid_in, wait_until};
use nix::sys::signal::Signal;

/// A sweep over a shell script, at one count, in one round.
fn once(script: &str) -> Sweep {
    Sweep::new().args(["-n", "1", "--rounds", "1"]).args(over(script))
}

/// The option that sweeps a script, named `it`.
fn over(script: &str) -> [String; 2] {
    named("it", script)
}

fn named(name: &str, script: &str) -> [String; 2] {
    ["--command".to_string(), format!("{name}=sh -c '{}'", script.replace('\'', "'\\''"))]
}

/// Errors of the visits.
fn errors(swept: &Swept) -> Vec<String> {
    swept.errors_of("command")
}

/// Error of the only visit.
#[track_caller]
fn error(swept: &Swept) -> String {
    match &errors(swept)[..] {
        [only] => only.clone(),
        several => panic!("{several:?}; {}", swept.stderr),
    }
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {:?}", row[column]))
}

#[test]
fn every_round_visits_both_commands() {
    let sweep = Sweep::new().args(["-n", "1,2", "--rounds", "3"]);
    let swept = sweep.args(named("a", "exit 0")).args(named("b", "sleep 0.01")).run().exits(0);
    let visits = swept.visits_of("command");
    assert_eq!(visits.len(), 12);
    for round in ["0", "1", "2"] {
        let of_round = visits.iter().filter(|row| row["round"] == round);
        let mut seen: Vec<String> =
            of_round.map(|row| format!("{} {}", row["label"], row["nthread"])).collect();
        seen.sort();
        assert_eq!(seen, ["a 1", "a 2", "b 1", "b 2"]);
    }
    for visit in swept.visits() {
        let phases: Vec<&str> = visit.iter().map(|row| row["phase"].as_str()).collect();
        assert_eq!(phases, ["call", "visit"], "no team is set up, and nothing warms up");
        assert!(visit.iter().all(|row| row["kernel"].is_empty() && row["draws"].is_empty()));
    }
    swept.leaves_nothing_alive();
}

#[test]
fn sleeping_threads_take_as_long_as_one_of_them_whatever_their_number() {
    let script = "for i in $(seq $HARNESS_NTHREAD); do sleep 1 & done; wait";
    let sweep = Sweep::new().args(["-n", "1,4,16", "--rounds", "1"]);
    let swept = sweep.args(over(script)).run().exits(0);
    let calls = swept.calls_of("command");
    assert_eq!(calls.len(), 3);
    for call in &calls {
        let seconds = number(call, "wall_ns") / 1e9;
        assert!((1.0..1.9).contains(&seconds), "n = {}: {seconds} s", call["nthread"]);
        assert!(number(call, "user_ns") + number(call, "system_ns") < 0.9e9, "they sleep");
    }
}

#[test]
fn a_call_has_the_resource_usage_of_its_process() {
    let script = "x=$(head -c 30000000 /dev/zero | tr \"\\0\" x); i=0; \
                  while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 0";
    let swept = once(script).run().exits(0);
    let rows = &swept.visits()[0];
    let (call, visit) = (&rows[0], &rows[1]);
    assert!(number(call, "user_ns") > 0.0);
    assert!(number(call, "max_rss_bytes") > 30e6, "{}", call["max_rss_bytes"]);
    assert!(number(call, "voluntary_switches") >= 1.0);
    assert_eq!((&call["exit_status"][..], &visit["exit_status"][..]), ("0", "0"));
    assert_eq!(call["max_rss_bytes"], visit["max_rss_bytes"]);
    assert!(number(visit, "wall_ns") >= number(call, "wall_ns"));
}

#[test]
fn exit_codes_are_failures_unless_they_are_ok() {
    let swept = once("echo it is broken >&2; exit 3").run().exits(1);
    assert_eq!(error(&swept), "the command exited with status 3; stderr: it is broken");
    assert_eq!(swept.visits_of("command")[0]["exit_status"], "3");
    let swept = once("exit 3").args(["--ok-codes", "0,3"]).run().exits(0);
    assert_eq!(error(&swept), "");
    assert_eq!(swept.visits_of("command")[0]["exit_status"], "3");
}

#[test]
fn a_command_that_dies_of_a_signal_is_an_error_that_names_it() {
    let swept = once("kill -SEGV $$").run().exits(1);
    assert_eq!(error(&swept), "the command was killed by SIGSEGV");
    assert_eq!(swept.visits_of("command")[0]["exit_status"], "-11");
}

#[test]
fn a_command_that_cannot_be_started_is_an_error_with_the_reason() {
    let sweep = Sweep::new().args(["-n1", "--rounds", "1"]);
    let home = sweep.home().to_path_buf();
    fs::write(home.join("odd"), "no first line\n").expect("a file");
    fs::set_permissions(home.join("odd"), fs::Permissions::from_mode(0o755)).expect("ours");
    fs::write(home.join("lost"), "#!/no/such/interpreter\n").expect("a file");
    fs::set_permissions(home.join("lost"), fs::Permissions::from_mode(0o755)).expect("ours");
    let swept = sweep.args(["--command", "odd=./odd", "--command", "lost=./lost"]).run().exits(1);
    let all = errors(&swept).join("\n");
    assert!(all.contains("./odd cannot be started: it is neither a binary nor a script"), "{all}");
    assert!(all.contains("./lost cannot be started: the interpreter"), "{all}");
    swept.leaves_nothing_alive();
}

#[test]
fn endless_output_on_either_stream_is_bounded() {
    let swept = once("head -c 300000000 /dev/zero").args(["--expect-stdout", "same"]).run();
    let swept = swept.exits(0);
    assert!(number(&swept.calls_of("command")[0], "max_rss_bytes") < 64e6);
    let learnt = &swept.run_json()["plan"]["expected_outputs"][0];
    assert_eq!((&learnt["label"], &learnt["bytes"]), (&"it".into(), &300_000_000.into()));
    let swept = once("head -c 300000000 /dev/zero >&2; echo the end >&2; exit 1").run().exits(1);
    assert!(error(&swept).ends_with("the end"), "{}", error(&swept).len());
    assert!(swept.read("samples.csv").len() < 20_000);
    let swept = once("exec yes").args(["--timeout", "500ms"]).run().exits(1);
    assert!(error(&swept).starts_with("timeout: killed after 0.5 s"), "{}", error(&swept));
    swept.leaves_nothing_alive();
}

#[test]
fn a_timeout_names_and_kills_all_processes() {
    let script = "trap \"\" TERM; setsid sleep 1000 & sleep 1000";
    let swept = once(script).args(["--timeout", "1s"]).run().exits(1);
    let error = error(&swept);
    assert!(error.starts_with("timeout: killed after 1.0 s; processes: "), "{error}");
    assert_eq!(error.matches("sleep (pid ").count(), 2, "{error}");
    swept.leaves_nothing_alive();
}

#[test]
fn children_that_outlive_a_command_are_killed_and_named() {
    for script in ["sleep 1000 & exit 0", "setsid sleep 1000 & exit 0"] {
        let swept = once(script).run().exits(1);
        let error = error(&swept);
        assert!(error.starts_with("the command left processes behind: sleep (pid "), "{error}");
        swept.leaves_nothing_alive();
    }
}

#[test]
fn children_that_end_soon_after_a_command_are_no_error() {
    let swept = once("(sleep 0.1; echo later) & exit 0").args(["--expect-stdout", "later"]).run();
    assert_eq!(error(&swept.exits(0)), "");
}

#[test]
fn a_command_has_no_terminal_and_an_empty_stdin() {
    let swept = once("cat; cat /dev/tty").run().exits(1);
    assert!(error(&swept).contains("/dev/tty"), "{}", error(&swept));
    let swept = once("wc -c").args(["--expect-stdout", "0"]).run();
    assert_eq!(error(&swept.exits(0)), "");
}

#[test]
fn prepare_and_cleanup_run_around_each_run_and_are_not_timed() {
    let sweep = once("echo run $HARNESS_NTHREAD >>log").args(["--iterations", "2"]);
    let sweep = sweep.args(["--prepare", "sh -c 'echo before {nthread} >>log; sleep 0.3'"]);
    let swept = sweep.args(["--cleanup", "sh -c 'echo after >>log; sleep 0.3'"]).run().exits(0);
    let log = fs::read_to_string(swept.home().join("log")).expect("a log");
    assert_eq!(log, "before 1\nrun 1\nafter\n".repeat(2));
    for call in swept.calls_of("command") {
        assert!(number(&call, "wall_ns") < 0.25e9, "{}", call["wall_ns"]);
    }
}

#[test]
fn a_failed_prepare_or_cleanup_command_is_named() {
    let swept = once("true").args(["--prepare", "sh -c 'echo no room >&2; exit 7'"]).run();
    let swept = swept.exits(1);
    assert_eq!(error(&swept), "the prepare command exited with status 7; stderr: no room");
    let swept = once("true").args(["--cleanup", "false"]).run().exits(1);
    assert_eq!(error(&swept), "the cleanup command exited with status 1");
    assert_eq!(swept.calls_of("command").len(), 1);
}

#[test]
fn a_server_that_is_prepared_lives_through_the_run_and_no_longer() {
    let prepare = "sh -c 'sleep 1000 & echo $! >server'";
    let swept = once("kill -0 $(cat server)").args(["--prepare", prepare]).run().exits(0);
    assert_eq!(error(&swept), "");
    swept.leaves_nothing_alive();
}

#[test]
fn a_process_left_by_cleanup_is_no_leftover_of_the_next_run() {
    let cleanup = "sh -c 'sleep 1000 & echo $! >server'";
    let sweep = once("true").args(["--iterations", "2", "--cleanup", cleanup]);
    let swept = sweep.run().exits(0);
    assert_eq!(error(&swept), "");
    swept.leaves_nothing_alive();
}

#[test]
fn placeholders_of_the_count_are_expanded_in_words_and_variables() {
    let sweep = Sweep::new().args(["-n", "1,3", "--rounds", "1", "--env", "MINE=<{nthread}>"]);
    let script = "echo {nthread} $MINE $OMP_NUM_THREADS $RAYON_NUM_THREADS >>log";
    let swept = sweep.args(over(script)).run().exits(0);
    let log = fs::read_to_string(swept.home().join("log")).expect("a log");
    let mut lines: Vec<&str> = log.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["1 <1> 1 1", "3 <3> 3 3"]);
}

#[test]
fn a_command_reads_its_input_and_runs_in_its_directory() {
    let sweep = once("cat; pwd").args(["--iterations", "2", "--input", "text"]);
    let sweep = sweep.args(["--working-dir", "below", "--expect-stdout", "/^hello\n.*below\n$/"]);
    fs::write(sweep.home().join("text"), "hello\n").expect("a file");
    fs::create_dir(sweep.home().join("below")).expect("a directory");
    assert_eq!(error(&sweep.run().exits(0)), "");
}

#[test]
fn placeholders_of_the_count_are_expanded_in_the_input_and_the_directory() {
    let sweep = Sweep::new().args(["-n", "1,3", "--rounds", "1", "--input", "text{nthread}"]);
    let sweep = sweep.args(["--working-dir", "below{nthread}"]);
    for count in ["1", "3"] {
        fs::write(sweep.home().join(format!("text{count}")), count).expect("a file");
        fs::create_dir(sweep.home().join(format!("below{count}"))).expect("a directory");
    }
    let swept = sweep.args(over("cat >read")).run().exits(0);
    for count in ["1", "3"] {
        let read = fs::read_to_string(swept.home().join(format!("below{count}/read")));
        assert_eq!(read.expect("a file"), count);
    }
}

#[test]
fn a_missing_input_is_named_with_its_expanded_path() {
    let sweep = Sweep::new().args(["-n", "3", "--rounds", "1", "--input", "text{nthread}"]);
    let swept = sweep.args(over("cat")).run().exits(1);
    assert!(error(&swept).contains("text3"), "{}", error(&swept));
}

#[test]
fn a_command_with_control_characters_has_results_that_can_be_read() {
    let sweep = Sweep::new().args(["-n", "1", "--rounds", "1"]);
    let swept = sweep.args(["--", "echo", "\x1b[31mred\x7f"]).run().exits(0);
    assert!(!swept.stdout.contains('\x1b'), "{}", swept.stdout);
    assert_eq!(swept.visits_of("command")[0]["label"], "echo '\\u{1b}[31mred\\u{7f}'");
}

#[test]
fn speedups_are_the_same_where_run_json_is_lost() {
    let sweep = Sweep::new().args(["-n", "1,2", "--rounds", "2"]);
    let swept = sweep.args(over("sleep 0.01")).run().exits(0);
    let speedup = |summary: &serde_json::Value| {
        let cases = summary["cases"].as_array().expect("cases").clone();
        let of_two = cases.iter().find(|case| case["nthread"] == 2).cloned();
        of_two.expect("a case")["speedup"].clone()
    };
    let before = speedup(&swept.json("summary.json"));
    assert!(before.is_number(), "{before}");
    fs::remove_file(swept.home().join("out/run.json")).expect("removed");
    crate::common::report(&swept.home().join("out")).exits(0);
    assert_eq!(speedup(&swept.json("summary.json")), before);
}

#[test]
fn output_can_be_kept_in_files() {
    let sweep = once("echo out; echo err >&2").args(["--output", "keep", "--iterations", "2"]);
    let swept = sweep.run().exits(0);
    assert_eq!(swept.read("output/visit-0.out"), "out\nout\n");
    assert_eq!(swept.read("output/visit-0.err"), "err\nerr\n");
    assert_eq!(swept.stderr.matches("out").count(), 0, "{}", swept.stderr);
}

#[test]
fn output_can_be_shown() {
    let sweep = once("echo to stdout; echo to stderr >&2").args(["--output", "show"]);
    let swept = sweep.args(["--expect-stdout", "to stdout"]).run().exits(0);
    assert!(swept.stderr.contains("to stdout\n"), "{}", swept.stderr);
    assert!(swept.stderr.contains("to stderr\n"), "{}", swept.stderr);
    assert!(!swept.stdout.contains("to stdout\n"), "the result only");
}

#[test]
fn output_is_compared_with_a_text_or_a_pattern() {
    for (expected, problem) in [
        ("4 threads", ""),
        ("/^[0-9] thr/", ""),
        ("5 threads", "prints \"4 threads\" instead of \"5 threads\""),
        ("/^x/", "prints \"4 threads\" instead of a match of /^x/"),
    ] {
        let swept = once("echo 4 threads").args(["--expect-stdout", expected]).run();
        assert_eq!(error(&swept), problem, "{expected}");
        assert_eq!(swept.code(), i32::from(!problem.is_empty()));
    }
}

#[test]
fn a_result_that_changes_with_the_count_is_an_error() {
    let sweep = Sweep::new().args(["-n", "1,10", "--rounds", "2", "--expect-stdout", "same"]);
    let swept = sweep.args(over("echo {nthread}")).run().exits(1);
    let problems = errors(&swept);
    let wrong: Vec<&String> = problems.iter().filter(|it| !it.is_empty()).collect();
    assert_eq!(wrong.len(), 2, "{problems:?}");
    let either = ["3 bytes instead of 2 (\"10\")", "2 bytes instead of 3 (\"1\")"];
    for problem in wrong {
        assert!(problem.starts_with("the output differs from that of the first run"), "{problem}");
        assert!(either.iter().any(|it| problem.contains(it)), "{problem}");
    }
}

#[test]
fn output_that_changes_with_the_count_is_told_above_the_answer() {
    let sweep = Sweep::new().args(["-n", "1,10", "--rounds", "2"]);
    let swept = sweep.args(over("echo {nthread}")).run().exits(0);
    let said = swept.stdout.find("Outputs differ between 1 and 10 threads.").expect("a sentence");
    assert!(said < swept.stdout.find("Too few rounds").expect("an answer"), "{}", swept.stdout);
    assert_eq!(swept.run_json()["plan"]["printed_outputs"][1]["varies"], false);
    let any = Sweep::new().args(["-n", "1,10", "--rounds", "2", "--expect-stdout", "any"]);
    let swept = any.args(over("echo {nthread}")).run().exits(0);
    assert!(!swept.stdout.contains("utput"), "{}", swept.stdout);
}

#[test]
fn output_that_is_always_the_same_or_changes_from_run_to_run_is_no_difference() {
    for (script, said) in [
        ("echo one", "output identical at all counts"),
        ("true", "printed nothing"),
        ("date +%N", "output varies from run to run, so it was not compared"),
    ] {
        let sweep = Sweep::new().args(["-n", "1,2", "--rounds", "2"]);
        let swept = sweep.args(over(script)).run().exits(0);
        assert!(swept.stdout.contains(said), "{script}: {}", swept.stdout);
        assert!(!swept.stdout.contains("Outputs differ"), "{script}: {}", swept.stdout);
    }
}

#[test]
fn a_resumed_run_compares_output_with_that_of_the_first_session() {
    // From the fourth run on it would print something else, and hangs before.
    let script = "echo x >>runs; [ $(wc -l <runs) = 4 ] && { echo $$ >pid.part; mv pid.part pid; \
                  exec sleep 1000; }; [ $(wc -l <runs) -lt 4 ] && echo once || echo again";
    let sweep = Sweep::new().args(["-n", "1", "--rounds", "6", "--expect-stdout", "same"]);
    let home = sweep.home().to_path_buf();
    let running = sweep.arg_path("--working-dir", &home).args(over(script)).start();
    let command = pid_in(&running.file("pid"));
    running.signal(Signal::SIGKILL);
    wait_until("the command died with the harness", || !is_alive(command));
    let killed = running.finish();
    assert_eq!(killed.run_json()["plan"]["expected_outputs"][0]["bytes"], 5);
    killed.leaves_nothing_alive();
    let resumed = harness(["resume".as_ref(), killed.out.as_os_str()]).exits(1);
    let problem = "the output differs from that of the first run: 6 bytes instead of 5 (\"again\")";
    let errors: Vec<String> = errors(&killed);
    assert_eq!(errors, ["", "", "", problem, problem], "{}", resumed.stderr);
    resumed.leaves_nothing_alive();
}

#[test]
fn a_command_that_ignores_signals_ends_with_a_killed_harness() {
    let script = "trap \"\" TERM INT HUP; setsid sh -c \"trap : TERM; echo \\$\\$ >away.part; \
                  mv away.part away; while :; do sleep 1000; done\" & \
                  sleep 1000 & while [ ! -e away ]; do sleep 0.01; done; \
                  echo $$ >pid.part; mv pid.part pid; while :; do sleep 1000; done";
    let running = once(script).start();
    let (command, away) = (pid_in(&running.file("pid")), pid_in(&running.file("away")));
    running.signal(Signal::SIGKILL);
    wait_until("all of it is dead", || !is_alive(command) && !is_alive(away));
    running.finish().leaves_nothing_alive();
}

#[test]
fn an_interrupt_ends_the_command_and_its_children() {
    let script = "setsid sleep 1000 & echo $! >away.part; mv away.part away; trap \"\" TERM INT; \
                  echo $$ >pid.part; mv pid.part pid; sleep 1000";
    let running = once(script).start();
    let (command, away) = (pid_in(&running.file("pid")), pid_in(&running.file("away")));
    running.signal(Signal::SIGINT);
    let swept = running.finish().exits(130);
    assert!(!is_alive(command) && !is_alive(away), "dead before the program ends");
    assert_eq!(swept.rows().len(), 0, "what was cut short does not count");
    swept.leaves_nothing_alive();
}

#[test]
fn a_killed_shim_is_an_error_and_its_processes_end() {
    let swept = once("setsid sleep 1000 & kill -9 $PPID; sleep 1000").run().exits(1);
    assert!(error(&swept).contains("killed by SIGKILL"), "{}", error(&swept));
    swept.leaves_nothing_alive();
}

#[test]
fn progress_shows_times_from_the_first_round_on() {
    let sweep = Sweep::new().args(["-n", "1,2", "--rounds", "2", "--no-progress"]);
    let swept = sweep.args(over("sleep 0.0{nthread}")).run().exits(0);
    let lines: Vec<&str> = swept.stderr.lines().filter(|line| line.starts_with("round ")).collect();
    assert!(lines[0].starts_with("round 1 of 2 after "), "{}", swept.stderr);
    assert!(lines[0].contains(": it 1: ") && lines[0].contains(", 2: "), "{}", swept.stderr);
}

#[test]
fn the_first_round_is_whole_and_sets_the_time_budget() {
    let running = Sweep::new().args(["-n", "1", "--precision", "1%"]).args(over("sleep 0.2"));
    let running = running.start();
    running.wait_for_visits(2);
    running.signal(Signal::SIGINT);
    let swept = running.finish().exits(130);
    assert!(
        swept.stderr.contains("the time is estimated after the first round"),
        "{}",
        swept.stderr
    );
    assert!(swept.stderr.contains("a round takes "), "{}", swept.stderr);
    let budget = swept.run_json()["plan"]["stopping"]["time_budget_ns"].clone();
    assert_eq!(budget, 60_000_000_000_u64, "1.5 × 12 × 0.2 s is less than the least budget");
}

#[test]
fn a_time_budget_that_was_given_holds_from_the_start() {
    let sweep = Sweep::new().args(["-n", "1,2,3,4", "--time-budget", "300ms"]);
    let swept = sweep.args(over("sleep 0.2")).run().exits(0);
    assert!(swept.visits_of("command").len() < 4);
    assert_eq!(swept.run_json()["sessions"][0]["stop_reason"], "budget");
}

/// Largest number of descriptors of a process during some visits, and its resident KiB.
fn used(pid: nix::unistd::Pid) -> (usize, u64) {
    let descriptors = (0..200).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count()
    });
    let most = descriptors.max().expect("it has some");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    (most, line.trim().trim_end_matches(" kB").parse().expect("a number"))
}

#[test]
#[ignore = "minutes: scripts and people run it with --ignored"]
fn ten_thousand_runs_take_no_more_descriptors_and_hardly_more_memory() {
    let sweep = Sweep::new().args(["--rounds", "10000", "-n", "1", "--quiet"]);
    let running = sweep.args(["--command", "true"]).start();
    running.wait_for_visits(1000);
    let early = used(running.pid());
    let start = std::time::Instant::now();
    // Patience is that of one wait.
    (2000..=9500).step_by(500).for_each(|visits| running.wait_for_visits(visits));
    let late = used(running.pid());
    eprintln!("at 1,000: {early:?}, at 9,500: {late:?} after {:?}", start.elapsed());
    assert!(late.0 <= early.0, "descriptors: {} and {}", early.0, late.0);
    assert!(late.1 < early.1 + 1500, "KiB: {} and {}", early.1, late.1);
    running.finish().exits(0).leaves_nothing_alive();
}

#[test]
fn a_budget_that_ends_before_a_pair_is_said_and_is_no_success() {
    let swept = Sweep::new()
        .args(["-n", "1,2", "--rounds", "6", "--time-budget", "20ms", "--", "sleep", "0.05"])
        .run()
        .exits(1);
    // The baseline is visited first, so that what there is can be compared later.
    let rows = swept.rows();
    assert!(rows.iter().all(|row| row["nthread"] == "1"), "{rows:?}");
}
