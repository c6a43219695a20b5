//! A sweep, end to end: parallel tallies equal sequential ones, and the files are as
//! documented.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::OnceLock;

use crate::common::{Row, Sweep, Swept, report, rows_of};
use nthread::Registry;
use nthread::kernel::Isa;
use serde_json::{Value, json};

/// The columns of the contract, in its order.
const COLUMNS: &str = "schema,version,session,round,group,visit,phase,iteration,started_ns,\
    kernel,backend,nthread,schedule,chunk,block,pin,start_method,inner_nthread,scaling,draws,seed,label,\
    wall_ns,user_ns,system_ns,busy_min_ns,busy_max_ns,busy_sum_ns,worker_cpu_sum_ns,run_delay_ns,\
    voluntary_switches,involuntary_switches,max_rss_bytes,throttled_ns,steal_ns,cpus,isa,\
    tally_draws,tally_sum,tally_sum_sq,estimate,std_error,exit_status,error,\
    stops,boot_ns,cycles,others_cpu_ns";

/// The same of products of matrices: block, draws, sum, sum of squares.
const PRODUCTS: [(u64, u64, i64, u64); 4] = [
    (1 << 14, 65_536, 1_092, 8_442_616),
    (1 << 14, 311_296, 3_064, 39_847_064),
    (1 << 10, 65_536, 984, 2_100_512),
    (1 << 10, 300_032, -140, 9_577_128),
];

/// What the default seed gives: kernel, block, draws, hits. These numbers never
/// change: the tally depends on nothing but the job.
const KNOWN: [(&str, u64, u64, u64); 12] = [
    ("pi", 1 << 14, 65_536, 51_515),
    ("pi", 1 << 14, 311_296, 244_527),
    ("pi", 1 << 10, 65_536, 51_352),
    ("pi", 1 << 10, 300_032, 235_602),
    ("pi-rand", 1 << 14, 65_536, 51_459),
    ("pi-rand", 1 << 14, 311_296, 244_373),
    ("pi-rand", 1 << 10, 65_536, 51_563),
    ("pi-rand", 1 << 10, 300_032, 235_434),
    ("total-probability", 1 << 14, 65_536, 23_843),
    ("total-probability", 1 << 14, 311_296, 113_650),
    ("total-probability", 1 << 10, 65_536, 23_972),
    ("total-probability", 1 << 10, 300_032, 109_376),
];

/// One sweep of everything at odd counts, which several tests look at: two
/// rounds, and draws that are no multiple of the workers.
fn everything() -> &'static Swept {
    static SWEPT: OnceLock<Swept> = OnceLock::new();
    SWEPT.get_or_init(|| {
        Sweep::new()
            .args(["--nthread", "1,2,3,5,7", "--backend", "all", "--kernel", "all"])
            .args(["--draws", "20_000", "--block", "2^9", "--rounds", "2", "--order-seed", "7"])
            .args(["--iterations", "2"])
            .run()
            .exits(0)
    })
}

/// A small sweep, which the tests of files look at.
fn small() -> &'static Swept {
    static SWEPT: OnceLock<Swept> = OnceLock::new();
    SWEPT.get_or_init(|| {
        let options = ["--nthread", "1,2", "--backend", "std-thread,process-pipe"];
        let job = ["--draws", "2^15", "--block", "2^10", "--seed", "3"];
        Sweep::new().args(options).args(job).args(["--rounds", "3"]).run().exits(0)
    })
}

fn tally(row: &Row) -> [&str; 3] {
    ["tally_draws", "tally_sum", "tally_sum_sq"].map(|column| row[column].as_str())
}

fn has_tally(row: &Row) -> bool {
    row["phase"] == "call" || row["phase"] == "warmup"
}

#[test]
fn serial_judges_parallel_at_odd_counts_in_every_backend_and_kernel() {
    let rows = everything().rows();
    for kernel in Registry::default().kernel_names() {
        let of_kernel: Vec<&Row> =
            rows.iter().filter(|row| row["kernel"] == kernel && has_tally(row)).collect();
        let is_sequential = |row: &&&Row| row["backend"] == "sequential";
        let sequential = tally(of_kernel.iter().find(is_sequential).expect("a baseline"));
        // 20,000 draws are 39.06 blocks of 512.
        assert_eq!(sequential[0], "20480");
        for row in of_kernel {
            assert_eq!(tally(row), sequential, "{row:?}");
        }
    }
}

