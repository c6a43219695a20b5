use super::*;

use std::convert::Infallible;

use rand::RngExt as _;

/// Noise of a run: the logarithm of a factor on its time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Noise {
    /// Normal, with this standard deviation.
    Normal(f64),
    /// Normal, with a standard deviation of 2%, and a machine that becomes slower or faster by
    /// up to half in the course of the race.
    Drift,
    /// Normal of 1%, and each tenth run up to twice as slow.
    HeavyTail,
    /// Normal of 1%, and 30% of the runs at 1.3 times.
    TwoModes,
}

/// A program with known times, on a fake clock.
struct Synthetic<'a> {
    law: &'a dyn Fn(f64) -> f64,
    noise: Noise,
    rng: Xoshiro256PlusPlus,
    clock: Duration,
    /// Change of the speed over the 30 rounds, for drifts.
    trend: f64,
    runs: Vec<u32>,
    stopped: usize,
}

impl TimedProgram for Synthetic<'_> {
    type Error = Infallible;

    fn time(&mut self, nthread: u32, limit: Option<Duration>) -> Result<RunTime, Infallible> {
        let true_time = (self.law)(f64::from(nthread));
        let log = match self.noise {
            Noise::Normal(deviation) => deviation * self.normal(),
            Noise::Drift => 0.02 * self.normal() + self.trend * self.clock.as_secs_f64() / 1000.0,
            Noise::HeavyTail => {
                let slow = self.rng.random::<f64>() < 0.1;
                let factor = if slow { 1.2 + 0.8 * self.rng.random::<f64>() } else { 1.0 };
                0.01 * self.normal() + f64::ln(factor)
            }
            Noise::TwoModes => {
                let slow = self.rng.random::<f64>() < 0.3;
                0.01 * self.normal() + if slow { 1.3_f64.ln() } else { 0.0 }
            }
        };
        let wall = Duration::from_secs_f64(true_time * log.exp());
        let is_stopped = limit.is_some_and(|limit| wall > limit);
        let wall = limit.map_or(wall, |limit| wall.min(limit));
        self.clock += wall;
        self.runs.push(nthread);
        self.stopped += usize::from(is_stopped);
        Ok(RunTime { wall, cpu: None, is_stopped })
    }
}

impl Synthetic<'_> {
    /// A sample of the standard normal distribution, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let [one, other] = [0; 2].map(|_| self.rng.random::<f64>().max(1e-300));
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }
}

fn program(law: &dyn Fn(f64) -> f64, noise: Noise, seed: u64) -> Synthetic<'_> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let trend = rng.random::<f64>() - 0.5;
    let (runs, stopped, clock) = (Vec::new(), 0, Duration::ZERO);
    Synthetic { law, noise, rng, clock, trend, runs, stopped }
}

fn settings(goal: Goal, seed: u64) -> Settings {
    Settings { goal, warmup: 0, time_budget: None, stop_slow_runs: true, seed }
}

fn race_of(
    law: &dyn Fn(f64) -> f64,
    noise: Noise,
    counts: &[u32],
    goal: Goal,
    seed: u64,
) -> (Recommendation, Vec<u32>) {
    let mut program = program(law, noise, seed);
    let Ok(found) = race(&mut program, counts, settings(goal, seed));
    (found, program.runs)
}

const WITHIN: Goal = Goal::Within(0.05);

fn amdahl(serial: f64, n: f64) -> f64 {
    10.0 * (serial + (1.0 - serial) / n)
}

/// Gunther's universal scalability law.
fn usl(sigma: f64, kappa: f64, n: f64) -> f64 {
    10.0 * (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0)) / n
}

/// A program of the simulations: its name, its counts, and its time at each.
type Law = (&'static str, &'static [u32], fn(f64) -> f64);

