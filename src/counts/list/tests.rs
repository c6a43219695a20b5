use super::*;
use proptest::prelude::*;

const MACHINE: MachineCounts = MachineCounts { cpus: 8, cores: 4 };

fn parse(text: &str) -> Vec<u32> {
    parse_list(text, MACHINE).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Cause, column and part of the error that `text` gives.
fn refuse(text: &str) -> (ListCause, usize, String) {
    match parse_list(text, MACHINE) {
        Ok(counts) => panic!("{text:?} was read as {counts:?}"),
        Err(error) => (error.cause, error.column, error.part),
    }
}

#[test]
fn a_range_includes_its_upper_end() {
    assert_eq!(parse("1..16"), (1..=16).collect::<Vec<u32>>());
    assert_eq!(parse("1..=16"), parse("1..16"));
    assert_eq!(parse("5..5"), [5]);
}

#[test]
fn a_step_adds_and_a_factor_multiplies() {
    assert_eq!(parse("1..16:5"), [1, 6, 11, 16]);
    assert_eq!(parse("1..17:5"), [1, 6, 11, 16]);
    assert_eq!(parse("1..64*2"), [1, 2, 4, 8, 16, 32, 64]);
    assert_eq!(parse("1..64x2"), parse("1..64*2"));
    assert_eq!(parse("1..=64x4"), [1, 4, 16, 64]);
    assert_eq!(parse("3..9:4294967295"), [3]);
    assert_eq!(parse("3..9x4294967295"), [3]);
}

#[test]
fn cpus_and_cores_are_those_of_the_machine() {
    assert_eq!(parse("cpus"), [8]);
    assert_eq!(parse("cores,cpus,2*cpus"), [4, 8, 16]);
    assert_eq!(parse("cores..cpus:2"), [4, 6, 8]);
    assert_eq!(parse("1..2*cpus"), (1..=16).collect::<Vec<u32>>());
    assert_eq!(parse("1..cpus*2"), [1, 2, 4, 8]);
    assert_eq!(parse("1..cpusx2"), [1, 2, 4, 8]);
    assert_eq!(parse("1..2*cpus*4"), [1, 4, 16]);
    assert_eq!(parse("2*cores..2*cpus:8"), [8, 16]);
}

#[test]
fn the_result_is_sorted_and_has_no_duplicates() {
    assert_eq!(parse(" 4 , 1..3 ,2,\t16 "), [1, 2, 3, 4, 16]);
    assert_eq!(parse("007"), [7]);
}

#[test]
fn an_error_shows_the_part_and_its_column() {
    let junk = |column, part: &str| (ListCause::Junk, column, part.to_owned());
    assert_eq!(refuse(""), (ListCause::Empty, 1, String::new()));
    assert_eq!(refuse("1,,2"), (ListCause::Empty, 3, String::new()));
    assert_eq!(refuse("1, 0"), (ListCause::Zero, 4, "0".to_owned()));
    assert_eq!(refuse("0*cpus"), (ListCause::Zero, 1, "0*cpus".to_owned()));
    assert_eq!(refuse("2,5..3"), (ListCause::Reversed, 3, "5..3".to_owned()));
    assert_eq!(refuse("5.."), (ListCause::Missing, 4, String::new()));
    assert_eq!(refuse("1..9:"), (ListCause::Missing, 6, String::new()));
    assert_eq!(refuse("1..9:0"), (ListCause::StepZero, 5, ":0".to_owned()));
    assert_eq!(refuse("1..9*1"), (ListCause::FactorTooSmall, 5, "*1".to_owned()));
    assert_eq!(refuse("1..9x0"), (ListCause::FactorTooSmall, 5, "x0".to_owned()));
    assert_eq!(refuse("1025"), (ListCause::TooMany, 1, "1025".to_owned()));
    assert_eq!(refuse("129*cpus"), (ListCause::TooMany, 1, "129*cpus".to_owned()));
    assert_eq!(refuse("é"), junk(1, "é"));
    assert_eq!(refuse("1,é"), junk(3, "é"));
    assert_eq!(refuse("-1"), junk(1, "-1"));
    assert_eq!(refuse("..5"), junk(1, "..5"));
    assert_eq!(refuse("1...5"), junk(4, ".5"));
    assert_eq!(refuse("1 ..5"), junk(2, " ..5"));
    assert_eq!(refuse("1_0"), junk(2, "_0"));
    assert_eq!(refuse("4*2"), junk(2, "*2"));
    assert_eq!(refuse("4:2"), junk(2, ":2"));
    assert_eq!(refuse("2xcpus"), junk(2, "xcpus"));
    assert_eq!(refuse("cpuset"), junk(5, "et"));
    assert_eq!(refuse("1..9:cpus"), junk(6, "cpus"));
}

#[test]
fn a_huge_range_is_an_error_and_costs_no_time() {
    assert_eq!(refuse("1..4000000000").0, ListCause::TooMany);
    assert_eq!(refuse("1..5000000000").0, ListCause::Overflow);
    assert_eq!(refuse("4000000000*cpus").0, ListCause::Overflow);
    assert_eq!(refuse(&"9".repeat(10_000)).0, ListCause::Overflow);
    assert_eq!(refuse("1..4000000000*2").0, ListCause::TooMany);
    assert_eq!(parse("1..1024").len(), 1024);
}

#[test]
fn every_example_in_an_error_is_itself_correct() {
    for text in ["", "5..", "0", "5..3", "99999999999", "1025", "1..9:0", "1..9*1", "?"] {
        parse(refuse(text).0.example());
    }
}

/// A count as text, and its value.
fn count() -> impl Strategy<Value = (String, u32)> {
    prop_oneof![
        (1..=MAX_NTHREAD).prop_map(|number| (number.to_string(), number)),
        Just(("cpus".to_owned(), 8)),
        Just(("cores".to_owned(), 4)),
        (1..=128_u32).prop_map(|number| (format!("{number}*cpus"), number * 8)),
        (1..=256_u32).prop_map(|number| (format!("{number}*cores"), number * 4)),
    ]
}

/// An item as text, and the counts that it stands for.
fn item() -> impl Strategy<Value = (String, Vec<u32>)> {
    let dots = prop_oneof![Just(".."), Just("..=")];
    let stride = prop_oneof![
        Just(String::new()),
        (1..2000_u32).prop_map(|step| format!(":{step}")),
        (2..2000_u32).prop_map(|factor| format!("*{factor}")),
        (2..2000_u32).prop_map(|factor| format!("x{factor}")),
    ];
    let range = (count(), dots, count(), stride).prop_map(|(a, dots, b, stride)| {
        let (first, last) = if a.1 <= b.1 { (a, b) } else { (b, a) };
        let text = format!("{}{dots}{}{stride}", first.0, last.0);
        let amount = stride.get(1..).and_then(|text| text.parse::<u32>().ok());
        let is_factor = !stride.is_empty() && !stride.starts_with(':');
        let counts = (first.1..=last.1).filter(|count| match (amount, is_factor) {
            (None, _) => true,
            (Some(step), false) => (count - first.1) % step == 0,
            (Some(factor), true) => {
                let mut power = u64::from(first.1);
                while power < u64::from(*count) {
                    power *= u64::from(factor);
                }
                power == u64::from(*count)
            }
        });
        (text, counts.collect())
    });
    prop_oneof![count().prop_map(|(text, value)| (text, vec![value])), range]
}

proptest! {
    #[test]
    fn every_list_of_the_grammar_gives_its_counts(
        items in prop::collection::vec(item(), 1..5),
        comma in prop_oneof![Just(","), Just(", "), Just(" ,  ")],
    ) {
        let texts: Vec<&str> = items.iter().map(|(text, _)| text.as_str()).collect();
        let expected: BTreeSet<u32> = items.iter().flat_map(|(_, counts)| counts.clone()).collect();
        let expected: Vec<u32> = expected.into_iter().collect();
        prop_assert_eq!(parse_list(&texts.join(comma), MACHINE), Ok(expected));
    }

    #[test]
    fn any_text_is_a_valid_list_or_an_error_that_points_into_it(
        text in prop_oneof!["\\PC{0,20}", "[0-9.=:*x, cpusore]{0,20}"],
    ) {
        match parse_list(&text, MACHINE) {
            Ok(counts) => {
                prop_assert!(!counts.is_empty());
                prop_assert!(counts.is_sorted());
                prop_assert!(counts.iter().all(|count| (1..=MAX_NTHREAD).contains(count)));
            }
            Err(error) => {
                let tail: String = text.chars().skip(error.column - 1).collect();
                prop_assert!(tail.starts_with(&error.part));
            }
        }
    }
}
