//! Counts, percentages and times as text: parsed from a command line (`1e8`, `2^30`, `90s`, `1%`)
//! and formatted for people.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

/// The longest duration, about 136 years, so that adding one to a clock never overflows.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

const COUNT_EXAMPLE: &str = "100_000_000, 1e8 or 2^30";
const PERCENT_EXAMPLE: &str = "1% or 0.5%";
const DURATION_EXAMPLE: &str = "90s, 1.5 (seconds) or 2min";

/// The names of the units of a duration, and their lengths in seconds.
const UNITS: [(&[&str], f64); 6] = [
    (&["h", "hr", "hrs", "hour", "hours"], 3600.0),
    (&["m", "min", "mins", "minute", "minutes"], 60.0),
    (&["s", "sec", "secs", "second", "seconds"], 1.0),
    (&["ms", "msec", "msecs", "millis", "milli", "millisecond", "milliseconds"], 1e-3),
    (&["us", "µs", "μs", "usec", "usecs", "micros", "micro", "microsecond", "microseconds"], 1e-6),
    (&["ns", "nsec", "nsecs", "nanos", "nano", "nanosecond", "nanoseconds"], 1e-9),
];

/// An error in a number: the text, its cause and correct examples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} {cause}; write for example {example}")]
pub struct NumberError {
    /// The text of the number.
    pub part: String,
    /// The kind of error.
    pub cause: NumberCause,
    /// Correct numbers of the same kind.
    pub example: &'static str,
}

/// The kinds of errors in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberCause {
    /// An empty text.
    #[error("is empty")]
    Empty,
    /// The number zero where a positive one is needed.
    #[error("is zero")]
    Zero,
    /// A negative number.
    #[error("is negative")]
    Negative,
    /// A fraction where a whole number is needed.
    #[error("is not a whole number")]
    Fraction,
    /// A number that does not fit its type.
    #[error("is too large")]
    Overflow,
    /// Text that is not a number.
    #[error("is not a number")]
    NotNumber,
    /// Text that is not a duration.
    #[error("is not a duration")]
    NotDuration,
    /// Text that is not a percentage above 0 and up to 100.
    #[error("is not a percentage above 0% and up to 100%")]
    NotPercent,
}

/// Parses a positive whole number: `100_000_000`, `1e8`, `1.5e6` or `2^30`.
pub fn parse_count(text: &str) -> Result<u64, NumberError> {
    let part = text.trim();
    count_value(part).map_err(|cause| NumberError {
        part: part.to_owned(),
        cause,
        example: COUNT_EXAMPLE,
    })
}

/// Parses a comma-separated list of counts; the result is sorted and without duplicates.
pub fn parse_counts(text: &str) -> Result<Vec<u64>, NumberError> {
    let mut counts = text.split(',').map(parse_count).collect::<Result<Vec<u64>, NumberError>>()?;
    counts.sort_unstable();
    counts.dedup();
    Ok(counts)
}

/// Parses a percentage above 0 and up to 100 as a share: `1%` is 0.01, `0.5 %` is 0.005.
///
/// # Errors
/// If the text is not a number, the sign is missing, or the value is out of range.
pub fn parse_percent(text: &str) -> Result<f64, NumberError> {
    let part = text.trim();
    let digits = part.strip_suffix('%').map(str::trim_end);
    let is_plain = |digits: &&str| digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let percent = digits.filter(is_plain).and_then(|digits| digits.parse::<f64>().ok());
    match percent.filter(|percent| *percent > 0.0 && *percent <= 100.0) {
        Some(percent) => Ok(percent / 100.0),
        None => Err(NumberError {
            part: part.to_owned(),
            cause: NumberCause::NotPercent,
            example: PERCENT_EXAMPLE,
        }),
    }
}

/// Parses a duration: `90s`, `2min`, `1m 30s`, `500ms`, `1h`; a plain number is in seconds.
pub fn parse_duration(text: &str) -> Result<Duration, NumberError> {
    let part = text.trim();
    duration_value(part).map_err(|cause| NumberError {
        part: part.to_owned(),
        cause,
        example: DURATION_EXAMPLE,
    })
}

