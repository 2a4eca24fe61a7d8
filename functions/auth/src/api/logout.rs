//! `POST /api/v1/simple_auth/logout`: ends the session that the request presents, the user's
//! others, or all.

use authflow_shared::{cookie, host::Host, supabase::auth::Scope};

use crate::{
    end_session::{self, Ended},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    response::Response,
    signed_in,
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let mut fields = Fields::from_optional_json(exchange.request)?;
    let scope = fields.choice("scope", &["local", "others", "global"], Some("local"));
    let scope = match fields.finish(scope)? {
        "others" => Scope::Others,
        "global" => Scope::Global,
        _ => Scope::Local,
    };
    sign_out_of(exchange, scope).await
}

/// Ends what `scope` names. Where nobody is signed in, nothing but the session presented can end.
pub(crate) async fn sign_out_of<H: Host>(
    exchange: &Exchange<'_, H>,
    scope: Scope,
) -> Result<Response, Failure> {
    let response = Response::empty(204, "signed_out");
    let signed_in = match scope {
        Scope::Local => None,
        Scope::Others | Scope::Global => match signed_in::require(exchange).await {
            Ok(signed_in) => Some(signed_in),
            Err(failure) if failure.problem.status == 401 => None,
            Err(failure) if scope == Scope::Global => return Err(failure.clearing_cookie()),
            Err(failure) => return Err(failure),
        },
    };
    match (scope, signed_in) {
        (Scope::Others, None) => Ok(response),
        (Scope::Others, Some(signed_in)) => {
            end_session::end_many(exchange, &signed_in, scope).await?;
            Ok(response
                .of_user(signed_in.user_id())
                .of_session(&signed_in.id))
        }
        (Scope::Global, Some(signed_in)) => {
            let ended = end_session::end_many(exchange, &signed_in, scope).await;
            ended.map_err(Failure::clearing_cookie)?;
            let ended = Ended {
                user_id: Some(signed_in.user_id().to_owned()),
                id: signed_in.id,
            };
            Ok(respond(response, Some(ended)))
        }
        (Scope::Local | Scope::Global, _) => Ok(respond(response, sign_out(exchange).await?)),
    }
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
    use core::time::Duration;

    use serde_json::{Value, json};

    use crate::test_support::{Answer, LOST, USER_ID, World, get, post, session};

    const REFRESH: &str = "/token?grant_type=refresh_token";
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
    fn a_token_of_supabases_that_is_over_is_refreshed_first() {
        for scope in ["local", "others", "global"] {
            let world = World::with(&[("SESSION_TTL_SECONDS", "7200")])
                .supabase("/logout", 204, Value::Null)
                .supabase(REFRESH, 200, session());
            let token = world.signed_in();
            let (id, _) = token.split_once('.').unwrap();
            let key = format!("session:{id}");
            let before = world.redis(&key);
            world.host.advance(Duration::from_hours(1));
            assert_eq!(scoped(&world, scope, &token).status, 204);
            world.run_tasks();
            let logout = format!("/logout?scope={scope}");
            assert_eq!(world.asked()[1..], [REFRESH, &logout]);
            let after = world.redis(&key);
            match scope {
                "others" => assert!(
                    after.is_some() && after != before,
                    "it keeps the new tokens"
                ),
                _ => assert_eq!(after, None, "it does not come back"),
            }
        }
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
    fn a_scope_that_there_is_not_ends_nothing() {
        let world = world();
        let token = world.signed_in();
        for scope in [json!("all"), json!("Global"), json!(""), json!(1)] {
            let body = json!({ "scope": scope }).to_string();
            let answer = world.answer(&post(PATH, &body).cookie(&token));
            assert_eq!(answer.code(), "validation_failed");
            assert!(answer.header("set-cookie").is_none());
        }
        let (id, _) = token.split_once('.').unwrap();
        assert!(world.redis(&format!("session:{id}")).is_some());
    }

    fn scoped(world: &World, scope: &str, token: &str) -> Answer {
        let body = json!({ "scope": scope }).to_string();
        world.answer(&post(PATH, &body).cookie(token))
    }

    fn lives(world: &World, token: &str) -> bool {
        let (id, _) = token.split_once('.').unwrap();
        world.redis(&format!("session:{id}")).is_some()
    }

    #[test]
    fn others_end_and_ones_own_goes_on() {
        let world = world();
        let (own, other) = (world.signed_in(), world.signed_in());
        let answer = scoped(&world, "others", &own);
        assert_eq!(answer.status, 204);
        assert!(answer.header("set-cookie").is_none());
        assert_eq!((lives(&world, &own), lives(&world, &other)), (true, false));
        world.run_tasks();
        assert_eq!(world.asked().pop().unwrap(), "/logout?scope=others");
    }

    #[test]
    fn all_end_and_the_cookie_is_cleared() {
        let world = world();
        let (own, other) = (world.signed_in(), world.signed_in());
        let answer = scoped(&world, "global", &own);
        assert_eq!(answer.status, 204);
        assert!(answer.header("set-cookie").is_some());
        assert!(!lives(&world, &own) && !lives(&world, &other));
        world.run_tasks();
        assert_eq!(world.asked().pop().unwrap(), "/logout?scope=global");
    }

    #[test]
    fn a_session_that_is_over_ends_nobody_elses() {
        let world = world();
        let (own, other) = (world.signed_in(), world.signed_in());
        scoped(&world, "local", &own);
        for (scope, clears) in [("others", false), ("global", true)] {
            let answer = scoped(&world, scope, &own);
            assert_eq!(answer.status, 204, "{scope}");
            assert_eq!(answer.header("set-cookie").is_some(), clears, "{scope}");
        }
        assert!(lives(&world, &other));
    }

    #[test]
    fn a_scope_that_is_not_certain_to_have_ended_is_said_so() {
        for (scope, clears) in [("others", false), ("global", true)] {
            let world = world();
            let own = world.signed_in();
            // The look-up passes; each of three tries does not.
            world.host.pass_next();
            (0..3).for_each(|_| world.host.break_next(LOST[0]));
            let answer = scoped(&world, scope, &own);
            assert_eq!(answer.code(), "store_unavailable", "{scope}");
            assert_eq!(answer.header("set-cookie").is_some(), clears, "{scope}");
        }
    }
}
