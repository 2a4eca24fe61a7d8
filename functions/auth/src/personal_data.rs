//! What is stored of a person: handed out, and forgotten. `docs/DATA-PROTECTION.md` lists it.
//!
//! A person is forgotten in an order that leaves nobody half forgotten without saying so. What is
//! counted under their address goes before their account: afterwards nobody knows the address. The
//! rest goes after it, when nobody can sign in any more. Whatever fails, the same once more goes on.

use authflow_shared::{
    host::Host,
    redis::{Reply, Unavailable},
    supabase::User,
};

use crate::{
    email::Email,
    exchange::Exchange,
    failure::Failure,
    limits::{ALL, Attempt},
};

/// What there is of nobody.
const NOTHING: &str = r#"{"account":null,"redis":{},"database":null}"#;

/// All that is stored of the user `user_id`, or under `address` alone, whether or not anybody has an
/// account under it; of the other there is an empty text. In JSON, without what opens anything.
///
/// # Errors
/// `not_found` if there is nothing; [`Failure`] if Supabase or a store could not tell.
pub(crate) async fn stored<H: Host>(
    exchange: &Exchange<'_, H>,
    user_id: &str,
    address: &str,
) -> Result<String, Failure> {
    // (1) What Supabase says of them, if it knows them.
    let mut names = vec![[user_id, address].concat()];
    let mut account = "null".to_owned();
    if !user_id.is_empty() {
        let described = exchange.supabase().describe_user(user_id).await;
        let described = described.map_err(|error| Failure::from_supabase(&error))?;
        if let Some(described) = described {
            names = User::parse(&described).map_or(names, |user| names_of(&user));
            account = described;
        }
    }

    // (2) What both stores hold, and what is counted.
    let counters = exchange.counters(&ALL, &names);
    let stored = exchange.store().stored(user_id, address, &counters).await;
    let (redis, database) = stored.map_err(Failure::store_unavailable)?;
    let Reply::Text(redis) = redis else {
        return Err(Failure::store_unavailable(Unavailable::Unreadable));
    };
    let database = database.to_json();
    let parts = [
        r#"{"account":"#,
        &account,
        r#","redis":"#,
        &redis,
        r#","database":"#,
        &database,
        "}",
    ];
    let all = parts.concat();
    if all == NOTHING {
        return Err(Failure::not_found());
    }
    Ok(all)
}

/// Forgets the attempts at the account of a user whom Supabase still knows, if it does.
///
/// # Errors
/// [`Failure`] if they may still count.
pub(crate) async fn forget_attempts<H: Host>(
    exchange: &Exchange<'_, H>,
    user_id: &str,
    attempts: &[Attempt],
) -> Result<(), Failure> {
    let user = exchange.supabase().find_user(user_id).await;
    let user = user.map_err(|error| Failure::from_supabase(&error))?;
    let names = user.map_or_else(|| vec![user_id.to_owned()], |user| names_of(&user));
    exchange.forget_attempts(attempts, &names).await
}

/// What attempts at the account of a user are counted under.
pub(crate) fn names_of(user: &User) -> Vec<String> {
    let addresses = [Some(user.email.as_str()), user.new_email.as_deref()];
    let addresses = addresses.into_iter().flatten().filter_map(Email::parse);
    let mut names: Vec<_> = addresses.map(|email| email.as_str().to_owned()).collect();
    names.push(user.id.clone());
    names
}

#[cfg(test)]
mod tests;
