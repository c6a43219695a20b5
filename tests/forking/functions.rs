//! Sweeps of a user's functions. This program is the test and, if it is started with the
//! name of a program in `FUNCTIONS_PROGRAM`, the bench that is tested (`harness = false`:
//! a visit runs `main` again).

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::common::{Sweep, Swept, harness, wait_until};
use nix::sys::signal::Signal;

/// Variable that names the bench that this process is; unset in the tests.
const PROGRAM: &str = "FUNCTIONS_PROGRAM";

/// Name of a test, and its function.
type Test = (&'static str, fn());

const TESTS: &[Test] = &[
    ("a bench leaves rows, a run and a table", a_bench_leaves_all),
    ("another result is an error row and exit code 1", another_result),
    ("a result that changes from call to call is an error row", a_changing_result),
    ("a panic is an error row with its message", a_panic),
    ("output of main is shown once and harms no visit", prints),
    ("each of two sweeps in one main has its own results", two_sweeps),
    ("a failure in the first of two sweeps sets the exit code", two_sweeps_one_wrong),
    ("a filter selects cases besides the baseline", a_filter),
    ("a test calls each function once and writes nothing", only_tested),
    ("options of libtest are accepted", the_words_of_libtest),
    ("the number of calls of a visit is calibrated and recorded", short_calls),
    ("wrong usage is refused with a message", wrong_usage),
    ("wrong names are refused with a message", wrong_names),
    ("an interrupt ends all sweeps and keeps what was measured", an_interrupt),
    ("a main that never reaches its sweep is an error row", never_reached),
];

pub fn main() -> ExitCode {
    match std::env::var(PROGRAM) {
        Ok(program) => be(&program),
        Err(_) => {
            let filter = std::env::args().nth(1).filter(|filter| !filter.starts_with('-'));
            let is_asked = |test: &&Test| filter.as_ref().is_none_or(|it| test.0.contains(it));
            for (name, test) in TESTS.iter().filter(is_asked) {
                test();
                println!("test {name} ... ok");
            }
            ExitCode::SUCCESS
        }
    }
}

/// A sweep of two functions that add numbers; the second one returns `second`.
fn sums<'a>(name: &str, second: impl FnMut(usize) -> u64 + 'a) -> nthread::Sweep<'a, u64> {
    nthread::Sweep::new(name).case("plain", |_| (0..1000).sum()).case("other", second)
}

/// Value of `(0..1000).sum()`.
const SUM: u64 = 499_500;

/// The benches that are tested.
fn be(program: &str) -> ExitCode {
    let calls = Cell::new(0);
    match program {
        "right" => sums("sum", |_| SUM).run(),
        "wrong" => sums("sum", |n| SUM + u64::from(n == 2)).run(),
        "changing" => sums("sum", |_| {
            calls.set(calls.get() + 1);
            SUM + calls.get()
        })
        .run(),
        "panicking" => sums("sum", |n| if n == 2 { panic!("two is odd") } else { SUM }).run(),
        "printing" => {
            println!("said by main\n{{\"json\": 1}}");
            print!("and a line without an end");
            std::io::Write::flush(&mut std::io::stdout()).expect("stdout");
            let swept = sums("sum", |_| {
                println!("said by the function");
                SUM
            });
            let code = swept.run();
            println!("\nsaid at the end");
            code
        }
        "two" | "two, one wrong" => {
            let first = SUM + u64::from(program != "two");
            let _ = sums("first", |_| first).run();
            sums("second", |_| SUM).run()
        }
        "lost" => {
            if let Some(unknown) = std::env::args().nth(1).filter(|it| it.starts_with("__")) {
                eprintln!("main does not know {unknown}");
                return ExitCode::from(3);
            }
            sums("sum", |_| SUM).run()
        }
        "no names" => nthread::Sweep::new("").case("a", |_| 1).run(),
        "no cases" => nthread::Sweep::<u64>::new("sum").run(),
        "same names" => nthread::Sweep::new("sum").case("a", |_| 1).case("a", |_| 1).run(),
        "a comma" => nthread::Sweep::new("sum").case("a,b", |_| 1).run(),
        "late baseline" => sums("sum", |_| SUM).case("sequential", |_| SUM).run(),
        "same sweeps" => {
            let _ = sums("sum", |_| SUM).run();
            sums("sum", |_| SUM).run()
        }
        other => panic!("there is no program {other:?}"),
    }
}

/// A bench in a directory of its own.
fn bench(program: &str) -> Sweep {
    let own = std::env::current_exe().expect("this program");
    Sweep::bare().program(&own.to_string_lossy()).env(PROGRAM, program)
}

/// Runs it with these arguments to its end.
fn started(program: &str, args: &[&str]) -> Swept {
    bench(program).args(args).run()
}

