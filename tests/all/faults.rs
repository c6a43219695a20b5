//! Runners that are broken on purpose: each becomes an error row with its
//! reason, the others are measured, and the sweep ends with exit code 1.

use std::os::unix::process::CommandExt as _;
use std::sync::OnceLock;

use crate::common::runner::{Lines, RIGHT, Tally, script, script_with_pid};
use crate::common::{Sweep, Swept, TINY_DRAWS, TINY_HITS, dispose_of, is_alive, pid_in};
use nix::sys::signal::SigHandler;

/// Runners that end at once: name, script, and words of the error (none for valid
/// ones).
fn broken_runners() -> Vec<(&'static str, String, &'static [&'static str])> {
    let valid = Lines::valid();
    let half = TINY_DRAWS / 2;
    let part = |hits: u64| Tally { draws: half, hits };
    // Estimates 3.1415 and 3.2.
    let plausible = Tally { draws: TINY_DRAWS, hits: 51_470 };
    let implausible = Tally { draws: TINY_DRAWS, hits: 52_429 };
    let off_by_one = Tally { draws: TINY_DRAWS, hits: TINY_HITS + 1 };
    let fewer = Tally { draws: half, hits: TINY_HITS / 2 };
    vec![
        ("dies-at-once", "exit 3\n".into(), &["status 3"]),
        ("dies-by-signal", "kill -9 $$\n".into(), &["SIGKILL"]),
        (
            "dies-in-mid-visit",
            valid.clone().first(3).script_then("kill -9 $$"),
            &["SIGKILL", "call"],
        ),
        ("segfaults", valid.clone().first(2).script_then("kill -11 $$"), &["SIGSEGV"]),
        ("fails-after-all", valid.script_then("exit 7"), &["status 7"]),
        ("says-nothing", script("exit 0"), &["ended", "hello"]),
        ("reads-nothing", "exit 0\n".into(), &["ended", "hello"]),
        ("stops-short", valid.clone().first(5).script(), &["ended", "done"]),
        ("speaks-garbage", script("echo 'not json at all'"), &["not json at all"]),
        ("speaks-binary", script("head -c 5000 /dev/zero; echo"), &["not an event"]),
        ("speaks-latin", script("printf 'na\\357ve\\n'"), &["not an event"]),
        ("says-nothing-known", script("echo '{\"hi\":{}}'"), &["hi"]),
        ("skips-hello", valid.clone().replacing("hello", "teardown").script(), &["teardown"]),
        (
            "calls-too-often",
            valid.clone().replacing("{\"teardown\"", "{\"setup\"").script(),
            &["setup", "teardown"],
        ),
        (
            "forgets-to-warm-up",
            valid.clone().replacing("warmup", "call").script(),
            &["call", "warmup"],
        ),
        (
            "speaks-protocol-2",
            valid.clone().replacing("\"protocol\":1", "\"protocol\":2").script(),
            &["protocol 2"],
        ),
        ("adds-words", valid.script_then("echo 'by the way'"), &["by the way"]),
        (
            "tally-is-a-number",
            valid.clone().replacing("\"51515\"", "51515").script(),
            &["not an event"],
        ),
        ("time-is-negative", valid.clone().replacing(":1000,", ":-5,").script(), &["not an event"]),
        ("took-no-time", valid.clone().replacing(":1000,", ":0,").script(), &["0 ns"]),
        ("off-by-one", Lines::answering("exact", off_by_one).script(), &["wrong tally", "51516"]),
        ("does-half", Lines::answering("exact", fewer).script(), &["wrong tally", "32768"]),
        (
            "loses-a-part",
            Lines::with_workers("exact", RIGHT, &[part(25_000)]).script(),
            &["wrong tally", "add up"],
        ),
        (
            "too-many-workers",
            Lines::with_workers(
                "exact",
                RIGHT,
                &[part(25_000), part(26_515), Tally { draws: 0, hits: 0 }],
            )
            .script(),
            &["3 workers"],
        ),
        // What four processes with one copied generator do: each half is the
        // same, their sum looks right.
        (
            "same-darts",
            Lines::with_workers(
                "z",
                Tally { draws: TINY_DRAWS, hits: 51_470 },
                &[part(25_735), part(25_735)],
            )
            .script(),
            &["wrong tally", "same", "random numbers"],
        ),
        (
            "implausible",
            Lines::answering("z", implausible).script(),
            &["wrong tally", "standard err"],
        ),
        (
            "without-spread",
            Lines::answering("z", Tally { draws: TINY_DRAWS, hits: TINY_DRAWS }).script(),
            &["wrong tally"],
        ),
        (
            "gives-up",
            script("echo '{\"error\":{\"message\":\"no such kernel here\"}}'; exit 1"),
            &["no such kernel here"],
        ),
        (
            "complains",
            script("echo 'ImportError: no module' >&2; exit 1"),
            &["status 1", "ImportError: no module"],
        ),
        ("has-no-interpreter", "exec /nowhere/at/all\n".into(), &["/nowhere/at/all"]),
        // These are well.
        ("well", valid.script(), &[]),
        ("well-without-newline", valid.clone().first(5).script_then("printf '{\"done\":{}}'"), &[]),
        ("well-with-z", Lines::answering("z", plausible).script(), &[]),
        (
            "well-with-workers",
            Lines::with_workers("exact", RIGHT, &[part(25_000), part(26_515)]).script(),
            &[],
        ),
        (
            "well-with-z-workers",
            Lines::with_workers("z", plausible, &[part(25_700), part(25_770)]).script(),
            &[],
        ),
        (
            "well-with-unknown-keys",
            valid
                .clone()
                .replacing("{\"wall_ns\"", "{\"mood\":[1],\"wall_ns\"")
                .replacing("\"draws\"", "\"colour\":\"red\",\"draws\"")
                .script(),
            &[],
        ),
        ("well-but-chatty", valid.script_then("echo 'all went well' >&2"), &[]),
        ("well-without-reading", valid.script().replace("cat >/dev/null\n", "exec <&-\n"), &[]),
    ]
}

/// One sweep over all of them, of three rounds, with two backends of this crate.
fn sweep_of_broken_runners() -> &'static Swept {
    static SWEPT: OnceLock<Swept> = OnceLock::new();
    SWEPT.get_or_init(|| {
        let backends =
            broken_runners().iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(",");
        let options = ["-n", "2", "--draws", "2^16", "--rounds", "3", "--timeout", "60s", "-b"];
        let sweep =
            Sweep::new().args(options).args([format!("{backends},std-thread,process-pipe")]);
        let add = |sweep: Sweep, (name, script, _): &(&str, String, _)| sweep.runner(name, script);
        broken_runners().iter().fold(sweep, add).run().exits(1)
    })
}

