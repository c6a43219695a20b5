//! Damaged results directories: `harness report` reads what is valid, reports the line and
//! the consequence of what is not, and never makes a figure of damaged data.

use crate::common::synthetic;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::common::{Swept, report};
use serde_json::Value;
use tempfile::TempDir;

/// Cases of the run, the baseline included.
const CASES: usize = 6;

/// Rows of a visit: setup, warm-up, three calls, teardown, visit.
const ROWS_OF_VISIT: usize = 7;

/// Results directory of twelve rounds, to be damaged.
struct Dir {
    home: TempDir,
}

impl Dir {
    fn new() -> Dir {
        let home = tempfile::tempdir().expect("a temporary directory");
        let run = synthetic::run(CASES, 3);
        synthetic::write(&home.path().join("run"), &run, 12 * CASES * ROWS_OF_VISIT);
        Dir { home }
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("run")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Changes the bytes of a file.
    fn bytes(self, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Dir {
        let before = fs::read(self.file(name)).expect("a file");
        fs::write(self.file(name), change(before)).expect("written");
        self
    }

    /// Changes the text of the samples.
    fn text(self, change: impl FnOnce(String) -> String) -> Dir {
        self.bytes("samples.csv", |bytes| {
            change(String::from_utf8(bytes).expect("text")).into_bytes()
        })
    }

    /// Changes the lines of the samples, the header included.
    fn lines(self, change: impl FnOnce(&mut Vec<String>)) -> Dir {
        self.text(|text| {
            let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
            change(&mut lines);
            lines.join("\n") + "\n"
        })
    }

    /// Changes a field of a line, numbered from 1.
    fn field(self, line: usize, column: &str, value: &str) -> Dir {
        self.lines(|lines| set(lines, line, column, value))
    }

    fn run_json(self, change: impl FnOnce(&mut Value)) -> Dir {
        self.bytes("run.json", |bytes| {
            let mut run = serde_json::from_slice(&bytes).expect("JSON");
            change(&mut run);
            serde_json::to_vec_pretty(&run).expect("JSON")
        })
    }

    /// Runs `harness report`.
    fn report(&self) -> Swept {
        report(&self.path())
    }

    /// Returns what `harness report` prints, without making figures, which take a second.
    fn read(&self) -> String {
        let summary = nthread::report::read(&self.path()).expect("valid results");
        nthread::report::write_json(&summary, &self.path()).expect("written");
        let table = nthread::report::table(&summary, nthread::report::Style::Plain);
        table + &nthread::report::warnings(&summary, usize::MAX)
    }
}

/// Splits a line into fields; the list of CPUs is the only one in quotes.
fn fields(line: &str) -> Vec<String> {
    line.replace("\"0,2-3\"", "0;2-3").split(',').map(|it| it.replace(';', ",")).collect()
}

fn joined(fields: &[String]) -> String {
    let quoted = |field: &String| match field.contains(',') {
        true => format!("\"{field}\""),
        false => field.clone(),
    };
    fields.iter().map(quoted).collect::<Vec<_>>().join(",")
}

fn set(lines: &mut [String], line: usize, column: &str, value: &str) {
    let at = fields(&lines[0]).iter().position(|name| name == column).expect("a column");
    let mut fields = fields(&lines[line - 1]);
    fields[at] = value.to_string();
    lines[line - 1] = joined(&fields);
}

/// Number, from 1, of the line of a row of the visit with that index in the run.
fn line_of(visit: usize, row: usize) -> usize {
    2 + visit * ROWS_OF_VISIT + row
}

/// Line of the first counted call of the second visit of the second round: neither a
/// first nor a last row.
fn a_call() -> usize {
    line_of(CASES + 1, 2)
}

fn summary(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("summary.json")).expect("summary.json"))
        .expect("JSON")
}

/// Warnings about the files.
fn warnings(dir: &Path) -> Vec<String> {
    let summary = summary(dir);
    let all = summary["warnings"].as_array().expect("warnings").clone();
    let of_input = all.iter().filter(|warning| warning["code"] == "input");
    of_input.map(|warning| warning["message"].as_str().expect("text").to_string()).collect()
}