/// Programs of which no count is slower than the best by between half and three times the
/// margin, so that each has one right answer.
const LAWS: [Law; 10] = [
    ("flat, 2 counts", &[1, 2], |_| 10.0),
    ("flat, 4 counts", &[1, 2, 3, 4], |_| 10.0),
    ("Amdahl 5%, 2 counts", &[1, 2], |n| amdahl(0.05, n)),
    ("Amdahl 0%, 4 counts", &[1, 2, 4, 8], |n| amdahl(0.0, n)),
    ("Amdahl 30%, 4 counts", &[1, 2, 4, 8], |n| amdahl(0.3, n)),
    ("Amdahl 5%, 5 counts", &[1, 2, 4, 8, 16], |n| amdahl(0.05, n)),
    ("USL with a peak", &[1, 2, 4, 8], |n| usl(0.05, 0.03, n)),
    ("plateau from 4 on", &[1, 2, 3, 4, 6, 8], |n| 10.0 / n.min(4.0)),
    ("cliff after 4", &[1, 2, 4, 8], |n| if n <= 4.0 { 10.0 / n } else { 7.5 }),
    ("cliff after 4, 6 counts", &[1, 2, 3, 4, 6, 8], |n| if n <= 4.0 { 10.0 / n } else { 7.5 }),
];

const NOISES: [(&str, Noise); 7] = [
    ("1%", Noise::Normal(0.01)),
    ("5%", Noise::Normal(0.05)),
    ("20%", Noise::Normal(0.20)),
    ("35%", Noise::Normal(0.35)),
    ("drift", Noise::Drift),
    ("heavy tail", Noise::HeavyTail),
    ("two modes", Noise::TwoModes),
];

/// Results of many races of one program with one noise.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    races: u32,
    decided: u32,
    /// Decided races whose count is slower than the best by more than the margin.
    wrong: u32,
    rounds: usize,
}

impl Tally {
    fn of(law: &dyn Fn(f64) -> f64, counts: &[u32], noise: Noise, races: u32) -> Tally {
        let best = counts.iter().map(|n| law(f64::from(*n))).fold(f64::INFINITY, f64::min);
        let mut tally = Tally { races, ..Tally::default() };
        for seed in 0..u64::from(races) {
            let (found, _) = race_of(law, noise, counts, WITHIN, seed);
            let is_within = law(f64::from(found.nthread)) <= 1.05 * best;
            tally.decided += u32::from(found.doubt.is_none());
            tally.wrong += u32::from(found.doubt.is_none() && !is_within);
            tally.rounds += found.rounds;
        }
        tally
    }

    fn plus(self, other: Tally) -> Tally {
        Tally {
            races: self.races + other.races,
            decided: self.decided + other.decided,
            wrong: self.wrong + other.wrong,
            rounds: self.rounds + other.rounds,
        }
    }

    fn decided_share(&self) -> f64 {
        f64::from(self.decided) / f64::from(self.races)
    }
}

/// Simulates `races` of each program with each noise; prints a row for each.
fn simulate(races: u32) {
    for (noise_name, noise) in NOISES {
        let mut sum = Tally::default();
        for (name, counts, law) in LAWS {
            let tally = Tally::of(&law, counts, noise, races);
            println!(
                "| {noise_name} | {name} | {:.1}% | {} | {:.1} |",
                100.0 * tally.decided_share(),
                tally.wrong,
                tally.rounds as f64 / f64::from(races)
            );
            // Each setting has at most 5% of wrong decisions, with three standard errors.
            let most = 0.05 * f64::from(races) + 3.0 * (0.0475 * f64::from(races)).sqrt();
            assert!(f64::from(tally.wrong) <= most, "{noise_name}, {name}: {tally:?}");
            sum = sum.plus(tally);
        }
        println!("| {noise_name} | all | {:.1}% | {} | |", 100.0 * sum.decided_share(), sum.wrong);
        assert!(f64::from(sum.wrong) <= 0.05 * f64::from(sum.decided), "{noise_name}: {sum:?}");
        let least = match noise {
            Noise::Normal(deviation) if deviation <= 0.05 => 0.9,
            Noise::Normal(deviation) if deviation <= 0.2 => 0.5,
            _ => 0.0,
        };
        assert!(sum.decided_share() >= least, "{noise_name}: {sum:?}");
    }
}