/// Index of a backend's case, which has two threads.
fn case_of(swept: &Swept, backend: &str) -> u64 {
    let run = swept.run_json();
    let cases = run["plan"]["cases"].as_array().expect("cases");
    let is_it = |case: &serde_json::Value| case["backend"] == backend;
    cases.iter().position(is_it).expect("planned") as u64
}

fn sick() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let sick = broken_runners().into_iter().filter(|(_, _, words)| !words.is_empty());
    sick.map(|(name, _, words)| (name, words))
}

#[test]
fn every_broken_runner_becomes_error_rows_with_the_reason() {
    for (name, words) in sick() {
        for error in sweep_of_broken_runners().errors_of(name) {
            for word in words {
                assert!(error.contains(word), "{name}: {word:?} is not in: {error}");
            }
            assert!(!error.contains('\n'));
        }
    }
}

#[test]
fn a_broken_runner_is_retired_after_two_failures_in_a_row() {
    let run = sweep_of_broken_runners().run_json();
    let retired = run["sessions"][0]["retired"].as_array().expect("a list");
    for (name, words) in sick() {
        assert_eq!(sweep_of_broken_runners().errors_of(name).len(), 2, "{name} has no third visit");
        let case = case_of(sweep_of_broken_runners(), name);
        let record = retired.iter().find(|retired| retired["case"] == case).expect(name);
        assert_eq!(record["round"], 1, "{name} failed in the first and in the second round");
        assert!(record["error"].as_str().is_some_and(|error| error.contains(words[0])), "{name}");
    }
    assert_eq!(retired.len(), sick().count(), "and nobody else");
}

#[test]
fn valid_runners_are_measured_in_every_round() {
    for (name, _, words) in broken_runners() {
        if words.is_empty() {
            assert_eq!(sweep_of_broken_runners().errors_of(name), [""; 3], "{name}");
            assert!(
                sweep_of_broken_runners()
                    .calls_of(name)
                    .iter()
                    .all(|call| call["wall_ns"] == "1000"),
                "{name}"
            );
        }
    }
}

