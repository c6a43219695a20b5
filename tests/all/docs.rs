//! Examples in the documents, which must work.

use crate::common::Sweep;

const RUNNER: &str = include_str!("../../docs/RUNNER.md");

#[test]
fn the_runner_in_the_document_is_a_runner() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no python3 here to run it with");
        return;
    }
    let code = RUNNER.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let sweep = Sweep::tiny().args(["-n", "1,3", "-b", "documented"]);
    let path = sweep.home().join("runner.py");
    std::fs::write(&path, code.expect("the document has a runner")).expect("a file");
    let runner = format!("documented=python3 '{}'", path.display());
    let swept = sweep.args(["--runner", &runner]).run().exits(0);
    assert_eq!(swept.calls_of("documented").len(), 2);
    assert!(swept.stdout.contains("every answer checked"), "{}", swept.stdout);
}

#[test]
fn a_runner_in_perl_that_follows_the_document_gives_the_same_bits() {
    let perl = ["-MJSON::PP", "-MTime::HiRes", "-e1"];
    let has_perl = std::process::Command::new("perl").args(perl).status();
    if !has_perl.is_ok_and(|status| status.success()) {
        println!("skipped: there is no perl here to run it with");
        return;
    }
    let runner = concat!("inperl=perl '", env!("CARGO_MANIFEST_DIR"), "/tests/data/runner.pl'");
    let swept = Sweep::tiny()
        .args(["-n", "1..3", "-b", "inperl", "--runner", runner, "--timeout", "60s"])
        .run()
        .exits(0);
    assert_eq!(swept.calls_of("inperl").len(), 3);
    assert!(swept.calls_of("inperl").iter().all(|call| call["tally_sum"] == "51515"));
    assert!(swept.stdout.contains("every answer identical"), "{}", swept.stdout);
}

#[test]
fn the_readme_shows_a_complete_result_in_at_most_twelve_lines() {
    let readme = include_str!("../../README.md");
    let shown = readme.split("-- --quick ").nth(1).and_then(|rest| rest.split("```").next());
    let shown = shown.expect("the README shows the output of --quick");
    let shown = shown.split_once('\n').expect("a command and its output").1;
    assert!((8..=12).contains(&shown.lines().count()), "{shown}");
    for word in ["baseline: sequential", "rayon", "process-pipe", "every answer identical"] {
        assert!(shown.contains(word), "{word}");
    }
}
