//! Randomly damaged `samples.csv`, `run.json` and tables. Nothing panics, every message
//! names a line that exists, and a second reader, which is slow and plain and reads the
//! whole file at once, reads the same of the samples.
//!
//! `NTHREAD_FUZZ_INPUTS` is the number of inputs, `NTHREAD_FUZZ_SEED` their seed; the
//! second reader reads one of `NTHREAD_FUZZ_SECOND` inputs. `scripts/fuzz` makes ten
//! million.

use crate::common::synthetic;
use std::path::Path;

use super::second_reader::{self, VisitTimes};
use nthread::analysis::ThroughputTable;
use nthread::record::{ReadError, Reader, Run, SCHEMA, Session, Table};
use nthread::visits::{Visits, read_from};
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Text that is put into fields, and between them.
const WORDS: [&str; 30] = [
    "",
    "0",
    "1",
    "2",
    "3",
    "-1",
    "NaN",
    "inf",
    "1e6",
    "1.5",
    "99999999999999999999",
    "4294967296",
    "18446744073709551615",
    "x",
    "\"",
    "\"\"",
    "\"a,b\"",
    "\"a\nb\"",
    ",",
    "\n",
    "\r\n",
    "\0",
    "é",
    "=1+1",
    "call",
    "visit",
    "setup",
    "sequential",
    "std-thread",
    "<b>",
];

/// Default number of inputs.
const INPUTS: u64 = 200;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Run of three cases with two calls a visit, and its samples.
fn undamaged() -> (Run, Vec<u8>) {
    let run = synthetic::run(3, 2);
    let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    csv.write_record(nthread::record::COLUMNS).expect("a header");
    for (round, visit) in [(0, 0), (1, 3)] {
        for mut row in synthetic::round(&run, round, visit) {
            assert_eq!(row.schema, SCHEMA);
            row.session = u32::from(round == 1);
            csv.serialize(row).expect("a row");
        }
    }
    (run, csv.into_inner().expect("bytes"))
}