#[test]
fn serial_judges_workers_with_threads_inside_them_in_every_backend() {
    let swept = Sweep::new()
        .args(["--nthread", "1,3", "--inner-nthread", "2,3", "--backend", "all"])
        .args(["--start-method", "fork,spawn", "--draws", "20_000", "--block", "2^9"])
        .args(["--rounds", "1"])
        .run()
        .exits(0);
    let rows = swept.rows();
    let calls: Vec<&Row> = rows.iter().filter(|row| has_tally(row)).collect();
    let sequential = calls.iter().find(|row| row["backend"] == "sequential").expect("a baseline");
    assert_eq!(sequential["inner_nthread"], "1");
    for row in &calls {
        assert_eq!(tally(row), tally(sequential), "{row:?}");
    }
    for backend in Registry::default().backend_names() {
        let own = calls.iter().filter(|row| row["backend"] == backend);
        let counts: BTreeSet<(&str, &str)> =
            own.map(|row| (row["nthread"].as_str(), row["inner_nthread"].as_str())).collect();
        let all = [("1", "2"), ("1", "3"), ("3", "2"), ("3", "3")];
        let expected = if backend == "sequential" { vec![("1", "1")] } else { all.to_vec() };
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected, "{backend}");
    }
    assert!(["inner.svg", "inner.png"].iter().all(|name| swept.out.join(name).is_file()));
}

#[test]
fn every_backend_of_the_registry_is_measured_at_every_count() {
    let calls: BTreeSet<[String; 3]> = everything()
        .rows()
        .iter()
        .filter(|row| row["phase"] == "call")
        .map(|row| ["kernel", "backend", "nthread"].map(|column| row[column].clone()))
        .collect();
    let registry = Registry::default();
    for kernel in registry.kernel_names() {
        for backend in registry.backend_names() {
            let counts = if backend == "sequential" { "1" } else { "1,2,3,5,7" };
            for nthread in counts.split(',') {
                let case = [kernel, backend, nthread].map(str::to_string);
                assert!(calls.contains(&case), "{case:?}");
            }
        }
    }
}

/// What a runner of our own answers when it is asked for one call of two
/// workers, as the protocol has it.
fn answer(isa: Isa, kernel: &str, block: u64, draws: u64) -> Value {
    let visit = json!({
        "protocol": 1, "kernel": kernel, "backend": "std-thread", "nthread": 2, "inner_nthread": 1,
        "schedule": "dynamic", "chunk": 1, "block": block, "blocks": draws / block,
        "seed": "20261122", "pin": null, "start_method": null, "warmup": 0, "iterations": 1,
        "what later versions ask": "is ignored",
    });
    let runner = Sweep::bare().args(["__runner"]).env("HARNESS_ISA", isa.name());
    let visited = runner.input(&visit.to_string()).run().exits(0);
    let events: Vec<Value> =
        visited.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let keys: Vec<&str> = events.iter().map(key).collect();
    assert_eq!(keys, ["hello", "setup", "call", "teardown", "done"]);
    assert_eq!(events[0]["hello"]["check"], "exact");
    assert_eq!(events[4]["done"]["isa"], isa.name());
    events[2]["call"].clone()
}

/// The one key of an event.
fn key(event: &Value) -> &str {
    let object = event.as_object().expect("an object");
    assert_eq!(object.len(), 1, "{event}");
    object.keys().next().expect("one key")
}

