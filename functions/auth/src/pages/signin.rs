//! `/auth/signin`.

use askama::Template;
use authflow_shared::host::Host;

use super::{
    field::Field,
    forgot,
    next::Next,
    oauth::Providers,
    resend, signup,
    texts::Texts,
    trouble::Trouble,
    view::{Page, View},
};
use crate::{api, exchange::Exchange, failure::Failure, fields::Fields, form, response::Response};

pub(super) const PATH: &str = "/auth/signin";

/// The `reason`s of our own pages.
pub(super) const PASSWORD_CHANGED: &str = "password_changed";
pub(super) const ACCOUNT_DELETED: &str = "account_deleted";

#[derive(Template)]
#[template(path = "signin.html")]
struct Form<'a> {
    t: &'static Texts,
    /// Why the person was sent here; empty if there is nothing to say.
    reason: &'static str,
    /// Whether that is something the person did.
    is_done: bool,
    trouble: &'a Trouble,
    /// Where the mail of the sign-up can be asked for again.
    resend: Option<&'static str>,
    next: &'a Next,
    email: Field<'a>,
    password: Field<'a>,
    providers: Providers<'a>,
    forgot: String,
    sign_up: String,
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
            reason: "",
            is_done: false,
            trouble,
            resend: None,
            next,
            email: Field::email(t, email, trouble),
            password: Field::password(t, trouble),
            providers: Providers::new(exchange, t, next),
            forgot: next.link(forgot::PATH),
            sign_up: next.link(signup::PATH),
        }
    }
}

impl Page for Form<'_> {
    fn title(&self) -> &str {
        self.t.signin_title()
    }
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let view = View::of(exchange);
    let next = Next::from_query(exchange);
    let reason = form::field(&exchange.request.query, "reason").unwrap_or_default();
    let page = Form {
        reason: sentence(view.texts(), &reason),
        is_done: matches!(reason.as_str(), PASSWORD_CHANGED | ACCOUNT_DELETED),
        ..Form::new(exchange, &next, "", Trouble::none())
    };
    Ok(view.shown(&page, "signin_form"))
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let email = fields.sent("email").to_owned();
    let entered = match api::signin::read(fields) {
        Ok(credentials) => api::signin::sign_in(exchange, &credentials).await,
        Err(failure) => Err(failure),
    };
    let failure = match entered {
        Ok(entry) => return Ok(super::go_on(exchange, entry, &next)),
        Err(failure) => failure,
    };
    let view = View::of(exchange);
    let trouble = Trouble::of_failure(&failure, view.texts());
    let is_unconfirmed = failure.problem.code == "email_not_confirmed";
    let page = Form {
        resend: is_unconfirmed.then_some(resend::PATH),
        ..Form::new(exchange, &next, &email, &trouble)
    };
    Ok(view.refused(&page, failure))
}

