//! Whose account a provider's is.

use uuid::Uuid;

use super::{
    error::AuthError, identity::Identity, mail::Delivery, provider::Profile, purpose::Purpose,
    state::State, user::User,
};

/// The user who signs in: the one with this identity, else the one with this verified address, else
/// a new one.
pub(super) fn sign_in(
    state: &mut State,
    provider: &str,
    profile: &Profile,
) -> Result<Uuid, AuthError> {
    let owner = owner(state, provider, profile);
    let known = owner.or_else(|| {
        let user = state.user_by_email(&profile.email)?;
        profile.verified.then_some(user.id)
    });
    if let Some(id) = known
        && state.user(id)?.is_banned(state.now())
    {
        return Err(AuthError::banned());
    }
    let id = match known {
        Some(id) => id,
        None => newcomer(state, profile)?,
    };
    if owner.is_none() {
        add_identity(state, id, provider, profile)?;
    }
    remember(state, id, provider, profile)?;
    if !profile.verified && state.user(id)?.email_confirmed_at.is_none() {
        return Err(unverified(state, id, provider));
    }
    let now = state.now();
    state.user_mut(id)?.confirm(now);
    Ok(id)
}

/// Adds a provider's account to a user who asked for it.
pub(super) fn link(
    state: &mut State,
    user_id: Uuid,
    provider: &str,
    profile: &Profile,
) -> Result<Uuid, AuthError> {
    if let Some(owner) = owner(state, provider, profile) {
        let message = if owner == user_id {
            "Identity is already linked"
        } else {
            "Identity is already linked to another user"
        };
        return Err(AuthError::new(422, "identity_already_exists", message));
    }
    let identity = identity(state, provider, profile);
    let user = state.user_mut(user_id)?;
    user.identities.push(identity);
    user.name_providers();
    Ok(user_id)
}

fn owner(state: &State, provider: &str, profile: &Profile) -> Option<Uuid> {
    let is_it = |known: &Identity| known.provider == provider && known.provider_id == profile.id;
    let mut users = state.users.values();
    users
        .find(|user| user.identities.iter().any(is_it))
        .map(|user| user.id)
}

fn newcomer(state: &mut State, profile: &Profile) -> Result<Uuid, AuthError> {
    if state.config.disable_signup {
        let message = "Signups not allowed for this instance";
        return Err(AuthError::new(422, "signup_disabled", message));
    }
    if state.user_by_email(&profile.email).is_some() {
        let message = "Error creating user";
        return Err(AuthError::duplicate_email(&profile.email, message));
    }
    let id = Uuid::new_v4();
    let mut user = User::new(id, &profile.email, state.now());
    user.identities.clear();
    state.users.insert(id, user);
    Ok(id)
}

/// Adds the identity. An address that nobody had confirmed was perhaps somebody else's invention,
/// so what came with it goes.
fn add_identity(
    state: &mut State,
    id: Uuid,
    provider: &str,
    profile: &Profile,
) -> Result<(), AuthError> {
    let identity = identity(state, provider, profile);
    let user = state.user_mut(id)?;
    if user.email_confirmed_at.is_none() {
        user.identities.clear();
        user.password = None;
        user.user_metadata.clear();
    }
    user.identities.push(identity);
    user.name_providers();
    Ok(())
}

/// Takes over what the provider says now.
fn remember(
    state: &mut State,
    id: Uuid,
    provider: &str,
    profile: &Profile,
) -> Result<(), AuthError> {
    let (data, now) = (profile.data(&state.config), state.now());
    let user = state.user_mut(id)?;
    user.user_metadata.extend(data.clone());
    let mut identities = user.identities.iter_mut();
    let is_it =
        |known: &&mut Identity| known.provider == provider && known.provider_id == profile.id;
    if let Some(identity) = identities.find(is_it) {
        identity.data = data;
        identity.last_sign_in_at = now;
        identity.updated_at = now;
    }
    Ok(())
}

fn identity(state: &State, provider: &str, profile: &Profile) -> Identity {
    let data = profile.data(&state.config);
    Identity::new(provider, profile.id.clone(), data, state.now())
}

/// Asks the address itself, where the provider has not.
fn unverified(state: &mut State, id: Uuid, provider: &str) -> AuthError {
    let sent_at = state.user(id).map(|user| user.confirmation_sent_at);
    let sent = sent_at
        .and_then(|sent_at| state.check_mail(Purpose::Confirmation, sent_at))
        .and_then(|()| state.send_mail(id, Purpose::Confirmation, Delivery::default()));
    match sent {
        Err(error) => error,
        Ok(()) => AuthError::new(
            403,
            "provider_email_needs_verification",
            format!(
                "Unverified email with {provider}. A confirmation email has been sent to your {provider} email"
            ),
        ),
    }
}
