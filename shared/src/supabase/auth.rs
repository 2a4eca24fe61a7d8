//! A client of Supabase Auth (`GoTrue`).
//!
//! Each call has a header set of its own: nothing that a client sent is passed on, because
//! Supabase would build links of mails from some of it. A user's access token is the only bearer
//! token; the project's key goes into `apikey`, where keys of both kinds are taken.

use core::{future::ready, pin::Pin, time::Duration};
use std::rc::Rc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    error::{AuthError, Unavailable},
    session::{Session, User},
};
use crate::{
    client_ip::ClientIp,
    dependency::{Dependency, Manner},
    host::{Host, HttpAnswer, HttpCall},
    json::{Map, Object},
    secret::Secret,
};

/// Selects the error format whose `code` is the code.
const API_VERSION: &str = "2024-01-01";

/// What stays as it is in the value of a query field.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where Supabase is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The project's URL, without a slash at the end.
    pub url: String,
    /// The project's key: the anon key, a publishable key or a secret key.
    pub key: Secret,
    /// The key that may do everything, for administration: the service role key or a secret key.
    pub admin_key: Option<Secret>,
    /// The time until a whole answer must have arrived, tries and all.
    pub timeout: Duration,
    /// What this isolate knows of it.
    pub dependency: Rc<Dependency>,
}

/// A client on behalf of one person.
#[derive(Clone, Debug)]
pub struct AuthClient<H> {
    host: H,
    settings: Rc<Settings>,
    client_ip: Option<ClientIp>,
}

/// Where Supabase Auth says that it lives.
const HEALTH: &str = "/health";

/// A call on its way. In a box, so that each that waits for one has no code of its own for it.
type Answering<'a> = Pin<Box<dyn Future<Output = Result<HttpAnswer, AuthError>> + 'a>>;

/// What came of a sign-up.
#[derive(Clone, Debug)]
pub enum SignUp {
    /// The address has to be confirmed, or was known before: Supabase does not say which.
    ToBeConfirmed,
    /// The address needs no confirmation here.
    SignedIn(Box<Session>),
}

/// Which sessions of a user end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one that asks.
    Local,
    /// All but the one that asks.
    Others,
    /// All.
    Global,
}

impl Scope {
    /// Supabase's word for it, which is ours too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Others => "others",
            Self::Global => "global",
        }
    }
}

impl<H: Host> AuthClient<H> {
    /// A client that makes its calls through `host`, for the person at `client_ip`.
    ///
    /// Supabase is told the address where it would believe it: with a secret key. Otherwise all
    /// people share the limits of one address.
    pub fn new(host: H, settings: Rc<Settings>, client_ip: Option<ClientIp>) -> Self {
        let believed = settings.key.expose().starts_with("sb_secret_");
        let client_ip = client_ip.filter(|_| believed);
        Self {
            host,
            settings,
            client_ip,
        }
    }

    /// The project's URL, without a slash at the end.
    pub(super) fn url(&self) -> &str {
        &self.settings.url
    }

    /// Signs up. The link in the mail will lead on to `redirect_to`.
    ///
    /// # Errors
    /// [`AuthError`] if there is neither a session nor a mail.
    pub async fn sign_up(
        &self,
        email: &str,
        password: &Secret,
        data: Map,
        redirect_to: &str,
    ) -> Result<SignUp, AuthError> {
        let path = format!("/signup?redirect_to={}", query_value(redirect_to));
        let body = credentials(email, password).with("data", data);
        let answer = object(&self.post(&path, &body, None).await?)?;
        // A bare user has no token.
        if !answer.has("access_token") {
            return Ok(SignUp::ToBeConfirmed);
        }
        let session = Session::read(answer).ok_or(UNREADABLE)?;
        Ok(SignUp::SignedIn(Box::new(session)))
    }

    /// Signs in with a password.
    ///
    /// # Errors
    /// [`AuthError`] if there is no session.
    pub async fn sign_in(&self, email: &str, password: &Secret) -> Result<Session, AuthError> {
        let body = credentials(email, password);
        session(&self.post("/token?grant_type=password", &body, None).await?)
    }

    /// Redeems the `token_hash` of a mail, once.
    ///
    /// # Errors
    /// [`AuthError`] if there is no session.
    pub async fn verify(&self, token_hash: &Secret, kind: &str) -> Result<Session, AuthError> {
        let body = Object::new()
            .with("token_hash", token_hash.expose())
            .with("type", kind);
        session(&self.post("/verify", &body, None).await?)
    }

    /// Sends the mail of a sign-up again, if there is an address waiting for it.
    ///
    /// # Errors
    /// [`AuthError`] if Supabase did not take the request.
    pub async fn resend_sign_up(&self, email: &str, redirect_to: &str) -> Result<(), AuthError> {
        let path = format!("/resend?redirect_to={}", query_value(redirect_to));
        let body = Object::new().with("type", "signup").with("email", email);
        self.post(&path, &body, None).await.map(drop)
    }

