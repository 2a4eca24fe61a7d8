//! In which language a page is: what the browser asks for, of what the operator offers.

use authflow_shared::{
    config::Reader,
    json::{self, Value},
};

use super::texts::{LANGUAGES, Texts};

/// A language that the operator offers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Language {
    /// As `lang` and `Content-Language` name it (RFC 5646).
    pub(super) tag: &'static str,
    pub(super) texts: &'static Texts,
}

/// The languages that the operator offers: `LANGUAGES`, with what `TEXTS` replaces.
#[derive(Debug)]
pub(super) struct Languages {
    default: Language,
    all: Vec<Language>,
}

impl Languages {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut all = Vec::new();
        for name in reader.list("LANGUAGES") {
            match LANGUAGES.iter().find(|known| known.tag == name) {
                Some(known) => all.push(*known),
                None => reader.fault(
                    "LANGUAGES",
                    format!("\"{name}\" is none of {}", tags(&LANGUAGES)),
                ),
            }
        }
        if reader.optional("LANGUAGES").is_none() {
            all.extend_from_slice(&LANGUAGES);
        }
        replace_texts(reader, &mut all);
        Some(Self {
            default: *all.first()?,
            all,
        })
    }

    /// The one for a browser that sent `accept_language`, or the first.
    pub(super) fn choose(&self, accept_language: Option<&str>) -> Language {
        let mut best = (self.default, 0);
        for language in &self.all {
            let rank = rank(accept_language.unwrap_or_default(), language.tag);
            if rank > best.1 {
                best = (*language, rank);
            }
        }
        best.0
    }
}

/// How much `header` wants the language `tag`, whichever country's: by its quality, and of equals
/// the first. 0 is not at all.
fn rank(header: &str, tag: &str) -> usize {
    let (mut named, mut star) = (None, 0);
    for (position, item) in header.split(',').enumerate() {
        let Some((range, quality)) = range(item) else {
            continue;
        };
        let rank = (quality * 1000).saturating_sub(position);
        let primary = range.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case(tag) {
            named = named.max(Some(rank));
        } else if range == "*" {
            star = rank;
        }
    }
    named.unwrap_or(star)
}

/// A range and its quality in thousandths (RFC 9110, sections 12.4.2 and 12.5.4); `None` for what
/// cannot be read.
fn range(item: &str) -> Option<(&str, usize)> {
    let Some((range, weight)) = item.split_once(';') else {
        return Some((item.trim(), 1000));
    };
    let (name, quality) = weight.trim().split_once('=')?;
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    if !name.eq_ignore_ascii_case("q") || fraction.len() > 3 {
        return None;
    }
    let mut thousandths = match whole {
        "0" => 0,
        "1" => 1000,
        _ => return None,
    };
    for (byte, worth) in fraction.bytes().zip([100, 10, 1]) {
        if !byte.is_ascii_digit() {
            return None;
        }
        thousandths += usize::from(byte - b'0') * worth;
    }
    (thousandths <= 1000).then_some((range.trim(), thousandths))
}

/// `TEXTS`: `{"en": {"signin_title": "Welcome"}}`.
fn replace_texts(reader: &mut Reader<'_>, languages: &mut [Language]) {
    const NAME: &str = "TEXTS";
    let Some(json) = reader.optional(NAME) else {
        return;
    };
    let replaced = match json::parse_unique(json) {
        Ok(Value::Object(replaced)) => replaced,
        Ok(_) => return reader.fault(NAME, "must be a JSON object of languages"),
        Err(malformed) => return reader.fault(NAME, format!("is not JSON: {malformed}")),
    };
    for (tag, replaced) in &replaced {
        let known = tags(languages);
        let Some(language) = languages.iter_mut().find(|known| known.tag == tag) else {
            reader.fault(NAME, format!("\"{tag}\" is none of {known}"));
            continue;
        };
        let Value::Object(replaced) = replaced else {
            reader.fault(NAME, format!("\"{tag}\" must be an object of texts"));
            continue;
        };
        let mut texts = language.texts.clone();
        for (name, text) in replaced {
            match text.as_str() {
                None => reader.fault(NAME, format!("\"{name}\" must be a text")),
                Some(text) if texts.replace(name, text) => {}
                Some(_) => reader.fault(NAME, format!("there is no text \"{name}\"")),
            }
        }
        // Never freed: it belongs to the configuration, which lives as long as the worker.
        language.texts = Box::leak(Box::new(texts));
    }
}

