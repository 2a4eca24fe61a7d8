//! `GET /verify`: the link of a mail that names the server itself. It always redirects.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    call::Call,
    error::AuthError,
    landing::{
        error_fields, field, redirect_to, session_fields, with_both, with_fragment, with_query,
    },
    redirect,
    state::State,
    verify::{self, HALF_DONE, Verified},
};

/// Opens a link. The session goes into the fragment, or, for a PKCE flow, a code into the query.
pub(super) fn open(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let token = call.query("token").unwrap_or_default();
    let kind = call.query("type").unwrap_or_default();
    if token.is_empty() {
        return Err(AuthError::validation(
            "Verify requires a token or a token hash",
        ));
    }
    if kind.is_empty() {
        return Err(AuthError::validation("Verify requires a verification type"));
    }
    let pkce = token.starts_with("pkce_");
    let target = redirect::requested(&state.config, call)
        .unwrap_or(&state.config.site_url)
        .to_owned();
    let mut headers = HeaderMap::new();
    let location = match follow(state, kind, token, &target, &mut headers) {
        Ok(location) => location,
        Err(error) if pkce => with_both(&target, error_fields(&error)),
        Err(error) => with_fragment(&target, error_fields(&error)),
    };
    Ok(redirect_to(StatusCode::SEE_OTHER, &location, headers, ""))
}

/// Where a valid link leads.
fn follow(
    state: &mut State,
    kind: &str,
    token: &str,
    target: &str,
    headers: &mut HeaderMap,
) -> Result<String, AuthError> {
    let pkce = token.starts_with("pkce_");
    let token = verify::by_hash(state, kind, token)?;
    match verify::redeem(state, &token)? {
        Verified::User(user_id) if pkce => {
            let method = match kind {
                "signup" => "email/signup",
                kind => kind,
            };
            let code = state.issue_code(user_id, method)?;
            Ok(with_query(target, vec![field("code", &code.to_string())]))
        }
        Verified::User(user_id) => {
            let issued = state.open_session(user_id, "otp")?;
            issued.name_in(headers);
            let mut fields = session_fields(&issued);
            fields.push(field("type", kind));
            Ok(with_fragment(target, fields))
        }
        Verified::HalfDone if pkce => Ok(with_both(target, vec![field("message", HALF_DONE)])),
        Verified::HalfDone => Ok(with_fragment(target, vec![field("message", HALF_DONE)])),
    }
}
