//! Everything that can go wrong, and what the client is told of it.
//!
//! The client gets a code, and a sentence on what to do. Why it happened goes to the log alone.

use core::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use authflow_shared::{
    cookie,
    json::Value,
    problem::{self, FieldError, Problem},
    redis,
    supabase::{AuthError, Weakness},
};

use crate::{
    response::{Note, Response},
    second_factor::Choice,
};

/// Seconds after which it makes sense to ask again when something we need is down.
const RETRY_UNAVAILABLE: u32 = 5;
/// Seconds after which it makes sense to ask again when Supabase counted too many requests. It
/// does not say how long; its limits fill up again within a minute or more.
const RETRY_LIMITED: u32 = 60;

/// Seconds after which an app shows another code.
const NEXT_CODE: u64 = 30;

/// What a field says that should hold the number of a phone.
pub(crate) const NO_PHONE: &str =
    "This is not a phone number with its country code. One looks like +49 30 901820.";

/// Whole seconds to wait, rounded up.
fn seconds_of(wait: Duration) -> u32 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

/// A refusal. It is a pointer, because nearly every function passes one on.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Box<Refusal>);

/// What is told, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// What the client is told.
    pub(crate) problem: Problem,
    /// Headers of the answer.
    headers: Vec<(&'static str, String)>,
    /// Why, for the log.
    pub(crate) cause: Option<String>,
    /// The second factors of which one is asked for, for a program.
    factors: Vec<Value>,
    /// What the text of a page is called after, where it is not the code.
    text: Option<&'static str>,
}

impl Deref for Failure {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Refusal {
        &mut self.0
    }
}

impl Failure {
    /// What the log says of it.
    pub(crate) fn note(&self) -> Note {
        Note {
            outcome: self.problem.code,
            ..Note::default()
        }
    }

    #[inline(never)]
    fn new(status: u16, code: &'static str, title: &'static str, detail: &str) -> Self {
        Self(Box::new(Refusal {
            problem: Problem::new(status, code, title, detail),
            headers: Vec::new(),
            cause: None,
            factors: Vec::new(),
            text: None,
        }))
    }

    /// Says what has happened rather than what its code means; `text` is what the text of a page is
    /// called after.
    fn saying(mut self, text: &'static str, detail: &str) -> Self {
        detail.clone_into(&mut self.problem.detail);
        self.text = Some(text);
        self
    }

