//! QR codes as small SVG documents.

use core::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

/// The empty frame around the code, in modules, that readers rely on (ISO/IEC 18004).
const FRAME: i32 = 4;

/// `text` as a QR code; `None` if it is too long for one, which is over 2,900 bytes.
///
/// The dark modules are one path of horizontal strokes, so that it is a few KB.
pub(crate) fn svg(text: &str) -> Option<String> {
    // Bytes, because an address has small letters: the other modes would be 1 KB of the worker.
    let segments = [QrSegment::make_bytes(text.as_bytes())];
    let (from, to) = (Version::MIN, Version::MAX);
    let code =
        QrCode::encode_segments_advanced(&segments, QrCodeEcc::Low, from, to, None, true).ok()?;
    let side = code.size() + 2 * FRAME;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
         <path stroke=\"#000\" d=\""
    );
    for y in 0..code.size() {
        let mut x = 0;
        // Where the pen is after the strokes of this row.
        let mut pen = None;
        while x < code.size() {
            let start = x;
            while code.get_module(x, y) {
                x += 1;
            }
            if x == start {
                x += 1;
                continue;
            }
            let length = x - start;
            // Writing to a string cannot fail.
            let _infallible = match pen {
                None => write!(svg, "M{} {}.5h{length}", start + FRAME, y + FRAME),
                Some(pen) => write!(svg, "m{} 0h{length}", start - pen),
            };
            pen = Some(x);
        }
    }
    svg.push_str("\"/></svg>");
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader sees: the strokes, drawn.
    fn read(svg: &str) -> String {
        let side: usize = between(svg, "viewBox=\"0 0 ", " ").parse().unwrap();
        let mut dark = vec![false; side * side];
        let path = between(svg, "stroke=\"#000\" d=\"", "\"");
        let (mut x, mut y) = (0, 0);
        for stroke in path.split_inclusive('h').zip(path.split('h').skip(1)) {
            let (before, after) = stroke;
            let moved = before.trim_end_matches('h');
            let moved = moved.trim_start_matches(|c: char| c.is_ascii_digit());
            if let Some(to) = moved.strip_prefix('M') {
                let (to_x, to_y) = to.split_once(' ').unwrap();
                x = to_x.parse().unwrap();
                y = to_y.strip_suffix(".5").unwrap().parse().unwrap();
            } else {
                let by = moved.strip_prefix('m').unwrap();
                x += by.strip_suffix(" 0").unwrap().parse::<usize>().unwrap();
            }
            let length = after.split(|c: char| !c.is_ascii_digit()).next();
            let length: usize = length.unwrap().parse().unwrap();
            dark[y * side + x..][..length].fill(true);
            x += length;
        }
        let scale = 3;
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(side * scale, side * scale, |x, y| {
                if dark[y / scale * side + x / scale] {
                    0
                } else {
                    255
                }
            });
        let codes = image.detect_grids();
        assert_eq!(codes.len(), 1);
        codes[0].decode().unwrap().1
    }

    fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
        let (_, rest) = text.split_once(start).unwrap();
        rest.split_once(end).unwrap().0
    }

    #[test]
    fn a_reader_reads_the_text() {
        let uri = "otpauth://totp/AuthFlow:ada@example.test?algorithm=SHA1&digits=6\
                   &issuer=AuthFlow&period=30&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
        for text in [uri, "A", &"x".repeat(700)] {
            assert_eq!(read(&svg(text).unwrap()), text);
        }
        let size = svg(uri).unwrap().len();
        assert!(size < 6000, "{size}");
    }

    #[test]
    fn what_does_not_fit_is_no_code() {
        assert_eq!(svg(&"x".repeat(3000)), None);
    }
}