/// Damages a file in some of the ways in which files are damaged.
fn damaged(undamaged: &[u8], random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let mut bytes = undamaged.to_vec();
    for _ in 0..random.random_range(1..4) {
        match random.random_range(0..8) {
            0 => flip(&mut bytes, random),
            1 => splice(&mut bytes, random),
            2 => bytes.truncate(random.random_range(0..bytes.len() + 1)),
            3 | 4 => fields(&mut bytes, random),
            5 => columns(&mut bytes, random),
            _ => lines(&mut bytes, random),
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
    let word = WORDS[random.random_range(0..WORDS.len())];
    let word = if random.random_range(0..20) == 0 { &b"\xff\xfe"[..] } else { word.as_bytes() };
    bytes.splice(at..at + gone, word.iter().copied());
}

/// Puts a word into a field of a line.
fn fields(bytes: &mut Vec<u8>, random: &mut Xoshiro256PlusPlus) {
    let mut lines = lines_of(bytes);
    let line = random.random_range(0..lines.len());
    let mut cells: Vec<Vec<u8>> =
        lines[line].split(|byte| *byte == b',').map(<[u8]>::to_vec).collect();
    // The first columns hold the position: they are damaged more often.
    let end = if random.random_range(0..2) == 0 { cells.len() } else { cells.len().min(12) };
    let at = random.random_range(0..end);
    cells[at] = WORDS[random.random_range(0..WORDS.len())].as_bytes().to_vec();
    lines[line] = cells.join(&b',');
    *bytes = lines.join(&b'\n');
}

/// Swaps two columns, or drops one.
fn columns(bytes: &mut Vec<u8>, random: &mut Xoshiro256PlusPlus) {
    let mut lines = lines_of(bytes);
    let (one, other) = (random.random_range(0..48), random.random_range(0..48));
    let drops = random.random_range(0..4) == 0;
    for line in lines.iter_mut().filter(|line| !line.is_empty()) {
        // A list of CPUs has a comma of its own.
        let text = String::from_utf8_lossy(line).replace("\"0,2-3\"", "\"0;2-3\"");
        let mut cells: Vec<&str> = text.split(',').collect();
        match cells.len() > one.max(other) {
            true if drops => drop(cells.remove(one)),
            true => cells.swap(one, other),
            false => {}
        }
        *line = cells.join(",").replace(';', ",").into_bytes();
    }
    *bytes = lines.join(&b'\n');
}

/// Swaps, repeats or drops a line, or moves the last ones.
fn lines(bytes: &mut Vec<u8>, random: &mut Xoshiro256PlusPlus) {
    let mut lines = lines_of(bytes);
    let count = lines.len();
    let (one, other) = (random.random_range(0..count), random.random_range(0..count));
    match random.random_range(0..4) {
        0 => lines.swap(one, other),
        1 => lines.insert(other, lines[one].clone()),
        2 => drop(lines.remove(one)),
        _ => lines[one.min(other)..].reverse(),
    }
    *bytes = lines.join(&b'\n');
}

fn lines_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Visits that the main reader read, in the form of the second one.
fn visit_times(visits: &Visits, cases: usize) -> VisitTimes {
    let of_case = |case: usize| {
        visits.of_case(case).iter().map(|visit| (visit.position, visit.any_ns())).collect()
    };
    (0..cases).map(|case| (case, of_case(case))).collect()
}

/// Checks that every line exists that a message names.
fn assert_lines_exist(message: &str, bytes: &[u8]) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    for (at, _) in message.match_indices("line ") {
        let digits: String = message[at + 5..].chars().take_while(char::is_ascii_digit).collect();
        if let Ok(line) = digits.parse::<usize>() {
            assert!((1..=lines).contains(&line), "{message}: there are {lines} lines");
        }
    }
}

/// Use of the second reader, which takes fifty times as long.
#[derive(Clone, Copy)]
enum SecondReader {
    Compare,
    Skip,
}

/// Reads an input, checks the result, and returns whether the input was accepted.
fn check(bytes: &[u8], run: &Run, second: SecondReader) -> bool {
    let open = || Reader::new(bytes, Path::new("samples.csv"));
    let second = match second {
        SecondReader::Compare => Some(second_reader::read(bytes, &run.plan)),
        SecondReader::Skip => None,
    };
    let is_read = match open().and_then(|reader| read_from(reader, Some(&run.plan))) {
        Ok(samples) => {
            for issue in &samples.issues {
                assert_lines_exist(&issue.first, bytes);
            }
            if let Some(second) = second {
                let times = visit_times(&samples.visits, run.plan.cases.len());
                let second = second.expect("the second reader reads it too");
                assert_eq!(times, second, "issues: {:#?}", samples.issues);
            }
            true
        }
        Err(error) => {
            assert!(!matches!(error, ReadError::Io { .. }));
            assert_lines_exist(&error.to_string(), bytes);
            let second = second.flatten();
            assert!(second.is_none(), "{error}: the second reader read {second:?}");
            false
        }
    };
    // Without a plan there is nothing to compare, but nothing may panic.
    drop(open().and_then(|reader| read_from(reader, None)));
    is_read
}

#[test]
fn two_readers_agree_on_damaged_samples() {
    let inputs = setting("NTHREAD_FUZZ_INPUTS", INPUTS);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(setting("NTHREAD_FUZZ_SEED", 1));
    let (run, undamaged) = undamaged();
    let every = setting("NTHREAD_FUZZ_SECOND", 1);
    assert!(check(&undamaged, &run, SecondReader::Compare));
    let mut read = 0_u64;
    for input in 0..inputs {
        let bytes = damaged(&undamaged, &mut random);
        let second = if input % every == 0 { SecondReader::Compare } else { SecondReader::Skip };
        match std::panic::catch_unwind(|| check(&bytes, &run, second)) {
            Ok(is_read) => read += u64::from(is_read),
            Err(_) => {
                let path = std::env::temp_dir().join("nthread-fuzz-samples.csv");
                std::fs::write(&path, &bytes).expect("written");
                panic!("input {input} is in {}", path.display());
            }
        }
    }
    println!("{inputs} damaged samples: {read} read, the others refused");
}

#[test]
fn a_damaged_run_json_is_read_or_refused_with_its_line() {
    let inputs = setting("NTHREAD_FUZZ_INPUTS", INPUTS) / 10;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(setting("NTHREAD_FUZZ_SEED", 1));
    let (mut run, _) = undamaged();
    run.sessions.push(Session::default());
    let whole = serde_json::to_vec_pretty(&run).expect("JSON");
    for _ in 0..inputs {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..4) {
            match random.random_range(0..4) {
                0 => flip(&mut bytes, &mut random),
                1 => bytes.truncate(random.random_range(0..bytes.len() + 1)),
                2 => lines(&mut bytes, &mut random),
                _ => splice(&mut bytes, &mut random),
            }
        }
        match Run::parse(&bytes) {
            Ok(run) => drop(nthread::analysis::summarise(&run, &[])),
            Err(error) => assert_lines_exist(&error.to_string(), &bytes),
        }
    }
}

/// Table of measurements as people write them.
fn table() -> Vec<u8> {
    let rows = ["1,64.9,a", "18, 995.9,a", "36,1.6524e3,b", "72,1853.2,b", "108,1828.9,\"a,b\""];
    format!("nthread,throughput,who\n{}\n", rows.join("\n")).into_bytes()
}

#[test]
fn a_damaged_table_gives_only_its_own_numbers_or_an_error_with_its_line() {
    let inputs = setting("NTHREAD_FUZZ_INPUTS", INPUTS);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(setting("NTHREAD_FUZZ_SEED", 1));
    let whole = table();
    let mut read = 0_u64;
    for _ in 0..inputs {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..4) {
            match random.random_range(0..5) {
                0 => flip(&mut bytes, &mut random),
                1 => bytes.truncate(random.random_range(0..bytes.len() + 1)),
                2 => lines(&mut bytes, &mut random),
                3 => fields(&mut bytes, &mut random),
                _ => splice(&mut bytes, &mut random),
            }
        }
        let group = (random.random_range(0..3) == 0).then_some("who");
        let found = Table::read(&bytes).and_then(|table| ThroughputTable::of(&table, group));
        match found {
            Ok(found) => {
                let text = String::from_utf8(bytes).expect("what was read is text");
                let words = text.split(['\n', '\r', ',', '"']).map(str::trim);
                let there: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
                let points = found.groups.iter().flat_map(|group| &group.points);
                for (nthread, throughput) in points {
                    assert!(there.contains(nthread) && there.contains(throughput), "{text}");
                    assert!(*nthread >= 1.0 && *throughput > 0.0 && throughput.is_finite());
                }
                read += 1;
            }
            Err(error) => assert_lines_exist(&error.to_string(), &bytes),
        }
    }
    println!("{inputs} damaged tables: {read} read, the others refused");
}