/// Runs it as `cargo bench` does: one round, into `out/NAME`.
fn measured(program: &str, args: &[&str]) -> Swept {
    let usual = ["--bench", "--nthread", "1,2", "--rounds", "1", "--out", "out"];
    started(program, &[&usual, args].concat())
}

/// The results of the sweep of that name.
fn results(mut swept: Swept, sweep: &str) -> Swept {
    swept.out = swept.home().join("out").join(sweep);
    swept
}

fn a_bench_leaves_all() {
    let swept = results(measured("right", &["--iterations", "3"]).exits(0), "sum");
    swept.leaves_nothing_alive();
    let settings = |row: &crate::common::Row| (row["backend"].clone(), row["nthread"].clone());
    let cases: BTreeSet<_> = swept.rows().iter().map(settings).collect();
    assert_eq!(cases.len(), 4, "{cases:?}");
    for visit in swept.visits() {
        let phases: Vec<&str> = visit.iter().map(|row| row["phase"].as_str()).collect();
        assert_eq!(phases, ["warmup", "call", "call", "call", "visit"]);
        let (call, last) = (&visit[1], &visit[4]);
        assert!(visit.iter().all(|row| row["kernel"] == "sum" && row["draws"].is_empty()));
        assert!(visit.iter().all(|row| row["error"].is_empty()), "{visit:?}");
        assert!(call["wall_ns"].parse::<u64>().expect("a time") > 0);
        assert!(!call["user_ns"].is_empty() && !call["voluntary_switches"].is_empty());
        assert!(last["max_rss_bytes"].parse::<u64>().expect("memory") > 100_000);
    }
    let plan = &swept.run_json()["plan"];
    assert_eq!((&plan["subject"], &plan["baseline"]), (&"functions".into(), &0.into()));
    let command = swept.run_json()["command"].to_string();
    assert!(command.contains("cargo bench --bench forking -- --nthread 1,2 "), "{command}");
    assert_eq!((&plan["warmup"], &plan["iterations"]), (&1.into(), &3.into()));
    assert!(swept.stdout.contains("other"), "{}", swept.stdout);
    assert!(swept.stdout.contains("out/sum"), "{}", swept.stdout);
    assert!(swept.out.join("speedup.png").exists() && swept.out.join("report.html").exists());
}

fn another_result() {
    let swept = results(measured("wrong", &[]).exits(1), "sum");
    for row in swept.visits_of("other") {
        let problem =
            if row["nthread"] == "2" { "another result than plain at 1 thread" } else { "" };
        assert_eq!(row["error"], problem);
    }
    assert_eq!(swept.errors_of("plain").concat(), "");
    assert!(swept.stderr.contains("another result than plain at 1 thread"), "{}", swept.stderr);
}

fn a_changing_result() {
    let swept = results(measured("changing", &["--iterations", "2"]).exits(1), "sum");
    let errors = swept.errors_of("other");
    assert!(errors.iter().all(|it| it == "call 2 gave another result than call 1"), "{errors:?}");
}

fn a_panic() {
    let swept = results(measured("panicking", &[]).exits(1), "sum");
    let failed = |row: &&crate::common::Row| row["nthread"] == "2";
    let visits = swept.visits_of("other");
    let error = &visits.iter().find(failed).expect("a visit at 2 threads")["error"];
    assert!(error.starts_with("other panicked: two is odd"), "{error}");
    assert!(visits.iter().filter(|row| !failed(row)).all(|row| row["error"].is_empty()));
}

fn prints() {
    let swept = results(measured("printing", &[]).exits(0), "sum");
    for text in ["said by main", "{\"json\": 1}", "and a line without an end", "said at the end"] {
        assert_eq!(swept.stdout.matches(text).count(), 1, "{text}: {}", swept.stdout);
    }
    assert!(!swept.stdout.contains("said by the function"), "{}", swept.stdout);
    assert!(swept.rows().iter().all(|row| row["error"].is_empty()));
}

fn two_sweeps() {
    let mut swept = measured("two", &[]).exits(0);
    for name in ["first", "second"] {
        swept = results(swept, name);
        let rows = swept.rows();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["kernel"] == name), "{rows:?}");
    }
}

fn two_sweeps_one_wrong() {
    let swept = results(measured("two, one wrong", &[]).exits(1), "second");
    assert!(swept.rows().iter().all(|row| row["error"].is_empty()));
}

fn a_filter() {
    let program = |filter: &[&str]| {
        let swept = measured("two", filter).exits(0);
        let has = |name: &str| swept.home().join("out").join(name).exists();
        (has("first"), has("second"))
    };
    assert_eq!(program(&["first"]), (true, false), "the name of a sweep is one of its functions'");
    assert_eq!(program(&["nobody"]), (false, false));
    assert_eq!(program(&["--exact", "second/other"]), (false, true));
    let swept = results(measured("right", &["other"]).exits(0), "sum");
    assert!(!swept.calls_of("plain").is_empty(), "the baseline is always there");
    let swept = results(measured("right", &["--skip", "other"]).exits(0), "sum");
    assert!(swept.calls_of("other").is_empty());
}

