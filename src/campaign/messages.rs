//! Messages about the course of a run: its size, its expected time, and the times so far.

use std::collections::BTreeSet;
use std::time::Duration;

use super::forecast::duration;
use super::run_state::RunState;
use super::stopping::LOOKS;
use crate::quantity::{format_percent_short, format_time, pluralize};
use crate::record::{Case, Plan};
use crate::stats::median;

/// Longest line of a message.
const MAX_LINE_CHARS: usize = 100;

/// Longest title of a command in a message.
const MAX_TITLE_CHARS: usize = 40;

/// Message about a run whose time is forecast, for this number of rounds.
pub fn forecast(plan: &Plan, forecast_ns: f64, rounds: u32) -> String {
    let budget = budget(plan.stopping.time_budget_ns, forecast_ns);
    let rounds = match plan.stopping.precision {
        None => format!(", {}: about", pluralize(rounds, "round")),
        Some(precision) => {
            format!(" until {}: {rounds} rounds take about", precision_goal(precision))
        }
    };
    let seconds = (forecast_ns / 1e9).ceil();
    format!("{}{rounds} {seconds:.0} s{budget}", pluralize(plan.cases.len(), "case"))
}

/// Message about a run whose time is not known before its first round.
pub fn without_forecast(plan: &Plan) -> String {
    let rounds = match plan.stopping.precision {
        None => format!(", {}", pluralize(plan.stopping.rounds, "round")),
        Some(precision) => format!(" until {}", precision_goal(precision)),
    };
    let budget = budget(plan.stopping.time_budget_ns, 0.0);
    let cases = pluralize(plan.cases.len(), "case");
    format!("{cases}{rounds}{budget}; the time is estimated after the first round")
}

/// Time budget, if there is one, after the forecast that it limits.
fn budget(budget_ns: Option<u64>, forecast_ns: f64) -> String {
    match budget_ns {
        Some(ns) if forecast_ns > ns as f64 => {
            format!(", of which the time budget allows {:.0} s", ns as f64 / 1e9)
        }
        Some(ns) => format!(", at most {:.0} s", ns as f64 / 1e9),
        None => String::new(),
    }
}

fn precision_goal(precision: f64) -> String {
    format!("every speedup has a 95% interval within ±{}", format_percent_short(precision))
}

/// Message about the time of the first round, and the time budget that follows from it.
pub fn first_round(round: Duration, forecast: Duration, budget: Duration) -> String {
    let limit = self::budget(Some(budget.as_nanos() as u64), forecast.as_nanos() as f64);
    format!(
        "a round takes {}: {} rounds take about {:.0} s{limit} (--time-budget sets another limit)",
        format_time(round),
        LOOKS[0],
        forecast.as_secs_f64().ceil()
    )
}

/// Median times so far, for each title a line, which is wrapped if it is long.
pub fn median_times(plan: &Plan, state: &RunState) -> Vec<String> {
    let mut titles: Vec<String> = plan.cases.iter().map(Case::title).collect();
    let mut seen = BTreeSet::new();
    titles.retain(|title| seen.insert(title.clone()));
    titles
        .iter()
        .map(|title| {
            let cases = plan.cases.iter().enumerate().filter(|(_, case)| case.title() == *title);
            let times = cases.map(|(index, case)| {
                let count = match case.inner_nthread {
                    0 | 1 => case.nthread.to_string(),
                    inner => format!("{}×{inner}", case.nthread),
                };
                let time = median(&state.visits.round_values(index));
                format!("{count}: {}", time.map_or("failed".into(), |ns| format_time(duration(ns))))
            });
            wrap(&shorten(title), &times.collect::<Vec<_>>())
        })
        .collect()
}

/// Title, cut to a readable length.
fn shorten(title: &str) -> String {
    match title.char_indices().nth(MAX_TITLE_CHARS) {
        None => title.to_string(),
        Some((end, _)) => format!("{}…", &title[..end]),
    }
}

/// Title with items after it, wrapped into lines.
fn wrap(title: &str, items: &[String]) -> String {
    let mut text = title.to_string();
    let mut width = title.chars().count();
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let added = comma.len() + 1 + item.chars().count();
        if width + added > MAX_LINE_CHARS {
            text += &format!("{comma}\n    {item}");
            width = 3 + added;
        } else {
            text += &format!("{comma} {item}");
            width += added;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_and_long_titles_cut() {
        let items: Vec<String> = (1..=20).map(|n| format!("{n}: 20.1 s")).collect();
        let text = wrap(&shorten(&"x".repeat(200)), &items);
        assert!(text.lines().all(|line| line.chars().count() <= MAX_LINE_CHARS), "{text}");
        assert!(
            text.starts_with(&format!("{}… 1: 20.1 s, 2: ", "x".repeat(MAX_TITLE_CHARS))),
            "{text}"
        );
        assert_eq!(text.matches(": 20.1 s").count(), 20);
        assert_eq!(wrap("a", &items[..2]), "a 1: 20.1 s, 2: 20.1 s");
    }
}
