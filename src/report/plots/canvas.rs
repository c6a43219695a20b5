//! A page to draw on, in CSS pixels, over any backend of the drawing library.

use std::fmt::Display;

use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::PlotError;
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

/// A backend that also writes. Letters are the one thing that the two formats
/// draw differently: elements in SVG, pixels of the embedded font in PNG.
pub(super) trait Letters: DrawingBackend {
    /// Writes `text` at a point, `size` backend units per em.
    fn letters(
        &mut self,
        text: &str,
        at: (i32, i32),
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<(), PlotError>;
}

impl Letters for SVGBackend<'_> {
    fn letters(
        &mut self,
        text: &str,
        at: (i32, i32),
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<(), PlotError> {
        // The library divides font sizes by 1.24 on their way into SVG.
        let font = (font::FAMILY, size * 1.24).into_font();
        let (side, turn) = match anchor {
            Anchor::Left => (HPos::Left, FontTransform::None),
            Anchor::Centre => (HPos::Center, FontTransform::None),
            Anchor::Right => (HPos::Right, FontTransform::None),
            Anchor::Upwards => (HPos::Center, FontTransform::Rotate270),
        };
        let style =
            TextStyle::from(font.transform(turn)).color(&colour).pos(Pos::new(side, VPos::Center));
        self.draw_text(text, &style, at).map_err(refused)
    }
}

impl Letters for BitMapBackend<'_> {
    fn letters(
        &mut self,
        text: &str,
        at: (i32, i32),
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<(), PlotError> {
        let width = font::width(text, size);
        let left = match anchor {
            Anchor::Left => 0.0,
            Anchor::Centre | Anchor::Upwards => -width / 2.0,
            Anchor::Right => -width,
        };
        let (left, baseline) = (left.round() as i32, (font::MIDDLE * size).round() as i32);
        let mut pixels = Vec::new();
        font::rasterize(text, size, |x, y, coverage| {
            let (x, y) = (left + x, baseline + y);
            let place = match anchor {
                Anchor::Upwards => (at.0 + y, at.1 - x),
                _ => (at.0 + x, at.1 + y),
            };
            pixels.push((place, coverage.clamp(0.0, 1.0)));
        });
        let (width, height) = self.get_size();
        let inside =
            |(x, y): (i32, i32)| (0..width as i32).contains(&x) && (0..height as i32).contains(&y);
        for (place, coverage) in pixels.into_iter().filter(|(place, _)| inside(*place)) {
            self.draw_pixel(place, colour.mix(coverage).to_backend_color()).map_err(refused)?;
        }
        Ok(())
    }
}

/// The page.
pub(super) struct Canvas<'a, B> {
    backend: &'a mut B,
}

fn refused(error: impl Display) -> PlotError {
    PlotError::Draw(error.to_string())
}

fn units((x, y): (f64, f64)) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

fn stroke(colour: RGBColor, alpha: f64, width: f64) -> ShapeStyle {
    colour.mix(alpha).stroke_width((width * UNITS).round().max(1.0) as u32)
}

impl<'a, B: Letters> Canvas<'a, B> {
    pub(super) fn new(backend: &'a mut B) -> Self {
        Canvas { backend }
    }

    /// A filled rectangle between two corners.
    pub(super) fn fill(
        &mut self,
        from: (f64, f64),
        to: (f64, f64),
        colour: RGBColor,
    ) -> Result<(), PlotError> {
        self.backend.draw_rect(units(from), units(to), &colour.filled(), true).map_err(refused)
    }

    /// A solid line through the points.
    pub(super) fn line(
        &mut self,
        points: &[(f64, f64)],
        colour: RGBColor,
        width: f64,
    ) -> Result<(), PlotError> {
        let mut places: Vec<(i32, i32)> = points.iter().map(|point| units(*point)).collect();
        places.dedup();
        if places.len() < 2 {
            return Ok(());
        }
        self.backend.draw_path(places, &stroke(colour, 1.0, width)).map_err(refused)
    }

    /// A line through the points, dashed as told: (dash, gap), solid for 0.
    pub(super) fn dashed(
        &mut self,
        points: &[(f64, f64)],
        colour: RGBColor,
        width: f64,
        dash: (f64, f64),
    ) -> Result<(), PlotError> {
        if dash.0 <= 0.0 {
            return self.line(points, colour, width);
        }
        for piece in dashes(points, dash) {
            self.line(&piece, colour, width)?;
        }
        Ok(())
    }

    /// A faint dot.
    pub(super) fn dot(
        &mut self,
        at: (f64, f64),
        radius: f64,
        colour: RGBColor,
        alpha: f64,
    ) -> Result<(), PlotError> {
        let radius = (radius * UNITS).round().max(1.0) as u32;
        self.backend
            .draw_circle(units(at), radius, &colour.mix(alpha).filled(), true)
            .map_err(refused)
    }

    /// The mark of a series, with a white rim that lifts it off the lines.
    pub(super) fn mark(
        &mut self,
        at: (f64, f64),
        radius: f64,
        look: &Look,
    ) -> Result<(), PlotError> {
        let rim = if radius < 3.0 { 0.4 } else { 0.8 };
        self.blob(at, radius + rim, look, PAPER)?;
        self.blob(at, radius, look, look.colour)?;
        if look.hollow {
            self.blob(at, radius * 0.56, look, PAPER)?;
        }
        Ok(())
    }

    fn blob(
        &mut self,
        at: (f64, f64),
        radius: f64,
        look: &Look,
        colour: RGBColor,
    ) -> Result<(), PlotError> {
        let Some(corners) = look.shape else {
            return self.dot(at, radius, colour, 1.0);
        };
        let corners = corners.iter().map(|(x, y)| units((at.0 + x * radius, at.1 + y * radius)));
        self.backend.fill_polygon(corners, &colour.filled()).map_err(refused)
    }

    /// A line of text.
    pub(super) fn text(
        &mut self,
        text: &str,
        at: (f64, f64),
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<(), PlotError> {
        self.backend.letters(text, units(at), size * UNITS, colour, anchor)
    }
}

/// The dashes along a path.
fn dashes(points: &[(f64, f64)], (dash, gap): (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    let mut walked = 0.0;
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let at = |d: f64| (x0 + (x1 - x0) * d / length, y0 + (y1 - y0) * d / length);
        // Where the first dash of the pattern begins, at or before this pair.
        let mut begin = -(walked % (dash + gap));
        while begin < length {
            let (from, to) = (begin.max(0.0), (begin + dash).min(length));
            if to > from {
                pieces.push(vec![at(from), at(to)]);
            }
            begin += dash + gap;
        }
        walked += length;
    }
    pieces
}
