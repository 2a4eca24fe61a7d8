//! Who may pass: a pure function that fails closed.
//!
//! Nothing else can make a [`Grant`], and nothing is sent to an origin without one. [`Refusal`]
//! has no default, and every way in which a session is not known to be good maps to one.

use std::rc::Rc;

use authflow_shared::{
    fingerprint::{Factor, Likeness},
    session::{SessionRecord, store::SessionLookup},
    timestamp::Timestamp,
};

use crate::routes::Policy;

/// What a request shows of its session, after the store was asked.
#[derive(Clone, Debug)]
pub enum Credential {
    /// No token.
    None,
    /// A token that is not ours.
    Forged,
    /// A token of ours.
    Session {
        /// What the store said.
        lookup: SessionLookup,
        /// How like the request's device is to that of the session found.
        device: Likeness,
    },
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It goes to the origin.
    Forward(Grant),
    /// It does not.
    Refuse(Refusal),
}

/// The permission to send a request to its origin. Only [`decide`] makes one.
#[derive(Clone, Debug)]
pub struct Grant {
    record: Option<Rc<SessionRecord>>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no token.
    NoSession,
    /// The token was not made by us.
    SessionInvalid,
    /// The session has ended or run out. Alone clears the cookie.
    SessionExpired,
    /// The session belongs to another device; it stays alive for its owner.
    DeviceMismatch,
    /// The user has none of the roles.
    Forbidden,
    /// A second factor is asked for.
    StepUpRequired,
    /// Nobody knows whether the session is alive.
    StoreUnavailable,
}

impl Credential {
    /// The factor in which the device differs, where it passes for the same.
    pub fn drift(&self) -> Option<Factor> {
        match self {
            Self::Session { device, .. } => device.drift(),
            Self::None | Self::Forged => None,
        }
    }
}

impl Refusal {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::SessionInvalid => "session_invalid",
            Self::SessionExpired => "session_expired",
            Self::DeviceMismatch => "device_mismatch",
            Self::Forbidden => "forbidden",
            Self::StepUpRequired => "step_up_required",
            Self::StoreUnavailable => "store_unavailable",
        }
    }
}

impl Grant {
    /// Whose session it is; `None` on a public route.
    pub fn record(&self) -> Option<&Rc<SessionRecord>> {
        self.record.as_ref()
    }
}

/// Decides.
///
/// 1. A public route takes everybody and passes nobody's identity on.
/// 2. The token must be there and ours.
/// 3. The store must say that the session is alive; its silence is not consent.
/// 4. The record itself must not have run out.
/// 5. The device must be the one that signed in, as far as the mode demands. This comes before
///    roles, so that a stolen token learns nothing about its owner's.
/// 6. The user must have one of the route's roles, and the second factor if the route asks.
pub fn decide(policy: &Policy, credential: Credential, now: Timestamp) -> Decision {
    // (1)
    let Policy::Session {
        roles,
        second_factor,
    } = policy
    else {
        return Decision::Forward(Grant { record: None });
    };
    // (2)
    let (lookup, device) = match credential {
        Credential::None => return Decision::Refuse(Refusal::NoSession),
        Credential::Forged => return Decision::Refuse(Refusal::SessionInvalid),
        Credential::Session { lookup, device } => (lookup, device),
    };
    // (3)
    let record = match lookup {
        SessionLookup::Found(record) => record,
        SessionLookup::Absent => return Decision::Refuse(Refusal::SessionExpired),
        SessionLookup::Unavailable(_) => return Decision::Refuse(Refusal::StoreUnavailable),
    };
    // (4)
    if record.is_over(now) {
        return Decision::Refuse(Refusal::SessionExpired);
    }
    // (5)
    if !device.passes() {
        return Decision::Refuse(Refusal::DeviceMismatch);
    }
    // (6)
    if !roles.is_empty() && !roles.contains(&record.role) {
        return Decision::Refuse(Refusal::Forbidden);
    }
    if *second_factor && record.aal != "aal2" {
        return Decision::Refuse(Refusal::StepUpRequired);
    }
    Decision::Forward(Grant {
        record: Some(record),
    })
}

#[cfg(test)]
mod tests {
    use authflow_shared::redis::Unavailable;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn found(role: &str, aal: &str, is_same_device: bool) -> Credential {
        let device = if is_same_device {
            Likeness::Same
        } else {
            Likeness::Other
        };
        found_on(role, aal, device)
    }