#[test]
fn the_other_backends_are_measured_all_the_same() {
    for name in ["std-thread", "process-pipe"] {
        assert_eq!(sweep_of_broken_runners().errors_of(name), [""; 3], "{name}");
    }
    assert!(sweep_of_broken_runners().errors_of("sequential").iter().all(String::is_empty));
    assert_eq!(sweep_of_broken_runners().run_json()["sessions"][0]["stop_reason"], "rounds");
}

#[test]
fn the_table_says_which_visits_failed_and_why() {
    let table = &sweep_of_broken_runners().stdout;
    let failed = format!("{} FAILED VISITS", 2 * sick().count());
    assert!(table.contains(&failed), "{table}");
    for (name, words) in sick() {
        let is_about = |line: &&str| line.trim_start().starts_with(&format!("{name}, n = 2: 2 "));
        let line = table.lines().find(is_about).unwrap_or_else(|| panic!("{name}: {table}"));
        assert!(line.contains(words[0]), "{line}");
    }
}

#[test]
fn a_wrong_tally_is_in_no_figure() {
    let cases =
        sweep_of_broken_runners().json("summary.json")["cases"].as_array().expect("cases").clone();
    for (name, _) in sick() {
        let case = cases.iter().find(|case| case["backend"] == name).expect(name);
        assert_eq!(case["rounds"], 0, "{name}");
        for figure in ["median_ns", "speedup", "efficiency", "throughput"] {
            assert!(case[figure].is_null(), "{name} has a {figure}");
        }
    }
}

#[test]
fn the_row_of_a_wrong_call_says_so_too() {
    for call in sweep_of_broken_runners().rows().iter().filter(|row| row["backend"] == "off-by-one")
    {
        let is_wrong = call["phase"] == "warmup" || call["phase"] == "visit";
        assert_eq!(call["error"].contains("wrong tally"), is_wrong, "{call:?}");
    }
}

#[test]
fn the_error_does_not_depend_on_how_fast_a_runner_ends() {
    let error = "echo '{\"error\":{\"message\":\"no such kernel here\"}}'";
    let said = "no such kernel here";
    let begun = "printf '{\"call\":{'";
    let cut = "protocol error: \"{\\\"call\\\":{\" is not an event";
    // Name, script, how the reason begins and ends, exit status.
    let runners = [
        ("ends-at-once", format!("{error}; exit 1"), said, said, "1"),
        ("ends-soon", format!("{error}; sleep 0.2; exit 1"), said, said, "1"),
        ("ends-never", format!("{error}; exec sleep 1000"), said, said, "-9"),
        ("goes-on", format!("{error}; {error}; echo 'and so on'; exit 1"), said, said, "1"),
        (
            "dies-then",
            format!("{error}; kill -11 $$"),
            said,
            "; the runner was killed by SIGSEGV",
            "-11",
        ),
        ("dies-in-mid-line", format!("{begun}; kill -9 $$"), cut, "was killed by SIGKILL", "-9"),
        ("ends-in-mid-line", format!("{begun}; exit 3"), cut, "exited with status 3", "3"),
        (
            "babbles-and-ends",
            "echo babble; exit 3".to_string(),
            "protocol error: \"babble\" is not an event",
            "column 1",
            "",
        ),
    ];
    let names = runners.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(",");
    let options = ["-n2", "--draws=2^16", "--rounds=2", "--timeout=60s", "-b", &names];
    let add = |sweep: Sweep, (name, commands, ..): &(&str, String, &str, &str, &str)| {
        sweep.runner(name, &script(commands))
    };
    let swept = runners.iter().fold(Sweep::new().args(options), add).run().exits(1);
    for (name, _, begin, end, status) in &runners {
        for row in swept.visits_of(name) {
            let error = &row["error"];
            assert!(error.starts_with(begin) && error.ends_with(end), "{name}: {error}");
            // One that is killed for what it said may have ended by then.
            assert!(status.is_empty() || row["exit_status"] == *status, "{name}: {row:?}");
        }
    }
    swept.leaves_nothing_alive();
}

#[test]
fn the_exit_status_is_in_the_row() {
    for (name, status) in [("dies-at-once", "3"), ("dies-by-signal", "-9"), ("segfaults", "-11")] {
        assert!(
            sweep_of_broken_runners()
                .visits_of(name)
                .iter()
                .all(|row| row["exit_status"] == status),
            "{name}"
        );
    }
}

