//! Every program of `examples/` prints what its first lines say, and
//! docs/NOTEBOOK.md shows the programs as they are and what they print.
//!
//! The output of a program is in its doc comment, in a block that begins with
//! ```` ```text ````: a command after `$ `, and its output below. `…` stands for
//! some text of a line that differs from run to run. Lines of a block
//! `text in any order` may come in any order, those of a block `text torn` may
//! tear each other: only their letters are compared. So a new example is tested
//! once its file is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Sweep, Swept};
use nthread::kernel::{DEFAULT_BLOCK, Isa, Job};

const NOTEBOOK: &str = include_str!("../../docs/NOTEBOOK.md");

/// Rule by which printed and documented text are compared.
#[derive(Clone, Copy, Debug)]
enum Order {
    Kept,
    Any,
    Torn,
}

/// A command and its output, as a document shows them.
#[derive(Debug)]
struct Shown {
    command: String,
    output: String,
    order: Order,
}

impl Shown {
    /// Returns whether a run printed this.
    fn is_like(&self, printed: &str) -> bool {
        let lines = |text: &str| text.lines().map(String::from).collect::<Vec<String>>();
        let (mut documented, mut printed) = (lines(&self.output), lines(printed));
        match self.order {
            Order::Kept => {}
            Order::Any => {
                documented.sort();
                printed.sort();
            }
            Order::Torn => {
                documented = vec![letters(&self.output)];
                printed = vec![letters(&printed.concat())];
            }
        }
        documented.len() == printed.len()
            && documented.iter().zip(&printed).all(|(line, printed)| is_like(line, printed))
    }

    /// Runs the command.
    fn run(&self) -> Swept {
        let (variables, rest) = self.command.split_once("cargo run --example ").expect("a run");
        let mut words = rest.split(' ').filter(|word| *word != "--");
        let program = built(words.next().expect("a name"));
        let sweep = Sweep::bare().program(&program.to_string_lossy()).args(words);
        let variables = variables.split_whitespace().filter_map(|word| word.split_once('='));
        variables.fold(sweep, |sweep, (name, value)| sweep.env(name, value)).run()
    }
}

/// Letters of a text, sorted; line breaks are none.
fn letters(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().filter(|letter| *letter != '\n').collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}

/// Returns whether a line is as documented, where `…` stands for one letter or more.
fn is_like(documented: &str, line: &str) -> bool {
    let Some((before, after)) = documented.split_once('…') else { return documented == line };
    let Some(rest) = line.strip_prefix(before) else { return false };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.filter(|end| *end > 0).any(|end| is_like(after, &rest[end..]))
}

/// The program of an example. Cargo builds it for `cargo test`, beside the
/// directory of the tests, but not for `cargo test --test all`.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let program = test.parent().expect("a directory").join("../examples").join(name);
    let when = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let is_fresh = when(&program) >= when(&source(name)) && program.exists();
    assert!(is_fresh, "{name} is not built: cargo test builds it, and cargo build --examples");
    program
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.rs"))
}

/// Names of all examples, sorted.
fn names() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(directory).expect("a directory").map(|file| file.expect("a file"));
    let names =
        files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".rs").map(String::from));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The doc comment of an example, and its code.
fn parts(name: &str) -> (String, String) {
    let text = fs::read_to_string(source(name)).expect("a file");
    let is_comment = |line: &&str| line.starts_with("//!");
    let comment = text.lines().take_while(is_comment).map(|line| line[3..].trim_start());
    let code = text.split_inclusive('\n').skip_while(is_comment).collect::<String>();
    (comment.collect::<Vec<&str>>().join("\n"), code.trim_start().to_string())
}

/// The fenced blocks of a document that are of a kind, as fence and text.
fn blocks<'a>(document: &'a str, kind: &str) -> Vec<(&'a str, &'a str)> {
    // Fences separate text and code in turns.
    let code = document.split("```").skip(1).step_by(2);
    let split = code.map(|block| block.split_once('\n').expect("a fence ends its line"));
    split.filter(|(fence, _)| fence.split(' ').next() == Some(kind)).collect()
}

/// Commands and outputs in a block.
fn shown((fence, text): (&str, &str)) -> Vec<Shown> {
    let order = match fence.split_once(' ').map_or("", |(_, order)| order) {
        "" => Order::Kept,
        "in any order" => Order::Any,
        "torn" => Order::Torn,
        other => panic!("an unknown order: {other}"),
    };
    let commands = text.split("$ ").skip(1).map(|part| part.split_once('\n').expect("a line"));
    let shown = |(command, output): (&str, &str)| Shown {
        command: command.to_string(),
        output: output.to_string(),
        order,
    };
    commands.map(shown).collect()
}

/// Documented outputs of an example.
fn documented(name: &str) -> Vec<Shown> {
    let (comment, _) = parts(name);
    blocks(&comment, "text").into_iter().flat_map(shown).collect()
}

