//! What the campaigns of a self-test found, in words and as JSON.

use std::fmt::Write as _;

use nix::sys::signal::Signal;
use serde::{Serialize, Serializer};

use super::rate::Rate;
use crate::backend::Backend as _;
use crate::backend::slowdown::InjectedSlowdown;
use crate::stats::median;

/// An effect that is found in this share of campaigns is found.
const POWER: f64 = 0.8;

/// Equal things may be called different this often.
const PROMISED: f64 = 0.05;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Campaigns that were asked for.
    pub campaigns_planned: u64,
    /// Campaigns that were finished.
    pub campaigns: u64,
    /// Rounds of each.
    pub rounds: u32,
    /// Median time of a call of the baseline, in nanoseconds.
    pub call_ns: Option<f64>,
    /// What all of it took, in seconds.
    pub elapsed_s: f64,
    /// Visits that failed.
    pub failures: u64,
    /// The signal that ended it early.
    #[serde(serialize_with = "signal_name")]
    pub signal: Option<Signal>,
    /// One for each handicap, the smallest first.
    pub effects: Vec<Effect>,
    /// The smallest handicap that was found in at least 80% of the campaigns, in
    /// percent.
    pub smallest_found_percent: Option<f64>,
    /// How long a campaign measured the baseline and one case, in seconds: a
    /// median.
    pub pair_s: Option<f64>,
    /// The smallest difference that can be told from none in a minute of
    /// measuring the baseline and one case, in percent: the alias's median
    /// half-width, by the root of the time.
    pub percent_in_a_minute: Option<f64>,
    #[serde(skip)]
    calls_ns: Vec<f64>,
    #[serde(skip)]
    pairs_s: Vec<f64>,
}

/// What was found of a handicap.
#[derive(Clone, Debug, Serialize)]
pub struct Effect {
    /// The backend.
    pub backend: &'static str,
    /// By so much its calls take longer, in percent.
    pub injected_percent: u32,
    /// Campaigns whose interval said that it is slower; where nothing was
    /// injected, that it is slower or faster.
    pub found: Rate,
    /// By so much it was found to be slower, in percent: a median.
    pub slowdown_percent: Option<f64>,
    /// Half the width of its interval, in percent of the ratio: a median.
    pub half_width_percent: Option<f64>,
    #[serde(skip)]
    slowdowns: Vec<f64>,
    #[serde(skip)]
    half_widths: Vec<f64>,
}

/// What a campaign says of a case: baseline / case, with its interval.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The ratio.
    pub speedup: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

impl Findings {
    /// Nothing was found yet.
    pub fn of(handicaps: &[InjectedSlowdown], campaigns: u64, rounds: u32) -> Findings {
        let effect = |handicap: &InjectedSlowdown| Effect {
            backend: handicap.name(),
            injected_percent: handicap.percent,
            found: Rate::default(),
            slowdown_percent: None,
            half_width_percent: None,
            slowdowns: Vec::new(),
            half_widths: Vec::new(),
        };
        Findings {
            campaigns_planned: campaigns,
            campaigns: 0,
            rounds,
            call_ns: None,
            elapsed_s: 0.0,
            failures: 0,
            signal: None,
            effects: handicaps.iter().map(effect).collect(),
            smallest_found_percent: None,
            pair_s: None,
            percent_in_a_minute: None,
            calls_ns: Vec::new(),
            pairs_s: Vec::new(),
        }
    }

    /// Takes up a campaign: the time of the baseline's call in nanoseconds, how
    /// long the rounds lasted in seconds, and what it says of each backend.
    pub fn take(
        &mut self,
        call_ns: Option<f64>,
        rounds_s: f64,
        verdict: impl Fn(&str) -> Option<Verdict>,
    ) {
        self.campaigns += 1;
        self.calls_ns.extend(call_ns);
        // The baseline and one case are two of all cases that were visited.
        self.pairs_s.push(rounds_s * 2.0 / (self.effects.len() + 1) as f64);
        for effect in &mut self.effects {
            effect.take(verdict(effect.backend));
        }
        self.call_ns = median(&self.calls_ns);
        self.pair_s = median(&self.pairs_s);
        let is_found = |it: &&Effect| it.injected_percent > 0 && it.found.share() >= Some(POWER);
        self.smallest_found_percent =
            self.effects.iter().find(is_found).map(|it| f64::from(it.injected_percent));
        self.percent_in_a_minute = self
            .alias()
            .and_then(|alias| alias.half_width_percent)
            .zip(self.pair_s)
            .map(|(percent, seconds)| percent * (seconds / 60.0).sqrt());
    }

    /// The case to which nothing was injected.
    fn alias(&self) -> Option<&Effect> {
        self.effects.iter().find(|effect| effect.injected_percent == 0)
    }

    /// Whether no visit failed, and equal things were not called different more
    /// often than was promised, as far as the campaigns can tell.
    pub fn is_well(&self) -> bool {
        let low = self.alias().and_then(|alias| alias.found.interval()).map(|it| it.low);
        self.failures == 0 && low.is_none_or(|low| low <= PROMISED)
    }