    /// What the text of a page is called after `error_`.
    pub(crate) fn text(&self) -> &'static str {
        self.text.unwrap_or(self.problem.code)
    }

    fn because(mut self, system: &str, cause: &str) -> Self {
        self.cause = Some(format!("{system}: {cause}"));
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn retry_after(self, seconds: u32) -> Self {
        self.header("retry-after", &seconds.to_string())
    }

    /// Asks to come back after so many seconds, and not sooner.
    pub(crate) fn retry_in(mut self, seconds: u64) -> Self {
        self.headers.retain(|(name, _)| *name != "retry-after");
        self.header("retry-after", &seconds.to_string())
    }

    /// Whether it says that something is wrong with `field`.
    pub(crate) fn is_about(&self, field: &str) -> bool {
        let mut errors = self.problem.errors.iter();
        errors.any(|error| error.field == field)
    }

    /// Clears the session cookie along with it.
    pub(crate) fn clearing_cookie(self) -> Self {
        self.header("set-cookie", &cookie::clear())
    }

    /// The answer for a program.
    pub(crate) fn into_problem(mut self, request_id: &str) -> Response {
        let mut body = self.problem.to_json(request_id);
        if !self.factors.is_empty() {
            let factors = Value::Array(core::mem::take(&mut self.factors)).to_json();
            // An extension member (RFC 9457, section 3.2), before the brace that closes the
            // problem.
            body.pop();
            body = format!("{body},\"factors\":{factors}}}");
        }
        self.into_response(problem::MEDIA_TYPE, body)
    }

    /// The answer, with a body for whomever asked.
    pub(crate) fn into_response(self, content_type: &'static str, body: String) -> Response {
        let refusal = *self.0;
        let Problem { status, code, .. } = refusal.problem;
        let mut response = Response::text(status, code, content_type, body).because(refusal.cause);
        response.headers.extend(refusal.headers);
        response
    }

    /// Sends a browser on to `location` in its stead; a cookie that it clears is cleared.
    pub(crate) fn into_redirect(self, location: String) -> Response {
        let refusal = *self.0;
        let response = Response::see_other(location, refusal.problem.code).because(refusal.cause);
        let cookies = refusal.headers.into_iter();
        let mut cookies = cookies.filter(|(name, _)| *name == "set-cookie");
        match cookies.next() {
            Some((name, cookie)) => response.header(name, cookie),
            None => response,
        }
    }

    // === What any endpoint may answer ===

    pub(crate) fn ambiguous_request() -> Self {
        let detail = "The request carries two different session tokens, or the session cookie \
                      twice. Send one.";
        Self::new(400, "ambiguous_request", "Ambiguous request", detail)
    }

    pub(crate) fn malformed_json() -> Self {
        let detail = "The body is not valid JSON in UTF-8.";
        Self::new(400, "malformed_json", "Malformed JSON", detail)
    }

    pub(crate) fn malformed_form() -> Self {
        let detail = "The form could not be read. Please open the page again.";
        Self::new(400, "malformed_form", "Malformed form", detail)
    }

    pub(crate) fn cross_site() -> Self {
        let detail = "The request came from another web site. Send it from a page of this one.";
        Self::new(403, "cross_site", "Refused: from another site", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "not_found", "Not found", "There is nothing here.")
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("This address takes {allow} only.");
        Self::new(405, "method_not_allowed", "Method not allowed", &detail).header("allow", allow)
    }

    pub(crate) fn payload_too_large() -> Self {
        let detail = "The body is over 16 KiB.";
        Self::new(413, "payload_too_large", "Payload too large", detail)
    }

    pub(crate) fn unsupported_media_type(expected: &str) -> Self {
        let detail = format!("Send the body with `Content-Type: {expected}`.");
        let title = "Unsupported media type";
        Self::new(415, "unsupported_media_type", title, &detail)
    }

    pub(crate) fn validation_failed(errors: Vec<FieldError>) -> Self {
        let detail = "Some fields are missing or malformed; `errors` names them.";
        let mut failure = Self::new(422, "validation_failed", "Validation failed", detail);
        failure.problem.errors = errors;
        failure
    }

    pub(crate) fn config_invalid() -> Self {
        let detail = "The service is not set up correctly. Its log names every fault.";
        Self::new(500, "config_invalid", "Configuration invalid", detail)
    }

    /// The edge did not tell the client's address.
    pub(crate) fn no_client_address() -> Self {
        Self::config_invalid().because("client_ip", "no readable address in the header")
    }

    pub(crate) fn no_randomness() -> Self {
        let detail = "Something went wrong on our side. Please try again.";
        Self::new(500, "internal_error", "Internal error", detail)
            .because("platform", "no randomness")
    }

    // === Signing in ===

    pub(crate) fn no_session() -> Self {
        Self::new(401, "no_session", "Not signed in", "Sign in first.")
            .header("www-authenticate", "Bearer")
    }

    pub(crate) fn sign_up_disabled() -> Self {
        let detail = "This site takes no new accounts.";
        Self::new(403, "signup_disabled", "Sign-up is closed", detail)
    }

    /// The step of the second factor took too long, or is over.
    pub(crate) fn mfa_expired() -> Self {
        let detail = "This took too long, or has been done before. Sign in again.";
        Self::new(401, "mfa_expired", "Sign-in expired", detail)
    }

    pub(crate) fn wrong_code() -> Self {
        let detail = "The code is wrong, or has been used before. Wait for the next one.";
        Self::of_field("code", "incorrect", detail)
    }

    /// Whether a code was taken is not known: only the next one is certain not to have been.
    pub(crate) fn before_code_was_judged(self) -> Self {
        self.saying(
            "before_code_was_judged",
            "It is not certain that the code was taken. Please wait for the next one.",
        )
        .retry_in(NEXT_CODE)
    }

    /// One of `factors` has to be given first, in the same request.
    pub(crate) fn code_missing(factors: &[Choice]) -> Self {
        let detail = "This account has a second factor. Enter its code.";
        let mut failure = Self::of_field("code", "missing", detail);
        failure.factors = Choice::list(factors);
        failure
    }

    /// The code of a phone has not been sent.
    pub(crate) fn challenge_missing() -> Self {
        Self::of_field(
            "challenge_id",
            "missing",
            "Have a code sent first, then enter it.",
        )
    }

    pub(crate) fn step_up_required() -> Self {
        let detail = "Confirm with your second factor first.";
        Self::new(403, "step_up_required", "Second factor required", detail)
    }

    /// Supabase changes no password in a sign-in of yesterday.
    pub(crate) fn reauthentication_required() -> Self {
        let detail = "You signed in too long ago to change your password. Sign out and in again, or \
                      have a mail sent for a forgotten password.";
        let title = "Sign-in too long ago";
        Self::new(403, "reauthentication_required", title, detail)
    }

    /// What an admin must leave to others.
    pub(crate) fn own_account() -> Self {
        let detail = "This is your own account. Ask another admin.";
        Self::new(409, "own_account", "Own account", detail)
    }

    pub(crate) fn admin_unavailable() -> Self {
        let detail = "Administration needs SUPABASE_SERVICE_ROLE_KEY, which is not set.";
        Self::new(501, "admin_unavailable", "Not set up", detail)
    }

    /// What failed after the sessions of an account had ended, and before it was certain that it
    /// changed.
    pub(crate) fn before_account_change(self) -> Self {
        self.saying(
            "before_account_change",
            "It is not certain that the account has changed. Its sessions have ended. Please try \
             again.",
        )
    }

    /// What failed after an account had changed.
    pub(crate) fn after_account_change(self) -> Self {
        self.saying(
            "after_account_change",
            "The account has changed, but a session that began meanwhile may still be open, or some of \
             a deleted account be stored. Please do the same again.",
        )
    }

    // === Signing in at another provider ===

    /// The sign-in took too long, is over, or never was.
    pub(crate) fn oauth_expired() -> Self {
        let detail = "This sign-in took too long, or has been used before. Sign in again.";
        Self::new(401, "oauth_expired", "Sign-in expired", detail)
    }

    pub(crate) fn oauth_other_browser() -> Self {
        let detail = "This sign-in was begun in another browser. Sign in again in this one.";
        Self::new(403, "oauth_other_browser", "Another browser", detail)
    }

    pub(crate) fn provider_denied() -> Self {
        let detail = "The sign-in was cancelled at the other site, or refused there.";
        Self::new(403, "provider_denied", "Sign-in cancelled", detail)
    }

    pub(crate) fn provider_email_missing() -> Self {
        let detail = "The other site tells us no e-mail address of yours. Allow it to, or choose \
                      another way to sign in.";
        Self::new(403, "provider_email_missing", "No e-mail address", detail)
    }

    pub(crate) fn provider_email_unverified() -> Self {
        let detail = "Your e-mail address has not been confirmed at the other site. Confirm it \
                      there, or by the mail that may have come just now, and sign in again.";
        let title = "E-mail address not confirmed";
        Self::new(403, "provider_email_unverified", title, detail)
    }

    /// Supabase got nothing from the provider that it could use.
    pub(crate) fn provider_unavailable(cause: &str) -> Self {
        let detail = "Signing in at the other site does not work at the moment. Please try again, \
                      or choose another way to sign in.";
        Self::new(503, "provider_unavailable", "Provider unavailable", detail)
            .because("provider", cause)
            .retry_after(RETRY_UNAVAILABLE)
    }

    /// What failed after the password had changed.
    pub(crate) fn after_password_change(self) -> Self {
        self.saying(
            "after_password_change",
            "The password has been changed, but other sessions may still be open. Sign in with the \
             new one and end them.",
        )
    }

    /// What failed after the address had changed.
    pub(crate) fn after_email_change(self) -> Self {
        self.saying(
            "after_email_change",
            "The address has been changed, but other sessions may still be open under the old one. \
             Sign in and end them.",
        )
    }

    /// What failed after a second factor had been removed.
    pub(crate) fn after_factor_removal(self) -> Self {
        self.saying(
            "after_factor_removal",
            "The second factor has been removed, but a session that it raised meanwhile may still \
             count as raised. End the other sessions.",
        )
    }

    /// What failed after the account had been deleted.
    pub(crate) fn after_deletion(self) -> Self {
        self.saying(
            "after_deletion",
            "The account has been deleted, but a session that was opened at that moment may last \
             until it runs out.",
        )
    }

    /// The operator has not set up what this needs.
    pub(crate) fn not_configured() -> Self {
        let detail = "This site does not offer this. Ask whoever runs it.";
        Self::new(404, "not_configured", "Not offered here", detail)
    }

    pub(crate) fn current_password_missing() -> Self {
        Self::of_field(
            "current_password",
            "missing",
            "Enter your current password.",
        )
    }

    pub(crate) fn factor_not_offered() -> Self {
        let detail = "This site takes no second factor of this kind.";
        Self::of_field("type", "not_offered", detail)
    }

    /// Something is wrong with one field.
    pub(crate) fn of_field(field: &'static str, code: &'static str, detail: &str) -> Self {
        Self::validation_failed(vec![FieldError {
            field,
            code,
            detail: detail.to_owned(),
        }])
    }

    pub(crate) fn same_password() -> Self {
        let detail = "The new password is the old one. Choose another.";
        let mut failure = Self::new(422, "same_password", "Same password", detail);
        failure.problem.errors = vec![FieldError {
            field: "password",
            code: "same",
            detail: detail.to_owned(),
        }];
        failure
    }

    pub(crate) fn link_expired() -> Self {
        Self::from_supabase(&AuthError::OtpExpired)
    }

    pub(crate) fn forbidden() -> Self {
        let detail = "Your account may not do this.";
        Self::new(403, "forbidden", "Forbidden", detail)
    }

    pub(crate) fn too_many_attempts(wait: Duration) -> Self {
        let detail = "Too many attempts. Please wait before you try again.";
        Self::new(429, "too_many_attempts", "Too many attempts", detail)
            .retry_after(seconds_of(wait))
    }

    pub(crate) fn rate_limited(wait: Duration) -> Self {
        let detail = "Too many requests. Please wait before you try again.";
        Self::new(429, "rate_limited", "Too many requests", detail).retry_after(seconds_of(wait))
    }

    /// All sessions of the account were ended while this one was being opened.
    pub(crate) fn session_ended_meanwhile() -> Self {
        let detail = "All sessions of this account have just been ended. Sign in again.";
        Self::new(401, "session_ended", "Sessions ended", detail)
    }

    pub(crate) fn weak_password(weaknesses: &[Weakness]) -> Self {
        let detail = "Choose another password; `errors` says what is weak about this one.";
        let mut failure = Self::new(422, "weak_password", "Weak password", detail);
        let error = |weakness: &Weakness| FieldError {
            field: "password",
            code: weakness.as_str(),
            detail: match weakness {
                Weakness::Length => "The password is too short.",
                Weakness::Characters => {
                    "The password needs more kinds of characters: upper and lower case letters, \
                     digits, symbols."
                }
                Weakness::Pwned => {
                    "The password is known from a leak of another site. Choose one that you use \
                     nowhere else."
                }
            }
            .to_owned(),
        };
        failure.problem.errors = weaknesses.iter().map(error).collect();
        failure
    }

    pub(crate) fn store_unavailable(reason: redis::Unavailable) -> Self {
        let detail = "Sessions cannot be reached at the moment. Please try again.";
        Self::new(503, "store_unavailable", "Store unavailable", detail)
            .because("redis", reason.as_str())
            .retry_after(RETRY_UNAVAILABLE)
    }

    /// The isolate holds as many requests as it has room for.
    pub(crate) fn overloaded() -> Self {
        let detail = "More requests wait here than can be held. Please try again shortly.";
        Self::new(503, "overloaded", "Too many at once", detail).retry_after(RETRY_UNAVAILABLE)
    }

    /// What a refusal by Supabase means wherever it means nothing special.
    pub(crate) fn from_supabase(error: &AuthError) -> Self {
        match error {
            AuthError::InvalidCredentials => {
                let detail = "The e-mail address or the password is wrong.";
                Self::new(401, "invalid_credentials", "Invalid credentials", detail)
            }
            AuthError::EmailNotConfirmed => {
                let detail = "Confirm your e-mail address first: follow the link in the mail that \
                              we sent you.";
                let title = "E-mail address not confirmed";
                Self::new(403, "email_not_confirmed", title, detail)
            }
            AuthError::UserBanned => {
                let detail = "This account has been suspended. Ask whoever runs this site.";
                Self::new(403, "user_banned", "Account suspended", detail)
            }
            AuthError::OtpExpired => {
                let detail = "The link has expired or has been used before. Ask for a new one.";
                Self::new(401, "link_expired", "Link expired", detail)
            }
            AuthError::WeakPassword(weaknesses) => Self::weak_password(weaknesses),
            AuthError::RateLimited | AuthError::MailRateLimited => {
                let detail = "Too many requests. Please wait a minute.";
                Self::new(429, "rate_limited", "Too many requests", detail)
                    .because("supabase", error.as_str())
                    .retry_after(RETRY_LIMITED)
            }
            AuthError::SamePassword => Self::same_password(),
            AuthError::WrongCode => Self::wrong_code(),
            AuthError::UserAlreadyExists
            | AuthError::UserNotFound
            | AuthError::InsufficientAal
            | AuthError::SessionEnded
            | AuthError::Rejected(_)
            | AuthError::Unavailable(_) => {
                let detail = "Accounts cannot be reached at the moment. Please try again.";
                Self::new(503, "identity_unavailable", "Identity unavailable", detail)
                    .because("supabase", error.as_str())
                    .retry_after(RETRY_UNAVAILABLE)
            }
        }
    }

    /// The same, about a change of one's own account.
    pub(crate) fn from_change(error: &AuthError) -> Self {
        match error {
            AuthError::InsufficientAal => Self::step_up_required(),
            AuthError::SessionEnded | AuthError::UserNotFound => Self::no_session(),
            error => Self::from_supabase(error),
        }
    }

    /// The same, about enrolling or removing a second factor.
    pub(crate) fn from_factor_change(error: &AuthError) -> Self {
        let AuthError::Rejected(code) = error else {
            return Self::from_change(error);
        };
        let (field, code, detail) = match code.as_str() {
            "mfa_factor_name_conflict" => (
                "name",
                "taken",
                "Another second factor has this name. Choose another.",
            ),
            "too_many_enrolled_mfa_factors" => (
                "type",
                "too_many",
                "There are too many second factors. Remove one first.",
            ),
            "mfa_totp_enroll_not_enabled" | "mfa_phone_enroll_not_enabled" => {
                return Self::factor_not_offered();
            }
            "mfa_verified_factor_exists" => (
                "phone",
                "taken",
                "This phone is a second factor of yours already.",
            ),
            "validation_failed" => ("phone", "malformed", NO_PHONE),
            "mfa_factor_not_found" => return Self::not_found(),
            _ => return Self::from_change(error),
        };
        Self::of_field(field, code, detail)
    }

    /// The same, about the code of a second factor.
    pub(crate) fn from_code(error: &AuthError) -> Self {
        match error {
            AuthError::SessionEnded | AuthError::UserNotFound => Self::mfa_expired(),
            // Another form than Supabase takes, another factor, or a challenge that is over.
            AuthError::Rejected(code)
                if code == "validation_failed" || code.starts_with("mfa_") =>
            {
                Self::wrong_code()
            }
            error => Self::from_supabase(error),
        }
    }

    /// The same, but a limit means that somebody tries passwords.
    pub(crate) fn from_sign_in(error: &AuthError) -> Self {
        let mut failure = Self::from_supabase(error);
        if failure.problem.status == 429 {
            failure.problem.code = "too_many_attempts";
            failure.problem.title = "Too many attempts";
        }
        failure
    }
}
