//! Which address is which endpoint. Paths are compared as they are: each has one spelling.

use authflow_shared::signin_page;

use crate::pages::account::{Change, Own};

/// What a request can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Asked by machines, from wherever they are.
    Health,
    /// Asked by Prometheus.
    Metrics,
    /// Asked by the gateway, for whoever will see it.
    SignInUnavailable,
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
    ChangeEmail,
    DeleteAccount,
    Sessions,
    EndSession,
    SendCode,
    VerifyCode,
    StepUp,
    Factors,
    VerifyFactor,
    RemoveFactor,
    AdminUsers,
    AdminUser,
    AdminData,
    AdminAddress,
    AdminSessions,
    AdminSession,
    AdminLock,
    AdminUnlock,
    AdminRole,
    StartPage,
    SignInPage,
    SignUpPage,
    ResendPage,
    ConfirmPage,
    ForgotPage,
    ResetPage,
    Account(Own),
    SignOutPage,
    BeginOauth,
    OauthCallback,
    AdminPage,
    AdminUserPage,
    AdminDeed,
    AdminEndSession,
    SecondFactorPage,
    StepUpPage,
    FactorsPage,
}

use Endpoint::{Health, Metrics, On, SignInUnavailable};

const READ: &str = "GET, HEAD";
/// For what a look already uses up, or is recorded.
const GET: &str = "GET";
const READ_OR_CHANGE: &str = "GET, HEAD, PATCH";
const WRITE: &str = "POST";
const DELETE: &str = "DELETE";
const READ_OR_WRITE: &str = "GET, HEAD, POST";

/// What is asked on behalf of nobody, the same way as below. In production the gateway has the short paths.
const FOR_NOBODY: [(&str, Endpoint, &str); 5] = [
    ("/health", Health, "health"),
    ("/api/v1/simple_auth/health", Health, "health"),
    ("/metrics", Metrics, "metrics"),
    ("/api/v1/simple_auth/metrics", Metrics, "metrics"),
    (signin_page::PATH, SignInUnavailable, "signin_unavailable"),
];

/// Below it is what programs use.
const API: &str = "/api/v1/simple_auth/";

/// What programs use: path below [`API`], action, the methods it takes as `Allow` lists them, name
/// in the log. HEAD is GET without the body. `{}` stands for one segment, twice at the most.
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
    ("me", Action::Me, READ_OR_CHANGE, "me"),
    ("change-email", Action::ChangeEmail, WRITE, "change_email"),
    (
        "delete-account",
        Action::DeleteAccount,
        WRITE,
        "delete_account",
    ),
    ("sessions", Action::Sessions, READ, "sessions"),
    ("sessions/{}", Action::EndSession, DELETE, "end_session"),
    ("mfa/challenge", Action::SendCode, WRITE, "mfa_challenge"),
    ("mfa/verify", Action::VerifyCode, WRITE, "mfa_verify"),
    ("mfa/step-up", Action::StepUp, WRITE, "mfa_step_up"),
    ("mfa/factors", Action::Factors, READ_OR_WRITE, "mfa_factors"),
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
    ("admin/users", Action::AdminUsers, READ, "admin_users"),
    (
        "admin/users/{}",
        Action::AdminUser,
        "GET, HEAD, DELETE",
        "admin_user",
    ),
    ("admin/users/{}/data", Action::AdminData, GET, "admin_data"),
    (
        "admin/address",
        Action::AdminAddress,
        "GET, DELETE",
        "admin_address",
    ),
    (
        "admin/users/{}/sessions",
        Action::AdminSessions,
        DELETE,
        "admin_sessions",
    ),
    (
        "admin/users/{}/sessions/{}",
        Action::AdminSession,
        DELETE,
        "admin_session",
    ),
    (
        "admin/users/{}/lock",
        Action::AdminLock,
        WRITE,
        "admin_lock",
    ),
    (
        "admin/users/{}/unlock",
        Action::AdminUnlock,
        WRITE,
        "admin_unlock",
    ),
    (
        "admin/users/{}/role",
        Action::AdminRole,
        "PUT",
        "admin_role",
    ),
];

