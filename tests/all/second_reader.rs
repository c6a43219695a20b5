//! Second reader of `samples.csv`: the rules of docs/FORMAT.md, word by word, over maps
//! of text. It is slow and reads the whole file at once, so that little can go wrong.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use nthread::record::{COLUMNS, Case, Plan, Position};

/// Row by the names of its columns.
type Cells = BTreeMap<&'static str, String>;

/// Line after the header.
enum Line {
    Row(Position, Cells),
    /// Damaged line, with the position that it names.
    Damaged(Option<Position>),
}

/// Visits of each case: their positions, and their times if they count.
pub type VisitTimes = BTreeMap<usize, Vec<(Position, Option<f64>)>>;

/// Reads a file; `None` where it is to be refused.
pub fn read(bytes: &[u8], plan: &Plan) -> Option<VisitTimes> {
    let lines = lines(bytes)?;
    let rows: Vec<(Position, &Cells)> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Row(position, cells) => Some((*position, cells)),
            Line::Damaged(_) => None,
        })
        .collect();
    if rows.is_empty() && !lines.is_empty() {
        return None;
    }
    let mut invalid = invalidated(&lines);
    let mut latest: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for line in &lines {
        let (Line::Row(position, _) | Line::Damaged(Some(position))) = line else { continue };
        let session = latest.entry((position.round, position.group)).or_default();
        *session = position.session.max(*session);
    }
    let mut visits: BTreeMap<Position, &[(Position, &Cells)]> = BTreeMap::new();
    for contiguous in rows.chunk_by(|one, other| one.0 == other.0) {
        let position = contiguous[0].0;
        match visits.entry(position) {
            Entry::Vacant(entry) => drop(entry.insert(contiguous)),
            Entry::Occupied(_) => drop(invalid.insert(position)),
        }
    }
    let mut times: VisitTimes = (0..plan.cases.len()).map(|case| (case, Vec::new())).collect();
    for (position, rows) in visits {
        let rows: Vec<&Cells> = rows.iter().map(|(_, cells)| *cells).collect();
        if latest[&(position.round, position.group)] != position.session {
            continue;
        }
        let Some(last) = rows.iter().rfind(|cells| cells["phase"] == "visit") else { continue };
        let Some(case) = plan.cases.iter().position(|case| is_of(last, case)) else { continue };
        let is_invalid = invalid.contains(&position);
        let value = if is_invalid { None } else { value(&rows, plan.iterations) };
        times.entry(case).or_default().push((position, value));
    }
    Some(times)
}

/// Lines after the header that are neither blank nor torn; `None` if the header is
/// invalid.
fn lines(bytes: &[u8]) -> Option<Vec<Line>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    // A header without its line end is a header all the same.
    if lines.len() > 1 {
        lines.pop();
    }
    let mut lines = lines.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let header = header(lines.next()?)?;
    Some(lines.filter(|line| !line.is_empty()).map(|line| parse(line, &header)).collect())
}

fn parse(line: &[u8], header: &[String]) -> Line {
    let fields = std::str::from_utf8(line).ok().and_then(fields);
    match fields.filter(|fields| fields.len() == header.len()) {
        Some(fields) => row(&fields, header),
        None => Line::Damaged(None),
    }
}

/// Names of the columns, if the required ones are there and none twice.
fn header(line: &[u8]) -> Option<Vec<String>> {
    const OPTIONAL: [&str; 26] = [
        "version",
        "iteration",
        "user_ns",
        "system_ns",
        "busy_min_ns",
        "busy_max_ns",
        "busy_sum_ns",
        "worker_cpu_sum_ns",
        "run_delay_ns",
        "voluntary_switches",
        "involuntary_switches",
        "max_rss_bytes",
        "throttled_ns",
        "steal_ns",
        "cpus",
        "isa",
        "tally_draws",
        "tally_sum",
        "tally_sum_sq",
        "estimate",
        "std_error",
        "exit_status",
        "stops",
        "boot_ns",
        "cycles",
        "others_cpu_ns",
    ];
    let text = String::from_utf8_lossy(line).into_owned();
    let names = fields(&text)?;
    let times = |column: &str| names.iter().filter(|name| *name == column).count();
    let is_valid = |column: &&str| match OPTIONAL.contains(column) {
        true => times(column) <= 1,
        false => times(column) == 1,
    };
    COLUMNS.iter().all(is_valid).then_some(names)
}