#[test]
fn every_example_prints_what_it_says() {
    for name in names() {
        let documented = documented(&name);
        assert!(!documented.is_empty(), "{name} does not say what it prints");
        for shown in documented {
            assert!(shown.command.contains(&name), "{name} shows another: {}", shown.command);
            let run = shown.run().exits(0);
            assert_eq!(run.stderr, "", "{}", shown.command);
            assert!(shown.is_like(&run.stdout), "{shown:?} printed {}", run.stdout);
            run.leaves_nothing_alive();
        }
    }
}

#[test]
fn a_process_that_joins_prints_last() {
    let documented = documented("lesson_2_join");
    let joined = documented.iter().find(|shown| shown.command.ends_with("join -- join"));
    let run = joined.expect("it is documented").run().exits(0);
    assert_eq!(run.stdout.lines().last(), Some("main: all done"));
    let whole = run.stdout.lines().filter(|line| line.ends_with(" is awake"));
    assert_eq!(whole.count(), 10, "println! writes whole lines: {}", run.stdout);
}

#[test]
fn copied_generators_count_the_same_darts_four_times() {
    let run = documented("lesson_9_same_darts")[0].run().exits(0);
    let line = |title: &str| {
        let line = run.stdout.lines().find_map(|line| line.strip_prefix(title));
        line.unwrap_or_else(|| panic!("no {title}: {}", run.stdout)).trim()
    };
    let counts = |title| -> Vec<u64> {
        let list = line(title).split(['[', ']']).nth(1).expect("a list");
        list.split(", ").map(|count| count.parse().expect("a count")).collect()
    };
    let is_same = |counts: &[u64]| counts.iter().all(|count| *count == counts[0]);
    let (copied, rand, own) = (counts("copied"), counts("rand"), counts("streams"));
    assert_eq!([copied.len(), rand.len(), own.len()], [4; 3]);
    assert!(is_same(&copied) && is_same(&rand) && !is_same(&own), "{}", run.stdout);
    assert!(line("copied").ends_with("pi = 3.12464"));
    let serial = line("hits of the same blocks in one loop:");
    assert_eq!(own.iter().sum::<u64>().to_string(), serial);
}

#[test]
fn the_notebook_shows_every_program_whole_and_what_it_printed() {
    let programs: Vec<&str> = blocks(NOTEBOOK, "rust").into_iter().map(|(_, code)| code).collect();
    let printed: Vec<Shown> = blocks(NOTEBOOK, "console").into_iter().flat_map(shown).collect();
    assert_eq!(programs.len(), names().len(), "a program is there that is no example");
    for name in names() {
        let (_, code) = parts(&name);
        assert!(programs.contains(&code.as_str()), "the notebook does not show {name} as it is");
        for documented in documented(&name) {
            let same = printed.iter().find(|shown| shown.command == documented.command);
            let same = same.unwrap_or_else(|| panic!("not shown: {}", documented.command));
            assert!(documented.is_like(&same.output), "{}", documented.command);
        }
    }
}

#[test]
fn python_prints_what_the_notebook_says_where_it_is_always_the_same() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: there is no python3 here");
        return;
    }
    for title in ["## 4.", "## 6.", "## 7.", "## The empty cell"] {
        let lesson = NOTEBOOK.split(title).nth(1).expect("a lesson");
        let (code, printed) = (blocks(lesson, "python")[0].1, blocks(lesson, "text")[0].1);
        let run = Sweep::bare().program("/usr/bin/env").args(["python3", "-c", code]).run();
        assert_eq!(run.exits(0).stdout, printed, "{title}");
    }
}

#[test]
fn the_notebook_has_the_value_of_its_empty_cell() {
    let kernel = nthread::Registry::default().kernels;
    let kernel = kernel.into_iter().find(|kernel| kernel.name() == "total-probability");
    let kernel = kernel.expect("a kernel");
    // What `--quick` computes there: the default seed and block.
    let job = Job { seed: 20_261_122, block: DEFAULT_BLOCK, blocks: (1 << 23) / DEFAULT_BLOCK };
    let tally = job.tally(kernel, 0..job.blocks, Isa::Portable);
    assert_eq!((tally.draws, tally.sum), (8_388_608, 3_061_213));
    assert!(NOTEBOOK.contains("counted 3,061,213 of 8,388,608"));
    let estimate = tally.estimate(kernel.scale()).expect("draws");
    let error = tally.std_error(kernel.scale()).expect("draws");
    assert!(NOTEBOOK.contains(&format!("says {estimate:.5}, with a standard error of {error:.5}")));
    let exact = kernel.exact().expect("it is known");
    assert!(NOTEBOOK.contains(&format!("23/63 is {exact:.5}")));
}

#[test]
fn dots_stand_for_some_text_of_a_line() {
    assert!(is_like("a … b … s", "a 1 b 2 b 3 s"));
    assert!(is_like("[…, …]", "[1, 2]"));
    assert!(!is_like("a … s", "a  s") && !is_like("a … s", "a 1 m"));
    assert!(is_like("as it is", "as it is") && !is_like("as it is", "as it is not"));
}
