//! Damaged results directories: `harness report` reads where sense can be made,
//! says where it cannot and what follows, and never makes a figure of what it does
//! not understand.

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

/// A results directory of twelve rounds, to be damaged.
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

    /// Does something to the bytes of a file.
    fn bytes(self, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Dir {
        let before = fs::read(self.file(name)).expect("a file");
        fs::write(self.file(name), change(before)).expect("written");
        self
    }

    /// Does something to the text of the samples.
    fn text(self, change: impl FnOnce(String) -> String) -> Dir {
        self.bytes("samples.csv", |bytes| {
            change(String::from_utf8(bytes).expect("text")).into_bytes()
        })
    }

    /// Does something to the lines of the samples, the header included.
    fn lines(self, change: impl FnOnce(&mut Vec<String>)) -> Dir {
        self.text(|text| {
            let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
            change(&mut lines);
            lines.join("\n") + "\n"
        })
    }

    /// Puts something into a field of a line, from 1.
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

    /// `harness report`, the program itself.
    fn report(&self) -> Swept {
        report(&self.path())
    }

    /// The same without its figures, which take a second: what it prints.
    fn read(&self) -> String {
        let summary = nthread::report::read(&self.path()).expect("sense can be made");
        nthread::report::write_json(&summary, &self.path()).expect("written");
        let table = nthread::report::table(&summary, nthread::report::Style::Plain);
        table + &nthread::report::warnings(&summary, usize::MAX)
    }
}

/// Fields of a line; the list of CPUs is the only one in quotes.
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

/// The line, from 1, of a row of the visit at that position in the run.
fn line_of(visit: usize, row: usize) -> usize {
    2 + visit * ROWS_OF_VISIT + row
}

/// The first counted call of the second visit of the second round, which is
/// nobody's last.
fn a_call() -> usize {
    line_of(CASES + 1, 2)
}

fn summary(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("summary.json")).expect("summary.json"))
        .expect("JSON")
}

/// The warnings about the files.
fn warnings(dir: &Path) -> Vec<String> {
    let summary = summary(dir);
    let all = summary["warnings"].as_array().expect("warnings").clone();
    let of_input = all.iter().filter(|warning| warning["code"] == "input");
    of_input.map(|warning| warning["message"].as_str().expect("text").to_string()).collect()
}

/// The figures of the cases without damage.
fn undamaged() -> &'static Value {
    static SUMMARY: OnceLock<Value> = OnceLock::new();
    SUMMARY.get_or_init(|| {
        let dir = Dir::new();
        dir.report().exits(0);
        assert!(warnings(&dir.path()).is_empty(), "{:?}", warnings(&dir.path()));
        summary(&dir.path())
    })
}

/// How many cases have other figures than without the damage.
fn cases_that_differ(dir: &Path) -> usize {
    let (found, whole) = (summary(dir), undamaged());
    let figures = |summary: &Value, index: usize| {
        let case = &summary["cases"][index];
        ["rounds", "pairs", "median_ns", "speedup", "speedup_low"].map(|key| case[key].clone())
    };
    assert_eq!(found["cases"].as_array().map(Vec::len), Some(CASES));
    (0..CASES).filter(|index| figures(&found, *index) != figures(whole, *index)).count()
}

/// The report is made, with one warning that has these words; so many cases have
/// other figures.
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

/// The report is refused, with these words.
#[track_caller]
fn is_refused(dir: &Dir, words: &[&str]) {
    let swept = dir.report().exits(2);
    for word in words {
        assert!(swept.stderr.contains(word), "{word:?} is not in {}", swept.stderr);
    }
    assert!(!dir.file("summary.json").exists(), "it was refused, and made all the same");
}

/// A case has as many rounds less as its visits were spoilt.
#[track_caller]
fn rounds_are(dir: &Dir, least: u64) {
    let summary = summary(&dir.path());
    let rounds = summary["cases"].as_array().expect("cases").iter().map(|case| &case["rounds"]);
    assert_eq!(rounds.filter_map(Value::as_u64).min(), Some(least));
}

