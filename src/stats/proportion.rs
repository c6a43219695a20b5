//! Exact interval of a binomial proportion.

use statrs::distribution::{Beta, ContinuousCDF as _};

use super::Interval;

/// Interval of Clopper and Pearson (1934) of the probability of a success, from the number
/// of `successes` in independent `trials`. Its coverage is at least `confidence` for any
/// probability. `None` without trials, with more successes than trials, or for a confidence
/// outside 0 to 1.
pub fn clopper_pearson(successes: u64, trials: u64, confidence: f64) -> Option<Interval> {
    if trials == 0 || successes > trials || !(0.0..1.0).contains(&confidence) {
        return None;
    }
    let tail = (1.0 - confidence) / 2.0;
    let failures = trials - successes;
    let low = match successes {
        0 => 0.0,
        _ => beta_quantile(successes, failures + 1, tail)?,
    };
    let high = match failures {
        0 => 1.0,
        _ => beta_quantile(successes + 1, failures, 1.0 - tail)?,
    };
    Some(Interval { low, high, level: confidence })
}

fn beta_quantile(a: u64, b: u64, p: f64) -> Option<f64> {
    Beta::new(a as f64, b as f64).ok().map(|beta| beta.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::assert_close;

    #[test]
    fn intervals_are_those_of_scipys_exact_proportion_ci() {
        let published = [
            (0, 10, 0.0, 0.30849710781876294),
            (1, 10, 0.0025285785444625728, 0.44501611702819543),
            (7, 20, 0.1539092047845412, 0.5921885345328283),
            (103, 2000, 0.04222751211172638, 0.06211338604462719),
            (2000, 2000, 0.9981572602063068, 1.0),
            (500, 10000, 0.045809942198770603, 0.054454527028358866),
        ];
        for (successes, trials, low, high) in published {
            let found = clopper_pearson(successes, trials, 0.95).expect("a rate");
            assert_close(found.low, low);
            assert_close(found.high, high);
        }
    }

    #[test]
    fn an_impossible_proportion_has_no_interval() {
        assert_eq!(clopper_pearson(0, 0, 0.95), None);
        assert_eq!(clopper_pearson(3, 2, 0.95), None);
        assert_eq!(clopper_pearson(1, 2, 1.5), None);
    }
}
