//! What origins make of a path, beyond decoding it and ignoring empty segments.

use percent_encoding::percent_decode_str;

/// The habits of an origin.
#[expect(clippy::struct_excessive_bools, reason = "any of them goes with any")]
#[derive(Clone, Copy, Debug)]
pub struct LaxOrigin {
    decodes_twice: bool,
    ignores_case: bool,
    drops_dots_and_spaces: bool,
    drops_parameters: bool,
    cuts_tail: bool,
}

impl LaxOrigin {
    /// Each that there might be.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..32).map(|bits| {
            let has = |bit: u8| bits >> bit & 1 == 1;
            Self {
                decodes_twice: has(0),
                ignores_case: has(1),
                drops_dots_and_spaces: has(2),
                drops_parameters: has(3),
                cuts_tail: has(4),
            }
        })
    }

    /// The segments it sees.
    pub fn segments(self, path: &str) -> Vec<String> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut text = decoded(path);
        if self.decodes_twice {
            text = decoded(&text);
        }
        if self.cuts_tail {
            text.truncate(text.find(['#', '?']).unwrap_or(text.len()));
        }
        if self.ignores_case {
            text.make_ascii_lowercase();
        }
        text.split(['/', '\\'])
            .map(|segment| self.name(segment).to_owned())
            .filter(|segment| !segment.is_empty())
            .collect()
    }

    fn name(self, segment: &str) -> &str {
        let name = segment
            .split_once(';')
            .filter(|_| self.drops_parameters)
            .map_or(segment, |(name, _)| name);
        if self.drops_dots_and_spaces {
            name.trim_end_matches(['.', ' '])
        } else {
            name
        }
    }
}
