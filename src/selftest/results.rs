//! Results of a self-test, as text and as JSON.

use std::fmt::Write as _;

use nix::sys::signal::Signal;
use serde::{Serialize, Serializer};

use super::rate::Rate;
use crate::backend::Backend as _;
use crate::backend::slowdown::InjectedSlowdown;
use crate::quantity::pluralize;
use crate::stats::{median, smallest_effect_of_width};
use crate::visits::CONFIDENCE;

/// Power at which a slowdown counts as detectable.
const POWER: f64 = 0.8;

/// Promised rate of false positives, at most.
const MAX_FALSE_POSITIVES: f64 = 0.05;

/// Results of all campaigns.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SelftestResults {
    /// Requested campaigns.
    pub campaigns_planned: u64,
    /// Finished campaigns.
    pub campaigns: u64,
    /// Rounds of each campaign.
    pub rounds: u32,
    /// Median time of a call of the baseline, in nanoseconds.
    pub call_ns: Option<f64>,
    /// Elapsed time, in seconds.
    pub elapsed_s: f64,
    /// Failed visits.
    pub failures: u64,
    /// Signal that interrupted the self-test.
    #[serde(serialize_with = "signal_name")]
    pub signal: Option<Signal>,
    /// Results of each injected slowdown, the smallest first.
    pub effects: Vec<Effect>,
    /// Smallest slowdown detected in at least 80% of the campaigns, in percent.
    #[serde(rename = "smallest_found_percent")]
    pub smallest_detected_percent: Option<f64>,
    /// Median time to measure the baseline and one case in a campaign, in seconds.
    pub pair_s: Option<f64>,
    /// Smallest significant difference after one minute of measuring the baseline and one
    /// case, in percent: the median half-width of the alias, scaled by the root of the time.
    pub percent_in_a_minute: Option<f64>,
    /// Smallest difference that 80% of campaigns would detect which measure the baseline and one
    /// case for ten seconds, in percent, scaled likewise.
    pub detected_in_ten_seconds_percent: Option<f64>,
    #[serde(skip)]
    calls_ns: Vec<f64>,
    #[serde(skip)]
    pairs_s: Vec<f64>,
}

/// Results of one injected slowdown.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Effect {
    /// Name of the backend.
    pub backend: &'static str,
    /// Injected slowdown of its calls, in percent.
    pub injected_percent: u32,
    /// Campaigns whose interval shows a slowdown; without an injected one, any difference.
    #[serde(rename = "found")]
    pub detected: Rate,
    /// Median of the measured slowdowns, in percent.
    pub slowdown_percent: Option<f64>,
    /// Median of the relative half-widths of the intervals, in percent.
    pub half_width_percent: Option<f64>,
    #[serde(skip)]
    slowdowns: Vec<f64>,
    #[serde(skip)]
    half_widths: Vec<f64>,
}

/// Speedup of a case in one campaign, with its interval.
#[derive(Clone, Copy, Debug)]
pub struct SpeedupInterval {
    /// Speedup: baseline / case.
    pub speedup: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}

impl SelftestResults {
    /// Results before the first campaign.
    pub fn new(slowdowns: &[InjectedSlowdown], campaigns: u64, rounds: u32) -> SelftestResults {
        let mut results =
            SelftestResults { campaigns_planned: campaigns, rounds, ..SelftestResults::default() };
        for slowdown in slowdowns {
            let (backend, injected_percent) = (slowdown.name(), slowdown.percent);
            results.effects.push(Effect { backend, injected_percent, ..Effect::default() });
        }
        results
    }

    /// Adds a campaign: the time of the baseline's call in nanoseconds, the duration of the
    /// rounds in seconds, and the speedup of each backend.
    pub fn add(
        &mut self,
        call_ns: Option<f64>,
        rounds_s: f64,
        speedup_of: impl Fn(&str) -> Option<SpeedupInterval>,
    ) {
        self.campaigns += 1;
        self.calls_ns.extend(call_ns);
        // The baseline and one case are two of all visited cases.
        self.pairs_s.push(rounds_s * 2.0 / (self.effects.len() + 1) as f64);
        for effect in &mut self.effects {
            effect.add(speedup_of(effect.backend));
        }
        self.call_ns = median(&self.calls_ns);
        self.pair_s = median(&self.pairs_s);
        self.smallest_detected_percent = self
            .effects
            .iter()
            .find(|it| it.injected_percent > 0 && it.detected.share() >= Some(POWER))
            .map(|effect| f64::from(effect.injected_percent));
        let half_width = self.alias().and_then(|alias| alias.half_width_percent).zip(self.pair_s);
        // The half-width falls with the root of the time.
        let after = |limit_s: f64| {
            half_width.map(|(percent, seconds)| percent * (seconds / limit_s).sqrt())
        };
        self.percent_in_a_minute = after(60.0);
        self.detected_in_ten_seconds_percent =
            after(10.0).and_then(|percent| smallest_effect_of_width(percent, CONFIDENCE));
    }

    /// Results of the alias: the case without an injected slowdown.
    fn alias(&self) -> Option<&Effect> {
        self.effects.iter().find(|effect| effect.injected_percent == 0)
    }

    /// True if no visit failed, and the rate of false positives is not significantly above
    /// the promised one.
    pub fn passed(&self) -> bool {
        let low = self.alias().and_then(|alias| alias.detected.interval()).map(|it| it.low);
        self.failures == 0 && low.is_none_or(|low| low <= MAX_FALSE_POSITIVES)
    }

