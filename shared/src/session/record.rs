//! A session as Redis keeps it.

use crate::{
    fingerprint::FactorHashes,
    json::{Object, Writer, scan::Scan},
    layout,
    timestamp::Timestamp,
};

/// Seconds for which a session stays bound to the device that it drifted to. Whoever changes one
/// factor after the other, to take a session along to another device, needs so long for each.
pub const REBINDING_SECONDS: u64 = 900;

/// What is known of a session. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The user's id at Supabase, a UUID.
    pub user_id: String,
    /// The user's address, in lower case.
    pub email: String,
    /// The user's role at Supabase, as in `authenticated`.
    pub role: String,
    /// How the user proved who they are: `aal1` or `aal2`.
    pub aal: String,
    /// When the user signed in.
    pub created_at: u64,
    /// When this session was asked for, in Unix milliseconds: it has a part in what happens to all of
    /// the user's after that.
    pub asked_at: u64,
    /// The moment past which the session is never renewed.
    pub expires_at: u64,
    /// The device that signed in, or that it became since; every later request must come from it.
    pub device_fingerprint: String,
    /// The device's factors one by one, to tell which of them drifted.
    pub factors: FactorHashes,
    /// When the session was last bound to a device that it drifted to.
    pub rebound_at: Option<u64>,
    /// Supabase's tokens, encrypted.
    pub supabase: SealedTokens,
}

/// Supabase's tokens, each a Fernet token under `FERNET_KEYS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedTokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
}

/// What a new session says of its user.
#[derive(Clone, Debug)]
pub struct Identity {
    /// See [`SessionRecord::user_id`].
    pub user_id: String,
    /// See [`SessionRecord::email`].
    pub email: String,
    /// See [`SessionRecord::role`].
    pub role: String,
    /// See [`SessionRecord::aal`].
    pub aal: String,
}

impl SealedTokens {
    /// The tokens as they stand in [`SessionRecord::to_json`].
    pub fn to_json(&self) -> String {
        Writer::object()
            .text("access_token", &self.access_token)
            .text("refresh_token", &self.refresh_token)
            .end()
    }
}

impl SessionRecord {
    /// The record of a session that begins `now` and ends `max_seconds` later at the latest.
    pub fn new(
        identity: Identity,
        now: Timestamp,
        max_seconds: u64,
        device_fingerprint: String,
        factors: FactorHashes,
        supabase: SealedTokens,
    ) -> Self {
        let Identity {
            user_id,
            email,
            role,
            aal,
        } = identity;
        Self {
            user_id,
            email,
            role,
            aal,
            created_at: now.seconds(),
            asked_at: now.millis(),
            expires_at: now.seconds().saturating_add(max_seconds),
            device_fingerprint,
            factors,
            rebound_at: None,
            supabase,
        }
    }

    /// The record as Redis keeps it.
    pub fn to_json(&self) -> String {
        layout::record()
            .text("user_id", &self.user_id)
            .text("email", &self.email)
            .text("role", &self.role)
            .text("aal", &self.aal)
            .number("created_at", self.created_at)
            .number("asked_at", self.asked_at)
            .number("expires_at", self.expires_at)
            .json_fields(&self.device_fields())
            .json("supabase", &self.supabase.to_json())
            .end()
    }

    /// The fields that bind the session to its device, as they stand in [`SessionRecord::to_json`].
    pub(super) fn device_fields(&self) -> String {
        device_fields(&self.device_fingerprint, &self.factors, self.rebound_at)
    }

    /// Whether the session may be bound to another device at `now`: not twice within
    /// [`REBINDING_SECONDS`].
    pub fn may_rebind(&self, now: Timestamp) -> bool {
        let due = |at: u64| now.seconds() >= at.saturating_add(REBINDING_SECONDS);
        self.rebound_at.is_none_or(due)
    }

    /// Reads a record; `None` if it is not one of ours.
    pub fn from_json(json: &str) -> Option<Self> {
        Self::scan(json).or_else(|| Self::parse(json))
    }

    /// Reads a record that is spelled as [`SessionRecord::to_json`] spells it.
    fn scan(json: &str) -> Option<Self> {
        let mut record = Scan::object(json)?;
        if record.number("v") != Some(layout::VERSION) {
            return None;
        }
        let read = Self {
            user_id: record.text("user_id")?.to_owned(),
            email: record.text("email")?.to_owned(),
            role: record.text("role")?.to_owned(),
            aal: record.text("aal")?.to_owned(),
            created_at: record.number("created_at")?,
            asked_at: record.number("asked_at")?,
            expires_at: record.number("expires_at")?,
            device_fingerprint: record.text("device_fingerprint")?.to_owned(),
            factors: {
                record.enter("factors")?;
                let factors = FactorHashes::scan(&mut record);
                record.leave()?;
                factors
            },
            rebound_at: record.maybe_number("rebound_at"),
            supabase: {
                record.enter("supabase")?;
                let tokens = SealedTokens {
                    access_token: record.text("access_token")?.to_owned(),
                    refresh_token: record.text("refresh_token")?.to_owned(),
                };
                record.leave()?;
                tokens
            },
        };
        record.leave()?;
        record.is_done().then_some(read)
    }

    fn parse(json: &str) -> Option<Self> {
        Self::read(Object::parse(json)?)
    }

