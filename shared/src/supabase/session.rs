//! A session and a user as Supabase Auth describes them. What is not needed here is not read.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::{
    json::{Map, Object, Value},
    secret::Secret,
    timestamp::Timestamp,
};

/// A session at Supabase.
#[derive(Clone, Debug)]
pub struct Session {
    /// The access token, a JWT.
    pub access_token: Secret,
    /// The refresh token.
    pub refresh_token: Secret,
    /// Whose session it is.
    pub user: User,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// A UUID in lower case.
    pub id: String,
    /// The address, empty if there is none.
    pub email: String,
    /// As in `authenticated`.
    pub role: String,
    /// When the user was made, RFC 3339.
    pub created_at: Option<String>,
    /// When the address was confirmed, RFC 3339.
    pub email_confirmed_at: Option<String>,
    /// When the user signed in last, RFC 3339.
    pub last_sign_in_at: Option<String>,
    /// The address that waits to be confirmed in place of the present one.
    pub new_email: Option<String>,
    /// Until when the user may not sign in, RFC 3339; may be long past.
    pub banned_until: Option<String>,
    /// What the user may set: never decide anything by it.
    pub user_metadata: Map,
    /// What only the operator sets.
    pub app_metadata: Map,
    /// Second factors, verified or not.
    pub factors: Vec<Factor>,
}

/// A second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Its id, a UUID.
    pub id: String,
    /// `verified` or `unverified`.
    pub status: String,
    /// As in `totp`.
    pub factor_type: String,
    /// What the user calls it; may be empty.
    pub friendly_name: String,
}

impl User {
    /// Reads a user out of JSON; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        Object::parse(text).and_then(Self::read)
    }

    /// Reads a user. A factor that cannot be read makes the whole user unreadable: it might be
    /// the one that has to be asked for.
    pub(super) fn read(mut object: Object) -> Option<Self> {
        let metadata = |object: Option<Object>| object.map(Object::into_map).unwrap_or_default();
        Some(Self {
            // Ids become parts of keys, so they are read strictly.
            id: object
                .text("id")
                .filter(|id| is_uuid(id))?
                .to_ascii_lowercase(),
            email: object.text("email").unwrap_or_default(),
            role: object.text("role").unwrap_or_default(),
            created_at: object.text("created_at"),
            email_confirmed_at: object.text("email_confirmed_at"),
            last_sign_in_at: object.text("last_sign_in_at"),
            new_email: object.text("new_email").filter(|email| !email.is_empty()),
            banned_until: object.text("banned_until"),
            user_metadata: metadata(object.object("user_metadata")),
            app_metadata: metadata(object.object("app_metadata")),
            factors: match object.take("factors") {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(list)) => {
                    list.into_iter().map(Factor::read).collect::<Option<_>>()?
                }
                Some(_) => return None,
            },
        })
    }
}

impl User {
    /// What the user is here: `role` of `app_metadata`, which only the operator sets, or else
    /// Supabase's own, which is the database's.
    pub fn access_role(&self) -> &str {
        let set = self.app_metadata.get("role").and_then(Value::as_str);
        set.filter(|role| !role.is_empty()).unwrap_or(&self.role)
    }

    /// Whether the user signs in with a password: not where only other providers are named.
    pub fn has_password(&self) -> bool {
        match self.app_metadata.get("providers") {
            Some(Value::Array(names)) => names.iter().any(|name| name.as_str() == Some("email")),
            _ => true,
        }
    }

    /// Whether the user may not sign in at `now`. A moment that cannot be read has not come yet.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        let Some(until) = &self.banned_until else {
            return false;
        };
        // In UTC, as Supabase writes it, the order of the texts is that of time. Whole seconds do.
        let seconds = until.get(..19).filter(|_| until.ends_with('Z'));
        seconds.is_none_or(|until| now.to_rfc_3339().get(..19) <= Some(until))
    }
}

impl Factor {
    /// Whether its first code was given; only then it counts.
    pub fn is_verified(&self) -> bool {
        self.status == "verified"
    }

    fn read(value: Value) -> Option<Self> {
        let mut object = Object::from_value(value)?;
        Some(Self {
            id: object.text("id")?,
            status: object.text("status")?,
            factor_type: object.text("factor_type")?,
            friendly_name: object.text("friendly_name").unwrap_or_default(),
        })
    }
}

impl Session {
    /// Reads a session; `None` if it lacks a token or a user.
    pub(super) fn read(mut object: Object) -> Option<Self> {
        Some(Self {
            access_token: Secret::new(object.text("access_token")?),
            refresh_token: Secret::new(object.text("refresh_token")?),
            user: User::read(object.object("user")?)?,
        })
    }

