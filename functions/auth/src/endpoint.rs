//! Which address is which endpoint. Paths are compared as they are: each has one spelling.

/// What a request can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Asked by machines, from wherever they are.
    Health,
    /// Asked on behalf of a person.
    On(Action),
}

/// What a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    SignUp,
    SignIn,
    LogOut,
    VerifyEmail,
    ResendVerification,
    ForgotPassword,
    ResetPassword,
    Me,
    Sessions,
    EndSession,
    SendCode,
    VerifyCode,
    StepUp,
    Factors,
    VerifyFactor,
    RemoveFactor,
    StartPage,
    SignInPage,
    SignUpPage,
    ResendPage,
    ConfirmPage,
    ForgotPage,
    ResetPage,
    SignOutPage,
    BeginOauth,
    OauthCallback,
}

use Endpoint::{Health, On};

const READ: &str = "GET, HEAD";
/// For what a look already uses up.
const GET: &str = "GET";
const WRITE: &str = "POST";
const DELETE: &str = "DELETE";
const BOTH: &str = "GET, HEAD, POST";

/// Below it is what programs use.
const API: &str = "/api/v1/simple_auth/";

/// What programs use: path below [`API`], action, the methods it takes as `Allow` lists them, name in
/// the log. HEAD is GET without the body. `{}` stands for one segment.
const API_ENDPOINTS: &[(&str, Action, &str, &str)] = &[
    ("signup", Action::SignUp, WRITE, "signup"),
    ("signin", Action::SignIn, WRITE, "signin"),
    ("logout", Action::LogOut, WRITE, "logout"),
    ("verify-email", Action::VerifyEmail, WRITE, "verify_email"),
    (
        "resend-verification",
        Action::ResendVerification,
        WRITE,
        "resend_verification",
    ),
    (
        "forgot-password",
        Action::ForgotPassword,
        WRITE,
        "forgot_password",
    ),
    (
        "reset-password/update",
        Action::ResetPassword,
        WRITE,
        "reset_password",
    ),
    ("me", Action::Me, READ, "me"),
    ("sessions", Action::Sessions, READ, "sessions"),
    ("sessions/{}", Action::EndSession, DELETE, "end_session"),
    ("mfa/challenge", Action::SendCode, WRITE, "mfa_challenge"),
    ("mfa/verify", Action::VerifyCode, WRITE, "mfa_verify"),
    ("mfa/step-up", Action::StepUp, WRITE, "mfa_step_up"),
    ("mfa/factors", Action::Factors, BOTH, "mfa_factors"),
    (
        "mfa/factors/{}/verify",
        Action::VerifyFactor,
        WRITE,
        "mfa_verify_factor",
    ),
    (
        "mfa/factors/{}",
        Action::RemoveFactor,
        DELETE,
        "mfa_remove_factor",
    ),
];

/// What people use, the same way.
const PAGES: &[(&str, Action, &str, &str)] = &[
    ("/auth", Action::StartPage, READ, "start_page"),
    ("/auth/", Action::StartPage, READ, "start_page"),
    ("/auth/signin", Action::SignInPage, BOTH, "signin_page"),
    ("/auth/signup", Action::SignUpPage, BOTH, "signup_page"),
    ("/auth/resend", Action::ResendPage, BOTH, "resend_page"),
    ("/auth/confirm", Action::ConfirmPage, BOTH, "confirm_page"),
    ("/auth/forgot", Action::ForgotPage, BOTH, "forgot_page"),
    ("/auth/reset", Action::ResetPage, BOTH, "reset_page"),
    ("/auth/signout", Action::SignOutPage, BOTH, "signout_page"),
    ("/auth/oauth/{}", Action::BeginOauth, BOTH, "begin_oauth"),
    (
        "/auth/callback",
        Action::OauthCallback,
        GET,
        "oauth_callback",
    ),
];

/// An endpoint found by its path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'p> {
    pub(crate) endpoint: Endpoint,
    /// Its name in the log.
    pub(crate) name: &'static str,
    /// The methods it takes, as `Allow` lists them.
    pub(crate) allow: &'static str,
    /// What stands in the place of `{}`; empty where there is none.
    pub(crate) parameter: &'p str,
}

/// The endpoint at `path`.
pub(crate) fn find(path: &str) -> Option<Found<'_>> {
    if path == "/health" {
        return Some(Found {
            endpoint: Health,
            name: "health",
            allow: READ,
            parameter: "",
        });
    }
    let (table, path) = match path.strip_prefix(API) {
        Some(rest) => (API_ENDPOINTS, rest),
        None => (PAGES, path),
    };
    table.iter().find_map(|&(known, action, allow, name)| {
        let parameter = matched(known, path)?;
        Some(Found {
            endpoint: On(action),
            name,
            allow,
            parameter,
        })
    })
}

/// What stands in `path` in the place of the `{}` of `known`, if they are alike.
fn matched<'p>(known: &str, path: &'p str) -> Option<&'p str> {
    let Some((start, end)) = known.split_once("{}") else {
        return (known == path).then_some("");
    };
    let parameter = path.strip_prefix(start)?.strip_suffix(end)?;
    (!parameter.is_empty() && !parameter.contains('/')).then_some(parameter)
}

impl Found<'_> {
    /// Whether it takes `method`.
    pub(crate) fn takes(self, method: &str) -> bool {
        self.allow.split(", ").any(|known| known == method)
    }
}

/// Whether `path` is read by people: what goes wrong there is told by a page.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/auth" || path.starts_with("/auth/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        assert!(find("/auth/signin").is_some());
        for path in [
            "/auth/signin/",
            "//auth/signin",
            "/Auth/signin",
            "/auth/%73ignin",
            "/auth/signin;x",
            "/health/",
            "/",
            "",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn methods_are_compared_with_case_and_whole() {
        let signin = find("/auth/signin").unwrap();
        assert!(
            ["GET", "HEAD", "POST"]
                .into_iter()
                .all(|method| signin.takes(method))
        );
        for method in ["get", "PUT", "GET, HEAD", ""] {
            assert!(!signin.takes(method), "{method}");
        }
    }
}
