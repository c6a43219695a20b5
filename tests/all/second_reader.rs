//! A second reader of `samples.csv`: the rules of docs/FORMAT.md, word by word, over
//! maps of text. It is slow and takes the whole file at once, so that little of it
//! can go wrong.

use std::collections::{BTreeMap, BTreeSet};

use nthread::record::{COLUMNS, Case, Plan, Position};

/// A row by the names of its columns.
type Cells = BTreeMap<&'static str, String>;

/// What a line is.
enum Event {
    Row(Position, Cells),
    /// With the visit that it names.
    Wrong(Option<Position>),
}

/// Of each case its visits: where they stand, and their time if they count.
pub type Found = BTreeMap<usize, Vec<(Position, Option<f64>)>>;

/// What a file says; `None` where it is to be refused.
pub fn read(bytes: &[u8], plan: &Plan) -> Option<Found> {
    let (events, is_torn_alone) = events(bytes)?;
    let rows: Vec<(Position, &Cells)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Row(place, cells) => Some((*place, cells)),
            Event::Wrong(_) => None,
        })
        .collect();
    if rows.is_empty() && !events.is_empty() && !is_torn_alone {
        return None;
    }
    let spoilt = spoilt(&events);
    let mut latest: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for event in &events {
        let (Event::Row(place, _) | Event::Wrong(Some(place))) = event else { continue };
        let session = latest.entry((place.round, place.group)).or_default();
        *session = place.session.max(*session);
    }
    let mut visits: BTreeMap<Position, Vec<&Cells>> = BTreeMap::new();
    for (place, cells) in rows {
        visits.entry(place).or_default().push(cells);
    }
    let mut found: Found = (0..plan.cases.len()).map(|case| (case, Vec::new())).collect();
    for (place, rows) in visits {
        if latest[&(place.round, place.group)] != place.session {
            continue;
        }
        let Some(last) = rows.iter().rfind(|cells| cells["phase"] == "visit") else { continue };
        let Some(case) = plan.cases.iter().position(|case| is_of(last, case)) else { continue };
        let value = if spoilt.contains(&place) { None } else { value(&rows, plan.iterations) };
        found.entry(case).or_default().push((place, value));
    }
    Some(found)
}

/// The lines of a file, and whether a torn line is all that there is.
fn events(bytes: &[u8]) -> Option<(Vec<Event>, bool)> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let torn = lines.pop().filter(|line| !line.is_empty());
    if lines.is_empty() {
        // A header without its line end is a header all the same.
        let header = header(torn?)?;
        return header.iter().any(|it| it == "schema").then_some((Vec::new(), true));
    }
    let header = header(lines[0])?;
    let mut events = Vec::new();
    let mut next = 1;
    while next < lines.len() {
        if without_return(lines[next]).is_empty() {
            next += 1;
            continue;
        }
        let (event, taken) = record(&lines[next..], &header);
        events.push(event);
        next += taken;
    }
    let is_torn_alone = events.is_empty() && torn.is_some();
    Some((events, is_torn_alone))
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The names of the columns, if they are ours.
fn header(line: &[u8]) -> Option<Vec<String>> {
    const OPTIONAL: [&str; 25] = [
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
    ];
    let text = String::from_utf8_lossy(without_return(line)).into_owned();
    let names = fields(&text)?;
    let times = |column: &str| names.iter().filter(|name| *name == column).count();
    let is_fine = |column: &&str| match OPTIONAL.contains(column) {
        true => times(column) <= 1,
        false => times(column) == 1,
    };
    COLUMNS.iter().all(is_fine).then_some(names)
}

/// The record that begins with the first of these lines, and how many it takes.
fn record(lines: &[&[u8]], header: &[String]) -> (Event, usize) {
    let mut record = lines[0].to_vec();
    for taken in 1.. {
        let Ok(text) = std::str::from_utf8(without_return(&record)) else { break };
        match quotes(text) {
            Quotes::Stray => break,
            Quotes::Paired => match fields(text).filter(|it| it.len() == header.len()) {
                Some(fields) => return (row(&fields, header), taken),
                None => break,
            },
            Quotes::Open => {
                let Some(more) = lines.get(taken).filter(|_| taken <= 16) else { break };
                record.push(b'\n');
                record.extend_from_slice(more);
            }
        }
    }
    (Event::Wrong(None), 1)
}

enum Quotes {
    Paired,
    Open,
    Stray,
}

/// Whether quotes stand only around fields, and doubled within them.
fn quotes(text: &str) -> Quotes {
    let mut characters = text.chars().peekable();
    loop {
        if characters.peek() == Some(&'"') {
            characters.next();
            loop {
                match characters.next() {
                    None => return Quotes::Open,
                    Some('"') if characters.peek() == Some(&'"') => drop(characters.next()),
                    Some('"') => break,
                    Some(_) => {}
                }
            }
            match characters.next() {
                None => return Quotes::Paired,
                Some(',') => continue,
                Some(_) => return Quotes::Stray,
            }
        }
        loop {
            match characters.next() {
                None => return Quotes::Paired,
                Some('"') => return Quotes::Stray,
                Some(',') => break,
                Some(_) => {}
            }
        }
    }
}

