//! Which address is which endpoint. Paths are compared as they are: each has one spelling.

use crate::pages::account::Own;

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
    ChangeEmail,
    DeleteAccount,
    Sessions,
    EndSession,
    StartPage,
    SignInPage,
    SignUpPage,
    ResendPage,
    ConfirmPage,
    ForgotPage,
    ResetPage,
    Account(Own),
    SignOutPage,
}

use Endpoint::{Health, On};

const READ: &str = "GET, HEAD";
const READ_OR_CHANGE: &str = "GET, HEAD, PATCH";
const WRITE: &str = "POST";
const DELETE: &str = "DELETE";
const FORM: &str = "GET, HEAD, POST";

/// Below it is what programs use.
const API: &str = "/api/v1/simple_auth/";

/// What programs use: path below [`API`], action, the methods it takes as `Allow` lists them, name in
/// the log. HEAD is GET without the body. `{}` stands for one segment.
const API_ENDPOINTS: [(&str, Action, &str, &str); 12] = [
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
];

/// What people use, the same way.
const PAGES: [(&str, Action, &str, &str); 16] = [
    ("/auth", Action::StartPage, READ, "start_page"),
    ("/auth/", Action::StartPage, READ, "start_page"),
    ("/auth/signin", Action::SignInPage, FORM, "signin_page"),
    ("/auth/signup", Action::SignUpPage, FORM, "signup_page"),
    ("/auth/resend", Action::ResendPage, FORM, "resend_page"),
    ("/auth/confirm", Action::ConfirmPage, FORM, "confirm_page"),
    ("/auth/forgot", Action::ForgotPage, FORM, "forgot_page"),
    ("/auth/reset", Action::ResetPage, FORM, "reset_page"),
    (
        "/auth/account",
        Action::Account(Own::Overview),
        READ,
        "account_page",
    ),
    (
        "/auth/account/name",
        Action::Account(Own::Name),
        FORM,
        "account_name_page",
    ),
    (
        "/auth/account/email",
        Action::Account(Own::Email),
        FORM,
        "account_email_page",
    ),
    (
        "/auth/account/password",
        Action::Account(Own::Password),
        FORM,
        "account_password_page",
    ),
    (
        "/auth/account/delete",
        Action::Account(Own::Delete),
        FORM,
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
    ("/auth/signout", Action::SignOutPage, FORM, "signout_page"),
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
        Some(rest) => (&API_ENDPOINTS[..], rest),
        None => (&PAGES[..], path),
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