#[test]
fn no_process_of_a_broken_runner_is_left() {
    sweep_of_broken_runners().leaves_nothing_alive();
}

#[test]
fn a_single_failure_retires_no_runner() {
    // Fails in every other visit: the first, the third and the fifth.
    let toggle = "if [ -e failed ]; then rm failed; else : >failed; exit 5; fi\n";
    let runner = Lines::valid().script().replace("cat >/dev/null\n", toggle);
    let sweep = Sweep::new().args(["-n1", "-b", "moody", "--draws", "2^16", "--rounds", "5"]);
    let swept = sweep.runner("moody", &runner).run().exits(1);
    let failed: Vec<bool> =
        swept.errors_of("moody").iter().map(|error| !error.is_empty()).collect();
    assert_eq!(failed, [true, false, true, false, true]);
    assert_eq!(swept.run_json()["sessions"][0]["retired"], serde_json::json!([]));
    let cases = swept.json("summary.json")["cases"].clone();
    assert_eq!(cases[1]["rounds"], 2, "the clean visits count");
}

/// A sweep of one round with a broken runner and a backend of this crate that must be
/// measured.
#[track_caller]
fn one_round_with(runner: &str, options: &[&str]) -> Swept {
    let sweep = Sweep::tiny().args(["-n", "2", "-b", "broken,std-thread"]).args(options);
    let swept = sweep.runner("broken", runner).run().exits(1);
    assert_eq!(swept.errors_of("std-thread"), [""], "the others are measured");
    swept.leaves_nothing_alive();
    swept
}

/// Timeout that is long enough for a backend of this crate on a busy machine.
const SOON: &[&str] = &["--timeout", "2s"];

/// Timeout for faults that must be detected without one.
const NEVER: &[&str] = &["--timeout", "10min"];

#[test]
fn a_runner_that_hangs_is_killed_with_its_processes_named() {
    let swept = one_round_with(&script_with_pid("pid", "sleep 1000"), SOON);
    let error = &swept.errors_of("broken")[0];
    assert!(error.contains("timeout") && error.contains("sleep"), "{error}");
    assert_eq!(swept.visits_of("broken")[0]["exit_status"], "-9");
    assert!(!is_alive(pid_in(&swept.home().join("pid"))));
}

#[test]
fn a_runner_that_ignores_sigterm_is_killed() {
    let stubborn = script_with_pid("pid", "trap '' TERM INT HUP QUIT; while :; do sleep 1; done");
    let swept = one_round_with(&stubborn, SOON);
    assert!(swept.errors_of("broken")[0].contains("timeout"));
    assert!(!is_alive(pid_in(&swept.home().join("pid"))));
}

#[test]
fn a_runner_that_stops_itself_is_killed() {
    let swept = one_round_with(&script_with_pid("pid", "kill -STOP $$"), SOON);
    assert!(swept.errors_of("broken")[0].contains("timeout"));
    assert!(!is_alive(pid_in(&swept.home().join("pid"))));
}

#[test]
fn a_line_of_many_megabytes_without_an_end_is_cut_off() {
    let swept = one_round_with(&script("head -c 50000000 /dev/zero; sleep 1000"), NEVER);
    let error = &swept.errors_of("broken")[0];
    assert!(error.contains("a line of more than"), "{error}");
    assert!(swept.read("samples.csv").len() < 100_000, "and is not kept");
}

#[test]
fn a_reason_of_many_megabytes_is_kept_in_part() {
    let long = "printf '{\"error\":{\"message\":\"no such kernel'; head -c 3000000 /dev/zero | \
                tr '\\0' x; echo '\"}}'; exit 1";
    let swept = one_round_with(&script(long), NEVER);
    let error = &swept.errors_of("broken")[0];
    assert!(error.starts_with("no such kernelxxx") && error.ends_with('…'), "{error}");
    assert!(swept.read("samples.csv").len() < 100_000 && swept.stdout.len() < 100_000);
}

#[test]
fn an_endless_stream_of_lines_is_cut_off() {
    let swept =
        one_round_with(&script("while :; do echo '{\"setup\":{\"wall_ns\":1}}'; done"), NEVER);
    assert!(swept.errors_of("broken")[0].contains("hello"));
}

