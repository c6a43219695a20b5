//! Output for other tools: report.md, parts of Markdown pages, and export formats.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::common::{Sweep, Swept};
use serde_json::Value;

const BEGIN: &str = "<!-- harness:begin -->";
const END: &str = "<!-- harness:end -->";

/// One sweep that many tests look at.
fn small() -> &'static Swept {
    static SWEPT: OnceLock<Swept> = OnceLock::new();
    SWEPT.get_or_init(|| {
        let sweep = Sweep::tiny().env("HARNESS_SEED", "7").args(["-n", "1,2"]);
        sweep.args(["-b", "std-thread,gone"]).runner("gone", "read line; exit 1").run().exits(1)
    })
}

/// A page beside a copy of the results, as in a repository.
struct Repository {
    home: tempfile::TempDir,
}

impl Repository {
    fn new(page: &str) -> Repository {
        let home = tempfile::tempdir().expect("a temporary directory");
        let results = home.path().join("results/a run");
        fs::create_dir_all(&results).expect("a directory");
        for file in ["samples.csv", "run.json"] {
            fs::copy(small().out.join(file), results.join(file)).expect("copied");
        }
        let repository = Repository { home };
        fs::write(repository.page(), page).expect("a page");
        repository
    }

    fn page(&self) -> PathBuf {
        self.home.path().join("README.md")
    }

    fn results(&self) -> PathBuf {
        self.home.path().join("results/a run")
    }

    fn splice_into(&self, page: &Path) -> Swept {
        Sweep::bare().arg_path("report", &self.results()).arg_path("--splice", page).run()
    }

    fn splice(&self) -> Swept {
        self.splice_into(&self.page())
    }

    fn text(&self) -> String {
        fs::read_to_string(self.page()).expect("a page")
    }
}

fn export(format: &str) -> Swept {
    Sweep::bare()
        .args([OsStr::new("report"), small().out.as_os_str()])
        .args(["--export", format])
        .run()
}

#[test]
fn a_sweep_leaves_a_page_with_the_command_that_made_it() {
    let page = small().read("report.md");
    let run = small().run_json();
    let command = run["command"].as_str().expect("a command");
    assert!(command.starts_with("HARNESS_SEED=7 harness --out "), "{command}");
    assert!(command.contains(" --draws 2^16 --rounds 1 -n 1,2 "), "{command}");
    assert_eq!(run["sessions"][0]["command"], command);
    assert!(page.contains(command), "{page}");
    assert!(page.contains("| std-thread | static "), "{page}");
    assert!(page.contains("\n- gone, n = 1: 1, the first: "), "{page}");
    for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(small().out.join(link).exists(), "{link}");
    }
}

#[test]
fn a_page_over_several_jobs_shows_the_plots_that_there_are() {
    for more in [&["--crossover"][..], &[]] {
        let swept = Sweep::new().args(["-n", "1", "-b", "std-thread", "--rounds", "1"]);
        let swept = swept.args(["--draws", "2^14,2^16"]).args(more).run().exits(0);
        let page = swept.read("report.md");
        let links: Vec<&str> =
            page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        assert!(links.contains(&"crossover.png"), "{page}");
        assert!(links.iter().all(|link| swept.out.join(link).exists()), "{links:?}");
        assert!(page.contains("```text\nwhere parallel begins to pay: pi, "), "{page}");
        assert_eq!(page.contains("speedup-"), more.is_empty(), "{page}");
    }
}

#[test]
fn the_summary_is_put_between_the_marks_and_every_other_byte_stays() {
    let repository = Repository::new(&format!("# Mine\n\n{BEGIN}\nold\n{END}\n\nlast line"));
    let swept = repository.splice().exits(0);
    assert!(swept.stdout.contains("baseline: sequential"), "the table is still shown");
    let text = repository.text();
    assert!(text.starts_with(&format!("# Mine\n\n{BEGIN}\n\n### pi, ")), "{text}");
    assert!(text.ends_with(&format!("\n{END}\n\nlast line")), "{text}");
    assert!(!text.contains("old\n"), "{text}");
    assert!(text.contains("](results/a%20run/speedup.png)"), "{text}");
    assert!(text.contains("\nharness report 'results/a run'\n"), "{text}");
    assert!(text.contains("HARNESS_SEED=7 harness "), "{text}");
    repository.splice().exits(0);
    assert_eq!(text, repository.text(), "the second time changes nothing");
}

