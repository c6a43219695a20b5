//! The embedded font: how wide text is, and its letters as pixels.
//!
//! The drawing library measures and draws text by itself, but without the
//! bearings of the letters, and at another size than its SVG. So the PNG takes
//! its letters from here, and both formats show the same lines.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, PxScale, point};

/// The font file, subset to what the plots write.
pub(super) const BYTES: &[u8] = include_bytes!("../../../assets/OpenSans-subset.ttf");

/// The name that the font goes by in an SVG file.
pub(super) const FAMILY: &str = "Open Sans";

/// Half the height of a lower-case letter, in ems: from the middle of a line
/// of text down to its baseline.
pub(super) const MIDDLE: f64 = 0.268;

fn font() -> &'static FontRef<'static> {
    static FONT: OnceLock<FontRef<'static>> = OnceLock::new();
    FONT.get_or_init(|| FontRef::try_from_slice(BYTES).expect("the embedded font is sound"))
}

fn units_per_em() -> f64 {
    font().units_per_em().map_or(1000.0, f64::from)
}

/// Width of a line of text at `size` pixels per em.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let advances = text.chars().map(|c| font().h_advance_unscaled(font().glyph_id(c)));
    advances.map(f64::from).sum::<f64>() * size / units_per_em()
}

/// The start of a text that fits, with an ellipsis if something is left out.
pub(super) fn elide(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() {
        let elided = format!("{}…", kept.trim_end());
        if width(&elided, size) <= room {
            return elided;
        }
    }
    String::new()
}

/// Calls `ink` with every pixel that the text covers, relative to the start of
/// its baseline, and how much of the pixel it covers.
pub(super) fn rasterize(text: &str, size: f64, mut ink: impl FnMut(i32, i32, f64)) {
    let height = f64::from(font().height_unscaled());
    let scale = PxScale::from((size * height / units_per_em()) as f32);
    let mut x = 0.0;
    for c in text.chars() {
        let glyph = font().glyph_id(c).with_scale_and_position(scale, point(x as f32, 0.0));
        if let Some(outline) = font().outline_glyph(glyph) {
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, coverage| {
                let (left, top) = (corner.x as i32, corner.y as i32);
                ink(left + dx as i32, top + dy as i32, f64::from(coverage));
            });
        }
        x += width(c.encode_utf8(&mut [0; 4]), size);
    }
}
