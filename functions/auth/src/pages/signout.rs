//! `/auth/signout`: a form with one button, so that no link or picture elsewhere can press it.

use authflow_shared::host::Host;

use super::{
    next::Next, plain_form::PlainForm, signin, texts::Texts, trouble::Trouble, view::View,
};
use crate::{api, exchange::Exchange, failure::Failure, fields::Fields, response::Response};

fn page<'a>(t: &'static Texts, next: &'a Next, trouble: &'a Trouble) -> PlainForm<'a> {
    PlainForm {
        text: t.signout_text(),
        action: Some("/auth/signout"),
        button: t.signout_button(),
        ..PlainForm::new(t, t.signout_title(), next, trouble)
    }
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let view = View::of(exchange);
    let next = Next::from_query(exchange);
    let page = page(view.texts(), &next, Trouble::none());
    Ok(view.shown(&page, "signout_form"))
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let failure = match api::logout::sign_out(exchange).await {
        Ok(ended) => {
            let page = next.page(exchange.config, signin::PATH);
            let response = Response::see_other(page, "signed_out");
            return Ok(api::logout::respond(response, ended));
        }
        Err(failure) => failure,
    };
    let view = View::of(exchange);
    let trouble = Trouble::of_failure(&failure, view.texts());
    let page = page(view.texts(), &next, &trouble);
    Ok(view.refused(&page, failure))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::test_support::{LOST, World, get, post_form};

    const PATH: &str = "/auth/signout";

    #[test]
    fn opening_the_page_ends_nothing() {
        let world = World::new();
        let token = world.signed_in();
        let calls = world.host.calls().len();
        let answer = world.answer(&get(PATH).cookie(&token));
        insta::assert_snapshot!(answer.main(), @r#"
<h1>Sign out</h1>
<p>Your session on this device ends. Others go on.</p>
<form method="post" action="/auth/signout">
<button>Sign out</button>
</form>
"#);
        assert_eq!(world.host.calls().len(), calls);
    }

    #[test]
    fn the_button_ends_the_session_and_leads_to_the_sign_in_page() {
        let world = World::new().supabase("/logout", 204, Value::Null);
        let token = world.signed_in();
        for form in [post_form(PATH, &[]).cookie(&token), post_form(PATH, &[])] {
            let answer = world.answer(&form);
            assert_eq!(answer.status, 303);
            assert_eq!(
                answer.header("location"),
                Some("https://app.test/auth/signin")
            );
            assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
        }
        let (id, _) = token.split_once('.').unwrap();
        assert!(world.redis(&format!("session:{id}")).is_none());
    }

    #[test]
    fn a_session_that_may_live_on_is_said_so() {
        let world = World::new();
        let token = world.signed_in();
        world.break_after(2, LOST[0]);
        let answer = world.answer(&post_form(PATH, &[]).cookie(&token));
        assert_eq!(answer.status, 503);
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
        assert!(answer.main().contains("role=\"alert\""));
    }
}
