//! A form whose own page cannot be shown while Redis or Supabase is away: it comes back by itself,
//! with what was sent, so that nothing has to be looked up or typed anew. But for passwords and
//! codes: they are typed again.

use super::{
    field::{Field, Kind},
    next::Next,
    plain_form::PlainForm,
    trouble::Trouble,
    view::View,
};
use crate::{
    failure::Failure,
    form,
    request::{Body, Request},
    response::Response,
};

/// Fields that people type; all others are kept unseen.
const TYPED: [(&str, Kind); 4] = [
    ("phone", Kind::Phone),
    ("role", Kind::Text),
    ("code", Kind::Code),
    ("current_password", Kind::Password),
];

/// The form of `request` again.
///
/// # Errors
/// `failure`, where it is not that something is away, where something was done all the same, or
/// where there is no form.
pub(super) fn page(
    view: View<'_>,
    request: &Request,
    failure: Failure,
) -> Result<Response, Failure> {
    let is_outage = failure.problem.status == 503 && !failure.text().starts_with("after");
    let sent = match &request.body {
        Body::Text(text) if is_outage && request.method == "POST" => form::parse(text),
        _ => None,
    };
    let Some(sent) = sent else {
        return Err(failure);
    };
    let t = view.texts();
    let trouble = Trouble::of_failure(&failure, t);
    let mut page = PlainForm {
        action: Some(&request.path),
        button: t.try_again(),
        // Where to go on was sent like the rest.
        ..PlainForm::new(t, t.failed_title(), &Next::NONE, &trouble)
    };
    for (name, value) in &sent {
        let typed = TYPED.iter().find(|(known, _)| known == name);
        match typed {
            Some((name, kind)) if !value.is_empty() => {
                let (label, shown) = match kind {
                    Kind::Phone => (t.factors_phone_label(), value.as_str()),
                    Kind::Code => (t.code_label(), ""),
                    Kind::Password => (t.current_password_label(), ""),
                    _ => (t.admin_new_role(), value.as_str()),
                };
                let field = Field::new(*kind, name, label, &trouble);
                page.fields.push(field.value(shown));
            }
            _ => page.hidden.push((name, value)),
        }
    }
    Ok(view.refused(&page, failure))
}

#[cfg(test)]
mod tests {
    use authflow_shared::redis::Unavailable;

    use super::*;
    use crate::{
        pages,
        test_support::{Answer, config_with, get, post_form},
    };

    fn failed(failure: Failure, request: &Request) -> Answer {
        let response = pages::failed(failure, &config_with(&[]), request);
        Answer::of(&response)
    }

    fn away() -> Failure {
        Failure::store_unavailable(Unavailable::Refused)
    }

    #[test]
    fn a_form_comes_back_with_all_but_passwords_and_codes() {
        let sent = [
            ("type", "phone"),
            ("phone", "+49 30 \"901820"),
            ("current_password", "hunter2"),
            ("code", "424242"),
            ("next", "https://app.test/\"><script>"),
            ("\"x\"", "y"),
        ];
        let answer = failed(away(), &post_form("/auth/account/second-factor", &sent));
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after").is_some());
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>That did not work</h1>
        <div class="alert" role="alert" tabindex="-1" autofocus>
        <p>Sessions cannot be reached at the moment. Please try again.</p>
        </div>
        <form method="post" action="/auth/account/second-factor">
        <input type="hidden" name="type" value="phone">
        <input type="hidden" name="next" value="https://app.test/&#34;&#62;&#60;script&#62;">
        <input type="hidden" name="&#34;x&#34;" value="y">
        <div class="field">
        <label for="phone">Phone number</label>
        <input id="phone" name="phone" type="tel" autocomplete="tel" maxlength="32" value="+49 30 &#34;901820" required>
        </div>
        <div class="field">
        <label for="current_password">Current password</label>
        <input id="current_password" name="current_password" type="password" autocomplete="current-password" value="" required>
        </div>
        <div class="field">
        <label for="code">Code</label>
        <input id="code" name="code" class="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="10" value="" required>
        </div>
        <button>Try again</button>
        </form>
        "#);
    }

    #[test]
    fn a_button_that_needs_no_code_needs_none_again() {
        let sent = [("factor_id", "a"), ("send", "1"), ("code", "")];
        let answer = failed(away(), &post_form("/auth/step-up", &sent));
        assert!(!answer.main().contains("required"), "{}", answer.main());
        assert!(answer.main().contains(r#"name="send" value="1""#));
    }

    #[test]
    fn nothing_is_offered_again_that_was_done_or_refused() {
        let form = post_form("/auth/account/second-factor", &[("remove", "a")]);
        for (failure, request) in [
            (away().after_factor_removal(), &form),
            (Failure::not_found(), &form),
            (Failure::cross_site(), &form),
            (away(), &get("/auth/account/second-factor")),
        ] {
            let answer = failed(failure, request);
            assert!(!answer.main().contains("<form"), "{}", answer.main());
        }
    }
}