fn tags(languages: &[Language]) -> String {
    let tags: Vec<_> = languages.iter().map(|language| language.tag).collect();
    tags.join(", ")
}

#[cfg(test)]
mod tests {
    use authflow_shared::config::Variables;
    use proptest::prelude::*;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Languages, Vec<String>> {
        let pairs = pairs.iter();
        let variables: Variables = pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut reader = Reader::new(&variables);
        let languages = Languages::read(&mut reader);
        let faults = |faults: Vec<authflow_shared::config::Fault>| {
            faults.iter().map(ToString::to_string).collect()
        };
        reader.finish(languages).map_err(faults)
    }

    #[track_caller]
    fn chooses(offered: &str, header: &str, expected: &str) {
        let languages = read(&[("LANGUAGES", offered)]).unwrap();
        assert_eq!(languages.choose(Some(header)).tag, expected, "{header}");
    }

    #[test]
    fn the_best_that_is_asked_for_and_offered() {
        chooses("en,de", "de", "de");
        chooses("en,de", "DE-at", "de");
        chooses("en,de", "de-AT,de;q=0.9,en;q=0.8", "de");
        chooses(
            "en,de",
            "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5",
            "en",
        );
        chooses("en,de", "en;q=0.8 , de ; q=0.81", "de");
        chooses("en,de", "en;Q=0.001,de;q=0", "en");
        chooses("de", "en", "de");
    }

    #[test]
    fn of_equals_the_first() {
        chooses("en,de", "de,en", "de");
        chooses("de,en", "en;q=0.5,de;q=0.500", "en");
    }

    #[test]
    fn a_star_is_what_is_not_named() {
        chooses("en,de", "*", "en");
        chooses("de,en", "*", "de");
        chooses("en,de", "*,en;q=0.5", "de");
        chooses("en,de", "en;q=0,*;q=0.1", "de");
        chooses("en,de", "en;q=0.3,de;q=0.2,*", "en");
    }

    #[test]
    fn what_cannot_be_read_asks_for_nothing() {
        for header in [
            "",
            ",",
            "de;q=2",
            "de;q=1.1",
            "de;q=0.1234",
            "de;q=-1",
            "de;q=",
            "de;x=1",
        ] {
            chooses("en,de", header, "en");
        }
        chooses("en,de", "deutsch", "en");
        chooses("en,de", "en;q=x,de;q=0.1", "de");
        chooses("en,de", "en;q=0.1x,de;q=0.1", "de");
        let languages = read(&[]).unwrap();
        assert_eq!(languages.choose(None).tag, "en");
    }

    #[test]
    fn texts_are_replaced_in_their_language_alone() {
        let texts = r#"{"de": {"signin_title": "Hallo"}}"#;
        let languages = read(&[("TEXTS", texts)]).unwrap();
        let title = |header| languages.choose(Some(header)).texts.signin_title();
        assert_eq!((title("en"), title("de")), ("Sign in", "Hallo"));
    }

    #[track_caller]
    fn faults(pairs: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(read(pairs).unwrap_err(), expected);
    }

    #[test]
    fn every_fault_is_named() {
        faults(
            &[("LANGUAGES", "en,fr")],
            &["LANGUAGES: \"fr\" is none of en, de"],
        );
        let texts =
            r#"{"en": {"a": "x", "signin_title": 1, "signout_title": "x"}, "fr": {}, "de": 1}"#;
        faults(
            &[("TEXTS", texts)],
            &[
                "TEXTS: \"de\" must be an object of texts",
                "TEXTS: there is no text \"a\"",
                "TEXTS: \"signin_title\" must be a text",
                "TEXTS: \"fr\" is none of en, de",
            ],
        );
        faults(
            &[("LANGUAGES", "en"), ("TEXTS", r#"{"de": {}}"#)],
            &["TEXTS: \"de\" is none of en"],
        );
        faults(
            &[("TEXTS", "[]")],
            &["TEXTS: must be a JSON object of languages"],
        );
        assert!(read(&[("TEXTS", "{")]).unwrap_err()[0].starts_with("TEXTS: is not JSON"));
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd(header in "[de*;,q=01. -]{0,30}") {
            read(&[]).unwrap().choose(Some(&header));
        }
    }
}
