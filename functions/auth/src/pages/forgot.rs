//! `/auth/forgot`: asks for the mail with a link to a new password. With `?sent`, it says to look
//! into the mailbox, to everybody alike.

use authflow_shared::host::Host;

use super::{
    next::Next,
    plain_form::{MailForm, PlainForm},
    signin,
    texts::Texts,
    trouble::Trouble,
    view::View,
};
use crate::{api, exchange::Exchange, failure::Failure, fields::Fields, form, response::Response};

pub(super) const PATH: &str = "/auth/forgot";

fn form(t: &Texts) -> MailForm {
    MailForm {
        path: PATH,
        title: t.forgot_title(),
        text: t.forgot_text(),
        button: t.forgot_button(),
    }
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let view = View::of(exchange);
    let next = Next::from_query(exchange);
    let t = view.texts();
    if form::field(&exchange.request.query, "sent").is_some() {
        let sent = PlainForm {
            text: t.forgot_sent(),
            links: vec![
                (next.link(signin::PATH), t.signin_title()),
                (next.link(PATH), t.sent_again()),
            ],
            ..PlainForm::new(t, t.sent_title(), &next, Trouble::none())
        };
        return Ok(view.shown(&sent, "mail_sent"));
    }
    let page = form(t).page(t, &next, "", Trouble::none());
    Ok(view.shown(&page, "forgot_form"))
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let email = fields.sent("email").to_owned();
    let sent = match api::resend_verification::read(fields) {
        Ok(email) => {
            let target = next.target(&exchange.config.common.targets);
            api::forgot_password::send(exchange, email, target).await
        }
        Err(failure) => Err(failure),
    };
    let Err(failure) = sent else {
        // The address is not in it: addresses stay in histories and logs.
        let page = next.page_with(exchange.config, PATH, "sent=1");
        return Ok(Response::see_other(page, "mail_sent"));
    };
    let view = View::of(exchange);
    let t = view.texts();
    let trouble = Trouble::of_failure(&failure, t);
    let page = form(t).page(t, &next, &email, &trouble);
    Ok(view.refused(&page, failure))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use serde_json::json;

    use super::PATH;
    use crate::test_support::{World, get, post_form};

    #[test]
    fn the_form_asks_for_the_address_and_keeps_where_to_go_on() {
        let answer = World::new().answer(&get(PATH).query("next=/app"));
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Forgot your password?</h1>
        <p>Enter your address, and we will send you a link to a page where you choose a new password.</p>
        <form method="post" action="/auth/forgot">
        <input type="hidden" name="next" value="https://app.test/app">
        <div class="field">
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" value="" required>
        </div>
        <button>Send the mail</button>
        </form>
        <p class="links"><a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp">Sign in</a></p>
        "#);
    }

    #[test]
    fn the_answer_waits_for_nobody_and_the_link_will_lead_on() {
        let world = World::new().supabase("/recover", 200, json!({}));
        let form = post_form(PATH, &[("email", "Ada@example.test"), ("next", "/app/x")]);
        let answer = world.answer(&form);
        assert_eq!(answer.status, 303);
        let location = "https://app.test/auth/forgot?next=https%3A%2F%2Fapp.test%2Fapp%2Fx&sent=1";
        assert_eq!(answer.header("location"), Some(location));
        assert_eq!((world.asked().len(), world.elapsed()), (0, Duration::ZERO));
        world.run_tasks();
        assert_eq!(
            world.asked(),
            ["/recover?redirect_to=https%3A%2F%2Fapp.test%2Fapp%2Fx"]
        );
    }

    #[test]
    fn the_mailbox_page_shows_no_address() {
        let query = "next=/app&sent=1&email=ada%40example.test";
        let answer = World::new().answer(&get(PATH).query(query));
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Check your mail</h1>
        <p>If there is an account with this address, a mail with a link is on its way to it. Follow the link to choose a new password.</p>
        <p class="links"><a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp">Sign in</a> <a href="/auth/forgot?next=https%3A%2F%2Fapp.test%2Fapp">No mail? Send it again</a></p>
        "#);
    }

    #[test]
    fn what_is_wrong_comes_back_with_what_was_typed() {
        let answer = World::new().answer(&post_form(PATH, &[("email", "ada"), ("next", "/app")]));
        assert_eq!(answer.status, 422);
        assert!(answer.main().contains("value=\"ada\""));
        assert!(answer.main().contains("value=\"https://app.test/app\""));
        let world = World::with(&[("FORGOT_LIMIT_ACCOUNT", "1/900")]);
        let form = post_form(PATH, &[("email", "ada@example.test")]);
        assert_eq!(world.answer(&form).status, 303);
        let refused = world.answer(&form);
        assert_eq!(refused.status, 429);
        assert!(refused.main().contains("role=\"alert\""));
    }
}