/// Summary without damage.
fn undamaged() -> &'static Value {
    static SUMMARY: OnceLock<Value> = OnceLock::new();
    SUMMARY.get_or_init(|| {
        let dir = Dir::new();
        dir.report().exits(0);
        assert!(warnings(&dir.path()).is_empty(), "{:?}", warnings(&dir.path()));
        summary(&dir.path())
    })
}

/// Number of cases whose figures differ from those without damage.
fn cases_that_differ(dir: &Path) -> usize {
    let (damaged, undamaged) = (summary(dir), undamaged());
    let figures = |summary: &Value, index: usize| {
        let case = &summary["cases"][index];
        ["rounds", "pairs", "median_ns", "speedup", "speedup_low"].map(|key| case[key].clone())
    };
    assert_eq!(damaged["cases"].as_array().map(Vec::len), Some(CASES));
    (0..CASES).filter(|index| figures(&damaged, *index) != figures(undamaged, *index)).count()
}

/// Checks that the report has one warning with these words, and that the figures of that
/// number of cases differ.
#[track_caller]
fn is_read(dir: &Dir, words: &[&str], differ: usize) {
    let printed = dir.read();
    let warnings = warnings(&dir.path());
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    for word in words {
        assert!(warnings[0].contains(word), "{word:?} is not in {warnings:#?}");
        assert!(printed.contains(word), "{word:?} is not in {printed}");
    }
    assert_eq!(cases_that_differ(&dir.path()), differ, "{warnings:#?}");
}

/// Checks that the report is refused with these words.
#[track_caller]
fn is_refused(dir: &Dir, words: &[&str]) {
    let swept = dir.report().exits(2);
    for word in words {
        assert!(swept.stderr.contains(word), "{word:?} is not in {}", swept.stderr);
    }
    assert!(!dir.file("summary.json").exists(), "refused, but summary.json was written");
}

/// Checks the smallest number of rounds of a case.
#[track_caller]
fn rounds_are(dir: &Dir, least: u64) {
    let summary = summary(&dir.path());
    let rounds = summary["cases"].as_array().expect("cases").iter().map(|case| &case["rounds"]);
    assert_eq!(rounds.filter_map(Value::as_u64).min(), Some(least));
}

#[test]
fn an_invalid_field_invalidates_its_visit_alone() {
    let line = a_call();
    for (column, value) in [
        ("wall_ns", "fast"),
        ("wall_ns", "NaN"),
        ("wall_ns", "-5"),
        ("wall_ns", "1.5e6"),
        ("wall_ns", "1000000.0"),
        ("wall_ns", "99999999999999999999999"),
        ("wall_ns", " 5"),
        ("nthread", "0"),
        ("nthread", "4294967295"),
        ("draws", "0x10"),
        ("estimate", "NaN"),
        ("estimate", "inf"),
        ("phase", "Call"),
        ("phase", ""),
        ("label", "a\tb"),
        ("backend", "a\0b"),
        ("error", "\0"),
    ] {
        let dir = Dir::new().field(line, column, value);
        is_read(&dir, &[&format!("samples.csv, line {line}, column {column}: ")], 1);
        rounds_are(&dir, 11);
    }
}

#[test]
fn the_program_reports_damaged_lines_and_goes_on() {
    let line = a_call();
    let dir = Dir::new().field(line, "wall_ns", "fast").text(|text| text[..text.len() - 5].into());
    let swept = dir.report().exits(0);
    let words = [
        &format!(
            "warning: samples.csv, line {line}, column wall_ns: \"fast\" is not an unsigned integer"
        ),
        "line 505: the file ends within this line",
    ];
    for word in words {
        assert!(swept.stdout.contains(word), "{word:?} is not in {}", swept.stdout);
    }
    assert!(dir.file("speedup.png").exists());
}

#[test]
fn a_call_without_a_time_invalidates_its_visit() {
    for value in ["", "0"] {
        let dir = Dir::new().field(a_call(), "wall_ns", value);
        dir.read();
        assert_eq!(cases_that_differ(&dir.path()), 1);
        rounds_are(&dir, 11);
    }
}