#[test]
fn decided_races_are_right_and_most_are_decided() {
    simulate(40);
}

#[test]
#[ignore = "70,000 races: run by scripts/check --all"]
fn decided_races_are_right_in_many_simulations() {
    simulate(1000);
    // The hardest case: a count that is slower than the margin by a hair.
    for (noise_name, noise) in NOISES {
        for others in 1..=3 {
            let counts: Vec<u32> = (1..=others + 1).collect();
            let law = |n: f64| if n <= f64::from(others) { 10.51 } else { 10.0 };
            let tally = Tally::of(&law, &counts, noise, 2000);
            println!(
                "| {noise_name} | {others} at 5.1% | {:.1}% | {} |",
                100.0 * tally.decided_share(),
                tally.wrong
            );
            assert!(tally.wrong <= 130, "{noise_name}, {others}: {tally:?}");
        }
    }
}

#[test]
fn a_program_without_noise_takes_three_runs_a_candidate() {
    for (name, counts, law) in LAWS {
        let (found, runs) = race_of(&law, Noise::Normal(0.0), counts, WITHIN, 1);
        assert_eq!(found.doubt, None, "{name}: {found}");
        assert!(runs.len() <= 3 * counts.len(), "{name}: {found}");
    }
}

#[test]
fn the_smallest_adequate_count_is_chosen() {
    let expected = [1, 1, 2, 8, 8, 16, 4, 4, 4, 4];
    for ((name, counts, law), expected) in LAWS.into_iter().zip(expected) {
        let (found, _) = race_of(&law, Noise::Normal(0.01), counts, WITHIN, 5);
        assert_eq!((found.nthread, found.doubt), (expected, None), "{name}: {found}");
    }
}

#[test]
fn much_slower_counts_are_stopped_and_leave_after_two_stops() {
    let law = |n: f64| amdahl(0.0, n);
    let mut program = program(&law, Noise::Normal(0.01), 3);
    let Ok(found) = race(&mut program, &[1, 2, 16], settings(WITHIN, 3));
    assert_eq!((found.nthread, program.stopped), (16, 4), "{found}");
    assert!(program.runs.starts_with(&[16, 2, 1]), "the largest count is first");
    assert!(found.to_string().contains("1 thread: at least "), "{found}");
    // With --no-stop every run ends by itself.
    let mut program = self::program(&law, Noise::Normal(0.01), 3);
    let settings = Settings { stop_slow_runs: false, ..settings(WITHIN, 3) };
    let Ok(found) = race(&mut program, &[1, 2, 16], settings);
    assert_eq!((found.nthread, program.stopped), (16, 0), "{found}");
}