#[test]
fn a_field_that_is_no_number_spoils_its_visit_alone() {
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
fn the_program_says_where_it_could_not_read_and_goes_on() {
    let line = a_call();
    let dir = Dir::new().field(line, "wall_ns", "fast").text(|text| text[..text.len() - 5].into());
    let swept = dir.report().exits(0);
    let words = [
        &format!("warning: samples.csv, line {line}, column wall_ns: \"fast\" is no whole number"),
        "line 505: the file ends within it",
    ];
    for word in words {
        assert!(swept.stdout.contains(word), "{word:?} is not in {}", swept.stdout);
    }
    assert!(dir.file("speedup.png").exists());
}

#[test]
fn a_call_without_a_time_is_no_call() {
    for value in ["", "0"] {
        let dir = Dir::new().field(a_call(), "wall_ns", value);
        dir.read();
        assert_eq!(cases_that_differ(&dir.path()), 1);
        rounds_are(&dir, 11);
    }
}

#[test]
fn a_row_that_names_no_visit_spoils_those_beside_it() {
    let line = a_call();
    for (column, value) in [("round", "x"), ("visit", ""), ("session", "-1"), ("group", "4e9")] {
        let dir = Dir::new().field(line, column, value);
        is_read(&dir, &[&format!("line {line}, column {column}: ")], 1);
    }
    // Between two visits: it may be of the second.
    let line = line_of(CASES + 2, 0);
    let dir = Dir::new().lines(|lines| lines.insert(line - 1, "junk".into()));
    is_read(&dir, &[&format!("line {line}: 1 fields instead of 47")], 1);
    // The last row of the first is gone, so it may be of either.
    let dir = Dir::new().lines(|lines| lines[line - 2] = "junk".into());
    is_read(&dir, &[&format!("line {}: 1 fields", line - 1)], 2);
}

#[test]
fn a_number_that_was_changed_into_another_is_noticed() {
    let line = a_call();
    for (column, value, words) in [
        ("round", "30003", "a visit has one round and one group"),
        ("group", "7", "a visit has one round and one group"),
        ("nthread", "2", "another case"),
        ("iteration", "1", "says something else"),
    ] {
        let dir = Dir::new().field(line, column, value);
        dir.read();
        let found = warnings(&dir.path()).join("\n");
        assert!(found.contains(words) && found.contains("line "), "{column}: {found}");
        assert_eq!(cases_that_differ(&dir.path()), 1, "{column}: {found}");
        rounds_are(&dir, 11);
    }
    let dir = Dir::new().field(line, "visit", "70007");
    dir.read();
    assert!(warnings(&dir.path()).join("\n").contains("has no last row"));
    rounds_are(&dir, 11);
}

#[test]
fn a_call_that_was_deleted_is_missed() {
    for row in [2, 3, 4] {
        let dir = Dir::new().lines(|lines| drop(lines.remove(line_of(CASES + 1, row) - 1)));
        let printed = dir.read();
        assert!(printed.contains("the visit has 2 of 3 calls"), "{printed}");
        rounds_are(&dir, 11);
    }
}

#[test]
fn a_row_that_is_there_twice_counts_once() {
    let line = a_call();
    let dir = Dir::new().lines(|lines| lines.insert(line - 1, lines[line - 1].clone()));
    is_read(&dir, &[&format!("line {}: it is there twice", line + 1)], 0);
    // The whole file twice: every visit is found in two places.
    let dir = Dir::new().lines(|lines| lines.extend_from_within(1..));
    dir.read();
    let found = warnings(&dir.path());
    assert!(found.iter().any(|it| it.contains("twice")), "{found:#?}");
    assert_eq!(cases_that_differ(&dir.path()), 0);
}

#[test]
fn rows_that_contradict_each_other_spoil_their_visit() {
    let line = a_call();
    let dir = Dir::new().lines(|lines| {
        lines.insert(line - 1, lines[line - 1].clone());
        set(lines, line + 1, "wall_ns", "17");
    });
    is_read(&dir, &[&format!("line {}: another row", line + 1), "does not count"], 1);
}

#[test]
fn a_torn_last_row_is_left_out() {
    let dir = Dir::new().text(|text| text[..text.len() - 5].to_string());
    let lines = 1 + 12 * CASES * ROWS_OF_VISIT;
    is_read(&dir, &[&format!("line {lines}: the file ends within it")], 1);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
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
fn a_line_break_within_quotes_is_part_of_the_field() {
    let dir = Dir::new().field(a_call(), "error", "\"it fell\nand broke\"");
    let printed = dir.read();
    assert!(printed.contains("it fell and broke"), "{printed}");
    assert_eq!(cases_that_differ(&dir.path()), 1);
}

#[test]
fn a_quote_that_is_never_closed_costs_one_visit_and_not_the_rest_of_the_file() {
    let line = a_call();
    let dir = Dir::new().lines(|lines| lines[line - 1].push_str(",\"open"));
    is_read(&dir, &[&format!("line {line}: ")], 1);
    let dir = Dir::new().lines(|lines| lines[line - 1] = lines[line - 1].replace("avx2", "av\"x2"));
    is_read(&dir, &[&format!("line {line}: a quote within a field")], 1);
    let dir = Dir::new().lines(|lines| lines[line - 1] = lines[line - 1].replace("avx2", "\"avx2"));
    is_read(&dir, &[&format!("line {line}: a quote that is not closed")], 1);
}

#[test]
fn bytes_that_are_no_text_spoil_the_visit() {
    let line = a_call();
    let dir = Dir::new().bytes("samples.csv", |bytes| {
        let mut lines: Vec<Vec<u8>> =
            bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let at = lines[line - 1].windows(4).position(|it| it == b"avx2").expect("its place");
        lines[line - 1][at] = 0xff;
        lines.join(&b'\n')
    });
    is_read(&dir, &[&format!("line {line}: field 37: "), "is not UTF-8"], 1);
}

#[test]
fn a_row_with_too_few_or_too_many_fields_spoils_the_visit() {
    let line = a_call();
    let dir = Dir::new().lines(|lines| lines[line - 1].push_str(",more"));
    is_read(&dir, &[&format!("line {line}: 48 fields instead of 47")], 1);
    let dir = Dir::new().lines(|lines| lines[line - 1].truncate(80));
    is_read(&dir, &[&format!("line {line}: "), "fields instead of 47"], 1);
}

/// The columns in another order, by their indices in the old one.
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
    is_read(&dir, &["line 1, column 1: \"more\" is not known"], 0);
}

#[test]
fn a_column_that_figures_need_must_be_there() {
    let without = |name: &'static str| {
        let at = nthread::record::COLUMNS.iter().position(|column| *column == name);
        let at = at.expect("a column");
        reordered(Dir::new(), move |count| (0..count).filter(|index| *index != at).collect())
    };
    is_refused(&without("wall_ns"), &["samples.csv", "line 1, column 23", "\"wall_ns\""]);
    is_refused(&without("error"), &["line 1, column 44", "\"error\""]);
    is_read(&without("throttled_ns"), &["line 1: there is no column throttled_ns"], 0);
    is_refused(
        &Dir::new().text(|text| text.replacen("user_ns", "wall_ns", 1)),
        &["line 1, column 24", "wall_ns again"],
    );
}