#[test]
fn tallies_are_these_constants_whatever_the_instruction_set() {
    for isa in Isa::available() {
        for (kernel, block, draws, hits) in KNOWN {
            let call = answer(isa, kernel, block, draws);
            let (draws, hits) = (draws.to_string(), hits.to_string());
            let expected = json!({ "draws": draws, "sum": hits, "sum_sq": hits });
            assert_eq!(call["tally"], expected, "{kernel}, {isa}, blocks of {block}");
        }
        for (block, draws, sum, sum_sq) in PRODUCTS {
            let call = answer(isa, "matmul", block, draws);
            let [draws, sum_sq] = [draws, sum_sq].map(|number| number.to_string());
            let expected = json!({ "draws": draws, "sum": sum.to_string(), "sum_sq": sum_sq });
            assert_eq!(call["tally"], expected, "matmul, {isa}, blocks of {block}");
        }
    }
}

#[test]
fn the_instruction_set_that_was_asked_for_is_in_the_rows() {
    let swept =
        Sweep::tiny().env("HARNESS_ISA", "portable").args(["-n1", "-brayon"]).run().exits(0);
    assert!(swept.rows().iter().all(|row| row["isa"] == "portable"));
    assert_eq!(swept.calls_of("rayon")[0]["tally_sum"], crate::common::TINY_HITS.to_string());
}

#[test]
fn every_schedule_and_chunk_gives_the_identical_tally() {
    let swept = Sweep::new()
        .args(["--schedule", "static,dynamic,guided,stealing", "--chunk", "1,3,1000"])
        .args(["-n", "3", "--draws", "20_000", "--block", "2^10", "--rounds", "1"])
        .run()
        .exits(0);
    let calls: Vec<Row> = swept.rows().into_iter().filter(has_tally).collect();
    let tallies: BTreeSet<[&str; 3]> = calls.iter().map(tally).collect();
    assert_eq!(tallies.len(), 1, "{tallies:?}");
    let mut seen: BTreeMap<&str, BTreeSet<[&str; 2]>> = BTreeMap::new();
    for row in calls.iter().filter(|row| row["backend"] != "sequential") {
        let setting = ["schedule", "chunk"].map(|column| row[column].as_str());
        seen.entry(&row["backend"]).or_default().insert(setting);
    }
    for backend in Registry::default().backends.iter().filter(|b| b.name() != "sequential") {
        let expected: BTreeSet<[&str; 2]> = backend
            .schedules()
            .iter()
            .flat_map(|schedule| ["1", "3", "1000"].map(|chunk| [schedule.name(), chunk]))
            .collect();
        assert_eq!(seen[backend.name()], expected, "{}", backend.name());
    }
}

#[test]
fn the_header_is_the_contracts_columns_in_order() {
    let text = small().read("samples.csv");
    assert_eq!(text.lines().next(), Some(COLUMNS));
}

