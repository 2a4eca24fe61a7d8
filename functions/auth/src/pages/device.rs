//! The name of a device in the language of a page.

use super::texts::Texts;

/// A label of `device_label`, in the reader's language.
pub(super) fn name(t: &Texts, label: &str) -> String {
    match label.split_once(" on ") {
        Some((browser, system)) => {
            let browser = match browser {
                "Unknown browser" => t.device_unknown_browser(),
                known => known,
            };
            t.device_on()
                .replace("{browser}", browser)
                .replace("{system}", system)
        }
        None if matches!(label, "" | "Unknown device") => t.device_unknown().to_owned(),
        None => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::texts::LANGUAGES;

    #[test]
    fn a_device_has_a_name_in_each_language() {
        let names = |label| LANGUAGES.map(|language| name(language.texts, label));
        assert_eq!(
            names("Firefox on Linux"),
            ["Firefox on Linux", "Firefox auf Linux"]
        );
        assert_eq!(
            names("Unknown browser on Windows"),
            [
                "Unknown browser on Windows",
                "Unbekannter Browser auf Windows"
            ]
        );
        assert_eq!(names("curl"), ["curl", "curl"]);
        assert_eq!(names(""), ["Unknown device", "Unbekanntes Gerät"]);
    }
}