/// Returns whether quotes stand only around fields, and doubled within them.
fn quotes_are_paired(text: &str) -> bool {
    let mut characters = text.chars().peekable();
    loop {
        if characters.next_if_eq(&'"').is_some() {
            loop {
                match characters.next() {
                    None => return false,
                    Some('"') if characters.next_if_eq(&'"').is_some() => {}
                    Some('"') => break,
                    Some(_) => {}
                }
            }
            match characters.next() {
                None => return true,
                Some(',') => continue,
                Some(_) => return false,
            }
        }
        match characters.find(|character| matches!(character, '"' | ',')) {
            None => return true,
            Some(',') => {}
            Some(_) => return false,
        }
    }
}

/// Fields of a line whose quotes are paired, split by the csv crate.
fn fields(text: &str) -> Option<Vec<String>> {
    if !quotes_are_paired(text) {
        return None;
    }
    // The csv crate would end the record at a carriage return within the line.
    let marked = text.replace('\r', "\u{e000}");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(marked.len() + 1)
        .from_reader(marked.as_bytes());
    let Some(record) = reader.records().next() else { return Some(vec![String::new()]) };
    Some(record.ok()?.iter().map(|field| field.replace('\u{e000}', "\r")).collect())
}

fn row(fields: &[String], header: &[String]) -> Line {
    let cell = |column: &&'static str| {
        let at = header.iter().position(|name| name == column);
        (*column, at.map_or(String::new(), |at| fields[at].clone()))
    };
    let cells: Cells = COLUMNS.iter().map(cell).collect();
    if cells["schema"].parse::<u32>() != Ok(1) || !is_digits(&cells["schema"]) {
        return Line::Damaged(None);
    }
    if cells["version"].contains('\0') {
        return Line::Damaged(None);
    }
    let small =
        |column: &str| cells[column].parse::<u32>().ok().filter(|_| is_digits(&cells[column]));
    let large =
        |column: &str| cells[column].parse::<u64>().ok().filter(|_| is_digits(&cells[column]));
    let position = || {
        let (round, group) = (small("round")?, small("group")?);
        Some(Position { round, group, visit: large("visit")?, session: small("session")? })
    };
    let Some(position) = position() else { return Line::Damaged(None) };
    match COLUMNS.iter().all(|column| is_valid(column, &cells[column])) {
        true => Line::Row(position, cells),
        false => Line::Damaged(Some(position)),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_valid(column: &str, text: &str) -> bool {
    let is_empty = text.is_empty();
    let whole = |most: u64| is_digits(text) && text.parse::<u64>().is_ok_and(|it| it <= most);
    match column {
        "phase" => ["setup", "warmup", "call", "teardown", "visit"].contains(&text),
        "kernel" | "backend" | "schedule" | "pin" | "start_method" | "scaling" | "label" => {
            !text.chars().any(char::is_control)
        }
        "version" | "cpus" | "isa" | "error" => !text.contains('\0'),
        "nthread" => whole(1 << 20) && text.parse::<u64>() != Ok(0),
        "schema" | "session" | "round" | "group" | "inner_nthread" => whole(u64::from(u32::MAX)),
        "visit" | "started_ns" | "block" | "seed" => whole(u64::MAX),
        "iteration" | "stops" => is_empty || whole(u64::from(u32::MAX)),
        "tally_sum" | "tally_sum_sq" => is_empty || text.parse::<i128>().is_ok(),
        "exit_status" => is_empty || text.parse::<i32>().is_ok(),
        "others_cpu_ns" => is_empty || text.parse::<i64>().is_ok(),
        "estimate" | "std_error" => is_empty || text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => is_empty || whole(u64::MAX),
    }
}

/// Positions of the visits that do not count because of damaged or contradicting lines.
fn invalidated(lines: &[Line]) -> BTreeSet<Position> {
    let mut invalid = BTreeSet::new();
    let row_at = |index: usize| match &lines[index] {
        Line::Row(position, cells) => Some((*position, cells)),
        Line::Damaged(_) => None,
    };
    for (index, line) in lines.iter().enumerate() {
        let before = (0..index).rev().filter_map(row_at);
        let previous = before.clone().next().map(|(position, _)| position);
        match line {
            Line::Damaged(named) => {
                invalid.extend(*named);
                if named.is_some() && *named == previous {
                    continue;
                }
                let mut of_previous = before.take_while(|(at, _)| Some(*at) == previous);
                if !of_previous.any(|(_, cells)| cells["phase"] == "visit") {
                    invalid.extend(previous);
                }
                let next = (index + 1..lines.len()).find_map(row_at).map(|(at, _)| at);
                if next != *named {
                    invalid.extend(next);
                }
            }
            Line::Row(position, _) => {
                let Some(previous) = previous else { continue };
                let is_same =
                    (previous.session, previous.visit) == (position.session, position.visit);
                if is_same && previous != *position {
                    invalid.extend([previous, *position]);
                }
            }
        }
    }
    invalid
}

fn is_of(cells: &Cells, case: &Case) -> bool {
    let optional = |number: Option<u64>| number.map_or(String::new(), |it| it.to_string());
    let number =
        |column: &str| cells[column].parse::<u64>().ok().map_or(String::new(), |it| it.to_string());
    let words = [
        ("kernel", &case.kernel),
        ("backend", &case.backend),
        ("schedule", &case.schedule),
        ("pin", &case.pin),
        ("start_method", &case.start_method),
        ("scaling", &case.scaling),
        ("label", &case.label),
    ];
    let numbers = [
        ("nthread", case.nthread.to_string()),
        ("chunk", optional(case.chunk)),
        ("block", case.block.to_string()),
        ("inner_nthread", case.inner_nthread.to_string()),
        ("draws", optional(case.draws)),
        ("seed", case.seed.to_string()),
    ];
    words.iter().all(|(column, word)| cells[column] == **word)
        && numbers.iter().all(|(column, text)| number(column) == *text)
}

/// Returns whether two rows are equal, however their numbers are written.
fn is_duplicate(one: &Cells, other: &Cells) -> bool {
    const WORDS: [&str; 12] = [
        "version",
        "phase",
        "kernel",
        "backend",
        "schedule",
        "pin",
        "start_method",
        "scaling",
        "label",
        "cpus",
        "isa",
        "error",
    ];
    let plain = |text: &str| text.replace(char::is_control, " ");
    one.iter().all(|(column, text)| {
        let other = &other[column];
        match *column {
            column if WORDS.contains(&column) => plain(text) == plain(other),
            "estimate" | "std_error" => text.parse::<f64>().ok() == other.parse::<f64>().ok(),
            _ => text.parse::<i128>().ok() == other.parse::<i128>().ok(),
        }
    })
}

/// Median time of the calls of a visit, if it counts.
fn value(rows: &[&Cells], expected: u32) -> Option<f64> {
    let mut kept: Vec<&Cells> = Vec::new();
    for cells in rows {
        let number = |cells: &Cells| cells["iteration"].parse::<u64>().ok();
        let has_same_key =
            |other: &&&Cells| other["phase"] == cells["phase"] && number(other) == number(cells);
        let is_call = cells["phase"] == "call" || cells["phase"] == "warmup";
        let same_key: Vec<&&Cells> = kept.iter().filter(has_same_key).collect();
        if same_key.iter().any(|other| is_duplicate(other, cells)) {
            continue;
        }
        let is_unnumbered = is_call && number(cells).is_none();
        if !same_key.is_empty() && !is_unnumbered {
            return None;
        }
        kept.push(cells);
    }
    let of_case = |cells: &Cells| {
        let columns = &COLUMNS[9..22];
        columns
            .iter()
            .map(|column| match cells[column].parse::<u64>() {
                Ok(number) if is_digits(&cells[column]) => number.to_string(),
                _ => cells[column].clone(),
            })
            .collect::<Vec<_>>()
    };
    if kept.iter().any(|cells| of_case(cells) != of_case(kept[0])) {
        return None;
    }
    if kept.iter().any(|cells| !cells["error"].is_empty()) {
        return None;
    }
    let calls: Vec<&&Cells> = kept.iter().filter(|cells| cells["phase"] == "call").collect();
    let numbers: Vec<u64> =
        calls.iter().filter_map(|cells| cells["iteration"].parse().ok()).collect();
    let largest = numbers.iter().max().map_or(0, |it| it + 1);
    let expected = if expected == 0 { largest.max(calls.len() as u64) } else { expected.into() };
    let mut times: Vec<u64> =
        calls.iter().filter_map(|cells| cells["wall_ns"].parse().ok()).collect();
    if times.len() != calls.len()
        || calls.len() as u64 != expected
        || largest > expected
        || times.contains(&0)
    {
        return None;
    }
    times.sort_unstable();
    let middle = times.len() / 2;
    match times.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(times[middle] as f64),
        _ => Some(f64::midpoint(times[middle - 1] as f64, times[middle] as f64)),
    }
}
