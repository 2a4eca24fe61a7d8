//! A new password for somebody who is signed in, and knows the present one.
//!
//! Every other session ends; one's own goes on under a new token, so that whoever has the old one
//! has nothing.

use authflow_shared::{
    host::Host,
    secret::Secret,
    supabase::{AuthError, Session, account::Change},
};

use crate::{
    end_session,
    exchange::Exchange,
    failure::Failure,
    limits::Attempt,
    open_session::{self, Opened, Opening, discard},
    signed_in::{self, Known, Tokens},
};

/// See the module.
///
/// # Errors
/// [`Failure`]; only `store_unavailable` may come after the password has changed, and says so.
pub(crate) async fn change<H: Host>(
    exchange: &Exchange<'_, H>,
    current: &Secret,
    new: &Secret,
) -> Result<Opened, Failure> {
    // (1) Whose, and that it is them.
    let Known {
        signed_in, tokens, ..
    } = prove(exchange, current).await?;
    let Tokens {
        access_token,
        refresh_token,
    } = tokens;

    // (2) The new one. Supabase ends its other sessions, the one of the check too.
    let change = Change::Password {
        new,
        current: Some(current),
    };
    let changed = exchange.supabase().change(&access_token, change).await;
    let user = changed.map_err(|error| match error {
        AuthError::Rejected(code) if code == "reauthentication_needed" => {
            Failure::reauthentication_required()
        }
        AuthError::Rejected(code) if code == "current_password_invalid" => wrong_password(),
        error => Failure::from_change(&error),
    })?;
    exchange.audit("password_changed", signed_in.user_id(), None);

    // (3) All others first: if one's own cannot be renewed, it has ended nobody's rights.
    let ended = end_session::end_all(exchange, signed_in.user_id(), Some(&signed_in.id))
        .await
        .map_err(Failure::after_password_change)?;
    let session = Session {
        access_token,
        refresh_token,
        user,
    };
    let renewed = Opening::Renewed {
        before: &signed_in,
        ended,
    };
    open_session::open(exchange, session, renewed)
        .await
        .map_err(Failure::after_password_change)
}

/// Whoever is signed in, has given the second factor that they have, and knows the present
/// password: a stolen session must not be enough.
///
/// # Errors
/// `no_session`, `step_up_required`; `validation_failed` if the password is wrong.
pub(crate) async fn prove<H: Host>(
    exchange: &Exchange<'_, H>,
    current: &Secret,
) -> Result<Known, Failure> {
    // (1) The address is asked for: it may have changed since the sign-in.
    let known = signed_in::know(exchange).await?;
    known.signed_in.require_second_factor(&known.user)?;
    // (2) Counted as a sign-in: this must not be a way to guess.
    check(exchange, &known.user.email.to_ascii_lowercase(), current).await?;
    Ok(known)
}

/// Checks the password of somebody who is signed in.
///
/// # Errors
/// `validation_failed` if it is wrong.
pub(crate) async fn check<H: Host>(
    exchange: &Exchange<'_, H>,
    email: &str,
    password: &Secret,
) -> Result<(), Failure> {
    let delay = exchange.count(Attempt::SignIn, email).await?;
    match exchange.supabase().sign_in(email, password).await {
        Ok(session) => {
            discard(exchange, session.access_token);
            Ok(())
        }
        Err(AuthError::InvalidCredentials) => {
            exchange.even_out_after(delay).await;
            Err(wrong_password())
        }
        Err(error) => Err(Failure::from_sign_in(&error)),
    }
}

fn wrong_password() -> Failure {
    let detail = "This is not your current password. If you have never set one, have a mail sent \
                  for a forgotten password, and set one.";
    Failure::of_field("current_password", "incorrect", detail)
}