    /// How far the user has proved who they are: `aal1` or `aal2`.
    ///
    /// Taken from the access token, which has just come from Supabase itself; whatever cannot be
    /// read counts as the lower level.
    pub fn aal(&self) -> &'static str {
        let aal = claims(self.access_token.expose()).and_then(|mut claims| claims.text("aal"));
        match aal.as_deref() {
            Some("aal2") => "aal2",
            _ => "aal1",
        }
    }

    /// Whether the user has a verified second factor and has not given it yet.
    pub fn needs_second_factor(&self) -> bool {
        self.user.factors.iter().any(Factor::is_verified) && self.aal() != "aal2"
    }
}

/// Whether `text` is a UUID of any version, with its hyphens.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// When an access token ends, in Unix seconds.
pub fn expiry(access_token: &Secret) -> Option<u64> {
    claims(access_token.expose())?.number("exp")
}

/// The claims of a JWT whose signature nobody has checked.
fn claims(token: &str) -> Option<Object> {
    let payload = token.split('.').nth(1)?;
    let payload = Base64UrlUnpadded::decode_vec(payload).ok()?;
    Object::parse(core::str::from_utf8(&payload).ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn session(claims: &str, factors: &serde_json::Value) -> Session {
        let payload = Base64UrlUnpadded::encode_string(claims.as_bytes());
        let session = json!({
            "access_token": format!("e30.{payload}.sig"),
            "refresh_token": "r",
            "weak_password": null,
            "user": {"id": "5F6B7C8D-0000-4000-8000-000000000001", "factors": factors},
        });
        Session::read(Object::parse(&session.to_string()).unwrap()).unwrap()
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
    fn a_role_of_the_operators_goes_before_the_databases() {
        let role = |user: serde_json::Value| {
            let user = User::read(Object::parse(&user.to_string()).unwrap()).unwrap();
            user.access_role().to_owned()
        };
        let id = "5f6b7c8d-0000-4000-8000-000000000001";
        let user = json!({"id": id, "role": "authenticated", "user_metadata": {"role": "admin"}});
        assert_eq!(role(user), "authenticated");
        let user = json!({"id": id, "role": "authenticated", "app_metadata": {"role": "admin"}});
        assert_eq!(role(user), "admin");
        for odd in [json!(""), json!(7), json!(["admin"])] {
            let user = json!({"id": id, "role": "authenticated", "app_metadata": {"role": odd}});
            assert_eq!(role(user), "authenticated");
        }
    }

    #[test]
    fn a_lock_holds_until_its_end_and_in_doubt() {
        let is_locked = |until: serde_json::Value| {
            let user = json!({"id": "5f6b7c8d-0000-4000-8000-000000000001", "banned_until": until});
            let user = User::read(Object::parse(&user.to_string()).unwrap()).unwrap();
            user.is_locked(Timestamp::from_seconds(1_800_000_000))
        };
        for open in [json!(null), json!("2027-01-15T07:59:59.9Z")] {
            assert!(!is_locked(open.clone()), "{open}");
        }
        for locked in [
            "2027-01-15T08:00:00Z",
            "2027-01-15T08:00:01.123456Z",
            "2126-01-01T00:00:00Z",
            // Might be later than it looks.
            "2027-01-15T07:00:00-05:00",
            "soon",
            "",
        ] {
            assert!(is_locked(json!(locked)), "{locked}");
        }
    }

    #[test]
    fn a_user_whose_factors_cannot_be_read_is_not_read() {
        for factors in [json!("none"), json!([1]), json!([{"id": "f", "status": 1}])] {
            let user = json!({"id": "5f6b7c8d-0000-4000-8000-000000000001", "factors": factors});
            assert!(
                User::read(Object::parse(&user.to_string()).unwrap()).is_none(),
                "{factors}"
            );
        }
    }

    #[test]
    fn an_id_is_a_uuid_in_lower_case() {
        let id = session("{}", &json!([])).user.id;
        assert_eq!(id, "5f6b7c8d-0000-4000-8000-000000000001");
        for id in ["", "../admin", "*"] {
            let object = Object::parse(&json!({"id": id}).to_string()).unwrap();
            assert!(User::read(object).is_none(), "{id}");
        }
    }

    #[test]
    fn nothing_prints_a_token() {
        assert!(!format!("{:?}", session("{}", &json!([]))).contains("e30"));
    }
}