    /// Ends the session of `access_token`, or those that `scope` names beside it. One that has
    /// ended before is no error.
    ///
    /// # Errors
    /// [`AuthError`] if it is not certain that they have ended.
    pub async fn sign_out(&self, access_token: &Secret, scope: Scope) -> Result<(), AuthError> {
        let path = format!("/logout?scope={}", scope.as_str());
        match self.post(&path, &Object::new(), Some(access_token)).await {
            Ok(_) | Err(AuthError::SessionEnded | AuthError::UserNotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The user of `access_token`.
    ///
    /// # Errors
    /// [`AuthError`] if there is no answer, or the token is not good any more.
    pub async fn user(&self, access_token: &Secret) -> Result<User, AuthError> {
        let answer = self.call("GET", "/user", None, Some(access_token)).await?;
        User::read(object(&answer)?).ok_or(UNREADABLE)
    }

    /// Whether Supabase Auth answers at all.
    ///
    /// # Errors
    /// [`AuthError`] if it does not.
    pub async fn health(&self) -> Result<(), AuthError> {
        self.call("GET", HEALTH, None, None).await.map(drop)
    }

    pub(super) fn post(&self, path: &str, body: &Object, bearer: Option<&Secret>) -> Answering<'_> {
        self.call("POST", path, Some(body.to_json()), bearer)
    }

    pub(super) fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<String>,
        bearer: Option<&Secret>,
    ) -> Answering<'_> {
        self.call_with(&self.settings.key, method, path, body, bearer)
    }

    /// Calls with the key that may do everything.
    ///
    /// # Errors
    /// [`AuthError`]; [`AuthError::Rejected`] with `no_admin_key` where none is configured.
    pub(super) fn call_as_admin(
        &self,
        method: &'static str,
        path: &str,
        body: Option<String>,
    ) -> Answering<'_> {
        let Some(key) = &self.settings.admin_key else {
            let refused = Err(AuthError::Rejected("no_admin_key".to_owned()));
            return Box::pin(ready(refused));
        };
        // A key of the new kind is no JWT, and must not be a bearer token; a legacy one must be.
        let is_jwt = !key.expose().starts_with("sb_");
        self.call_with(key, method, path, body, is_jwt.then_some(key))
    }

    fn call_with(
        &self,
        key: &Secret,
        method: &'static str,
        path: &str,
        body: Option<String>,
        bearer: Option<&Secret>,
    ) -> Answering<'_> {
        let settings = &self.settings;
        let mut headers = vec![
            ("apikey", key.expose().to_owned()),
            ("x-supabase-api-version", API_VERSION.to_owned()),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        if let Some(token) = bearer {
            headers.push(("authorization", format!("Bearer {}", token.expose())));
        }
        if let Some(ip) = self.client_ip {
            headers.push(("sb-forwarded-for", ip.to_string()));
        }
        let call = HttpCall {
            method,
            url: format!("{}/auth/v1{path}", settings.url),
            headers,
            body,
            timeout: settings.timeout,
        };
        let manner = match (method, path) {
            // Whoever asks wants to know how things are; and strangers may ask, but close no way for others.
            (_, HEALTH) => Manner::PastBreaker,
            ("GET", _) => Manner::Idempotent,
            _ => Manner::Once,
        };
        Box::pin(async move {
            let dependency = &self.settings.dependency;
            let called = dependency.call(&self.host, call, manner, |status| status > 500);
            let answered = called
                .await
                .map_err(|error| AuthError::Unavailable(Unavailable::Call(error)))?;
            // A 500 that says what it is about is an answer to one request, such as an address that no mail
            // could be sent to.
            let is_answer = answered.answer.status < 500 || AuthError::has_code(&answered.answer);
            let answer = answered.judge(&self.host, is_answer);
            if (200..300).contains(&answer.status) {
                Ok(answer)
            } else {
                Err(AuthError::read(&answer))
            }
        })
    }
}

pub(super) const UNREADABLE: AuthError = AuthError::Unavailable(Unavailable::Unreadable);

pub(super) fn object(answer: &HttpAnswer) -> Result<Object, AuthError> {
    Object::parse(&answer.body).ok_or(UNREADABLE)
}

pub(super) fn session(answer: &HttpAnswer) -> Result<Session, AuthError> {
    Session::read(object(answer)?).ok_or(UNREADABLE)
}

fn credentials(email: &str, password: &Secret) -> Object {
    Object::new()
        .with("email", email)
        .with("password", password.expose())
}

