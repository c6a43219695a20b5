//! Rates of error of the statistics, on simulated machines with known noise: the tables
//! of docs/CALIBRATION.md.
//!
//! `cargo bench --bench calibration`, or `-- --campaigns 2000 --seed 7` for fewer
//! campaigns with other seeds. Plain `cargo bench` leaves it out.

mod simulation;

use std::process::ExitCode;

/// Campaigns of each kind and model.
const CAMPAIGNS: u64 = 10_000;

/// Seed of the first model; the other models count on from it.
const SEED: u64 = 20_261_123;

fn main() -> ExitCode {
    let (mut campaigns, mut seed) = (CAMPAIGNS, SEED);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let number = match word.as_str() {
            "--campaigns" => &mut campaigns,
            "--seed" => &mut seed,
            // `cargo bench -- --test` only proves that it runs.
            "--test" => {
                campaigns = 10;
                continue;
            }
            // `cargo bench` passes it to every bench.
            "--bench" => continue,
            _ => return usage(&format!("unknown argument {word:?}")),
        };
        match words.next().map(|value| value.parse()) {
            Some(Ok(value)) => *number = value,
            _ => return usage(&format!("{word} needs a whole number")),
        }
    }
    print!("{}", simulation::report(campaigns, seed));
    ExitCode::SUCCESS
}

fn usage(error: &str) -> ExitCode {
    eprintln!(
        "error: {error}\n\nUsage: cargo bench --bench calibration -- [--campaigns N] [--seed N]"
    );
    ExitCode::from(2)
}
