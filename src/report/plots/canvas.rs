//! A page to draw on, in CSS pixels, and its way onto a backend of the drawing library.

use std::fmt::Display;

use anyhow::anyhow;
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBAColor, RGBColor, ShapeStyle, TextStyle};

use super::font;
use super::style::{Look, PAPER};

/// Backend units of a CSS pixel. The library only knows whole units, so they
/// are small.
pub(super) const UNITS: f64 = 4.0;

/// The position of a text relative to its point; always vertically centred on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Centre,
    Right,
    /// Centred, and running upwards.
    Upwards,
}

/// A line of text in backend units.
pub(super) struct Text {
    text: String,
    at: (i32, i32),
    /// Units per em.
    size: f64,
    colour: RGBColor,
    anchor: Anchor,
}

/// A shape in backend units.
enum Shape {
    /// A filled rectangle between two corners.
    Rectangle((i32, i32), (i32, i32), RGBColor),
    Path(Vec<(i32, i32)>, ShapeStyle),
    /// A filled circle: centre, radius and colour.
    Circle((i32, i32), u32, RGBAColor),
    /// A filled polygon.
    Polygon(Vec<(i32, i32)>, RGBColor),
    Text(Text),
}

/// A page of shapes, each over those before it. It is drawn once and written in both formats.
#[derive(Default)]
pub(super) struct Canvas {
    shapes: Vec<Shape>,
}

/// A backend that also writes text. Text is the one thing that the two formats
/// draw differently: elements in SVG, pixels of the embedded font in PNG.
pub(super) trait TextBackend: DrawingBackend {
    /// Writes a line of text.
    fn write_text(&mut self, text: &Text) -> anyhow::Result<()>;
}

impl TextBackend for SVGBackend<'_> {
    fn write_text(&mut self, text: &Text) -> anyhow::Result<()> {
        // The library divides font sizes by 1.24 on their way into SVG.
        let font = (font::FAMILY, text.size * 1.24).into_font();
        let (side, turn) = match text.anchor {
            Anchor::Left => (HPos::Left, FontTransform::None),
            Anchor::Centre => (HPos::Center, FontTransform::None),
            Anchor::Right => (HPos::Right, FontTransform::None),
            Anchor::Upwards => (HPos::Center, FontTransform::Rotate270),
        };
        let style = TextStyle::from(font.transform(turn))
            .color(&text.colour)
            .pos(Pos::new(side, VPos::Center));
        self.draw_text(&text.text, &style, text.at).map_err(refused)
    }
}

impl TextBackend for BitMapBackend<'_> {
    fn write_text(&mut self, text: &Text) -> anyhow::Result<()> {
        let width = font::width(&text.text, text.size);
        let left = match text.anchor {
            Anchor::Left => 0.0,
            Anchor::Centre | Anchor::Upwards => -width / 2.0,
            Anchor::Right => -width,
        };
        let (left, baseline) = (left.round() as i32, (font::MIDDLE * text.size).round() as i32);
        let mut pixels = Vec::new();
        font::rasterize(&text.text, text.size, |x, y, coverage| {
            let (x, y) = (left + x, baseline + y);
            let place = match text.anchor {
                Anchor::Upwards => (text.at.0 + y, text.at.1 - x),
                _ => (text.at.0 + x, text.at.1 + y),
            };
            pixels.push((place, coverage.clamp(0.0, 1.0)));
        });
        let (width, height) = self.get_size();
        for ((x, y), coverage) in pixels {
            if (0..width as i32).contains(&x) && (0..height as i32).contains(&y) {
                let colour = text.colour.mix(coverage).to_backend_color();
                self.draw_pixel((x, y), colour).map_err(refused)?;
            }
        }
        Ok(())
    }
}

/// The refusal of the library to draw a shape.
fn refused(error: impl Display) -> anyhow::Error {
    anyhow!("cannot draw a plot: {error}")
}

fn units((x, y): (f64, f64)) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

