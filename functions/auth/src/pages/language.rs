//! In which language a page is: what the browser asks for, of what the operator offers.

use authflow_shared::{
    config::Reader,
    json::{self, Value},
};

use super::texts::{LANGUAGES, Texts};

/// A language that the operator offers.
#[derive(Clone, Debug)]
pub(super) struct Language {
    /// As `lang` and `Content-Language` name it (RFC 5646).
    pub(super) tag: &'static str,
    pub(super) texts: Texts,
}

/// The languages that the operator offers: `LANGUAGES`, with what `TEXTS` replaces.
#[derive(Debug)]
pub(super) struct Languages {
    default: Language,
    others: Vec<Language>,
}

impl Languages {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut named = Vec::new();
        for name in reader.list("LANGUAGES") {
            match LANGUAGES.iter().find(|(tag, _)| *tag == name) {
                Some(known) => named.push(known.clone()),
                None => reader.fault(
                    "LANGUAGES",
                    format!("\"{name}\" is none of {}", tags(&LANGUAGES)),
                ),
            }
        }
        if reader.optional("LANGUAGES").is_none() {
            named = LANGUAGES.to_vec();
        }
        replace_texts(reader, &mut named);
        let mut languages = named
            .into_iter()
            .map(|(tag, texts)| Language { tag, texts });
        Some(Self {
            default: languages.next()?,
            others: languages.collect(),
        })
    }

    /// The one for a browser that sent `accept_language`, or the first.
    pub(super) fn choose(&self, accept_language: Option<&str>) -> &Language {
        let offered = || core::iter::once(&self.default).chain(&self.others);
        let ranges: Vec<_> = accept_language
            .unwrap_or_default()
            .split(',')
            .filter_map(range)
            .collect();
        let is_named = |language: &Language| ranges.iter().any(|(tag, _)| is(tag, language));
        let mut best = (&self.default, 0);
        for (tag, quality) in &ranges {
            let found = match *tag {
                "*" => offered().find(|language| !is_named(language)),
                tag => offered().find(|language| is(tag, language)),
            };
            // Of equals, the first counts.
            if let Some(language) = found.filter(|_| *quality > best.1) {
                best = (language, *quality);
            }
        }
        best.0
    }
}

/// Whether `range` asks for `language`, whichever country's.
fn is(range: &str, language: &Language) -> bool {
    let primary = range.split('-').next().unwrap_or_default();
    primary.eq_ignore_ascii_case(language.tag)
}

/// A range and its quality in thousandths (RFC 9110, sections 12.4.2 and 12.5.4); `None` for what
/// cannot be read.
fn range(text: &str) -> Option<(&str, u16)> {
    let Some((range, weight)) = text.split_once(';') else {
        return Some((text.trim(), 1000));
    };
    let weight = weight.trim();
    let quality = weight
        .strip_prefix("q=")
        .or_else(|| weight.strip_prefix("Q="))?;
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", _) => Some((range.trim(), fraction)),
        ("1", 0) => Some((range.trim(), 1000)),
        _ => None,
    }
}

/// `TEXTS`: `{"en": {"signin_title": "Welcome"}}`.
fn replace_texts(reader: &mut Reader<'_>, languages: &mut [(&'static str, Texts)]) {
    const NAME: &str = "TEXTS";
    let Some(json) = reader.optional(NAME) else {
        return;
    };
    let replaced = match json::parse_unique(json) {
        Ok(Value::Object(replaced)) => replaced,
        Ok(_) => return reader.fault(NAME, "must be a JSON object of languages"),
        Err(malformed) => return reader.fault(NAME, format!("is not JSON: {malformed}")),
    };
    for (tag, texts) in replaced {
        let known = tags(languages);
        let Some((_, language)) = languages.iter_mut().find(|(known, _)| *known == tag) else {
            reader.fault(NAME, format!("\"{tag}\" is none of {known}"));
            continue;
        };
        let Value::Object(texts) = texts else {
            reader.fault(NAME, format!("\"{tag}\" must be an object of texts"));
            continue;
        };
        for (name, text) in texts {
            match text.as_str() {
                None => reader.fault(NAME, format!("\"{name}\" must be a text")),
                Some(text) if language.replace(&name, text) => {}
                Some(_) => reader.fault(NAME, format!("there is no text \"{name}\"")),
            }
        }
    }
}

fn tags(languages: &[(&'static str, Texts)]) -> String {
    let tags: Vec<_> = languages.iter().map(|(tag, _)| *tag).collect();
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
