//! Lists of CPUs in the notation of the Linux kernel: `0-3,8`.

/// Upper bound of CPU numbers. It bounds the memory that a malformed list or mask can cost.
pub(super) const MAX_CPU: usize = 1 << 20;

/// Formats CPUs as the kernel does: `0-3,8`.
pub fn cpu_list(cpus: &[usize]) -> String {
    let mut sorted = cpus.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for cpu in sorted {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => ranges.push((cpu, cpu)),
        }
    }
    let texts: Vec<String> = ranges
        .iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    texts.join(",")
}

/// Parses the format of [`cpu_list`]; `None` if the text is not such a list. The result is sorted
/// and without duplicates.
pub fn parse_cpu_list(text: &str) -> Option<Vec<usize>> {
    let text = text.trim();
    let mut ranges = Vec::new();
    if text.is_empty() {
        return Some(Vec::new());
    }
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (parse_cpu(first)?, parse_cpu(last)?);
        if first > last {
            return None;
        }
        ranges.push((first, last));
    }
    // Each CPU is pushed once, so that a list with many repetitions does not exhaust the memory.
    ranges.sort_unstable();
    let mut cpus: Vec<usize> = Vec::new();
    for (first, last) in ranges {
        let first = cpus.last().map_or(first, |previous| first.max(previous + 1));
        cpus.extend(first..=last);
    }
    Some(cpus)
}

fn parse_cpu(text: &str) -> Option<usize> {
    // parse() alone would accept a plus sign.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let cpu = text.parse().ok().filter(|_| is_number)?;
    (cpu < MAX_CPU).then_some(cpu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_with_many_repetitions_costs_no_memory() {
        let (all, times) = (format!("0-{}", MAX_CPU - 1), 100_000);
        let cpus = parse_cpu_list(&vec![all; times].join(",")).expect("a list");
        assert_eq!(cpus.len(), MAX_CPU);
        assert_eq!(parse_cpu_list("4-6,1,5-8,0-1,5"), Some(vec![0, 1, 4, 5, 6, 7, 8]));
    }

    #[test]
    fn the_format_is_that_of_the_kernel() {
        assert_eq!(cpu_list(&[8, 0, 1, 3, 2, 1]), "0-3,8");
        assert_eq!(cpu_list(&[]), "");
        assert_eq!(cpu_list(&[0, 1]), "0-1");
    }

    #[test]
    fn an_invalid_list_is_refused() {
        for text in ["x", "1-", "-1", "3-1", "1,,2", "0-4000000000", "+1", "1 - 2"] {
            assert_eq!(parse_cpu_list(text), None, "{text:?}");
        }
        assert_eq!(parse_cpu_list(" 0-3,8\n"), Some(vec![0, 1, 2, 3, 8]));
        assert_eq!(parse_cpu_list("\n"), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn a_formatted_list_parses_as_itself(cpus in prop::collection::btree_set(0..300_usize, 0..80)) {
            let cpus: Vec<usize> = cpus.into_iter().collect();
            prop_assert_eq!(parse_cpu_list(&cpu_list(&cpus)), Some(cpus));
        }
    }
}
