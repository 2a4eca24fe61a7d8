//! The API for programs: JSON in, JSON out. A file an endpoint.

pub(crate) mod admin;
pub(crate) mod change_email;
pub(crate) mod delete_account;
pub(crate) mod factors;
pub(crate) mod forgot_password;
pub(crate) mod health;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod metrics;
pub(crate) mod mfa;
pub(crate) mod resend_verification;
pub(crate) mod reset_password;
pub(crate) mod sessions;
pub(crate) mod signin;
pub(crate) mod signup;
pub(crate) mod update_me;
pub(crate) mod verify_email;