#[test]
fn what_is_no_such_file_is_refused() {
    is_refused(&Dir::new().text(|_| String::new()), &["line 1, column 1", "samples.csv"]);
    is_refused(&Dir::new().text(|text| text.replace(',', ";")), &["line 1, column 1"]);
    let utf16 = |text: Vec<u8>| text.into_iter().flat_map(|byte| [byte, 0]).collect();
    is_refused(&Dir::new().bytes("samples.csv", utf16), &["line 1, column 1"]);
    let dir = Dir::new();
    fs::remove_file(dir.file("samples.csv")).expect("removed");
    is_refused(&dir, &["cannot read", "samples.csv"]);
    is_refused(&Dir::new().lines(|lines| lines[1..].fill("?".into())), &["line 2: 1 fields"]);
}

#[test]
fn a_file_with_a_header_alone_has_nothing_to_report() {
    let dir = Dir::new().lines(|lines| lines.truncate(1));
    dir.read();
    assert!(warnings(&dir.path())[0].contains("nothing follows the header"));
}

#[test]
fn rows_of_another_schema_are_left_out() {
    let from = line_of(11 * CASES, 0);
    let dir = Dir::new().lines(|lines| {
        (from..=lines.len()).for_each(|line| set(lines, line, "schema", "2"));
    });
    let words = format!("line {from}, column schema: 2 (this harness reads 1)");
    is_read(&dir, &[&words, &format!("and {} more", CASES * ROWS_OF_VISIT - 1)], CASES);
    rounds_are(&dir, 11);
    let dir = Dir::new().lines(|lines| {
        (2..=lines.len()).for_each(|line| set(lines, line, "schema", "2"));
    });
    is_refused(&dir, &["line 2: column schema: 2 (this harness reads 1)"]);
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
fn rows_in_another_order_are_put_together() {
    // As a spreadsheet sorts them: by phase.
    let dir = Dir::new().lines(|lines| lines[1..].sort_by_key(|line| fields(line)[6].clone()));
    is_read(&dir, &["the rows of its visit are not together", "more"], 0);
    // A line among them that names no visit may be of any of them.
    let dir = Dir::new().lines(|lines| {
        lines[1..].sort_by_key(|line| fields(line)[6].clone());
        lines.insert(20, "junk".into());
    });
    dir.read();
    rounds_are(&dir, 0);
}

#[test]
fn a_session_that_goes_back_is_told() {
    let dir = Dir::new().field(a_call(), "session", "7");
    dir.read();
    let found = warnings(&dir.path()).join("\n");
    assert!(found.contains("session 0 after session 7"), "{found}");
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
fn a_directory_that_takes_no_files_is_still_shown() {
    let dir = Dir::new();
    drop(fs::remove_file(dir.file("summary.csv")));
    fs::create_dir(dir.file("summary.csv")).expect("a directory in the way");
    let swept = dir.report().exits(1);
    assert!(swept.stdout.contains("baseline: sequential"), "{}", swept.stdout);
    let path = dir.path().display().to_string();
    assert!(swept.stderr.contains(&path), "{}", swept.stderr);
}

#[test]
fn without_run_json_the_rows_have_to_do() {
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
    assert!(found.iter().any(|it| it.contains("nobody knows which is right")), "{found:#?}");
}

#[test]
fn a_run_json_that_makes_no_sense_is_refused_with_line_and_column() {
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
