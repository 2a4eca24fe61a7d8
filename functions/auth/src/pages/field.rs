//! A field of a form: label, hint, what is wrong with it, and the input.

use askama::{Template, filters::HtmlSafe};

use super::{texts::Texts, trouble::Trouble};

/// What is typed into a field.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "every kind that a page may ask for stands here")]
pub(super) enum Kind {
    Text,
    /// What a person is called.
    Name,
    Email,
    /// The password of an account that exists.
    Password,
    /// The password of an account from now on.
    NewPassword,
    /// A code of digits that is good once.
    Code,
    /// The number of a phone.
    Phone,
}

/// See the module. Where its page shows it, it is `{{ email }}` in the template.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "field.html")]
pub(super) struct Field<'a> {
    kind: Kind,
    name: &'static str,
    /// What tells it from others on its page.
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    pub(super) value: &'a str,
    error: Option<&'a str>,
}

// Its own template has escaped it.
impl HtmlSafe for Field<'_> {}

impl<'a> Field<'a> {
    /// An empty field, sent as `name`.
    pub(super) fn new(
        kind: Kind,
        name: &'static str,
        label: &'static str,
        trouble: &'a Trouble,
    ) -> Self {
        Self {
            kind,
            name,
            id: name,
            label,
            hint: "",
            value: "",
            error: trouble.of(name),
        }
    }

    /// Tells it from another one of the same name.
    #[must_use]
    pub(super) fn id(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    /// Says how to fill it in.
    #[must_use]
    pub(super) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// Shows what was typed before. Never for a password or a code.
    #[must_use]
    pub(super) fn value(self, value: &'a str) -> Self {
        Self { value, ..self }
    }

    fn is_described(&self) -> bool {
        self.error.is_some() || !self.hint.is_empty()
    }

    /// The field `email`.
    pub(super) fn email(t: &Texts, value: &'a str, trouble: &'a Trouble) -> Self {
        Self::new(Kind::Email, "email", t.email_label(), trouble).value(value)
    }

    /// The field `code`.
    pub(super) fn code(t: &Texts, trouble: &'a Trouble) -> Self {
        Self::new(Kind::Code, "code", t.code_label(), trouble)
    }

    /// The field `password`, of an account that exists.
    pub(super) fn password(t: &Texts, trouble: &'a Trouble) -> Self {
        Self::new(Kind::Password, "password", t.password_label(), trouble)
    }

    /// The field `current_password`, of somebody who is signed in.
    pub(super) fn current_password(t: &Texts, trouble: &'a Trouble) -> Self {
        let label = t.current_password_label();
        Self::new(Kind::Password, "current_password", label, trouble)
    }

    /// The field `password`, of an account that is to have it.
    pub(super) fn new_password(t: &Texts, trouble: &'a Trouble) -> Self {
        Self::new(
            Kind::NewPassword,
            "password",
            t.new_password_label(),
            trouble,
        )
        .hint(t.new_password_hint())
    }
}

impl Kind {
    /// By what a browser, a keyboard and a password manager know it.
    fn attributes(self) -> &'static str {
        match self {
            Self::Text => r#"type="text""#,
            Self::Name => r#"type="text" autocomplete="name" maxlength="100""#,
            Self::Email => {
                r#"type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254""#
            }
            Self::Password => r#"type="password" autocomplete="current-password""#,
            Self::NewPassword => r#"type="password" autocomplete="new-password""#,
            Self::Phone => r#"type="tel" autocomplete="tel" maxlength="32""#,
            Self::Code => {
                r#"class="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="10""#
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use authflow_shared::problem::FieldError;

    use super::*;
    use crate::{failure::Failure, pages::texts::LANGUAGES};

    #[test]
    fn a_field_is_described_by_its_hint_and_its_error() {
        let errors = vec![FieldError {
            field: "code",
            code: "wrong",
            detail: "Not <this> one.".to_owned(),
        }];
        let trouble = Trouble::of_failure(&Failure::validation_failed(errors), LANGUAGES[0].texts);
        let field = Field::new(Kind::Code, "code", "Code", &trouble).hint("Six digits.");
        insta::assert_snapshot!(field.to_string(), @r#"
<div class="field">
<label for="code">Code</label>
<div id="code-note">
<p class="hint">Six digits.</p>
<p class="error">Not &#60;this&#62; one.</p>
</div>
<input id="code" name="code" class="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="10" value="" required aria-invalid="true" aria-describedby="code-note">
</div>
"#);
        let field = Field::new(Kind::Text, "name", "Name", &trouble).value("\"Ada\"");
        insta::assert_snapshot!(field.to_string(), @r#"
<div class="field">
<label for="name">Name</label>
<input id="name" name="name" type="text" value="&#34;Ada&#34;" required>
</div>
"#);
    }
}
