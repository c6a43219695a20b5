use proptest::prelude::*;

use super::*;
use crate::analysis::synthetic::number;
use crate::analysis::{Code, TallyCheck, Warning};
use crate::record::{Build, Machine, Run, Session, StopReason, Stopping};
use crate::view::crafted::case;

/// A finished run on some machine.
fn run() -> Run {
    let mut run = Run {
        command: "HARNESS_SEED=7 harness -n 1..4 --runner 'mine=python3 mine.py'".into(),
        ..Run::default()
    };
    run.machine = Machine {
        cpu_model: Some("Some CPU".into()),
        usable_cpus: Some(2),
        kernel: Some("6.1.0".into()),
        ..Machine::default()
    };
    run.build = Build {
        version: "0.1.0".into(),
        git_commit: "0123456".into(),
        rustc: "rustc 1.88.0".into(),
        ..Build::default()
    };
    run.sessions = vec![
        Session { start: "2026-11-22T19:59:38Z".into(), ..Session::default() },
        Session {
            stop_reason: Some(StopReason::Precision),
            command: "harness resume results/x".into(),
            ..Session::default()
        },
    ];
    run.plan.stopping = Stopping { rounds: 50, precision: Some(0.05), time_budget_ns: None };
    run
}

/// Everything that the page can show, some of it once only.
fn summary() -> Summary {
    let mut broken = case("mine", 2, (1.0, 1.0, 1.0));
    (broken.median_ns, broken.speedup, broken.half_width) = (None, None, None);
    (broken.speedup_low, broken.speedup_high, broken.efficiency) = (None, None, None);
    (broken.pairs, broken.pairs_all) = (0, 0);
    broken.problems = vec!["killed by SIGSEGV".into(); 2];
    let mut disturbed = case("process-pipe", 2, (1.8, 1.75, 1.85));
    (disturbed.pairs, disturbed.speedup_all) = (10, Some(1.7));
    let mut cases = vec![
        case("sequential", 1, (1.0, 1.0, 1.0)),
        case("rayon", 1, (0.99, 0.98, 1.0)),
        case("rayon", 2, (1.93, 1.91, 1.94)),
        disturbed,
        case("many", 4, (1.5, 1.4, 1.6)),
        broken,
    ];
    let warning = Warning {
        code: Code::Steal,
        message: "the hypervisor took 2% of the run".into(),
        advice: "ask for CPUs of your own".into(),
        cases: Vec::new(),
    };
    number(&mut cases);
    let rankings = crate::analysis::rankings(&mut cases);
    Summary {
        confidence: 0.95,
        rankings,
        cases,
        warnings: vec![warning],
        run: run(),
        tally_check: TallyCheck { calls: 1072, identical_calls: 1072 },
        ..Summary::default()
    }
}

#[test]
fn a_page_has_the_answer_the_essence_and_everything_behind_it() {
    let page = page(&summary());
    let golden = include_str!("golden.md");
    assert_eq!(page, golden, "if it was meant, this is the page:\n{page}");
}

#[test]
fn a_run_whose_command_was_not_written_down_says_so() {
    let run = Run { sessions: vec![Session::default()], command: String::new(), ..run() };
    let page = page(&Summary { run, ..summary() });
    assert!(page.contains("The command of this run was not recorded.\n"), "{page}");
    assert!(!page.contains("Made with"), "{page}");
}

#[test]
fn every_job_has_a_heading_and_a_plot_of_its_own() {
    let mut jobs = summary();
    for case in &mut jobs.cases.clone() {
        case.case.draws = Some(1000);
        jobs.cases.push(case.clone());
    }
    number(&mut jobs.cases);
    let page = page(&jobs);
    assert!(page.contains("\n## pi, 1,000 draws a call\n"), "{page}");
    for file in ["speedup-pi-100000000.png", "speedup-pi-1000.png", "time-pi-1000.png"] {
        assert!(page.contains(&format!("]({file})")), "{file}");
    }
}

/// A summary with this text wherever a file may have any.
fn with_text(text: &str) -> Summary {
    let mut summary = summary();
    for case in &mut summary.cases {
        let settings = &mut case.case;
        for field in [&mut settings.kernel, &mut settings.schedule, &mut settings.label] {
            field.push_str(text);
        }
        settings.start_method = text.to_string();
        settings.pin = text.to_string();
        if !settings.is_baseline() {
            settings.backend.push_str(text);
        }
        case.problems.iter_mut().for_each(|problem| problem.push_str(text));
    }
    for warning in &mut summary.warnings {
        warning.message.push_str(text);
        warning.advice.push_str(text);
    }
    let run = &mut summary.run;
    run.machine.cpu_model = Some(text.to_string());
    run.machine.kernel = Some(text.to_string());
    run.machine.hypervisor = Some(text.to_string());
    for field in [&mut run.build.version, &mut run.build.git_commit, &mut run.build.rustc] {
        field.push_str(text);
    }
    run.sessions[0].start.push_str(text);
    run.command.push_str(text);
    summary
}

/// How many cells a line of a table has, as GitHub counts them.
fn cells(line: &str) -> usize {
    let bars = line.char_indices().filter(|(at, character)| {
        let before = line[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        *character == '|' && before % 2 == 0
    });
    bars.count() - 1
}

/// Lines outside the blocks that show commands to the letter.
fn prose(page: &str) -> Vec<&str> {
    let (page, _) = page.split_once("Made with\n").expect("the commands come last");
    page.lines().collect()
}

#[track_caller]
fn no_field_is_markup(text: &str) {
    let (plain, odd) = (page(&with_text("x")), page(&with_text(text)));
    let (plain, odd) = (prose(&plain), prose(&odd));
    assert_eq!(plain.len(), odd.len(), "{text:?} makes other lines");
    for (plain, odd) in plain.iter().zip(&odd) {
        let count = |line: &str, what: char| line.matches(what).count();
        assert_eq!(count(plain, '<'), count(odd, '<'), "{odd}");
        if plain.starts_with('|') {
            assert_eq!(cells(odd), 7, "{odd}");
        }
        let is_ours = |line: &str| line.starts_with(['#', '|', '-', '!', '*', '<']);
        assert_eq!(is_ours(plain), is_ours(odd), "{odd}");
    }
}

#[test]
fn a_label_is_never_markup() {
    for text in [
        "a|b",
        "<img src=x>",
        "`",
        "```",
        "\\",
        "\\|",
        "\n\n# x",
        "\r",
        "| x |\n|---|",
        "<!-- harness:end -->",
        "\n<!-- harness:end -->\n",
        "</details>",
        "[a](b)",
        "\u{85}",
    ] {
        no_field_is_markup(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_of_a_file_is_markup(text in "[-|<>`\\\\\r\n\t *_#!&\\[\\](){}~$a-c0-9:/.µ—]{0,24}") {
        no_field_is_markup(&text);
    }

    #[test]
    fn nor_any_other_text(text in "\\PC{0,16}|.{0,16}") {
        no_field_is_markup(&text);
    }

    #[test]
    fn no_command_ends_its_block(text in "[<>`!a\n -]{0,24}|\\PC{0,16}") {
        let shown = commands(&with_text(&text));
        let is_block = shown.starts_with("Made with\n\n```sh\n") && shown.ends_with("\n```\n")
            && shown.matches('`').count() == 6 && !shown.contains('<');
        let is_preformatted = shown.starts_with("Made with\n\n<pre>") && shown.ends_with("</pre>\n")
            && shown.matches('<').count() == 2;
        prop_assert!(is_block || is_preformatted, "{}", shown);
    }
}