#[test]
fn much_output_on_stderr_blocks_no_process_and_its_end_is_kept() {
    let flood =
        "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo 'the last words' >&2; exit 4";
    let swept = one_round_with(&script(flood), NEVER);
    let error = &swept.errors_of("broken")[0];
    assert!(error.contains("the last words") && error.contains("status 4"), "{error}");
    assert!(error.len() < 5000, "only its end");
}

#[test]
fn endless_output_on_stderr_does_not_delay_the_timeout() {
    let swept = one_round_with(&script("yes 'and another thing' >&2"), SOON);
    let error = &swept.errors_of("broken")[0];
    assert!(error.contains("timeout"), "{error}");
}

#[test]
fn output_of_a_leftover_process_ends_with_it() {
    let left = Lines::valid().script_then("yes 'and another thing' >&2 &");
    let swept = one_round_with(&left, NEVER);
    let error = &swept.errors_of("broken")[0];
    assert!(error.contains("left processes behind") && error.contains("yes"), "{error}");
}

#[test]
fn a_runner_that_closes_stdout_and_stays_is_killed() {
    let staying = Lines::valid().script_then("exec >&-; sleep 1000");
    let swept = one_round_with(&staying, NEVER);
    let error = &swept.errors_of("broken")[0];
    assert!(error.contains("did not exit"), "{error}");
}

#[test]
fn a_process_that_a_runner_leaves_behind_is_named_and_killed() {
    let left = "sleep 1000 >/dev/null 2>&1 & echo $! >pid.part; mv pid.part pid";
    let swept = one_round_with(&Lines::valid().script_then(left), NEVER);
    let error = &swept.errors_of("broken")[0];
    assert!(error.contains("left processes behind: sleep (pid"), "{error}");
    assert!(!is_alive(pid_in(&swept.home().join("pid"))));
}

#[test]
fn a_process_with_a_session_of_its_own_that_holds_stdout_open_is_killed_too() {
    // Where there is no setsid, the process stays in the group.
    let left = "$(command -v setsid) sh -c 'echo $$ >pid.part; mv pid.part pid; exec sleep 1000' &\n\
                while [ ! -e pid ]; do :; done";
    let swept = one_round_with(&Lines::valid().script_then(left), NEVER);
    let error = &swept.errors_of("broken")[0];
    assert!(error.contains("left processes behind: sleep (pid"), "{error}");
    assert!(!is_alive(pid_in(&swept.home().join("pid"))));
}

#[test]
fn an_orphan_with_a_session_of_its_own_is_killed_with_a_hanging_runner() {
    let nested = "$(command -v setsid) sh -c 'sh -c \"echo \\$\\$ >pid.part; mv pid.part pid; \
                  exec sleep 1000\" & sleep 1000' >/dev/null 2>&1 &\nsleep 1000";
    let swept = one_round_with(&script(nested), SOON);
    assert!(swept.errors_of("broken")[0].contains("timeout"));
    assert!(!is_alive(pid_in(&swept.home().join("pid"))));
}

#[test]
fn a_runner_that_reads_on_gets_the_end_of_stdin() {
    // `cat` returns only if stdin ends.
    let waiting = format!("cat >/dev/null\ncat >/dev/null\n{}", Lines::valid().script());
    let sweep = Sweep::tiny().args(["-n", "2", "-b", "waiting"]).args(NEVER);
    let swept = sweep.runner("waiting", &waiting).run().exits(0);
    assert_eq!(swept.errors_of("waiting"), [""]);
}

#[test]
fn a_runner_gets_its_request_as_json_and_its_variables() {
    let writing_its_input = "echo \"$asked\" >visit.json; cat >>visit.json\n\
        echo \"$RAYON_NUM_THREADS $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS $MKL_NUM_THREADS\" >variables\n";
    let runner = Lines::valid().script().replace("cat >/dev/null\n", writing_its_input);
    let sweep =
        Sweep::tiny().args(["-n", "2", "-b", "writing_its_input"]).env("OMP_NUM_THREADS", "7");
    let swept = sweep.runner("writing_its_input", &runner).run().exits(0);
    let read = |name: &str| std::fs::read_to_string(swept.home().join(name)).expect("a file");
    assert_eq!(read("variables"), "2 1 1 1\n");
    let visit: serde_json::Value = serde_json::from_str(&read("visit.json")).expect("JSON");
    let expected = serde_json::json!({
        "protocol": 1, "kernel": "pi", "backend": "writing_its_input", "nthread": 2, "inner_nthread": 1,
        "schedule": null, "chunk": null, "block": 16384, "blocks": 4, "seed": "20261122",
        "pin": null, "start_method": null, "warmup": 1, "iterations": 1,
    });
    assert_eq!(visit, expected);
}