impl Canvas {
    /// Draws all shapes on a backend.
    pub(super) fn paint(&self, backend: &mut impl TextBackend) -> anyhow::Result<()> {
        for shape in &self.shapes {
            let drawn = match shape {
                Shape::Rectangle(from, to, colour) => {
                    backend.draw_rect(*from, *to, &colour.filled(), true)
                }
                Shape::Path(points, style) => backend.draw_path(points.iter().copied(), style),
                Shape::Circle(at, radius, colour) => {
                    backend.draw_circle(*at, *radius, &colour.filled(), true)
                }
                Shape::Polygon(corners, colour) => {
                    backend.fill_polygon(corners.iter().copied(), &colour.filled())
                }
                Shape::Text(text) => {
                    backend.write_text(text)?;
                    continue;
                }
            };
            drawn.map_err(refused)?;
        }
        Ok(())
    }

    /// A filled rectangle between two corners.
    pub(super) fn fill(&mut self, from: (f64, f64), to: (f64, f64), colour: RGBColor) {
        self.shapes.push(Shape::Rectangle(units(from), units(to), colour));
    }

    /// A solid line through the points.
    pub(super) fn line(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) {
        let mut places: Vec<(i32, i32)> = points.iter().map(|point| units(*point)).collect();
        places.dedup();
        if places.len() > 1 {
            let style = colour.mix(1.0).stroke_width((width * UNITS).round().max(1.0) as u32);
            self.shapes.push(Shape::Path(places, style));
        }
    }

    /// A line through the points with dashes and gaps of these lengths; solid for dashes of 0.
    pub(super) fn dashed(
        &mut self,
        points: &[(f64, f64)],
        colour: RGBColor,
        width: f64,
        dash: (f64, f64),
    ) {
        if dash.0 <= 0.0 {
            return self.line(points, colour, width);
        }
        for piece in dashes(points, dash) {
            self.line(&piece, colour, width);
        }
    }

    /// A faint dot.
    pub(super) fn dot(&mut self, at: (f64, f64), radius: f64, colour: RGBColor, alpha: f64) {
        let radius = (radius * UNITS).round().max(1.0) as u32;
        self.shapes.push(Shape::Circle(units(at), radius, colour.mix(alpha)));
    }

    /// The mark of a series, with a white rim that lifts it off the lines.
    pub(super) fn mark(&mut self, at: (f64, f64), radius: f64, look: &Look) {
        let rim = if radius < 3.0 { 0.4 } else { 0.8 };
        self.mark_in(at, radius + rim, look, PAPER);
        self.mark_in(at, radius, look, look.colour);
        if look.hollow {
            self.mark_in(at, radius * 0.56, look, PAPER);
        }
    }

    fn mark_in(&mut self, at: (f64, f64), radius: f64, look: &Look, colour: RGBColor) {
        let Some(corners) = look.shape else {
            return self.dot(at, radius, colour, 1.0);
        };
        let corners = corners.iter().map(|(x, y)| units((at.0 + x * radius, at.1 + y * radius)));
        self.shapes.push(Shape::Polygon(corners.collect(), colour));
    }

    /// A line of text.
    pub(super) fn text(
        &mut self,
        text: &str,
        at: (f64, f64),
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
    ) {
        let (text, at, size) = (text.to_string(), units(at), size * UNITS);
        self.shapes.push(Shape::Text(Text { text, at, size, colour, anchor }));
    }
}

/// The dashes along a path.
fn dashes(points: &[(f64, f64)], (dash, gap): (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    let mut before = 0.0;
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let at = |d: f64| (x0 + (x1 - x0) * d / length, y0 + (y1 - y0) * d / length);
        // The pattern goes on over the corners of the path: its first dash here may have begun
        // on the segment before.
        let mut begin = -(before % (dash + gap));
        while begin < length {
            let (from, to) = (begin.max(0.0), (begin + dash).min(length));
            if to > from {
                pieces.push(vec![at(from), at(to)]);
            }
            begin += dash + gap;
        }
        before += length;
    }
    pieces
}