/// The fields of a record whose quotes pair, by somebody else's reader.
fn fields(text: &str) -> Option<Vec<String>> {
    if !matches!(quotes(text), Quotes::Paired) {
        return None;
    }
    // That reader ends a record at any line end; here it is known to be one record.
    let marked = text.replace('\r', "\u{e000}").replace('\n', "\u{e001}");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(marked.len() + 1)
        .from_reader(marked.as_bytes());
    let Some(record) = reader.records().next() else { return Some(vec![String::new()]) };
    let back = |field: &str| field.replace('\u{e000}', "\r").replace('\u{e001}', "\n");
    Some(record.ok()?.iter().map(back).collect())
}

fn row(fields: &[String], header: &[String]) -> Event {
    let cell = |column: &&'static str| {
        let at = header.iter().position(|name| name == column);
        (*column, at.map_or(String::new(), |at| fields[at].clone()))
    };
    let cells: Cells = COLUMNS.iter().map(cell).collect();
    if cells["schema"].parse::<u32>() != Ok(1) || !is_digits(&cells["schema"]) {
        return Event::Wrong(None);
    }
    if cells["version"].contains('\0') {
        return Event::Wrong(None);
    }
    let small =
        |column: &str| cells[column].parse::<u32>().ok().filter(|_| is_digits(&cells[column]));
    let large =
        |column: &str| cells[column].parse::<u64>().ok().filter(|_| is_digits(&cells[column]));
    let place = || {
        let (round, group) = (small("round")?, small("group")?);
        Some(Position { round, group, visit: large("visit")?, session: small("session")? })
    };
    let Some(place) = place() else { return Event::Wrong(None) };
    match COLUMNS.iter().all(|column| makes_sense(column, &cells[column])) {
        true => Event::Row(place, cells),
        false => Event::Wrong(Some(place)),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn makes_sense(column: &str, text: &str) -> bool {
    let must = !text.is_empty();
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
        "iteration" | "stops" => !must || whole(u64::from(u32::MAX)),
        "tally_sum" | "tally_sum_sq" => !must || text.parse::<i128>().is_ok(),
        "exit_status" => !must || text.parse::<i32>().is_ok(),
        "estimate" | "std_error" => !must || text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => !must || whole(u64::MAX),
    }
}

/// The visits that do not count whatever their rows say.
fn spoilt(events: &[Event]) -> BTreeSet<Position> {
    let mut spoilt = BTreeSet::new();
    let row_at = |index: usize| match &events[index] {
        Event::Row(place, cells) => Some((*place, cells)),
        Event::Wrong(_) => None,
    };
    for (index, event) in events.iter().enumerate() {
        let before = (0..index).rev().filter_map(row_at);
        let after = (index + 1..events.len()).find_map(row_at).map(|it| it.0);
        match event {
            Event::Wrong(named) => {
                spoilt.extend(*named);
                let last = before.clone().next().map(|it| it.0);
                if named.is_some() && *named == last {
                    continue;
                }
                let mut of_last = before.take_while(|it| Some(it.0) == last);
                if !of_last.any(|(_, cells)| cells["phase"] == "visit") {
                    spoilt.extend(last);
                }
                if after != *named {
                    spoilt.extend(after);
                }
            }
            Event::Row(place, _) => {
                let Some((last, _)) = before.clone().next() else { continue };
                let is_same = (last.session, last.visit) == (place.session, place.visit);
                if is_same && last != *place {
                    spoilt.extend([last, *place]);
                }
            }
        }
    }
    let is_stray = |event: &Event| matches!(event, Event::Wrong(None));
    if events.iter().any(is_stray) {
        let places: Vec<Position> =
            (0..events.len()).filter_map(row_at).map(|(place, _)| place).collect();
        let runs: Vec<Position> =
            places.chunk_by(|one, other| one == other).map(|run| run[0]).collect();
        let is_scattered = |place: &&Position| runs.iter().filter(|it| it == place).count() > 1;
        spoilt.extend(runs.iter().filter(is_scattered));
    }
    spoilt
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

/// The same row, but for how its numbers are written.
fn same(one: &Cells, other: &Cells) -> bool {
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

/// The median time of the calls of a visit, if nothing is wrong with it.
fn value(rows: &[&Cells], due: u32) -> Option<f64> {
    let mut kept: Vec<&Cells> = Vec::new();
    for cells in rows {
        let number = |cells: &Cells| cells["iteration"].parse::<u64>().ok();
        let is_alike =
            |other: &&&Cells| other["phase"] == cells["phase"] && number(other) == number(cells);
        let is_call = cells["phase"] == "call" || cells["phase"] == "warmup";
        let twins: Vec<&&Cells> = kept.iter().filter(is_alike).collect();
        if twins.iter().any(|other| same(other, cells)) {
            continue;
        }
        let is_told_apart = is_call && number(cells).is_none();
        if !twins.is_empty() && !is_told_apart {
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
    let due = if due == 0 { largest.max(calls.len() as u64) } else { u64::from(due) };
    let mut times: Vec<u64> =
        calls.iter().filter_map(|cells| cells["wall_ns"].parse().ok()).collect();
    if times.len() != calls.len()
        || calls.len() as u64 != due
        || largest > due
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
