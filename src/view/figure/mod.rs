//! Figures as data: series, axes with their ticks, marks and words. The plots (SVG and PNG)
//! and the page draw the same.

pub mod axis;
pub mod chart;
pub mod crossings;
pub mod heat;
pub mod lines;
pub mod map;
pub mod metric;
pub mod scale;