    /// Reads a record out of what holds it; `None` if it is not one of ours.
    pub fn read(mut record: Object) -> Option<Self> {
        if record.number("v") != Some(layout::VERSION) {
            return None;
        }
        let mut supabase = record.object("supabase")?;
        let created_at = record.number("created_at")?;
        // Records of before have none.
        let asked_at = record.number("asked_at");
        Some(Self {
            user_id: record.text("user_id")?,
            email: record.text("email")?,
            role: record.text("role")?,
            aal: record.text("aal")?,
            created_at,
            asked_at: asked_at.unwrap_or_else(|| created_at.saturating_mul(1000)),
            expires_at: record.number("expires_at")?,
            device_fingerprint: record.text("device_fingerprint")?,
            factors: FactorHashes::read(record.object("factors")?),
            rebound_at: record.number("rebound_at"),
            supabase: SealedTokens {
                access_token: supabase.text("access_token")?,
                refresh_token: supabase.text("refresh_token")?,
            },
        })
    }

    /// Whether the session has reached its end at `now`, whatever Redis still holds.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.seconds() >= self.expires_at
    }
}

/// The fields that bind a session to a device.
pub(super) fn device_fields(
    fingerprint: &str,
    factors: &FactorHashes,
    rebound_at: Option<u64>,
) -> String {
    Writer::object()
        .text("device_fingerprint", fingerprint)
        .json("factors", &factors.to_json())
        .maybe_number("rebound_at", rebound_at)
        .fields()
}

#[cfg(any(test, feature = "fake"))]
impl SessionRecord {
    /// Ada's session, which began at `now` and lives a day; for tests.
    pub fn example(now: Timestamp) -> Self {
        let identity = Identity {
            user_id: "5f6b7c8d-0000-4000-8000-000000000001".into(),
            email: "ada@example.test".into(),
            role: "authenticated".into(),
            aal: "aal1".into(),
        };
        let tokens = SealedTokens {
            access_token: "gA".into(),
            refresh_token: "gB".into(),
        };
        Self::new(
            identity,
            now,
            86_400,
            "fp".into(),
            FactorHashes::default(),
            tokens,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_being_stored() {
        let record = SessionRecord::example(Timestamp::from_seconds(1_800_000_000));
        let json = record.to_json();
        assert_eq!(SessionRecord::from_json(&json), Some(record));
    }

    #[test]
    fn a_record_is_read_the_short_way_as_it_is_written() {
        let mut record = SessionRecord::example(Timestamp::from_seconds(1_800_000_000));
        for (hints, rebound_at) in [(None, Some(1)), (Some("h".to_owned()), None)] {
            record.factors.ip = Some("i".into());
            record.factors.client_hints = hints;
            record.rebound_at = rebound_at;
            let json = record.to_json();
            assert_eq!(SessionRecord::scan(&json).as_ref(), Some(&record));
            assert_eq!(SessionRecord::parse(&json).as_ref(), Some(&record));
        }
    }

    #[test]
    fn another_order_escapes_and_new_fields_are_read_all_the_same() {
        let record = SessionRecord::example(Timestamp::from_seconds(1_800_000_000));
        let json = record.to_json();
        let sorted: serde_json::Value = serde_json::from_str(&json).unwrap();
        let mut reversed = r#"{"new":[1],"#.to_owned();
        for (name, value) in sorted.as_object().unwrap().iter().rev() {
            reversed.extend(["\"", name, "\":", &value.to_string(), ","]);
        }
        let reversed = format!("{}}}", reversed.trim_end_matches(','));
        for json in [
            json.replace('@', "\\u0040"),
            json.replace(':', ": "),
            json.replace(r#""aal""#, r#""new":{},"aal""#),
            reversed,
        ] {
            assert_eq!(SessionRecord::scan(&json), None, "{json}");
            assert_eq!(SessionRecord::from_json(&json).as_ref(), Some(&record));
        }
    }

    #[test]
    fn a_record_of_an_unknown_layout_is_not_read() {
        let json = SessionRecord::example(Timestamp::default()).to_json();
        assert_eq!(
            SessionRecord::from_json(&json.replace(r#""v":1"#, r#""v":2"#)),
            None
        );
        for field in [
            "user_id",
            "aal",
            "expires_at",
            "device_fingerprint",
            "factors",
            "supabase",
        ] {
            assert_eq!(
                SessionRecord::from_json(&json.replace(field, "other")),
                None,
                "{field}"
            );
        }
        assert_eq!(SessionRecord::from_json("{}"), None);
        assert_eq!(SessionRecord::from_json(""), None);
    }

    #[test]
    fn a_session_is_bound_to_another_device_once_in_a_while() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let record = SessionRecord::example(start);
        assert!(record.may_rebind(start));
        let fields = device_fields("new", &FactorHashes::default(), Some(start.seconds()));
        let json = record.to_json().replace(&record.device_fields(), &fields);
        let rebound = SessionRecord::scan(&json).unwrap();
        let later = |seconds| Timestamp::from_seconds(1_800_000_000 + seconds);
        assert!(!rebound.may_rebind(later(REBINDING_SECONDS - 1)));
        assert!(rebound.may_rebind(later(REBINDING_SECONDS)));
        let expected = SessionRecord {
            device_fingerprint: "new".into(),
            rebound_at: Some(start.seconds()),
            ..record
        };
        assert_eq!(rebound, expected, "nothing but the device is another");
    }

    #[test]
    fn a_record_of_before_it_told_when_it_was_asked_for_is_read() {
        let record = SessionRecord::example(Timestamp::from_seconds(1_800_000_000));
        let old = record.to_json().replace(r#","asked_at":1800000000000"#, "");
        assert!(!old.contains("asked_at"));
        assert_eq!(SessionRecord::from_json(&old), Some(record));
    }

    #[test]
    fn a_session_is_over_at_its_end_and_not_before() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let record = SessionRecord::example(start);
        assert!(!record.is_over(Timestamp::from_seconds(1_800_000_000 + 86_399)));
        assert!(record.is_over(Timestamp::from_seconds(1_800_000_000 + 86_400)));
    }
}