#[test]
fn line_ends_other_bytes_and_permissions_of_a_page_stay() {
    let repository = Repository::new("");
    let mut page = format!("\u{feff}a\r\n{BEGIN}\r\n{END}\r\nb\n").into_bytes();
    page.extend(b"\xff\x00 not text");
    fs::write(repository.page(), &page).expect("a page");
    fs::set_permissions(repository.page(), fs::Permissions::from_mode(0o640)).expect("a mode");
    repository.splice().exits(0);
    let new = fs::read(repository.page()).expect("a page");
    let rest = format!("\r\n{END}\r\nb\n").into_bytes();
    assert!(new.ends_with(&[&rest[..], b"\xff\x00 not text"].concat()));
    let end = new.len() - b"b\n\xff\x00 not text".len();
    let lines = new[..end].split_inclusive(|byte| *byte == b'\n');
    assert!(lines.into_iter().all(|line| line.ends_with(b"\r\n")));
    let mode = fs::metadata(repository.page()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn links_lead_from_the_page_wherever_it_is() {
    let repository = Repository::new("");
    let page = repository.home.path().join("docs/page.md");
    fs::create_dir(page.parent().expect("docs")).expect("a directory");
    fs::write(&page, format!("{BEGIN}\n{END}\n")).expect("a page");
    let link = repository.home.path().join("link.md");
    symlink("docs/page.md", &link).expect("a link");
    repository.splice_into(&link).exits(0);
    let text = fs::read_to_string(&page).expect("a page");
    assert!(text.contains("](../results/a%20run/speedup.png)"), "{text}");
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink(), "it is still a link");
}

#[test]
fn a_page_without_marks_is_refused_with_advice_and_stays_unchanged() {
    let twice = format!("{BEGIN}\n{END}\n\n{BEGIN}\n{END}\n");
    let reversed = format!("{END}\n{BEGIN}\n");
    for (page, words) in [
        ("# Mine\n", &["no line", BEGIN, END, "on a line of its own"][..]),
        (&twice, &["line 1 and in line 4"]),
        (&reversed, &["in line 1 stands above", "in line 2"]),
    ] {
        let repository = Repository::new(page);
        let swept = repository.splice().exits(2);
        let stderr = &swept.stderr;
        assert!(stderr.starts_with("error: --splice: "), "{stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)), "{stderr}");
        assert!(stderr.contains("README.md"), "{stderr}");
        assert_eq!(repository.text(), page);
    }
}

#[test]
fn a_page_that_cannot_be_read_or_written_is_refused() {
    let repository = Repository::new(&format!("{BEGIN}\n{END}\n"));
    for nothing in [repository.home.path().join("nowhere.md"), repository.results()] {
        let stderr = repository.splice_into(&nothing).exits(2).stderr.clone();
        assert!(stderr.contains(&nothing.display().to_string()), "{stderr}");
    }
    fs::set_permissions(repository.page(), fs::Permissions::from_mode(0o444)).expect("a mode");
    let stderr = repository.splice().exits(2).stderr.clone();
    assert!(stderr.contains("README.md: it is read-only"), "{stderr}");
}

#[test]
fn an_export_is_all_of_stdout_and_its_omissions_are_on_stderr() {
    let before = fs::read(small().out.join("report.md")).expect("a page");
    for format in ["hyperfine-json", "hyperfine2-json", "bencher"] {
        let swept = export(format).exits(0);
        let whole: Value = serde_json::from_str(&swept.stdout).expect("JSON and nothing else");
        assert!(whole.is_object());
        for count in [1, 2] {
            let note = format!("left out: gone, n = {count}: it has no valid visit\n");
            assert!(swept.stderr.contains(&note), "{}", swept.stderr);
        }
    }
    assert_eq!(fs::read(small().out.join("report.md")).expect("a page"), before);
}

#[test]
fn hyperfine_times_are_the_calls_in_seconds() {
    let whole: Value = serde_json::from_str(&export("hyperfine-json").stdout).expect("JSON");
    let results = whole["results"].as_array().expect("results");
    let names: Vec<&Value> = results.iter().map(|result| &result["command"]).collect();
    assert_eq!(names, ["sequential, n = 1", "std-thread, n = 1", "std-thread, n = 2"]);
    let call = &small().calls_of("std-thread")[0];
    let count = call["nthread"].as_str();
    let of_count = |result: &&Value| result["parameters"]["nthread"].as_str() == Some(count);
    let result = results[1..].iter().find(of_count).expect("the case");
    let seconds = call["wall_ns"].parse::<f64>().expect("a time") / 1e9;
    assert_eq!(result["times"], serde_json::json!([seconds]));
    assert!(result["user"].is_f64() && result["system"].is_f64(), "{result}");
    assert!(result["memory_usage_byte"][0].as_u64() > Some(100_000), "{result}");
}

#[test]
fn an_unknown_format_is_refused_with_the_known_ones() {
    let swept = export("yaml").exits(2);
    let formats = ["--export", "yaml", "hyperfine-json", "hyperfine2-json", "bencher"];
    assert!(formats.iter().all(|word| swept.stderr.contains(word)), "{}", swept.stderr);
    let both = Sweep::bare().args(["report", ".", "--export", "bencher", "--splice", "x"]);
    assert!(both.run().exits(2).stderr.contains("--splice"));
}
