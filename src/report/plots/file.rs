//! Encoding of a plot as SVG or PNG.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};

use super::canvas::{Canvas, UNITS};
use super::font;
use crate::record::replace_file;

/// Pixels per metre of the PNG: a CSS pixel is 1/96 inch. The PNG has half the resolution
/// of the drawing.
const PIXELS_PER_METRE: f64 = UNITS / 2.0 * 96.0 / 0.0254;

/// A picture that can be drawn on a page.
pub(super) trait Picture {
    /// Width and height in CSS pixels.
    fn size(&self) -> (f64, f64);

    /// The title, in one line.
    fn title(&self) -> String;

    /// The description, for those who cannot see it.
    fn description(&self) -> String;

    /// Draws all of it.
    fn draw(&self, canvas: &mut Canvas);
}

/// Writes the plot as SVG and as PNG, and returns their paths: `stem` is their name before
/// the dot.
pub(super) fn write_both(
    plot: &impl Picture,
    dir: &Path,
    stem: &str,
) -> anyhow::Result<[PathBuf; 2]> {
    let paths = ["svg", "png"].map(|ending| dir.join(format!("{stem}.{ending}")));
    let canvas = drawn(plot);
    write(&paths[0], svg_text(plot, &canvas).map(String::into_bytes))?;
    write(&paths[1], png(plot, &canvas))?;
    Ok(paths)
}

fn write(path: &Path, bytes: anyhow::Result<Vec<u8>>) -> anyhow::Result<()> {
    let written = bytes.and_then(|bytes| Ok(replace_file(path, &bytes)?));
    written.with_context(|| format!("cannot write the plot {}", path.display()))
}

/// The drawing of a plot.
pub(super) fn drawn(plot: &impl Picture) -> Canvas {
    let mut canvas = Canvas::default();
    plot.draw(&mut canvas);
    canvas
}

/// The plot as an SVG document with its font inside.
pub(super) fn svg_text(plot: &impl Picture, canvas: &Canvas) -> anyhow::Result<String> {
    let mut drawing = String::new();
    let mut backend = SVGBackend::with_string(&mut drawing, page(plot.size()));
    canvas.paint(&mut backend)?;
    backend.present().map_err(|error| anyhow!("{error}"))?;
    drop(backend);
    // The opening tag of the library has no units, and no label for screen readers.
    let shapes = drawing.split_once('>').map_or("", |(_, rest)| rest);
    Ok(format!("{}{shapes}", svg_head(plot)))
}

fn svg_head(plot: &impl Picture) -> String {
    let (width, height) = plot.size();
    let (units_wide, units_high) = page((width, height));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {units_wide} {units_high}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n\
         <desc>{description}</desc>\n\
         <style>@font-face{{font-family:\"{family}\";src:url(data:font/ttf;base64,{font}) \
         format(\"truetype\")}}text{{font-family:\"{family}\",sans-serif}}</style>\n",
        title = escaped(&plot.title()),
        description = escaped(&plot.description()),
        family = font::FAMILY,
        font = STANDARD.encode(font::BYTES),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The page in backend units.
fn page((width, height): (f64, f64)) -> (u32, u32) {
    ((width * UNITS).round() as u32, (height * UNITS).round() as u32)
}

/// The plot as RGB pixels, row by row, with width and height.
pub(super) fn pixels(
    plot: &impl Picture,
    canvas: &Canvas,
) -> anyhow::Result<((usize, usize), Vec<u8>)> {
    let (width, height) = page(plot.size());
    let mut drawn = vec![0; width as usize * height as usize * 3];
    let mut backend = BitMapBackend::with_buffer(&mut drawn, (width, height));
    canvas.paint(&mut backend)?;
    drop(backend);
    Ok(shrunk(&drawn, width as usize, height as usize))
}

/// Half as wide and half as high: each pixel is the mean of four, which smooths
/// the edges that the library leaves rough.
fn shrunk(drawn: &[u8], width: usize, height: usize) -> ((usize, usize), Vec<u8>) {
    let (columns, rows) = (width / 2, height / 2);
    let mut out = vec![WHITE; columns * rows * 3];
    let pairs = drawn.chunks_exact(2 * width * 3);
    for (pair, out) in pairs.zip(out.chunks_exact_mut(columns * 3)) {
        let (above, below) = pair.split_at(width * 3);
        for (number, out) in out.chunks_mut(STRETCH / 2).enumerate() {
            let stretch = number * STRETCH..number * STRETCH + 2 * out.len();
            let (above, below) = (&above[stretch.clone()], &below[stretch]);
            // Most of a plot is white, and so are the pixels of `out` already. Comparing whole
            // stretches is much faster in a debug build than comparing bytes.
            if above == &WHITE_STRETCH[..above.len()] && below == &WHITE_STRETCH[..below.len()] {
                continue;
            }
            for pixel in 0..out.len() / 3 {
                for part in 0..3 {
                    out[3 * pixel + part] = mean_of_four(above, below, 6 * pixel + part);
                }
            }
        }
    }
    ((columns, rows), out)
}

/// The value of each colour of a white pixel.
const WHITE: u8 = 255;

/// Bytes of a row that are compared at a time: 32 pixels as they are drawn.
const STRETCH: usize = 32 * 3;

const WHITE_STRETCH: [u8; STRETCH] = [WHITE; STRETCH];

/// The mean of one colour over four pixels: two in the row above, and two below them.
#[inline]
fn mean_of_four(above: &[u8], below: &[u8], at: usize) -> u8 {
    let sum = above[at] as u16 + above[at + 3] as u16 + below[at] as u16 + below[at + 3] as u16;
    ((sum + 2) / 4) as u8
}

/// The plot as PNG.
pub(super) fn png(plot: &impl Picture, canvas: &Canvas) -> anyhow::Result<Vec<u8>> {
    let ((width, height), pixels) = pixels(plot, canvas)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Smaller files would take as long as all the rest of a small report.
    encoder.set_compression(png::Compression::Fast);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: PIXELS_PER_METRE.round() as u32,
        yppu: PIXELS_PER_METRE.round() as u32,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}