#[test]
fn a_runner_starts_with_default_signals_and_no_stray_descriptors() {
    let writing_its_input =
        "cat >/dev/null\ncat /proc/self/status >status\nls /proc/self/fd >descriptors\n";
    let runner = Lines::valid().script().replace("cat >/dev/null\n", writing_its_input);
    let sweep = Sweep::tiny().args(["-n", "2", "-b", "writing_its_input"]);
    let swept = sweep.runner("writing_its_input", &runner).run().exits(0);
    let read = |name: &str| std::fs::read_to_string(swept.home().join(name)).expect("a file");
    let (status, descriptors) = (read("status"), read("descriptors"));
    // The same script without a harness, for what this test itself inherited; but
    // for the signals that a sweep of these tests is given as a user has them.
    let mut shell = std::process::Command::new("sh");
    let shell = shell.arg("writing_its_input.sh").current_dir(swept.home());
    // SAFETY: between fork and exec the step makes system calls only.
    unsafe { shell.pre_exec(|| dispose_of(SigHandler::SigDfl)) };
    shell.stdin(std::process::Stdio::null()).output().expect("a shell");
    assert_eq!(signals(&status, "SigBlk"), 0, "nothing is blocked");
    assert_eq!(signals(&status, "SigIgn"), signals(&read("status"), "SigIgn"));
    assert_eq!(descriptors, read("descriptors"));
}

/// A set of signals in a `status` file of /proc.
fn signals(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    let all = u64::from_str_radix(line.trim_start_matches(':').trim(), 16).expect("a mask");
    // Those from 32 on belong to the C library.
    all & 0x7fff_ffff
}

/// Makes six rounds with a runner that declares random numbers of its own.
fn six_rounds_with(runner: &str) -> Swept {
    let options = ["-n2", "-b=mine", "--draws=2^16", "--rounds=6"];
    Sweep::new().args(options).runner("mine", runner).run()
}

#[test]
fn a_runner_with_a_constant_plausible_tally_is_detected() {
    let plausible = Tally { draws: TINY_DRAWS, hits: 51_470 };
    let swept = six_rounds_with(&Lines::answering("z", plausible).script()).exits(1);
    let errors = swept.errors_of("mine");
    assert_eq!(errors[..3], [""; 3], "of so few draws three may agree by chance");
    assert_eq!(errors.len(), 5, "it is retired after two failures");
    let said =
        "wrong tally: the same tally in 4 visits: is the seed of its random numbers constant?";
    assert_eq!(errors[3], said);
    assert!(errors[4].contains("in 5 visits"), "{}", errors[4]);
    assert!(swept.stdout.contains(said), "{}", swept.stdout);
}

#[test]
fn a_runner_with_random_tallies_is_accepted() {
    let plausible = Tally { draws: TINY_DRAWS, hits: 51_470 };
    let next = "next() { n=$(cat count 2>/dev/null || echo 0); echo $((n + 1)) >count; \
                echo $((51300 + n * 7919 % 350)); }\n";
    let script = Lines::answering("z", plausible).script().replace("51470", "'$(next)'");
    let swept = six_rounds_with(&format!("{next}{script}")).exits(0);
    assert_eq!(swept.errors_of("mine"), [""; 6]);
}

#[test]
fn a_resumed_run_includes_the_earlier_tallies_of_a_runner() {
    let plausible = Tally { draws: TINY_DRAWS, hits: 51_470 };
    let runner = Lines::answering("z", plausible).script();
    // Takes its sweep along into its end, in the third round. (Its first visit asks
    // for its pace.)
    let dies = "n=$(cat count 2>/dev/null || echo 0); echo $((n + 1)) >count\n\
                if [ $n = 3 ]; then kill -INT $PPID; sleep 1000; fi\n";
    let first = six_rounds_with(&format!("{dies}{runner}"));
    assert_eq!(first.errors_of("mine"), [""; 2]);
    let dir = first.out.to_str().expect("a path");
    let resumed = Sweep::bare().args(["resume", dir]).run();
    let errors = first.errors_of("mine");
    assert!(errors.len() > 3, "{}\n{}", resumed.stderr, errors.join("\n"));
    assert!(errors[3].contains("in 4 visits"), "{}", errors[3]);
}
