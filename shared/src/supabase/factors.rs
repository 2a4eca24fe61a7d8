//! Second factors: enrolled, asked for, and removed.

use super::{
    auth::{AuthClient, UNREADABLE, object, session},
    error::AuthError,
    session::Session,
};
use crate::{host::Host, json::Object, secret::Secret};

/// A factor to be enrolled.
#[derive(Clone, Copy, Debug)]
pub enum NewFactor<'a> {
    /// An authenticator app (TOTP, RFC 6238); `issuer` is the name it shows.
    Totp {
        /// The site's name.
        issuer: &'a str,
    },
    /// A phone that gets a code by SMS; in E.164.
    Phone {
        /// The number.
        phone: &'a str,
    },
}

/// A factor that waits for its first code.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// Its id, a UUID.
    pub id: String,
    /// What the authenticator app is given; nothing for a phone.
    pub totp: Option<TotpSecret>,
}

/// What an authenticator app is given.
#[derive(Clone, Debug)]
pub struct TotpSecret {
    /// In base32, to be typed in.
    pub secret: Secret,
    /// As an `otpauth:` address, which a QR code shows.
    pub uri: Secret,
}

impl<H: Host> AuthClient<H> {
    /// Enrols a factor called `name`, which no other of the user's may be. It counts once its
    /// first code was given.
    ///
    /// # Errors
    /// [`AuthError`] if there is none.
    pub async fn enroll(
        &self,
        access_token: &Secret,
        factor: NewFactor<'_>,
        name: &str,
    ) -> Result<Enrolled, AuthError> {
        let body = Object::new().with("friendly_name", name);
        let body = match factor {
            NewFactor::Totp { issuer } => body.with("factor_type", "totp").with("issuer", issuer),
            NewFactor::Phone { phone } => body.with("factor_type", "phone").with("phone", phone),
        };
        let mut answer = object(&self.post("/factors", &body, Some(access_token)).await?)?;
        let id = answer.text("id").ok_or(UNREADABLE)?;
        let totp = match answer.object("totp") {
            None => None,
            Some(mut totp) => Some(TotpSecret {
                secret: Secret::new(totp.text("secret").ok_or(UNREADABLE)?),
                uri: Secret::new(totp.text("uri").ok_or(UNREADABLE)?),
            }),
        };
        Ok(Enrolled { id, totp })
    }

    /// Asks for a code of the factor `id`; one that is sent goes out now. Gives the challenge's id.
    ///
    /// # Errors
    /// [`AuthError`] if there is no challenge.
    pub async fn challenge(&self, access_token: &Secret, id: &str) -> Result<String, AuthError> {
        let path = format!("/factors/{id}/challenge");
        let answer = self.post(&path, &Object::new(), Some(access_token)).await?;
        object(&answer)?.text("id").ok_or(UNREADABLE)
    }

    /// Answers a challenge of the factor `id`: the session becomes one of level `aal2`.
    ///
    /// Supabase takes the same code again while its time lasts; whoever calls this sees to it
    /// that a code is used once.
    ///
    /// # Errors
    /// [`AuthError`] if the code is wrong, or nobody knows.
    pub async fn answer_challenge(
        &self,
        access_token: &Secret,
        id: &str,
        challenge_id: &str,
        code: &str,
    ) -> Result<Session, AuthError> {
        let path = format!("/factors/{id}/verify");
        let body = Object::new()
            .with("challenge_id", challenge_id)
            .with("code", code);
        session(&self.post(&path, &body, Some(access_token)).await?)
    }

    /// Removes the factor `id`; a verified one needs a session of level `aal2`.
    ///
    /// # Errors
    /// [`AuthError`] if it is not certain that it is gone.
    pub async fn unenroll(&self, access_token: &Secret, id: &str) -> Result<(), AuthError> {
        let path = format!("/factors/{id}");
        self.call("DELETE", &path, None, Some(access_token))
            .await
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::{
        host::fake::FakeHost,
        supabase::auth::tests::{SESSION, answering, client},
    };

    fn sent(host: &FakeHost) -> String {
        let call = host.calls().remove(0);
        let path = call.url.replace("https://supabase.test/auth/v1", "");
        let body = call.body.unwrap_or_default();
        format!("{} {path} {body}", call.method)
    }

    fn token() -> Secret {
        Secret::new("jwt")
    }

    #[test]
    fn an_app_gets_its_secret_and_nothing_prints_it() {
        let host = answering(
            200,
            r#"{"id":"f","type":"totp","totp":{"qr_code":"<svg/>","secret":"JBSWY3DP","uri":"otpauth://totp/x"}}"#,
        );
        let app = NewFactor::Totp { issuer: "AuthFlow" };
        let enrolled = block_on(client(&host, "anon").enroll(&token(), app, "app")).unwrap();
        let shown = format!("{enrolled:?}");
        assert!(
            !shown.contains("JBSWY3DP") && !shown.contains("otpauth"),
            "{shown}"
        );
        assert_eq!(enrolled.totp.unwrap().secret.expose(), "JBSWY3DP");
        assert_eq!(
            sent(&host),
            r#"POST /factors {"factor_type":"totp","friendly_name":"app","issuer":"AuthFlow"}"#
        );
    }

    #[test]
    fn a_phone_has_no_secret() {
        let host = answering(200, r#"{"id":"f","type":"phone","phone":"15550100"}"#);
        let phone = NewFactor::Phone { phone: "+15550100" };
        let enrolled = block_on(client(&host, "anon").enroll(&token(), phone, "p")).unwrap();
        assert!(enrolled.totp.is_none());
    }

    #[test]
    fn a_challenge_is_answered_by_its_id() {
        let host = answering(200, r#"{"id":"c","type":"totp","expires_at":1}"#);
        assert_eq!(
            block_on(client(&host, "anon").challenge(&token(), "f")).unwrap(),
            "c"
        );
        assert_eq!(sent(&host), "POST /factors/f/challenge {}");
        let host = answering(200, SESSION);
        block_on(client(&host, "anon").answer_challenge(&token(), "f", "c", "123456")).unwrap();
        assert_eq!(
            sent(&host),
            r#"POST /factors/f/verify {"challenge_id":"c","code":"123456"}"#
        );
    }

    #[test]
    fn a_wrong_code_is_told_apart() {
        let host = answering(422, r#"{"code":"mfa_verification_failed"}"#);
        let wrong = block_on(client(&host, "anon").answer_challenge(&token(), "f", "c", "1"));
        assert_eq!(wrong.unwrap_err(), AuthError::WrongCode);
    }

    #[test]
    fn removing_names_the_factor() {
        let host = answering(200, r#"{"id":"f"}"#);
        block_on(client(&host, "anon").unenroll(&token(), "f")).unwrap();
        assert_eq!(sent(&host), "DELETE /factors/f ");
    }
}