#[test]
fn a_line_without_a_position_invalidates_the_visits_beside_it() {
    let line = a_call();
    for (column, value) in [("round", "x"), ("visit", ""), ("session", "-1"), ("group", "4e9")] {
        let dir = Dir::new().field(line, column, value);
        is_read(&dir, &[&format!("line {line}, column {column}: ")], 1);
    }
    // Between two visits: it may be of the second.
    let line = line_of(CASES + 2, 0);
    let dir = Dir::new().lines(|lines| lines.insert(line - 1, "junk".into()));
    is_read(&dir, &[&format!("line {line}: expected 48 fields, found 1")], 1);
    // The last row of the first is gone, so it may be of either.
    let dir = Dir::new().lines(|lines| lines[line - 2] = "junk".into());
    is_read(&dir, &[&format!("line {}: expected 48 fields, found 1", line - 1)], 2);
}

#[test]
fn a_changed_number_is_detected() {
    let line = a_call();
    for (column, value, words) in [
        ("round", "30003", "another round or group"),
        ("group", "7", "another round or group"),
        ("nthread", "2", "another case"),
        ("iteration", "1", "contradicts another row"),
    ] {
        let dir = Dir::new().field(line, column, value);
        dir.read();
        let found = warnings(&dir.path()).join("\n");
        assert!(found.contains(words) && found.contains("line "), "{column}: {found}");
        assert_eq!(cases_that_differ(&dir.path()), 1, "{column}: {found}");
        rounds_are(&dir, 11);
    }
    // The row stands between rows of its visit, as a visit of its own.
    let dir = Dir::new().field(line, "visit", "70007");
    dir.read();
    let found = warnings(&dir.path()).join("\n");
    assert!(found.contains("has no last row") && found.contains("not contiguous"), "{found}");
    rounds_are(&dir, 11);
}

#[test]
fn a_deleted_call_is_detected() {
    for row in [2, 3, 4] {
        let dir = Dir::new().lines(|lines| drop(lines.remove(line_of(CASES + 1, row) - 1)));
        let printed = dir.read();
        assert!(printed.contains("the visit has 2 of 3 calls"), "{printed}");
        rounds_are(&dir, 11);
    }
}

#[test]
fn a_duplicate_row_counts_once() {
    let line = a_call();
    let dir = Dir::new().lines(|lines| lines.insert(line - 1, lines[line - 1].clone()));
    is_read(&dir, &[&format!("line {}: duplicate row", line + 1)], 0);
}

#[test]
fn contradicting_rows_invalidate_their_visit() {
    let line = a_call();
    let dir = Dir::new().lines(|lines| {
        lines.insert(line - 1, lines[line - 1].clone());
        set(lines, line + 1, "wall_ns", "17");
    });
    is_read(
        &dir,
        &[&format!("line {}: the row contradicts another", line + 1), "does not count"],
        1,
    );
}

#[test]
fn a_torn_last_row_is_left_out() {
    let dir = Dir::new().text(|text| text[..text.len() - 5].to_string());
    let lines = 1 + 12 * CASES * ROWS_OF_VISIT;
    is_read(&dir, &[&format!("line {lines}: the file ends within this line")], 1);
}

#[test]
fn line_ends_quotes_and_a_byte_order_mark_do_not_matter() {
    for dir in [
        Dir::new().text(|text| text.replace('\n', "\r\n")),
        Dir::new().text(|text| format!("\u{feff}{text}")),
        Dir::new().text(|text| text.replace('\n', "\n\n")),
        Dir::new().text(|text| {
            text.lines()
                .map(|line| {
                    let quoted = |field: String| format!("\"{field}\"");
                    fields(line).into_iter().map(quoted).collect::<Vec<_>>().join(",") + "\n"
                })
                .collect()
        }),
        Dir::new().bytes("run.json", |bytes| [b"\xEF\xBB\xBF".to_vec(), bytes].concat()),
    ] {
        dir.read();
        assert!(warnings(&dir.path()).is_empty(), "{:#?}", warnings(&dir.path()));
        assert_eq!(cases_that_differ(&dir.path()), 0);
    }
}

#[test]
fn a_line_break_within_quotes_ends_the_record() {
    let line = a_call();
    let dir = Dir::new().field(line, "error", "\"failed\nhere\"");
    is_read(&dir, &[&format!("line {line}: unclosed quote"), "(and 1 more)"], 1);
}