pub(super) fn query_value(text: &str) -> String {
    utf8_percent_encode(text, QUERY_VALUE).to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::{
        host::{
            CallError,
            fake::{Breakage, FakeHost},
        },
        timestamp::Timestamp,
    };

    pub(crate) const SESSION: &str = r#"{"access_token":"e30.e30.x","token_type":"bearer","expires_in":3600,
        "refresh_token":"r","weak_password":null,
        "user":{"id":"5f6b7c8d-0000-4000-8000-000000000001","email":"ada@example.test","role":"authenticated"}}"#;
    pub(crate) const USER: &str = r#"{"id":"5f6b7c8d-0000-4000-8000-000000000001","aud":"authenticated","role":"",
        "email":"ada@example.test","identities":[],"is_anonymous":false}"#;

    pub(crate) fn answering(status: u16, body: &str) -> FakeHost {
        let body = body.to_owned();
        FakeHost::new(Timestamp::default(), move |_| {
            Ok(HttpAnswer {
                status,
                body: body.clone(),
            })
        })
    }

    pub(crate) fn client(host: &FakeHost, key: &str) -> AuthClient<FakeHost> {
        let settings = Settings {
            url: "https://supabase.test".into(),
            key: Secret::new(key),
            admin_key: None,
            timeout: Duration::from_secs(5),
            dependency: Dependency::example("supabase"),
        };
        AuthClient::new(
            host.clone(),
            Rc::new(settings),
            ClientIp::parse("::ffff:192.0.2.1"),
        )
    }

    impl AuthClient<FakeHost> {
        pub(crate) fn with_admin_key(mut self, key: &str) -> Self {
            Rc::make_mut(&mut self.settings).admin_key = Some(Secret::new(key));
            self
        }
    }

    fn sign_up(host: &FakeHost) -> Result<SignUp, AuthError> {
        let client = client(host, "anon");
        let next = "https://app.test/a?b=c&d";
        block_on(client.sign_up("ada@example.test", &Secret::new("p"), Map::new(), next))
    }

    #[test]
    fn a_call_has_its_own_headers_and_a_timeout() {
        let host = answering(200, SESSION);
        let client = client(&host, "anon");
        block_on(client.sign_in("ada@example.test", &Secret::new("\"p"))).unwrap();
        let call = &host.calls()[0];
        assert_eq!(
            call.url,
            "https://supabase.test/auth/v1/token?grant_type=password"
        );
        let body = r#"{"email":"ada@example.test","password":"\"p"}"#;
        assert_eq!(call.body.as_deref(), Some(body));
        assert_eq!(call.timeout, Duration::from_secs(5));
        let header = |name, value: &str| (name, value.to_owned());
        assert_eq!(
            call.headers,
            [
                header("apikey", "anon"),
                header("x-supabase-api-version", "2024-01-01"),
                header("content-type", "application/json"),
            ]
        );
    }

    #[test]
    fn only_a_users_own_token_is_a_bearer_token() {
        let host = answering(200, USER);
        block_on(client(&host, "sb_publishable_x").user(&Secret::new("jwt"))).unwrap();
        let headers = &host.calls()[0].headers;
        assert!(headers.contains(&("authorization", "Bearer jwt".to_owned())));
        assert!(headers.contains(&("apikey", "sb_publishable_x".to_owned())));
    }

    #[test]
    fn the_clients_address_goes_only_where_it_is_believed() {
        let told = |key| {
            let host = answering(200, "{}");
            block_on(client(&host, key).resend_sign_up("a@b", "https://app.test/")).unwrap();
            let call = host.calls().remove(0);
            call.headers
                .into_iter()
                .find(|(name, _)| *name == "sb-forwarded-for")
        };
        assert_eq!(told("sb_publishable_x"), None);
        assert_eq!(
            told("sb_secret_x"),
            Some(("sb-forwarded-for", "192.0.2.1".to_owned()))
        );
    }

    #[test]
    fn where_a_mail_leads_is_one_query_field() {
        let host = answering(200, USER);
        assert!(matches!(sign_up(&host), Ok(SignUp::ToBeConfirmed)));
        assert_eq!(
            host.calls()[0].url,
            "https://supabase.test/auth/v1/signup?redirect_to=https%3A%2F%2Fapp.test%2Fa%3Fb%3Dc%26d"
        );
    }

    #[test]
    fn a_sign_up_without_confirmation_is_a_session() {
        assert!(matches!(
            sign_up(&answering(200, SESSION)),
            Ok(SignUp::SignedIn(_))
        ));
    }

    #[test]
    fn a_success_that_cannot_be_read_is_no_success() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"msg":"Confirmation link accepted."}"#,
        ] {
            let client = client(&answering(200, body), "anon");
            let result = block_on(client.verify(&Secret::new("t"), "signup"));
            let unreadable = AuthError::Unavailable(Unavailable::Unreadable);
            assert_eq!(result.unwrap_err(), unreadable, "{body}");
        }
    }

    #[test]
    fn a_lost_answer_is_unavailable() {
        let host = answering(200, SESSION);
        host.break_next(Breakage::After(CallError::Timeout));
        let lost = AuthError::Unavailable(Unavailable::Call(CallError::Timeout));
        assert_eq!(sign_up(&host).unwrap_err(), lost);
    }

    #[test]
    fn a_session_that_has_ended_before_is_signed_out() {
        let token = Secret::new("jwt");
        let sign_out = |status, body| {
            block_on(client(&answering(status, body), "anon").sign_out(&token, Scope::Local))
        };
        assert_eq!(sign_out(204, ""), Ok(()));
        assert_eq!(sign_out(403, r#"{"code":"session_not_found"}"#), Ok(()));
        assert_eq!(sign_out(401, r#"{"code":"no_authorization"}"#), Ok(()));
        assert_eq!(
            sign_out(403, r#"{"code":"user_banned"}"#),
            Err(AuthError::UserBanned)
        );
    }
}
