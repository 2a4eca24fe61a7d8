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
    Me,
    StartPage,
    SignInPage,
    SignUpPage,
    ResendPage,
    ConfirmPage,
    SignOutPage,
}

/// The methods that an endpoint takes. HEAD is GET without the body.
#[derive(Clone, Copy)]
enum Methods {
    Read,
    Write,
    Both,
}

use Endpoint::{Health, On};
use Methods::{Both, Read, Write};

/// The whole list: path, endpoint, methods, name in the log.
const ENDPOINTS: [(&str, Endpoint, Methods, &str); 14] = [
    (
        "/api/v1/simple_auth/signup",
        On(Action::SignUp),
        Write,
        "signup",
    ),
    (
        "/api/v1/simple_auth/signin",
        On(Action::SignIn),
        Write,
        "signin",
    ),
    (
        "/api/v1/simple_auth/logout",
        On(Action::LogOut),
        Write,
        "logout",
    ),
    (
        "/api/v1/simple_auth/verify-email",
        On(Action::VerifyEmail),
        Write,
        "verify_email",
    ),
    (
        "/api/v1/simple_auth/resend-verification",
        On(Action::ResendVerification),
        Write,
        "resend_verification",
    ),
    ("/api/v1/simple_auth/me", On(Action::Me), Read, "me"),
    ("/health", Health, Read, "health"),
    ("/auth", On(Action::StartPage), Read, "start_page"),
    ("/auth/", On(Action::StartPage), Read, "start_page"),
    ("/auth/signin", On(Action::SignInPage), Both, "signin_page"),
    ("/auth/signup", On(Action::SignUpPage), Both, "signup_page"),
    ("/auth/resend", On(Action::ResendPage), Both, "resend_page"),
    (
        "/auth/confirm",
        On(Action::ConfirmPage),
        Both,
        "confirm_page",
    ),
    (
        "/auth/signout",
        On(Action::SignOutPage),
        Both,
        "signout_page",
    ),
];

/// An endpoint found by its path.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) endpoint: Endpoint,
    /// Its name in the log.
    pub(crate) name: &'static str,
    methods: Methods,
}

/// The endpoint at `path`.
pub(crate) fn find(path: &str) -> Option<Found> {
    let found = ENDPOINTS.iter().find(|(known, ..)| *known == path);
    found.map(|&(_, endpoint, methods, name)| Found {
        endpoint,
        name,
        methods,
    })
}

impl Found {
    /// The methods it takes, as `Allow` lists them.
    pub(crate) fn allow(self) -> &'static str {
        match self.methods {
            Read => "GET, HEAD",
            Write => "POST",
            Both => "GET, HEAD, POST",
        }
    }

    /// Whether it takes `method`.
    pub(crate) fn takes(self, method: &str) -> bool {
        self.allow().split(", ").any(|known| known == method)
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
