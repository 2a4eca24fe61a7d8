//! A session and a user as Supabase Auth describes them. What is not needed here is not read.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::secret::Secret;

/// A session at Supabase.
#[derive(Clone, Debug, Deserialize)]
pub struct Session {
    /// The access token, a JWT.
    pub access_token: Secret,
    /// The refresh token.
    pub refresh_token: Secret,
    /// Whose session it is.
    pub user: User,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    /// A UUID in lower case.
    #[serde(deserialize_with = "uuid")]
    pub id: String,
    /// The address, empty if there is none.
    #[serde(default)]
    pub email: String,
    /// As in `authenticated`.
    #[serde(default)]
    pub role: String,
    /// When the user was made, RFC 3339.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When the address was confirmed, RFC 3339.
    #[serde(default)]
    pub email_confirmed_at: Option<String>,
    /// What the user may set: never decide anything by it.
    #[serde(default)]
    pub user_metadata: Map<String, Value>,
    /// What only the operator sets.
    #[serde(default)]
    pub app_metadata: Map<String, Value>,
    /// Second factors, verified or not.
    #[serde(default)]
    pub factors: Vec<Factor>,
}

/// A second factor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Factor {
    /// Its id, a UUID.
    pub id: String,
    /// `verified` or `unverified`.
    pub status: String,
    /// As in `totp`.
    pub factor_type: String,
}

impl Session {
    /// How far the user has proved who they are: `aal1` or `aal2`.
    ///
    /// Taken from the access token, which has just come from Supabase itself; whatever cannot be
    /// read counts as the lower level.
    pub fn aal(&self) -> &'static str {
        match claim(self.access_token.expose(), "aal").as_deref() {
            Some("aal2") => "aal2",
            _ => "aal1",
        }
    }

    /// Whether the user has a verified second factor and has not given it yet.
    pub fn needs_second_factor(&self) -> bool {
        let verified = |factor: &Factor| factor.status == "verified";
        self.user.factors.iter().any(verified) && self.aal() != "aal2"
    }
}

/// A text claim of a JWT whose signature nobody has checked.
fn claim(token: &str, name: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get(name)?.as_str().map(str::to_owned)
}

/// Ids become parts of keys, so they are read strictly.
fn uuid<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    uuid::Uuid::try_parse(&text)
        .map(|uuid| uuid.to_string())
        .map_err(|_| serde::de::Error::custom("not a UUID"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn session(claims: &str, factors: &Value) -> Session {
        let payload = URL_SAFE_NO_PAD.encode(claims);
        let session = json!({
            "access_token": format!("e30.{payload}.sig"),
            "refresh_token": "r",
            "weak_password": null,
            "user": {"id": "5F6B7C8D-0000-4000-8000-000000000001", "factors": factors},
        });
        serde_json::from_value(session).unwrap()
    }

    #[test]
    fn the_level_is_the_lower_one_unless_the_token_says_otherwise() {
        let aal = |claims| session(claims, &json!([])).aal();
        assert_eq!(aal(r#"{"aal":"aal2"}"#), "aal2");
        for claims in [
            r#"{"aal":"aal1"}"#,
            r#"{"aal":"aal9"}"#,
            r#"{"aal":2}"#,
            "{}",
            "x",
        ] {
            assert_eq!(aal(claims), "aal1", "{claims}");
        }
    }

    #[test]
    fn a_verified_factor_is_needed_until_it_was_given() {
        let factor =
            |status| json!([{"id": "f", "status": status, "factor_type": "totp", "phone": ""}]);
        assert!(session("{}", &factor("verified")).needs_second_factor());
        assert!(!session("{}", &factor("unverified")).needs_second_factor());
        assert!(!session(r#"{"aal":"aal2"}"#, &factor("verified")).needs_second_factor());
        assert!(!session("{}", &json!([])).needs_second_factor());
    }

    #[test]
    fn an_id_is_a_uuid_in_lower_case() {
        let id = session("{}", &json!([])).user.id;
        assert_eq!(id, "5f6b7c8d-0000-4000-8000-000000000001");
        for id in ["", "../admin", "*"] {
            assert!(
                serde_json::from_value::<User>(json!({"id": id})).is_err(),
                "{id}"
            );
        }
    }

    #[test]
    fn nothing_prints_a_token() {
        assert!(!format!("{:?}", session("{}", &json!([]))).contains("e30"));
    }
}