    fn found_on(role: &str, aal: &str, device: Likeness) -> Credential {
        let mut record = SessionRecord::example(NOW);
        record.role = role.into();
        record.aal = aal.into();
        Credential::Session {
            lookup: SessionLookup::Found(Rc::new(record)),
            device,
        }
    }

    fn session(roles: &[&str], second_factor: bool) -> Policy {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Policy::Session {
            roles,
            second_factor,
        }
    }

    #[track_caller]
    fn refuses(policy: &Policy, credential: Credential, expected: Refusal) {
        match decide(policy, credential, NOW) {
            Decision::Refuse(refusal) => assert_eq!(refusal, expected),
            Decision::Forward(_) => panic!("let in"),
        }
    }

    fn lookup(lookup: SessionLookup) -> Credential {
        Credential::Session {
            lookup,
            device: Likeness::Same,
        }
    }

    #[test]
    fn a_live_session_of_the_same_device_passes() {
        let Decision::Forward(grant) = decide(
            &session(&[], false),
            found("authenticated", "aal1", true),
            NOW,
        ) else {
            panic!("refused");
        };
        assert_eq!(
            grant.record().unwrap().user_id,
            SessionRecord::example(NOW).user_id
        );
    }

    #[test]
    fn whatever_is_not_known_to_be_good_is_refused() {
        let policy = session(&[], false);
        refuses(&policy, Credential::None, Refusal::NoSession);
        refuses(&policy, Credential::Forged, Refusal::SessionInvalid);
        refuses(
            &policy,
            lookup(SessionLookup::Absent),
            Refusal::SessionExpired,
        );
        for reason in [
            Unavailable::Refused,
            Unavailable::Unauthorized,
            Unavailable::Unreadable,
        ] {
            refuses(
                &policy,
                lookup(SessionLookup::Unavailable(reason)),
                Refusal::StoreUnavailable,
            );
        }
    }

    #[test]
    fn a_session_that_ran_out_is_refused_though_the_store_still_has_it() {
        let late = Timestamp::from_seconds(1_800_000_000 + 86_400);
        let decision = decide(
            &session(&[], false),
            found("authenticated", "aal1", true),
            late,
        );
        assert!(matches!(
            decision,
            Decision::Refuse(Refusal::SessionExpired)
        ));
    }

    #[test]
    fn another_device_is_refused_before_roles_are_looked_at() {
        let policy = session(&["admin"], true);
        refuses(
            &policy,
            found("authenticated", "aal1", false),
            Refusal::DeviceMismatch,
        );
    }

    #[test]
    fn a_device_that_drifted_passes_and_needs_all_the_rest() {
        let drifted = || found_on("editor", "aal1", Likeness::Drifted(Factor::Ip));
        assert!(matches!(
            decide(&session(&["editor"], false), drifted(), NOW),
            Decision::Forward(_)
        ));
        refuses(&session(&["admin"], false), drifted(), Refusal::Forbidden);
        refuses(&session(&[], true), drifted(), Refusal::StepUpRequired);
    }

    #[test]
    fn one_of_the_roles_is_needed() {
        let policy = session(&["admin", "editor"], false);
        refuses(
            &policy,
            found("authenticated", "aal2", true),
            Refusal::Forbidden,
        );
        refuses(&policy, found("", "aal2", true), Refusal::Forbidden);
        refuses(&policy, found("Admin", "aal2", true), Refusal::Forbidden);
        assert!(matches!(
            decide(&policy, found("editor", "aal1", true), NOW),
            Decision::Forward(_)
        ));
    }

    #[test]
    fn a_second_factor_is_nothing_but_aal2() {
        let policy = session(&[], true);
        for aal in ["aal1", "", "AAL2", "aal3"] {
            refuses(
                &policy,
                found("authenticated", aal, true),
                Refusal::StepUpRequired,
            );
        }
    }

    #[test]
    fn a_public_route_never_passes_an_identity_on() {
        let credential = found("authenticated", "aal2", true);
        let Decision::Forward(grant) = decide(&Policy::Public, credential, NOW) else {
            panic!("refused");
        };
        assert!(grant.record().is_none());
    }
}
