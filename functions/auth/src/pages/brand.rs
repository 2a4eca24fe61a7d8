//! Whose pages they are: name, logo and colour.

use authflow_shared::config::{Common, Reader};

use super::color::Color;

/// What text in the brand's colour stands on, the least readable of all: the page where it is
/// light, the card where it is dark. `style.css` has the same.
const LIGHT: Color = Color::new(0x00f4_f5f7);
const DARK: Color = Color::new(0x001d_2027);

const COLOR: Color = Color::new(0x0024_56c8);
const LONGEST_NAME: usize = 64;
const LONGEST_LOGO: usize = 8 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Brand {
    pub(super) name: String,
    /// The address of an image: data, or a path of our own.
    pub(super) logo: Option<String>,
    color: Color,
}

impl Brand {
    /// Reads `BRAND_NAME`, `BRAND_LOGO_URL` and `BRAND_COLOR`.
    pub(super) fn read(reader: &mut Reader<'_>, common: Option<&Common>) -> Option<Self> {
        let name = name(reader);
        let logo = logo(reader);
        let color = color(reader);
        let host = common?.targets.base.as_str();
        let host = host.split_once("://").map_or(host, |(_, host)| host);
        Some(Self {
            name: name.unwrap_or(host).to_owned(),
            logo: logo.map(str::to_owned),
            color,
        })
    }

    /// Whether the logo is loaded from our own host.
    pub(super) fn has_logo_file(&self) -> bool {
        self.logo.as_deref().is_some_and(|url| url.starts_with('/'))
    }

    /// What the style has of the brand: `--accent` is a button, `--on-accent` the text on it, and
    /// `--link` text in the brand's colour.
    pub(super) fn style(&self) -> String {
        let link = self.color.readable_on(LIGHT, Color::BLACK);
        let light = variables(self.color, link);
        let shade = self.color.readable_on(DARK, Color::WHITE);
        let dark = variables(shade, shade);
        format!("{light}@media(prefers-color-scheme:dark){{{dark}}}")
    }
}

fn variables(accent: Color, link: Color) -> String {
    let text = accent.text();
    format!(":root{{--accent:{accent};--on-accent:{text};--link:{link}}}")
}

fn name<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    const NAME: &str = "BRAND_NAME";
    let name = reader.optional(NAME)?;
    if name.chars().any(char::is_control) || name.len() > LONGEST_NAME {
        reader.fault(NAME, "must be one line of 64 bytes at the most");
    }
    Some(name)
}

fn logo<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    const NAME: &str = "BRAND_LOGO_URL";
    let logo = reader.optional(NAME)?;
    if !is_image_data(logo) && !is_path(logo) {
        reader.fault(
            NAME,
            "must be a path on AUTH_URL such as /public/logo.svg, or begin with \
             data:image/svg+xml;base64, or data:image/png;base64, and be under 8 KiB: the pages \
             load nothing from elsewhere",
        );
    }
    Some(logo)
}

fn is_image_data(logo: &str) -> bool {
    let data = logo
        .strip_prefix("data:image/svg+xml;base64,")
        .or_else(|| logo.strip_prefix("data:image/png;base64,"));
    data.is_some_and(|data| !data.is_empty() && is_of(data, b"+/=")) && logo.len() <= LONGEST_LOGO
}

/// A path, and no `//host`; not even with the backslash that browsers take for a slash.
fn is_path(logo: &str) -> bool {
    logo.starts_with('/') && !logo.starts_with("//") && is_of(logo, b"/-._~%?=&")
}

/// Whether `text` is of letters, digits and `others`.
fn is_of(text: &str, others: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

fn color(reader: &mut Reader<'_>) -> Color {
    const NAME: &str = "BRAND_COLOR";
    let Some(text) = reader.optional(NAME) else {
        return COLOR;
    };
    let color = Color::parse(text);
    if color.is_none() {
        reader.fault(NAME, "must be a colour such as #1f5fbf");
    }
    color.unwrap_or(COLOR)
}

#[cfg(test)]
mod tests {
    use authflow_shared::config::{Variables, variables};

    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Brand, Vec<String>> {
        let changes = changes.iter();
        let changes = changes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let variables: Variables = variables().into_iter().chain(changes).collect();
        let mut reader = Reader::new(&variables);
        let common = Common::read(&mut reader, "test");
        let brand = Brand::read(&mut reader, common.as_ref());
        let faults = |fault: &authflow_shared::config::Fault| fault.name.to_owned();
        let finished = reader.finish(brand);
        finished.map_err(|found| found.iter().map(faults).collect())
    }

    #[test]
    fn without_a_name_it_is_the_host_that_people_know() {
        let brand = read(&[]).unwrap();
        assert_eq!((brand.name.as_str(), brand.logo), ("app.test", None));
        assert_eq!(
            read(&[("BRAND_NAME", "Über & Co")]).unwrap().name,
            "Über & Co"
        );
    }

    #[test]
    fn the_style_of_a_colour_that_is_too_light_and_of_one_that_is_too_dark() {
        let style = |color| read(&[("BRAND_COLOR", color)]).unwrap().style();
        insta::assert_snapshot!(style("#fc0"), @":root{--accent:#ffcc00;--on-accent:#000000;--link:#7f6600}@media(prefers-color-scheme:dark){:root{--accent:#ffcc00;--on-accent:#000000;--link:#ffcc00}}");
        insta::assert_snapshot!(style("#102040"), @":root{--accent:#102040;--on-accent:#ffffff;--link:#102040}@media(prefers-color-scheme:dark){:root{--accent:#878f9f;--on-accent:#000000;--link:#878f9f}}");
    }

    #[test]
    fn the_grounds_are_those_of_the_style() {
        let style = include_str!("../../templates/style.css");
        assert!(style.contains(&format!("--page: {LIGHT};")));
        assert!(style.contains(&format!("--card: {DARK};")));
    }

    #[track_caller]
    fn refuses(name: &str, value: &str) {
        assert_eq!(read(&[(name, value)]).unwrap_err(), [name], "{value}");
    }

    #[test]
    fn each_bad_value_is_named() {
        refuses("BRAND_NAME", "a\nb");
        refuses("BRAND_NAME", &"x".repeat(65));
        refuses("BRAND_COLOR", "blue");
        refuses("BRAND_COLOR", "#12345");
        refuses("BRAND_COLOR", "#fff;}body{display:none");
    }

    #[test]
    fn a_logo_comes_from_nowhere_else() {
        for logo in [
            "https://cdn.test/logo.png",
            "//cdn.test/logo.png",
            "/\\cdn.test/logo.png",
            "logo.png",
            "/logo.png\"onload=x",
            "data:image/svg+xml,<svg/>",
            "data:text/html;base64,AAAA",
            "data:image/png;base64,",
            "data:image/png;base64,AA\"A",
        ] {
            refuses("BRAND_LOGO_URL", logo);
        }
        let long = format!("data:image/png;base64,{}", "A".repeat(LONGEST_LOGO));
        refuses("BRAND_LOGO_URL", &long);
        let has_file = |logo| read(&[("BRAND_LOGO_URL", logo)]).unwrap().has_logo_file();
        assert!(has_file("/public/logo-2.svg?v=1"));
        assert!(!has_file("data:image/svg+xml;base64,PHN2Zy8+"));
    }
}
