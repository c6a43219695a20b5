//! Fuzzing of the protocol state: thousands of randomly damaged visits. None panics, an
//! error is never empty, and a visit is accepted only if a second, plain checker accepts
//! it, which knows only JSON and the right tally.
//!
//! `NTHREAD_FUZZ_INPUTS` sets the number of inputs, `NTHREAD_FUZZ_SEED` the seed.

use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

use super::super::*;
use crate::kernel::{Pi, Tally};

/// Draws and hits of a call.
const DRAWS: u64 = 256;
const HITS: u64 = 200;

/// Number of blocks of a call.
const BLOCKS: u64 = 4;

/// Replacements for parts of a line.
const WORDS: [&str; 34] = [
    "",
    "0",
    "1",
    "4",
    "-1",
    "1e2",
    "0.5",
    "NaN",
    "null",
    "true",
    "256",
    "200",
    "\"\"",
    "\"0\"",
    "\"-200\"",
    "\"256\"",
    "\"200\"",
    "\"100\"",
    "\"1e2\"",
    "[]",
    "{}",
    "[1]",
    "{",
    "}",
    "\"",
    ",",
    "\n",
    "\0",
    "\"none\"",
    "\"done\"",
    "é",
    "4294967297",
    "18446744073709551615",
    "\"18446744073709551616\"",
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn request() -> VisitRequest {
    VisitRequest {
        block: DRAWS / BLOCKS,
        blocks: BLOCKS,
        pin: Some(vec!["0".into(), "2".into()]),
        iterations: 2,
        ..super::request()
    }
}

fn good() -> Vec<u8> {
    let part = |hits: u64| {
        format!(
            r#"{{"name":"w","busy_ns":9,"cpu_ns":8,"blocks":2,"tally":{{"draws":"128","sum":"{hits}","sum_sq":"{hits}"}}}}"#
        )
    };
    let call = format!(
        r#"{{"wall_ns":1000,"user_ns":9,"system_ns":0,"tally":{{"draws":"256","sum":"200","sum_sq":"200"}},"workers":[{},{}]}}"#,
        part(99),
        part(101)
    );
    let lines = [
        r#"{"hello":{"protocol":1,"build":"mine 1","check":"exact"}}"#.to_string(),
        r#"{"setup":{"wall_ns":100}}"#.to_string(),
        format!(r#"{{"warmup":{call}}}"#),
        format!(r#"{{"call":{call}}}"#),
        format!(r#"{{"call":{call}}}"#),
        r#"{"teardown":{"wall_ns":100}}"#.to_string(),
        r#"{"done":{"max_rss_bytes":1,"isa":"avx2","cpus":"0,2"}}"#.to_string(),
    ];
    lines.join("\n").into_bytes()
}

/// Result of the protocol state for the output of a runner.
fn check_visit(output: &[u8], request: &VisitRequest) -> Result<(), String> {
    let tally = Some(Tally::from_hits(DRAWS, HITS));
    let mut state = ProtocolState::new(request, Some(Reference { kernel: &Pi, tally }), None);
    for line in output.split(|byte| *byte == b'\n') {
        state.accept(&parse(line)?)?;
    }
    state.finish()
}

/// Result of the second checker.
fn is_right(output: &[u8]) -> bool {
    let lines: Option<Vec<Value>> =
        output.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).ok()).collect();
    let Some(lines) = lines else { return false };
    let keys = ["hello", "setup", "warmup", "call", "call", "teardown", "done"];
    let has_only_key = |line: &Value, key: &str| {
        line.as_object().is_some_and(|line| line.len() == 1 && line.contains_key(key))
    };
    lines.len() == keys.len()
        && lines.iter().zip(keys).all(|(line, key)| has_only_key(line, key))
        && lines[0]["hello"]["protocol"] == 1
        && lines[0]["hello"]["check"] == "exact"
        && lines[1]["setup"]["wall_ns"].is_u64()
        && is_right_call(&lines[2]["warmup"])
        && is_right_call(&lines[3]["call"])
        && is_right_call(&lines[4]["call"])
        && lines[5]["teardown"]["wall_ns"].is_u64()
        && lines[6]["done"].is_object()
}

/// Checks the tally of a call, and those of its workers if it has any.
fn is_right_call(call: &Value) -> bool {
    let Some(workers) =
        call.get("workers").map_or(Some(&[][..]), |all| all.as_array().map(Vec::as_slice))
    else {
        return false;
    };
    let sum = |key: &str| -> Option<i128> {
        workers.iter().map(|worker| integer(&worker["tally"][key])).sum()
    };
    let tallies = ["draws", "sum", "sum_sq"].map(sum);
    let blocks: Option<u128> =
        workers.iter().map(|worker| worker["blocks"].as_u64().map(u128::from)).sum();
    let (draws, hits) = (i128::from(DRAWS), i128::from(HITS));
    let whole = ["draws", "sum", "sum_sq"].map(|key| integer(&call["tally"][key]));
    call["wall_ns"].as_u64().is_some_and(|wall_ns| wall_ns > 0)
        && whole == [Some(draws), Some(hits), Some(hits)]
        && workers.len() <= 2
        && (workers.is_empty()
            || ((tallies.contains(&None) || tallies == whole)
                && blocks.is_none_or(|blocks| blocks == u128::from(BLOCKS))))
}

/// Parses an integer that the protocol writes as a string.
fn integer(value: &Value) -> Option<i128> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// Damages a visit in one to three ways.
fn damaged(good: &[u8], random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..random.random_range(1..4) {
        match random.random_range(0..7) {
            6 => list(&mut bytes, random),
            0 => flip(&mut bytes, random),
            1 => bytes.truncate(random.random_range(0..bytes.len() + 1)),
            2 => lines(&mut bytes, random),
            3 => splice(&mut bytes, random),
            _ => values(&mut bytes, random),
        }
    }
    bytes
}

fn flip(bytes: &mut [u8], random: &mut Xoshiro256PlusPlus) {
    if !bytes.is_empty() {
        let at = random.random_range(0..bytes.len());
        bytes[at] ^= 1 << random.random_range(0..8);
    }
}

fn splice(bytes: &mut Vec<u8>, random: &mut Xoshiro256PlusPlus) {
    let at = random.random_range(0..bytes.len() + 1);
    let gone = random.random_range(0..3).min(bytes.len() - at);
    let word = WORDS.choose(random).expect("one");
    bytes.splice(at..at + gone, word.bytes());
}

/// Replaces a value or a key by a word: most of these inputs stay JSON.
fn values(bytes: &mut Vec<u8>, random: &mut Xoshiro256PlusPlus) {
    let is_end = |byte: &u8| b",:{}[]\n".contains(byte);
    let ends: Vec<usize> = (0..bytes.len()).filter(|at| is_end(&bytes[*at])).collect();
    if let Some(pair) = ends.windows(2).collect::<Vec<_>>().choose(random) {
        let word = WORDS.choose(random).expect("one");
        bytes.splice(pair[0] + 1..pair[1], word.bytes());
    }
}

/// Turns an object into the array of its values, in the order of their keys.
fn list(bytes: &mut Vec<u8>, random: &mut Xoshiro256PlusPlus) {
    let begins: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'{').collect();
    let Some(&begin) = begins.choose(random) else { return };
    let mut objects = serde_json::Deserializer::from_slice(&bytes[begin..]).into_iter::<Value>();
    let Some(Ok(Value::Object(object))) = objects.next() else { return };
    let end = begin + objects.byte_offset();
    let values = Value::Array(object.into_iter().map(|(_, value)| value).collect());
    bytes.splice(begin..end, values.to_string().bytes());
}

/// Swaps, repeats or drops a line.
fn lines(bytes: &mut Vec<u8>, random: &mut Xoshiro256PlusPlus) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let count = lines.len();
    let (one, other) = (random.random_range(0..count), random.random_range(0..count));
    match random.random_range(0..3) {
        0 => lines.swap(one, other),
        1 => lines.insert(other, lines[one].clone()),
        _ => drop(lines.remove(one)),
    }
    *bytes = lines.join(&b'\n');
}

#[test]
fn a_damaged_visit_is_rejected_with_an_error_or_is_still_right() {
    let inputs = setting("NTHREAD_FUZZ_INPUTS", 5000);
    let seed = setting("NTHREAD_FUZZ_SEED", 1);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (request, good) = (request(), good());
    assert_eq!(check_visit(&good, &request), Ok(()));
    assert!(is_right(&good));
    let mut accepted = 0_u64;
    for input in 0..inputs {
        let output = damaged(&good, &mut random);
        let text = String::from_utf8_lossy(&output);
        match std::panic::catch_unwind(|| check_visit(&output, &request)) {
            Ok(Ok(())) => {
                assert!(is_right(&output), "input {input} of seed {seed} was accepted:\n{text}");
                accepted += 1;
            }
            Ok(Err(error)) => assert!(!error.is_empty(), "input {input} of seed {seed}"),
            Err(_) => panic!("input {input} of seed {seed}:\n{text}"),
        }
    }
    println!("{inputs} damaged visits: {accepted} are still right, the others are rejected");
}