fn count_value(text: &str) -> Result<u64, NumberCause> {
    refuse_empty_and_negative(text)?;
    let value = match text.split_once('^') {
        Some((base, exponent)) => power(base, exponent)?,
        None => decimal(text)?,
    };
    match value {
        0 => Err(NumberCause::Zero),
        _ => Ok(value),
    }
}

fn refuse_empty_and_negative(text: &str) -> Result<(), NumberCause> {
    match text.strip_prefix('-') {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => {
            Err(NumberCause::Negative)
        }
        None if text.is_empty() => Err(NumberCause::Empty),
        _ => Ok(()),
    }
}

fn power(base: &str, exponent: &str) -> Result<u64, NumberCause> {
    let base = whole(&digits(base)?)?;
    let exponent = digits(exponent)?;
    match base {
        // Their powers never overflow; those of all other bases do long before 2^32.
        0 | 1 => Ok(base),
        _ => {
            let exponent = exponent.parse().map_err(|_| NumberCause::Overflow)?;
            base.checked_pow(exponent).ok_or(NumberCause::Overflow)
        }
    }
}

/// Parses `100_000`, `1e8` or `1.5e6` exactly, in integers only.
fn decimal(text: &str) -> Result<u64, NumberCause> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, digits(exponent)?),
        None => (text, "0".to_owned()),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (digits(integer)?, digits(fraction)?),
        None => (digits(mantissa)?, String::new()),
    };
    let fraction = fraction.trim_end_matches('0');
    let all_digits = integer + fraction;
    if all_digits.bytes().all(|digit| digit == b'0') {
        return Ok(0);
    }
    let exponent: u64 = exponent.parse().map_err(|_| NumberCause::Overflow)?;
    let zeros = exponent.checked_sub(fraction.len() as u64).ok_or(NumberCause::Fraction)?;
    let zeros = u32::try_from(zeros).map_err(|_| NumberCause::Overflow)?;
    10_u64
        .checked_pow(zeros)
        .and_then(|scale| whole(&all_digits).ok()?.checked_mul(scale))
        .ok_or(NumberCause::Overflow)
}

/// The digits of an integer without its separators, each of which must stand between two digits.
fn digits(text: &str) -> Result<String, NumberCause> {
    let groups: Vec<&str> = text.split('_').collect();
    let is_digits =
        |group: &&str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if groups.iter().all(is_digits) { Ok(groups.concat()) } else { Err(NumberCause::NotNumber) }
}

fn whole(digits: &str) -> Result<u64, NumberCause> {
    digits.parse().map_err(|_| NumberCause::Overflow)
}

fn duration_value(text: &str) -> Result<Duration, NumberCause> {
    refuse_empty_and_negative(text)?;
    let duration = if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let seconds: f64 = text.parse().map_err(|_| NumberCause::NotDuration)?;
        Duration::try_from_secs_f64(seconds).map_err(|_| NumberCause::Overflow)?
    } else if text.contains(':') {
        clock_time(text)?
    } else {
        sum_of_parts(text)?
    };
    match duration {
        Duration::ZERO => Err(NumberCause::Zero),
        _ if duration > LONGEST => Err(NumberCause::Overflow),
        _ => Ok(duration),
    }
}

/// Parses `h:mm:ss`, as job scripts have it; the seconds may have decimals.
fn clock_time(text: &str) -> Result<Duration, NumberCause> {
    let parts: Vec<&str> = text.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else { return Err(NumberCause::NotDuration) };
    let mut total = 0.0;
    for (part, unit, limit) in
        [(hours, 3600.0, f64::MAX), (minutes, 60.0, 60.0), (seconds, 1.0, 60.0)]
    {
        let is_number = part.starts_with(|first: char| first.is_ascii_digit());
        let value = part.parse().ok().filter(|value: &f64| is_number && *value < limit);
        total += unit * value.ok_or(NumberCause::NotDuration)?;
    }
    Duration::try_from_secs_f64(total).map_err(|_| NumberCause::Overflow)
}

/// Adds the parts of a duration, each a number and its unit.
fn sum_of_parts(text: &str) -> Result<Duration, NumberCause> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let unit = UNITS.iter().find(|(names, _)| names.contains(&name));
        let number = number.parse::<f64>().map_err(|_| NumberCause::NotDuration)?;
        seconds += number * unit.ok_or(NumberCause::NotDuration)?.1;
        rest = after.trim_start_matches([' ', ',']);
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| NumberCause::Overflow)
}

