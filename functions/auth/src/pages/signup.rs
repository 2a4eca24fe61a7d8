//! `/auth/signup`. With `?sent`, it says to look into the mailbox.

use askama::Template;
use authflow_shared::host::Host;

use super::{
    field::Field,
    next::Next,
    oauth::Providers,
    resend, signin,
    texts::Texts,
    trouble::Trouble,
    view::{Page, View},
};
use crate::{
    api::{self, signup::Outcome},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    form,
    response::Response,
};

pub(super) const PATH: &str = "/auth/signup";

#[derive(Template)]
#[template(path = "signup.html")]
struct Form<'a> {
    t: &'static Texts,
    trouble: &'a Trouble,
    next: &'a Next,
    email: Field<'a>,
    password: Field<'a>,
    providers: Providers<'a>,
    sign_in: String,
}

impl<'a> Form<'a> {
    fn new<H: Host>(
        exchange: &Exchange<'a, H>,
        next: &'a Next,
        email: &'a str,
        trouble: &'a Trouble,
    ) -> Self {
        let t = View::of(exchange).texts();
        Self {
            t,
            trouble,
            next,
            email: Field::email(t, email, trouble),
            password: Field::new_password(t, trouble),
            providers: Providers::new(exchange, t, next),
            sign_in: next.link(signin::PATH),
        }
    }
}

impl Page for Form<'_> {
    fn title(&self) -> &str {
        self.t.signup_title()
    }
}

#[derive(Template)]
#[template(path = "sent.html")]
struct Sent {
    t: &'static Texts,
    sign_in: String,
    resend: String,
}

impl Page for Sent {
    fn title(&self) -> &str {
        self.t.sent_title()
    }
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let view = View::of(exchange);
    let next = Next::from_query(exchange);
    if form::field(&exchange.request.query, "sent").is_some() {
        let page = Sent {
            t: view.texts(),
            sign_in: next.link(signin::PATH),
            resend: next.link(resend::PATH),
        };
        return Ok(view.shown(&page, "mail_sent"));
    }
    let page = Form::new(exchange, &next, "", Trouble::none());
    Ok(view.shown(&page, "signup_form"))
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let email = fields.sent("email").to_owned();
    let target = next.target(&exchange.config.common.targets);
    let outcome = match api::signup::read(fields) {
        Ok(application) => api::signup::sign_up(exchange, application, &target).await,
        Err(failure) => Err(failure),
    };
    let failure = match outcome {
        Ok(Outcome::SignedIn(opened)) => return Ok(super::go_on(exchange, opened, &next)),
        Ok(Outcome::VerificationRequired { cause }) => {
            return Ok(mail_sent(exchange, &next).because(cause));
        }
        Err(failure) => failure,
    };
    let view = View::of(exchange);
    let trouble = Trouble::of_failure(&failure, view.texts());
    let page = Form::new(exchange, &next, &email, &trouble);
    Ok(view.refused(&page, failure))
}

/// Leads to the page that says to look into the mailbox. The address is not in it: addresses stay
/// in histories and logs.
pub(super) fn mail_sent<H: Host>(exchange: &Exchange<'_, H>, next: &Next) -> Response {
    let page = next.page_with(exchange.config, PATH, "sent=1");
    Response::see_other(page, "verification_required")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PATH;
    use crate::test_support::{Answer, World, get, post_form, session, user};

    fn submit(world: &World) -> Answer {
        let fields = [
            ("email", "ada@example.test"),
            ("password", "hunter2"),
            ("next", "/app/x"),
        ];
        world.answer(&post_form(PATH, &fields))
    }

    #[test]
    fn the_form_keeps_where_to_go_on() {
        let answer = World::new().answer(&get(PATH).query("next=/app"));
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Sign up</h1>
        <form method="post" action="/auth/signup">
        <input type="hidden" name="next" value="https://app.test/app">
        <div class="field">
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" value="" required>
        </div>
        <div class="field">
        <label for="password">Choose a password</label>
        <div id="password-note">
        <p class="hint">A few words that have nothing to do with each other make a good one.</p>
        </div>
        <input id="password" name="password" type="password" autocomplete="new-password" value="" required aria-describedby="password-note">
        </div>
        <button>Sign up</button>
        </form>
        <p class="links">Already have an account? <a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp">Sign in</a></p>
        "#);
    }

    #[test]
    fn a_mail_leads_on_to_where_the_person_wanted_to_go() {
        let world = World::new().supabase("/signup", 200, user());
        let answer = submit(&world);
        assert_eq!(answer.status, 303);
        insta::assert_snapshot!(answer.header("location").unwrap(), @"https://app.test/auth/signup?next=https%3A%2F%2Fapp.test%2Fapp%2Fx&sent=1");
        insta::assert_snapshot!(world.asked().join(" "), @"/signup?redirect_to=https%3A%2F%2Fapp.test%2Fapp%2Fx");
    }

    #[test]
    fn a_known_address_looks_like_a_new_one() {
        let new = submit(&World::new().supabase("/signup", 200, user()));
        let world = World::new().supabase_refuses("/signup", "user_already_exists");
        assert_eq!(submit(&world), new);
        assert_eq!(world.elapsed().as_millis(), 800);
    }

    #[test]
    fn the_mailbox_page_shows_no_address() {
        let answer =
            World::new().answer(&get(PATH).query("next=/app&sent=1&email=ada%40example.test"));
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Check your mail</h1>
        <p>If this address needs to be confirmed, a mail with a link is on its way to it. Follow the link to go on.</p>
        <p>If you have an account with this address already, no mail comes: sign in instead.</p>
        <p class="links"><a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp">Sign in</a> <a href="/auth/resend?next=https%3A%2F%2Fapp.test%2Fapp">No mail? Send it again</a></p>
        "#);
    }

    #[test]
    fn where_addresses_need_no_confirmation_it_is_a_sign_in() {
        let answer = submit(&World::new().supabase("/signup", 200, session()));
        assert_eq!(answer.header("location"), Some("https://app.test/app/x"));
        assert!(answer.header("set-cookie").is_some());
    }

    #[test]
    fn a_weak_password_is_told_beside_the_field() {
        let weak = json!({"code": "weak_password", "weak_password": {"reasons": ["length", "characters"]}});
        let answer = submit(&World::new().supabase("/signup", 422, weak));
        assert_eq!(answer.status, 422);
        insta::assert_snapshot!(answer.main(), @r##"

        <h1>Sign up</h1>
        <div class="alert" role="alert" tabindex="-1" autofocus>
        <p>Please correct this:</p>
        <ul>
        <li><a href="#password">The password is too short. The password needs more kinds of characters: upper and lower case letters, digits, symbols.</a></li>
        </ul>
        </div>
        <form method="post" action="/auth/signup">
        <input type="hidden" name="next" value="https://app.test/app/x">
        <div class="field">
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" value="ada@example.test" required>
        </div>
        <div class="field">
        <label for="password">Choose a password</label>
        <div id="password-note">
        <p class="hint">A few words that have nothing to do with each other make a good one.</p>
        <p class="error">The password is too short. The password needs more kinds of characters: upper and lower case letters, digits, symbols.</p>
        </div>
        <input id="password" name="password" type="password" autocomplete="new-password" value="" required aria-invalid="true" aria-describedby="password-note">
        </div>
        <button>Sign up</button>
        </form>
        <p class="links">Already have an account? <a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp%2Fx">Sign in</a></p>
        "##);
    }
}
