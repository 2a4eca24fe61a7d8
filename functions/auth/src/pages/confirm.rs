//! `/auth/confirm`: where the link in a mail leads.
//!
//! Opening the page does nothing yet: mail scanners open every link, and would use it up. The
//! button on the page does it.

use askama::Template;
use authflow_shared::host::Host;

use super::{
    account,
    next::Next,
    plain_form::PlainForm,
    resend, signin,
    texts::Texts,
    trouble::Trouble,
    view::{Page, View},
};
use crate::{
    api::{
        self,
        verify_email::{EMAIL_CHANGE, Link, Redeemed},
    },
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    response::Response,
};

#[derive(Template)]
#[template(path = "confirm.html")]
struct Form<'a> {
    t: &'static Texts,
    trouble: &'a Trouble,
    /// None if it is of no use.
    link: Option<&'a Link>,
    next: &'a Next,
    sign_in: String,
    /// Where there is a new link to be had.
    again: String,
    /// Whether it is about a change of address.
    is_change: bool,
}

impl<'a> Form<'a> {
    fn new(
        t: &'static Texts,
        next: &'a Next,
        link: Option<&'a Link>,
        kind: &str,
        trouble: &'a Trouble,
    ) -> Self {
        let is_change = kind == EMAIL_CHANGE;
        Self {
            t,
            trouble,
            link,
            next,
            sign_in: next.link(signin::PATH),
            again: if is_change {
                account::PATH.to_owned()
            } else {
                next.link(resend::PATH)
            },
            is_change,
        }
    }
}

impl Page for Form<'_> {
    fn title(&self) -> &str {
        self.t.confirm_title()
    }
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let view = View::of(exchange);
    let fields = Fields::from_query(exchange.request)?;
    let next = Next::from_query(exchange);
    let kind = fields.sent("type").to_owned();
    match api::verify_email::read(fields) {
        Ok(link) => {
            let page = Form::new(view.texts(), &next, Some(&link), &kind, Trouble::none());
            Ok(view.shown(&page, "confirm_form"))
        }
        Err(failure) => Ok(refused(view, &next, None, &kind, failure)),
    }
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let view = View::of(exchange);
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let kind = fields.sent("type").to_owned();
    let link = match api::verify_email::read(fields) {
        Ok(link) => link,
        Err(failure) => return Ok(refused(view, &next, None, &kind, failure)),
    };
    match api::verify_email::redeem(exchange, &link).await {
        Ok(Redeemed::Entry(entry)) => Ok(super::go_on(exchange, entry, &next)),
        Ok(Redeemed::OtherAddressToConfirm) => {
            let t = view.texts();
            let page = PlainForm {
                text: t.confirm_other_text(),
                links: vec![(account::PATH.to_owned(), t.account_title())],
                ..PlainForm::new(t, t.confirm_other_title(), &next, Trouble::none())
            };
            Ok(view.shown(&page, "other_address_to_confirm"))
        }
        Err(failure) => {
            // Supabase did not see it, or said to come back: the link may still be good.
            let may_be_good = matches!(failure.problem.status, 429 | 503);
            let link = may_be_good.then_some(&link);
            Ok(refused(view, &next, link, &kind, failure))
        }
    }
}