#[test]
fn every_row_has_the_settings_of_its_case() {
    let cases = small().run_json()["plan"]["cases"].clone();
    let settings: BTreeSet<Vec<String>> = cases
        .as_array()
        .expect("cases")
        .iter()
        .map(|case| SETTINGS.iter().map(|name| field(&case[name])).collect())
        .collect();
    for row in small().rows() {
        let of_row: Vec<String> = SETTINGS.iter().map(|name| row[*name].clone()).collect();
        assert!(settings.contains(&of_row), "{of_row:?}");
        assert_eq!((row["schema"].as_str(), row["version"].as_str()), ("1", VERSION));
        assert_eq!(row["session"], "0");
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Columns that distinguish cases; keys of a case in the JSON files.
const SETTINGS: [&str; 13] = [
    "kernel",
    "backend",
    "nthread",
    "schedule",
    "chunk",
    "block",
    "pin",
    "start_method",
    "inner_nthread",
    "scaling",
    "draws",
    "seed",
    "label",
];

/// A JSON value as a CSV field.
fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn each_visit_has_its_phases_in_order_and_its_whole_last() {
    for visit in everything().visits() {
        let phases: Vec<&str> = visit.iter().map(|row| row["phase"].as_str()).collect();
        assert_eq!(phases, ["setup", "warmup", "call", "call", "teardown", "visit"]);
        let iterations: Vec<&str> = visit.iter().map(|row| row["iteration"].as_str()).collect();
        assert_eq!(iterations, ["", "0", "0", "1", "", ""]);
        let whole = visit.last().expect("rows");
        assert_eq!((whole["exit_status"].as_str(), whole["error"].as_str()), ("0", ""));
    }
}

#[test]
fn times_are_integers_and_a_visit_contains_its_phases() {
    let number = |row: &Row, column: &str| row[column].parse::<u64>().expect(column);
    for visit in everything().visits() {
        let whole = visit.last().expect("rows");
        let phases = &visit[..visit.len() - 1];
        let sum: u64 = phases.iter().map(|row| number(row, "wall_ns")).sum();
        assert!(number(whole, "wall_ns") >= sum, "{visit:?}");
        for row in phases.iter().filter(|row| has_tally(row)) {
            let (least, most) = (number(row, "busy_min_ns"), number(row, "busy_max_ns"));
            let (sum, workers) = (number(row, "busy_sum_ns"), number(row, "nthread"));
            assert!(least <= most && most <= sum && sum <= most * workers, "{row:?}");
            assert!(most <= number(row, "wall_ns"), "{row:?}");
        }
    }
}

#[test]
fn visits_are_numbered_consecutively() {
    let visits = everything().visits();
    let numbers: Vec<usize> =
        visits.iter().map(|visit| visit[0]["visit"].parse().expect("a number")).collect();
    assert_eq!(numbers, (0..visits.len()).collect::<Vec<_>>());
}

#[test]
fn each_group_has_exactly_one_visit_to_each_baseline_of_its_cases() {
    let mut groups: BTreeMap<[String; 2], Vec<Row>> = BTreeMap::new();
    for visit in everything().visits() {
        let group = ["round", "group"].map(|column| visit[0][column].clone());
        groups.entry(group).or_default().push(visit[0].clone());
    }
    assert!(groups.len() > 4, "several groups a round");
    for (group, visits) in groups {
        let jobs: BTreeSet<&str> = visits.iter().map(|row| row["kernel"].as_str()).collect();
        for job in jobs {
            let is_baseline = |row: &&Row| row["backend"] == "sequential" && row["kernel"] == job;
            assert_eq!(visits.iter().filter(is_baseline).count(), 1, "{job} in {group:?}");
        }
        assert!(visits.len() <= 12, "a group lasts about a second");
    }
}

#[test]
fn each_round_visits_every_case_once_and_the_baseline_oftener() {
    let cases = everything().run_json()["plan"]["cases"].as_array().expect("cases").len();
    for round in ["0", "1"] {
        let order = order_of(everything(), round);
        let others: Vec<&Vec<String>> =
            order.iter().filter(|case| case[1] != "sequential").collect();
        let distinct: BTreeSet<&Vec<String>> = order.iter().collect();
        assert_eq!(distinct.len(), cases);
        assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), others.len(), "each once");
        assert!(order.len() > cases, "each group has its baseline");
    }
}

/// The settings of the cases in the order of a round's visits.
fn order_of(swept: &Swept, round: &str) -> Vec<Vec<String>> {
    let visits = swept.rows().into_iter();
    let visits = visits.filter(|row| row["phase"] == "visit" && row["round"] == round);
    visits.map(|row| SETTINGS.iter().map(|name| row[*name].clone()).collect()).collect()
}

#[test]
fn each_round_has_an_order_of_its_own() {
    assert_ne!(order_of(everything(), "0"), order_of(everything(), "1"));
}

#[test]
fn the_same_order_seed_gives_the_same_order_again() {
    let sweep = || {
        let options = ["-n", "1..3", "-b", "std-thread,crossbeam", "--order-seed", "5"];
        Sweep::tiny().args(options).run().exits(0)
    };
    let (first, again) = (sweep(), sweep());
    assert_eq!(order_of(&first, "0"), order_of(&again, "0"));
    assert_eq!(first.run_json()["plan"]["order_seed"], 5);
}

