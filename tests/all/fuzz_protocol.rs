//! Random violations of the protocol: a valid visit is damaged at random, and each damaged
//! one is an error row with its reason, while the sweep goes on to its end.

use std::fs;

use crate::common::Sweep;
use crate::common::runner::Lines;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// The visit as lines of bytes.
type Transcript = Vec<Vec<u8>>;

/// A way to damage a visit; returns the output of the runner.
type Damage = fn(Transcript, &mut SmallRng) -> Vec<u8>;

/// Number of random variants of each damage.
const TRIES: u64 = 3;

fn valid() -> Transcript {
    Lines::valid().lines().into_iter().map(String::into_bytes).collect()
}

fn whole(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect()
}

/// The visit with `new` in place of the first `old` of its call.
fn instead(lines: Transcript, old: &str, new: &str) -> Vec<u8> {
    let text = String::from_utf8(whole(&lines)).expect("text");
    let (head, call) = text.split_once("{\"call\"").expect("a call");
    let damaged = call.replacen(old, new, 1);
    assert_ne!(damaged, call, "{old} is not in {call}");
    format!("{head}{{\"call\"{damaged}").into_bytes()
}

fn some(rng: &mut SmallRng, texts: &[&str]) -> String {
    texts.choose(rng).expect("one").to_string()
}

/// All damages by name.
fn damages() -> Vec<(&'static str, Damage)> {
    vec![
        ("drops-a-line", |mut lines, rng| {
            lines.remove(rng.random_range(0..lines.len()));
            whole(&lines)
        }),
        ("repeats-a-line", |mut lines, rng| {
            let at = rng.random_range(0..lines.len());
            lines.insert(at, lines[at].clone());
            whole(&lines)
        }),
        ("swaps-lines", |mut lines, rng| {
            let at = rng.random_range(0..lines.len() - 1);
            lines.swap(at, at + 1);
            whole(&lines)
        }),
        ("ends-within-a-line", |lines, rng| {
            let bytes = whole(&lines);
            // A last line needs no end, so its own end is no damage.
            let end = rng.random_range(1..bytes.len() - 2);
            bytes[..end].to_vec()
        }),
        ("speaks-noise", |mut lines, rng| {
            let noise = (0..200).map(|_| rng.random_range(14..=255_u8)).collect();
            lines.insert(rng.random_range(0..lines.len()), noise);
            whole(&lines)
        }),
        ("says-nul", |mut lines, rng| {
            let at = rng.random_range(0..lines.len());
            let place = rng.random_range(0..lines[at].len());
            lines[at].insert(place, 0);
            whole(&lines)
        }),
        ("is-no-utf-8", |mut lines, rng| {
            let at = rng.random_range(0..lines.len());
            lines[at].splice(2..2, [0xff, 0xfe]);
            whole(&lines)
        }),
        ("begins-with-a-mark", |lines, _| [b"\xEF\xBB\xBF", whole(&lines).as_slice()].concat()),
        ("nests-deeply", |mut lines, rng| {
            let depth = rng.random_range(200..100_000);
            lines.insert(0, [b"{\"hello\":".as_slice(), &b"[".repeat(depth)].concat());
            whole(&lines)
        }),
        ("never-ends-a-line", |mut lines, rng| {
            let length = rng.random_range(5_000_000..6_000_000);
            lines.insert(rng.random_range(0..lines.len()), b"x".repeat(length));
            whole(&lines)
        }),
        ("floods", |lines, rng| {
            let many = rng.random_range(10_000..50_000);
            [whole(&lines), b"{\"done\":{}}\n".repeat(many)].concat()
        }),
        ("says-two-things", |mut lines, rng| {
            lines[0] = format!(
                "{{\"hello\":{{\"protocol\":1,\"check\":\"exact\"}},\"{}\":{{}}}}",
                some(rng, &["done", "setup", "x"])
            )
            .into_bytes();
            whole(&lines)
        }),
        ("says-an-unknown-thing", |mut lines, rng| {
            let key = some(rng, &["Hello", "calls", "", "tear down", "результат"]);
            lines.insert(rng.random_range(0..lines.len()), format!("{{\"{key}\":{{}}}}").into());
            whole(&lines)
        }),
        ("speaks-another-protocol", |mut lines, rng| {
            let version = some(rng, &["0", "2", "-1", "1.5", "\"1\"", "null", "4294967297"]);
            let hello = format!("{{\"hello\":{{\"protocol\":{version},\"check\":\"exact\"}}}}");
            lines[0] = hello.into_bytes();
            whole(&lines)
        }),
        ("wants-another-check", |mut lines, rng| {
            let check = some(rng, &["\"none\"", "\"Exact\"", "\"\"", "null", "7", "[]"]);
            let hello = format!("{{\"hello\":{{\"protocol\":1,\"check\":{check}}}}}");
            lines[0] = hello.into_bytes();
            whole(&lines)
        }),
        ("time-is-odd", |lines, rng| {
            let time = ["-1", "0", "1e3", "NaN", "\"1000\"", "null", "18446744073709551616"];
            instead(lines, "1000", &some(rng, &time))
        }),
        ("time-is-longer-than-the-visit", |lines, rng| {
            let time = ["3600000000000", "18446744073709551615", "9223372036854775808"];
            instead(lines, "1000", &some(rng, &time))
        }),
        ("counts-other-draws", |lines, rng| {
            let draws = ["65535", "65537", "0", "-65536", "1e5", "18446744073709551616", " 65536"];
            instead(lines, "\"65536\"", &format!("\"{}\"", some(rng, &draws)))
        }),
        ("counts-other-hits", |lines, rng| {
            let hits = rng.random_range(0..51_515_u64);
            instead(lines, "\"51515\"", &format!("\"{hits}\""))
        }),
        ("hits-are-no-number", |lines, rng| {
            let huge = format!("{}1", "9".repeat(60));
            let hits = ["", "0x1", "５", huge.as_str(), "+-3", "51515 "];
            instead(lines, "\"51515\"", &format!("\"{}\"", some(rng, &hits)))
        }),
        ("has-no-tally", |lines, rng| {
            instead(lines, "\"tally\"", &format!("\"{}\"", some(rng, &["Tally", "t", "answer"])))
        }),
        ("tally-is-another-thing", |lines, rng| {
            let tally =
                some(rng, &["\"tally\":null,\"x\":", "\"tally\":[],\"x\":", "\"tally\":7,\"x\":"]);
            instead(lines, "\"tally\":", &tally)
        }),
        ("workers-do-not-add-up", |lines, rng| {
            let sum = rng.random_range(0..51_515);
            let part = format!("{{\"draws\":\"65536\",\"sum\":\"{sum}\",\"sum_sq\":\"{sum}\"}}");
            instead(lines, "\"workers\":[", &format!("\"workers\":[{{\"tally\":{part}}}"))
        }),
        ("has-many-workers", |lines, rng| {
            let workers = vec!["{}"; rng.random_range(3..5000)].join(",");
            instead(lines, "\"workers\":[", &format!("\"workers\":[{workers}"))
        }),
    ]
}

