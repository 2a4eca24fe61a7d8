//! A user, and how the real server shows one.

use serde::Serialize;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{
    factor::Factor,
    identity::{EMAIL, Identity},
    password::PasswordHash,
};

/// One account, which signs in by e-mail address.
#[derive(Clone)]
#[expect(
    clippy::struct_field_names,
    reason = "`user_metadata` is the real server's name"
)]
pub(super) struct User {
    pub(super) id: Uuid,
    pub(super) role: String,
    /// In lower case.
    pub(super) email: String,
    pub(super) password: Option<PasswordHash>,
    pub(super) email_confirmed_at: Option<OffsetDateTime>,
    pub(super) confirmation_sent_at: Option<OffsetDateTime>,
    pub(super) recovery_sent_at: Option<OffsetDateTime>,
    /// Empty unless a change of address is pending.
    pub(super) new_email: String,
    pub(super) email_change_sent_at: Option<OffsetDateTime>,
    pub(super) reauthentication_sent_at: Option<OffsetDateTime>,
    pub(super) invited_at: Option<OffsetDateTime>,
    pub(super) last_sign_in_at: Option<OffsetDateTime>,
    pub(super) app_metadata: Map<String, Value>,
    pub(super) user_metadata: Map<String, Value>,
    pub(super) identities: Vec<Identity>,
    pub(super) factors: Vec<Factor>,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
    pub(super) banned_until: Option<OffsetDateTime>,
    pub(super) deleted_at: Option<OffsetDateTime>,
}

/// Whether a user was made by the very request that shows it: such a one has no `confirmed_at`,
/// which the database computes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    New,
    Known,
}

impl User {
    /// A user without password and confirmation, whose identity knows nothing but the address.
    pub(super) fn new(id: Uuid, email: &str, now: OffsetDateTime) -> Self {
        let data = identity_data(id, email, false);
        let identity = Identity::new(EMAIL, id.to_string(), data, now);
        Self {
            id,
            role: "authenticated".to_owned(),
            email: email.to_owned(),
            password: None,
            email_confirmed_at: None,
            confirmation_sent_at: None,
            recovery_sent_at: None,
            new_email: String::new(),
            email_change_sent_at: None,
            reauthentication_sent_at: None,
            invited_at: None,
            last_sign_in_at: None,
            app_metadata: email_app_metadata(),
            user_metadata: Map::new(),
            identities: vec![identity],
            factors: Vec::new(),
            created_at: now,
            updated_at: now,
            banned_until: None,
            deleted_at: None,
        }
    }

