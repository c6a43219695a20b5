//! Sizes, colours and marks of plots.

use plotters::style::RGBColor;

/// Text and everything that belongs to the frame.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Colour of remarks.
pub(super) const GREY: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
/// Lines across the plot at the ticks.
pub(super) const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// The region with more threads than CPUs.
pub(super) const SHADE: RGBColor = RGBColor(0xf1, 0xf1, 0xf1);
/// The page.
pub(super) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// Okabe and Ito's palette without its yellow, which is lost on white paper.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
];

/// Corners of a mark around (0, 0), for a radius of 1.
type Shape = &'static [(f64, f64)];

const SHAPES: [Option<Shape>; 5] = [
    None,
    Some(&[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]),
    Some(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
    Some(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
    Some(&[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
];

/// The looks of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) colour: RGBColor,
    /// Corners of its mark; `None` for a circle.
    pub(super) shape: Option<Shape>,
    /// True if the mark is only an outline.
    pub(super) hollow: bool,
    /// Lengths of dash and gap; both 0 for a solid line.
    pub(super) dash: (f64, f64),
}

/// The looks of the series number `index`. Colour, shape, filling and dash have
/// different periods, so that 35 series differ in colour and shape, and the
/// first ten in at least two ways.
pub(super) fn look(index: usize) -> Look {
    const DASHES: [(f64, f64); 3] = [(0.0, 0.0), (6.0, 3.0), (2.0, 3.0)];
    Look {
        colour: COLOURS[index % COLOURS.len()],
        shape: SHAPES[index % SHAPES.len()],
        hollow: (index / SHAPES.len()) % 2 == 1,
        dash: DASHES[(index / COLOURS.len()) % DASHES.len()],
    }
}

/// Dashes of lines that are no series.
pub(super) const IDEAL_DASH: (f64, f64) = (2.5, 2.5);
/// The dashes of the baseline.
pub(super) const BASELINE_DASH: (f64, f64) = (9.0, 3.0);
