//! Changing one part of a session, and nothing else of it.

use super::{SessionId, SessionStore, change::Change, keys, record::SealedTokens};
use crate::{
    host::Host,
    redis::{Command, Reply, Unavailable},
    timestamp::Timestamp,
};

/// Puts another text in the place of one that is known, and nowhere else: whatever else of the
/// session has changed meanwhile stays, and one that has ended is not there. Takes the session's
/// key, then the old text and the new.
const SCRIPT: &str = r#"
local session = redis.call("GET", KEYS[1])
local first, last = string.find(session or "", ARGV[1], 1, true)
if not first then return 0 end
session = string.sub(session, 1, first - 1) .. ARGV[2] .. string.sub(session, last + 1)
redis.call("SET", KEYS[1], session, "KEEPTTL")
return 1
"#;

/// The level as it stands in a record; no text of a user's can look like it, because its quotes
/// would be escaped.
const RAISED: &str = r#""aal":"aal2""#;
const NOT_RAISED: &str = r#""aal":"aal1""#;

impl<H: Host> SessionStore<H> {
    /// Gives the session `id` the tokens `new` in place of `old`, if it is still alive and has
    /// those; how long it lives stays the same. Where somebody else was faster, theirs are as good. The
    /// database learns of it when the session is renewed.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not certain.
    pub async fn swap_tokens(
        &self,
        id: &SessionId,
        old: &SealedTokens,
        new: &SealedTokens,
    ) -> Result<(), Unavailable> {
        self.swap(id, &old.to_json(), &new.to_json()).await
    }

    /// Takes its second factor from the session `id`, if it is still alive.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not certain.
    pub async fn lower(&self, id: &SessionId) -> Result<(), Unavailable> {
        self.swap(id, RAISED, NOT_RAISED).await
    }

    /// Notes for the database that every session of the user is being lowered. Before they are: so that
    /// it learns of it even if nobody comes that far.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not certain.
    pub async fn note_lowering(&self, user_id: &str, now: Timestamp) -> Result<(), Unavailable> {
        let Some(database) = &self.database else {
            return Ok(());
        };
        let change = Change::lowered(user_id, now);
        self.redis
            .transaction(&self.keep_commands(Some(&change)))
            .await?;
        self.tell_database(database, &[change]).await;
        Ok(())
    }

    async fn swap(&self, id: &SessionId, old: &str, new: &str) -> Result<(), Unavailable> {
        // Rarely asked for: the text costs less than a name that the server might not know.
        let command = Command::new("EVAL")
            .arg(SCRIPT)
            .arg("1")
            .arg(keys::session(id))
            .arg(old)
            .arg(new);
        match self.redis().command(&command).await? {
            Reply::Integer(_) => Ok(()),
            Reply::Error(_) => Err(Unavailable::Refused),
            _ => Err(Unavailable::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionRecord;

    #[test]
    fn what_is_swapped_stands_in_a_record_once() {
        let mut record = SessionRecord::example(Timestamp::from_seconds(1));
        record.aal = "aal2".into();
        record.email = r#""aal":"aal2""#.into();
        let json = record.to_json();
        assert_eq!(json.matches(RAISED).count(), 1);
        assert_eq!(json.matches(&record.supabase.to_json()).count(), 1);
        let lowered = SessionRecord::from_json(&json.replace(RAISED, NOT_RAISED)).unwrap();
        assert_eq!(lowered.aal, "aal1");
    }
}