#[test]
fn a_damaged_quote_invalidates_its_visit_alone() {
    let line = a_call();
    let dir = Dir::new().lines(|lines| lines[line - 1].push_str(",\"open"));
    is_read(&dir, &[&format!("line {line}: unclosed quote")], 1);
    let dir = Dir::new().lines(|lines| lines[line - 1] = lines[line - 1].replace("avx2", "av\"x2"));
    is_read(&dir, &[&format!("line {line}: unexpected quote within a field")], 1);
    let dir = Dir::new().lines(|lines| lines[line - 1] = lines[line - 1].replace("avx2", "\"avx2"));
    is_read(&dir, &[&format!("line {line}: unclosed quote")], 1);
}

#[test]
fn bytes_that_are_not_utf8_invalidate_the_visit() {
    let line = a_call();
    let dir = Dir::new().bytes("samples.csv", |bytes| {
        let mut lines: Vec<Vec<u8>> =
            bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let at =
            lines[line - 1].windows(4).position(|it| it == b"avx2").expect("the instruction set");
        lines[line - 1][at] = 0xff;
        lines.join(&b'\n')
    });
    is_read(&dir, &[&format!("line {line}: field 37: "), "is not UTF-8"], 1);
}

#[test]
fn another_number_of_fields_invalidates_the_visit() {
    let line = a_call();
    let dir = Dir::new().lines(|lines| lines[line - 1].push_str(",more"));
    is_read(&dir, &[&format!("line {line}: expected 48 fields, found 49")], 1);
    let dir = Dir::new().lines(|lines| lines[line - 1].truncate(80));
    is_read(&dir, &[&format!("line {line}: expected 48 fields")], 1);
}

/// Reorders the columns; `order` returns their old indices.
fn reordered(dir: Dir, order: impl Fn(usize) -> Vec<usize>) -> Dir {
    dir.lines(|lines| {
        for line in lines {
            let fields = fields(line);
            let moved: Vec<String> =
                order(fields.len()).into_iter().map(|index| fields[index].clone()).collect();
            *line = joined(&moved);
        }
    })
}

#[test]
fn columns_are_found_by_their_names() {
    let dir = reordered(Dir::new(), |count| (0..count).rev().collect());
    dir.read();
    assert!(warnings(&dir.path()).is_empty());
    assert_eq!(cases_that_differ(&dir.path()), 0);
    // Later versions append theirs.
    let dir = Dir::new().text(|text| text.replace('\n', ",more\n"));
    dir.read();
    assert!(warnings(&dir.path()).is_empty());
    let dir = Dir::new().text(|text| text.lines().map(|line| format!("more,{line}\n")).collect());
    is_read(&dir, &["line 1, column 1: \"more\" is not a known column"], 0);
}

#[test]
fn required_columns_must_be_there() {
    let without = |name: &'static str| {
        let at = nthread::record::COLUMNS.iter().position(|column| *column == name);
        let at = at.expect("a column");
        reordered(Dir::new(), move |count| (0..count).filter(|index| *index != at).collect())
    };
    is_refused(&without("wall_ns"), &["samples.csv", "line 1, column 23", "\"wall_ns\""]);
    is_refused(&without("error"), &["line 1, column 44", "\"error\""]);
    is_read(&without("throttled_ns"), &["line 1: column throttled_ns is missing"], 0);
    is_refused(
        &Dir::new().text(|text| text.replacen("user_ns", "wall_ns", 1)),
        &["line 1, column 24", "wall_ns twice"],
    );
}

#[test]
fn a_file_that_is_not_a_samples_csv_is_refused() {
    is_refused(&Dir::new().text(|_| String::new()), &["line 1, column 1", "samples.csv"]);
    is_refused(&Dir::new().text(|text| text.replace(',', ";")), &["line 1, column 1"]);
    let utf16 = |text: Vec<u8>| text.into_iter().flat_map(|byte| [byte, 0]).collect();
    is_refused(&Dir::new().bytes("samples.csv", utf16), &["line 1, column 1"]);
    let dir = Dir::new();
    fs::remove_file(dir.file("samples.csv")).expect("removed");
    is_refused(&dir, &["cannot read", "samples.csv"]);
    is_refused(
        &Dir::new().lines(|lines| lines[1..].fill("?".into())),
        &["line 2: expected 48 fields, found 1"],
    );
}

