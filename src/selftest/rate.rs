//! Rate of an event, with its interval.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::analysis::CONFIDENCE;
use crate::stats::{Interval, clopper_pearson};

/// Rate of an event in a number of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Trials with the event.
    pub hits: u64,
    /// All trials.
    pub of: u64,
}

impl Rate {
    /// Counts one more trial.
    pub fn count(&mut self, happened: bool) {
        self.hits += u64::from(happened);
        self.of += 1;
    }

    /// Share of trials with the event; `None` without trials.
    pub fn share(&self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Clopper–Pearson interval at the nominal level.
    pub fn interval(&self) -> Option<Interval> {
        clopper_pearson(self.hits, self.of, CONFIDENCE)
    }
}

/// Percentage with its interval: `4.7% [3.8, 5.7]`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(share), Some(interval)) = (self.share(), self.interval()) else {
            return f.pad("–");
        };
        let [share, low, high] = [share, interval.low, interval.high].map(|it| it * 100.0);
        f.pad(&format!("{share:.1}% [{low:.1}, {high:.1}]"))
    }
}

/// Object with `hits`, `of`, `share`, `low` and `high`.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let interval = self.interval();
        let mut object = serializer.serialize_struct("Rate", 5)?;
        object.serialize_field("hits", &self.hits)?;
        object.serialize_field("of", &self.of)?;
        object.serialize_field("share", &self.share())?;
        object.serialize_field("low", &interval.map(|it| it.low))?;
        object.serialize_field("high", &interval.map(|it| it.high))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_shown_with_its_interval() {
        assert_eq!(Rate { hits: 500, of: 10_000 }.to_string(), "5.0% [4.6, 5.4]");
        assert_eq!(Rate::default().to_string(), "–");
        let json = serde_json::to_value(Rate { hits: 0, of: 10 }).expect("plain data");
        assert_eq!((json["hits"].as_u64(), json["low"].as_f64()), (Some(0), Some(0.0)));
    }

    #[test]
    fn trials_and_events_are_counted() {
        let mut rate = Rate::default();
        [true, false, true].into_iter().for_each(|happened| rate.count(happened));
        assert_eq!(rate, Rate { hits: 2, of: 3 });
    }
}
