//! `POST /api/v1/simple_auth/logout`: ends the session the request presents.

use authflow_shared::{cookie, host::Host};

use crate::{
    end_session::{self, Ended},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    response::Response,
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let mut fields = Fields::from_optional_json(exchange.request)?;
    let scope = fields.choice("scope", &["local"], Some("local"));
    fields.finish(scope)?;
    let ended = sign_out(exchange).await?;
    Ok(respond(Response::empty(204, "signed_out"), ended))
}

/// Ends the session; where that is not certain, the cookie is cleared all the same.
pub(crate) async fn sign_out<H: Host>(
    exchange: &Exchange<'_, H>,
) -> Result<Option<Ended>, Failure> {
    let ended = end_session::end(exchange).await;
    ended.map_err(Failure::clearing_cookie)
}

/// Clears the cookie and says in the log what ended.
pub(crate) fn respond(response: Response, ended: Option<Ended>) -> Response {
    let response = response.header("set-cookie", cookie::clear());
    let Some(Ended { id, user_id }) = ended else {
        return response;
    };
    let response = response.of_session(&id);
    match user_id {
        Some(user_id) => response.of_user(&user_id),
        None => response,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::test_support::{LOST, USER_ID, World, get, post};

    const PATH: &str = "/api/v1/simple_auth/logout";
    const CLEARED: &str = "__Host-authflow=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";

    fn world() -> World {
        World::new().supabase("/logout", 204, Value::Null)
    }

    #[test]
    fn a_session_ends_here_and_at_supabase() {
        let world = world();
        let token = world.signed_in();
        let answer = world.answer(&post(PATH, "").cookie(&token));
        assert_eq!((answer.status, answer.body.as_deref()), (204, None));
        assert_eq!(answer.header("set-cookie"), Some(CLEARED));
        let (id, _) = token.split_once('.').unwrap();
        assert!(world.redis(&format!("session:{id}")).is_none());
        assert!(world.redis(&format!("user_id:{id}")).is_none());
        assert_eq!(world.logged()["user_id"], USER_ID);

        world.run_tasks();
        let calls = world.host.calls();
        let last = calls.last().unwrap();
        assert_eq!(last.url, "https://supabase.test/auth/v1/logout?scope=local");
        let bearer = last
            .headers
            .iter()
            .find(|(name, _)| *name == "authorization");
        assert!(bearer.unwrap().1.starts_with("Bearer SUPABASE."));
        let me = world.answer(&get("/api/v1/simple_auth/me").cookie(&token));
        assert_eq!(me.code(), "no_session");
    }

    #[test]
    fn without_a_session_there_is_nothing_to_do() {
        let world = world();
        let token = world.signed_in();
        let forged = format!("{}B", token.split_at(token.len() - 1).0);
        let calls = world.redis_calls();
        for request in [
            post(PATH, ""),
            post(PATH, "{}").cookie(&forged),
            post(PATH, "").cookie("x"),
        ] {
            let answer = world.answer(&request);
            assert_eq!(answer.status, 204);
            assert_eq!(answer.header("set-cookie"), Some(CLEARED));
        }
        assert_eq!(world.redis_calls(), calls);
        world.answer(&post(PATH, "").cookie(&token));
        assert_eq!(world.answer(&post(PATH, "").cookie(&token)).status, 204);
    }

    #[test]
    fn a_session_that_may_live_on_is_said_so_and_the_cookie_is_cleared_all_the_same() {
        // The look-up may fail; the owner and the transaction may not.
        for (calls, breakage) in [(1, LOST[0]), (1, LOST[1]), (2, LOST[0]), (2, LOST[1])] {
            let world = world();
            let token = world.signed_in();
            world.break_after(calls, breakage);
            let answer = world.answer(&post(PATH, "").cookie(&token));
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "store_unavailable")
            );
            assert_eq!(answer.header("set-cookie"), Some(CLEARED));
            assert!(answer.header("retry-after").is_some());
            let again = world.answer(&post(PATH, "").cookie(&token));
            assert_eq!(again.status, 204);
        }
        let world = world();
        let token = world.signed_in();
        world.break_after(0, LOST[0]);
        assert_eq!(world.answer(&post(PATH, "").cookie(&token)).status, 204);
    }

    #[test]
    fn a_bearer_token_signs_out_too() {
        let world = world();
        let token = world.signed_in();
        let request = post(PATH, r#"{"scope":"local"}"#);
        world.answer(&request.with("authorization", &format!("Bearer {token}")));
        let (id, _) = token.split_once('.').unwrap();
        assert!(world.redis(&format!("session:{id}")).is_none());
    }

    #[test]
    fn a_scope_that_this_release_lacks_ends_nothing() {
        let world = world();
        let token = world.signed_in();
        for scope in [json!("global"), json!("others"), json!(""), json!(1)] {
            let body = json!({ "scope": scope }).to_string();
            let answer = world.answer(&post(PATH, &body).cookie(&token));
            assert_eq!(answer.code(), "validation_failed");
            assert!(answer.header("set-cookie").is_none());
        }
        let answer = world.answer(&post(PATH, r#"{"scope":"global"}"#));
        insta::assert_snapshot!(answer.shown(), @r#"422 {"type":"urn:authflow:problem:validation_failed","title":"Validation failed","status":422,"detail":"Some fields are missing or malformed; `errors` names them.","code":"validation_failed","request_id":"[request_id]","errors":[{"field":"scope","code":"unknown_value","detail":"Must be one of: local."}]}"#);
    }
}
