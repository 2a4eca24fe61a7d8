//! What an admin does with other people's accounts.
//!
//! An admin is whoever has the role `admin` in their session and, asked each time, at Supabase: a
//! role that was taken away there is worth nothing here, however long the session lives.
//!
//! To lock somebody, to change their role and to delete them each changes two systems, and nothing
//! makes them one. The sessions end first: whatever fails afterwards, nobody goes on with what they
//! had. Then Supabase changes. Then the sessions end once more, those that began in between. Who is
//! deleted is forgotten, too (`personal_data`). Each of these steps may fail with 503, and doing the
//! same again finishes it.

use authflow_shared::{
    audit::Event,
    host::Host,
    session::SessionId,
    supabase::{AuthError, Factor, User, admin::AdminChange, is_uuid},
};

use crate::{
    end_session,
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    limits::{ALL, Attempt},
    personal_data,
    signed_in::{self, SignedIn},
};

/// The role of an admin.
const ROLE: &str = "admin";
/// The most users on a page of what a search finds.
pub(crate) const MOST_USERS: u8 = 50;
/// The characters that a search has to name at least: it is for finding somebody, not for listing
/// all.
const SHORTEST_SEARCH: usize = 3;
const LONGEST_SEARCH: usize = 254;
/// The page that is shown unless another is asked for.
pub(crate) const FIRST_PAGE: &str = "1";
/// The most digits of a page's number.
const LONGEST_PAGE: usize = 9;
/// The longest role.
const LONGEST_ROLE: usize = 64;

/// An admin, who asks.
#[derive(Debug)]
pub(crate) struct Admin {
    signed_in: SignedIn,
}

/// What an admin does to a user.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    EndSession(SessionId),
    EndSessions,
    Lock,
    /// Lets a user sign in again, also one who has tried too often.
    Unlock,
    Role(String),
    Delete,
}

impl Deed {
    /// Its name in the log.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::EndSession(_) => "session_ended",
            Self::EndSessions => "sessions_ended",
            Self::Lock => "user_locked",
            Self::Unlock => "user_unlocked",
            Self::Role(_) => "role_changed",
            Self::Delete => "user_deleted",
        }
    }

    /// The role that it gives.
    fn role(&self) -> Option<&str> {
        match self {
            Self::Role(role) => Some(role),
            _ => None,
        }
    }

    /// Whether it takes something away from a user, or gives them other rights.
    fn changes_rights(&self) -> bool {
        matches!(self, Self::Lock | Self::Role(_) | Self::Delete)
    }
}

/// Lets nobody else on.
///
/// # Errors
/// `no_session`, `forbidden`, `step_up_required`; `admin_unavailable` where it is not set up.
pub(crate) async fn require<H: Host>(exchange: &Exchange<'_, H>) -> Result<Admin, Failure> {
    // (1) By the session. Who is no admin learns nothing else.
    let signed_in = signed_in::require(exchange).await?;
    if signed_in.record.role != ROLE {
        return Err(Failure::forbidden());
    }
    let config = exchange.config;
    if config.supabase.admin_key.is_none() {
        return Err(Failure::admin_unavailable());
    }

    // (2) As Supabase knows them now.
    let found = exchange.supabase().find_user(signed_in.user_id()).await;
    let found = found.map_err(|error| Failure::from_supabase(&error))?;
    let now = exchange.host.now();
    let is_admin = |user: &User| user.access_role() == ROLE && !user.is_locked(now);
    let user = found.filter(is_admin).ok_or_else(Failure::forbidden)?;

    // (3) A session that was open before the second factor was set up has not given it.
    let has_second_factor = user.factors.iter().any(Factor::is_verified);
    let needs_it = config.admins_need_second_factor || has_second_factor;
    if needs_it && signed_in.record.aal != "aal2" {
        return Err(Failure::step_up_required());
    }
    Ok(Admin { signed_in })
}

/// The id of a user in an address, in its one spelling.
///
/// # Errors
/// `not_found`.
pub(crate) fn user_id(text: &str) -> Result<String, Failure> {
    if is_uuid(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Failure::not_found())
    }
}

/// The text to search for in `email`.
pub(crate) fn read_search(fields: &mut Fields) -> Option<String> {
    let text = fields.text("email", "Send a part of an e-mail address.")?;
    // Addresses are ASCII here.
    let text = text.trim().to_ascii_lowercase();
    // Postgres has no NUL in its texts.
    let is_sane = text.len() <= LONGEST_SEARCH && !text.contains('\0');
    if text.chars().count() < SHORTEST_SEARCH || !is_sane {
        let detail = "Send at least three characters of an e-mail address.";
        fields.fault("email", "part_needed", detail);
        return None;
    }
    Some(text)
}

/// The number of the page of what is found that `page` asks for: the first, unless it says.
pub(crate) fn read_page(fields: &mut Fields) -> Option<String> {
    let page = Some(fields.sent("page")).filter(|page| !page.is_empty());
    let page = page.unwrap_or(FIRST_PAGE).to_owned();
    let is_number = page.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && page.len() <= LONGEST_PAGE && !page.starts_with('0') {
        return Some(page);
    }
    fields.fault("page", "malformed", "Send a number from 1 on.");
    None
}

