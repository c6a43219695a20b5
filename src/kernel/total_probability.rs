//! Kernel of P(B) by the law of total probability, from a textbook exercise.
//!
//! Of 35,000 people 10,000, 20,000 and 5,000 belong to three populations, in
//! which B happens with probability 100/900, 400/900 and 500/900. A draw chooses
//! one person, all equally likely, and then decides whether B happens. B happens
//! in 11,500,000 of 35,000 × 900 equally likely outcomes: 23/63.

use rand::{Rng, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::stream::stream_seed;
use super::{Isa, Kernel, Tally};

/// Size of each population, and in how many of [`OUTCOMES`] B happens in it.
const POPULATIONS: [(u64, u64); 3] = [(10_000, 100), (20_000, 400), (5_000, 500)];

/// Number of people in all populations.
const PEOPLE: u64 = POPULATIONS[0].0 + POPULATIONS[1].0 + POPULATIONS[2].0;

/// Number of equally likely outcomes for one person.
const OUTCOMES: u64 = 900;

/// Kernel that estimates P(B) by choosing people.
pub struct TotalProbability;

impl Kernel for TotalProbability {
    fn name(&self) -> &'static str {
        "total-probability"
    }

    fn about(&self) -> &'static str {
        "P(B) over three populations: a person, then B or not; uniform integers, exact"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        let favourable: u64 = POPULATIONS.iter().map(|(size, outcomes)| size * outcomes).sum();
        Some(favourable as f64 / (PEOPLE * OUTCOMES) as f64)
    }

    // A named generator, and our own integers below a bound: those of rand may
    // change between versions, and with them every tally.
    fn tally(&self, seed: u64, block: u64, draws: u64, _isa: Isa) -> Tally {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(seed, block));
        let hits = (0..draws).map(|_| {
            let favourable = favourable_outcomes(below::<PEOPLE>(&mut rng));
            u64::from(below::<OUTCOMES>(&mut rng) < favourable)
        });
        Tally::from_hits(draws, hits.sum())
    }
}

/// Number of outcomes, of [`OUTCOMES`], in which B happens to this person.
fn favourable_outcomes(person: u64) -> u64 {
    let [(first, _), (second, _), _] = POPULATIONS;
    let population = usize::from(person >= first) + usize::from(person >= first + second);
    POPULATIONS[population].1
}

/// Draws a number below `BOUND`, each with exactly the same probability.
fn below<const BOUND: u64>(rng: &mut impl Rng) -> u64 {
    loop {
        if let Some(number) = map_word::<BOUND>(rng.next_u64()) {
            return number;
        }
    }
}

/// Maps a random word to a number below `BOUND`, or rejects it (Lemire, "Fast random
/// integer generation in an interval", ACM TOMACS 2019).
///
/// word × `BOUND` / 2⁶⁴, rounded down, would be biased, since `BOUND` does not
/// divide 2⁶⁴. The 2⁶⁴ mod `BOUND` words with the smallest remainders are rejected,
/// which leaves equally many words for each number.
fn map_word<const BOUND: u64>(word: u64) -> Option<u64> {
    let product = u128::from(word) * u128::from(BOUND);
    let rejected = BOUND.wrapping_neg() % BOUND;
    (product as u64 >= rejected).then_some((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: u128 = 1 << 64;

    #[test]
    fn every_number_has_equally_many_words() {
        check_words_of_each_number::<PEOPLE>();
        check_words_of_each_number::<OUTCOMES>();
        check_words_of_each_number::<{ 3 << 62 }>();
    }

    /// Checks the first and the last word of numbers. That suffices: the words of a
    /// number are consecutive, since products with the bound grow with the word.
    fn check_words_of_each_number<const BOUND: u64>() {
        let bound = u128::from(BOUND);
        let share = WORDS / bound;
        let number_of = |word: u128| map_word::<BOUND>(u64::try_from(word).ok()?);
        for number in (0..bound).step_by((BOUND / 100_000 + 1) as usize) {
            let first = (number * WORDS + WORDS % bound).div_ceil(bound);
            let number = Some(number as u64);
            assert_eq!(number_of(first), number);
            assert_eq!(number_of(first + share - 1), number);
            assert_ne!(number_of(first + share), number);
            assert!(first == 0 || number_of(first - 1) != number);
        }
    }

    #[test]
    fn every_person_has_the_outcomes_of_the_population() {
        let favourable: u64 = (0..PEOPLE).map(favourable_outcomes).sum();
        assert_eq!((favourable, PEOPLE * OUTCOMES), (11_500_000, 31_500_000));
        assert_eq!([9_999, 10_000, 29_999, 30_000].map(favourable_outcomes), [100, 400, 400, 500]);
        assert_eq!(TotalProbability.exact(), Some(23.0 / 63.0));
    }
}
