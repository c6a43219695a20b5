//! Runs whose length nobody can forecast, because what is measured is not ours: what
//! is said of them, and how long they may take once their first round is known.

use std::collections::BTreeSet;
use std::io;

use super::standing::Standing;
use super::stopping::LOOKS;
use super::{BUDGET, BUDGET_FACTOR, Campaign};
use crate::quantity::{format_time, pluralize};
use crate::record::{Case, Plan};
use crate::stats::median;

/// Characters of a line of news, and of what a command is called in it.
const LINE_CHARS: usize = 100;
const TITLE_CHARS: usize = 40;

impl Campaign<'_> {
    /// Whether the time budget is still to follow from the first round: it is not
    /// given, and the run ends by its precision.
    fn awaits_budget(&self) -> bool {
        let (plan, stopping) = (&self.run.plan, &self.run.plan.stopping);
        !plan.target.is_kernel()
            && stopping.precision.is_some()
            && stopping.time_budget_ns.is_none()
    }

    /// Says what will happen, and that nobody knows yet how long it takes.
    pub(super) fn announce_unknown(&self) {
        let (plan, cases) = (&self.run.plan, self.run.plan.cases.len());
        let until = match plan.stopping.precision {
            None => format!(", {}", pluralize(plan.stopping.rounds, "round")),
            Some(share) => format!(" until every speedup is known to ±{}%", 100.0 * share),
        };
        let budget = match plan.stopping.time_budget_ns {
            Some(ns) => format!(", at most {:.0} s", ns as f64 / 1e9),
            None => String::new(),
        };
        let rounds = "; the first round will tell how long that takes";
        self.progress.note(&format!("{}{until}{budget}{rounds}", pluralize(cases, "case")));
    }

    /// Sets the time budget once the first round is whole, if it follows from that,
    /// and says what is to come.
    pub(super) fn first_round_ended(&mut self, standing: &Standing) -> io::Result<()> {
        if !self.awaits_budget() {
            return Ok(());
        }
        let round = standing.first_round;
        let forecast = round.saturating_mul(LOOKS[0]);
        let budget = super::calibrate::duration(BUDGET_FACTOR * forecast.as_nanos() as f64);
        let budget = budget.clamp(*BUDGET.start(), *BUDGET.end());
        self.run.plan.stopping.time_budget_ns = Some(budget.as_nanos() as u64);
        self.run.write(&self.dir)?;
        self.progress.set_time_left(self.time_left());
        let (rounds, seconds) = (LOOKS[0], forecast.as_secs_f64().ceil());
        let at_most = match budget < forecast {
            true => format!("of which the time budget allows {} s", budget.as_secs()),
            false => format!("at most {} s", budget.as_secs()),
        };
        self.progress.note(&format!(
            "a round takes {}: {rounds} rounds take about {seconds:.0} s, {at_most} \
             (--time-budget sets another limit)",
            format_time(round)
        ));
        Ok(())
    }

    /// Tells how far it has come: of commands the times so far, else how well the
    /// speedups are known.
    pub(super) fn round_ended(&self, round: u32, standing: &Standing) {
        let plan = &self.run.plan;
        if plan.target.is_kernel() {
            self.progress.round_ended(round, plan, || standing.least_known());
        } else {
            self.progress.times_known(round, plan, || lines(plan, standing));
        }
    }
}

/// The median times so far, a line for each title; longer ones are wrapped.
fn lines(plan: &Plan, standing: &Standing) -> Vec<String> {
    let mut titles: Vec<String> = plan.cases.iter().map(Case::title).collect();
    let mut seen = BTreeSet::new();
    titles.retain(|title| seen.insert(title.clone()));
    let line = |title: &String| {
        let of_title = plan.cases.iter().enumerate().filter(|(_, case)| case.title() == *title);
        let times = of_title.map(|(index, case)| {
            let count = match case.inner_nthread {
                0 | 1 => case.nthread.to_string(),
                inner => format!("{}×{inner}", case.nthread),
            };
            let values = standing.visits.round_values(index);
            format!("{count}: {}", median(&values).map_or("failed".to_string(), time))
        });
        wrap(&shorten(title), &times.collect::<Vec<_>>())
    };
    titles.iter().map(line).collect()
}

/// A title that is not wider than its times.
fn shorten(title: &str) -> String {
    match title.char_indices().nth(TITLE_CHARS) {
        None => title.to_string(),
        Some((end, _)) => format!("{}…", &title[..end]),
    }
}

/// Items behind a title, on as many lines as they need.
fn wrap(title: &str, items: &[String]) -> String {
    let mut text = title.to_string();
    let mut width = title.chars().count();
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let more = comma.len() + 1 + item.chars().count();
        if width + more > LINE_CHARS {
            text += &format!("{comma}\n    {item}");
            width = 3 + more;
        } else {
            text += &format!("{comma} {item}");
            width += more;
        }
    }
    text
}

/// Nanoseconds in words.
fn time(ns: f64) -> String {
    format_time(super::calibrate::duration(ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_counts_are_wrapped_and_long_titles_cut() {
        let items: Vec<String> = (1..=20).map(|n| format!("{n}: 20.1 s")).collect();
        let text = wrap(&shorten(&"x".repeat(200)), &items);
        assert!(text.lines().all(|line| line.chars().count() <= LINE_CHARS), "{text}");
        assert!(
            text.starts_with(&format!("{}… 1: 20.1 s, 2: ", "x".repeat(TITLE_CHARS))),
            "{text}"
        );
        assert_eq!(text.matches(": 20.1 s").count(), 20);
        assert_eq!(wrap("a", &items[..2]), "a 1: 20.1 s, 2: 20.1 s");
    }
}