#[test]
fn every_damaged_visit_is_an_error_row_and_no_other_is() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let mut names = vec!["well".to_string()];
    let mut sweep = Sweep::new().args(["-n", "2", "--draws", "2^16", "--rounds", "2"]);
    let say = |name: &str, said: &[u8], sweep: Sweep| {
        let file = folder.path().join(name);
        fs::write(&file, said).expect("written");
        sweep.runner(name, &crate::common::runner::script(&format!("cat {}", file.display())))
    };
    sweep = say("well", &whole(&valid()), sweep);
    for (name, damage) in damages() {
        for number in 0..TRIES {
            let name = format!("{name}-{number}");
            sweep = say(&name, &damage(valid(), &mut rng), sweep);
            names.push(name);
        }
    }
    let swept = sweep.args(["-b", &format!("{},std-thread", names.join(","))]).run().exits(1);
    assert!(!swept.stderr.contains("panicked"), "{}", swept.stderr);
    assert_eq!(swept.errors_of("well"), [""; 2]);
    assert_eq!(swept.errors_of("std-thread"), [""; 2]);
    for name in &names[1..] {
        let errors = swept.errors_of(name);
        assert_eq!(errors.len(), 2, "{name}");
        for error in errors {
            assert!(!error.is_empty(), "{name} was believed (seed {seed})");
            assert!(!error.contains(|c: char| c.is_control()), "{name}: {error:?}");
        }
    }
}
