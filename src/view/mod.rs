//! The view between analysis and outputs: titles, nouns, columns, rows, sentences and
//! figures as data. It is decided here once; the outputs ([`crate::report`]) lay it out.

pub mod answer;
#[cfg(test)]
pub mod crafted;
pub mod crossover;
pub mod ending;
pub mod figure;
pub mod granularity;
pub mod job;
pub mod laws;
pub mod nouns;
pub mod number;
pub mod shortfall;
pub mod table;
pub mod text;