    pub(super) fn is_banned(&self, now: OffsetDateTime) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }

    /// Whether a password alone is not enough for what matters.
    pub(super) fn has_mfa(&self) -> bool {
        self.factors.iter().any(|factor| factor.verified)
    }

    /// Marks the address as the user's own, if it is not yet.
    pub(super) fn confirm(&mut self, now: OffsetDateTime) {
        if self.email_confirmed_at.is_none() {
            self.email_confirmed_at = Some(now);
            self.user_metadata
                .insert("email_verified".to_owned(), true.into());
        }
    }

    /// Puts another address in place of the present one.
    pub(super) fn change_email(&mut self, email: String) {
        if let Some(identity) = self.email_identity() {
            let data = &mut identity.data;
            data.insert("email".to_owned(), email.clone().into());
            data.insert("email_verified".to_owned(), true.into());
        }
        self.email = email;
        self.new_email.clear();
    }

    /// What was made at sign-up with an address.
    pub(super) fn email_identity(&mut self) -> Option<&mut Identity> {
        let mut identities = self.identities.iter_mut();
        identities.find(|identity| identity.provider == EMAIL)
    }

    /// Names the providers of all identities in `app_metadata`, the first as the main one.
    pub(super) fn name_providers(&mut self) {
        let mut names: Vec<_> = Vec::new();
        for identity in &self.identities {
            if !names.contains(&identity.provider) {
                names.push(identity.provider.clone());
            }
        }
        if let Some(first) = names.first() {
            let first = first.clone().into();
            self.app_metadata.insert("provider".to_owned(), first);
        }
        self.app_metadata
            .insert("providers".to_owned(), names.into());
    }

    pub(super) fn to_json(&self, seen: Seen) -> Value {
        let confirmed_at = (seen == Seen::Known)
            .then_some(self.email_confirmed_at)
            .flatten();
        let mut body = Object::default();
        body.put("id", self.id);
        body.put("aud", "authenticated");
        body.put("role", &self.role);
        body.put("email", &self.email);
        body.time("email_confirmed_at", self.email_confirmed_at);
        body.time("invited_at", self.invited_at);
        body.put("phone", "");
        body.time("confirmation_sent_at", self.confirmation_sent_at);
        body.time("confirmed_at", confirmed_at);
        body.time("recovery_sent_at", self.recovery_sent_at);
        if !self.new_email.is_empty() {
            body.put("new_email", &self.new_email);
        }
        body.time("email_change_sent_at", self.email_change_sent_at);
        body.time("reauthentication_sent_at", self.reauthentication_sent_at);
        body.time("last_sign_in_at", self.last_sign_in_at);
        body.put("app_metadata", &self.app_metadata);
        body.put("user_metadata", &self.user_metadata);
        body.factors(&self.factors);
        let identities = self.identities.iter();
        let identities: Vec<_> = identities.map(|one| one.to_json(self.id)).collect();
        body.put("identities", identities);
        body.time("created_at", Some(self.created_at));
        body.time("updated_at", Some(self.updated_at));
        body.time("banned_until", self.banned_until);
        body.time("deleted_at", self.deleted_at);
        body.put("is_anonymous", false);
        Value::Object(body.0)
    }

    /// The user in a list, for which the real server loads no more than the user.
    pub(super) fn to_list_json(&self) -> Value {
        let mut body = self.to_json(Seen::Known);
        if let Some(body) = body.as_object_mut() {
            body.insert("identities".to_owned(), Value::Null);
            body.remove("factors");
        }
        body
    }

    /// The made-up user that hides that this one exists. As recorded, it shows when the real one
    /// last asked for recovery, its factors, and a ban.
    pub(super) fn disguise(&self, metadata: Map<String, Value>, now: OffsetDateTime) -> Value {
        let mut body = Object::default();
        body.put("id", Uuid::new_v4());
        body.put("aud", "authenticated");
        body.put("role", "");
        body.put("email", &self.email);
        body.put("phone", "");
        body.time("confirmation_sent_at", Some(now));
        body.time("recovery_sent_at", self.recovery_sent_at);
        body.put("app_metadata", email_app_metadata());
        body.put("user_metadata", metadata);
        body.factors(&self.factors);
        body.put("identities", json!([]));
        body.time("created_at", Some(now));
        body.time("updated_at", Some(now));
        body.time("banned_until", self.banned_until);
        body.put("is_anonymous", false);
        Value::Object(body.0)
    }
}

/// What a sign-up keeps about an address, in the identity and in the user's metadata.
pub(super) fn identity_data(id: Uuid, email: &str, verified: bool) -> Map<String, Value> {
    let mut data = Object::default();
    data.put("email", email);
    data.put("email_verified", verified);
    data.put("phone_verified", false);
    data.put("sub", id);
    data.0
}

fn email_app_metadata() -> Map<String, Value> {
    let mut metadata = Object::default();
    metadata.put("provider", "email");
    metadata.put("providers", json!(["email"]));
    metadata.0
}

/// A JSON object in the making, which leaves out times that are not set.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn put(&mut self, name: &str, value: impl Serialize) {
        self.0.insert(name.to_owned(), json!(value));
    }

    /// Second factors, which only show if there are any.
    fn factors(&mut self, factors: &[Factor]) {
        if !factors.is_empty() {
            let factors: Vec<_> = factors.iter().map(Factor::to_json).collect();
            self.put("factors", factors);
        }
    }

    fn time(&mut self, name: &str, time: Option<OffsetDateTime>) {
        if let Some(text) = time.and_then(|time| time.format(&Rfc3339).ok()) {
            self.put(name, text);
        }
    }
}
