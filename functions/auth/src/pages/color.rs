//! Colours that can be read on each other (WCAG 2.2, success criterion 1.4.3).

use core::fmt;

/// The least contrast of text, 4.5, and a little more: luminance is reckoned nearly, not exactly.
const READABLE: f32 = 4.8;
/// How many shades of a colour are tried on the way to black or white.
const SHADES: u16 = 32;

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color([u8; 3]);

impl Color {
    pub(super) const BLACK: Self = Self([0; 3]);
    pub(super) const WHITE: Self = Self([255; 3]);

    pub(super) const fn new(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self([red, green, blue])
    }

    /// `#rgb` or `#rrggbb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        match digits.len() {
            6 => Some(Self::new(number)),
            3 => {
                let spread = (number & 0xf00) << 8 | (number & 0xf0) << 4 | number & 0xf;
                Some(Self::new(spread * 0x11))
            }
            _ => None,
        }
    }

    /// Relative luminance. The curve of sRGB is a cubic here, within 0.002: the exact one needs a
    /// power, which weighs more than everything else in this file.
    fn luminance(self) -> f32 {
        let linear = self.0.map(|channel| {
            let c = f32::from(channel) / 255.0;
            c * (c * (c * 0.305_306 + 0.682_171) + 0.012_523)
        });
        let [red, green, blue] = linear;
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(self, other: Self) -> f32 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// White or black, whichever can be read better on this colour.
    pub(super) fn text(self) -> Self {
        if Self::WHITE.contrast(self) >= Self::BLACK.contrast(self) {
            Self::WHITE
        } else {
            Self::BLACK
        }
    }

    /// The nearest shade that can be read on `ground`, on the way to `end`.
    pub(super) fn readable_on(self, ground: Self, end: Self) -> Self {
        let mut shade = self;
        for step in 1..=SHADES {
            if shade.contrast(ground) >= READABLE {
                break;
            }
            shade = self.mixed(end, step);
        }
        shade
    }

    /// So many parts of `end` in it, of [`SHADES`].
    fn mixed(self, end: Self, parts: u16) -> Self {
        let mut mixed = self;
        for (own, end) in mixed.0.iter_mut().zip(end.0) {
            let sum = u16::from(*own) * (SHADES - parts) + u16::from(end) * parts;
            *own = u8::try_from(sum / SHADES).unwrap_or(end);
        }
        mixed
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exactly as WCAG 2.2 defines it.
    fn contrast(one: Color, other: Color) -> f64 {
        let luminance = |color: Color| {
            let [red, green, blue] = color.0.map(|channel| {
                let c = f64::from(channel) / 255.0;
                if c <= 0.04045 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn reads_what_css_calls_a_hex_colour() {
        assert_eq!(Color::parse("#1f5FbF"), Some(Color::new(0x001f_5fbf)));
        assert_eq!(Color::parse("#1a0").unwrap().to_string(), "#11aa00");
        for text in [
            "", "#", "#12", "#1234", "#12345", "#1234567", "123456", "#+12345", "#ggg", "red",
        ] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    #[test]
    fn whatever_the_colour_text_can_be_read_on_it_and_in_it() {
        let grounds = [
            (Color::new(0x00f4_f5f7), Color::BLACK),
            (Color::new(0x001d_2027), Color::WHITE),
        ];
        for rgb in (0..0x0100_0000).step_by(4099) {
            let color = Color::new(rgb);
            assert!(contrast(color.text(), color) >= 4.5, "on {color}");
            for (ground, end) in grounds {
                let shade = color.readable_on(ground, end);
                assert!(contrast(shade, ground) >= 4.5, "{color} on {ground}");
            }
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        let blue = Color::new(0x001f_5fbf);
        assert_eq!(blue.readable_on(Color::WHITE, Color::BLACK), blue);
        assert_eq!(blue.text(), Color::WHITE);
    }
}
