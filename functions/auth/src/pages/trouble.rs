//! What a form says when it comes back.

use askama::{Template, filters::HtmlSafe};

use super::texts::Texts;
use crate::failure::Failure;

/// What is wrong, field by field where that is known. It is `{{ trouble }}` in a template, and
/// shows nothing where nothing is wrong.
#[derive(Clone, Debug, Template)]
#[template(path = "trouble.html")]
pub(super) struct Trouble {
    /// What is wrong as a whole, or what stands above what is wrong with the fields.
    text: String,
    /// Fields and what is wrong with each.
    fields: Vec<(&'static str, String)>,
}

// Its own template has escaped it.
impl HtmlSafe for Trouble {}

impl Trouble {
    /// Nothing is wrong.
    pub(super) fn none() -> &'static Self {
        static NONE: Trouble = Trouble {
            text: String::new(),
            fields: Vec::new(),
        };
        &NONE
    }

    /// What `failure` says to a person.
    pub(super) fn of_failure(failure: &Failure, t: &Texts) -> Self {
        let problem = &failure.problem;
        let mut fields: Vec<(&'static str, String)> = Vec::new();
        for error in &problem.errors {
            let text = t.field_error(error.field, error.code);
            let text = text.unwrap_or(&error.detail);
            match fields.iter_mut().find(|(field, _)| *field == error.field) {
                Some((_, texts)) => {
                    texts.push(' ');
                    texts.push_str(text);
                }
                None => fields.push((error.field, text.to_owned())),
            }
        }
        let text = if fields.is_empty() {
            t.error(failure.text()).unwrap_or(&problem.detail)
        } else {
            t.errors_title()
        };
        Self {
            text: text.to_owned(),
            fields,
        }
    }

    /// What `failure` says, if there is one.
    pub(super) fn of_any(failure: Option<&Failure>, t: &Texts) -> Self {
        failure.map_or_else(
            || Self::none().clone(),
            |failure| Self::of_failure(failure, t),
        )
    }

    /// Something that a page itself found wrong.
    pub(super) fn saying(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            fields: Vec::new(),
        }
    }

    /// What is wrong with `field`.
    pub(super) fn of(&self, field: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| *known == field);
        found.map(|(_, text)| text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use authflow_shared::{problem::FieldError, redis::Unavailable, supabase::Weakness};

    use super::*;
    use crate::pages::texts::LANGUAGES;

    fn trouble(failure: &Failure, language: usize) -> Trouble {
        Trouble::of_failure(failure, LANGUAGES[language].texts)
    }

    #[test]
    fn a_failure_speaks_the_language_of_the_page() {
        let failure = Failure::sign_up_disabled();
        let says = |language| trouble(&failure, language).text;
        assert_eq!(says(0), failure.problem.detail);
        assert_eq!(says(1), "Hier lassen sich keine neuen Konten anlegen.");
    }

    #[test]
    fn what_has_happened_is_said_before_what_the_code_means() {
        let failure = Failure::store_unavailable(Unavailable::Refused).after_password_change();
        let says = |language| trouble(&failure, language).text;
        assert_eq!(says(0), failure.problem.detail);
        assert!(says(1).starts_with("Ihr Passwort wurde geändert, aber"));
        let mut texts = LANGUAGES[0].texts.clone();
        texts.replace("error_store_unavailable", "Down.");
        let said = Trouble::of_failure(&failure, &texts).text;
        assert_eq!(
            said, failure.problem.detail,
            "other words for the code hide nothing"
        );
        texts.replace("error_after_password_change", "Changed.");
        assert_eq!(Trouble::of_failure(&failure, &texts).text, "Changed.");
    }

    #[test]
    fn every_error_of_a_field_stands_with_it() {
        let weak = Failure::weak_password(&[Weakness::Length, Weakness::Characters]);
        let trouble = trouble(&weak, 1);
        let said = trouble.of("password").unwrap();
        assert!(said.starts_with("Das Passwort ist zu kurz. Das Passwort braucht"));
        assert_eq!(trouble.of("email"), None);
        assert_eq!(trouble.fields.len(), 1);
    }

    #[test]
    fn what_has_no_text_says_what_the_api_says() {
        let errors = vec![FieldError {
            field: "type",
            code: "unknown_value",
            detail: "Must be <one> of: a.".to_owned(),
        }];
        let trouble = trouble(&Failure::validation_failed(errors), 1);
        insta::assert_snapshot!(trouble.to_string(), @r##"
        <div class="alert" role="alert" tabindex="-1" autofocus>
        <p>Bitte korrigieren Sie:</p>
        <ul>
        <li><a href="#type">Must be &#60;one&#62; of: a.</a></li>
        </ul>
        </div>
        "##);
    }

    #[test]
    fn nothing_wrong_says_nothing() {
        assert_eq!(Trouble::none().to_string(), "");
    }
}