#[test]
fn a_file_with_a_header_alone_has_nothing_to_report() {
    let dir = Dir::new().lines(|lines| lines.truncate(1));
    dir.read();
    assert!(warnings(&dir.path())[0].contains("no row follows the header"));
}

#[test]
fn rows_of_another_schema_are_left_out() {
    let from = line_of(11 * CASES, 0);
    let dir = Dir::new().lines(|lines| {
        (from..=lines.len()).for_each(|line| set(lines, line, "schema", "2"));
    });
    let words = format!("line {from}, column schema: 2 is not supported (this harness reads 1)");
    is_read(&dir, &[&words, &format!("and {} more", CASES * ROWS_OF_VISIT - 1)], CASES);
    rounds_are(&dir, 11);
    let dir = Dir::new().lines(|lines| {
        (2..=lines.len()).for_each(|line| set(lines, line, "schema", "2"));
    });
    is_refused(&dir, &["line 2: column schema: 2 is not supported (this harness reads 1)"]);
}

#[test]
fn a_case_that_is_not_in_the_plan_is_left_out() {
    let visit = CASES + 1;
    let dir = Dir::new().lines(|lines| {
        let rows = line_of(visit, 0)..line_of(visit + 1, 0);
        rows.for_each(|line| set(lines, line, "backend", "=1+1"));
    });
    is_read(&dir, &["=1+1, n = ", "is not in the plan", "left out"], 1);
}

#[test]
fn visits_whose_rows_are_not_contiguous_do_not_count() {
    // The whole file twice.
    let dir = Dir::new().lines(|lines| lines.extend_from_within(1..));
    let words = [
        "line 506: the rows of this visit are not contiguous (was the file sorted?)",
        "the visit does not count (and 71 more)",
    ];
    is_read(&dir, &words, CASES);
    rounds_are(&dir, 0);
    // Sorted by phase, as with a spreadsheet.
    let dir = Dir::new().lines(|lines| lines[1..].sort_by_key(|line| fields(line)[6].clone()));
    dir.read();
    assert!(warnings(&dir.path()).join("\n").contains("not contiguous"));
    rounds_are(&dir, 0);
    // One row at the end of the file.
    let dir = Dir::new().lines(|lines| {
        let row = lines.remove(a_call() - 1);
        lines.push(row);
    });
    is_read(&dir, &["line 505: the rows of this visit are not contiguous"], 1);
    rounds_are(&dir, 11);
}

#[test]
fn a_session_that_goes_back_is_reported() {
    let dir = Dir::new().field(a_call(), "session", "7");
    dir.read();
    let found = warnings(&dir.path()).join("\n");
    assert!(found.contains("session 0 follows session 7"), "{found}");
}

#[test]
fn absurd_rounds_and_groups_are_only_numbers() {
    let dir = Dir::new().lines(|lines| {
        for line in line_of(CASES, 0)..line_of(2 * CASES, 0) {
            set(lines, line, "round", "4294967295");
            set(lines, line, "group", "4294967295");
        }
    });
    dir.read();
    assert!(warnings(&dir.path()).is_empty());
}

#[test]
fn results_that_cannot_be_written_are_still_shown() {
    let dir = Dir::new();
    drop(fs::remove_file(dir.file("summary.csv")));
    fs::create_dir(dir.file("summary.csv")).expect("a directory in the way");
    let swept = dir.report().exits(1);
    assert!(swept.stdout.contains("baseline: sequential"), "{}", swept.stdout);
    let path = dir.path().display().to_string();
    assert!(swept.stderr.contains(&path), "{}", swept.stderr);
}

#[test]
fn without_run_json_the_cases_are_those_of_the_rows() {
    let dir = Dir::new();
    fs::remove_file(dir.file("run.json")).expect("removed");
    let swept = dir.report().exits(0);
    assert!(swept.stdout.contains("on an unknown machine"), "{}", swept.stdout);
    assert!(!swept.stdout.contains('*'), "nothing is oversubscribed: {}", swept.stdout);
    let found = warnings(&dir.path());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("there is no run.json"), "{found:#?}");
    let speedups = |summary: &Value| {
        let cases = summary["cases"].as_array().expect("cases").clone();
        let mut figures: Vec<String> = cases
            .iter()
            .map(|it| format!("{} {} {}", it["backend"], it["nthread"], it["speedup"]))
            .collect();
        figures.sort();
        figures
    };
    assert_eq!(speedups(&summary(&dir.path())), speedups(undamaged()));
    for fit in summary(&dir.path())["fits"].as_array().expect("fits") {
        let refusal = fit["refusal"].as_str().expect("no law where CPUs are not known");
        assert!(refusal.contains("usable CPUs is not known"), "{refusal}");
    }

    let dir = Dir::new().field(a_call(), "tally_sum", "17");
    fs::remove_file(dir.file("run.json")).expect("removed");
    dir.read();
    let found = warnings(&dir.path());
    assert!(
        found.iter().any(|it| it.contains("no reference to tell which is right")),
        "{found:#?}"
    );
}