#[test]
fn run_json_has_the_plan_the_machine_and_the_build() {
    let run = small().run_json();
    let plan = &run["plan"];
    assert_eq!(plan["cases"].as_array().map(Vec::len), Some(5), "2 backends × 2, and the baseline");
    assert_eq!(plan["cases"][0]["seed"], 3);
    assert_eq!(plan["stopping"]["rounds"], 3);
    assert_eq!(plan["skipped"], Value::Array(Vec::new()));
    assert!(plan["draws_rule"].as_str().is_some_and(|rule| rule.contains("whole blocks")));
    let machine = &run["machine"];
    for known in ["cpu_model", "online_cpus", "usable_cpus", "affinity", "memory_bytes", "kernel"] {
        assert!(!machine[known].is_null(), "{known}");
    }
    for known in ["sockets", "cores", "caches", "numa_nodes", "governor", "turbo", "hypervisor"] {
        assert!(machine.get(known).is_some(), "{known} is there, if only as null");
    }
    let build = &run["build"];
    assert_eq!(build["version"], VERSION);
    assert_eq!(build["executable_sha256"].as_str().map(str::len), Some(64));
    assert!(build["rustc"].as_str().is_some_and(|rustc| rustc.starts_with("rustc ")));
    assert!(build["git_dirty"].is_boolean() && build["git_commit"].is_string());
    assert!(run["environment"].is_object());
    assert!(run["clock"]["reading_ns"].as_f64().is_some_and(|ns| ns > 0.0));
    assert!(run["clock"]["resolution_ns"].as_u64().is_some_and(|ns| ns > 0));
}

#[test]
fn run_json_has_one_session_that_ended_with_its_rounds() {
    let sessions = small().run_json()["sessions"].clone();
    assert_eq!(sessions.as_array().map(Vec::len), Some(1));
    assert_eq!(sessions[0]["stop_reason"], "rounds");
    let (start, end) = (&sessions[0]["start"], &sessions[0]["end"]);
    assert!(start.as_str().is_some_and(|start| start.ends_with('Z')), "UTC");
    assert!(start.as_str() <= end.as_str());
    assert_eq!(sessions[0]["retired"], Value::Array(Vec::new()));
}

#[test]
fn variables_that_steer_threads_are_recorded() {
    let sweep = Sweep::tiny().args(["-n", "1", "-b", "sequential"]).env("OMP_NUM_THREADS", "3,2");
    let run = sweep.run().exits(0).run_json();
    assert_eq!(run["environment"]["OMP_NUM_THREADS"], "3,2");
}

/// Whether a JSON value and a CSV field say the same.
fn is_same(value: &Value, text: &str) -> bool {
    field(value) == text || value.as_f64().is_some_and(|number| text.parse() == Ok(number))
}

#[test]
fn summaries_agree_with_each_other_and_with_the_samples() {
    let swept = small();
    let cases = swept.json("summary.json")["cases"].as_array().expect("cases").clone();
    let rows = rows_of(&swept.out.join("summary.csv"));
    assert_eq!(cases.len(), rows.len());
    let planned = swept.run_json()["plan"]["cases"].clone();
    for (index, (case, row)) in cases.iter().zip(&rows).enumerate() {
        for name in SETTINGS {
            assert_eq!(field(&case[name]), row[name], "{name}");
            assert_eq!(case[name], planned[index][name], "{name}");
        }
        for (name, text) in row.iter().filter(|(name, _)| case.get(name).is_some()) {
            assert!(is_same(&case[name], text), "{name}: {} and {text}", case[name]);
        }
        assert_eq!(case["rounds"], 3);
        assert_eq!(case["baseline"], 0);
        assert!(case["median_low_ns"].is_null(), "below 6 pairs there is no interval");
        let speedup = case["speedup"].as_f64().expect("a speedup");
        let nthread = case["nthread"].as_f64().expect("a count");
        let efficiency = case["efficiency"].as_f64().expect("an efficiency");
        assert!((efficiency - speedup / nthread).abs() < 1e-12);
        assert_eq!(case["karp_flatt"].is_null(), nthread == 1.0);
        let mut calls: Vec<f64> = swept
            .calls_of(&row["backend"])
            .iter()
            .filter(|call| call["nthread"] == row["nthread"])
            .map(|call| call["wall_ns"].parse().expect("a time"))
            .collect();
        calls.sort_by(f64::total_cmp);
        assert_eq!(case["median_ns"].as_f64(), Some(calls[1]), "the median of three rounds");
    }
}

