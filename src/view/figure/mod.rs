//! Figures as data: series, axes with their ticks, marks and words. The plots (SVG and PNG)
//! and the page draw the same.

use std::collections::BTreeSet;

pub mod axis;
pub mod chart;
pub mod crossings;
pub mod heat;
pub mod lines;
pub mod map;
pub mod metric;
pub mod scale;

/// The values in ascending order, each once.
fn distinct(values: impl Iterator<Item = u32>) -> Vec<u32> {
    values.collect::<BTreeSet<u32>>().into_iter().collect()
}