/// To set the role in `role`: a word, because it goes into a header.
///
/// # Errors
/// `validation_failed`.
pub(crate) fn role(mut fields: Fields) -> Result<Deed, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    let is_word = |role: &str| role.len() <= LONGEST_ROLE && role.bytes().all(plain);
    let role = fields.text("role", "Send the name of a role.");
    let role = role.map(str::to_owned);
    if role.as_deref().is_some_and(|role| !is_word(role)) {
        let detail = "A role has up to 64 letters, digits and _ - . : of ASCII.";
        fields.fault("role", "malformed", detail);
    }
    fields.finish(role).map(Deed::Role)
}

/// To end the session with the id `text`.
///
/// # Errors
/// `not_found`.
pub(crate) fn session(text: &str) -> Result<Deed, Failure> {
    let id = SessionId::parse(text).ok_or_else(Failure::not_found)?;
    Ok(Deed::EndSession(id))
}

impl Admin {
    /// The admin's own id.
    pub(crate) fn user_id(&self) -> &str {
        self.signed_in.user_id()
    }

    /// The users whose address, or full name, holds `text`: the `page` of them, and none past the last.
    pub(crate) async fn find<H: Host>(
        &self,
        exchange: &Exchange<'_, H>,
        text: &str,
        page: &str,
    ) -> Result<Vec<User>, Failure> {
        let supabase = exchange.supabase();
        let found = supabase.find_users(text, page, MOST_USERS).await;
        found.map_err(|error| Failure::from_supabase(&error))
    }

    /// The user `user_id`.
    ///
    /// # Errors
    /// `not_found` if there is none.
    pub(crate) async fn user<H: Host>(
        &self,
        exchange: &Exchange<'_, H>,
        user_id: &str,
    ) -> Result<User, Failure> {
        let found = exchange.supabase().find_user(user_id).await;
        let found = found.map_err(|error| Failure::from_supabase(&error))?;
        found.ok_or_else(Failure::not_found)
    }

    /// Does it; see the module on what happens when a step fails.
    ///
    /// # Errors
    /// `own_account`; `not_found` if there is no such user or session, but to delete somebody
    /// twice, or to end the sessions of who is gone, is none. Doing it again is safe.
    pub(crate) async fn does<H: Host>(
        &self,
        exchange: &Exchange<'_, H>,
        user_id: &str,
        deed: &Deed,
    ) -> Result<(), Failure> {
        // (1) Nobody locks themself out: there might be no admin left.
        let changes_rights = deed.changes_rights();
        if changes_rights && user_id == self.user_id() {
            return Err(Failure::own_account());
        }

        // (2) The sessions.
        if let Deed::EndSession(id) = deed {
            return end_session::end_of(exchange, user_id, id, Some(self.user_id())).await;
        }
        if changes_rights || matches!(deed, Deed::EndSessions) {
            end_session::end_all(exchange, user_id, None).await?;
        }

        // (3) What is counted under the address, which nobody knows once the account is gone.
        let attempts: &[Attempt] = match deed {
            Deed::Unlock => &[Attempt::SignIn, Attempt::Code],
            Deed::Delete => &ALL,
            _ => &[],
        };
        if !attempts.is_empty() {
            let forgotten = personal_data::forget_attempts(exchange, user_id, attempts).await;
            forgotten.map_err(|failure| {
                if changes_rights {
                    failure.before_account_change()
                } else {
                    failure
                }
            })?;
        }

        // (4) The account.
        let changed = change(exchange, user_id, deed).await;
        changed.map_err(|error| match error {
            AuthError::UserNotFound => Failure::not_found(),
            error if changes_rights => Failure::from_supabase(&error).before_account_change(),
            error => Failure::from_supabase(&error),
        })?;
        exchange.tell(&Event {
            event: deed.as_str(),
            user_id: Some(user_id),
            actor: Some(self.user_id()),
            detail: deed.role().map(|role| ("role", role)),
            ..Event::default()
        });

        // (5) The sessions that Supabase allowed before it knew.
        if changes_rights {
            let ended = end_session::end_all(exchange, user_id, None).await;
            ended.map_err(Failure::after_account_change)?;
        }

        // (6) What else is stored.
        if matches!(deed, Deed::Delete) {
            let now = exchange.host.now();
            let forgotten = exchange.store().forget_user(user_id, now).await;
            forgotten
                .map_err(|reason| Failure::store_unavailable(reason).after_account_change())?;
        }
        Ok(())
    }

    /// Records that the admin did `event` to what is stored of the user, or, without one, under the address
    /// that was noted.
    pub(crate) fn did<H: Host>(
        &self,
        exchange: &Exchange<'_, H>,
        event: &'static str,
        user_id: &str,
    ) {
        exchange.tell(&Event {
            event,
            user_id: Some(user_id).filter(|id| !id.is_empty()),
            account: exchange.account.borrow().as_deref(),
            actor: Some(self.user_id()),
            ..Event::default()
        });
    }
}

/// Does the part of it that is Supabase's.
async fn change<H: Host>(
    exchange: &Exchange<'_, H>,
    user_id: &str,
    deed: &Deed,
) -> Result<(), AuthError> {
    let supabase = exchange.supabase();
    let change = match deed {
        Deed::EndSession(_) | Deed::EndSessions => return Ok(()),
        Deed::Delete => return supabase.delete_user(user_id).await,
        Deed::Lock => AdminChange::Locked(true),
        Deed::Unlock => AdminChange::Locked(false),
        Deed::Role(role) => AdminChange::Role(role),
    };
    supabase.change_as_admin(user_id, change).await.map(drop)
}
