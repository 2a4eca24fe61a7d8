//! What a person does with an account they have: recover it, change it, keep its session fresh.

use super::{
    auth::{AuthClient, UNREADABLE, object, query_value, session},
    error::AuthError,
    session::{Session, User},
};
use crate::{
    host::Host,
    json::{Map, Object},
    secret::Secret,
};

/// What came of the link of a change of address.
#[derive(Clone, Debug)]
pub enum EmailChange {
    /// The other address has to be confirmed too.
    HalfDone,
    /// The address is another one now.
    Done(Box<Session>),
}

/// What changes of a user.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// The password.
    Password {
        /// The new one.
        new: &'a Secret,
        /// The present one, which a Supabase that is so set asks for, but not after a mail's link.
        current: Option<&'a Secret>,
    },
    /// The address, once the mails to the old and the new one are confirmed. Their links will lead
    /// on to `redirect_to`.
    Email {
        /// The new address.
        email: &'a str,
        /// Where the links will lead on to.
        redirect_to: &'a str,
    },
    /// What the user may set of themselves; what is not named stays.
    Metadata(Map),
}

impl<H: Host> AuthClient<H> {
    /// Sends the mail for a forgotten password, if there is an account. Its link will lead on to
    /// `redirect_to`.
    ///
    /// # Errors
    /// [`AuthError`] if Supabase did not take the request; some tell that there is an account.
    pub async fn recover(&self, email: &str, redirect_to: &str) -> Result<(), AuthError> {
        let path = format!("/recover?redirect_to={}", query_value(redirect_to));
        let body = Object::new().with("email", email);
        self.post(&path, &body, None).await.map(drop)
    }

    /// Changes the user of `access_token`. A new password ends every other session at Supabase.
    ///
    /// # Errors
    /// [`AuthError`] if it is not certain that it has changed.
    pub async fn change(
        &self,
        access_token: &Secret,
        change: Change<'_>,
    ) -> Result<User, AuthError> {
        let (path, body) = match change {
            Change::Password { new, current } => (
                "/user".to_owned(),
                Object::new()
                    .with("password", new.expose())
                    .maybe("current_password", current.map(Secret::expose)),
            ),
            Change::Email { email, redirect_to } => (
                format!("/user?redirect_to={}", query_value(redirect_to)),
                Object::new().with("email", email),
            ),
            Change::Metadata(data) => ("/user".to_owned(), Object::new().with("data", data)),
        };
        let body = Some(body.to_json());
        let answer = self.call("PUT", &path, body, Some(access_token)).await?;
        User::read(object(&answer)?).ok_or(UNREADABLE)
    }

    /// Redeems the link of a change of address, once.
    ///
    /// # Errors
    /// [`AuthError`] if the link is not good.
    pub async fn verify_email_change(&self, token_hash: &Secret) -> Result<EmailChange, AuthError> {
        let body = Object::new()
            .with("token_hash", token_hash.expose())
            .with("type", "email_change");
        let answer = object(&self.post("/verify", &body, None).await?)?;
        if !answer.has("access_token") {
            return Ok(EmailChange::HalfDone);
        }
        let session = Session::read(answer).ok_or(UNREADABLE)?;
        Ok(EmailChange::Done(Box::new(session)))
    }

    /// A fresh access token for a session at Supabase, and the refresh token that comes after.
    ///
    /// Supabase gives an old refresh token the level its session has since been raised to, so what
    /// comes back must never raise a session of ours.
    ///
    /// # Errors
    /// [`AuthError`] if there is none.
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<Session, AuthError> {
        let body = Object::new().with("refresh_token", refresh_token.expose());
        let path = "/token?grant_type=refresh_token";
        session(&self.post(path, &body, None).await?)
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::{
        host::fake::FakeHost,
        supabase::auth::tests::{SESSION, USER, answering, client},
    };

    fn token() -> Secret {
        Secret::new("jwt")
    }

    fn sent(host: &FakeHost) -> (String, String) {
        let call = host.calls().remove(0);
        let path = call.url.replace("https://supabase.test/auth/v1", "");
        (
            format!("{} {path}", call.method),
            call.body.unwrap_or_default(),
        )
    }

    #[test]
    fn a_recovery_says_where_its_link_leads() {
        let host = answering(200, "{}");
        block_on(client(&host, "anon").recover("a@b.test", "https://app.test/?a=b&c")).unwrap();
        let (path, body) = sent(&host);
        assert_eq!(
            path,
            "POST /recover?redirect_to=https%3A%2F%2Fapp.test%2F%3Fa%3Db%26c"
        );
        assert_eq!(body, r#"{"email":"a@b.test"}"#);
    }

    #[test]
    fn a_change_names_what_changes_and_nothing_else() {
        let (password, current) = (Secret::new("new"), Secret::new("old"));
        let email = Change::Email {
            email: "new@b.test",
            redirect_to: "/",
        };
        let metadata = Map::from([("name".to_owned(), "Ada".into())]);
        for (change, path, expected) in [
            (
                Change::Password {
                    new: &password,
                    current: None,
                },
                "PUT /user",
                json!({"password": "new"}),
            ),
            (
                Change::Password {
                    new: &password,
                    current: Some(&current),
                },
                "PUT /user",
                json!({"password": "new", "current_password": "old"}),
            ),
            (
                email,
                "PUT /user?redirect_to=%2F",
                json!({"email": "new@b.test"}),
            ),
            (
                Change::Metadata(metadata),
                "PUT /user",
                json!({"data": {"name": "Ada"}}),
            ),
        ] {
            let host = answering(200, USER);
            block_on(client(&host, "anon").change(&token(), change)).unwrap();
            assert_eq!(sent(&host), (path.to_owned(), expected.to_string()));
            let bearer = ("authorization", "Bearer jwt".to_owned());
            assert!(host.calls()[0].headers.contains(&bearer));
        }
    }

    #[test]
    fn a_change_of_address_is_done_with_the_second_link_alone() {
        let half = answering(200, r#"{"code":"200","msg":"Please proceed to confirm"}"#);
        let done = answering(200, SESSION);
        let redeem = |host| block_on(client(host, "anon").verify_email_change(&token()));
        assert!(matches!(redeem(&half), Ok(EmailChange::HalfDone)));
        assert!(matches!(redeem(&done), Ok(EmailChange::Done(_))));
    }

    #[test]
    fn a_refresh_sends_the_refresh_token_alone() {
        let host = answering(200, SESSION);
        block_on(client(&host, "anon").refresh(&Secret::new("r"))).unwrap();
        let (path, body) = sent(&host);
        assert_eq!(path, "POST /token?grant_type=refresh_token");
        assert_eq!(body, r#"{"refresh_token":"r"}"#);
    }
}
