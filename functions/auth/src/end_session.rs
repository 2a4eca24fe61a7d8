//! Ends the session that a request presents.

use authflow_shared::{
    host::Host,
    session::{SessionId, SessionRecord, store::SessionLookup},
};

use crate::{exchange::Exchange, failure::Failure};

/// A session that is certain to be gone.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) id: SessionId,
    /// Whose it was, if it was still there.
    pub(crate) user_id: Option<String>,
}

/// Ends it. None, or one that ended before, is no error.
///
/// # Errors
/// [`Failure`] if it is not certain that the session is gone.
pub(crate) async fn end<H: Host>(exchange: &Exchange<'_, H>) -> Result<Option<Ended>, Failure> {
    let Some(id) = exchange.session.clone() else {
        return Ok(None);
    };
    let store = exchange.store();
    // (1) Read before it is gone: Supabase's session is to end too.
    let found = store.find(&id, exchange.host.now()).await;
    // (2) Ours, for certain.
    store.end(&id).await.map_err(Failure::store_unavailable)?;
    // (3) Supabase's, if that can be done: without ours, nobody has its tokens any more.
    let record = match found {
        SessionLookup::Found(record) => Some(record),
        SessionLookup::Absent | SessionLookup::Unavailable(_) => None,
    };
    if let Some(record) = &record {
        end_at_supabase(exchange, record);
    }
    let user_id = record.map(|record| record.user_id.clone());
    Ok(Some(Ended { id, user_id }))
}

fn end_at_supabase<H: Host>(exchange: &Exchange<'_, H>, record: &SessionRecord) {
    let now = exchange.host.now();
    let token = exchange
        .config
        .fernet
        .open(&record.supabase.access_token, now);
    let supabase = exchange.supabase();
    exchange.afterwards("supabase_logout_failed", async move {
        let token = token.ok_or("no key opens its token")?;
        let ended = supabase.sign_out(&token).await;
        ended.map_err(|error| error.as_str().to_owned())
    });
}
