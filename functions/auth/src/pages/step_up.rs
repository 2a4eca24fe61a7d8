//! `/auth/step-up`: where a page asks for more than a password, and the gateway leads to.

use askama::Template;
use authflow_shared::host::Host;

use super::{
    code_form::{Asked, CodeForm, press},
    factors,
    next::Next,
    sign_in_first,
    texts::Texts,
    trouble::Trouble,
    view::{Page, View},
};
use crate::{
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    own_factors::{self, Owner},
    response::Response,
};

pub(super) const PATH: &str = "/auth/step-up";

#[derive(Template)]
#[template(path = "step_up.html")]
struct StepUp<'a> {
    t: &'a Texts,
    trouble: &'a Trouble,
    is_sent: bool,
    /// None where the account has no factor.
    form: Option<CodeForm<'a>>,
    enroll: String,
}

impl Page for StepUp<'_> {
    fn title(&self) -> &str {
        self.t.step_up_title()
    }
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let config = exchange.config;
    if exchange.request.method == "POST" {
        let fields = Fields::from_form(exchange.request)?;
        let next = Next::from_fields(exchange, &fields);
        return match own_factors::owner(exchange).await {
            Ok(owner) => submit(exchange, fields, &owner, &next).await,
            Err(failure) => sign_in_first(failure, config, &next),
        };
    }
    let next = Next::from_query(exchange);
    match own_factors::owner(exchange).await {
        Ok(owner) if owner.is_raised() => {
            let target = next.target(&config.common.targets);
            Ok(Response::see_other(target, "raised_already"))
        }
        Ok(owner) => Ok(show(exchange, &owner, &next, Asked::default())),
        Err(failure) => sign_in_first(failure, config, &next),
    }
}

async fn submit<H: Host>(
    exchange: &Exchange<'_, H>,
    fields: Fields,
    owner: &Owner,
    next: &Next,
) -> Result<Response, Failure> {
    let asked = match press(exchange, fields, &owner.unraised()).await {
        Ok(given) => match own_factors::step_up(exchange, owner, &given).await {
            Ok(opened) => {
                let target = next.target(&exchange.config.common.targets);
                return Ok(opened.into_redirect(target));
            }
            Err(failure) => Asked::again(&given, failure),
        },
        Err(asked) => asked,
    };
    Ok(show(exchange, owner, next, asked))
}

fn show<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    next: &Next,
    mut asked: Asked,
) -> Response {
    let view = View::of(exchange);
    let t = view.texts();
    let failure = asked.failure.take();
    let trouble = Trouble::of_any(failure.as_ref(), t);
    let verified = owner.verified();
    let page = StepUp {
        t,
        trouble: &trouble,
        is_sent: asked.is_sent,
        form: CodeForm::new(t, PATH, next, &verified, &asked, &trouble),
        enroll: next.link(factors::PATH),
    };
    view.answer(&page, failure, "step_up_form")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PATH;
    use crate::test_support::{
        APP, Answer, World, get, post_form, session, session_at, user, user_with_factors,
    };

    const CHALLENGE: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/challenge";
    const VERIFY: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/verify";

    fn world() -> World {
        let user = user_with_factors(&[APP]);
        World::new()
            .supabase("/token?grant_type=refresh_token", 200, session())
            .supabase("/user", 200, user.clone())
            .supabase(CHALLENGE, 200, json!({"id": APP}))
            .supabase(VERIFY, 200, session_at("aal2", &user))
    }

    fn open(world: &World, token: &str) -> Answer {
        world.answer(&get(PATH).query("next=%2Fsafe").cookie(token))
    }

    fn give(world: &World, token: &str, code: &str) -> Answer {
        let fields = [("factor_id", APP), ("code", code), ("next", "/safe")];
        world.answer(&post_form(PATH, &fields).cookie(token))
    }

    #[test]
    fn the_form_asks_for_the_code_and_leads_on() {
        let world = world();
        let token = world.signed_in();
        insta::assert_snapshot!(open(&world, &token).main(), @r#"

        <h1>Confirm that it is you</h1>
        <p>Enter the code that your authenticator app shows.</p>
        <form method="post" action="/auth/step-up">
        <input type="hidden" name="factor_id" value="aaaaaaaa-0000-4000-8000-000000000001">
        <input type="hidden" name="next" value="https://app.test/safe">
        <div class="field">
        <label for="code">Code</label>
        <input id="code" name="code" class="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="10" value="" required>
        </div>
        <button>Confirm</button>
        </form>
        "#);
        let answer = give(&world, &token, "123456");
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), Some("https://app.test/safe"));
        let cookie = answer.header("set-cookie").unwrap();
        let new = cookie.split(['=', ';']).nth(1).unwrap();
        let raised = open(&world, new);
        assert_eq!(raised.status, 303, "it is not asked for twice");
        assert_eq!(raised.header("location"), Some("https://app.test/safe"));
    }

    #[test]
    fn a_wrong_code_brings_the_form_back() {
        let world = world().supabase_refuses(VERIFY, "mfa_verification_failed");
        let answer = give(&world, &world.signed_in(), "000000");
        assert_eq!((answer.status, answer.header("set-cookie")), (422, None));
        assert!(answer.main().contains("id=\"code-note\""));
    }

    #[test]
    fn whoever_has_no_factor_is_shown_where_to_add_one() {
        let world = world().supabase("/user", 200, user());
        let answer = open(&world, &world.signed_in());
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Confirm that it is you</h1>
        <p>What you are about to open asks for a second factor, and your account has none yet.</p>
        <p><a class="button" href="/auth/account/second-factor?next=https%3A%2F%2Fapp.test%2Fsafe">Add a second factor</a></p>
        "#);
    }

    #[test]
    fn whoever_is_not_signed_in_does_that_first() {
        let world = world().supabase_refuses("/user", "session_not_found");
        let ended = world.signed_in();
        let signin = "https://app.test/auth/signin?next=https%3A%2F%2Fapp.test%2Fsafe";
        for answer in [
            open(&world, ""),
            give(&world, "", "123456"),
            open(&world, &ended),
        ] {
            assert_eq!(
                (answer.status, answer.header("location")),
                (303, Some(signin))
            );
        }
    }
}