/// What people use, the same way.
const PAGES: &[(&str, Action, &str, &str)] = &[
    ("/auth", Action::StartPage, READ, "start_page"),
    ("/auth/", Action::StartPage, READ, "start_page"),
    (
        "/auth/signin",
        Action::SignInPage,
        READ_OR_WRITE,
        "signin_page",
    ),
    (
        "/auth/signup",
        Action::SignUpPage,
        READ_OR_WRITE,
        "signup_page",
    ),
    (
        "/auth/resend",
        Action::ResendPage,
        READ_OR_WRITE,
        "resend_page",
    ),
    (
        "/auth/confirm",
        Action::ConfirmPage,
        READ_OR_WRITE,
        "confirm_page",
    ),
    (
        "/auth/forgot",
        Action::ForgotPage,
        READ_OR_WRITE,
        "forgot_page",
    ),
    (
        "/auth/reset",
        Action::ResetPage,
        READ_OR_WRITE,
        "reset_page",
    ),
    (
        "/auth/signout",
        Action::SignOutPage,
        READ_OR_WRITE,
        "signout_page",
    ),
    (
        "/auth/oauth/{}",
        Action::BeginOauth,
        READ_OR_WRITE,
        "begin_oauth",
    ),
    (
        "/auth/callback",
        Action::OauthCallback,
        GET,
        "oauth_callback",
    ),
    ("/auth/admin", Action::AdminPage, READ, "admin_page"),
    (
        "/auth/admin/users/{}",
        Action::AdminUserPage,
        READ,
        "admin_user_page",
    ),
    (
        "/auth/admin/users/{}/{}",
        Action::AdminDeed,
        WRITE,
        "admin_deed",
    ),
    (
        "/auth/admin/users/{}/sessions/{}",
        Action::AdminEndSession,
        WRITE,
        "admin_end_session",
    ),
    (
        "/auth/second-factor",
        Action::SecondFactorPage,
        READ_OR_WRITE,
        "second_factor_page",
    ),
    (
        "/auth/step-up",
        Action::StepUpPage,
        READ_OR_WRITE,
        "step_up_page",
    ),
    (
        "/auth/account/second-factor",
        Action::FactorsPage,
        READ_OR_WRITE,
        "factors_page",
    ),
    (
        "/auth/account",
        Action::Account(Own::Overview),
        READ,
        "account_page",
    ),
    (
        "/auth/account/name",
        Action::Account(Own::Change(Change::Name)),
        READ_OR_WRITE,
        "account_name_page",
    ),
    (
        "/auth/account/email",
        Action::Account(Own::Change(Change::Email)),
        READ_OR_WRITE,
        "account_email_page",
    ),
    (
        "/auth/account/password",
        Action::Account(Own::Change(Change::Password)),
        READ_OR_WRITE,
        "account_password_page",
    ),
    (
        "/auth/account/delete",
        Action::Account(Own::Change(Change::Delete)),
        READ_OR_WRITE,
        "account_delete_page",
    ),
    (
        "/auth/account/sessions/end",
        Action::Account(Own::EndSession),
        WRITE,
        "account_end_session",
    ),
    (
        "/auth/account/sessions/end-others",
        Action::Account(Own::EndOthers),
        WRITE,
        "account_end_others",
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
    /// What stands in the place of the first `{}`; empty where there is none.
    pub(crate) parameter: &'p str,
    /// And of the second.
    pub(crate) second: &'p str,
}

/// The endpoint at `path`.
pub(crate) fn find(path: &str) -> Option<Found<'_>> {
    let for_nobody = FOR_NOBODY.iter().find(|(known, ..)| *known == path);
    if let Some(&(_, endpoint, name)) = for_nobody {
        return Some(Found {
            endpoint,
            name,
            allow: READ,
            parameter: "",
            second: "",
        });
    }
    let (table, path) = match path.strip_prefix(API) {
        Some(rest) => (API_ENDPOINTS, rest),
        None => (PAGES, path),
    };
    table.iter().find_map(|&(known, action, allow, name)| {
        let [parameter, second] = matched(known, path)?;
        Some(Found {
            endpoint: On(action),
            name,
            allow,
            parameter,
            second,
        })
    })
}

/// What stands in `path` in the places of the `{}` of `known`, if they are alike.
fn matched<'p>(known: &str, path: &'p str) -> Option<[&'p str; 2]> {
    let mut parameters = [""; 2];
    let mut places = parameters.iter_mut();
    let (mut known, mut given) = (known.split('/'), path.split('/'));
    loop {
        match (known.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some("{}"), Some(given)) if !given.is_empty() => *places.next()? = given,
            (Some(known), Some(given)) if known == given => {}
            _ => return None,
        }
    }
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
    fn a_path_is_alike_segment_by_segment() {
        let of = |path: &str| {
            let found = matched("users/{}/sessions/{}", path);
            found.map(|[one, two]| format!("{one} {two}"))
        };
        assert_eq!(of("users/a/sessions/b").as_deref(), Some("a b"));
        for other in [
            "users/a/sessions",
            "users/a/sessions/",
            "users//sessions/b",
            "users/a/sessions/b/",
            "users/a/b/sessions/c",
            "users/a/lock/b",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(matched("me", "me"), Some(["", ""]));
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