    /// As a table and a few sentences.
    pub fn text(&self) -> String {
        let minutes = self.elapsed_s / 60.0;
        let call =
            self.call_ns.map_or(String::new(), |ns| format!(", calls of {:.1} ms", ns / 1e6));
        let mut text = format!(
            "{} of {} campaigns of {} rounds{call}, in {minutes:.1} min\n\n\
             injected  called different [95% interval]  slower by (median)  known to (median)\n",
            self.campaigns, self.campaigns_planned, self.rounds,
        );
        for effect in &self.effects {
            text.push_str(&effect.line());
        }
        text.push('\n');
        if let Some(alias) = self.alias().filter(|_| self.campaigns > 0) {
            let _ = writeln!(
                text,
                "equal things were called different in {} of campaigns; 5% is promised",
                alias.found
            );
        }
        let _ = match self.smallest_found_percent {
            Some(percent) => {
                writeln!(text, "the smallest slowdown found in 80% of the campaigns: {percent}%")
            }
            None => writeln!(text, "no slowdown was found in 80% of the campaigns"),
        };
        if let Some((seconds, percent)) = self.pair_s.zip(self.percent_in_a_minute) {
            let _ = writeln!(
                text,
                "a campaign measures two cases in {seconds:.2} s; a minute of that would tell a \
                 difference of {percent:.2}% from none, if precision grows with the root of time"
            );
        }
        if self.failures > 0 {
            let _ = writeln!(text, "{} visits FAILED", self.failures);
        }
        text
    }
}

impl Effect {
    /// A campaign without an interval found nothing.
    fn take(&mut self, verdict: Option<Verdict>) {
        let Some(Verdict { speedup, low, high }) = verdict else {
            return self.found.count(false);
        };
        let is_slower = high < 1.0;
        let is_faster = low > 1.0;
        self.found.count(is_slower || (is_faster && self.injected_percent == 0));
        self.slowdowns.push((1.0 / speedup - 1.0) * 100.0);
        self.half_widths.push((high - low) / (2.0 * speedup) * 100.0);
        self.slowdown_percent = median(&self.slowdowns);
        self.half_width_percent = median(&self.half_widths);
    }

    fn line(&self) -> String {
        let injected = match self.injected_percent {
            0 => "nothing".to_string(),
            percent => format!("{percent}%"),
        };
        let slowdown = self.slowdown_percent.map_or("–".to_string(), |it| format!("{it:+.2}%"));
        let known = self.half_width_percent.map_or("–".to_string(), |it| format!("±{it:.2}%"));
        let found = self.found.to_string();
        format!("{injected:<8}  {found:<31}  {slowdown:<18}  {known}\n")
    }
}

/// As `SIGINT`, or null.
fn signal_name<S: Serializer>(signal: &Option<Signal>, serializer: S) -> Result<S::Ok, S::Error> {
    signal.map(Signal::as_str).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::slowdown::INJECTED_SLOWDOWNS;

    /// Ten campaigns in which a handicap of 2% or more is always found, and the
    /// alias once.
    fn findings() -> Findings {
        let mut findings = Findings::of(&INJECTED_SLOWDOWNS, 20, 12);
        for campaign in 0..10 {
            findings.take(Some(6e6), 1.5, |name| {
                let effect = INJECTED_SLOWDOWNS.iter().find(|it| it.name() == name)?;
                let shift = if campaign == 3 { 0.02 } else { 0.0 };
                let speedup = 1.0 / (1.0 + f64::from(effect.percent) / 100.0) + shift;
                Some(Verdict { speedup, low: speedup - 0.015, high: speedup + 0.015 })
            });
        }
        findings
    }

    #[test]
    fn what_was_found_is_counted_and_its_middle_taken() {
        let findings = findings();
        let found: Vec<u64> = findings.effects.iter().map(|effect| effect.found.hits).collect();
        assert_eq!(found, [1, 0, 9, 10]);
        assert_eq!(findings.smallest_found_percent, Some(2.0));
        let two = findings.effects[2].slowdown_percent.expect("campaigns");
        assert!((two - 2.0).abs() < 1e-9);
        // 12 rounds of two of five cases took .6 s, and knew the ratio to 1.5%.
        let in_a_minute = findings.percent_in_a_minute.expect("campaigns");
        assert!((in_a_minute - 0.15).abs() < 1e-9, "{in_a_minute}");
        assert!(findings.is_well());
    }

    #[test]
    fn a_slower_thing_that_is_called_faster_was_not_found() {
        let mut findings = Findings::of(&INJECTED_SLOWDOWNS, 1, 12);
        findings.take(None, 1.0, |_| Some(Verdict { speedup: 1.1, low: 1.05, high: 1.15 }));
        assert_eq!(findings.effects.iter().map(|it| it.found.hits).sum::<u64>(), 1);
    }

    #[test]
    fn more_false_alarms_than_promised_or_a_failure_are_not_well() {
        let mut findings = findings();
        findings.failures = 1;
        assert!(!findings.is_well() && findings.text().contains("1 visits FAILED"));
        let mut alarming = Findings::of(&INJECTED_SLOWDOWNS, 9, 12);
        for _ in 0..9 {
            alarming.take(None, 1.0, |_| Some(Verdict { speedup: 0.9, low: 0.8, high: 0.95 }));
        }
        assert!(!alarming.is_well());
    }

    #[test]
    fn text_and_json_say_the_same() {
        let findings = findings();
        let text = findings.text();
        assert!(text.contains("10 of 20 campaigns of 12 rounds, calls of 6.0 ms"), "{text}");
        assert!(text.contains("2%        90.0% [55.5, 99.7]"), "{text}");
        let json = serde_json::to_value(&findings).expect("plain data");
        assert_eq!(json["effects"][2]["found"]["hits"], 9);
        assert_eq!(json["effects"][0]["injected_percent"], 0);
        assert_eq!(json["signal"], serde_json::Value::Null);
    }
}
