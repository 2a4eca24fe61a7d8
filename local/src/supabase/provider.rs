//! The provider that people sign in at, played by the stand-in itself: GitHub, Google and the
//! others in one.
//!
//! `GET /provider/authorize` is a page with a form for a human. A machine posts that form to the
//! same address:
//!
//! * `state`: as in the address that `GET /authorize` redirects to.
//! * `action`: `allow`, or `deny`.
//! * `email`: whose account signs in; empty for an account that shows no address.
//! * `verified`: `no` for an address that the provider has not verified.
//! * `name`, `user_name`, `id`: the account's, else made of the address.
//! * `code`: the code to give out, else a new one.
//!
//! The answer is a redirect to Supabase's `/callback`, as a provider's is.

use std::{fmt::Write as _, sync::PoisonError};

use axum::{
    Form,
    extract::{Query, State as Extract},
    http::{HeaderMap, StatusCode},
    response::{Html, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Shared,
    config::Config,
    landing::{escape, field, redirect_to, with_query},
};

/// What a provider tells about an account.
#[derive(Clone)]
pub(super) struct Profile {
    pub(super) id: String,
    /// Empty if the account shows none.
    pub(super) email: String,
    pub(super) verified: bool,
    name: String,
    user_name: String,
}

impl Profile {
    /// The profile as an identity and a user's metadata keep it, in the manner of GitHub.
    pub(super) fn data(&self, config: &Config) -> Map<String, Value> {
        let origin: Vec<_> = config.provider_url.splitn(4, '/').take(3).collect();
        let origin = origin.join("/");
        let data = json!({
            "avatar_url": format!("{origin}/a/{}.png", self.id),
            "email": self.email,
            "email_verified": self.verified,
            "full_name": self.name,
            "iss": format!("{origin}/api/v3"),
            "name": self.name,
            "phone_verified": false,
            "preferred_username": self.user_name,
            "provider_id": self.id,
            "sub": self.id,
            "user_name": self.user_name,
        });
        match data {
            Value::Object(data) => data,
            _ => Map::new(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Opened {
    #[serde(default)]
    state: String,
}

/// `GET /provider/authorize`.
pub(super) async fn page(
    Extract(shared): Extract<Shared>,
    Query(opened): Query<Opened>,
) -> Html<String> {
    let state = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let mut flows = state.flows.iter();
    let flow = flows.find(|flow| flow.id.to_string() == opened.state);
    let errand = flow.and_then(|flow| flow.errand.as_ref());
    let provider = errand.map_or("the provider", |errand| errand.provider.as_str());
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Sign in at {provider}</title>\n</head>\n\
         <body>\n<h1>Sign in at {provider}</h1>\n\
         <p>A stand-in for a developer's machine. Whoever you say you are, you are.</p>\n\
         <form method=\"post\">\n<input type=\"hidden\" name=\"state\" value=\"{}\">\n\
         <p><label>E-mail address <input type=\"email\" name=\"email\" value=\"ada@example.test\" autofocus></label></p>\n\
         <p><label>Name <input name=\"name\"></label></p>\n\
         <p><label>Address is verified <select name=\"verified\"><option>yes<option>no</select></label></p>\n\
         <p><button name=\"action\" value=\"allow\">Allow</button> <button name=\"action\" value=\"deny\">Deny</button></p>\n\
         </form>\n</body>\n</html>\n",
        escape(&opened.state)
    ))
}

#[derive(Deserialize)]
pub(super) struct Decision {
    state: String,
    #[serde(default)]
    action: Action,
    #[serde(default)]
    email: String,
    #[serde(default)]
    verified: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    user_name: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    code: String,
}

#[derive(Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Allow,
    Deny,
}

/// `POST /provider/authorize`.
pub(super) async fn decide(
    Extract(shared): Extract<Shared>,
    Form(decision): Form<Decision>,
) -> Response {
    let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let mut fields = vec![field("state", &decision.state)];
    if decision.action == Action::Deny {
        fields.push(field("error", "access_denied"));
        let text = "The user has denied your application access.";
        fields.push(field("error_description", text));
    } else {
        let code = or_else(&decision.code, || Uuid::new_v4().to_string());
        fields.push(field("code", &code));
        state.provider_codes.insert(code, decision.profile());
    }
    let callback = format!("{}/callback", state.config.issuer);
    let location = with_query(&callback, fields);
    redirect_to(StatusCode::FOUND, &location, HeaderMap::new(), "")
}

impl Decision {
    fn profile(&self) -> Profile {
        let email = self.email.trim().to_lowercase();
        let local = email.split('@').next().unwrap_or_default();
        Profile {
            id: or_else(&self.id, || account_id(&email)),
            verified: self.verified != "no",
            name: or_else(&self.name, || local.to_owned()),
            user_name: or_else(&self.user_name, || local.to_owned()),
            email,
        }
    }
}

fn or_else(given: &str, default: impl FnOnce() -> String) -> String {
    if given.is_empty() {
        default()
    } else {
        given.to_owned()
    }
}

/// A number that is the same for the same address.
fn account_id(email: &str) -> String {
    let digest = Sha256::digest(email);
    let digits = digest.iter().take(4);
    digits.fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte}");
        text
    })
}