#[test]
fn the_table_names_the_baseline_each_backend_and_the_files() {
    let table = &small().stdout;
    assert!(table.contains("baseline: sequential "), "{table}");
    for backend in ["std-thread", "process-pipe"] {
        assert!(table.lines().any(|line| line.starts_with(backend)), "{table}");
    }
    assert!(table.contains("every answer identical"), "{table}");
    assert!(table.contains(&small().out.display().to_string()), "{table}");
}

#[test]
fn plots_are_there_in_both_formats() {
    for plot in ["time", "speedup", "efficiency", "throughput"] {
        let png = fs::read(small().out.join(format!("{plot}.png"))).expect("a PNG");
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{plot}");
        let svg = small().read(&format!("{plot}.svg"));
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{plot}");
    }
}

#[test]
fn a_report_makes_the_derived_files_again_byte_for_byte() {
    let swept = small();
    let copy = tempfile::tempdir().expect("a temporary directory");
    for file in ["samples.csv", "run.json"] {
        fs::copy(swept.out.join(file), copy.path().join(file)).expect("copied");
    }
    let reported = report(copy.path()).exits(0);
    // The report shows all warnings, the end of a sweep the worst.
    let table = |stdout: &str| stdout.split("warning: ").next().map(str::to_string);
    assert_eq!(table(&swept.stdout), table(&reported.stdout), "the same table");
    let mut compared = 0;
    for entry in fs::read_dir(&swept.out).expect("a directory") {
        let name = entry.expect("an entry").file_name();
        let [old, new] = [&swept.out, copy.path()].map(|dir| fs::read(dir.join(&name)).ok());
        assert!(new.is_some(), "{name:?} is made again");
        assert!(old == new, "{name:?} has other bytes");
        compared += 1;
    }
    assert!(compared >= 12, "two files, two summaries, four plots twice");
}

#[test]
fn a_budget_ends_the_run_between_visits_and_that_is_no_failure() {
    let swept = Sweep::new()
        .args(["--time-budget", "1s", "--rounds", "1000000", "--draws", "2^14"])
        .args(["-n", "1", "-b", "std-thread"])
        .run()
        .exits(0);
    assert_eq!(swept.run_json()["sessions"][0]["stop_reason"], "budget");
    assert_eq!(swept.run_json()["plan"]["stopping"]["time_budget_ns"], 1_000_000_000);
    assert!(swept.visits().iter().all(|visit| visit.last().expect("rows")["phase"] == "visit"));
}

#[test]
fn a_sweep_like_another_has_its_cases_draws_and_seed_but_its_own_variables() {
    let like = Sweep::new().arg_path("--like", &small().out);
    // A variable never conflicts with a line on the command line.
    let like = like.env("HARNESS_NTHREAD", "5").env("HARNESS_SEED", "9").env("HARNESS_ROUNDS", "2");
    let (first, second) = (small().run_json(), like.run().exits(0).run_json());
    assert_eq!(first["plan"]["cases"], second["plan"]["cases"]);
    assert_eq!(first["plan"]["expected"], second["plan"]["expected"]);
    assert_eq!(second["plan"]["stopping"]["rounds"], 2);
}

#[test]
fn a_sweep_leaves_no_process_and_no_stray_file() {
    let swept = Sweep::tiny().args(["-n", "2"]).run().exits(0);
    swept.leaves_nothing_alive();
    assert_eq!(swept.left_in_home(), ["out"]);
    let names = fs::read_dir(&swept.out).expect("a directory");
    for name in names.map(|entry| entry.expect("an entry").file_name()) {
        assert!(!name.to_string_lossy().ends_with(".part"), "{name:?}");
    }
}

#[test]
fn without_draws_the_run_calibrates_and_records_the_draws() {
    let swept = Sweep::new().args(["-n", "2", "-b", "std-thread", "--rounds", "1"]).run().exits(0);
    for case in swept.run_json()["plan"]["cases"].as_array().expect("cases") {
        let draws = case["draws"].as_u64().expect("calibrated");
        assert!(draws.is_power_of_two() && draws >= 2 * 32 * (1 << 14), "{draws}");
        assert!(case["chunk"].as_u64().is_some_and(|chunk| chunk > 0));
    }
}
