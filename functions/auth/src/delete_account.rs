//! Deletes one's own account.
//!
//! Nobody may stay signed in as somebody who is gone, and no failure may leave a person half
//! deleted. So the sessions end first, which shows that they can be ended; then the user goes; then
//! the sessions end once more. A sign-in that Supabase allowed before the user was gone either is
//! in the list that this second step reads, or finds its mark and takes itself back; after it,
//! Supabase allows none.

use authflow_shared::{host::Host, secret::Secret};

use crate::{change_password, config::Config, end_session, exchange::Exchange, failure::Failure};

/// Whether the operator has given the key that it takes.
pub(crate) fn is_offered(config: &Config) -> bool {
    config.supabase.admin_key.is_some()
}

/// Deletes the account of whoever is signed in, and knows the password; gives whose it was.
///
/// # Errors
/// [`Failure`]. Until Supabase has deleted the user, the account is there and can be signed in to.
pub(crate) async fn delete<H: Host>(
    exchange: &Exchange<'_, H>,
    current: &Secret,
) -> Result<String, Failure> {
    if !is_offered(exchange.config) {
        return Err(Failure::not_configured());
    }
    // (1) Whose; and that it is them. Supabase itself asks for no second factor here.
    let user = change_password::prove(exchange, current).await?.user;

    // (2) Every session.
    end_session::end_all(exchange, &user.id, None).await?;

    // (3) The user.
    let deleted = exchange.supabase().delete_user(&user.id).await;
    if deleted.is_ok() {
        exchange.audit("account_deleted", &user.id, None);
    }

    // (4) Those that were opened in between. Also where nobody knows whether the user is gone.
    let ended = end_session::end_all(exchange, &user.id, None).await;
    deleted.map_err(|error| Failure::from_supabase(&error).clearing_cookie())?;
    ended.map_err(|failure| failure.after_deletion().clearing_cookie())?;

    // (5) What else is known of them here.
    forget_devices(exchange, &user.id);
    Ok(user.id)
}

/// Forgets the devices of a user who is gone, after the answer.
pub(crate) fn forget_devices<H: Host>(exchange: &Exchange<'_, H>, user_id: &str) {
    let (store, user_id) = (exchange.store(), user_id.to_owned());
    exchange.afterwards("devices_not_forgotten", async move {
        let forgotten = store.forget_devices(&user_id).await;
        forgotten.map_err(|reason| reason.as_str().to_owned())
    });
}
