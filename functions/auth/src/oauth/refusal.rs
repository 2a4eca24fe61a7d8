//! What Supabase says when it sends a browser back without a code.

use authflow_shared::supabase::AuthError;

use crate::{failure::Failure, form};

/// Supabase has no code for a provider that tells no address, only this sentence.
const NO_EMAIL: &str = "Error getting user email from external provider";

/// The refusal in the query of `/auth/callback`, if there is one.
///
/// Anybody can write such an address: its words are compared, and never shown.
pub(super) fn read(query: &str) -> Option<Failure> {
    let field = |name| form::field(query, name).unwrap_or_default();
    let (error, code) = (field("error"), field("error_code"));
    if error.is_empty() && code.is_empty() {
        return None;
    }
    Some(match code.as_str() {
        "signup_disabled" => Failure::sign_up_disabled(),
        "user_banned" => Failure::from_supabase(&AuthError::UserBanned),
        "provider_email_needs_verification" => Failure::provider_email_unverified(),
        "bad_oauth_state" | "flow_state_already_used" => Failure::oauth_expired(),
        "unexpected_failure" if field("error_description") == NO_EMAIL => {
            Failure::provider_email_missing()
        }
        // The provider's own word has no code of Supabase's beside it.
        "" if error == "access_denied" => Failure::provider_denied(),
        _ => {
            Failure::provider_unavailable(AuthError::rejected(&format!("{error}_{code}")).as_str())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(query: &str, code: &str) {
        let failure = read(query).unwrap();
        assert_eq!(failure.problem.code, code, "{query}");
    }

    #[test]
    fn each_refusal_of_supabases_is_told_apart() {
        says(
            "error=access_denied&error_description=The+user+has+denied",
            "provider_denied",
        );
        let denied = |code| format!("error=access_denied&error_code={code}&error_description=x");
        says(&denied("signup_disabled"), "signup_disabled");
        says(&denied("user_banned"), "user_banned");
        says(
            &denied("provider_email_needs_verification"),
            "provider_email_unverified",
        );
        says(&denied("hook_payload_invalid"), "provider_unavailable");
        says("error=server_error", "provider_unavailable");
        let failed = "error=server_error&error_code=unexpected_failure&error_description=";
        says(
            &format!("{failed}Error+getting+user+email+from+external+provider"),
            "provider_email_missing",
        );
        says(
            &format!("{failed}Unable+to+exchange+external+code%3A+wron"),
            "provider_unavailable",
        );
        says(
            "error=invalid_request&error_code=bad_oauth_state",
            "oauth_expired",
        );
        assert!(read("code=x&state=y").is_none());
    }

    #[test]
    fn the_log_gets_a_word_and_nothing_else() {
        let cause = |query: &str| read(query).unwrap().cause.clone().unwrap();
        let failed = "error=server_error&error_code=";
        assert_eq!(
            cause("error=server_error&error_code=unexpected_failure"),
            "provider: server_error_unexpected_failure"
        );
        for odd in ["ada%40example.test", "%3Cb%3E", &"x".repeat(80)] {
            assert_eq!(
                cause(&format!("{failed}{odd}")),
                "provider: unreadable_code",
                "{odd}"
            );
        }
    }
}
