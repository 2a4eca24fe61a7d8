//! `X-AuthFlow-Assertion`: who asks, signed, so that an origin need not trust the way to it.
//!
//! A JWT (RFC 7519) signed with ES256, for one origin and a minute. A header alone proves nothing
//! to an origin that can be reached past the gateway; this does.

use authflow_shared::{
    host::gateway::{SignOrder, Signer},
    json::Writer,
    redirect::Origin,
    session::{SessionId, SessionRecord},
    timestamp::Timestamp,
};
use base64ct::{Base64UrlUnpadded, Encoding};

use crate::{
    jwks::AssertionKeys,
    remembered::{Remembered, Seed},
};

/// Seconds an assertion is good for.
const LIFE_SECONDS: u64 = 60;
/// Seconds for which it is handed out again, so that it always has as much left.
const REUSE_SECONDS: u64 = 30;
/// Assertions remembered at once; about a kilobyte each.
const CAPACITY: usize = 2_000;

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The gateway's own origin.
    pub issuer: &'a Origin,
    /// The origin that the request goes to.
    pub audience: &'a Origin,
    /// The session.
    pub session: &'a SessionId,
    /// Its record.
    pub record: &'a SessionRecord,
    /// The route's id.
    pub route: &'a str,
}

/// The assertions this isolate has signed of late.
#[derive(Debug)]
pub struct Assertions {
    /// By all that is said but the times, so that none is ever handed out for another.
    signed: Remembered<Signed>,
}

#[derive(Debug)]
struct Signed {
    assertion: String,
    at: u64,
}

/// An assertion that is to be signed.
#[derive(Debug)]
pub struct Draft {
    claims: String,
    at: u64,
}

impl Subject<'_> {
    /// The claims but the times (RFC 7519, section 4.1).
    fn claims(&self) -> String {
        Writer::object()
            .text("iss", self.issuer.as_str())
            .text("aud", self.audience.as_str())
            .text("sub", &self.record.user_id)
            .text("sid_hash", &self.session.hash())
            .text("email", &self.record.email)
            .text("role", &self.record.role)
            .text("aal", &self.record.aal)
            .text("route", self.route)
            .end()
    }
}

impl Assertions {
    /// None so far.
    pub fn new(seed: Seed) -> Self {
        Self {
            signed: Remembered::new(CAPACITY, seed),
        }
    }

    /// The assertion for `subject` that is there, or a draft of the one to be signed.
    ///
    /// # Errors
    /// [`Draft`] if none was signed within the last half minute.
    pub fn find(&self, subject: &Subject<'_>, now: Timestamp) -> Result<String, Draft> {
        let (claims, now) = (subject.claims(), now.seconds());
        match self.signed.get(&claims) {
            Some(signed) if now < signed.at.saturating_add(REUSE_SECONDS) && now >= signed.at => {
                Ok(signed.assertion.clone())
            }
            _ => Err(Draft { claims, at: now }),
        }
    }

    /// Remembers what became of a draft.
    pub fn keep(&mut self, draft: Draft, assertion: String) {
        let Draft { claims, at } = draft;
        let due = at.saturating_sub(REUSE_SECONDS);
        let signed = Signed { assertion, at };
        self.signed
            .insert(&claims, signed, |signed| signed.at > due, |_| true);
    }
}