fn only_tested() {
    for args in [&["--test", "--bench"][..], &[]] {
        let swept = started("right", &[args, &["--nthread", "1..3"]].concat()).exits(0);
        for line in ["test sum/plain, n = 1 ... ok\n", "test sum/other, n = 3 ... ok\n"] {
            assert!(swept.stdout.contains(line), "{}", swept.stdout);
        }
        assert_eq!(swept.left_in_home(), [""; 0]);
    }
    let swept = started("wrong", &["--test", "--nthread", "1,2"]).exits(1);
    let line = "test sum/other, n = 2 ... FAILED: another result than plain at 1 thread\n";
    assert!(swept.stdout.contains(line), "{}", swept.stdout);
    let swept = started("panicking", &["--test", "--nthread", "1,2"]).exits(1);
    assert!(swept.stdout.contains("FAILED: other panicked: two is odd\n"), "{}", swept.stdout);
}

fn the_words_of_libtest() {
    let listed = started("right", &["--list", "--format", "terse"]).exits(0);
    assert_eq!(listed.stdout, "sum/plain: benchmark\nsum/other: benchmark\n");
    assert_eq!(started("right", &["--list", "--ignored"]).exits(0).stdout, "");
    let args = ["--test", "--nocapture", "--show-output", "--test-threads", "1", "other"];
    assert!(started("right", &args).exits(0).stdout.contains("test sum/other, n = 1 ... ok"));
}

fn short_calls() {
    let swept = results(measured("right", &[]).exits(0), "sum");
    let calls = swept.run_json()["plan"]["iterations"].as_u64().expect("a number");
    assert!((1..=200).contains(&calls), "{calls}");
    for visit in swept.visits() {
        assert_eq!(visit.iter().filter(|row| row["phase"] == "call").count() as u64, calls);
    }
}

fn wrong_usage() {
    for (args, words) in [
        (&["--bench", "--colour"][..], &["--colour", "Usage: "][..]),
        (&["--bench", "--rounds", "0"], &["error: --rounds: ", "for example 5"]),
        (&["--bench", "-n", "0"], &["--nthread"]),
        (&["--test", "-n", "x"], &["--nthread"]),
        (&["--bench", "--out", ""], &["error: --out: "]),
    ] {
        let swept = started("right", args).exits(2);
        assert!(words.iter().all(|word| swept.stderr.contains(word)), "{}", swept.stderr);
        assert_eq!(swept.left_in_home(), [""; 0]);
    }
    assert!(started("two", &["--help"]).exits(0).stdout.contains("--time-budget"));
    let swept = bench("right").env("HARNESS_ROUNDS", "many").args(["--bench"]).run().exits(2);
    assert!(swept.stderr.contains("error: HARNESS_ROUNDS: "), "{}", swept.stderr);
}

fn wrong_names() {
    for (program, words) in [
        ("no names", "a sweep has an empty name"),
        ("no cases", "the sweep \"sum\" has no case"),
        ("same names", "the sweep \"sum\" has two cases \"a\""),
        ("a comma", "the name of the case \"a,b\" contains a comma"),
        ("late baseline", "the case \"sequential\" is the baseline, and must be the first"),
        ("same sweeps", "this program has two sweeps \"sum\""),
    ] {
        let swept = measured(program, &[]).exits(2);
        assert!(swept.stderr.contains(&format!("error: {words}")), "{}", swept.stderr);
    }
}

fn an_interrupt() {
    let sweep = bench("two").args(["--bench", "-n", "1,2", "--rounds", "100000", "--out", "out"]);
    let out = sweep.home().join("out/first");
    let running = sweep.start();
    wait_until("some visits are on the disk", || {
        let text = fs::read_to_string(out.join("samples.csv")).unwrap_or_default();
        text.lines().filter(|line| line.contains(",visit,,")).count() >= 4
    });
    running.signal(Signal::SIGINT);
    let swept = results(running.finish().exits(130), "first");
    swept.leaves_nothing_alive();
    assert!(swept.visits().len() >= 4);
    assert!(!swept.home().join("out/second").exists());
    assert!(swept.stderr.contains("`harness report out/first`"), "{}", swept.stderr);
    let resumed = harness(["resume".as_ref(), swept.out.as_os_str()]).exits(2);
    assert!(resumed.stderr.contains("in the bench that measured them"), "{}", resumed.stderr);
}

fn never_reached() {
    let swept = results(measured("lost", &[]).exits(1), "sum");
    let errors = swept.errors_of("plain");
    let says = |word: &str| errors.iter().all(|error| error.contains(word));
    assert!(says("ended before the run() of the sweep \"sum\""), "{errors:?}");
    assert!(says("exited with status 3; stderr: main does not know __function"), "{errors:?}");
    assert!(Path::new(&swept.out).join("samples.csv").exists());
}