#[test]
fn noise_that_hides_the_answer_is_reported_with_the_bound() {
    let (found, _) = race_of(&|_| 10.0, Noise::Normal(0.35), &[1, 2, 3, 4], WITHIN, 7);
    assert_eq!(found.doubt, Some(Doubt::Noise), "{found}");
    let bound = found.bound.expect("bounds");
    assert!(bound > 0.05 && bound < 1.0, "{found}");
    let text = found.to_string();
    for words in ["Undecided; ", "slower than any of 1, 2, 3, 4", "vary too much for 30 rounds"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn the_time_budget_ends_the_race_in_doubt() {
    let law = |n: f64| amdahl(0.3, n);
    let mut program = program(&law, Noise::Normal(0.2), 1);
    let budget = Settings { time_budget: Some(Duration::from_secs(60)), ..settings(WITHIN, 1) };
    let Ok(found) = race(&mut program, &[1, 2, 4], budget);
    assert_eq!(found.doubt, Some(Doubt::TimeBudget), "{found}");
    assert!(found.total < Duration::from_secs(80), "{found}");
}

#[test]
fn a_budget_that_ends_before_three_rounds_gives_no_bound() {
    let law = |n: f64| amdahl(0.0, n);
    let mut program = program(&law, Noise::Normal(0.01), 1);
    let budget = Settings { time_budget: Some(Duration::from_secs(1)), ..settings(WITHIN, 1) };
    let Ok(found) = race(&mut program, &[1, 2, 4], budget);
    assert_eq!((found.bound, found.doubt), (None, Some(Doubt::TimeBudget)), "{found}");
}

#[test]
fn a_first_run_far_above_the_others_means_a_kept_result() {
    struct Kept(bool);
    impl TimedProgram for Kept {
        type Error = Infallible;
        fn time(&mut self, _: u32, _: Option<Duration>) -> Result<RunTime, Infallible> {
            let seconds = if std::mem::replace(&mut self.0, false) { 30.0 } else { 0.5 };
            Ok(RunTime { wall: Duration::from_secs_f64(seconds), ..RunTime::default() })
        }
    }
    for warmup in [0, 1] {
        let settings = Settings { warmup, ..settings(WITHIN, 1) };
        let Ok(found) = race(&mut Kept(true), &[1, 2], settings);
        assert_eq!(found.doubt, Some(Doubt::KeptResult), "{found}");
        assert!(found.to_string().contains("--prepare"), "{found}");
    }
}

#[test]
fn an_efficiency_is_met_by_the_largest_such_count() {
    for (serial, share, expected) in [(0.05, 0.6, 8), (0.0, 0.9, 16), (0.5, 0.9, 1)] {
        let law = |n: f64| amdahl(serial, n);
        let goal = Goal::Efficiency(share);
        let (found, _) = race_of(&law, Noise::Normal(0.01), &[1, 2, 4, 8, 16], goal, 2);
        assert_eq!((found.nthread, found.doubt), (expected, None), "{serial}: {found}");
    }
}

#[test]
fn short_runs_are_repeated_within_a_round() {
    let (found, runs) = race_of(&|_| 0.002, Noise::Normal(0.0), &[1, 2], WITHIN, 1);
    assert_eq!((found.rounds, runs.len()), (3, 3 * 2 * 10));
}

#[test]
fn a_single_candidate_is_run_once() {
    let (found, runs) = race_of(&|_| 6.0, Noise::Normal(0.0), &[5], WITHIN, 1);
    assert_eq!((found.nthread, runs.len(), found.doubt), (5, 1, None));
    assert!(found.to_string().contains("5 threads: 6.00 s, the only count"), "{found}");
}

#[test]
fn a_load_beside_the_race_leaves_it_in_doubt() {
    let (mut found, _) = race_of(&|n| amdahl(0.0, n), Noise::Normal(0.01), &[1, 2], WITHIN, 1);
    found.set_others_cpus(Some(0.05));
    assert_eq!(found.doubt, None);
    found.set_others_cpus(Some(1.9));
    assert_eq!(found.doubt, Some(Doubt::OthersCpus(1.9)));
    assert!(found.to_string().contains("other programs used 1.9 CPUs"), "{found}");
}

#[test]
fn the_reason_has_the_figures_of_the_json() {
    let (found, _) = race_of(&|n| amdahl(0.0, n), Noise::Normal(0.01), &[1, 2], WITHIN, 1);
    let json = found.to_json();
    assert_eq!((json["decided"].as_bool(), json["nthread"].as_u64()), (Some(true), Some(2)));
    let speedup = json["speedup"].as_f64().expect("a speedup");
    let text = found.to_string();
    assert!(text.contains(&format!("{speedup:.2} × as fast as 1")), "{text}");
    assert!((speedup - 2.0).abs() < 0.1, "{text}");
    assert_eq!(json["candidates"].as_array().map(Vec::len), Some(2));
}