impl Draft {
    /// Signs it with the first of `keys`; `None` if the platform could not.
    pub async fn sign(&self, keys: &AssertionKeys, signer: &impl Signer) -> Option<String> {
        let header = format!(r#"{{"alg":"ES256","typ":"JWT","kid":"{}"}}"#, keys.kid);
        let claims = self.claims.strip_suffix('}')?;
        let (iat, exp) = (self.at, self.at.saturating_add(LIFE_SECONDS));
        let payload = format!(r#"{claims},"iat":{iat},"exp":{exp}}}"#);
        let mut data = Base64UrlUnpadded::encode_string(header.as_bytes());
        data.push('.');
        data.push_str(&Base64UrlUnpadded::encode_string(payload.as_bytes()));
        let order = SignOrder {
            key: keys.signing.clone(),
            data: data.clone(),
        };
        let signature = signer.sign(order).await.ok()?;
        data.push('.');
        data.push_str(&signature);
        Some(data)
    }
}

#[cfg(test)]
mod tests {
    use authflow_shared::host::fake::FakeHost;
    use futures_executor::block_on;
    use serde_json::Value;

    use super::*;
    use crate::jwks::tests::KEY;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// What an assertion says of a request that `change` changed.
    struct Case {
        issuer: Origin,
        audience: Origin,
        session: SessionId,
        record: SessionRecord,
        route: String,
    }

    impl Case {
        fn new() -> Self {
            Self {
                issuer: Origin::parse("https://app.test").unwrap(),
                audience: Origin::parse("http://o.test").unwrap(),
                session: SessionId::parse("f47ac10b-58cc-4372-a567-0e02b2c3d479").unwrap(),
                record: SessionRecord::example(NOW),
                route: "app".into(),
            }
        }

        fn subject(&self) -> Subject<'_> {
            Subject {
                issuer: &self.issuer,
                audience: &self.audience,
                session: &self.session,
                record: &self.record,
                route: &self.route,
            }
        }
    }

    fn sign(assertions: &mut Assertions, case: &Case, now: Timestamp) -> String {
        let keys = AssertionKeys::parse(KEY).unwrap();
        let draft = assertions.find(&case.subject(), now).unwrap_err();
        let assertion = block_on(draft.sign(&keys, &FakeHost::answering(""))).unwrap();
        assertions.keep(draft, assertion.clone());
        assertion
    }

    fn part(assertion: &str, index: usize) -> Value {
        let part = assertion.split('.').nth(index).unwrap();
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
    }

    #[test]
    fn it_says_who_asks_whom_for_what_and_until_when() {
        let case = Case::new();
        let assertion = sign(&mut Assertions::new(Seed::default()), &case, NOW);
        let header = part(&assertion, 0);
        assert_eq!(
            (&header["alg"], &header["typ"]),
            (&"ES256".into(), &"JWT".into())
        );
        let claims = part(&assertion, 1);
        let expected = serde_json::json!({
            "iss": "https://app.test",
            "aud": "http://o.test",
            "sub": "5f6b7c8d-0000-4000-8000-000000000001",
            "sid_hash": case.session.hash(),
            "email": case.record.email,
            "role": "authenticated",
            "aal": "aal1",
            "route": "app",
            "iat": 1_800_000_000_u64,
            "exp": 1_800_000_060_u64,
        });
        assert_eq!(claims, expected);
        assert!(assertion.ends_with(".signature"));
    }

    #[test]
    fn it_is_signed_once_in_half_a_minute() {
        let (case, mut assertions) = (Case::new(), Assertions::new(Seed::default()));
        let first = sign(&mut assertions, &case, NOW);
        let at = |seconds| Timestamp::from_seconds(NOW.seconds() + seconds);
        assert_eq!(assertions.find(&case.subject(), at(29)).unwrap(), first);
        assert!(assertions.find(&case.subject(), at(30)).is_err());
    }

    #[test]
    fn whoever_differs_in_anything_gets_one_of_his_own() {
        let changes: [fn(&mut Case); 8] = [
            |case| case.issuer = Origin::parse("https://b.test").unwrap(),
            |case| case.audience = Origin::parse("http://o.test:81").unwrap(),
            |case| {
                case.session = SessionId::parse("f47ac10b-58cc-4372-a567-0e02b2c3d470").unwrap();
            },
            |case| case.record.user_id.push('2'),
            |case| case.record.email.push('2'),
            |case| case.record.role = "admin".into(),
            |case| case.record.aal = "aal2".into(),
            |case| case.route = "admin".into(),
        ];
        let mut assertions = Assertions::new(Seed::default());
        sign(&mut assertions, &Case::new(), NOW);
        for change in changes {
            let mut case = Case::new();
            change(&mut case);
            assert!(assertions.find(&case.subject(), NOW).is_err());
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut assertions = Assertions::new(Seed::default());
        for number in 0..3 * CAPACITY {
            let draft = Draft {
                claims: number.to_string(),
                at: NOW.seconds(),
            };
            assertions.keep(draft, String::new());
        }
        assert!(assertions.signed.len() <= CAPACITY);
    }

    #[test]
    fn a_key_that_cannot_sign_makes_no_assertion() {
        let host = FakeHost::answering("");
        host.break_signing();
        let keys = AssertionKeys::parse(KEY).unwrap();
        let draft = Assertions::new(Seed::default())
            .find(&Case::new().subject(), NOW)
            .unwrap_err();
        assert_eq!(block_on(draft.sign(&keys, &host)), None);
    }
}