/// The current time in UTC as RFC 3339, to the second: `2026-01-31T09:30:00Z`.
pub fn utc_now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// The current time in UTC as part of a file name, to the second: `20260131T093000Z`.
pub fn utc_now_compact() -> String {
    utc_now().replace(['-', ':'], "")
}

/// A number with its noun: "1 case", "2 cases". The plural of the noun ends in s.
pub fn pluralize<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A share as a percentage with a fixed number of decimals: 5.0%.
pub fn format_percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}%", 100.0 * share)
}

/// A share as a percentage with at most two decimals, as few as needed: 5%, 2.5%.
pub fn format_percent_short(share: f64) -> String {
    // 100 × 0.07 is not exactly 7.
    format!("{}%", (share * 1e4).round() / 1e2)
}

/// A duration with three significant digits, in seconds, milliseconds or microseconds.
pub fn format_time(time: Duration) -> String {
    let (value, unit) = match time.as_secs_f64() {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    let decimals = match value {
        99.95.. => 0,
        9.995.. => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count_cause(text: &str) -> NumberCause {
        match parse_count(text) {
            Ok(count) => panic!("{text:?} was read as {count}"),
            Err(error) => error.cause,
        }
    }

    fn duration_cause(text: &str) -> NumberCause {
        match parse_duration(text) {
            Ok(duration) => panic!("{text:?} was read as {duration:?}"),
            Err(error) => error.cause,
        }
    }

    #[test]
    fn one_is_singular() {
        let runs = [0, 1, 2].map(|count| pluralize(count, "run"));
        assert_eq!(runs, ["0 runs", "1 run", "2 runs"]);
    }

    #[test]
    fn a_percentage_has_as_few_decimals_as_it_needs() {
        let shares = [0.07, 0.025, 0.003, 1.0];
        assert_eq!(shares.map(format_percent_short), ["7%", "2.5%", "0.3%", "100%"]);
        assert_eq!(format_percent(0.07, 1), "7.0%");
    }

    #[test]
    fn a_duration_has_three_significant_digits() {
        let times = [20_100_000_000, 1_000_000_000, 999_900_000, 12_340_000, 5678, 123];
        let texts = times.map(Duration::from_nanos).map(format_time);
        assert_eq!(texts, ["20.1 s", "1.00 s", "1000 ms", "12.3 ms", "5.68 µs", "0.12 µs"]);
    }

    #[test]
    fn a_count_has_several_notations() {
        assert_eq!(parse_count("100_000_000"), Ok(100_000_000));
        assert_eq!(parse_count("1e8"), Ok(100_000_000));
        assert_eq!(parse_count(" 1.5e6 "), Ok(1_500_000));
        assert_eq!(parse_count("1.50E1"), Ok(15));
        assert_eq!(parse_count("2^30"), Ok(1 << 30));
        assert_eq!(parse_count("2^63"), Ok(1 << 63));
        assert_eq!(parse_count("1^99999999999"), Ok(1));
        assert_eq!(parse_count("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(parse_count("1844674407370955161.5e1"), Ok(u64::MAX));
    }

    #[test]
    fn an_invalid_count_is_refused_with_its_cause() {
        for text in ["0", "0e5", "0.0", "0^3", "0e99999999999"] {
            assert_eq!(count_cause(text), NumberCause::Zero, "{text}");
        }
        for text in ["1.5", "1.25e1", "0.1"] {
            assert_eq!(count_cause(text), NumberCause::Fraction, "{text}");
        }
        for text in ["18446744073709551616", "2^64", "1e20", "1e99999999999", "1e5000000000"] {
            assert_eq!(count_cause(text), NumberCause::Overflow, "{text}");
        }
        for text in ["_1", "1_", "1__0", "1e", "e5", "1e-3", "1.e3", ".5e1", "2^", "^2", "1k", "+1"]
        {
            assert_eq!(count_cause(text), NumberCause::NotNumber, "{text}");
        }
        assert_eq!(count_cause("-5"), NumberCause::Negative);
        assert_eq!(count_cause("-x"), NumberCause::NotNumber);
        assert_eq!(count_cause(" "), NumberCause::Empty);
    }

    #[test]
    fn a_list_of_counts_is_sorted_and_without_duplicates() {
        assert_eq!(parse_counts("1e3, 10 ,1_000,2^3"), Ok(vec![8, 10, 1000]));
        assert_eq!(parse_counts("1,,2").unwrap_err().cause, NumberCause::Empty);
        assert_eq!(parse_counts("1, 2.5").unwrap_err().part, "2.5");
    }

    #[test]
    fn an_error_shows_the_part_and_an_example() {
        assert_eq!(
            parse_count("-5").unwrap_err().to_string(),
            "\"-5\" is negative; write for example 100_000_000, 1e8 or 2^30"
        );
    }

    #[test]
    fn a_plain_number_is_in_seconds() {
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("0.25"), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn a_duration_may_have_units() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("2min"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("1 hour, 2mins"), Ok(Duration::from_secs(3720)));
        assert_eq!(parse_duration("250 µs"), Ok(Duration::from_micros(250)));
        assert_eq!(parse_duration("01:30:00"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("0:00:07.5"), Ok(Duration::from_millis(7500)));
        for invalid in ["1:30", "1:60:00", "1:2:3:4", ":1:2", "1:-2:3", "a:00:00", "1::2"] {
            assert_eq!(duration_cause(invalid), NumberCause::NotDuration, "{invalid}");
        }
    }

    #[test]
    fn an_invalid_duration_is_refused_with_its_cause() {
        assert_eq!(duration_cause(""), NumberCause::Empty);
        for text in ["0", "0.0", "0s", "0.00000000001"] {
            assert_eq!(duration_cause(text), NumberCause::Zero, "{text}");
        }
        for text in ["-5", "-5s", "-1m 30s"] {
            assert_eq!(duration_cause(text), NumberCause::Negative, "{text}");
        }
        for text in
            ["junk", "1..2", ".", "s", "5 parsecs", "inf", "nan", "1m-30s", "5s ago", "1m 30"]
        {
            assert_eq!(duration_cause(text), NumberCause::NotDuration, "{text}");
        }
        for text in ["9999999999", "99999999999999999999999", "2000000h"] {
            assert_eq!(duration_cause(text), NumberCause::Overflow, "{text}");
        }
        for text in ["99999999999999999999h", "9223372036854775807h"] {
            assert_eq!(duration_cause(text), NumberCause::Overflow, "{text}");
        }
    }

    #[test]
    fn every_example_of_an_error_is_valid() {
        for count in ["100_000_000", "1e8", "2^30"] {
            assert!(COUNT_EXAMPLE.contains(count) && parse_count(count).is_ok());
        }
        for duration in ["90s", "1.5", "2min"] {
            assert!(DURATION_EXAMPLE.contains(duration) && parse_duration(duration).is_ok());
        }
    }

    proptest! {
        #[test]
        fn a_formatted_count_parses_as_itself(count in 1..=u64::MAX) {
            prop_assert_eq!(parse_count(&count.to_string()), Ok(count));
        }

        #[test]
        fn a_decimal_is_exact_or_an_error(integer in 0..100_000_u64, fraction in 1..1000_u64, zeros in 0..8_u32) {
            let thousandths = integer * 1000 + fraction;
            let scaled = thousandths * 10_u64.pow(zeros);
            let parsed = parse_count(&format!("{integer}.{fraction:03}e{zeros}"));
            if scaled % 1000 == 0 {
                prop_assert_eq!(parsed, Ok(scaled / 1000));
            } else {
                prop_assert_eq!(parsed.unwrap_err().cause, NumberCause::Fraction);
            }
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in prop_oneof!["\\PC{0,20}", "[0-9_.e^ smh-]{0,20}"]) {
            if let Ok(count) = parse_count(&text) {
                prop_assert!(count > 0);
            }
            if let Ok(duration) = parse_duration(&text) {
                prop_assert!(!duration.is_zero());
            }
        }
    }

    #[test]
    fn a_percentage_needs_its_sign() {
        assert_eq!(parse_percent("1%"), Ok(0.01));
        assert_eq!(parse_percent(" 0.5 % "), Ok(0.005));
        for text in ["1", "", "%", "0%", "101%", "-1%", "1e1%", "nan%", "1%%", "1.2.3%"] {
            let error = parse_percent(text).expect_err(text);
            assert_eq!(error.cause, NumberCause::NotPercent, "{text}");
        }
    }
}
