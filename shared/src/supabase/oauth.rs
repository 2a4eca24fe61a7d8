//! Signing in at another provider, through Supabase, with PKCE (RFC 7636).

use super::{
    auth::{AuthClient, query_value, session},
    error::AuthError,
    session::Session,
};
use crate::{host::Host, json::Object, secret::Secret};

impl<H: Host> AuthClient<H> {
    /// Where a browser begins to sign in at `provider`, which is asked for `scopes` beside the
    /// usual ones. It comes back to `redirect_to` with a `code`, or with an `error`.
    pub fn authorize_url(
        &self,
        provider: &str,
        scopes: &str,
        redirect_to: &str,
        code_challenge: &str,
    ) -> String {
        let mut url = format!(
            "{}/auth/v1/authorize?provider={}&redirect_to={}&code_challenge={}&code_challenge_method=s256",
            self.url(),
            query_value(provider),
            query_value(redirect_to),
            query_value(code_challenge),
        );
        if !scopes.is_empty() {
            url.push_str("&scopes=");
            url.push_str(&query_value(scopes));
        }
        url
    }

    /// Redeems the code that a browser came back with, once.
    ///
    /// # Errors
    /// [`AuthError`] if there is no session.
    pub async fn exchange_code(
        &self,
        code: &Secret,
        code_verifier: &Secret,
    ) -> Result<Session, AuthError> {
        let body = Object::new()
            .with("auth_code", code.expose())
            .with("code_verifier", code_verifier.expose());
        session(&self.post("/token?grant_type=pkce", &body, None).await?)
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::supabase::auth::tests::{SESSION, answering, client};

    #[test]
    fn no_field_can_become_another() {
        let host = answering(200, "");
        let url = client(&host, "anon").authorize_url("x&y", "", "https://app.test/?a=b&c", "ch");
        assert_eq!(
            url,
            "https://supabase.test/auth/v1/authorize?provider=x%26y\
             &redirect_to=https%3A%2F%2Fapp.test%2F%3Fa%3Db%26c&code_challenge=ch&code_challenge_method=s256"
        );
        let url = client(&host, "anon").authorize_url("x", "email,a&b", "r", "ch");
        assert!(url.ends_with("_method=s256&scopes=email%2Ca%26b"), "{url}");
    }

    #[test]
    fn a_code_is_sent_with_its_verifier() {
        let host = answering(200, SESSION);
        let (code, verifier) = (Secret::new("c"), Secret::new("v"));
        block_on(client(&host, "anon").exchange_code(&code, &verifier)).unwrap();
        let call = host.calls().remove(0);
        assert!(call.url.ends_with("/token?grant_type=pkce"));
        assert_eq!(
            call.body.as_deref(),
            Some(r#"{"auth_code":"c","code_verifier":"v"}"#)
        );
    }
}