#[test]
fn an_invalid_run_json_is_refused_with_line_and_column() {
    for dir in [
        Dir::new().bytes("run.json", |bytes| bytes[..bytes.len() / 2].to_vec()),
        Dir::new().bytes("run.json", |_| Vec::new()),
        Dir::new().bytes("run.json", |_| b"[]".to_vec()),
        Dir::new().bytes("run.json", |_| b"{}".to_vec()),
        Dir::new().bytes("run.json", |_| vec![b'['; 100_000]),
        Dir::new().bytes("run.json", |_| b"{\"plan\":{\"cases\":\"\xff\"}}".to_vec()),
        Dir::new().run_json(|run| run["plan"]["cases"][0]["nthread"] = "two".into()),
        Dir::new().run_json(|run| run["plan"]["cases"] = Value::Null),
        Dir::new().run_json(|run| run["machine"]["usable_cpus"] = (-2).into()),
        Dir::new().run_json(|run| run["plan"]["expected"][0]["sum"] = "many".into()),
    ] {
        is_refused(&dir, &["run.json", "line ", "column "]);
    }
}

#[test]
fn a_run_json_of_an_older_version_is_read() {
    let cases = |run: &Value| serde_json::json!({ "plan": { "cases": run["plan"]["cases"] } });
    let dir = Dir::new().run_json(|run| *run = cases(run));
    dir.read();
    assert_eq!(cases_that_differ(&dir.path()), 0);
    let dir = Dir::new().run_json(|run| run["later"] = serde_json::json!({ "a": [1, 2] }));
    dir.read();
}

#[test]
fn a_field_is_neither_a_formula_in_a_spreadsheet_nor_markup_in_a_figure() {
    let danger = "=HYPERLINK(\"\"http://x\"\",\"\"<script>alert(1)</script>\"\")";
    let dir = Dir::new().lines(|lines| {
        for line in &mut lines[1..] {
            *line = line.replacen(",thread-pool,", &format!(",\"{danger}\","), 1);
        }
    });
    fs::remove_file(dir.file("run.json")).expect("removed");
    dir.report().exits(0);
    for row in crate::common::rows_of(&dir.file("summary.csv")) {
        let is_formula = row["backend"].starts_with(['=', '+', '-', '@']);
        assert!(!is_formula && !row["problem"].starts_with('='), "{row:?}");
    }
    let of_others = summary(&dir.path())["cases"].to_string();
    assert!(of_others.contains("=HYPERLINK"), "summary.json has it as it is");
    for figure in ["time.svg", "speedup.svg", "efficiency.svg", "throughput.svg"] {
        let text = fs::read_to_string(dir.file(figure)).expect("a figure");
        assert!(!text.contains("<script"), "{figure}");
    }
}

#[test]
fn no_field_leads_out_of_the_directory() {
    let dir = Dir::new().lines(|lines| {
        for (index, line) in lines[1..].iter_mut().enumerate() {
            let pin = if index % 2 == 0 { "none" } else { "/../../../escaped" };
            *line = line.replacen(",none,", &format!(",{pin},"), 1);
        }
        for line in 2..=lines.len() {
            let round = if line % 2 == 0 { "1" } else { "2" };
            set(lines, line, "round", round);
            set(lines, line, "visit", &line.to_string());
        }
    });
    fs::remove_file(dir.file("run.json")).expect("removed");
    dir.report().exits(0);
    for entry in fs::read_dir(dir.home.path()).expect("a directory") {
        assert_eq!(entry.expect("an entry").file_name(), "run");
    }
}
