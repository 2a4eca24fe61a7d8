//! Deletes one's own account.
//!
//! Nobody may stay signed in as somebody who is gone, and no failure may leave a person half
//! deleted. So the sessions end first, which shows that they can be ended; then the user goes; then
//! the sessions end once more. A sign-in that Supabase allowed before the user was gone either is
//! in the list that this second step reads, or finds its mark and takes itself back; after it,
//! Supabase allows none.

use authflow_shared::{host::Host, secret::Secret};

use crate::{
    change_password, config::Config, end_session, exchange::Exchange, failure::Failure,
    limits::ALL, personal_data,
};

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

    // (2) Every session, and what is counted under their address.
    let names = personal_data::names_of(&user);
    exchange.forget_attempts(&ALL, &names).await?;
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

    // (5) What else is stored of them, after the answer: they cannot ask again. What is not forgotten
    // then runs out by itself, or an admin has it forgotten.
    let (store, user_id) = (exchange.store().clone(), user.id.clone());
    let now = exchange.host.now();
    exchange.afterwards("user_not_forgotten", async move {
        let forgotten = store.forget_user(&user_id, now).await;
        forgotten
            .map(drop)
            .map_err(|reason| reason.as_str().to_owned())
    });
    Ok(user.id)
}
