//! `/auth/resend`: asks for the mail of a sign-up once more.

use authflow_shared::host::Host;

use super::{next::Next, plain_form::MailForm, signup, texts::Texts, trouble::Trouble, view::View};
use crate::{api, exchange::Exchange, failure::Failure, fields::Fields, response::Response};

pub(super) const PATH: &str = "/auth/resend";

fn form(t: &Texts) -> MailForm {
    MailForm {
        path: PATH,
        title: t.resend_title(),
        text: t.resend_text(),
        button: t.resend_button(),
    }
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let view = View::of(exchange);
    let next = Next::from_query(exchange);
    let t = view.texts();
    let page = form(t).page(t, &next, "", Trouble::none());
    Ok(view.shown(&page, "resend_form"))
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let email = fields.sent("email").to_owned();
    let sent = match api::resend_verification::read(fields) {
        Ok(email) => {
            let target = next.target(&exchange.config.common.targets);
            api::resend_verification::resend(exchange, email, target).await
        }
        Err(failure) => Err(failure),
    };
    let Err(failure) = sent else {
        return Ok(signup::mail_sent(exchange, &next));
    };
    let view = View::of(exchange);
    let t = view.texts();
    let trouble = Trouble::of_failure(&failure, t);
    let page = form(t).page(t, &next, &email, &trouble);
    Ok(view.refused(&page, failure))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PATH;
    use crate::test_support::{World, get, post_form};

    #[test]
    fn the_form_asks_for_the_address() {
        let answer = World::new().answer(&get(PATH));
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Send the mail again</h1>
        <p>Check your spam folder first. A new mail makes the earlier link invalid.</p>
        <form method="post" action="/auth/resend">
        <div class="field">
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" value="" required>
        </div>
        <button>Send</button>
        </form>
        <p class="links"><a href="/auth/signin">Sign in</a></p>
        "#);
    }

    #[test]
    fn the_mail_is_sent_after_the_answer() {
        let world = World::new().supabase("/resend", 200, json!({}));
        let form = post_form(PATH, &[("email", "ada@example.test"), ("next", "/app")]);
        let answer = world.answer(&form);
        assert_eq!(answer.status, 303);
        let location = "https://app.test/auth/signup?next=https%3A%2F%2Fapp.test%2Fapp&sent=1";
        assert_eq!(answer.header("location"), Some(location));
        assert!(world.asked().is_empty());
        world.run_tasks();
        assert_eq!(
            world.asked(),
            ["/resend?redirect_to=https%3A%2F%2Fapp.test%2Fapp"]
        );
    }

    #[test]
    fn a_bad_address_comes_back() {
        let answer = World::new().answer(&post_form(PATH, &[("email", "ada")]));
        assert_eq!(answer.status, 422);
        assert!(answer.main().contains("value=\"ada\""));
    }
}
