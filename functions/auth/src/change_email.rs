//! Another address for somebody who is signed in, and knows the password: a stolen session must not
//! be enough to take an account over.
//!
//! Supabase sends a mail to each of the two addresses; only when the links of both have been
//! followed does the address change. Every session of the user ends then, because their records
//! hold the old address, and whoever followed the last link has a new one.

use authflow_shared::{
    host::Host,
    secret::Secret,
    supabase::{AuthError, Session, account::Change, auth::Scope},
};

use crate::{
    change_password,
    email::{self, Email},
    end_session, even_time,
    exchange::Exchange,
    failure::Failure,
    limits::Attempt,
    open_session::{self, Entry, discard},
    pages::account,
    signed_in::Known,
};

/// Has the mails sent; their links will lead on to the account's page. Gives why none went out,
/// where that must not be told: whether the new address has an account already.
///
/// # Errors
/// [`Failure`] if the person may not do it, or nobody knows whether it was done.
pub(crate) async fn start<H: Host>(
    exchange: &Exchange<'_, H>,
    new: &Email,
    current: &Secret,
) -> Result<Option<String>, Failure> {
    // (1) Whose, and that it is them.
    let Known {
        signed_in,
        tokens,
        user,
    } = change_password::prove(exchange, current).await?;
    if user.email.eq_ignore_ascii_case(new.as_str()) {
        let detail = "This is your address already.";
        return Err(Failure::of_field("email", "same", detail));
    }

    // (2) Counted, as mails are: nobody tries addresses here.
    exchange.count(Attempt::Resend, signed_in.user_id()).await?;

    // (3) The same answer, in time too, for an address that is somebody else's.
    let asked = exchange.host.now();
    let change = Change::Email {
        email: new.as_str(),
        redirect_to: &exchange.config.common.targets.resolve(account::PATH),
    };
    let changed = exchange
        .supabase()
        .change(&tokens.access_token, change)
        .await;
    even_time::wait(exchange.host, asked, exchange.config.answer_floor).await;
    let error = changed.err();
    match error {
        None | Some(AuthError::UserAlreadyExists | AuthError::MailRateLimited) => {
            exchange.audit("email_change_asked", signed_in.user_id(), None);
            Ok(error.map(|error| format!("supabase: {}", error.as_str())))
        }
        Some(AuthError::Rejected(code)) if email::is_refusal(&code) => {
            let detail = "No mail can be sent to this address. Use another one.";
            Err(Failure::of_field("email", "refused", detail))
        }
        Some(error) => Err(Failure::from_change(&error)),
    }
}

/// What comes after the last link; `session` is Supabase's, and knows the new address.
///
/// # Errors
/// [`Failure`]; the address has changed all the same.
pub(crate) async fn finish<H: Host>(
    exchange: &Exchange<'_, H>,
    session: Session,
) -> Result<Entry, Failure> {
    let user_id = session.user.id.clone();
    exchange.audit("email_changed", &user_id, None);
    // (1) All that know the old address, and the profile.
    let ended = match end_session::end_all(exchange, &user_id, None).await {
        Ok(ended) => ended,
        Err(failure) => {
            discard(exchange, session.access_token);
            return Err(failure.after_email_change());
        }
    };
    end_session::sign_out_at_supabase(exchange, session.access_token.clone(), Scope::Others);
    // (2) A session like that of any other link.
    open_session::enter_after(exchange, session, ended)
        .await
        .map_err(Failure::after_email_change)
}