/// What a `reason` of the gateway's, or of another page, says to a person; nothing where it
/// explains itself, or where somebody else wrote it.
fn sentence(t: &Texts, reason: &str) -> &'static str {
    match reason {
        "session_expired" => t.signin_session_expired(),
        "session_invalid" => t.signin_session_invalid(),
        "device_mismatch" => t.signin_device_mismatch(),
        PASSWORD_CHANGED => t.signin_password_changed(),
        ACCOUNT_DELETED => t.signin_account_deleted(),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::PATH;
    use crate::test_support::{Answer, LOST, World, get, post_form, session};

    const TOKEN: &str = "/token";

    fn submit(world: &World, next: &str) -> Answer {
        let fields = [
            ("email", "Ada@example.test"),
            ("password", "hunter2"),
            ("next", next),
        ];
        world.answer(&post_form(PATH, &fields))
    }

    #[test]
    fn the_form_keeps_where_to_go_on() {
        let query = "next=%2Fapp%2Fx%3Fa%3Db%26c&reason=no_session";
        let answer = World::new().answer(&get(PATH).query(query));
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Sign in</h1>
        <form method="post" action="/auth/signin">
        <input type="hidden" name="next" value="https://app.test/app/x?a=b&#38;c">
        <div class="field">
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" value="" required>
        </div>
        <div class="field">
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" value="" required>
        </div>
        <button>Sign in</button>
        </form>
        <p class="links"><a href="/auth/forgot?next=https%3A%2F%2Fapp.test%2Fapp%2Fx%3Fa%3Db%26c">Forgot your password?</a></p>
        <p class="links">No account yet? <a href="/auth/signup?next=https%3A%2F%2Fapp.test%2Fapp%2Fx%3Fa%3Db%26c">Sign up</a></p>
        "#);
    }

    #[test]
    fn a_reason_is_a_sentence_of_ours_or_nothing() {
        let shows = |reason: &str, class: &str| {
            let answer = World::new().answer(&get(PATH).query(&format!("reason={reason}")));
            answer.main().contains(&format!("class=\"{class}\""))
        };
        for reason in ["session_expired", "session_invalid", "device_mismatch"] {
            assert!(shows(reason, "note"), "{reason}");
        }
        for reason in ["password_changed", "account_deleted"] {
            assert!(shows(reason, "done"), "{reason}");
        }
        for reason in ["no_session", "", "%3Cb%3Ex", "session_expired&reason=x"] {
            assert!(!shows(reason, "note") && !shows(reason, "done"), "{reason}");
        }
    }

    #[test]
    fn a_right_password_leads_on_with_the_cookie() {
        let world = World::new().supabase(TOKEN, 200, session());
        let answer = submit(&world, "/app/x?a=b&c");
        assert_eq!((answer.status, answer.body.as_deref()), (303, None));
        assert_eq!(
            answer.header("location"),
            Some("https://app.test/app/x?a=b&c")
        );
        assert!(
            answer
                .header("set-cookie")
                .unwrap()
                .starts_with("__Host-authflow=")
        );
        let astray = submit(&world, "https://evil.test/");
        assert_eq!(astray.header("location"), Some("https://app.test/"));
    }

    #[test]
    fn a_wrong_password_comes_back_with_all_but_the_password() {
        let world = World::new().supabase_refuses(TOKEN, "invalid_credentials");
        let answer = submit(&world, "/app");
        assert_eq!(answer.status, 401);
        assert_eq!(world.elapsed().as_millis(), 800);
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Sign in</h1>
        <div class="alert" role="alert" tabindex="-1" autofocus>
        <p>The e-mail address or the password is wrong.</p>
        </div>
        <form method="post" action="/auth/signin">
        <input type="hidden" name="next" value="https://app.test/app">
        <div class="field">
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" value="Ada@example.test" required>
        </div>
        <div class="field">
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" value="" required>
        </div>
        <button>Sign in</button>
        </form>
        <p class="links"><a href="/auth/forgot?next=https%3A%2F%2Fapp.test%2Fapp">Forgot your password?</a></p>
        <p class="links">No account yet? <a href="/auth/signup?next=https%3A%2F%2Fapp.test%2Fapp">Sign up</a></p>
        "#);
        assert!(!answer.body.unwrap().contains("hunter2"));
    }

    #[test]
    fn what_was_typed_stays_text() {
        let typed = "\"><script>alert(1)</script>";
        let answer = World::new().answer(&post_form(PATH, &[("email", typed), ("next", typed)]));
        assert_eq!(answer.status, 422);
        assert!(!answer.main().contains("<script"), "{}", answer.main());
        assert!(answer.main().contains("aria-describedby=\"email-note\""));
        assert!(answer.main().contains("aria-describedby=\"password-note\""));
    }

    #[test]
    fn an_address_to_be_confirmed_can_have_its_mail_again() {
        let world = World::new().supabase_refuses(TOKEN, "email_not_confirmed");
        let answer = submit(&world, "/app");
        assert_eq!(answer.status, 403);
        assert!(answer.main().contains("action=\"/auth/resend\""));
    }

    #[test]
    fn a_store_that_is_down_signs_nobody_in() {
        let world = World::new().supabase(TOKEN, 200, session());
        world.break_after(2, LOST[1]);
        let answer = submit(&world, "/app");
        assert_eq!(answer.status, 503);
        assert!(answer.header("set-cookie").is_none());
        assert!(answer.header("retry-after").is_some());
        assert!(answer.main().contains("role=\"alert\""));
    }

    #[test]
    fn a_form_must_be_a_form() {
        let json = post_form(PATH, &[]).with("content-type", "application/json");
        assert_eq!(World::new().answer(&json).status, 415);
        let mut form = post_form(PATH, &[]);
        form.body = crate::request::Body::Text("email=%ff".into());
        assert_eq!(World::new().answer(&form).status, 400);
    }
}