fn refused(
    view: View<'_>,
    next: &Next,
    link: Option<&Link>,
    kind: &str,
    failure: Failure,
) -> Response {
    let t = view.texts();
    let trouble = match failure.problem.code {
        "validation_failed" => Trouble::saying(t.confirm_incomplete()),
        _ => Trouble::of_failure(&failure, t),
    };
    view.refused(&Form::new(t, next, link, kind, &trouble), failure)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::{Answer, LOST, World, get, post_form, session};

    const PATH: &str = "/auth/confirm";

    fn submit(world: &World) -> Answer {
        let fields = [
            ("token_hash", "0a1b"),
            ("type", "signup"),
            ("next", "/app/x"),
        ];
        world.answer(&post_form(PATH, &fields))
    }

    #[test]
    fn opening_the_link_uses_nothing_up() {
        let world = World::new().supabase("/verify", 200, session());
        let query = "token_hash=pkce_0a1b&type=signup&next=https%3A%2F%2Fapp.test%2Fapp";
        let answer = world.answer(&get(PATH).query(query));
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Confirm your address</h1>
        <p>One more step: press the button to confirm your e-mail address and sign in.</p>
        <form method="post" action="/auth/confirm">
        <input type="hidden" name="token_hash" value="pkce_0a1b">
        <input type="hidden" name="type" value="signup">
        <input type="hidden" name="next" value="https://app.test/app">
        <button>Confirm and sign in</button>
        </form>
        "#);
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn the_button_signs_in_and_leads_on() {
        let answer = submit(&World::new().supabase("/verify", 200, session()));
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), Some("https://app.test/app/x"));
        assert!(answer.header("set-cookie").is_some());
    }

    #[test]
    fn a_link_that_is_of_no_use_leads_to_a_new_one() {
        let answer = submit(&World::new().supabase_refuses("/verify", "otp_expired"));
        assert_eq!(answer.status, 401);
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Confirm your address</h1>
        <div class="alert" role="alert" tabindex="-1" autofocus>
        <p>The link has expired or has been used before. Ask for a new one.</p>
        </div>
        <p class="links"><a href="/auth/resend?next=https%3A%2F%2Fapp.test%2Fapp%2Fx">Send a new mail</a> <a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp%2Fx">Sign in</a></p>
        "#);
        for query in [
            "",
            "token_hash=0a1b",
            "token_hash=%3Cb%3E&type=signup",
            "token_hash=0a1b&type=recovery",
        ] {
            let answer = World::new().answer(&get(PATH).query(query));
            assert_eq!(answer.status, 422, "{query}");
            assert!(!answer.main().contains("<form"), "{query}");
        }
    }

    #[test]
    fn a_link_that_may_still_be_good_can_be_tried_again() {
        for breakage in LOST {
            let world = World::new().supabase("/verify", 200, session());
            world.break_after(0, breakage);
            let answer = submit(&world);
            assert_eq!(answer.status, 503);
            assert!(answer.main().contains("value=\"0a1b\""));
            assert!(answer.main().contains("role=\"alert\""));
        }
    }

    #[test]
    fn a_change_of_address_takes_the_links_of_both_mails() {
        let half = json!({"code": "200", "msg": "Confirmation link accepted."});
        let world = World::new().supabase("/verify", 200, half);
        let fields = [
            ("token_hash", "0a1b"),
            ("type", "email_change"),
            ("next", "/auth/account"),
        ];
        let query = "token_hash=0a1b&type=email_change";
        let form = world.answer(&get(PATH).query(query));
        assert!(form.main().contains("<button>Confirm the change</button>"));
        assert!(world.host.calls().is_empty());
        let first = world.answer(&post_form(PATH, &fields));
        assert_eq!(first.status, 200);
        assert!(first.header("set-cookie").is_none());
        insta::assert_snapshot!(first.main(), @r#"

        <h1>One more link</h1>
        <p>This address is confirmed. Now follow the link in the mail to your other address: only then does the address change.</p>
        <p class="links"><a href="/auth/account">Account</a></p>
        "#);
        let world = world.supabase("/verify", 200, session());
        let second = world.answer(&post_form(PATH, &fields));
        assert_eq!(second.status, 303);
        assert_eq!(
            second.header("location"),
            Some("https://app.test/auth/account")
        );
        assert!(second.header("set-cookie").is_some());
        let world = world.supabase_refuses("/verify", "otp_expired");
        let over = world.answer(&post_form(PATH, &fields));
        assert_eq!(over.status, 401);
        assert!(
            over.main().contains("href=\"/auth/account\"") && !over.main().contains("/auth/resend")
        );
    }

    #[test]
    fn another_site_cannot_press_the_button() {
        let world = World::new().supabase("/verify", 200, session());
        let form = post_form(PATH, &[("token_hash", "0a1b"), ("type", "signup")]);
        let answer = world.answer(&form.with("sec-fetch-site", "cross-site"));
        assert_eq!(answer.status, 403);
        assert!(world.host.calls().is_empty());
    }
}
