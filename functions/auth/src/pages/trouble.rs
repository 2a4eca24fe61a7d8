//! What a form says when it comes back.

use crate::failure::Failure;

/// What is wrong, field by field where that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    /// What is wrong as a whole.
    pub(super) alert: Option<String>,
    /// What is wrong with the address.
    pub(super) email: Option<String>,
    /// What is wrong with the password.
    pub(super) password: Option<String>,
}

impl Trouble {
    /// What `failure` says to a person.
    pub(super) fn from(failure: &Failure) -> Self {
        let of = |field: &str| {
            let errors = failure.problem.errors.iter();
            let details: Vec<_> = errors
                .filter(|error| error.field == field)
                .map(|error| error.detail.as_str())
                .collect();
            (!details.is_empty()).then(|| details.join(" "))
        };
        let (email, password) = (of("email"), of("password"));
        let alert = (email.is_none() && password.is_none()).then(|| failure.problem.detail.clone());
        Self {
            alert,
            email,
            password,
        }
    }
}
