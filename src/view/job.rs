//! One job as every output shows it: title, baseline, series, winner and notes.

use super::nouns::{Nouns, baseline_name, job_title, nouns};
use super::number::digits;
use super::shortfall::shortfall;
use super::table::time;
use super::text::{machine, usable_cpus};
use crate::analysis::{
    CONFIDENCE, CaseSummary, Job, Ranking, Series, Summary, has_inner, jobs, series_at_best_inner,
};
use crate::quantity::pluralize;
use crate::stats::median_ranks;

/// The mark of a case with more threads than usable CPUs.
pub const OVERSUBSCRIBED: &str = "*";

/// The mark of cases and counts that are statistically indistinguishable.
pub const INDISTINGUISHABLE: &str = "≈";

/// A job of a run.
pub struct JobView<'a> {
    pub summary: &'a Summary,
    pub job: Job<'a>,
    /// The nouns of the run's target.
    pub nouns: Nouns,
    pub ranking: Option<&'a Ranking>,
    /// The series of the short table. Of several that differ only in the threads inside their
    /// workers, it has the best. Series with an interval come first, those without data last.
    pub series: Vec<Series<'a>>,
    /// True if some worker has threads inside it.
    pub has_inner: bool,
}

/// The jobs of a run.
pub fn job_views(summary: &Summary) -> Vec<JobView<'_>> {
    jobs(summary).into_iter().map(|job| JobView::new(summary, job)).collect()
}

impl<'a> JobView<'a> {
    /// The view of a job of `summary`.
    pub fn new(summary: &'a Summary, job: Job<'a>) -> JobView<'a> {
        let mut series = series_at_best_inner(&job);
        series.sort_by_key(|series| match series.best() {
            Some(case) if case.speedup_low.is_some() => 0,
            Some(_) => 1,
            None => 2,
        });
        let (nouns, ranking) = (nouns(summary.target()), summary.ranking_of(&job));
        let has_inner = has_inner(&job);
        JobView { summary, job, nouns, ranking, series, has_inner }
    }

    /// The title of the job: `pi, 1,000 draws a call`.
    pub fn title(&self) -> String {
        job_title(self.summary.target(), &self.job)
    }

    /// The title, and the machine.
    pub fn heading(&self) -> String {
        format!("{}, {}", self.title(), machine(self.summary))
    }

    /// The baseline with its absolute time, without which a speedup says nothing.
    pub fn baseline(&self) -> String {
        let Some(case) = self.job.baseline() else { return "none".to_string() };
        let name = baseline_name(case);
        if case.median_ns.is_none() {
            return format!("{name} has no valid visit: no speedups");
        }
        let level = median_ranks(case.rounds, CONFIDENCE)
            .map_or(String::new(), |(.., level)| format!(", intervals of {:.1}%", 100.0 * level));
        // A name of several words ends with a colon.
        let colon = if case.case.is_baseline() { "" } else { ":" };
        let over = match case.case.threads() {
            _ if self.has_own_scaling() => format!(
                "; eff. is that of each {} over itself at its smallest count",
                self.nouns.one
            ),
            0 | 1 => String::new(),
            count => format!("; speedup is over {count} threads, eff. is speedup · {count} / n"),
        };
        format!("{name}{colon} {}; {}{level}{over}", time(case), pluralize(case.rounds, "round"))
    }

    /// True if there are several commands or functions, and the speedup of one over itself at its
    /// smallest count differs from that over the baseline.
    pub fn has_own_scaling(&self) -> bool {
        self.series.len() > 1
            && self
                .job
                .cases
                .iter()
                .any(|it| it.own_speedup.is_some() && it.reference != it.baseline)
    }

    /// The best case of each series that was measured.
    pub fn best(&self) -> Vec<&'a CaseSummary> {
        self.series.iter().filter_map(Series::best).collect()
    }

    /// The rows of the short table: the best case of each series, or its first if none was
    /// measured. An only command or function has a row for each count.
    pub fn best_rows(&self) -> Vec<&'a CaseSummary> {
        if let [series] = &self.series[..]
            && !self.nouns.has_workers
        {
            return series.cases.clone();
        }
        self.series.iter().map(|series| series.best().unwrap_or(series.cases[0])).collect()
    }

    /// The case with the highest speedup of the short table.
    pub fn fastest(&self) -> Option<&'a CaseSummary> {
        self.best().into_iter().max_by(|a, b| a.score().total_cmp(&b.score()))
    }

    /// The row of the short table with the recommended case, or with the highest speedup.
    pub fn winning_row(&self) -> Option<usize> {
        let recommended = self.ranking.and_then(|ranking| ranking.recommendation.as_ref());
        let winner =
            recommended.map_or_else(|| self.fastest().map(|it| it.index), |it| Some(it.case));
        self.best_rows().iter().position(|case| Some(case.index) == winner)
    }

    /// The note on the mark [`OVERSUBSCRIBED`].
    pub fn oversubscribed_note(&self) -> String {
        format!("{OVERSUBSCRIBED} more threads than the {}", usable_cpus(self.summary))
    }

    /// The speedups with the excluded pairs, of the best cases that have such pairs.
    pub fn all_pairs_note(&self) -> Option<String> {
        let figures: Vec<String> = self
            .best()
            .into_iter()
            .filter(|case| case.pairs_all > case.pairs)
            .filter_map(|case| Some(format!("{} {}", case.case.title(), digits(case.speedup_all?))))
            .collect();
        (!figures.is_empty())
            .then(|| format!("speedup including the excluded pairs: {}", figures.join(", ")))
    }

    /// The power of the comparison with the fastest, and the rounds that a ranking needs.
    pub fn power_notes(&self) -> Vec<String> {
        let Some(ranking) = self.ranking else { return Vec::new() };
        let mut notes = Vec::new();
        if let Some(effect) = ranking.smallest_effect {
            notes.push(format!(
                "smallest difference to the fastest that is detected with 80% power: {}%, for any \
                 {} ({} rounds in common)",
                digits(100.0 * effect),
                self.nouns.one,
                ranking.rounds
            ));
        }
        if let (Some(count), Some(needed)) = (ranking.ranked_nthread, ranking.rounds_needed) {
            let inner = ranking.ranked_inner_nthread.filter(|inner| *inner > 1);
            let count = inner.map_or(count.to_string(), |inner| format!("{count} × {inner}"));
            notes.push(format!(
                "a pairwise ranking of all {} at n = {count} needs {needed} rounds",
                self.nouns.many
            ));
        }
        notes
    }

    /// The set of the fastest cases: each backend with its thread counts, "a at 1, 2; b at 2".
    pub fn fastest_set(&self) -> Option<String> {
        let fastest = &self.ranking?.fastest;
        let mut names: Vec<(String, Vec<String>)> = Vec::new();
        for case in fastest.iter().filter_map(|case| self.summary.cases.get(*case)) {
            let (name, count) = (case.case.title(), case.case.count_text());
            match names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, counts)) => counts.push(count),
                None => names.push((name, vec![count])),
            }
        }
        let names: Vec<String> =
            names.iter().map(|(name, counts)| format!("{name} at {}", counts.join(", "))).collect();
        (!names.is_empty()).then(|| names.join("; "))
    }

    /// The reasons of the cases that fall short, the lowest efficiency first.
    pub fn shortfalls(cases: &[&CaseSummary]) -> Vec<String> {
        let mut short: Vec<(f64, String)> =
            cases.iter().filter_map(|case| Some((case.efficiency?, shortfall(case)?))).collect();
        short.sort_by(|one, other| one.0.total_cmp(&other.0));
        short.into_iter().map(|(_, text)| text).collect()
    }
}