    /// A table and a few sentences.
    pub fn text(&self) -> String {
        let minutes = self.elapsed_s / 60.0;
        let call =
            self.call_ns.map_or(String::new(), |ns| format!(", calls of {:.1} ms", ns / 1e6));
        let mut text = format!(
            "{} of {} campaigns of {} rounds{call}, in {minutes:.1} min\n\n\
             injected  called different [95% interval]  slower by (median)  half-width (median)\n",
            self.campaigns, self.campaigns_planned, self.rounds,
        );
        for effect in &self.effects {
            text.push_str(&effect.line());
        }
        text.push('\n');
        if let Some(alias) = self.alias().filter(|_| self.campaigns > 0) {
            let _ = writeln!(
                text,
                "equal cases were called different in {} of the campaigns; at most 5% is promised",
                alias.detected
            );
        }
        let _ = match self.smallest_detected_percent {
            Some(percent) => {
                writeln!(text, "smallest slowdown detected in 80% of the campaigns: {percent}%")
            }
            None => writeln!(text, "no slowdown was detected in 80% of the campaigns"),
        };
        if let Some((seconds, percent)) = self.pair_s.zip(self.percent_in_a_minute) {
            let _ = writeln!(
                text,
                "a campaign measures two cases in {seconds:.2} s; in one minute, a difference of \
                 {percent:.2}% would be significant, if the half-width falls with the root of time"
            );
        }
        if let Some(percent) = self.detected_in_ten_seconds_percent {
            let _ = writeln!(
                text,
                "with 10 s for two cases, 80% of campaigns would detect a difference of {percent:.2}%"
            );
        }
        if self.failures > 0 {
            let _ = writeln!(text, "{} FAILED", pluralize(self.failures, "visit"));
        }
        text
    }
}

impl Effect {
    /// Adds a campaign. One without an interval detects nothing.
    fn add(&mut self, speedup: Option<SpeedupInterval>) {
        let Some(SpeedupInterval { speedup, low, high }) = speedup else {
            return self.detected.count(false);
        };
        // A slowed case that is measured as faster is an error, not a detection.
        let is_slower = high < 1.0;
        let is_faster = low > 1.0;
        self.detected.count(is_slower || (is_faster && self.injected_percent == 0));
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
        let width = self.half_width_percent.map_or("–".to_string(), |it| format!("±{it:.2}%"));
        let detected = self.detected.to_string();
        format!("{injected:<8}  {detected:<31}  {slowdown:<18}  {width}\n")
    }
}

/// Serializes a signal as its name, or null.
fn signal_name<S: Serializer>(signal: &Option<Signal>, serializer: S) -> Result<S::Ok, S::Error> {
    signal.map(Signal::as_str).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::slowdown::INJECTED_SLOWDOWNS;

    /// Ten campaigns that detect slowdowns of 2% or more, with one false positive.
    fn results() -> SelftestResults {
        let mut results = SelftestResults::new(&INJECTED_SLOWDOWNS, 20, 12);
        for campaign in 0..10 {
            results.add(Some(6e6), 1.5, |name| {
                let effect = INJECTED_SLOWDOWNS.iter().find(|it| it.name() == name)?;
                let shift = if campaign == 3 { 0.02 } else { 0.0 };
                let speedup = 1.0 / (1.0 + f64::from(effect.percent) / 100.0) + shift;
                Some(SpeedupInterval { speedup, low: speedup - 0.015, high: speedup + 0.015 })
            });
        }
        results
    }

    #[test]
    fn detections_are_counted_and_slowdowns_are_medians() {
        let results = results();
        let detected: Vec<u64> = results.effects.iter().map(|it| it.detected.hits).collect();
        assert_eq!(detected, [1, 0, 9, 10]);
        assert_eq!(results.smallest_detected_percent, Some(2.0));
        let two = results.effects[2].slowdown_percent.expect("campaigns");
        assert!((two - 2.0).abs() < 1e-9);
        // 12 rounds of two of five cases took 0.6 s, with a half-width of 1.5%.
        let in_a_minute = results.percent_in_a_minute.expect("campaigns");
        assert!((in_a_minute - 0.15).abs() < 1e-9, "{in_a_minute}");
        // A half-width of 0.367% in ten seconds, times (1.96 + 0.84) / 1.96.
        let in_ten = results.detected_in_ten_seconds_percent.expect("campaigns");
        assert!((in_ten - 0.525).abs() < 1e-3, "{in_ten}");
        assert!(results.passed());
    }

    #[test]
    fn a_slowdown_measured_as_a_speedup_is_not_detected() {
        let mut results = SelftestResults::new(&INJECTED_SLOWDOWNS, 1, 12);
        results.add(None, 1.0, |_| Some(SpeedupInterval { speedup: 1.1, low: 1.05, high: 1.15 }));
        assert_eq!(results.effects.iter().map(|it| it.detected.hits).sum::<u64>(), 1);
    }

    #[test]
    fn too_many_false_positives_or_a_failure_do_not_pass() {
        let mut results = results();
        results.failures = 1;
        assert!(!results.passed() && results.text().contains("1 visit FAILED"));
        let mut biased = SelftestResults::new(&INJECTED_SLOWDOWNS, 9, 12);
        for _ in 0..9 {
            biased.add(None, 1.0, |_| Some(SpeedupInterval { speedup: 0.9, low: 0.8, high: 0.95 }));
        }
        assert!(!biased.passed());
    }

    #[test]
    fn text_and_json_say_the_same() {
        let results = results();
        let text = results.text();
        assert!(text.contains("10 of 20 campaigns of 12 rounds, calls of 6.0 ms"), "{text}");
        assert!(text.contains("2%        90.0% [55.5, 99.7]"), "{text}");
        let json = serde_json::to_value(&results).expect("plain data");
        assert_eq!(json["effects"][2]["found"]["hits"], 9);
        assert_eq!(json["effects"][0]["injected_percent"], 0);
        assert_eq!(json["signal"], serde_json::Value::Null);
    }
}
