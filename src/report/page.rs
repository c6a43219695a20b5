//! Report of a run on the terminal.

use super::crossover::crossover;
use super::granularity::granularity;
use super::models::models;
use super::table::{Style, checks, details, tables};
use crate::analysis::Summary;

/// The depth of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The answer to what the run asked.
    Answer,
    /// The answer, and every figure behind it.
    Details,
}

/// The result of a run: the tables of its jobs and, where jobs differ in size, thresholds.
/// In a run that measures a threshold, the tables are details.
pub fn page(summary: &Summary, style: Style, depth: Depth) -> String {
    let preset = summary.run.plan.preset;
    let answer = match preset.measures_threshold() {
        true if preset.is_metg() => granularity(summary),
        true => crossover(summary),
        false => String::new(),
    };
    // A run that ended too early has no threshold, so its tables are shown.
    let mut sections = match (answer.is_empty(), depth) {
        (true, Depth::Answer) => {
            vec![tables(summary, style), crossover(summary), granularity(summary)]
        }
        (true, Depth::Details) => {
            vec![details(summary), crossover(summary), granularity(summary)]
        }
        (false, Depth::Answer) => vec![answer],
        (false, Depth::Details) => vec![answer, details(summary)],
    };
    if depth == Depth::Details {
        sections.push(models(summary));
    }
    let sections: Vec<String> = sections.into_iter().filter(|text| !text.is_empty()).collect();
    sections.join("\n") + &checks(summary)
}
